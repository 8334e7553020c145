"""A real OpenSSH server on a free loopback port, as root or as anybody, for tests and benches.

It knows one user, oneself, by one key, and shows one folder. Nothing of the machine's own server
is touched; only the program of the Debian package is used.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from socket import create_connection, create_server
from typing import Any

PROGRAM = Path("/usr/sbin/sshd")
NOT_HERE = "not run: no OpenSSH server here (as root: apt-get install openssh-server)"
_OPTIONS = """\
ListenAddress 127.0.0.1
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 50
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class SftpServer:
    """A running server. folder: its keys; root: what its user sees."""

    folder: Path
    port: int

    @property
    def root(self) -> Path:
        """Where files arrive."""
        return self.folder / "root"

    @property
    def host_key(self) -> str:
        """Its public key, as a partner's file pins it."""
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    def partner(self, **changes: Any) -> dict[str, Any]:
        """The content of a partner's file that reaches it, without what the partner takes."""
        reach = {"host": "127.0.0.1", "port": self.port, "user": getuser()}
        keys = {"host_key": self.host_key, "key_file": str(self.folder / "client")}
        return {"transport": "sftp", **reach, **keys, "timeout_s": 10, **changes}


def make_key(path: Path) -> None:
    """A new key pair, `path` and `path.pub`."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)


@contextmanager
def sftp_server(folder: Path, *, most_bytes: int = 0) -> Iterator[SftpServer]:
    """A server over `folder`; most_bytes: no file there can grow larger, as on a full disk.

    Raises LookupError when no server is installed.
    """
    if not PROGRAM.exists():
        raise LookupError(NOT_HERE)
    server = SftpServer(folder, free_port())
    server.root.mkdir(parents=True)
    for name in ("host", "client"):
        make_key(folder / name)
    process = _started(server, most_bytes)
    try:
        _answering(process, server.port)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _started(server: SftpServer, most_bytes: int) -> subprocess.Popen[bytes]:
    folder = server.folder
    (folder / "authorized_keys").write_bytes((folder / "client.pub").read_bytes())
    (folder / "config").write_text(
        f"Port {server.port}\nHostKey {folder}/host\nPidFile {folder}/pid\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\n"
        f"ForceCommand internal-sftp -d {server.root}\n{_OPTIONS}"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it gives up its rights

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    command = [str(PROGRAM), "-D", "-f", str(folder / "config"), "-E", str(folder / "log")]
    return subprocess.Popen(
        command,
        preexec_fn=limited if most_bytes else None,
        restore_signals=not most_bytes,  # Python ignores SIGXFSZ: the server shall, too
    )


def _answering(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(200):
        assert process.poll() is None, "sshd did not start"
        try:
            create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("sshd does not answer")


def free_port() -> int:
    """A port nobody listens on."""
    with create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])

"""A private PostgreSQL server on a free loopback port, for tests and benches.

As root the server runs as user `postgres` (PostgreSQL refuses root), else as oneself. Nothing of
an installed cluster is touched; only the binaries of the Debian package are used.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_QUICK = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"
_SHOWN = (
    "server_version",
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "shared_buffers",
    "work_mem",
    "max_wal_size",
)


def binaries() -> Path | None:
    """The newest installed server's programs, or None."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None


@dataclass(frozen=True)
class Cluster:
    """A running server; trust authentication, loopback only."""

    programs: Path
    folder: Path
    port: int
    options: str

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy's URL of one of its databases."""
        return f"postgresql+psycopg://echeance@127.0.0.1:{self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        """An administrator's autocommit connection."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="echeance", dbname="postgres", autocommit=True
        )

    def settings(self) -> dict[str, str]:
        """What a published figure must name: version, durability and memory."""
        with self.connect() as connection:
            rows = connection.execute(
                "select name, current_setting(name) from pg_settings where name = any(%s)",
                [list(_SHOWN)],
            )
            return dict(rows.fetchall())

    def start(self) -> None:
        """Start and wait until it answers."""
        listen = f"-p {self.port} -c listen_addresses=127.0.0.1"
        sockets = f"-c unix_socket_directories={self.folder}"
        self._run(
            "pg_ctl", "-w", "-s", "-l", "log", "-o", f"{listen} {sockets} {self.options}", "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is a crash to whoever is connected."""
        self._run("pg_ctl", "-s", "-m", mode, "stop")

    def create(self) -> None:
        """Lay down the empty cluster."""
        self._run("initdb", "-U", "echeance", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")

    def _run(self, program: str, *arguments: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*user, str(self.programs / program), "-D", "data", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """A new server, gone with its files at the end; `durable` keeps fsync, as benches must.

    Raises LookupError when no server is installed.
    """
    programs = binaries()
    if programs is None:
        raise LookupError("no PostgreSQL server under /usr/lib/postgresql")
    folder = _folder()
    server = Cluster(programs, folder, _free_port(), "" if durable else _QUICK)
    try:
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="echeance-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""How fast rows of the outbox reach real local servers, beside paramiko and smtplib used bare.

1 000 files of 128 KiB by SFTP, then as many mails that carry them, each over one connection; the
bare code does the same work over one connection too (`.part`, size compared, renamed; composed,
sent), without rows, leases and tries written down. `python -m tests.bench sending_bench`.
"""

from __future__ import annotations

import io
import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import paramiko
from sqlalchemy import Connection

from integration.database.migrations import upgrade
from tests.integration.outbox.post import Post, opened
from tests.plugins.sftp_server import SftpServer, sftp_server
from tests.plugins.smtp_server import PASSWORD, USER, SmtpServer, smtp_server

ITEMS: Final = 1000
CONTENT: Final = bytes(range(256)) * 512  # 128 KiB
ROUNDS: Final = {"sftp": 5, "smtp": 1}  # the mail server of the tests is slow
TO: Final = "clerc@caisse.example"


@dataclass
class BenchPost(Post):
    """Rows whose bytes cost nothing to make."""

    def contents(
        self, connection: Connection, subjects: list[int], executor: Executor
    ) -> Iterable[bytes]:
        """The same bytes for all."""
        return [CONTENT] * len(subjects)


def run(items: int = ITEMS) -> dict[str, object]:
    """Items a second, medians of rounds that take turns; ratios are to the bare code beside."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sftp_server(folder / "sftp") as files, smtp_server(folder / "smtp") as mails:
            sftp = _compared(
                "sftp", items, lambda: _bare_sftp(files, items), _ours(folder, files, items)
            )
            smtp = _compared(
                "smtp", items, lambda: _bare_smtp(mails, items), _ours(folder, mails, items)
            )
    return {"items": items, "bytes_each": len(CONTENT), "sftp": sftp, "smtp": smtp}


def _compared(
    kind: str, items: int, bare: Callable[[], float], ours: Callable[[], float]
) -> dict[str, object]:
    times = [(bare(), ours()) for _ in range(ROUNDS[kind])]
    bare_s, ours_s = (median(column) for column in zip(*times, strict=True))
    return {
        "bare_per_s": round(items / bare_s, 1),
        "outbox_per_s": round(items / ours_s, 1),
        "ratio": round(median(bare / ours for bare, ours in times), 2),
        "rounds_s": [tuple(round(one, 2) for one in pair) for pair in times],
    }


def _ours(folder: Path, server: SftpServer | SmtpServer, items: int) -> Callable[[], float]:
    """A sending of new rows on a new SQLite database."""

    def sent() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            url = f"sqlite:///{name}/echeance.db"
            upgrade(url)
            with opened(url, Path(name) / "home") as plain:
                post = BenchPost(plain.engine, plain.home)
                to = {} if isinstance(server, SftpServer) else {"to": [TO]}
                post.partner("caisse", server.partner(**to))
                post.put(*(f"{number}.b2" for number in range(items)))
                started = perf_counter()
                assert post.send() == []
                return _arrived(server, items, perf_counter() - started)

    return sent


def _arrived(server: SftpServer | SmtpServer, items: int, seconds: float) -> float:
    """Count what arrived, and make room for the next round."""
    if isinstance(server, SftpServer):
        assert len(list(server.root.iterdir())) == items
        shutil.rmtree(server.root)
        server.root.mkdir()
    else:
        assert len(server.script.accepted) == items
        server.script.accepted.clear()
    return seconds


def _bare_sftp(server: SftpServer, items: int) -> float:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    reach = server.partner()
    started = perf_counter()
    client.connect(
        reach["host"], reach["port"], reach["user"], key_filename=reach["key_file"],
        allow_agent=False, look_for_keys=False,
    )  # fmt: skip
    with client, client.open_sftp() as session:
        for number in range(items):
            session.putfo(io.BytesIO(CONTENT), f".{number}.part")
            session.rename(f".{number}.part", f"{number}.b2")
    return _arrived(server, items, perf_counter() - started)


def _bare_smtp(server: SmtpServer, items: int) -> float:
    context = ssl.create_default_context(cafile=str(server.authorities))
    started = perf_counter()
    with smtplib.SMTP("localhost", server.port) as session:
        session.starttls(context=context)
        session.login(USER, PASSWORD)
        for number in range(items):
            mail = EmailMessage()
            mail["From"], mail["To"] = "facturation@durand.example", TO
            mail["Subject"] = f"{number}.b2"
            mail.set_content(f"Veuillez trouver ci-joint {number}.b2.")
            mail.add_attachment(
                CONTENT, maintype="application", subtype="octet-stream", filename=f"{number}.b2"
            )
            session.send_message(mail)
    return _arrived(server, items, perf_counter() - started)

"""Incoming mail of the funds: a maildir is emptied into files, each mail once.

The mail server delivers into `new/`; what is read moves to `cur/`, flagged S (seen) when its file
was kept, F (flagged) when it was refused. Nothing is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from formats.common.anomaly import AnomaliesFound, Anomaly, Place
from formats.message import Received, ReceivingKey, decoded
from integration.failpoints import reach
from integration.transport.folder import deliver


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail: the file it became, or why it became none. mail: its name in the maildir."""

    mail: str
    file: Path | None
    received: Received | None
    anomalies: tuple[Anomaly, ...] = ()


def fetch(maildir: Path, into: Path, key: ReceivingKey | None = None) -> Iterator[Fetched]:
    """Read every new mail, oldest name first; its file is on disk before the mail moves.

    The name of a file begins with a digest of its message id and content: killed and run again,
    or delivered twice, a mail gives one file.
    """
    for mail in sorted((maildir / "new").iterdir()):
        if mail.is_file():
            yield _fetched(mail, into, key)


def _fetched(mail: Path, into: Path, key: ReceivingKey | None) -> Fetched:
    content = mail.read_bytes()
    try:
        received = decoded(content, key)
    except AnomaliesFound as found:
        _moved(mail, "F")
        here = Place(mail.name)
        return Fetched(mail.name, None, None, tuple(one.at(here) for one in found.anomalies))
    once = hashlib.sha256(received.message_id.encode() + b"\0" + received.content).hexdigest()
    name = f"{once[:16]}-{received.name}"
    deliver(into, name, received.content)
    reach("maildir.kept")
    _moved(mail, "S")
    return Fetched(mail.name, into / name, received)


def _moved(mail: Path, flag: str) -> None:
    name = mail.name.partition(":2,")[0]
    mail.rename(mail.parent.parent / "cur" / f"{name}:2,{flag}")

"""Incoming mail of the funds: a maildir is emptied into files, each mail once.

The mail server delivers into `new/`; what is read moves to `cur/`, flagged S (seen) when its file
was kept, F (flagged) when it was refused. Nothing is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Place
from formats.message import Received, ReceivingKey, decoded
from formats.message.decode import MOST_BYTES, TOO_LARGE
from integration.failpoints import reach
from integration.transport.folder import deliver

MOST_MAIL_BYTES: Final = 2 * MOST_BYTES
"""A mail that carries the largest file, base64 and headers included."""

Reader = Callable[[bytes, ReceivingKey | None], Received]
"""What a mail carries. Raises AnomaliesFound."""

Landing = Callable[[str, Received], Path]
"""The folder where a file goes, by its name and what was received."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One mail and the file it became, or why it became none."""

    mail: Path
    file: Path | None
    received: Received | None
    anomalies: tuple[Anomaly, ...] = ()


def fetch(
    maildir: Path, landing: Landing, key: ReceivingKey | None = None, read: Reader = decoded
) -> Iterator[Fetched]:
    """Read every new mail, oldest name first; its file is on disk before the mail moves.

    The name of a file begins with a digest of its message id and content: killed and run again,
    or delivered twice, a mail gives one file. A refused mail stays in `new/` until the caller has
    taken what is said of it.
    """
    for mail in sorted((maildir / "new").iterdir()):
        if mail.is_file() and not mail.is_symlink():
            yield from _fetched(mail, landing, key, read)


def _fetched(
    mail: Path, landing: Landing, key: ReceivingKey | None, read: Reader
) -> Iterator[Fetched]:
    try:
        received = read(_content(mail), key)
    except AnomaliesFound as found:
        here = Place(mail.name)
        yield Fetched(mail, None, None, tuple(one.at(here) for one in found.anomalies))
        reach("maildir.refused")
        _moved(mail, "F")
        return
    once = hashlib.sha256(received.message_id.encode() + b"\0" + received.content).hexdigest()
    name = f"{once[:16]}-{received.name}"
    into = landing(name, received)
    deliver(into, name, received.content)
    reach("maildir.kept")
    yield Fetched(_moved(mail, "S"), into / name, received)


def _content(mail: Path) -> bytes:
    if mail.stat().st_size > MOST_MAIL_BYTES:
        raise AnomaliesFound(Anomaly(TOO_LARGE, values={"limit": MOST_BYTES}))
    return mail.read_bytes()


def _moved(mail: Path, flag: str) -> Path:
    """To `cur/`, where it stays."""
    name = mail.name.partition(":2,")[0]
    return mail.rename(mail.parent.parent / "cur" / f"{name}:2,{flag}")

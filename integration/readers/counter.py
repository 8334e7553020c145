"""The counters inside a simulated CPS: a try is on disk before the PIN is looked at.

They lie beside the card file, as a chip keeps its own; losing power never gives a try back.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.durable import sync, sync_path
from integration.failpoints import reach
from integration.readers.errors import (
    CPS_BLOCKED,
    NO_UNBLOCK_LEFT,
    NOT_BLOCKED,
    WRONG_PIN,
    WRONG_UNBLOCK_CODE,
    CardRefused,
)
from integration.readers.pin import check_digits
from integration.readers.secret import hashed, matches

BROKEN_COUNTER: Final = Code(
    "TEL-511",
    "Le compteur de la carte simulée « {name} » est illisible.",
    "Rétablissez sa sauvegarde ; la carte reste fermée tant qu'il manque.",
)
MOST_TRIES: Final = 3
MOST_UNBLOCKS: Final = 10


@dataclass(frozen=True, slots=True)
class Counters:
    """tries_left: wrong PINs in a row before the block; pin: the hash chosen at an unblock."""

    tries_left: int = MOST_TRIES
    unblocks_left: int = MOST_UNBLOCKS
    pin: str = ""

    @property
    def blocked(self) -> bool:
        """Whether only the issuer's code helps."""
        return not self.tries_left


@dataclass(frozen=True, slots=True)
class Chip:
    """The part of a card that counts. file: where; pin, unblock_code: hashes of the card file."""

    file: Path
    pin: str
    unblock_code: str

    def counters(self) -> Counters:
        """As on disk; a card never used has them full. Raises AnomaliesFound (TEL-511)."""
        try:
            kept = Counters(**json.loads(self.file.read_text("utf-8")))
        except FileNotFoundError:
            return Counters()
        except (ValueError, TypeError):
            raise self._broken() from None
        if not (0 <= kept.tries_left <= MOST_TRIES and 0 <= kept.unblocks_left <= MOST_UNBLOCKS):
            raise self._broken()
        return kept

    def try_pin(self, pin: str) -> None:
        """Count a try, then look. Raises CardRefused: F003 wrong, F002 blocked."""
        with self._alone():
            before = self.counters()
            if before.blocked:
                raise CardRefused(CPS_BLOCKED)
            counted = replace(before, tries_left=before.tries_left - 1)
            self._keep(counted)
            reach("card.try.counted")
            if matches(pin, before.pin or self.pin):
                self._keep(replace(before, tries_left=MOST_TRIES))
                return
        if counted.blocked:
            raise CardRefused(CPS_BLOCKED)
        raise CardRefused(WRONG_PIN, f"essais restants : {counted.tries_left}")

    def unblock(self, code: str, new_pin: str) -> None:
        """Give a blocked card three tries and a new PIN; each use counts, right or wrong.

        Raises AnomaliesFound: TEL-503 not a PIN, TEL-512 not blocked, TEL-513 wrong code, TEL-514
        ten uses made.
        """
        check_digits(new_pin)
        with self._alone():
            before = self.counters()
            if not before.blocked:
                raise AnomaliesFound(Anomaly(NOT_BLOCKED))
            if not before.unblocks_left:
                raise AnomaliesFound(Anomaly(NO_UNBLOCK_LEFT))
            counted = replace(before, unblocks_left=before.unblocks_left - 1)
            self._keep(counted)
            reach("card.unblock.counted")
            if not matches(code, self.unblock_code):
                left = {"left": counted.unblocks_left}
                raise AnomaliesFound(Anomaly(WRONG_UNBLOCK_CODE, values=left))
            self._keep(replace(counted, tries_left=MOST_TRIES, pin=hashed(new_pin)))

    def _broken(self) -> AnomaliesFound:
        return AnomaliesFound(Anomaly(BROKEN_COUNTER, values={"name": self.file.stem}))

    def _keep(self, counters: Counters) -> None:
        written = self.file.with_suffix(".new")
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(json.dumps(asdict(counters)).encode())
            file.flush()
            sync(file.fileno(), self.file)
        written.replace(self.file)
        sync_path(self.file.parent)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One try at a time on a card, whatever the number of processes."""
        handle = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

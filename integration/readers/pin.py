"""The holder's PIN: where it comes from, and the mark left on disk before it is tried.

Three wrong tries block a card, and a machine that insists burns them in a second. So the only way
to the digits is `Pin.spend`, which marks the try on disk first: while a mark stands, because the
PIN was wrong or nobody knows, only a person at the terminal may try again (ecosystem F35).
"""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.durable import sync_path
from integration.failpoints import reach
from integration.readers.errors import CardRefused

NO_SECOND_TRY: Final = Code(
    "TEL-502",
    "Le dernier code porteur présenté était faux ou resté sans réponse.",
    "Vérifiez le code, puis tapez-le vous-même : « echeance card read --ask ».",
)
NO_PIN: Final = Code(
    "TEL-503",
    "Aucun code porteur utilisable n'est donné : {cause}.",
    "Tapez-le au terminal, ou indiquez dans cards.pin_file un fichier en droits 0600.",
)

MARK_NAME: Final = "card-attempt"
_SHAPE: Final = re.compile(r"[0-9]{4,8}")


def _unusable(cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(NO_PIN, values={"cause": cause}))


def check_digits(digits: str) -> None:
    """Raise AnomaliesFound (TEL-503) unless a PIN has this form: 4 to 8 digits."""
    if not _SHAPE.fullmatch(digits):
        raise _unusable("il lui faut 4 à 8 chiffres")


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN that may be tried. typed: a person has just typed it; mark: the file of the try.

    Raises AnomaliesFound (TEL-503) unless it has 4 to 8 digits: no card is asked then.
    """

    digits: str = field(repr=False)
    typed: bool
    mark: Path

    def __post_init__(self) -> None:
        check_digits(self.digits)

    @contextmanager
    def spend(self) -> Iterator[str]:
        """The digits, for one try; the mark is on disk before they are given.

        It goes when the try succeeds, or when the reader refuses before asking the card. Raises
        AnomaliesFound (TEL-502) when an earlier mark stands and nobody typed this PIN.
        """
        first = _marked_first(self.mark)
        if not first and not self.typed:
            raise AnomaliesFound(Anomaly(NO_SECOND_TRY))
        reach("card.try.marked")
        try:
            yield self.digits
        except CardRefused as refused:
            if first and not refused.error.after_pin:
                remove_durably(self.mark)
            raise
        remove_durably(self.mark)


def pin_from_file(file: Path, mark: Path) -> Pin:
    """The PIN of a file, as a machine tries it.

    Raises AnomaliesFound (TEL-503) when it can't be read or others may read it.
    """
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise _unusable(f"le fichier ne s'ouvre pas ({type(error).__name__})") from None
    with os.fdopen(handle, "rb") as opened:
        if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
            raise _unusable("d'autres peuvent lire le fichier")
        text = opened.read(64)
    return Pin(text.decode("ascii", "replace").strip(), typed=False, mark=mark)


def pin_of(settings: Settings, *, ask: bool = False) -> Pin:
    """The PIN of `cards.pin_file`; else, or when asked for, typed at the terminal.

    Raises AnomaliesFound (TEL-503) when there is neither.
    """
    mark = settings.folders.state / MARK_NAME
    if settings.cards.pin_file and not ask:
        return pin_from_file(settings.folders.home / settings.cards.pin_file, mark)
    return Pin(typed_secret("Code porteur de la carte CPS : "), typed=True, mark=mark)


def forget_try(settings: Settings) -> None:
    """Take the mark of an earlier try away: a person has just made the card well again."""
    remove_durably(settings.folders.state / MARK_NAME)


def typed_secret(prompt: str) -> str:
    """What a person types at the terminal, unseen. Raises AnomaliesFound (TEL-503) without one."""
    if not sys.stdin.isatty():
        raise _unusable("personne n'est au terminal")
    return getpass.getpass(prompt)


def _marked_first(mark: Path) -> bool:
    """Leave the mark, durably; whether it is ours rather than an earlier try's."""
    try:
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    sync_path(mark.parent)
    return True


def remove_durably(path: Path) -> None:
    """Remove a file; gone from the disk when it returns."""
    path.unlink(missing_ok=True)
    sync_path(path.parent)

"""What a zone of a fixed-width record is: the words that declare one, and permitted characters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Mark(Enum):
    """How sure we are of a field: seen in a source, from memory, guessed."""

    SEEN = "S"
    MEMORY = "M"
    GUESS = "G"


class Kind(Enum):
    """How a field's columns carry its value."""

    TEXT = "texte"
    DIGITS = "chiffres"
    NUMBER = "nombre"
    CENTS = "centimes"
    DAY = "date AAMMJJ"
    CONSTANT = "constante"
    BLANK = "blanc"


S: Final = Mark.SEEN
M: Final = Mark.MEMORY
G: Final = Mark.GUESS


class _Absent(Enum):
    ABSENT = "obligatoire"


ABSENT: Final = _Absent.ABSENT

QUOTED_COLUMNS: Final = 5
"""The widest unreadable zone that is quoted: a birth date takes six columns."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One field of a record; columns are 1-based and inclusive, as norms print them."""

    start: int
    length: int
    kind: Kind
    mark: Mark
    label: str
    name: str = ""
    default: object = ABSENT
    personal: bool = False
    expected: str = ""
    century: int = 2000
    source: str = ""  # initial of the document that says so

    @property
    def end(self) -> int:
        """Last column."""
        return self.start + self.length - 1

    @property
    def mandatory(self) -> bool:
        """True for presence O."""
        return self.default is ABSENT

    @property
    def fixed(self) -> bool:
        """True for constants and blanks, which hold no value."""
        return self.kind in (Kind.CONSTANT, Kind.BLANK)

    @property
    def must_be_filled(self) -> bool:
        """True when a blank text, or a day of zeros, is refused."""
        if self.kind is Kind.DAY:
            return self.default is not None
        return self.kind is Kind.TEXT and self.mandatory

    @property
    def columns(self) -> slice:
        """Where its characters are in the record."""
        return slice(self.start - 1, self.end)

    @property
    def shown(self) -> str:
        """Its name as anomalies print it."""
        return self.label or self.name


def text(
    start: int,
    length: int,
    mark: Mark,
    label: str,
    *,
    default: object = ABSENT,
    personal: bool = False,
) -> Any:
    """Alphanumeric. Mandatory means not blank."""
    return Zone(start, length, Kind.TEXT, mark, label, default=default, personal=personal)


def digits(
    start: int,
    length: int,
    mark: Mark,
    label: str,
    *,
    default: object = ABSENT,
    personal: bool = False,
) -> Any:
    """Digits that identify rather than count: kept as text, all columns, zeros allowed."""
    return Zone(start, length, Kind.DIGITS, mark, label, default=default, personal=personal)


def number(start: int, length: int, mark: Mark, label: str, *, default: object = ABSENT) -> Any:
    """Unsigned integer."""
    return Zone(start, length, Kind.NUMBER, mark, label, default=default)


def cents(start: int, length: int, mark: Mark, label: str, *, default: object = ABSENT) -> Any:
    """Unsigned amount; `length` counts all digits: 7 is the norm's 5+2."""
    return Zone(start, length, Kind.CENTS, mark, label, default=default)


def day(
    start: int, mark: Mark, label: str, *, default: object = ABSENT, century: int = 2000
) -> Any:
    """Date AAMMJJ in the hundred years from `century`; facultative only with `default=None`.

    Business dates use 2000-2099. Birth dates may be lunar or impossible: declare them `digits`.
    """
    return Zone(start, 6, Kind.DAY, mark, label, default=default, century=century)


def constant(start: int, length: int, expected: str, mark: Mark = S, label: str = "") -> Any:
    """Always the same characters."""
    return Zone(start, length, Kind.CONSTANT, mark, label, expected=expected)


def blank(start: int, length: int, mark: Mark = S, label: str = "Filler") -> Any:
    """Reserved columns, always blank."""
    return Zone(start, length, Kind.BLANK, mark, label, expected=" " * length)


# -- characters --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charset:
    """Which bytes a family of records allows in its text columns."""

    allowed: frozenset[int]
    plain: bool  # texts are made upper-case and unaccented before they are written


_LOWER_AND_QUOTES = {*range(97, 123), *b"',-\""}
PLAIN: Final = Charset(frozenset(set(range(32, 127)) - _LOWER_AND_QUOTES), plain=True)
"""Upper case, no accent, apostrophe, comma, hyphen nor quote (B2, reference §1.1)."""
LATIN: Final = Charset(frozenset({*range(32, 127), *range(161, 256)}), plain=False)
"""Printable Latin-1: what funds really send."""

_ACCENTS = "ÀÂÄÁÃÅÇÉÈÊËÍÌÎÏÑÓÒÔÖÕÚÙÛÜÝŸ"
_LETTERS = "AAAAAACEEEEIIIINOOOOOUUUUYY"
_PLAIN_TABLE = {
    **dict(zip(_ACCENTS, _LETTERS, strict=True)),
    **dict.fromkeys("'’‘`´,-‐‑–—\"«»“”\u00a0\u202f\t", " "),
    **dict.fromkeys("\u0300\u0301\u0302\u0303\u0308\u030a\u0327", ""),
    "Œ": "OE",
    "Æ": "AE",
    "°": "O",
}
_TO_PLAIN: Final = str.maketrans(_PLAIN_TABLE)


def plain(value: str) -> str:
    """Upper-case unaccented form by a fixed table; characters it doesn't know are kept."""
    return value.upper().translate(_TO_PLAIN)

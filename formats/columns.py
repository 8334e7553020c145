"""One zone of many records at once: what is written in it, and back.

A *cell* is the text of one zone in one record. Each kind of zone says how one value becomes a
cell, how one cell is read, and what is wrong with either. Whole columns go fast in two ways:

- what has few values (numbers, amounts, days, short codes) is looked up. A value and its cell
  enter the table once, after the cell has been read back and compared with the value;
- what has many (identifiers, names) is checked as one string. No person is kept.

A column whose values are all alike, as many are in a file, is written as one cell for all.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import repeat
from operator import itemgetter
from typing import Any, Final

from formats.zones import ABSENT, Charset, Kind, Mark, Zone, plain

LOOKED_UP_COLUMNS: Final = 5
"""The widest text or digits kept in memory: a birth date takes six columns."""
KEPT: Final = 50_000
"""Pairs of value and cell a table holds before it is emptied, so memory stays flat."""

_BETWEEN: Final = "\0"  # no charset allows it

Cells = str | Sequence[str]
"""A cell for each record, or the one that all of them share."""


class _Kept(dict[Any, Any]):
    """What a function gave, by its argument; what it refuses isn't kept."""

    def __init__(self, make: Callable[[Any], object]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: object) -> object:
        made = self._make(key)
        if len(self) >= KEPT:
            self.clear()
        self[key] = made
        return made


def _looked_up(table: _Kept, keys: Sequence[Any]) -> Sequence[Any]:
    """What is kept for each; an `itemgetter` of many gives them in one call."""
    return itemgetter(*keys)(table) if len(keys) > 1 else [table[key] for key in keys]


class Column(ABC):
    """One zone of one kind of record."""

    def __init__(self, zone: Zone, charset: Charset) -> None:
        self._zone = zone
        self._charset = charset
        self._cells = _Kept(self.cell)
        self._values = _Kept(self._meaning)

    @abstractmethod
    def complaint(self, piece: str) -> str:
        """Why `piece` can't be what the zone holds; empty when it can."""

    @abstractmethod
    def settle(self, value: Any) -> tuple[Any, str]:
        """The value as it will read back, and why the zone can't hold it; empty when it can."""

    @abstractmethod
    def _rendered(self, settled: Any) -> str:
        """The columns of a settled value."""

    @abstractmethod
    def _meaning(self, piece: str) -> Any:
        """The value of columns nothing is wrong with."""

    @property
    @abstractmethod
    def pattern(self) -> str:
        """Matches the cells that can be read; a day still has to exist."""

    def settled(self, value: Any) -> Any:
        """The value as it will read back; raises ValueError when the zone can't hold it."""
        settled, reason = self.settle(value)
        if reason:
            raise ValueError(reason)
        return settled

    def cell(self, value: Any) -> str:
        """The columns of one settled value, which read back as it; else raises ValueError."""
        if self.settled(value) != value:
            raise ValueError("la valeur se lira autrement")
        cell = self._rendered(value)
        if len(cell) != self._zone.length or self.complaint(cell) or self._meaning(cell) != value:
            raise AssertionError(f"{self._zone.kind.value} doesn't read back as it was written")
        return cell

    def write(self, values: Sequence[Any]) -> Cells:
        """The cells of values; raises TypeError or ValueError when one won't read back as is."""
        first = values[0]
        if first == values[-1] and values.count(first) == len(values):
            return self._written((first,))[0]
        return self._written(values)

    def _written(self, values: Sequence[Any]) -> Sequence[str]:
        """A cell for each value."""
        return _looked_up(self._cells, values)

    def read(self, cells: Sequence[str]) -> Sequence[Any]:
        """A value for each cell that matches the pattern; raises ValueError for no day."""
        return _looked_up(self._values, cells)


class _Fixed(Column):
    """A constant or blanks, which hold no value: what is written or read of them is None."""

    def complaint(self, piece: str) -> str:
        expected = self._zone.expected
        return "" if piece == expected else f"« {expected.strip()} » est attendu"

    def settle(self, value: Any) -> tuple[Any, str]:
        return value, ""

    def _rendered(self, settled: Any) -> str:
        return self._zone.expected

    def _meaning(self, piece: str) -> Any:
        return None

    @property
    def pattern(self) -> str:
        return re.escape(self._zone.expected)


class _Text(Column):
    """Left-justified, blank-filled; read without its trailing blanks."""

    def __init__(self, zone: Zone, charset: Charset) -> None:
        super().__init__(zone, charset)
        self._allowed = bytes(charset.allowed)
        self._no_allowed = dict.fromkeys(charset.allowed)

    def complaint(self, piece: str) -> str:
        if piece.translate(self._no_allowed):
            return "un caractère n'est pas permis"
        blank = self._zone.mandatory and not piece.strip(" ")
        return "la zone est obligatoire" if blank else ""

    def settle(self, value: Any) -> tuple[Any, str]:
        if type(value) is not str:
            return value, "un texte est attendu"
        value = self._spelt(value)
        if len(value) > self._zone.length:
            return value, f"dépasse {self._zone.length} caractères"
        return value, self.complaint(self._rendered(value))

    def _spelt(self, value: str) -> str:
        foreign = self._charset.plain and value.translate(self._no_allowed)
        return (plain(value) if foreign else value).rstrip(" ")

    def _rendered(self, settled: Any) -> str:
        return str(settled).ljust(self._zone.length)

    def _meaning(self, piece: str) -> Any:
        return piece.rstrip(" ")

    @property
    def pattern(self) -> str:
        letters = "".join(re.escape(chr(byte)) for byte in sorted(self._charset.allowed))
        filled = f"(?! {{{self._zone.length}}})" if self._zone.mandatory else ""
        return f"{filled}([{letters}]{{{self._zone.length}}})"

    def _written(self, values: Sequence[Any]) -> Sequence[str]:
        if self._zone.length <= LOOKED_UP_COLUMNS:
            return _looked_up(self._cells, values)
        joined = _BETWEEN.join((*values, "")).encode("latin-1")
        between = b"\0" * len(values)
        if joined.translate(None, self._allowed) != between:
            raise ValueError("un caractère n'est pas permis")
        if b" \0" in joined:
            raise ValueError("une valeur se lira autrement")
        if joined[self._zone.length :: self._zone.length + 1] == between:
            return values  # each ends where the next begins: all have the length of the zone
        return self._filled(values)

    def _filled(self, values: Sequence[str]) -> Sequence[str]:
        """The cells of values of permitted characters, some shorter than the zone."""
        lengths = set(map(len, values))
        if max(lengths) > self._zone.length or (self._zone.mandatory and 0 in lengths):
            raise ValueError("une valeur ne tient pas")
        return list(map(str.ljust, values, repeat(self._zone.length)))

    def read(self, cells: Sequence[str]) -> Sequence[Any]:
        # A bare rstrip also takes 0x85 and 0xA0; no charset allows them, so only blanks go.
        return list(map(str.rstrip, cells))


class _Digits(_Text):
    """Digits that identify: all columns, zeros ahead of a shorter value."""

    def __init__(self, zone: Zone, charset: Charset) -> None:
        super().__init__(zone, charset)
        self._allowed = b"0123456789"

    def complaint(self, piece: str) -> str:
        return _digits_complaint(piece)

    def _spelt(self, value: str) -> str:
        return value.zfill(self._zone.length)

    def _meaning(self, piece: str) -> Any:
        return piece

    @property
    def pattern(self) -> str:
        return _digits_pattern(self._zone)

    def _filled(self, values: Sequence[str]) -> Sequence[str]:
        raise ValueError("des chiffres manquent ou dépassent")

    def read(self, cells: Sequence[str]) -> Sequence[Any]:
        return cells


class _Number(Column):
    """Right-justified, zero-filled."""

    def complaint(self, piece: str) -> str:
        return _digits_complaint(piece)

    def settle(self, value: Any) -> tuple[Any, str]:
        if type(value) is not int:
            return value, "un entier est attendu"
        if value < 0:
            return value, "le nombre est négatif"
        fits = len(str(value)) <= self._zone.length
        return value, "" if fits else f"dépasse {self._zone.length} chiffres"

    def _rendered(self, settled: Any) -> str:
        return str(settled).zfill(self._zone.length)

    def _meaning(self, piece: str) -> Any:
        return int(piece)

    @property
    def pattern(self) -> str:
        return _digits_pattern(self._zone)

    def write(self, values: Sequence[Any]) -> Cells:
        if set(map(type, values)) != {int}:  # 1.0 and True would find the cell of 1
            raise TypeError("un entier est attendu")
        return super().write(values)


class _Day(Column):
    """AAMMJJ within one window of a hundred years; zeros for none when facultative."""

    def complaint(self, piece: str) -> str:
        if wrong := _digits_complaint(piece):
            return wrong
        if piece == "000000":
            return "la date est obligatoire" if self._zone.must_be_filled else ""
        try:
            self._meaning(piece)
        except ValueError:
            return "la date n'existe pas"
        return ""

    def settle(self, value: Any) -> tuple[Any, str]:
        if value is None and not self._zone.must_be_filled:
            return value, ""
        if type(value) is not date:
            return value, "une date est attendue"
        century = self._zone.century
        within = century <= value.year < century + 100
        return value, "" if within else f"la date sort de {century}-{century + 99}"

    def _rendered(self, settled: Any) -> str:
        return f"{settled:%y%m%d}" if settled else "000000"

    def _meaning(self, piece: str) -> Any:
        if piece == "000000":
            return None
        year = int(piece[:2]) + self._zone.century - self._zone.century % 100
        year += 100 if year < self._zone.century else 0
        return date(year, int(piece[2:4]), int(piece[4:]))

    @property
    def pattern(self) -> str:
        return _digits_pattern(self._zone)

    def read(self, cells: Sequence[str]) -> Sequence[Any]:
        days = super().read(cells)
        if self._zone.must_be_filled and None in days:
            raise ValueError("la date est obligatoire")
        return days


def _digits_complaint(piece: str) -> str:
    return "" if piece.isascii() and piece.isdigit() else "des chiffres sont attendus"


def _digits_pattern(zone: Zone) -> str:
    return f"([0-9]{{{zone.length}}})"


_COLUMNS: Final[dict[Kind, type[Column]]] = {
    Kind.TEXT: _Text,
    Kind.DIGITS: _Digits,
    Kind.NUMBER: _Number,
    Kind.CENTS: _Number,
    Kind.DAY: _Day,
    Kind.CONSTANT: _Fixed,
    Kind.BLANK: _Fixed,
}


def column(zone: Zone, charset: Charset) -> Column:
    """The column of a zone; zones that hold the same things the same way share one."""
    default = ABSENT if zone.mandatory else None if zone.default is None else ""
    shape = replace(
        zone, start=1, mark=Mark.SEEN, label="", name="", default=default, personal=False, source=""
    )
    return _shared(shape, charset)


@cache
def _shared(shape: Zone, charset: Charset) -> Column:
    return _COLUMNS[shape.kind](shape, charset)

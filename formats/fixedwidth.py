"""Fixed-width records: declared once, one line a field, read and written from that table.

    @record("6", 128, B2_CHARSET)
    class BatchEnd:
        _1 = constant(1, 1, "6")
        sender: str = digits(2, 9, S, "N° partenaire de santé + clé")
        ...
        _55 = blank(55, 74)

A table that leaves a gap, overlaps or doesn't total its length raises `TypeError` when its module
is imported. Records are immutable tuples with named fields. A field without `default` is
mandatory (presence O of the norms); one with a default is facultative (F).

| kind     | in the file                           | in the record                              |
|----------|---------------------------------------|--------------------------------------------|
| text     | left-justified, blank-filled          | `str` without its trailing blanks          |
| digits   | digits that identify, all columns     | `str` of exactly that length               |
| number   | right-justified, zero-filled          | `int`                                      |
| cents    | idem, last two digits are cents       | `int` cents                                |
| day      | AAMMJJ                                | `date`, or None for zeros when facultative |
| constant, blank | always the same                | nothing                                    |

How it goes fast: records of one kind are read and written together, zone after zone
(`formats/columns.py`). A group in which something is wrong is halved until what is wrong stands
alone; naming each of its columns is the slow path.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as _with
from datetime import date
from functools import cached_property
from itertools import groupby, repeat
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar, dataclass_transform, get_type_hints

from formats.columns import Cells, Column, column
from formats.common.anomaly import MASKED, AnomaliesFound, Anomaly, Code, Place
from formats.zones import (
    ABSENT,
    LATIN,
    PLAIN,
    QUOTED_COLUMNS,
    Charset,
    G,
    Kind,
    M,
    Mark,
    S,
    Zone,
    blank,
    cents,
    constant,
    day,
    digits,
    number,
    plain,
    text,
)

__all__ = [
    "ABSENT", "LATIN", "LENGTH", "PLAIN", "UNREADABLE", "UNWRITABLE", "Charset", "G", "Kind",
    "Layout", "M", "Mark", "Norm", "S", "Zone", "amended", "blank", "cents", "changed", "constant",
    "day", "decode", "digits", "encode", "encode_all", "layout", "number", "plain", "record",
    "settled", "text", "zones",
]  # fmt: skip

R = TypeVar("R")

LENGTH = Code(
    "FMT-001",
    "L'enregistrement {record} fait {found} octet(s) au lieu de {length}.",
    "Vérifiez que le fichier est entier et sans retour à la ligne ajouté.",
)
UNREADABLE = Code(
    "FMT-002",
    "Enregistrement {record}, zone « {zone} » : {reason} (lu « {value} »).",
    "Demandez un fichier corrigé à son émetteur.",
)
UNWRITABLE = Code(
    "FMT-003",
    "Enregistrement {record}, zone « {zone} » : {reason} (valeur « {value} »).",
    "Corrigez la donnée d'origine : rien n'est jamais tronqué.",
)


# -- one record --------------------------------------------------------------------------------


class Layout(Generic[R]):
    """A compiled table: reads and writes one kind of record."""

    def __init__(
        self, name: str, length: int, charset: Charset, zones: Sequence[Zone], french: str = ""
    ) -> None:
        _check_columns(name, length, zones)
        self.name: Final = name
        self.french: Final = french
        self.length: Final = length
        self.charset: Final = charset
        self.zones: Final = tuple(zones)
        self.fields: Final = tuple(zone for zone in zones if not zone.fixed)
        self.names: Final = tuple(zone.name for zone in self.fields)
        self.cls: type[R]
        self._make: Callable[[Iterable[Any]], R]
        self._columns: Final = [column(zone, charset) for zone in zones]
        self._pattern: Final = re.compile("".join(column.pattern for column in self._columns))
        self._fixed: Final = [zone.expected if zone.fixed else None for zone in zones]
        self._held: Final = [
            (zone, column)
            for zone, column in zip(zones, self._columns, strict=True)
            if not zone.fixed
        ]

    # Reading

    def read(self, raw: bytes) -> R | None:
        """The record, or None when something is wrong: `explain` then says what."""
        (found,) = self.read_each([raw]) if len(raw) == self.length else [None]
        return found

    def read_each(self, raws: Sequence[bytes]) -> list[R | None]:
        """What `read` gives for each raw record; every one must have the record's length."""
        together = self.read_many(raws) if raws else []
        if together is not None:
            return list(together)
        if len(raws) == 1:
            return [None]
        half = len(raws) // 2
        return self.read_each(raws[:half]) + self.read_each(raws[half:])

    def read_many(self, raws: Sequence[bytes]) -> list[R] | None:
        """What `read` gives for each; None when one of them is wrong."""
        found = self._pattern.findall(b"".join(raws).decode("latin-1"))
        # As many matches of the whole length as records: none can be shifted.
        if len(found) != len(raws):
            return None
        rows = found if len(self._held) > 1 else [(one,)[: len(self._held)] for one in found]
        try:
            values = [
                column.read(cells)
                for (_, column), cells in zip(self._held, zip(*rows, strict=True), strict=True)
            ]
        except ValueError:
            return None
        return self._records(values, len(raws))

    def _records(self, values: Sequence[Sequence[Any]], count: int) -> list[R]:
        """Records from the columns of their values."""
        rows = zip(*values, strict=True) if values else repeat((), count)
        return list(map(tuple.__new__, repeat(self.cls), rows))  # type: ignore[arg-type]

    def explain(self, raw: bytes, place: Place) -> tuple[Anomaly, ...]:
        """Everything wrong with `raw`; empty exactly when `read` gives a record."""
        if len(raw) != self.length:
            values = {"record": self.name, "found": len(raw), "length": self.length}
            return (Anomaly(LENGTH, place, values),)
        line = raw.decode("latin-1")
        pairs = zip(self.zones, self._columns, strict=True)
        complaints = [(zone, column.complaint(line[zone.columns])) for zone, column in pairs]
        wrong = [(zone, reason) for zone, reason in complaints if reason]
        # A shifted record shows a person's columns under other names: one wrong zone that holds
        # a value, too short to be a person's, is quoted; anything else isn't.
        quoted = len(wrong) == 1 and not wrong[0][0].fixed and wrong[0][0].length <= QUOTED_COLUMNS
        return tuple(
            self._anomaly(UNREADABLE, zone, reason, line[zone.columns] if quoted else MASKED, place)
            for zone, reason in wrong
        )

    def _anomaly(self, code: Code, zone: Zone, reason: str, value: object, place: Place) -> Anomaly:
        shown = MASKED if zone.personal else value
        values = {"record": self.name, "zone": zone.shown, "reason": reason, "value": shown}
        return Anomaly(code, _at(place, zone), values)

    # Writing

    def write_many(self, items: Sequence[Any]) -> Written | None:
        """The characters of each, read back; None when a value doesn't fit: `settle` says which."""
        columns = list(zip(*items, strict=True))
        try:
            written = [
                _written(column, values)
                for (_, column), values in zip(self._held, columns, strict=True)
            ]
        except (TypeError, ValueError):
            return None
        if any(values is not own for (values, _), own in zip(written, columns, strict=True)):
            items = self._records([values for values, _ in written], len(items))
        cells = self._with_fixed(cells for _, cells in written)
        rows = _joined(cells, len(items))
        self._check_read_back(rows, cells)
        return Written(rows, items)

    def _with_fixed(self, held: Iterable[Cells]) -> list[Cells]:
        """The cells of every zone in order, constants and blanks too."""
        following = iter(held)
        return [next(following) if fixed is None else fixed for fixed in self._fixed]

    def _check_read_back(self, rows: Sequence[str], cells: Sequence[Cells]) -> None:
        """Each cell, whose column knows what it says, must stand in the columns of its zone.

        Columns are compared one by one for all records: a stride of the length of a record.
        """
        content = "".join(rows).encode("latin-1")
        wrong = set(map(len, rows)) != {self.length}
        for zone, those in zip(self.zones, cells, strict=True):
            asked = "".join(those).encode("latin-1")
            times = len(rows) if _shared(those) else 1
            for at in range(zone.length):
                found = content[zone.start - 1 + at :: self.length]
                wrong = wrong or found != asked[at :: zone.length] * times
        if wrong:
            raise AssertionError(f"{self.name} doesn't read back as it was written")

    def settle(self, item: Any, place: Place) -> R:
        """The same record as it will read back: plain texts, digits filled with zeros.

        Raises AnomaliesFound with every field that doesn't fit.
        """
        settled = [
            (zone, value, *column.settle(value))
            for (zone, column), value in zip(self._held, item, strict=True)
        ]
        found = [
            self._anomaly(UNWRITABLE, zone, reason, value, place)
            for zone, value, _, reason in settled
            if reason
        ]
        if found:
            raise AnomaliesFound(*found)
        return self._make(after for _, _, after, _ in settled)


class Written(NamedTuple):
    """Records in characters, and as they will read back: those asked, or in plain characters."""

    rows: list[str]
    items: Sequence[Any]


def _joined(cells: Sequence[Cells], count: int) -> list[str]:
    """Records from the cells of their columns; what neighbours share is joined once for all."""
    columns: list[Iterable[str]] = []
    for shared, run in groupby(cells, _shared):
        those = list(run)
        columns += [repeat("".join(map(str, those)), count)] if shared else those
    return list(map("".join, zip(*columns, strict=True)))


def _shared(cells: Cells) -> bool:
    """Is it one cell for all records?"""
    return type(cells) is str


def _written(column: Column, values: Sequence[Any]) -> tuple[Sequence[Any], Cells]:
    """A column as it will read back, and its cells; raises when a value doesn't fit."""
    try:
        return values, column.write(values)
    except ValueError:
        values = list(map(column.settled, values))
        return values, column.write(values)


_LAYOUTS: dict[type, Layout[Any]] = {}


def layout(cls: type[R]) -> Layout[R]:
    """The compiled table of a record class."""
    return _LAYOUTS[cls]


def _check_columns(name: str, length: int, zones: Sequence[Zone]) -> None:
    following = 1
    for zone in zones:
        if zone.start != following:
            raise TypeError(f"{name}.{zone.name} starts at {zone.start}, expected {following}")
        if zone.kind is Kind.CONSTANT and len(zone.expected) != zone.length:
            raise TypeError(f"{name}.{zone.name} doesn't hold « {zone.expected} »")
        following = zone.end + 1
    if following != length + 1:
        raise TypeError(f"{name} ends at {following - 1}, expected {length}")


def _at(place: Place, zone: Zone) -> Place:
    return _with(place, start=place.start + zone.start, end=place.start + zone.end)


# -- record classes ----------------------------------------------------------------------------


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(text, digits, number, cents, day)
)
def record(
    name: str,
    length: int,
    charset: Charset,
    *,
    french: str = "",
    source: str = "",
    elsewhere: Mapping[str, range] = MappingProxyType({}),
) -> Callable[[type[R]], type[R]]:
    """Make a record class from its table; refuse, at import, a table that doesn't add up.

    `source` is the document that gives the columns; `elsewhere` names another for some of them.
    """

    def cited(zone: Zone) -> str:
        return next((s for s, columns in elsewhere.items() if zone.start in columns), source)

    def build(cls: type[R]) -> type[R]:
        own = [(n, z) for n, z in vars(cls).items() if isinstance(z, Zone)]
        zones = [_with(z, name=n, source=cited(z)) for n, z in own]
        table: Layout[R] = Layout(name, length, charset, zones, french)
        _check_annotations(cls, table)
        made = _record_class(cls, table)
        table.cls, table._make = made, made._make  # type: ignore[attr-defined]
        _LAYOUTS[made] = table
        return made

    return build


def amended(cls: type[R], changes: Mapping[str, Mapping[str, object]]) -> Layout[R]:
    """Another version's table of the same record: some zones have other columns, marks, sources.

    `changes` is by field, `*` for all of them. Refuses, at import, what doesn't add up.
    """
    base = layout(cls)
    if unknown := set(changes) - {zone.name for zone in base.zones} - {"*"}:
        raise TypeError(f"{base.name} has no {', '.join(sorted(unknown))}")
    moved = [_with(z, **{**changes.get("*", {}), **changes.get(z.name, {})}) for z in base.zones]  # type: ignore[arg-type]
    moved.sort(key=attrgetter("start"))
    table: Layout[R] = Layout(base.name, base.length, base.charset, moved, base.french)
    if table.names != base.names:
        raise TypeError(f"{base.name} may not order its fields otherwise")
    table.cls, table._make = base.cls, base._make
    return table


def _record_class(cls: type[R], table: Layout[R]) -> type[R]:
    """A named tuple with keyword-only, defaulted construction."""
    defaults = {zone.name: zone.default for zone in table.fields if not zone.mandatory}
    expected = len(table.names)

    def create(made: Any, **values: Any) -> Any:
        full = defaults | values
        if len(full) != expected:
            missing = sorted(set(table.names) ^ set(full))
            raise TypeError(f"{cls.__name__}: missing or unknown {', '.join(missing)}")
        return tuple.__new__(made, map(full.__getitem__, table.names))

    body = {"__slots__": (), "__new__": create, "__doc__": cls.__doc__}
    body |= {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    body |= {name: own for name, own in vars(cls).items() if isinstance(own, property)}
    base = namedtuple(cls.__name__, table.names)  # type: ignore[misc]
    return type(cls.__name__, (base,), body)


_TYPES: Final[dict[Kind, object]] = {
    Kind.TEXT: str,
    Kind.DIGITS: str,
    Kind.NUMBER: int,
    Kind.CENTS: int,
}


def _check_annotations(cls: type, table: Layout[Any]) -> None:
    """What mypy believes must be what the table gives."""
    hints = get_type_hints(cls)
    for zone in table.fields:
        expected = _TYPES.get(zone.kind, date | None if zone.default is None else date)
        if hints.get(zone.name) != expected:
            raise TypeError(f"{table.name}.{zone.name} is annotated {hints.get(zone.name)}")
    if extra := set(hints) - set(table.names):
        raise TypeError(f"{table.name} annotates {', '.join(sorted(extra))}, which hold no value")


@dataclass(frozen=True)
class Norm:
    """One version of a family of records."""

    name: str  # as files print it
    french: str
    tables: tuple[Layout[Any], ...]  # in the order of the norm

    @cached_property
    def by_name(self) -> Mapping[str, Layout[Any]]:
        """Tables by the name the norm gives to their record."""
        return {table.name: table for table in self.tables}

    @cached_property
    def by_class(self) -> Mapping[type, Layout[Any]]:
        """Tables by the class of their record."""
        return {table.cls: table for table in self.tables}


# -- reading and writing -----------------------------------------------------------------------


def zones(cls: type) -> tuple[Zone, ...]:
    """Every column of a record class, in norm order: what `format show` prints."""
    return _LAYOUTS[cls].zones


def decode(cls: type[R], raw: bytes, place: Place = Place()) -> R:  # noqa: B008 - immutable
    """Read one record, or raise AnomaliesFound with everything wrong in it."""
    table = layout(cls)
    found = table.read(raw)
    if found is None:
        raise AnomaliesFound(*table.explain(raw, place))
    return found


def encode(item: object, place: Place = Place()) -> bytes:  # noqa: B008 - immutable
    """Write one record, or raise AnomaliesFound with every value that doesn't fit."""
    table = _LAYOUTS[type(item)]
    written = table.write_many([item])
    if written is None:
        raise AnomaliesFound(*_refusals(table, [(item, place)]))
    return written.rows[0].encode("latin-1")


def encode_all(
    items: Iterable[object],
    place: Place = Place(),  # noqa: B008 - immutable
    tables: Mapping[type, Layout[Any]] = _LAYOUTS,
) -> bytes:
    """Write records run on; raise with all anomalies of all of them.

    Lines are numbered after that of `place`: from 1 by default.
    """
    return "".join(write_all(list(items), place, tables).rows).encode("latin-1")


def write_all(items: Sequence[object], place: Place, tables: Mapping[type, Layout[Any]]) -> Written:
    """What `encode_all` writes, record by record, and the records as they will read back."""
    kinds, groups = _by_kind(items)
    found: list[Anomaly] = []
    written: dict[type, Written] = {}
    for kind, group in groups.items():
        those = tables[kind].write_many(group)
        if those is None:
            first = place.line + 1
            places = [_with(place, line=n) for n, k in enumerate(kinds, first) if k is kind]
            found += _refusals(tables[kind], zip(group, places, strict=True))
        else:
            written[kind] = those
    if found:
        raise AnomaliesFound(*sorted(found, key=lambda anomaly: anomaly.place.line))
    rows = _in_order(kinds, {kind: iter(those.rows) for kind, those in written.items()})
    if all(those.items is groups[kind] for kind, those in written.items()):
        return Written(rows, items)
    return Written(rows, _in_order(kinds, {k: iter(those.items) for k, those in written.items()}))


def _by_kind(items: Sequence[object]) -> tuple[list[type], dict[type, list[Any]]]:
    """The kind of each, and those of each kind."""
    kinds = list(map(type, items))
    groups: dict[type, list[Any]] = {kind: [] for kind in kinds}
    for kind, item in zip(kinds, items, strict=True):
        groups[kind].append(item)
    return kinds, groups


def _in_order(kinds: Sequence[type], following: Mapping[type, Iterator[Any]]) -> list[Any]:
    """One after the other, each from those of its kind."""
    return list(map(next, map(following.__getitem__, kinds)))


def _refusals(table: Layout[Any], placed: Iterable[tuple[object, Place]]) -> list[Anomaly]:
    """What doesn't fit in each record of a group where something doesn't."""
    found: list[Anomaly] = []
    for item, place in placed:
        try:
            table.settle(item, place)
        except AnomaliesFound as refused:
            found += refused.anomalies
    if not found:
        raise AssertionError(f"{table.name} neither writes its records nor says why")
    return found


def settled(item: R) -> R:
    """The record as it will read back once written; raises AnomaliesFound if it doesn't fit."""
    return layout(type(item)).settle(item, Place())


def changed(item: R, **values: Any) -> R:
    """A copy of a record with some fields replaced."""
    return item._replace(**values)  # type: ignore[attr-defined, no-any-return]

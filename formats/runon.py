"""Records of one length run on without line ends: cut, read and named, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count, islice
from typing import Any, BinaryIO, Final, Protocol

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.fixedwidth import LENGTH, Layout, Norm, Written, layout, write_all
from formats.report import Report

UNKNOWN = Code(
    "FMT-101",
    "Le type d'enregistrement « {type} » est inconnu.",
    "Vérifiez que le fichier est bien au format annoncé et sans retour à la ligne.",
)
MISPLACED = Code(
    "FMT-102",
    "Un enregistrement {record} ne peut pas suivre {previous}.",
    "Vérifiez l'ordre des enregistrements chez l'émetteur.",
)
UNENDED = Code(
    "FMT-103",
    "Le fichier ne se termine pas par un enregistrement {record}.",
    "Demandez le fichier entier : la fin manque.",
)

LENGTH_BYTES: Final = 128
"""Bytes of every record. Reference §1.1."""
_RECORDS_A_READ: Final = 512
_RECORDS_A_WRITE: Final = 2048


class _Judging(Protocol):
    """What writing needs of a judge."""

    def take_all(self, items: Iterable[Any]) -> None: ...

    def report(self) -> Report: ...


TableOf = Callable[[bytes], "Layout[Any] | None"]
Followers = Mapping["type | None", "set[type]"]


def records_in(
    stream: BinaryIO, table_of: TableOf, found: list[Anomaly], file: str = ""
) -> Iterator[Any]:
    """Every record in order, None for one that can't be read; what is wrong is added to `found`.

    An anomaly is added just before its record is given. Holds at most 128 kB of the stream.
    `file` is the bare name anomalies print.
    """
    line = 0
    pending = b""
    while chunk := stream.read(LENGTH_BYTES * _RECORDS_A_READ):
        pending += chunk
        whole = len(pending) - len(pending) % LENGTH_BYTES
        raws = _raws(pending, whole)
        tables = list(map(table_of, raws))
        for raw, table, item in zip(raws, tables, _read(raws, tables), strict=True):
            line += 1
            if item is None:
                found += explain(raw, table, place_of(file, line))
            yield item
        pending = pending[whole:]
    if pending:
        found += explain(pending, table_of(pending), place_of(file, line + 1))
        yield None


def write_checked(items: Iterable[object], norm: Norm, table_of: TableOf, judge: _Judging) -> bytes:
    """Records run on; raises AnomaliesFound with what doesn't fit, else with what breaks a rule.

    Tables read back what they write, each kind is found again as what it is, and every record is
    judged as it will read back. Records stay few at a time.
    """
    remaining = iter(items)
    refused: list[Anomaly] = []
    content: list[bytes] = []
    for first in count(0, _RECORDS_A_WRITE):
        asked = list(islice(remaining, _RECORDS_A_WRITE))
        if not asked:
            break
        try:
            written = write_all(asked, Place(line=first), norm.by_class)
        except AnomaliesFound as wrong:
            refused += wrong.anomalies
        else:
            _check_found_again(written, norm, table_of)
            judge.take_all(written.items)
            content.append("".join(written.rows).encode("latin-1"))
    refused = refused or list(judge.report().anomalies)
    if refused:
        raise AnomaliesFound(*refused)
    return b"".join(content)


def _check_found_again(written: Written, norm: Norm, table_of: TableOf) -> None:
    """The reader must take the first record of each kind for what it is, or read the same in it.

    Only constants and digits tell kinds apart, so the others of its kind are found as it is.
    """
    kinds = list(map(type, written.items))
    for kind in dict.fromkeys(kinds):
        first, own = kinds.index(kind), norm.by_class[kind]
        raw = written.rows[first].encode("latin-1")
        table = table_of(raw)
        if table is not own and (table is None or table.read(raw) != written.items[first]):
            raise AssertionError(f"a record {own.name} isn't read as it was written")


def _raws(content: bytes, whole: int) -> list[bytes]:
    return [content[at : at + LENGTH_BYTES] for at in range(0, whole, LENGTH_BYTES)]


def _read(raws: list[bytes], tables: list[Layout[Any] | None]) -> Iterator[Any]:
    """Typed records in order; those of one kind are read together."""
    groups: dict[Layout[Any] | None, list[bytes]] = {table: [] for table in tables}
    for table, raw in zip(tables, raws, strict=True):
        groups[table].append(raw)
    following = {table: iter(_read_group(table, group)) for table, group in groups.items()}
    return map(next, map(following.__getitem__, tables))


def _read_group(table: Layout[Any] | None, group: list[bytes]) -> list[Any]:
    return [None] * len(group) if table is None else table.read_each(group)


def explain(raw: bytes, table: Layout[Any] | None, place: Place) -> tuple[Anomaly, ...]:
    """Everything wrong with one raw record; `table` is None when its type is unknown."""
    if len(raw) != LENGTH_BYTES:
        name = table.name if table else "?"
        values = {"record": name, "found": len(raw), "length": LENGTH_BYTES}
        return (Anomaly(LENGTH, place, values),)
    if table is None:
        kind = _printable(raw[:1])
        return (Anomaly(UNKNOWN, place, {"record": kind, "type": kind}),)
    return table.explain(raw, place)


def place_of(file: str, line: int) -> Place:
    """Record number and byte offset: there are no line ends."""
    return Place(file, line, pointer=f"octet {(line - 1) * LENGTH_BYTES}")


def misplaced(previous: type | None, item: object, place: Place) -> Anomaly:
    """What to say of an `item` that may not follow a `previous`."""
    before = "le début du fichier" if previous is None else f"un {layout(previous).name}"
    return Anomaly(MISPLACED, place, {"record": layout(type(item)).name, "previous": before})


def unended(record: str, place: Place) -> Anomaly:
    """What to say of a file whose last record isn't a `record`."""
    return Anomaly(UNENDED, place, {"record": record})


def _printable(raw: bytes) -> str:
    return raw.decode("latin-1") if 32 < raw[0] < 127 else f"0x{raw[0]:02X}"

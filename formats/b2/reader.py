"""From the bytes to typed records, one at a time, and to the tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from formats.b2.alike import alike
from formats.b2.model import (
    B2File,
    Batch,
    Beneficiary,
    Detail,
    Invoice,
    Line,
    Practitioners,
    Supplement,
)
from formats.b2.v062007 import (
    RECORDS,
    BatchEnd,
    BatchStart,
    FileEnd,
    FileStart,
    InvoiceEnd,
    InvoiceStart,
    InvoiceSupplement,
    LineDetail,
    LinePractitioners,
    LineSupplement,
    ServiceLine,
)
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.fixedwidth import LENGTH, Layout, layout

LENGTH_BYTES: Final = 128
"""Bytes of every record; records run on without line ends. Reference §1.1."""
_RECORDS_A_READ: Final = 512

UNKNOWN = Code(
    "FMT-101",
    "Le type d'enregistrement « {type} » est inconnu.",
    "Vérifiez que le fichier est bien au format B2 et sans retour à la ligne.",
)
MISPLACED = Code(
    "FMT-102",
    "Un enregistrement {record} ne peut pas suivre {previous}.",
    "Vérifiez l'ordre des enregistrements chez l'émetteur.",
)

_LAYOUTS: Final[dict[str, Layout[Any]]] = {name: layout(cls) for name, cls in RECORDS.items()}
_BY_FIRST_BYTE: Final = {
    ord(name[0]): table for name, table in _LAYOUTS.items() if not name[1:].isalpha()
}
_HEAD, _LINE, _NINE = b"249"
_HEAD_COMPLEMENTS: Final = {ord("S"): _LAYOUTS["2S"]}
_LINE_COMPLEMENTS: Final = {ord(name[1]): _LAYOUTS[name] for name in ("4S", "4E", "4F")}

_AFTER_LINE: Final = {ServiceLine, InvoiceEnd}
FOLLOWERS: Final[dict[type | None, set[type]]] = {
    None: {FileStart},
    FileStart: {BatchStart},
    BatchStart: {InvoiceStart},
    InvoiceStart: {InvoiceSupplement, ServiceLine},
    InvoiceSupplement: {ServiceLine},
    ServiceLine: {LineSupplement, LinePractitioners, LineDetail} | _AFTER_LINE,
    LineSupplement: {LinePractitioners, LineDetail} | _AFTER_LINE,
    LinePractitioners: {LineDetail} | _AFTER_LINE,
    LineDetail: {LineDetail} | _AFTER_LINE,
    InvoiceEnd: {InvoiceStart, BatchEnd},
    BatchEnd: {BatchStart, FileEnd},
    FileEnd: set(),
}
"""Which record may follow which. Reference §1.1: order of complements, file, batch, invoice."""


def detect(head: bytes) -> bool:
    """Does a file that begins so look like B2? A missing or damaged 000 doesn't fool it."""
    if head[:1] == b"1":
        return head[69:71] == b"B2"
    return head[:3] == b"000" and (head[65:67] == b"B2" or head[197:199] == b"B2")


def layout_of(raw: bytes) -> Layout[Any] | None:
    """The table of a raw record, from its type and complement (column 36 or 39)."""
    first = raw[0]
    if first == _LINE and len(raw) > 35 and raw[35] > _NINE:
        return _LINE_COMPLEMENTS.get(raw[35])
    if first == _HEAD and len(raw) > 38 and raw[38] > _NINE:
        return _HEAD_COMPLEMENTS.get(raw[38])
    return _BY_FIRST_BYTE.get(first)


def records_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[Any]:
    """Every record in order, None for one that can't be read; what is wrong is added to `found`.

    Holds at most 64 kB of the stream. `file` is the bare name anomalies print.
    """
    line = 0
    pending = b""
    while chunk := stream.read(LENGTH_BYTES * _RECORDS_A_READ):
        pending += chunk
        whole = len(pending) - len(pending) % LENGTH_BYTES
        for offset in range(0, whole, LENGTH_BYTES):
            line += 1
            raw = pending[offset : offset + LENGTH_BYTES]
            table = layout_of(raw)
            item = table.read(raw) if table else None
            if item is None:
                found += explain(raw, place_of(file, line))
            yield item
        pending = pending[whole:]
    if pending:
        found += explain(pending, place_of(file, line + 1))
        yield None


def explain(raw: bytes, place: Place) -> tuple[Anomaly, ...]:
    """Everything wrong with one raw record."""
    table = layout_of(raw)
    if len(raw) != LENGTH_BYTES:
        values = {"record": table.name if table else "?", "found": len(raw), "length": 128}
        return (Anomaly(LENGTH, place, values),)
    if table is None:
        return (Anomaly(UNKNOWN, place, {"type": _printable(raw[:1])}),)
    return table.explain(raw, place)


def place_of(file: str, line: int) -> Place:
    """Record number and byte offset: B2 has no line ends."""
    return Place(file, line, pointer=f"octet {(line - 1) * LENGTH_BYTES}")


def misplaced(previous: type | None, item: object, place: Place) -> Anomaly | None:
    """An anomaly when the norm doesn't let `item` follow a `previous`."""
    if type(item) in FOLLOWERS[previous]:
        return None
    before = "le début du fichier" if previous is None else f"un {layout(previous).name}"
    return Anomaly(MISPLACED, place, {"record": layout(type(item)).name, "previous": before})


def _printable(raw: bytes) -> str:
    return raw.decode("latin-1") if 32 < raw[0] < 127 else f"0x{raw[0]:02X}"


# -- the tree ----------------------------------------------------------------------------------


def read(stream: BinaryIO, file: str = "") -> B2File:
    """The whole file as a tree, in memory; raises AnomaliesFound when it can't be one.

    Readable and in order is all it asks: sums, keys and dates are `check`'s. Columns that a
    supplier leaves blank or zero (hospital stay, prevention, forcing) aren't in the tree; whoever
    needs them takes the records of `records_in`.
    """
    found: list[Anomaly] = []
    items = []
    previous: type | None = None
    for line, item in enumerate(records_in(stream, found, file), start=1):
        if item is not None:
            wrong = misplaced(previous, item, place_of(file, line)) if previous != _LOST else None
            found += [wrong] if wrong else []
        previous = type(item) if item is not None else _LOST
        items.append(item)
    if previous is not FileEnd:
        found.append(Anomaly(UNENDED, place_of(file, len(items))))
    if found:
        raise AnomaliesFound(*found)
    return _file(items)


class _LOST:
    """Stands for a record that couldn't be read: what follows it isn't judged."""


UNENDED = Code(
    "FMT-103",
    "Le fichier ne se termine pas par un enregistrement 999.",
    "Demandez le fichier entier : la fin manque.",
)


def _file(items: list[Any]) -> B2File:
    start: FileStart = items[0]
    groups = _cut(items[1:-1], BatchStart)
    version = groups[0][0].version
    batches = tuple(map(_batch, groups))
    return alike(B2File, start, sender=start.sender[5:], version=version, batches=batches)


def _cut(items: list[Any], head: type) -> list[list[Any]]:
    """Groups that each begin with a `head`."""
    groups: list[list[Any]] = []
    for item in items:
        if type(item) is head:
            groups.append([])
        groups[-1].append(item)
    return groups


def _batch(items: list[Any]) -> Batch:
    start: BatchStart = items[0]
    groups = _cut(items[1:-1], InvoiceStart)
    invoices = tuple(_invoice(group, start.sender) for group in groups)
    return alike(Batch, start, number=int(start.number), invoices=invoices)


def _invoice(items: list[Any], sender: str) -> Invoice:
    start: InvoiceStart = items[0]
    extended = type(items[1]) is InvoiceSupplement
    groups = _cut(items[1 + extended : -1], ServiceLine)
    return alike(
        Invoice,
        start,
        number=start.invoice,
        biller="" if start.biller == sender else start.biller,
        beneficiary=_beneficiary(items[1]) if extended else None,
        lines=tuple(_line(group, start.biller) for group in groups),
    )


def _beneficiary(item: InvoiceSupplement) -> Beneficiary:
    return alike(Beneficiary, item, nir=item.own_nir, nir_key=item.own_nir_key)


def _line(items: list[Any], biller: str) -> Line:
    start: ServiceLine = items[0]
    by_type = {type(item): item for item in items}
    supplement = by_type.get(LineSupplement)
    practitioners = by_type.get(LinePractitioners)
    return alike(
        Line,
        start,
        executant="" if start.executant == biller else start.executant,
        supplement=alike(Supplement, supplement) if supplement else None,
        practitioners=alike(Practitioners, practitioners) if practitioners else None,
        details=tuple(alike(Detail, item) for item in items if type(item) is LineDetail),
    )

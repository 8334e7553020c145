"""From the bytes to typed records, one at a time, and to the tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, TypeVar

from formats.b2.alike import alike
from formats.b2.grammar import FOLLOWERS, Tables
from formats.b2.model import (
    Analysis,
    B2File,
    Batch,
    Beneficiary,
    Detail,
    Drug,
    Invoice,
    Line,
    Practitioners,
    Prescriber,
    Prescription,
    Procedure,
    Stay,
    StayMaterial,
    StayMedicine,
    Supplement,
)
from formats.b2.v062007 import (
    BatchStart,
    FileEnd,
    FileStart,
    InvoiceStart,
    InvoiceSupplement,
    LineAnalyses,
    LineDetail,
    LineDrug,
    LinePractitioners,
    LineProcedure,
    LineSupplement,
    ServiceLine,
    StayDetail,
    StayDrug,
    StayLine,
    StayPrescriber,
    StaySupplement,
)
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.runon import misplaced, place_of, unended
from formats.runon import records_in as _records_in

T = TypeVar("T")


def detect(head: bytes) -> bool:
    """Does a file that begins so look like B2? A missing or damaged 000 doesn't fool it."""
    if head[:1] == b"1":
        return head[69:71] == b"B2"
    return head[:3] == b"000" and (head[65:67] == b"B2" or head[197:199] == b"B2")


def records_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[Any]:
    """Every record in order, None for one that can't be read; what is wrong is added to `found`.

    Holds at most 128 kB of the stream. `file` is the bare name anomalies print.
    """
    return _records_in(stream, Tables(), found, file)


# -- the tree ----------------------------------------------------------------------------------


def read(stream: BinaryIO, file: str = "") -> B2File:
    """The whole file as a tree, in memory; raises AnomaliesFound when it can't be one.

    Readable and in order is all it asks: sums, keys and dates are `check`'s. Stays come before
    lines in the tree, whatever their order in the file. Columns that nobody fills (prevention,
    forcing) aren't in it; whoever needs them takes the records of `records_in`.
    """
    found: list[Anomaly] = []
    items = []
    previous: type | None = None
    for line, item in enumerate(records_in(stream, found, file), start=1):
        if item is not None and previous is not _LOST and type(item) not in FOLLOWERS[previous]:
            found.append(misplaced(previous, item, place_of(file, line)))
        previous = type(item) if item is not None else _LOST
        items.append(item)
    if previous is not FileEnd:
        found.append(unended("999", place_of(file, len(items))))
    if found:
        raise AnomaliesFound(*found)
    return _file(items)


class _LOST:
    """Stands for a record that couldn't be read: what follows it isn't judged."""


def _file(items: list[Any]) -> B2File:
    start: FileStart = items[0]
    groups = _cut(items[1:-1], BatchStart)
    version = groups[0][0].version
    batches = tuple(map(_batch, groups))
    return alike(B2File, start, sender=start.sender[5:], version=version, batches=batches)


def _cut(items: list[Any], *heads: type) -> list[list[Any]]:
    """Groups that each begin with one of `heads`."""
    groups: list[list[Any]] = []
    for item in items:
        if type(item) in heads:
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
    groups = _cut(items[1 + extended : -1], StayLine, ServiceLine)
    return alike(
        Invoice,
        start,
        number=start.invoice,
        biller="" if start.biller == sender else start.biller,
        beneficiary=_beneficiary(items[1]) if extended else None,
        stays=tuple(_stay(group) for group in groups if type(group[0]) is StayLine),
        lines=tuple(_line(group) for group in groups if type(group[0]) is ServiceLine),
    )


def _beneficiary(item: InvoiceSupplement) -> Beneficiary:
    return alike(Beneficiary, item, nir=item.own_nir, nir_key=item.own_nir_key)


def _stay(items: list[Any]) -> Stay:
    return alike(
        Stay,
        items[0],
        prescription=next(_all(Prescription, StaySupplement, items), None),
        prescriber=next(_all(Prescriber, StayPrescriber, items), None),
        materials=tuple(_all(StayMaterial, StayDetail, items)),
        medicines=tuple(_all(StayMedicine, StayDrug, items)),
    )


def _line(items: list[Any]) -> Line:
    start: ServiceLine = items[0]
    return alike(
        Line,
        start,
        executant="" if start.executant == start.biller else start.executant,
        supplement=next(_all(Supplement, LineSupplement, items), None),
        practitioners=next(_all(Practitioners, LinePractitioners, items), None),
        analyses=tuple(a for item in items if type(item) is LineAnalyses for a in _analyses(item)),
        details=tuple(_all(Detail, LineDetail, items)),
        drugs=tuple(_all(Drug, LineDrug, items)),
        procedures=tuple(_all(Procedure, LineProcedure, items)),
    )


def _all(cls: type[T], kind: type, items: list[Any]) -> Iterator[T]:
    """What the complements of one kind say."""
    return (alike(cls, item) for item in items if type(item) is kind)


def _analyses(item: LineAnalyses) -> Iterator[Analysis]:
    """The analyses of a 4B; columns without a day are empty."""
    for rank in range(1, 6):
        done_on = getattr(item, f"done_on_{rank}")
        if done_on:
            quantity, code = getattr(item, f"quantity_{rank}"), getattr(item, f"code_{rank}")
            yield Analysis(code=code, done_on=done_on, quantity=quantity)

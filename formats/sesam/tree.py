"""From the tree to the bytes and back; counters and totals are computed here, nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from formats.b2.alike import alike
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.runon import LENGTH_BYTES, misplaced, place_of, unended, write_checked
from formats.sesam import model
from formats.sesam import records as r
from formats.sesam.check import Checker, in_order, records_in, table_of

_HEADS: Final = (r.SheetStart, r.ClaimStart)


def write(sesam_file: model.SesamFile) -> bytes:
    """The whole file, read back and checked. Raises AnomaliesFound if it would be refused.

    A version we don't know raises KeyError.
    """
    norm = r.VERSIONS[sesam_file.version]
    return write_checked(records(sesam_file), norm, table_of, Checker())


def records(sesam_file: model.SesamFile) -> Iterator[object]:
    """Typed records of the file in order, counters and totals filled."""
    yield alike(r.FileStart, sesam_file)
    written = 2
    for batch in sesam_file.batches:
        items = _batch_records(sesam_file.sender, batch)
        yield from items
        written += len(items)
    yield alike(r.FileEnd, sesam_file, batches=len(sesam_file.batches), records=written)


def batches_in(content: bytes) -> Iterator[tuple[r.BatchStart, bytes]]:
    """Each lot of a sound file with its exact bytes, SVL to SVM: what the card signs."""
    start = 0
    for at in range(0, len(content), LENGTH_BYTES):
        head = content[at : at + 3]
        if head == b"SVL":
            start = at
        elif head == b"SVM":
            raw = content[start : start + LENGTH_BYTES]
            table = table_of(raw)
            item = table.read(raw) if table else None
            if item is not None:
                yield item, content[start : at + LENGTH_BYTES]


def _batch_records(sender: str, batch: model.Batch) -> list[Any]:
    number = f"{batch.batch:03d}"
    items: list[Any] = [alike(r.BatchStart, batch, sender=sender, batch=number, kind=batch.kind)]
    for sheet in batch.sheets:
        items += _sheet_records(sheet)
    ends = [item for item in items if type(item) is r.SheetEnd]
    items.append(
        r.BatchEnd(
            batch=number,
            sheets=len(ends),
            records=len(items) + 1,
            total_cents=sum(end.total_cents for end in ends),
            amo_cents=sum(end.amo_cents for end in ends),
            amc_cents=sum(end.amc_cents for end in ends),
        )
    )
    return items


def _sheet_records(sheet: model.Sheet | model.Claim) -> Iterator[object]:
    """Head, CPS, VIT, AMC, services, FIN: all repeat the number."""
    own = {"invoice": sheet.number}
    yield alike(r.SheetStart if isinstance(sheet, model.Sheet) else r.ClaimStart, sheet, **own)
    yield alike(r.Provider, sheet.provider, **own)
    if sheet.rights:
        yield alike(r.Rights, sheet.rights, **own)
    if sheet.complementary:
        yield alike(r.Complementary, sheet.complementary, **own)
    for rank, service in enumerate(sheet.services, start=1):
        line = {"line": f"{rank:03d}"} | own
        yield alike(r.Service, service, **line)
        for sequence, product in enumerate(service.products, start=1):
            yield alike(r.Product, product, **line, sequence=f"{sequence:02d}")
    total = sum(service.total_cents for service in sheet.services)
    amo = sum(service.amo_cents for service in sheet.services)
    yield r.SheetEnd(
        **own,
        services=len(sheet.services),
        total_cents=total,
        amo_cents=amo,
        amc_cents=sum(service.amc_cents for service in sheet.services),
        insured_cents=total - amo,
    )


# -- reading -----------------------------------------------------------------------------------


def read(stream: BinaryIO, file: str = "") -> model.SesamFile:
    """The whole file as a tree, in memory; raises AnomaliesFound when it can't be one.

    Readable and in order is all it asks: sums, keys and dates are `check`'s.
    """
    found: list[Anomaly] = []
    items: list[Any] = []
    previous: type | None = None
    head: type | None = None
    for line, item in enumerate(records_in(stream, found, file), start=1):
        if item is None:
            continue
        head = type(item) if type(item) in _HEADS else head
        if not in_order(previous, type(item), head) and len(items) == line - 1:
            found.append(misplaced(previous, item, place_of(file, line)))
        items.append(item)
        previous = type(item)
    if previous is not r.FileEnd:
        found.append(unended("SVZ", place_of(file, max(len(items), 1))))
    if found:
        raise AnomaliesFound(*found)
    batches = tuple(map(_batch, _cut(items[1:-1], r.BatchStart)))
    return alike(model.SesamFile, items[0], batches=batches)


def _cut(items: list[Any], *heads: type) -> list[list[Any]]:
    """Groups that each begin with one of `heads`; what comes before them is left out."""
    groups: list[list[Any]] = []
    for item in items:
        if type(item) in heads:
            groups.append([])
        if groups:
            groups[-1].append(item)
    return groups


def _batch(items: list[Any]) -> model.Batch:
    start: r.BatchStart = items[0]
    sheets = tuple(map(_sheet, _cut(items[1:-1], *_HEADS)))
    return alike(model.Batch, start, batch=int(start.batch), sheets=sheets)


def _sheet(items: list[Any]) -> model.Sheet | model.Claim:
    known = {type(item): item for item in items}
    cls: type = model.Sheet if r.SheetStart in known else model.Claim
    rights, amc = known.get(r.Rights), known.get(r.Complementary)
    sheet: model.Sheet | model.Claim = alike(
        cls,
        items[0],
        number=items[0].invoice,
        provider=alike(model.Provider, known[r.Provider]),
        rights=alike(model.Rights, rights) if rights else None,
        complementary=alike(model.Complementary, amc) if amc else None,
        services=tuple(map(_service, _cut(items, r.Service))),
    )
    return sheet


def _service(items: list[Any]) -> model.Service:
    products = tuple(alike(model.Product, item) for item in items if type(item) is r.Product)
    return alike(model.Service, items[0], products=products)

"""From the tree to the bytes: counters and totals computed, lines split, everything read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

from formats.b2.alike import alike
from formats.b2.check import check
from formats.b2.model import B2File, Batch, Invoice, Line
from formats.b2.reader import records_in
from formats.b2.v062007 import (
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
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.fixedwidth import encode_all, settled

MAX_AMC_CENTS = 999_999
"""AMC share of one type 4, 4+2 digits. Reference §1.3, type 4."""
MAX_QUANTITY = 99
"""Quantity of one type 4 or 4F, two digits. Reference §1.3."""
MAX_LINES = 999
"""Lines of one invoice. Reference §1.1."""


def write(b2_file: B2File) -> bytes:
    """The whole file, records run on. Raises AnomaliesFound if it would be refused.

    Guarantees that the bytes read back as what was asked, and break no rule of `check`.
    """
    asked = list(records(b2_file))
    content = encode_all(asked)
    if not _reads_back(asked, content):
        raise AssertionError("a B2 file doesn't read back as it was written")
    report = check(BytesIO(content))
    if not report.sound:
        raise AnomaliesFound(*report.anomalies)
    return content


def _reads_back(asked: list[object], content: bytes) -> bool:
    """Does every record come back as asked, or as asked in plain characters?"""
    found: list[Anomaly] = []
    written = list(records_in(BytesIO(content), found))
    if found or list(map(type, written)) != list(map(type, asked)):
        return False
    pairs = zip(asked, written, strict=True)
    return all(item == back or settled(item) == back for item, back in pairs)


def records_of(invoice: Invoice) -> int:
    """How many records the invoice takes, its types 2 and 5 included, once its lines are split."""
    return sum(1 for _ in _invoice_records(invoice, "0" * 9))


def records(b2_file: B2File) -> Iterator[object]:
    """Typed records of the file in order, counters and totals filled."""
    body = [item for batch in b2_file.batches for item in _batch_records(b2_file, batch)]
    sender = b2_file.sender.zfill(14)
    yield alike(FileStart, b2_file, sender=sender)
    yield from body
    counts = {"records": len(body) + 2, "batches": len(b2_file.batches)}
    yield alike(FileEnd, b2_file, sender=sender, **counts)


def split_line(line: Line) -> tuple[Line, ...]:
    """The line, or several of at most 99 units and 9 999.99 € of AMC share, same totals.

    Amounts are shared in proportion of units, cumulatively, so that no cent is lost. A single
    unit that is too dear is cut into equal parts (guess: the norm only says to cut in two). A
    line whose one LPP detail doesn't count the same units is left whole, and won't fit.
    """
    if any(detail.quantity != line.quantity for detail in line.details):
        return (line,)
    fewest = max(-(-line.quantity // MAX_QUANTITY), -(-line.amc_cents // MAX_AMC_CENTS), 1)
    for count in range(fewest, MAX_LINES + 1):
        parts = _parts(line, count)
        if all(part.amc_cents <= MAX_AMC_CENTS for part in parts):
            return parts
    return (line,)


def _parts(line: Line, parts: int) -> tuple[Line, ...]:
    if parts == 1:
        return (line,)
    units = max(line.quantity, parts)
    bounds = [units * part // parts for part in range(parts + 1)]
    return tuple(_part(line, low, high, units) for low, high in pairwise(bounds))


def _part(line: Line, low: int, high: int, units: int) -> Line:
    """Units `low`..`high` of a line of `units`: each amount is the difference of two shares."""

    def share(amount: int) -> int:
        return amount * high // units - amount * low // units

    price = line.unit_price_cents if units == line.quantity else share(line.unit_price_cents)
    return replace(
        line,
        quantity=high - low,
        unit_price_cents=price,
        base_cents=share(line.base_cents),
        amo_cents=share(line.amo_cents),
        total_cents=share(line.total_cents),
        amc_cents=share(line.amc_cents),
        details=tuple(
            replace(
                detail,
                quantity=high - low,
                price_cents=detail.price_cents if units == line.quantity else price,
                total_cents=share(detail.total_cents),
            )
            for detail in line.details
        ),
    )


def _batch_records(b2_file: B2File, batch: Batch) -> Iterator[object]:
    own = {"sender": b2_file.sender, "number": f"{batch.number:03d}"}
    yield alike(BatchStart, batch, **own, norm=b2_file.norm, version=b2_file.version)
    for invoice in batch.invoices:
        yield from _invoice_records(invoice, b2_file.sender)
    yield _batch_end(batch, **own)


def _batch_end(batch: Batch, **own: str) -> BatchEnd:
    lines = [line for invoice in batch.invoices for line in _lines(invoice)]
    people = {(i.nir, i.birth_date, i.birth_rank) for i in batch.invoices}
    return alike(
        BatchEnd,
        batch,
        **own,
        insured=len({nir for nir, _, _ in people}),
        lines=len(lines),
        invoices=len(batch.invoices),
        patients=len(people),
        **_totals(lines),
    )


def _lines(invoice: Invoice) -> list[Line]:
    return [part for line in invoice.lines for part in split_line(line)]


def _totals(lines: list[Line]) -> dict[str, int]:
    return {
        "total_cents": sum(line.total_cents for line in lines),
        "amo_cents": sum(line.amo_cents for line in lines),
        "amc_cents": sum(line.amc_cents for line in lines),
    }


def _invoice_records(invoice: Invoice, sender: str) -> Iterator[object]:
    """Type 2, 2S, lines and 5. All repeat biller, insured person and invoice number."""
    own = {"biller": invoice.biller or sender, "invoice": invoice.number}
    yield alike(InvoiceStart, invoice, **own)
    head = own | {"nir": invoice.nir, "nir_key": invoice.nir_key, "rank": invoice.rank}
    if person := invoice.beneficiary:
        personal = {"own_nir": person.nir, "own_nir_key": person.nir_key}
        yield alike(InvoiceSupplement, person, **head, **personal)
    lines = _lines(invoice)
    body = [item for line in lines for item in _line_records(line, head)]
    yield from body
    totals = _totals(lines)
    insured = totals["total_cents"] - totals["amo_cents"]
    yield alike(InvoiceEnd, invoice, **head, lines=len(body), insured_cents=insured, **totals)


def _line_records(line: Line, head: dict[str, str]) -> Iterator[object]:
    """Type 4 and its complements, in the norm's order: 4S, 4E, 4F."""
    yield alike(ServiceLine, line, **head, executant=line.executant or head["biller"])
    short = {name: value for name, value in head.items() if name != "rank"}
    if line.supplement:
        yield alike(LineSupplement, line.supplement, **short)
    if line.practitioners:
        yield alike(LinePractitioners, line.practitioners, **short)
    for sequence, detail in enumerate(line.details, start=1):
        yield alike(LineDetail, detail, **short, sequence=f"{sequence:02d}")

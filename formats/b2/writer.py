"""From the tree to the bytes: counters and totals computed, lines split, everything read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, pairwise
from typing import Any, Final

from formats.b2.alike import alike, copier
from formats.b2.check import Checker
from formats.b2.grammar import Tables
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
    BatchEnd,
    BatchStart,
    FileEnd,
    FileStart,
    InvoiceEnd,
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
from formats.b2.versions import VERSIONS
from formats.runon import write_checked

MAX_AMC_CENTS = 999_999
"""AMC share of one type 4, 4+2 digits. Reference §1.3, type 4."""
MAX_QUANTITY = 99
"""Quantity of one type 4 or 4F, two digits. Reference §1.3."""
MAX_LINES = 999
"""Lines of one invoice. Reference §1.1."""


ENVELOPE_RECORDS: Final = 4
"""Types 000, 1, 6 and 999 of a file of one batch."""
ANALYSES_A_RECORD: Final = 5
"""Analyses of one type 4B. Reference §1.3."""


def write(b2_file: B2File) -> bytes:
    """The whole file, records run on. Raises AnomaliesFound if it would be refused.

    Guarantees that the bytes read back as what was asked, and break no rule of `check`. A version
    we don't know raises KeyError.
    """
    return write_checked(records(b2_file), VERSIONS[b2_file.version], Tables(), Checker())


def records_of(invoice: Invoice) -> int:
    """How many records the invoice takes, its types 2 and 5 included, once its lines are split."""
    return len(_invoice_records(invoice, "0" * 9))


def packed(invoices: Iterable[Invoice], most: int = 990) -> Iterator[tuple[Invoice, ...]]:
    """Invoices in groups that each fit a file of one batch and at most `most` records.

    An invoice that is too long by itself stands alone. Reference §1.1: under 1000 records a file.
    """
    group: list[Invoice] = []
    taken = ENVELOPE_RECORDS
    for invoice in invoices:
        needed = records_of(invoice)
        if group and taken + needed > most:
            yield tuple(group)
            group, taken = [], ENVELOPE_RECORDS
        group.append(invoice)
        taken += needed
    if group:
        yield tuple(group)


def records(b2_file: B2File) -> Iterator[object]:
    """Typed records of the file in order, counters and totals filled."""
    return chain.from_iterable(_groups(b2_file))


def _groups(b2_file: B2File) -> Iterator[list[Any]]:
    """Records of the file, those of an invoice together."""
    sender = b2_file.sender.zfill(14)
    yield [alike(FileStart, b2_file, sender=sender)]
    written = 2
    for batch in b2_file.batches:
        for items in _batch_records(b2_file, batch):
            yield items
            written += len(items)
    yield [alike(FileEnd, b2_file, sender=sender, records=written, batches=len(b2_file.batches))]


def split_line(line: Line) -> tuple[Line, ...]:
    """The line, or several of at most 99 units and 9 999.99 € of AMC share, same totals.

    Amounts are shared in proportion of units, cumulatively, so that no cent is lost. A single
    unit that is too dear is cut into equal parts (guess: the norm only says to cut in two). A
    line whose LPP detail doesn't count the same units, or with another coding, is left whole, and
    won't fit.
    """
    if line.quantity <= MAX_QUANTITY and line.amc_cents <= MAX_AMC_CENTS:
        return (line,)
    coded = line.analyses or line.drugs or line.procedures
    if coded or any(detail.quantity != line.quantity for detail in line.details):
        return (line,)
    fewest = max(-(-line.quantity // MAX_QUANTITY), -(-line.amc_cents // MAX_AMC_CENTS), 1)
    for parts in range(fewest, MAX_LINES + 1):
        cut = _parts(line, parts)
        if all(part.amc_cents <= MAX_AMC_CENTS for part in cut):
            return cut
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


_HEAD: Final = ("biller", "nir", "nir_key", "rank", "invoice")
"""What types 2S, 3, 3S, 3E, 4 and 5 repeat."""
_SHORT: Final = ("biller", "nir", "nir_key", "invoice")
"""What the other complements repeat."""

_invoice_start = copier(InvoiceStart, Invoice, ("biller", "invoice"))
_invoice_supplement = copier(InvoiceSupplement, Beneficiary, _HEAD, "own_nir", "own_nir_key")
_stay_line = copier(StayLine, Stay, _HEAD)
_stay_supplement = copier(StaySupplement, Prescription, _HEAD)
_stay_prescriber = copier(StayPrescriber, Prescriber, _HEAD)
_stay_detail = copier(StayDetail, StayMaterial, _SHORT, "sequence")
_stay_drug = copier(StayDrug, StayMedicine, _SHORT, "sequence")
_service_line = copier(ServiceLine, Line, _HEAD, "executant")
_line_supplement = copier(LineSupplement, Supplement, _SHORT)
_line_practitioners = copier(LinePractitioners, Practitioners, _SHORT)
_line_detail = copier(LineDetail, Detail, _SHORT, "sequence")
_line_drug = copier(LineDrug, Drug, _SHORT, "sequence")
_line_procedure = copier(LineProcedure, Procedure, _SHORT, "sequence")

_ended = copier(
    InvoiceEnd,
    type(None),
    _HEAD,
    "lines",
    "stay_base_cents",
    "stay_amo_cents",
    "total_cents",
    "amo_cents",
    "insured_cents",
    "stay_amc_cents",
    "amc_cents",
    "stay_total_cents",
)


def _batch_records(b2_file: B2File, batch: Batch) -> Iterator[list[Any]]:
    """Type 1, the records of each invoice, type 6."""
    own = {"sender": b2_file.sender, "number": f"{batch.number:03d}"}
    yield [alike(BatchStart, batch, **own, norm=b2_file.norm, version=b2_file.version)]
    total = amo = amc = lines = 0
    for invoice in batch.invoices:
        items = _invoice_records(invoice, b2_file.sender)
        yield items
        end: InvoiceEnd = items[-1]
        total += end.total_cents + end.stay_total_cents
        amo += end.amo_cents + end.stay_amo_cents
        amc += end.amc_cents + end.stay_amc_cents
        kinds = list(map(type, items))
        lines += kinds.count(StayLine) + kinds.count(ServiceLine)
    yield [_batch_end(batch, lines, (total, amo, amc), own)]


def _batch_end(
    batch: Batch, lines: int, sums: tuple[int, int, int], own: dict[str, str]
) -> BatchEnd:
    people = {(i.nir, i.birth_date, i.birth_rank) for i in batch.invoices}
    total, amo, amc = sums
    return BatchEnd(
        **own,
        insured=len({nir for nir, _, _ in people}),
        lines=lines,
        invoices=len(batch.invoices),
        patients=len(people),
        total_cents=total,
        amo_cents=amo,
        amc_cents=amc,
    )


def _invoice_records(invoice: Invoice, sender: str) -> list[Any]:
    """Type 2, 2S, stays, lines and 5. All repeat biller, insured person and invoice number."""
    biller = invoice.biller or sender
    head = (biller, invoice.nir, invoice.nir_key, invoice.rank, invoice.number)
    short = (biller, invoice.nir, invoice.nir_key, invoice.number)
    items = [_invoice_start(invoice, (biller, invoice.number))]
    if person := invoice.beneficiary:
        items.append(_invoice_supplement(person, head, person.nir, person.nir_key))
    before = len(items)
    for stay in invoice.stays:
        _add_stay(items, stay, head, short)
    lines = [part for line in invoice.lines for part in split_line(line)]
    for line in lines:
        _add_line(items, line, head, short)
    items.append(_invoice_end(head, len(items) - before, _sums(invoice.stays), _sums(lines)))
    return items


def _sums(items: Sequence[Stay | Line]) -> tuple[int, int, int, int]:
    """Base, total, AMO and AMC."""
    base = total = amo = amc = 0
    for item in items:
        base += item.base_cents
        total += item.total_cents
        amo += item.amo_cents
        amc += item.amc_cents
    return base, total, amo, amc


def _invoice_end(
    head: tuple[str, ...], body: int, stays: tuple[int, ...], lines: tuple[int, ...]
) -> InvoiceEnd:
    """Totals by formulas of reference §1.3, type 5."""
    stay_base, stay_total, stay_amo, stay_amc = stays
    _, total, amo, amc = lines
    insured = stay_total - stay_amo + total - amo
    totals = (stay_base, stay_amo, total, amo, insured, stay_amc, amc, stay_total)
    made: InvoiceEnd = _ended(None, head, body, *totals)
    return made


def _add_stay(items: list[Any], stay: Stay, head: tuple[str, ...], short: tuple[str, ...]) -> None:
    """Type 3 and its complements, in the norm's order: 3S, 3E, 3F, 3H."""
    items.append(_stay_line(stay, head))
    if stay.prescription:
        items.append(_stay_supplement(stay.prescription, head))
    if stay.prescriber:
        items.append(_stay_prescriber(stay.prescriber, head))
    _add_coded(items, _stay_detail, stay.materials, short)
    _add_coded(items, _stay_drug, stay.medicines, short)


def _add_line(items: list[Any], line: Line, head: tuple[str, ...], short: tuple[str, ...]) -> None:
    """Type 4 and its complements, in the norm's order: 4S, 4E, then 4B, 4F, 4H, 4M."""
    items.append(_service_line(line, head, line.executant or head[0]))
    if line.supplement:
        items.append(_line_supplement(line.supplement, short))
    if line.practitioners:
        items.append(_line_practitioners(line.practitioners, short))
    if line.analyses:
        items += _analyses_records(line.analyses, short)
    _add_coded(items, _line_detail, line.details, short)
    _add_coded(items, _line_drug, line.drugs, short)
    _add_coded(items, _line_procedure, line.procedures, short)


def _add_coded(
    items: list[Any],
    make: Callable[..., Any],
    codings: Sequence[object],
    short: tuple[str, ...],
) -> None:
    """Codings of one kind, numbered from 01."""
    for rank, one in enumerate(codings, start=1):
        items.append(make(one, short, _sequence(rank)))


@cache
def _sequence(rank: int) -> str:
    return f"{rank:02d}"


def _analyses_records(
    analyses: tuple[Analysis, ...], short: tuple[str, ...]
) -> Iterator[LineAnalyses]:
    """Five analyses a record."""
    own: dict[str, Any] = dict(zip(_SHORT, short, strict=True))
    for rank, first in enumerate(range(0, len(analyses), ANALYSES_A_RECORD), start=1):
        values: dict[str, Any] = {"sequence": f"{rank:02d}"}
        for place, one in enumerate(analyses[first : first + ANALYSES_A_RECORD], start=1):
            values |= {f"done_on_{place}": one.done_on, f"quantity_{place}": one.quantity}
            values[f"code_{place}"] = one.code
        yield LineAnalyses(**own, **values)

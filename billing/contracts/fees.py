"""Fees of an invoice: extra lines behind its rules' (contracts.md §4, "Extra lines").

The shipping fee is no fee in this sense: it is a rule of its own (delivery kit).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from billing.contracts.contract import CostLine, Family, Line
from billing.contracts.reading import Origin
from billing.money import ZERO, to_cents


class FeeKind(StrEnum):
    """What a fee is for; an invoice bears one of each at most, in this order."""

    ESTIMATE = "estimate"  # the invoice used an estimated reading
    INVOICE = "invoice"  # every invoice


class Fee(NamedTuple):
    """A fee of one payer: what is sold and at which price, € excl. VAT."""

    kind: FeeKind
    article: str
    label: str
    price: Decimal
    vat_rate: Decimal
    account: str


def fee_lines(lines: Sequence[Line], fees: Iterable[Fee]) -> list[Line]:
    """The fees of an invoice of these lines, dated as the whole invoice; a credit bears none.

    A fee goes with the invoice's first line: the once-key of that line makes its own.
    """
    if sum((line.amount for line in lines), ZERO) < 0:
        return []
    estimated = any(map(on_estimate, lines))
    return [_line(fee, lines) for fee in fees if estimated or fee.kind is not FeeKind.ESTIMATE]


def on_estimate(line: Line) -> bool:
    """Whether a counter of the line is an estimate (`billing.contracts.story`: `meters`)."""
    meters = line.explain.get("meters", ())
    assert isinstance(meters, Sequence)
    counted = (meter for meter in meters if isinstance(meter, Mapping))  # else codes: uncounted
    return any(meter["origin"] == Origin.ESTIMATE for meter in counted)


def _line(fee: Fee, lines: Sequence[Line]) -> Line:
    first = lines[0]
    cost = first.cost_line
    sold = CostLine(
        0,
        Family.STANDARD,
        fee.article,
        fee.label,
        fee.price,
        fee.vat_rate,
        cost.payer_id,
        cost.site_id,
        cost.payment_mode,
        0,
        fee.account,
    )
    return Line(
        first.rule_id,
        f"{fee.kind}:{first.part}",
        sold,
        min(line.since for line in lines),
        max(line.until for line in lines),
        fee.label,
        Decimal(1),
        fee.price,
        to_cents(fee.price),
        explain={"fee": fee.kind.value},
        fee=fee.kind,
    )

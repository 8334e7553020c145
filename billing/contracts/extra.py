"""Lines written by hand on the next invoice of a contract (contracts.md §6, "Manual lines").

They ask for no rule and change none: a line takes payer, site and terms of the first rule that
bills, and waits for the next run when none does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from billing.contracts.contract import Event, Line
from billing.contracts.engine import ContractRating
from billing.money import to_cents

BY_HAND: Final = "line"  # kind of the event a line bills


class ExtraLine(NamedTuple):
    """What a clerk adds, once: price in € excl. VAT a unit; a deduction has a negative quantity or
    price. The reason is printed."""

    id: int
    code: str
    article: str
    label: str
    quantity: Decimal
    price: Decimal
    vat_rate: Decimal
    account: str
    reason: str


ExtraLines = Mapping[int, Sequence[ExtraLine]]


def with_extra_lines(rating: ContractRating, extras: Sequence[ExtraLine]) -> ContractRating:
    """The rating with these lines behind those of the first rule that bills in this run."""
    if not extras:
        return rating
    rank = next((n for n, one in enumerate(rating.rules) if one.rated.lines), None)
    if rank is None:
        return rating
    one = rating.rules[rank]
    lines = (*one.rated.lines, *(_line(one.rated.lines[0], extra) for extra in extras))
    billed = one._replace(rated=one.rated._replace(lines=lines))
    return rating._replace(rules=(*rating.rules[:rank], billed, *rating.rules[rank + 1 :]))


def _line(beside: Line, extra: ExtraLine) -> Line:
    """Sold as the line beside it, but for article, price, VAT and account."""
    cost = beside.cost_line._replace(
        article=extra.article,
        label=extra.label,
        price=extra.price,
        vat_rate=extra.vat_rate,
        account=extra.account,
        steps=(),
    )
    return beside._replace(
        part=f"{BY_HAND}/{extra.id}",
        cost_line=cost,
        label=extra.label or extra.article,
        quantity=extra.quantity,
        unit_price=extra.price,
        amount=to_cents(extra.quantity * extra.price),
        details=(extra.reason,),
        explain={"by_hand": extra.reason},
        event=Event(BY_HAND, extra.id, "1"),
    )

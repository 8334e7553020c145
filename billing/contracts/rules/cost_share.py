"""Cost share (*pourcentage de participation aux frais*, contracts.md §4.3; the seed names it)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

from billing.contracts.contract import Rule
from billing.contracts.pricing import cost_anomaly, costs_of, numbered, priced
from billing.contracts.rating import NOTHING, Facts, Kind, Rated
from billing.contracts.terms import only
from billing.money import ZERO
from billing.period import Term


def terms(raw: Mapping[str, object]) -> None:
    """No parameters: the percentage is the price, per 100 € of the other lines."""
    only(raw, ())


def rate(rule: Rule, facts: Facts) -> Rated:
    """5 % of 200.00 of other lines: 2.00 hundreds of € × 5.00 = 10.00.

    A credit among the other lines counts; nothing is billed when they sum to zero. The contract
    is posted whole, so that no line is shared twice.
    """
    base = sum((line.amount for line in facts.companions), ZERO)
    if not base:
        return NOTHING
    costs = costs_of(rule)
    wrong = cost_anomaly(rule, costs, facts.options)
    if wrong is not None:
        return Rated(anomalies=(wrong,))
    today = facts.options.work_date
    dates, hundreds = (today, today + timedelta(days=1)), base / 100
    told = {"how": "percentage", "lines": [str(line.amount) for line in facts.companions]}
    bills = rule.state.occurrences
    lines = tuple(
        numbered(priced(rule, cost, dates, hundreds, (_detail(cost.price, base),), told), bills)
        for cost in costs
    )
    return Rated(lines, rule.state._replace(last_actual=today, occurrences=bills + 1), tied=True)


def _detail(percentage: Decimal, base: Decimal) -> str:
    return f"{percentage.normalize():f} % de {base:.2f} €".replace(".", ",")


COST_SHARE: Final = Kind(
    "cost_share",
    "pourcentage de participation aux frais",
    terms,
    rate,
    forced_term=Term.ARREARS,
    on_others=True,
)

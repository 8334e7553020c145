"""True-ups weighed together on their module (*régularisation groupée*, contracts.md §4.7).

By price: what was counted, priced, against what was bundled, priced. By quantity: copies against
bundled units; then each rule bills its signed difference. No rule is billed alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from billing.contracts.contract import Family, Rule
from billing.contracts.increase import price_at
from billing.contracts.pricing import costs_of
from billing.contracts.rating import Facts
from billing.contracts.schedule import overdue
from billing.contracts.true_up import Grouping, Reckoned, Window, bundle_of, due, reckon
from billing.money import ZERO
from formats.common.anomaly import Anomaly, Code

OTHER_DATES = Code(
    "RAT-213",
    "La régularisation groupée de la règle « {rule} » n'est pas due à la même date que celle de"
    " la règle « {other} ».",
    "Donnez aux règles regroupées la même périodicité et les mêmes dates de régularisation.",
)
OTHER_WAITS = Code(
    "RAT-214",
    "La régularisation groupée de la règle « {rule} » attend la règle « {other} », qui a une"
    " anomalie.",
    "Corrigez d'abord l'anomalie de l'autre règle.",
)


def _group(rule: Rule, facts: Facts) -> list[tuple[Rule, Facts, Window | None]]:
    """The rules trued up together with this one, itself included, with what each bills."""
    grouping, today = bundle_of(rule).grouping, facts.options.work_date
    found = []
    for other in facts.module.rules:
        ended = other.until is not None and other.until <= today
        if ended or other.kind != rule.kind or bundle_of(other).grouping is not grouping:
            continue
        next_date = other.state.next_theoretical
        some = overdue(other, facts.module, today) if next_date and other.periodicity else []
        first = some[0].since if some else None
        window = due(other, facts.module, today, first)
        found.append((other, facts._replace(periods=some), window))
    return found


def apart(rule: Rule, facts: Facts, window: Window) -> list[Anomaly]:
    """The rules of the group that this true-up can't be weighed with."""
    if bundle_of(rule).grouping is Grouping.NONE:
        return []
    anomalies = []
    for other, seen, theirs in _group(rule, facts):
        values = {"rule": rule.code, "other": other.code}
        if theirs is None or theirs.until != window.until:
            anomalies.append(Anomaly(OTHER_DATES, values=values))
        elif not isinstance(reckon(other, seen, theirs), Reckoned):
            anomalies.append(Anomaly(OTHER_WAITS, values=values))
    return anomalies


def group_bills(rule: Rule, facts: Facts) -> bool:
    """Whether the group as a whole went beyond its bundles, by copies or by €."""
    quantities, amounts, values = ZERO, ZERO, ZERO
    for other, one in _reckoned(rule, facts):
        since = one.window.since
        quantities += one.extra
        amounts += one.extra * price_on(other, Family.OVERRUN, since)
        values += one.units * price_on(other, Family.OVERRUN, since)
        values -= one.cumulated * price_on(other, Family.STANDARD, since)
    if bundle_of(rule).grouping is Grouping.PRICE:
        return values > 0
    return quantities > 0 and (amounts >= 0 or facts.options.grouped_negative)


def _reckoned(rule: Rule, facts: Facts) -> Iterator[tuple[Rule, Reckoned]]:
    for other, seen, window in _group(rule, facts):
        one = reckon(other, seen, window) if window else None
        assert isinstance(one, Reckoned)
        yield other, one


def weighed(rule: Rule, facts: Facts) -> list[dict[str, str]]:
    """What the group's decision rests on, a rule each."""
    return [
        {
            "rule": other.code,
            "counted": str(one.units),
            "cumulated": str(one.cumulated),
            "true_up_price": str(price_on(other, Family.OVERRUN, one.window.since)),
            "bundle_price": str(price_on(other, Family.STANDARD, one.window.since)),
        }
        for other, one in _reckoned(rule, facts)
    ]


def price_on(rule: Rule, family: Family, day: date) -> Decimal:
    """The price of a unit of a family on a day."""
    costs = costs_of(rule, family)
    return sum((price_at(cost.steps, day, cost.price) for cost in costs), ZERO)

"""Weekly rental and weekly packages (homecare_facts.md §1.5; homecare.md, Engines).

    J        J+7      J+14     J+21
    |─ w1 ───|─ w2 ───|─ w3 ───|      week n = [J + 7(n − 1), J + 7n)
    installed          until             a started week is due in full: w3 is billed

A week is billed when it is over, that is from J + 7n on, at the tariff of its first day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from billing.care.prescription import CareItem, ItemKind
from billing.care.pricing import CareFacts, CareRated, Due, Engine, Slot, price_slots

WEEK: Final = timedelta(weeks=1)


def rate(item: CareItem, facts: CareFacts) -> CareRated:
    """The weeks due and not yet billed; no line for a week no prescription covers."""
    return price_slots(item, facts, ENGINE.code, weeks(item, facts))


def weeks(item: CareItem, facts: CareFacts) -> Iterator[Slot]:
    """Every week due as of the run's day, billed or not, in order."""
    for index in range(1, _last_week(item, facts) + 1):
        since = item.since + (index - 1) * WEEK
        yield Slot(index, since, since + WEEK)


def _last_week(item: CareItem, facts: CareFacts) -> int:
    elapsed, _ = divmod(facts.as_of - item.since, WEEK)
    reached = elapsed if facts.rules.due is Due.OVER else elapsed + 1
    if item.until is None:
        return reached
    started = -((item.since - item.until) // WEEK)
    return min(reached, started)


ENGINE: Final = Engine("rental", "Location à la semaine", ItemKind.RENTAL, rate)

"""Everything due for patients, rated together: what one item bills may forbid another's.

A week of a code is billed to a patient once, even by two items or two files; of several delivery
packages of one placement only the highest is due (homecare_facts.md §1.5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from billing.care import engines
from billing.care.engines import delivery, rental
from billing.care.prescription import CareItem
from billing.care.pricing import CareFacts, CareLine, CareRated
from billing.money import ZERO
from formats.common.anomaly import Anomaly

Due = tuple[CareItem, CareFacts]
Claim = tuple[int, str]


def rate_all(due: Iterable[Due]) -> CareRated:
    """Lines and anomalies of all items; their order in `due` doesn't matter.

    A contested week goes to the item that began first, a contested delivery to the highest
    tariff, then to the lowest id; the loser is reported (CAR-054). What earlier runs billed for
    other items comes in through `taken`.
    """
    claims: dict[Claim, list[tuple[date, date]]] = defaultdict(list)
    lines: list[CareLine] = []
    anomalies: list[Anomaly] = []
    for item, facts in sorted(due, key=_seniority):
        claim = claim_of(item, facts)
        periods = claims[claim] if claim else []
        rated = engines.rate(item, replace(facts, taken=(*facts.taken, *periods)))
        periods.extend((line.since, line.until) for line in rated.lines)
        lines.extend(rated.lines)
        anomalies.extend(rated.anomalies)
    return CareRated(tuple(lines), tuple(anomalies))


def claim_of(item: CareItem, facts: CareFacts) -> Claim | None:
    """What an item bills alone for its patient on a day; None when others may bill it too.

    Items that share a claim fill each other's `taken`.
    """
    if facts.entry.engine == delivery.ENGINE.code:
        return item.patient_id, delivery.ENGINE.code
    if facts.entry.engine == rental.ENGINE.code and facts.entry.code:
        return item.patient_id, facts.entry.code
    return None


def _seniority(due: Due) -> tuple[date, Decimal, int]:
    item, facts = due
    tariff = facts.entry.tariff_on(item.since)
    return item.since, ZERO if isinstance(tariff, Anomaly) else -tariff, item.id

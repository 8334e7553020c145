"""Everything due for patients, rated together: what one item bills may forbid another's.

A week of a code is billed to a patient once, even by two items or two files; of several delivery
packages of one placement only the highest is due (homecare_facts.md §1.5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Final

from billing.care import engines
from billing.care.engines import delivery, rental
from billing.care.prescription import CareItem
from billing.care.pricing import CareFacts, CareLine, CareRated
from formats.common.anomaly import Anomaly, Code

SECOND_DELIVERY: Final = Code(
    "CAR-061",
    "Le forfait de livraison {code} de l'élément {item} s'ajoute à un autre le"
    " {day:%d/%m/%Y} : seul le plus élevé est dû.",
    "Rien à faire ; retirer le forfait si la livraison n'était pas distincte.",
)


def rate_all(due: Iterable[tuple[CareItem, CareFacts]]) -> CareRated:
    """Lines and anomalies of all items; their order in `due` doesn't matter.

    The item that began first keeps a contested week (then the lowest id); items without code
    are never held to be the same.
    """
    taken: dict[tuple[int, str], list[tuple[date, date]]] = defaultdict(list)
    lines: list[CareLine] = []
    anomalies: list[Anomaly] = []
    for item, facts in sorted(due, key=_seniority):
        periods = taken[item.patient_id, facts.entry.code] if facts.entry.code else []
        rated = engines.rate(item, replace(facts, taken=(*facts.taken, *periods)))
        periods.extend((x.since, x.until) for x in rated.lines if x.part == rental.ENGINE.code)
        lines.extend(rated.lines)
        anomalies.extend(rated.anomalies)
    kept, refused = _highest_deliveries(lines)
    return CareRated(tuple(kept), (*anomalies, *refused))


def _seniority(due: tuple[CareItem, CareFacts]) -> tuple[date, int]:
    item, _ = due
    return item.since, item.id


def _highest_deliveries(lines: list[CareLine]) -> tuple[list[CareLine], list[Anomaly]]:
    highest: dict[tuple[int, date], CareLine] = {}
    deliveries = [line for line in lines if line.part == delivery.ENGINE.code]
    for line in deliveries:
        best = highest.setdefault((line.patient_id, line.since), line)
        if line.base > best.base:
            highest[line.patient_id, line.since] = line
    refused = [x for x in deliveries if highest[x.patient_id, x.since] is not x]
    refused_items = {line.item_id for line in refused}
    kept = [line for line in lines if line.item_id not in refused_items]
    return kept, [_second(line) for line in refused]


def _second(line: CareLine) -> Anomaly:
    values = {"code": line.lpp_code, "item": line.item_id, "day": line.since}
    return Anomaly(SECOND_DELIVERY, values=values)

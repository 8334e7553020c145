"""Flat fee for x meters (*montant forfaitaire pour x grandeurs*, contracts.md §4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from billing.contracts.contract import Line, Rule
from billing.contracts.counting import asset_code
from billing.contracts.pricing import cost_anomaly, costs_of, prorated
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.schedule import advanced
from billing.contracts.terms import only
from formats.common.anomaly import Anomaly, Code

NOT_FOR_FEES = Code(
    "RAT-221",
    "La grandeur non cumulative « {meter} » du bien « {asset} » ne se rattache pas à un montant"
    " forfaitaire pour x grandeurs.",
    "Rattachez-la à une règle d'unités consommées, de tranche ou de forfait.",
)


def terms(raw: Mapping[str, object]) -> None:
    """No parameters: the fee is the price, the quantity the number of meters."""
    only(raw, ())


def rate(rule: Rule, facts: Facts) -> Rated:
    """Fee × attached meters, one line a period and cost line: 3 × 4.00 = 12.00 (A-MFX-01)."""
    costs = costs_of(rule)
    wrong = cost_anomaly(rule, costs, facts.options)
    anomalies = [Anomaly(NOT_FOR_FEES, values=values) for values in _non_cumulative(rule, facts)]
    if wrong is not None or anomalies:
        return Rated(anomalies=tuple(anomalies if wrong is None else [wrong, *anomalies]))
    details = tuple(meter.label for meter in rule.meters)
    explain = {"how": "per_meter", "meters": [meter.code for meter in rule.meters]}
    lines: list[Line] = []
    for period in facts.periods:
        for cost in costs:
            quantity = Decimal(len(rule.meters))
            lines += prorated(rule, cost, period, quantity, details, explain)
    return Rated(tuple(lines), advanced(rule.state, facts.periods, facts.options.work_date))


def _non_cumulative(rule: Rule, facts: Facts) -> list[dict[str, object]]:
    """Meters of a period function, which only kinds 1, 4 and 7 bear (A-NCU-03)."""
    return [
        {"meter": meter.label, "asset": asset_code(meter, rule, facts.module)}
        for meter in rule.meters
        if not meter.cumulative
    ]


METER_FEE: Final = Kind(
    "meter_fee", "montant forfaitaire pour x grandeurs", terms, rate, metered=True
)

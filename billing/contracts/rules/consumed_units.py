"""Consumed units (*unités réelles consommées en terme échu*, contracts.md §4.1, §3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from billing.contracts.contract import CostLine, Line, Rule, RuleState
from billing.contracts.counting import Counted, count, small_print
from billing.contracts.noncumulative import Calculation
from billing.contracts.pricing import Slice, cost_anomaly, costs_of, priced, sliced, slices
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.reading import Origin
from billing.contracts.schedule import Period, advanced, passed_over
from billing.money import ZERO
from billing.period import Term


@dataclass(frozen=True, slots=True)
class ConsumedUnits:
    """Terms of consumed units.

    grouped:       *facturation groupée pour les biens*: negatives count in the sum.
    offered:       units given before the first billing; 0 with an end date = no limit.
    offered_until: last day the offer holds, included; None = no end.
    calculation:   *mode de calcul* of non-cumulative meters.
    degressive:    prices of what lies above bounds of a bill.
    """

    grouped: bool = False
    offered: int = 0
    offered_until: date | None = None
    calculation: Calculation | None = None
    degressive: tuple[Slice, ...] = ()


def terms(raw: Mapping[str, object]) -> ConsumedUnits:
    """Reads `{"grouped": true, "offered": 1000, "offered_until": "2026-12-31"}`, all optional.

    And `{"calculation": "max"}` for non-cumulative meters (min, max, sum, mean), without offer,
    and degressive prices (`billing.contracts.pricing.slices`).
    Raises ValueError with a French reason.
    """
    unknown = raw.keys() - {"grouped", "offered", "offered_until", "calculation", "degressive"}
    if unknown:
        raise ValueError(f"paramètres inconnus : {', '.join(sorted(unknown))}")
    grouped, offered, until = raw.get("grouped", False), raw.get("offered", 0), _until(raw)
    if not isinstance(grouped, bool):
        raise ValueError("« grouped » vaut vrai ou faux")
    if isinstance(offered, bool) or not isinstance(offered, int) or offered < 0:
        raise ValueError("les unités offertes sont un nombre entier positif")
    calculation = _calculation(raw)
    if calculation is not None and (offered or until):
        raise ValueError("les unités offertes demandent des grandeurs cumulatives")
    return ConsumedUnits(grouped, offered, until, calculation, slices(raw))


def rate(rule: Rule, facts: Facts) -> Rated:
    """(Counter to bill − last billed counter) × price: one line for the whole catch-up."""
    units = rule.terms
    assert isinstance(units, ConsumedUnits)
    costs = costs_of(rule)
    wrong = cost_anomaly(rule, costs, facts.options)
    if wrong is not None:
        return Rated(anomalies=(wrong,))
    counted, anomalies = count(rule, facts, units.calculation)
    if anomalies:
        return Rated(anomalies=tuple(anomalies))
    billed = counted if units.grouped else _without_negative_assets(counted)
    total = sum((one.units for one in billed), ZERO)
    offered = _offered(units, rule.state, facts.periods[-1], total)
    return Rated(
        _lines(rule, costs, facts.periods, billed, offered) if total != offered else (),
        _after(rule, facts, billed, total, offered),
        tuple(one.reading for one in billed if one.reading.origin is Origin.ESTIMATE),
        used=tuple(one.reading.id for one in billed if one.reading.id),
    )


def _without_negative_assets(counted: list[Counted]) -> list[Counted]:
    """An over-billed asset bills nothing and keeps its last billed counters (A-UC-03)."""
    if all(one.units >= 0 for one in counted):
        return counted
    totals: defaultdict[int, Decimal] = defaultdict(Decimal)
    for one in counted:
        totals[one.meter.asset_id] += one.units
    return [one for one in counted if totals[one.meter.asset_id] >= 0]


def _offered(terms: ConsumedUnits, state: RuleState, last: Period, total: Decimal) -> int:
    """Units of `total` that the offer covers; the first of its two limits ends it."""
    if not state.never_billed or (not terms.offered and terms.offered_until is None):
        return 0
    if terms.offered_until is not None and last.until - timedelta(days=1) > terms.offered_until:
        return 0
    units = int(total)  # whole: an offer needs cumulative meters
    left = terms.offered - state.offered_used if terms.offered else units
    return max(0, min(units, left))


def _lines(
    rule: Rule,
    costs: Sequence[CostLine],
    periods: Sequence[Period],
    billed: Sequence[Counted],
    offered: int,
) -> tuple[Line, ...]:
    quantity = sum((one.units for one in billed), ZERO) - offered
    dates = (periods[0].since, periods[-1].until)
    details = small_print(billed)
    explain: dict[str, object] = {"how": "consumed", "meters": [one.figures for one in billed]}
    if offered:
        explain["offered"] = offered
    scale = _common_scale(billed)
    if scale != 1:
        explain["scale"] = scale
    assert isinstance(rule.terms, ConsumedUnits)
    degressive = rule.terms.degressive
    if degressive:
        lines = sliced(rule, costs, dates, quantity, degressive, details, explain)
    else:
        lines = [priced(rule, cost, dates, quantity, details, explain) for cost in costs]
    return tuple(lines if scale == 1 else (_scaled(line, scale) for line in lines))


def _after(
    rule: Rule, facts: Facts, billed: Sequence[Counted], total: Decimal, offered: int
) -> RuleState:
    counters = {one.meter.id: one.reading for one in billed}
    if total != offered:
        return advanced(rule.state, facts.periods, facts.options.work_date, counters)
    return passed_over(rule.state, facts.periods, counters, offered)


def _common_scale(billed: Sequence[Counted]) -> int:
    scales = {one.meter.scale for one in billed}
    return scales.pop() if len(scales) == 1 else 1


def _scaled(line: Line, scale: int) -> Line:
    """Quantity divided, price multiplied by the meters' scale; same amount (A-CRE-17)."""
    return line._replace(quantity=line.quantity / scale, unit_price=line.unit_price * scale)


def _calculation(raw: Mapping[str, object]) -> Calculation | None:
    text = raw.get("calculation")
    if text is not None and text not in tuple(Calculation):
        raise ValueError("le mode de calcul vaut min, max, sum ou mean")
    return None if text is None else Calculation(str(text))


def _until(raw: Mapping[str, object]) -> date | None:
    text = raw.get("offered_until")
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ValueError("la fin des unités offertes est une date AAAA-MM-JJ") from None


CONSUMED_UNITS: Final = Kind(
    "consumed_units",
    "unités réelles consommées",
    terms,
    rate,
    forced_term=Term.ARREARS,
    metered=True,
)

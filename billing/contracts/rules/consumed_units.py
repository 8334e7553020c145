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
from billing.contracts.offer import CUMULATIVE_ONLY, NO_OFFER, NOTHING_GIVEN, Gift, gift, offer
from billing.contracts.pricing import (
    DEGRESSIVE,
    FLAT,
    Degressive,
    at_scale,
    cost_anomaly,
    costs_of,
    degressive,
    priced,
    scale_of,
    sliced,
)
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.reading import Origin
from billing.contracts.schedule import Period, advanced, passed_over
from billing.contracts.terms import calculation, only, word, yes_no
from billing.money import ZERO
from billing.period import Periodicity, Term, Unit, previous_bound

_ESTIMATE: Final = Origin.ESTIMATE
_FINANCED: Final = "financed"
_PER, _BILL, _YEAR = "degressive_per", "bill", "year"
_GONE, _SINCE = "sliced", "sliced_since"
_KNOWN: Final = (
    *("grouped", "offered", "offered_until", _FINANCED, "calculation", *DEGRESSIVE, _PER),
)


@dataclass(frozen=True, slots=True)
class ConsumedUnits:
    """Terms of consumed units.

    grouped:       *facturation groupée pour les biens*: negatives count in the sum.
    financed:      units paid elsewhere, given next, without end date.
    offered:       units given before the first billing; 0 with an end date = no limit.
    offered_until: last day the offer holds, included; None = no end.
    calculation:   *mode de calcul* of non-cumulative meters.
    degressive:    prices of what lies above bounds of a bill; yearly: of all the bills of a year of
                   the rule, which begins on the day the rule did.
    """

    grouped: bool = False
    offered: int = 0
    offered_until: date | None = None
    calculation: Calculation | None = None
    degressive: Degressive = FLAT
    financed: int = 0
    yearly: bool = False


def terms(raw: Mapping[str, object]) -> ConsumedUnits:
    """Reads `{"grouped": true, "offered": 1000, "offered_until": "2026-12-31"}`, all optional.

    And `{"calculation": "max"}` for non-cumulative meters (min, max, sum, mean), without offer,
    and degressive prices (`billing.contracts.pricing.degressive`), whose slices begin anew with
    each bill, or each year of the rule: `{"degressive_per": "year"}`.
    Raises ValueError with a French reason.
    """
    only(raw, _KNOWN)
    grouped, how = yes_no(raw, "grouped", False), calculation(raw)
    given = offer(raw)
    if how is not None and given != NO_OFFER:
        raise ValueError(CUMULATIVE_ONLY)
    slices, yearly = degressive(raw), word(raw, _PER, (_BILL, _YEAR), _BILL) == _YEAR
    if yearly and not slices.billed:
        raise ValueError(f"« {_PER} » demande un prix dégressif")
    return ConsumedUnits(grouped, given.offered, given.until, how, slices, given.financed, yearly)


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
    total = sum([one.units for one in billed], ZERO)
    given = _given(units, rule.state, facts.periods[-1], total)
    return Rated(
        _lines(rule, costs, facts.periods, billed, total, given) if total != given.units else (),
        _after(rule, facts, billed, total, given),
        tuple([one.reading for one in billed if one.reading.origin is _ESTIMATE]),
        used=tuple([one.reading.id for one in billed if one.reading.id]),
    )


def _without_negative_assets(counted: list[Counted]) -> list[Counted]:
    """An over-billed asset bills nothing and keeps its last billed counters (A-UC-03)."""
    if all([one.units >= 0 for one in counted]):
        return counted
    totals: defaultdict[int, Decimal] = defaultdict(Decimal)
    for one in counted:
        totals[one.meter.asset_id] += one.units
    return [one for one in counted if totals[one.meter.asset_id] >= 0]


def _given(terms: ConsumedUnits, state: RuleState, last: Period, total: Decimal) -> Gift:
    """Units of `total` that are offered, then financed, on a rule that was never billed."""
    if not (terms.offered or terms.offered_until or terms.financed) or not state.never_billed:
        return NOTHING_GIVEN
    financed = terms.financed - int(state.own.get(_FINANCED, 0))
    return gift(int(total), _offered(terms, state, last, total), financed)


def _offered(terms: ConsumedUnits, state: RuleState, last: Period, total: Decimal) -> int:
    """Units of `total` that the offer covers; the first of its two limits ends it."""
    if not terms.offered and terms.offered_until is None:
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
    total: Decimal,
    given: Gift,
) -> tuple[Line, ...]:
    quantity = total - given.units
    dates = (periods[0].since, periods[-1].until)
    details = small_print(billed)
    if given:
        details += given.details(scale_of(rule))
    explain = {"how": "consumed", "meters": [one.figures for one in billed], **given.figures}
    assert isinstance(rule.terms, ConsumedUnits)
    slices = rule.terms.degressive.billed
    if slices:
        gone = _gone(rule, dates[0])
        explain |= {"gone": str(gone)} if gone else {}
        lines = sliced(rule, costs, dates, quantity, slices, details, explain, gone)
    else:
        lines = [priced(rule, cost, dates, quantity, details, explain) for cost in costs]
    return at_scale(rule, lines)


def _after(
    rule: Rule, facts: Facts, billed: Sequence[Counted], total: Decimal, given: Gift
) -> RuleState:
    counters = {one.meter.id: one.reading for one in billed}
    if total != given.units:
        state = advanced(rule.state, facts.periods, facts.options.work_date, counters)
        return _sliced_on(rule, state, facts.periods[0].since, total - given.units)
    state = passed_over(rule.state, facts.periods, counters, given.offered)
    if not given.financed:
        return state
    financed = int(state.own.get(_FINANCED, 0)) + given.financed
    return state._replace(own={**state.own, _FINANCED: str(financed)})


def _gone(rule: Rule, day: date) -> Decimal:
    """Units of the year's bills so far, when slices run over a year of the rule."""
    assert isinstance(rule.terms, ConsumedUnits)
    own = rule.state.own
    if not rule.terms.yearly or own.get(_SINCE) != _year_of(rule, day).isoformat():
        return ZERO
    return Decimal(own[_GONE])


def _sliced_on(rule: Rule, state: RuleState, day: date, units: Decimal) -> RuleState:
    """The state that remembers the units of the year; a bill counts in the year it begins in."""
    assert isinstance(rule.terms, ConsumedUnits)
    if not rule.terms.yearly:
        return state
    year = {_GONE: str(_gone(rule, day) + units), _SINCE: _year_of(rule, day).isoformat()}
    return state._replace(own={**state.own, **year})


def _year_of(rule: Rule, day: date) -> date:
    years = Periodicity(1, Unit.YEAR, rule.since)
    return previous_bound(years, day + timedelta(days=1))


CONSUMED_UNITS: Final = Kind(
    "consumed_units",
    "unités réelles consommées",
    terms,
    rate,
    forced_term=Term.ARREARS,
    metered=True,
    calculated=True,
)

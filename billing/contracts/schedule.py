"""What is overdue: the periods a rule bills in a run, and the state its billing leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from billing.contracts.contract import Module, Rule, RuleState
from billing.contracts.reading import Reading
from billing.period import (
    Periodicity,
    Share,
    Term,
    bounds_of,
    calendar_at,
    ended,
    full_period,
    previous_bound,
    share_of,
)

_ARREARS: Final = Term.ARREARS  # naming a member costs a call until Python 3.12
NO_READINGS: Final[Mapping[int, Reading]] = MappingProxyType({})


class Period(NamedTuple):
    """One period to bill: since included, until excluded, on its theoretical date.

    following: the theoretical date after it. share: the part that counts, None for all of it.
    """

    theoretical: date
    since: date
    until: date
    following: date
    share: Share | None = None


def end_of(rule: Rule, module: Module) -> date | None:
    """The day a rule stops (excluded): its own deactivation or its module's end."""
    if rule.until is None or module.until is None:
        return rule.until or module.until
    return min(rule.until, module.until)


def renews(module: Module) -> bool:
    """Whether a module is renewed tacitly at its end: a definitive end date on the periodicity of
    one of its rules stops that (004, "Tacite reconduction", Remarque; A-RFC-11)."""
    if not module.renewal_months:
        return False
    return all(rule.periodicity is None or rule.periodicity.until is None for rule in module.rules)


def start_of(rule: Rule) -> date:
    """The first day a rule bills for; on the civil calendar its periodicity may start later."""
    p = rule.periodicity
    return max(rule.since, p.anchor) if p is not None and p.civil else rule.since


def overdue(rule: Rule, module: Module, work_date: date) -> list[Period]:
    """Every period due on the work date and not billed yet, oldest first (*rattrapage*).

    A period that starts after the module's or the rule's end isn't due. Raises ValueError for a
    rule without periodicity or without next theoretical date.
    """
    p, theoretical = rule.periodicity, rule.state.next_theoretical
    if p is None or theoretical is None:
        raise ValueError(f"la règle {rule.code} n'a pas de date théorique")
    start, end, billed = start_of(rule), end_of(rule, module), rule.state.occurrences
    periods: list[Period] = []
    if theoretical <= work_date and _opens_late(rule, p, theoretical, start):
        periods.append(_period(rule, p, start, (start, theoretical, theoretical), end, True))
    while theoretical <= work_date and not ended(p, theoretical, billed + len(periods)):
        since, until, after = bounds_of(p, rule.term, theoretical)
        if rule.term is _ARREARS:
            since = max(since, start)
        if end is not None and since >= end:
            break
        bounds = (since, until, after)
        periods.append(_period(rule, p, theoretical, bounds, end, not periods))
        theoretical = after
    return periods


def advanced(
    state: RuleState,
    periods: Sequence[Period],
    billed_on: date,
    counters: Mapping[int, Reading] = NO_READINGS,
) -> RuleState:
    """The state once the periods are billed on a work date, with the counters billed."""
    last = periods[-1]
    return RuleState(
        last.following,
        last.theoretical,
        billed_on,
        state.last_invoice,
        state.occurrences + len(periods),
        _values(state.counters, counters),
        state.offered_used,
        _dates(state.billed_on, counters),
        state.own,
        state.increases,
    )


def passed_over(
    state: RuleState,
    periods: Sequence[Period],
    counters: Mapping[int, Reading] = NO_READINGS,
    offered: int = 0,
) -> RuleState:
    """The state when the periods gave nothing to bill: only the calendar and counters move.

    The three `last_*` stay, for only an actual billing sets them (A-RFC-05).
    """
    return RuleState(
        periods[-1].following,
        state.last_theoretical,
        state.last_actual,
        state.last_invoice,
        state.occurrences,
        _values(state.counters, counters),
        state.offered_used + offered,
        _dates(state.billed_on, counters),
        state.own,
        state.increases,
    )


def _opens_late(rule: Rule, p: Periodicity, theoretical: date, start: date) -> bool:
    """An advance rule, first billed later than its start in that first, partial period.

    The seed bills March's part with April (004, "Forfait…": 15 March, billed 1 April).
    """
    if rule.term is _ARREARS or not rule.proration.first or not rule.state.never_billed:
        return False
    return previous_bound(p, theoretical) < start < theoretical


def _period(
    rule: Rule,
    p: Periodicity,
    theoretical: date,
    bounds: tuple[date, date, date],
    end: date | None,
    first: bool,
) -> Period:
    """The period with its share; the last one is cut at the end when it is prorated."""
    since, until, after = bounds
    proration = rule.proration
    cut = proration.last and end is not None and end < until
    late = first and proration.first and rule.state.never_billed
    if end is not None and cut:
        until = end
    if not cut and not late:
        return Period(theoretical, since, until, after)
    p = calendar_at(p, after)
    if not cut and since == full_period(p, since)[0]:
        return Period(theoretical, since, until, after)
    return Period(theoretical, since, until, after, share_of(p, since, until, proration.base))


def _values(old: Mapping[int, int], counters: Mapping[int, Reading]) -> Mapping[int, int]:
    if not counters:
        return old
    return {**old, **{meter: reading.value for meter, reading in counters.items()}}


def _dates(old: Mapping[int, date], counters: Mapping[int, Reading]) -> Mapping[int, date]:
    if not counters:
        return old
    return {**old, **{meter: reading.read_on for meter, reading in counters.items()}}

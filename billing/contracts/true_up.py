"""The true-up (*régularisation*) of a bundle: when it is due, and what it compares (§4.7).

What was counted since the last true-up stands against the bundles billed since. Both sides are
cut at the true-up's theoretical date, whatever the day of the run: a bundle in arrears comes
before a true-up of the same day, a bundle in advance after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from billing.contracts.contract import Module, Rule, RuleState
from billing.contracts.counting import Counted, count
from billing.contracts.noncumulative import Calculation
from billing.contracts.pricing import FLAT, Degressive
from billing.contracts.rating import Facts
from billing.contracts.reading import MISSING
from billing.contracts.schedule import Period, end_of, overdue
from billing.contracts.terms import Rhythm
from billing.money import ZERO, to_units
from billing.period import (
    Periodicity,
    Term,
    calendar_at,
    following,
    next_bound,
    previous_bound,
)
from formats.common.anomaly import Anomaly

ONE_DAY: Final = timedelta(days=1)


Days = tuple[int, int, int]  # from, to, of so many


def within(units: Decimal, days: Days) -> Decimal:
    """The units that fall within these days, whole ones but for the last; all parts sum up."""
    low, high, whole = days
    upto = units if high == whole else to_units(units * high / whole)
    return upto - to_units(units * low / whole)


class Grouping(StrEnum):
    """*Régularisation groupée sur le module*."""

    NONE = "none"
    QUANTITY = "quantity"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Terms of a bundle and its true-up.

    units:        of one bundle. true_up: how often it is trued up.
    refund:       a negative true-up makes a credit.
    check:        *contrôle des forfaits à facturer*.
    floating:     never estimated: without a reading the bundles go on adding up.
    offered:      units given at the true-ups, until they are used up; financed: then those paid
                  elsewhere. An end date of the offer has no effect (A-OFF-05).
    same_invoice: bundle and true-up on one invoice.
    calculation:  *mode de calcul* of non-cumulative meters.
    degressive:   prices of what a true-up finds above bounds.
    """

    units: Decimal
    true_up: Rhythm
    refund: bool = False
    check: bool = True
    grouping: Grouping = Grouping.NONE
    floating: bool = False
    offered: int = 0
    same_invoice: bool = True
    calculation: Calculation | None = None
    degressive: Degressive = FLAT
    financed: int = 0
    offered_until: date | None = None


class Memory(NamedTuple):
    """What a bundle rule keeps between runs.

    first:     first day ever billed. last, next: theoretical dates of the true-ups.
    cumulated: units of the bundles billed since the last true-up, without the counter (A-RES-09).
    counter:   all the meters together at the last true-up; a running total when they don't add
               up by themselves (A-NCU-09). extra: units that true-up found, billed or not.
    """

    first: date | None = None
    last: date | None = None
    next: date | None = None
    cumulated: Decimal = ZERO
    counter: Decimal = ZERO
    extra: Decimal = ZERO


class Window(NamedTuple):
    """A true-up that is due: from the last one to its theoretical date, over whole periods."""

    since: date
    until: date
    following: date
    periods: tuple[Period, ...]


class Reckoned(NamedTuple):
    """A true-up before its price: counters on one side, bundles on the other.

    base: the meters at the last true-up. expected: units the calendar says were bundled.
    """

    window: Window
    counted: Sequence[Counted]
    base: Decimal
    units: Decimal
    cumulated: Decimal
    expected: Decimal

    @property
    def bound(self) -> Decimal:
        """*Borne à atteindre*: the last counter and the bundles billed since."""
        return self.base + self.cumulated

    @property
    def extra(self) -> Decimal:
        """Units counted beyond the bundles; negative when fewer."""
        return self.units - self.cumulated


def memory_of(own: Mapping[str, str]) -> Memory:
    """The memory in a rule's state."""
    first, last, next_ = (own.get(name) for name in ("first", "last", "next"))
    return Memory(
        date.fromisoformat(first) if first else None,
        date.fromisoformat(last) if last else None,
        date.fromisoformat(next_) if next_ else None,
        *(Decimal(own.get(name, "0")) for name in ("cumulated", "counter", "extra")),
    )


def kept(memory: Memory) -> dict[str, str]:
    """The same as a rule's state keeps it."""
    return {name: str(value) for name, value in memory._asdict().items() if value is not None}


def bundle_of(rule: Rule) -> Bundle:
    """The terms of a bundle rule."""
    bundle = rule.terms
    assert isinstance(bundle, Bundle)
    return bundle


def rhythms(rule: Rule) -> tuple[Periodicity, Periodicity]:
    """The calendars of the bundles and of the true-ups."""
    p = rule.periodicity
    assert p is not None
    return p, bundle_of(rule).true_up.beside(p)


def units_of(bundle: Bundle, periods: Sequence[Period]) -> Decimal:
    """Units of so many bundles; a prorated one is half-up to the unit (548.387 → 548)."""
    return sum(
        (bundle.units if p.share is None else to_units(p.share.of(bundle.units)) for p in periods),
        ZERO,
    )


def due(rule: Rule, module: Module, work_date: date, first: date | None) -> Window | None:
    """The true-up that is due; several overdue are one, up to the last of them.

    `first` is the first day billed of a rule that never was. A true-up whose period begins after
    the module's end isn't due.
    """
    memory, end = memory_of(rule.state.own), end_of(rule, module)
    since = memory.last or memory.first or first
    if since is None:
        return None
    calendar = rhythms(rule)[1]
    until = memory.next or next_bound(calendar, since)
    if until > work_date or (end is not None and since >= end):
        return None
    periods, begun = [], since
    while True:
        after = following(calendar, until)
        periods.append(Period(until, begun, until, after))
        if after > work_date or (end is not None and until >= end):
            return Window(since, until, after, tuple(periods))
        begun, until = until, after


def covered(term: Term, periods: Sequence[Period], until: date) -> list[Period]:
    """The bundles that come before a true-up: in arrears those of its own day too."""
    if term is Term.ADVANCE:
        return [period for period in periods if period.theoretical < until]
    return [period for period in periods if period.theoretical <= until]


def reckon(rule: Rule, facts: Facts, window: Window) -> Reckoned | list[Anomaly] | None:
    """Both sides of a true-up; what forbids it; None when a floating one finds no reading."""
    bundle, memory = bundle_of(rule), memory_of(rule.state.own)
    options = facts.options
    if bundle.floating:
        options = replace(options, no_estimate=True, force_estimate=False)
    seen = facts._replace(options=options, periods=window.periods)
    counted, anomalies = count(rule, seen, bundle.calculation)
    if bundle.floating and anomalies and all(one.code in MISSING for one in anomalies):
        return None
    if anomalies:
        return anomalies
    return Reckoned(
        window,
        counted,
        _base(memory, counted),
        sum((one.units for one in counted), ZERO),
        memory.cumulated + units_of(bundle, covered(rule.term, facts.periods, window.until)),
        units_of(bundle, _expected(rule, facts, window)),
    )


def _base(memory: Memory, counted: Sequence[Counted]) -> Decimal:
    """The last counters; an asset attached since enters with its installation (41 → 1041)."""
    if any(one.last is None for one in counted):
        return memory.counter
    return Decimal(sum(one.last.value for one in counted if one.last is not None))


def _expected(rule: Rule, facts: Facts, window: Window) -> list[Period]:
    """The bundles that the calendar puts between the last true-up and this one.

    The last true-up is taken on the day of the calendar nearest to it: one that came late must
    show (A-FR-07).
    """
    memory, next_date = memory_of(rule.state.own), rule.state.next_theoretical
    p, calendar = rhythms(rule)
    if next_date is not None:
        p = calendar_at(p, next_date)
        p = replace(p, occurrences=0) if p.occurrences else p
    if memory.last is None:
        since, state = window.since, RuleState(None)
    else:
        since = nearest(calendar, memory.last)
        state = RuleState(None, last_actual=since)
    advance = rule.term is Term.ADVANCE
    opening = since if state.never_billed else next_bound(p, since - ONE_DAY)
    state = state._replace(next_theoretical=opening if advance else next_bound(p, since))
    last_day = window.until - ONE_DAY if advance else window.until
    return overdue(rule._replace(periodicity=p, state=state), facts.module, last_day)


def nearest(calendar: Periodicity, day: date) -> date:
    """The bound of a calendar nearest to a day, the earlier of two."""
    before, after = previous_bound(calendar, day + ONE_DAY), next_bound(calendar, day)
    return before if day - before <= after - day else after

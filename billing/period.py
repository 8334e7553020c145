"""Periods and periodicities: which dates a rule is billed on, and what part of one counts.

Dates are half-open: a period is `since` included, `until` excluded. Nothing here loops over days.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

DAYS_A_MONTH: Final = Decimal("30.4375")  # 365.25 / 12 (contracts.md §3, "Estimate at date d")

_TURN: Final = 336  # months of 28 years: weekdays and leap years begin again
_ONE_DAY: Final = timedelta(days=1)
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Term(StrEnum):
    """ADVANCE (à échoir) bills at the start of a period, ARREARS (échu) at its end."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class Unit(StrEnum):
    """Unit of a periodicity."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class ProrataBase(StrEnum):
    """PRORATA_BASE (contracts.md §2): months of 30 days, or real days."""

    COMMERCIAL = "commercial"
    ACTUAL = "actual"


_STEPS: Final = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 1, Unit.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Proration:
    """Whether the first and the last period of a rule are prorated, and on which base."""

    first: bool = False
    last: bool = False
    base: ProrataBase = ProrataBase.COMMERCIAL


@dataclass(frozen=True, slots=True)
class Periodicity:
    """Every `count` `unit`s, counted from `anchor` without drift (31 Jan → 28 Feb → 31 Mar).

    civil:           bounds align on the civil calendar (quarter = 1 Jan, 1 Apr…, week = Monday).
    until:           last date on which an occurrence counts, included; None = never ends.
    occurrences:     ends after so many billings; 0 = never.
    excluded_months: recurrent months without billing (8 = August); they use up no occurrence.
    excluded_ranges: one-off ranges without billing, (first day, day after the last).
    nth, weekday:    variable date in the month: the nth (1 to 5, -1 = last) `weekday` (0 = Monday),
                     or the nth day when weekday is None; nth 0 = fixed date. A month without
                     the asked day is skipped (contracts.md, Decisions, "Dates").

    Derived, in months for a periodicity in months or years (`monthly`), in days otherwise: `step`
    between two bounds, `origin` of the calendar. Raises ValueError when no date could ever match.
    """

    count: int
    unit: Unit
    anchor: date
    civil: bool = False
    until: date | None = None
    occurrences: int = 0
    excluded_months: frozenset[int] = frozenset()
    excluded_ranges: tuple[tuple[date, date], ...] = ()
    nth: int = 0
    weekday: int | None = None
    monthly: bool = field(init=False, repr=False, compare=False)
    step: int = field(init=False, repr=False, compare=False)
    origin: int = field(init=False, repr=False, compare=False)
    digest: int = field(init=False, repr=False, compare=False)

    def __hash__(self) -> int:
        return self.digest

    def __post_init__(self) -> None:
        self._count_from(self.unit is Unit.MONTH or self.unit is Unit.YEAR)
        if self.count < 1:
            raise ValueError("une périodicité compte au moins une unité")
        if self.nth and not self.monthly:
            raise ValueError("une date variable demande une périodicité en mois ou en années")
        if self.excluded_months and not self._months() - self.excluded_months:
            raise ValueError("les mois exclus ne laissent aucune date de facturation")
        if self.nth and self._never():
            raise ValueError("cette date variable n'existe dans aucun mois de facturation")

    def _never(self) -> bool:
        """Whether a variable date falls in none of its months, in a full turn of the calendar."""
        bounds = (_at(self, k) for k in range(_TURN))
        return not any(bound and bound.month not in self.excluded_months for bound in bounds)

    def _count_from(self, monthly: bool) -> None:
        anchor, civil = self.anchor, self.civil
        if monthly:
            origin = anchor.year * 12 if civil else _month(anchor)
        else:
            origin = anchor.toordinal() - (
                anchor.weekday() if civil and self.unit is Unit.WEEK else 0
            )
        object.__setattr__(self, "monthly", monthly)
        object.__setattr__(self, "step", _STEPS[self.unit] * self.count)
        object.__setattr__(self, "origin", origin)
        own = (self.step, origin, monthly, anchor.toordinal(), civil, self.occurrences, self.nth)
        object.__setattr__(self, "digest", hash(own))  # of integers: the same in every process

    def _months(self) -> frozenset[int]:
        if not self.monthly:
            return frozenset(range(1, 13))
        first = 0 if self.civil else self.anchor.month - 1
        return frozenset((first + k * self.step) % 12 + 1 for k in range(12))


class Share(NamedTuple):
    """What part of a full period counts, as an exact fraction (17/31)."""

    numerator: int
    denominator: int

    def of(self, value: Decimal) -> Decimal:
        """That part of `value`, unrounded: the caller rounds once."""
        return value * self.numerator / self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


def months_between(since: date, until: date) -> Decimal:
    """Months = days × 12 / 365.25 in real days, unrounded (contracts.md §3, A-REL-16)."""
    return (until - since).days / DAYS_A_MONTH


def next_bound(p: Periodicity, after: date) -> date:
    """The first billing date strictly after `after`; the end of the periodicity isn't looked at."""
    k = _index(p, after)
    while (bound := _at(p, k)) is None or bound <= after or _excluded(p, bound):
        k += 1
    return bound


def previous_bound(p: Periodicity, before: date) -> date:
    """The last billing date strictly before `before`, even earlier than the anchor."""
    k = _index(p, before)
    while (bound := _at(p, k)) is None or bound >= before or _excluded(p, bound):
        k -= 1
    return bound


def first_theoretical(p: Periodicity, term: Term, start: date) -> date:
    """First billing date of a rule that starts on `start` (contracts.md §2).

    Advance → the start itself, unless excluded; arrears → the next bound, civil alignment
    included. A civil periodicity starts with its anchor when that comes later.
    """
    start = max(start, p.anchor) if p.civil else start
    if term is Term.ADVANCE and not _excluded(p, start):
        return start
    return following(p, start)


def following(p: Periodicity, theoretical: date) -> date:
    """The billing date after `theoretical`: one period on, never drifting from the anchor.

    A date put off the calendar by hand goes on from itself (10 April → 10 May), as the seed
    adds one period to it; before the anchor, and on the civil calendar, the bounds rule.
    """
    return next_bound(calendar_at(p, theoretical), theoretical)


@lru_cache(maxsize=8192)
def bounds_of(p: Periodicity, term: Term, theoretical: date) -> tuple[date, date, date]:
    """The period (since, until) billed on a theoretical date, and the next such date.

    Remembered: thousands of rules share their calendar.
    """
    calendar = calendar_at(p, theoretical)
    after = next_bound(calendar, theoretical)
    if term is Term.ADVANCE:
        return theoretical, after, after
    return previous_bound(calendar, theoretical), theoretical, after


def ended(p: Periodicity, theoretical: date, billed: int) -> bool:
    """True when `theoretical` is past the end date (included), or all occurrences are billed."""
    return (p.until is not None and theoretical > p.until) or 0 < p.occurrences <= billed


def full_period(p: Periodicity, day: date) -> tuple[date, date]:
    """The whole period of the calendar that holds `day`; exclusions don't stretch it."""
    bare = replace(p, excluded_months=frozenset(), excluded_ranges=())
    return previous_bound(bare, day + _ONE_DAY), next_bound(bare, day)


def share_of(p: Periodicity, since: date, until: date, base: ProrataBase) -> Share:
    """The part of its full period that since..until counts (contracts.md §2 and Decisions).

    Commercial, period from the 1st: a started month counts 30 − day thirtieths (whole on day 1,
    0 on the month's last day), a month closed on day d counts d (whole on its last day).
    Commercial otherwise: days of 30/360. Actual, and periodicities in days or weeks: real days.
    """
    first, last = full_period(p, since)
    until = min(until, last)
    if base is ProrataBase.ACTUAL or not p.monthly:
        return Share((until - since).days, (last - first).days)
    if first.day == 1:
        return Share(max(0, _closed(until) - _started(since)), 30 * (_month(last) - _month(first)))
    return Share(_day360(until) - _day360(since), _day360(last) - _day360(first))


def calendar_at(p: Periodicity, theoretical: date) -> Periodicity:
    """The periodicity, counted from `theoretical` when that was put off its bounds by hand."""
    on_it = p.civil or p.nth or theoretical <= p.anchor
    if on_it or _at(p, _index(p, theoretical)) == theoretical:
        return p
    return replace(p, anchor=theoretical)


def _excluded(p: Periodicity, day: date) -> bool:
    if not p.excluded_months and not p.excluded_ranges:
        return False
    return day.month in p.excluded_months or any(a <= day < b for a, b in p.excluded_ranges)


def _index(p: Periodicity, day: date) -> int:
    """Number of the bound in the month of `day` or of the last one before it."""
    return ((_month(day) if p.monthly else day.toordinal()) - p.origin) // p.step


def _at(p: Periodicity, k: int) -> date | None:
    """Bound number k of the calendar; None in a month without the asked day."""
    number = p.origin + k * p.step
    if not p.monthly:
        return date.fromordinal(number)
    year, month = number // 12, number % 12 + 1
    if p.nth:
        return _variable(p, year, month)
    day = 1 if p.civil else p.anchor.day
    return date(year, month, day if day < 29 else min(day, _length(year, month)))


def _variable(p: Periodicity, year: int, month: int) -> date | None:
    length = _length(year, month)
    if p.weekday is None:
        day = p.nth if p.nth > 0 else length + 1 + p.nth
    else:
        first = (p.weekday - date(year, month, 1).weekday()) % 7 + 1
        weeks = p.nth - 1 if p.nth > 0 else (length - first) // 7 + 1 + p.nth
        day = first + 7 * weeks
    return date(year, month, day) if 1 <= day <= length else None


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _length(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _MONTH_DAYS[month - 1] + leap


def _started(since: date) -> int:
    """Thirtieths gone when a period starts: none on day 1, the whole month on its last day."""
    if since.day == 1:
        return 30 * _month(since)
    last = since.day == _length(since.year, since.month)
    return 30 * _month(since) + (30 if last else min(since.day, 30))


def _closed(until: date) -> int:
    """Thirtieths gone when a period's last day is the day before `until`."""
    last = until - _ONE_DAY
    whole = until.day == 1
    return 30 * _month(last) + (30 if whole else last.day)


def _day360(day: date) -> int:
    return 30 * _month(day) + min(day.day, 30)

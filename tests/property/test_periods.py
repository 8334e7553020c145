"""Periods of any periodicity tile the calendar; a month split in two sums to itself (§2)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from billing.contracts.contract import Module, RuleState
from billing.contracts.schedule import overdue
from billing.period import (
    Periodicity,
    ProrataBase,
    Term,
    Unit,
    first_theoretical,
    following,
    next_bound,
    previous_bound,
    share_of,
)
from tests.billing.contracts.build import fee

DAYS = st.dates(date(2000, 1, 1), date(2050, 12, 31))
ONE_DAY = timedelta(days=1)


@st.composite
def periodicities(draw: st.DrawFn) -> Periodicity:
    """Fixed or variable dates, civil or not, with months and ranges left out."""
    unit = draw(st.sampled_from(Unit))
    monthly = unit in (Unit.MONTH, Unit.YEAR)
    nth = draw(st.integers(-1, 5)) if monthly else 0
    starts = draw(st.lists(DAYS, max_size=2))
    ranges = tuple((day, day + timedelta(days=draw(st.integers(1, 60)))) for day in starts)
    shape = {
        "count": draw(st.integers(1, 12)),
        "unit": unit,
        "anchor": draw(DAYS),
        "civil": draw(st.booleans()),
        "nth": nth,
        "weekday": draw(st.none() | st.integers(0, 6)) if nth else None,
        "excluded_ranges": ranges,
        "excluded_months": draw(st.frozensets(st.integers(1, 12), max_size=4)),
    }
    try:
        return Periodicity(**shape)
    except ValueError:
        return Periodicity(**shape | {"excluded_months": frozenset()})


@given(periodicities(), st.sampled_from(Term), DAYS)
def test_periods_tile_the_calendar_without_gap_or_overlap(
    p: Periodicity, term: Term, start: date
) -> None:
    """The periods a run finds overdue: from the start, or the first date in advance."""
    first = last = first_theoretical(p, term, start)
    for _ in range(5):
        last = following(p, last)
    rule = fee(term=term, periodicity=p, since=start, state=RuleState(first))
    periods = overdue(rule, Module(1, "M1", start, None, (rule,)), last)
    assert len(periods) == 6
    begin = max(start, p.anchor) if p.civil else start
    if term is Term.ARREARS:
        assert periods[0].since == begin
        assert [one.until for one in periods] == [one.theoretical for one in periods]
    else:
        assert periods[0].since == first >= begin
        assert [one.since for one in periods] == [one.theoretical for one in periods]
    for one, after in pairwise(periods):
        assert one.since < one.until == after.since
        assert one.following == after.theoretical


@given(periodicities(), DAYS)
def test_bounds_are_each_other_s_neighbours_and_never_left_out(p: Periodicity, day: date) -> None:
    after = next_bound(p, day)
    assert after > day
    assert previous_bound(p, after) <= day
    assert next_bound(p, previous_bound(p, after)) == after
    assert after.month not in p.excluded_months
    assert not any(first <= after < past for first, past in p.excluded_ranges)


@given(st.dates(date(2000, 1, 1), date(2050, 12, 31)), st.decimals(0, 10**6, places=2))
def test_a_month_split_sums_to_itself(day: date, amount: Decimal) -> None:
    first = day.replace(day=1)
    until = (first + timedelta(days=32)).replace(day=1)
    monthly = Periodicity(1, Unit.MONTH, first)
    assume(1 < day.day < (until - ONE_DAY).day)
    for base in ProrataBase:
        before = share_of(monthly, first, day + ONE_DAY, base)
        after = share_of(monthly, day, until, base)
        if base is ProrataBase.COMMERCIAL:
            assert (before.denominator, before.numerator + after.numerator) == (30, 30)
            assert before.of(amount * 30) + after.of(amount * 30) == amount * 30
        else:
            assert (before.numerator, before.denominator) == (day.day, (until - first).days)
            assert after.numerator == (until - day).days

"""Bounds, first dates and shares of periods (contracts.md §2)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import to_units
from billing.period import (
    Periodicity,
    ProrataBase,
    Share,
    Term,
    Unit,
    bounds_of,
    ended,
    first_theoretical,
    following,
    full_period,
    months_between,
    next_bound,
    previous_bound,
    share_of,
)

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
PERIODICITIES = st.builds(
    Periodicity,
    count=st.integers(1, 24),
    unit=st.sampled_from(Unit),
    anchor=DAYS,
    civil=st.booleans(),
)


def dates(p: Periodicity, after: date, count: int) -> list[date]:
    found = [next_bound(p, after)]
    while len(found) < count:
        found.append(next_bound(p, found[-1]))
    return found


def test_day_31_clips_and_does_not_drift() -> None:
    monthly = Periodicity(1, Unit.MONTH, date(2026, 1, 31))
    assert dates(monthly, date(2026, 1, 31), 3) == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


def test_29_february_comes_back_in_leap_years() -> None:
    yearly = Periodicity(1, Unit.YEAR, date(2024, 2, 29))
    assert dates(yearly, date(2026, 6, 1), 2) == [date(2027, 2, 28), date(2028, 2, 29)]


def test_days_and_weeks() -> None:
    assert next_bound(Periodicity(10, Unit.DAY, date(2026, 1, 1)), date(2026, 1, 11)) == date(
        2026, 1, 21
    )
    civil_week = Periodicity(1, Unit.WEEK, date(2026, 1, 1), civil=True)
    assert next_bound(civil_week, date(2026, 1, 1)) == date(2026, 1, 5)  # a Monday
    for unit, after in ((Unit.WEEK, date(2026, 1, 8)), (Unit.DAY, date(2026, 1, 2))):
        thursday = Periodicity(1, unit, date(2026, 1, 1), civil=unit is Unit.DAY)
        assert next_bound(thursday, date(2026, 1, 1)) == after
    ten_days = Periodicity(10, Unit.DAY, date(2026, 1, 1), civil=True)  # no calendar to align on
    assert next_bound(ten_days, date(2026, 1, 1)) == date(2026, 1, 11)


@pytest.mark.feature("A-RFC-08")
def test_last_friday_of_the_month() -> None:
    last_friday = Periodicity(1, Unit.MONTH, date(2018, 1, 1), nth=-1, weekday=4)
    assert dates(last_friday, date(2018, 1, 1), 3) == [
        date(2018, 1, 26),
        date(2018, 2, 23),
        date(2018, 3, 30),
    ]


def test_last_day_of_the_month_and_a_missing_fifth_friday() -> None:
    last_day = Periodicity(1, Unit.MONTH, date(2026, 1, 1), nth=-1)
    assert next_bound(last_day, date(2026, 1, 31)) == date(2026, 2, 28)
    fifth_friday = Periodicity(1, Unit.MONTH, date(2026, 1, 1), nth=5, weekday=4)
    assert dates(fifth_friday, date(2026, 1, 1), 2) == [date(2026, 1, 30), date(2026, 5, 29)]


@pytest.mark.feature("A-RFC-10")
def test_august_excluded_is_skipped_each_year() -> None:
    p = Periodicity(1, Unit.MONTH, date(2026, 1, 1), excluded_months=frozenset({8}))
    found = dates(p, date(2026, 1, 1), 24)
    assert date(2026, 7, 1) in found
    assert date(2026, 9, 1) in found
    assert {day.month for day in found} == set(range(1, 13)) - {8}


def test_a_range_is_excluded_once() -> None:
    closed = ((date(2026, 3, 1), date(2026, 4, 1)),)
    p = Periodicity(1, Unit.MONTH, date(2026, 1, 1), excluded_ranges=closed)
    assert dates(p, date(2026, 1, 1), 2) == [date(2026, 2, 1), date(2026, 4, 1)]
    assert next_bound(p, date(2027, 2, 1)) == date(2027, 3, 1)


def test_impossible_periodicities_are_refused() -> None:
    quarters = frozenset({1, 4, 7, 10})
    with pytest.raises(ValueError, match="mois exclus"):
        Periodicity(3, Unit.MONTH, date(2026, 1, 1), excluded_months=quarters)
    with pytest.raises(ValueError, match="au moins une"):
        Periodicity(0, Unit.MONTH, date(2026, 1, 1))
    with pytest.raises(ValueError, match="en mois"):
        Periodicity(1, Unit.WEEK, date(2026, 1, 1), nth=1)


@pytest.mark.feature("A-RFC-13")
def test_first_dates_of_a_quarter() -> None:
    quarter = Periodicity(3, Unit.MONTH, date(2026, 1, 1))
    assert first_theoretical(quarter, Term.ADVANCE, date(2026, 1, 1)) == date(2026, 1, 1)
    assert first_theoretical(quarter, Term.ARREARS, date(2026, 1, 1)) == date(2026, 4, 1)


@pytest.mark.feature("A-RFC-17")
def test_civil_quarter_from_15_february() -> None:
    quarter = Periodicity(3, Unit.MONTH, date(2026, 2, 15), civil=True)
    start = date(2026, 2, 15)
    assert dates(quarter, start, 2) == [date(2026, 4, 1), date(2026, 7, 1)]
    assert first_theoretical(quarter, Term.ARREARS, start) == date(2026, 4, 1)
    assert bounds_of(quarter, Term.ADVANCE, start)[:2] == (start, date(2026, 4, 1))
    later = replace(quarter, anchor=date(2026, 5, 15))  # the periodicity begins after the rule
    assert first_theoretical(later, Term.ADVANCE, start) == date(2026, 5, 15)
    assert first_theoretical(later, Term.ARREARS, start) == date(2026, 7, 1)


def test_a_date_moved_by_hand_goes_on_from_itself() -> None:
    monthly = Periodicity(1, Unit.MONTH, date(2015, 1, 15))
    moved = date(2026, 4, 10)
    assert following(monthly, moved) == date(2026, 5, 10)
    assert bounds_of(monthly, Term.ARREARS, moved)[:2] == (date(2026, 3, 10), moved)
    assert following(monthly, date(2026, 4, 15)) == date(2026, 5, 15)


def test_a_date_before_the_anchor_and_a_variable_one_keep_to_the_calendar() -> None:
    last = Periodicity(1, Unit.MONTH, date(2026, 3, 31))
    assert following(last, date(2026, 2, 15)) == date(2026, 2, 28)
    first_mondays = Periodicity(3, Unit.MONTH, date(2026, 1, 1), nth=1, weekday=0)
    assert following(first_mondays, date(2026, 5, 10)) == date(2026, 7, 6)


def test_exclusions_do_not_stretch_a_full_period() -> None:
    """August is excluded, and June once: July is 31 days all the same, and so is June 30."""
    monthly = Periodicity(
        1,
        Unit.MONTH,
        date(2026, 1, 1),
        excluded_months=frozenset({8}),
        excluded_ranges=((date(2026, 6, 1), date(2026, 7, 1)),),
    )
    assert full_period(monthly, date(2026, 7, 14)) == (date(2026, 7, 1), date(2026, 8, 1))
    assert full_period(monthly, date(2026, 6, 30)) == (date(2026, 6, 1), date(2026, 7, 1))
    assert full_period(monthly, date(2026, 8, 1)) == (date(2026, 8, 1), date(2026, 9, 1))


def test_the_end_date_counts_and_occurrences_end() -> None:
    p = Periodicity(1, Unit.MONTH, date(2026, 1, 1), until=date(2026, 3, 1), occurrences=3)
    assert not ended(p, date(2026, 3, 1), 2)
    assert ended(p, date(2026, 4, 1), 2)
    assert ended(p, date(2026, 3, 1), 3)
    once = replace(p, occurrences=1)
    assert (ended(once, date(2026, 3, 1), 0), ended(once, date(2026, 3, 1), 1)) == (False, True)


@pytest.mark.feature("A-RFC-15")
@pytest.mark.parametrize(
    ("base", "share", "march"),
    [(ProrataBase.COMMERCIAL, "15/30", 500), (ProrataBase.ACTUAL, "17/31", 548)],
)
def test_a_bundle_of_1000_from_15_march(base: ProrataBase, share: str, march: int) -> None:
    start, billed = date(2026, 3, 15), date(2026, 4, 1)
    aligned_on_the_1 = Periodicity(1, Unit.MONTH, start, civil=True)
    part = share_of(aligned_on_the_1, start, billed, base)
    assert str(part) == share
    april = share_of(aligned_on_the_1, billed, date(2026, 5, 1), base).of(Decimal(1000))
    total = to_units(part.of(Decimal(1000))) + april
    assert total == march + 1000
    assert total == (1500 if base is ProrataBase.COMMERCIAL else 1548)


MARCH = Periodicity(1, Unit.MONTH, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("since", "last_day", "thirtieths"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), 30),
        (date(2026, 3, 31), date(2026, 3, 31), 0),
        (date(2026, 3, 30), date(2026, 3, 31), 0),
        (date(2026, 3, 1), date(2026, 3, 10), 10),
        (date(2026, 2, 1), date(2026, 2, 28), 30),
        (date(2026, 2, 28), date(2026, 2, 28), 0),
        (date(2026, 3, 10), date(2026, 3, 20), 10),  # start and end in one month
    ],
)
def test_commercial_months(since: date, last_day: date, thirtieths: int) -> None:
    until = last_day + timedelta(days=1)
    assert share_of(MARCH, since, until, ProrataBase.COMMERCIAL) == Share(thirtieths, 30)


def test_a_quarter_and_a_period_not_from_the_1st() -> None:
    quarter = Periodicity(3, Unit.MONTH, date(2026, 1, 1))
    assert share_of(quarter, date(2026, 2, 15), date(2026, 4, 1), ProrataBase.COMMERCIAL) == (
        45,
        90,
    )
    for last_day, thirtieths in ((date(2026, 1, 31), 60), (date(2026, 2, 28), 30)):
        part = share_of(quarter, last_day, date(2026, 4, 1), ProrataBase.COMMERCIAL)
        assert part == (thirtieths, 90)  # the month of a last day counts nothing
    mid = Periodicity(1, Unit.MONTH, date(2026, 1, 15))
    for since, until, part in (
        (date(2026, 1, 15), date(2026, 2, 1), (16, 30)),
        (date(2026, 1, 31), date(2026, 2, 15), (15, 30)),
    ):
        assert share_of(mid, since, until, ProrataBase.COMMERCIAL) == part


@pytest.mark.feature("A-REL-16")
def test_months_are_days_times_12_over_365_25() -> None:
    months = months_between(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=365))
    assert months == 365 * 12 / Decimal("365.25")
    assert round(months, 4) == Decimal("11.9918")


@given(PERIODICITIES, DAYS)
def test_bounds_tile_the_calendar(p: Periodicity, day: date) -> None:
    bound = next_bound(p, day)
    assert previous_bound(p, bound) <= day < bound
    assert next_bound(p, previous_bound(p, bound)) == bound


@given(PERIODICITIES, DAYS)
def test_periods_have_no_gap_and_no_overlap(p: Periodicity, start: date) -> None:
    day = following(p, start)
    for _ in range(3):
        since, until, after = bounds_of(p, Term.ADVANCE, day)
        assert (since, until, after) == (day, following(p, day), until)
        assert bounds_of(p, Term.ARREARS, until) == (since, until, following(p, until))
        day = until


@given(st.integers(2000, 2060), st.integers(1, 12), st.integers(2, 30))
def test_a_commercial_month_closed_and_started_on_one_day_sums_to_30(
    year: int, month: int, day: int
) -> None:
    p = Periodicity(1, Unit.MONTH, date(year, month, 1))
    first, after = date(year, month, 1), next_bound(p, date(year, month, 1))
    if day >= (after - timedelta(days=1)).day:
        return
    split = date(year, month, day)
    closed = share_of(p, first, split + timedelta(days=1), ProrataBase.COMMERCIAL)
    started = share_of(p, split, after, ProrataBase.COMMERCIAL)
    assert closed.numerator + started.numerator == 30


@given(PERIODICITIES, DAYS, st.data())
def test_actual_splits_sum_to_one(p: Periodicity, day: date, data: st.DataObject) -> None:
    until = next_bound(p, day)
    since = previous_bound(p, until)
    split = data.draw(st.dates(since, until - timedelta(days=1)))
    parts = [
        share_of(p, a, b, ProrataBase.ACTUAL) for a, b in ((since, split), (split, until)) if a < b
    ]
    assert sum(part.numerator for part in parts) == parts[0].denominator


@given(PERIODICITIES, DAYS)
def test_a_whole_period_counts_whole_and_none_counts_more(p: Periodicity, day: date) -> None:
    until = next_bound(p, day)
    for base in ProrataBase:
        whole = share_of(p, previous_bound(p, until), until, base)
        part = share_of(p, day, until, base)
        assert whole.numerator == whole.denominator
        assert 0 <= part.numerator <= part.denominator


@pytest.mark.parametrize("weekday", [None, *range(7)])
@pytest.mark.parametrize("nth", [*range(1, 6), -1, -2])
def test_variable_dates_are_those_of_the_calendar(nth: int, weekday: int | None) -> None:
    p = Periodicity(1, Unit.MONTH, date(2023, 1, 1), nth=nth, weekday=weekday)
    wanted = []
    for month in range(24):
        first = date(2023 + month // 12, month % 12 + 1, 1)
        days = [
            first + timedelta(n) for n in range(31) if (first + timedelta(n)).month == first.month
        ]
        asked = [day for day in days if weekday is None or day.weekday() == weekday]
        rank = nth - 1 if nth > 0 else nth
        wanted += asked[rank : rank + 1 or None]
    assert dates(p, date(2022, 12, 31), len(wanted)) == wanted


def test_months_have_their_length_in_every_century() -> None:
    for year in (1896, 1900, 2000, 2023, 2024, 2100):
        p = Periodicity(1, Unit.MONTH, date(year, 1, 31))
        assert [day.day for day in dates(p, date(year, 1, 30), 12)] == [
            monthrange(year, month)[1] for month in range(1, 13)
        ]


@pytest.mark.parametrize(
    ("p", "months"),
    [
        (Periodicity(3, Unit.MONTH, date(2026, 2, 15)), {2, 5, 8, 11}),
        (Periodicity(3, Unit.MONTH, date(2026, 2, 15), civil=True), {1, 4, 7, 10}),
        (Periodicity(5, Unit.MONTH, date(2026, 12, 1)), set(range(1, 13))),
        (Periodicity(1, Unit.YEAR, date(2026, 12, 31)), {12}),
        (Periodicity(7, Unit.DAY, date(2026, 2, 15)), set(range(1, 13))),
    ],
)
def test_excluded_months_must_leave_one(p: Periodicity, months: set[int]) -> None:
    with pytest.raises(ValueError) as found:
        replace(p, excluded_months=frozenset(months))
    assert str(found.value) == "les mois exclus ne laissent aucune date de facturation"
    for kept in months:
        left = replace(p, excluded_months=frozenset(months - {kept}))
        assert next_bound(left, date(2026, 1, 1)).month == kept


def test_other_refusals_are_told_exactly() -> None:
    with pytest.raises(ValueError) as none:
        Periodicity(0, Unit.MONTH, date(2026, 1, 1))
    assert str(none.value) == "une périodicité compte au moins une unité"
    for unit in (Unit.DAY, Unit.WEEK):
        with pytest.raises(ValueError) as variable:
            Periodicity(1, unit, date(2026, 1, 1), nth=1)
        assert str(variable.value) == (
            "une date variable demande une périodicité en mois ou en années"
        )
    with pytest.raises(ValueError) as never:  # no February of an odd year has five Mondays
        Periodicity(2, Unit.YEAR, date(2025, 2, 1), nth=5, weekday=0)
    assert str(never.value) == "cette date variable n'existe dans aucun mois de facturation"

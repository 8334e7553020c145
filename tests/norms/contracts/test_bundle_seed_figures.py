"""Bundle and true-up: the figures of the seed (004) and of contracts.md §4.7, as printed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Family, Line, Rule, RuleState, RunOptions
from billing.contracts.engine import ContractRating
from billing.contracts.grouping import Payer, shape
from billing.contracts.noncumulative import Calculation
from billing.contracts.reading import Meter, Origin, Reading, Regime
from billing.contracts.rules import KINDS
from billing.contracts.terms import Rhythm
from billing.contracts.true_up import Grouping
from billing.period import Periodicity, Proration, Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    MONTHLY,
    NB,
    QUARTERLY,
    Readings,
    amounts,
    billed,
    bundle,
    codes,
    contract,
    copies,
    cost,
    installed,
    only,
    quantities,
    readings,
    replace,
    run,
    run_after_run,
)

FEBRUARY, MARCH, APRIL, JULY = (date(2026, month, 1) for month in (2, 3, 4, 7))
OCTOBER, NEXT_YEAR = date(2026, 10, 1), date(2027, 1, 1)
MONTH, QUARTER, YEAR = Rhythm(1, Unit.MONTH), Rhythm(3, Unit.MONTH), Rhythm(1, Unit.YEAR)
TRAFFIC = Meter(1, 1, "GO", "Go échangés", cumulative=False)


def explained(lines: list[Line]) -> dict[str, object]:
    """The figures of the true-up among the lines."""
    (line,) = (line for line in lines if line.cost_line.family is Family.OVERRUN)
    return dict(line.explain)


# In advance: a bundle is billed on its first day, the true-up of a quarter before April's bundle.
#   01/01     01/02     01/03     01/04     01/05
#   |--1000---|--1000---|--1000---|--1000---|     bundles
#   |-----3400 counted - 3000-----|               true-up: 400, billed 01/04
#   b         b         b         T b
@pytest.mark.feature("A-FR-01")
def test_three_bundles_of_1000_and_3400_counted() -> None:
    rule, known = bundle("1000"), installed(0, (APRIL, 3400))
    months = run_after_run(rule, [JANUARY, FEBRUARY, MARCH, APRIL], known)
    assert [quantities(lines) for _, lines in months[:3]] == [[("standard", 1000)]] * 3
    (true_up, april) = months[3][1]
    assert (true_up.quantity, true_up.amount) == (3400 - 1000 * 3, Decimal("8.00"))
    assert true_up.quantity == 400
    assert quantities([april]) == [("standard", 1000)]


#   01/01     01/02     01/03     01/04
#   |-------------- Q1 -----------|               true-up, in arrears, billed 01/04
#   b         b         b         T b
@pytest.mark.feature("A-FR-02")
def test_advance_monthly_bundle_true_up_of_q1_on_01_04() -> None:
    months = run_after_run(
        bundle("1000"), [JANUARY, FEBRUARY, MARCH, date(2026, 4, 1)], installed(0, (APRIL, 3400))
    )
    true_up = months[3][1][0]
    assert (true_up.since, true_up.until) == (JANUARY, date(2026, 4, 1))
    assert all(
        line.cost_line.family is not Family.OVERRUN for _, some in months[:3] for line in some
    )


#      01-01       02-01       03-01       04-01       05-01       06-01       07-01
#  NB  0                                                                       6900
#      |-- 1000 ---|-- 1000 ---|-- 1000 ---|-- 1000 ---|-- 1000 ---|-- 1000 ---|-- 1000 ---
#      |----------- true-up: none had been made --------|------ 6900 - 6000 = 900 ---------|
def test_overdue_bundles_are_a_line_each_and_overdue_true_ups_one() -> None:
    """Nothing was billed until July: seven bundles, and one true-up over both quarters."""
    july = date(2026, 7, 1)
    lines = only(run(bundle("1000"), july, installed(0, (july, 6900)))).lines
    assert quantities(list(lines)) == [
        *[("standard", 1000)] * 6,
        ("overrun", 6900 - 6 * 1000),
        ("standard", 1000),
    ]
    assert [line.since.month for line in lines] == [1, 2, 3, 4, 5, 6, 1, 7]
    assert (lines[6].since, lines[6].until) == (JANUARY, july)


@pytest.mark.feature("A-FR-03")
@pytest.mark.parametrize(
    ("true_up", "p", "right"),
    [
        (MONTH, MONTHLY, True),
        (Rhythm(6, Unit.MONTH), QUARTERLY, True),
        (MONTH, QUARTERLY, False),
        (Rhythm(4, Unit.MONTH), QUARTERLY, False),
        (YEAR, Periodicity(1, Unit.WEEK, JANUARY), False),
        (QUARTER, Periodicity(1, Unit.DAY, JANUARY), True),
    ],
)
def test_a_true_up_is_a_multiple_of_its_bundle(
    true_up: Rhythm, p: Periodicity, right: bool
) -> None:
    terms = bundle("1000", true_up).terms
    if right:
        KINDS["bundle"].fits(terms, p)
    else:
        with pytest.raises(ValueError, match="multiple"):
            KINDS["bundle"].fits(terms, p)


@pytest.mark.feature("A-FR-04")
def test_2600_counted_for_3000_bundled() -> None:
    known = installed(0, (APRIL, 2600))
    assert 3 * 1000 == 3000
    _, (refund, _) = run_after_run(
        bundle("1000", refund=True), [JANUARY, FEBRUARY, MARCH, APRIL], known
    )[3]
    assert (refund.quantity, refund.amount) == (-400, Decimal("-8.00"))
    rule, lines = run_after_run(bundle("1000"), [JANUARY, FEBRUARY, MARCH, APRIL], known)[3]
    assert quantities(lines) == [("standard", 1000)]
    assert rule.state.counters == {1: 2600}  # trued up, billed or not


def taken_over(cumulated: str, **changes: Any) -> Rule:
    """A quarterly bundle of 1000, last trued up on 01/11/2006 at 5000, next on 01/11/2007."""
    start = date(2005, 11, 1)
    own = {"last": "2006-11-01", "next": "2007-11-01", "cumulated": cumulated, "counter": "5000"}
    state = RuleState(
        date(2007, 11, 1), date(2007, 8, 1), date(2007, 8, 1), "F1", 8, {1: 5000},
        billed_on={1: date(2006, 11, 1)}, own=own,
    )  # fmt: skip
    quarterly = Periodicity(3, Unit.MONTH, start)
    rule = bundle("1000", YEAR, since=start, periodicity=quarterly, state=state)
    return replace(rule, **changes)


def in_2007(rule: Rule, **options: Any) -> ContractRating:
    day = date(2007, 11, 1)
    known = {1: readings((date(2005, 11, 1), 0, Origin.INSTALLATION), (day, 9500, Origin.CUSTOMER))}
    return run(rule, day, known, **options)


def next_true_up(rule: Rule, rating: ContractRating) -> int:
    """Units beyond the bundles on 01/11/2008 at 15000, with control; no run may find an anomaly."""
    days = [date(2008, month, 1) for month in (2, 5, 8, 11)]
    installation = (date(2005, 11, 1), 0, Origin.INSTALLATION)
    known = {1: readings(installation, (days[-1], 15000, Origin.CUSTOMER))}
    *_, (_, lines) = run_after_run(billed(rule, only(rating)), days, known)
    ((family, extra), _) = quantities(lines)
    assert family == "overrun"
    return extra


@pytest.mark.feature("A-FR-05")
def test_four_bundles_expected_three_billed() -> None:
    rating = in_2007(taken_over("3000"))
    assert codes(rating) == ["RAT-211"]
    assert "théoriques 4, réels 3" in rating.anomalies[0].sentence
    assert (
        "(dernière régularisation passée en retard, ou périodicité du forfait changée)"
        in rating.anomalies[0].sentence
    )
    assert codes(in_2007(taken_over("4000"))) == []


@pytest.mark.feature("A-FR-06")
def test_a_run_without_control_bills_and_realigns() -> None:
    rule = taken_over("3000")
    rated = only(in_2007(rule, bundle_check=False))
    assert quantities(list(rated.lines)) == [("overrun", 1500), ("standard", 1000)]
    assert billed(rule, rated).state.own["cumulated"] == "1000"
    assert next_true_up(rule, in_2007(rule, bundle_check=False)) == 15000 - 9500 - 4000


@pytest.mark.feature("A-FR-10")
def test_a_changed_quantity_needs_a_run_without_control() -> None:
    rule = taken_over("4000")
    changed = replace(rule, terms=replace(rule.terms, units=Decimal(1200)))  # type: ignore[type-var]
    rating = in_2007(changed)
    assert codes(rating) == ["RAT-211"]
    assert "théoriques 4, réels 3,33" in rating.anomalies[0].sentence
    assert (
        "(la quantité du forfait a changé depuis, ou le cumul est faux)"
        in rating.anomalies[0].sentence
    )
    assert next_true_up(changed, in_2007(changed, bundle_check=False)) == 15000 - 9500 - 4 * 1200


@pytest.mark.feature("A-FR-10")
def test_a_changed_periodicity_needs_a_run_without_control() -> None:
    """Two half-yearly bundles are due where four quarterly ones were billed."""
    half = Periodicity(6, Unit.MONTH, date(2006, 11, 1))
    changed = taken_over("4000", periodicity=half)
    rating = in_2007(changed)
    assert codes(rating) == ["RAT-211"]
    assert "théoriques 2, réels 4" in rating.anomalies[0].sentence
    assert (
        "(dernière régularisation passée trop tôt, ou périodicité du forfait changée)"
        in rating.anomalies[0].sentence
    )
    assert next_true_up(changed, in_2007(changed, bundle_check=False)) == 15000 - 9500 - 2 * 1000


@pytest.mark.feature("A-FR-11")
def test_a_period_that_starts_after_the_last_true_up() -> None:
    late = Periodicity(3, Unit.MONTH, date(2007, 2, 1))
    rating = in_2007(taken_over("4000", periodicity=late))
    assert codes(rating) == ["RAT-212"]
    sentence = rating.anomalies[0].sentence
    assert "01/02/2007" in sentence
    assert "01/11/2006" in sentence


@pytest.mark.feature("A-FR-18")
def test_another_day_of_true_up_is_named() -> None:
    rule = taken_over("5000")
    own = {**rule.state.own, "last": "2006-11-02"}
    rating = in_2007(replace(rule, state=replace(rule.state, own=own)))
    assert codes(rating) == ["RAT-211"]
    assert (
        "jour de régularisation 1, jour de la dernière régularisation 2"
        in rating.anomalies[0].sentence
    )


# Floating: no reading on 01/07, so no true-up; the bundles of Q2 add to the bound of October.
#   01/01       01/04       01/07       01/10
#   |--b--b--b--|--b--b--b--|--b--b--b--|--b
#   0        3400           -        9500         readings
#   |-- 400 ----|T                      |
#               |----- 9500 - 3400 - 6000 --------|T  extra 100
@pytest.mark.feature("A-FR-12")
def test_floating_without_reading_waits_for_six_bundles() -> None:
    """Q1 read on 1 April; nothing in Q2; 9500 on 1 October: 6 bundles since April."""
    rule = bundle("1000", floating=True)
    known = installed(0, (APRIL, 3400), (OCTOBER, 9500))
    months = [date(2026, month, 1) for month in range(1, 11)]
    found = run_after_run(rule, months, known)
    assert quantities(found[3][1]) == [("overrun", 400), ("standard", 1000)]
    assert quantities(found[6][1]) == [("standard", 1000)]  # July: no true-up, no estimate
    assert found[6][0].state.own["next"] == "2026-10-01"
    assert quantities(found[9][1]) == [("overrun", 9500 - 3400 - 6 * 1000), ("standard", 1000)]
    assert explained(found[9][1])["bound"] == str(3400 + 6000)


@pytest.mark.feature("A-FR-13")
def test_bundle_and_true_up_on_one_invoice_or_on_two() -> None:
    for same, invoices in ((True, 1), (False, 2)):
        rule, _ = run_after_run(
            bundle("1000", same_invoice=same), [JANUARY, FEBRUARY, MARCH], installed(0)
        )[2]
        rating = run(rule, APRIL, installed(0, (APRIL, 3400)))
        shaped = shape([rating], {1: Payer(1, "P1")}, RunOptions(APRIL))
        assert len(shaped.invoices) == invoices
        assert sum(len(one.lines) for one in shaped.invoices) == 2


def test_global_price_adds_a_rental_part() -> None:
    """3000 x 0.004 = 12.00 and 3000 x 0.010 = 30.00 (A-FR-14, before any increase)."""
    costs = (
        cost("0.004", id=1),
        cost("0.010", id=2, family=Family.RENTAL),
        cost("0.02", id=3, family=Family.OVERRUN),
    )
    lines = only(run(bundle("3000", cost_lines=costs), JANUARY)).lines
    assert [(line.quantity, str(line.amount)) for line in lines] == [
        (3000, "12.00"),
        (3000, "30.00"),
    ]
    assert len({line.part for line in lines}) == 2


# In arrears: the bundle of a quarter is billed on the day after it, before the true-up of that day.
#   01/01                         01/04
#   |-------- bundle 2000 --------|
#   |-----2300 counted - 2000-----|               true-up: 300
#                                 b T
@pytest.mark.feature("A-FR-19")
def test_quarterly_bundle_of_2000_in_arrears_with_its_true_up() -> None:
    rule = bundle("2000", QUARTER, periodicity=QUARTERLY, term=Term.ARREARS, state=RuleState(APRIL))
    bundled, extra = only(run(rule, date(2026, 4, 1), installed(0, (APRIL, 2300)))).lines
    assert quantities([bundled, extra]) == [("standard", 2000), ("overrun", 300)]
    assert (bundled.since, bundled.until) == (extra.since, extra.until) == (JANUARY, APRIL)


# In advance on the civil month, started in the middle of one, first billed on 01/04.
#   01/03      15/03      01/04      01/05
#              |---500----|---1000---|            15/30 of 1000, then a whole month
#                         b b
@pytest.mark.feature("A-FR-20", "A-RFC-15")
def test_started_on_15_03_billed_on_01_04() -> None:
    start, day = date(2026, 3, 15), date(2026, 4, 1)
    p = Periodicity(1, Unit.MONTH, start, civil=True)
    rule = bundle(
        "1000", since=start, periodicity=p, state=RuleState(day), proration=Proration(first=True)
    )
    known = {1: readings((start, 0, Origin.INSTALLATION), (day, 400, Origin.CUSTOMER))}
    lines = only(run(rule, day, known)).lines
    assert quantities(list(lines)) == [("standard", 500), ("standard", 1000)]
    assert 500 + 1000 == 1500 == sum(line.quantity for line in lines)


def test_the_control_counts_a_prorated_bundle_for_its_part() -> None:
    """15 March to 1 July: 500 + 3 × 1000 against 3900."""
    start = date(2026, 3, 15)
    p = Periodicity(1, Unit.MONTH, start, civil=True)
    rule = bundle(
        "1000", since=start, periodicity=p, state=RuleState(APRIL), proration=Proration(first=True),
        true_up=Rhythm(6, Unit.MONTH),
    )  # fmt: skip
    known = {1: readings((start, 0, Origin.INSTALLATION), (JULY, 3900, Origin.CUSTOMER))}
    found = run_after_run(rule, [APRIL, date(2026, 5, 1), date(2026, 6, 1), JULY], known)
    assert quantities(found[-1][1]) == [("overrun", 400), ("standard", 1000)]


# --- grouped on the module --------------------------------------------------------------------

COLOUR = Meter(2, 1, "CO", "Couleur")
BY_PRICE, BY_QUANTITY = Grouping.PRICE, Grouping.QUANTITY


def grouped(
    how: Grouping, black: int, colour: int, **options: Any
) -> tuple[list[list[int]], Decimal]:
    """Extra units of each rule at the monthly true-up, and their whole amount.

    3000 black at 0.005 (15.00) and 2000 colour at 0.05 (100.00), in arrears.
    """
    rules = [
        bundle(
            units, MONTH, id=meter.id, code=meter.code, meters=(meter,), grouping=how, refund=True,
            term=Term.ARREARS, state=RuleState(FEBRUARY), cost_lines=(
                cost(price, id=2 * meter.id),
                cost(price, id=2 * meter.id + 1, family=Family.OVERRUN),
            ),
        )
        for units, price, meter in (("3000", "0.005", NB), ("2000", "0.05", COLOUR))
    ]  # fmt: skip
    known: Readings = {
        1: installed(0, (FEBRUARY, black))[1],
        2: installed(0, (FEBRUARY, colour), meter=2)[2],
    }
    rating = run(contract(*rules), FEBRUARY, known, **options)
    assert rating.anomalies == ()
    extras = [
        [line for line in one.rated.lines if line.cost_line.family is Family.OVERRUN]
        for one in rating.rules
    ]
    bundles = [line.amount for one in rating.rules for line in one.rated.lines[:1]]
    assert bundles == [Decimal("15.00"), Decimal("100.00")]
    assert all(one.rated.tied for one in rating.rules)
    total = sum((line.amount for lines in extras for line in lines), Decimal(0))
    return [[int(line.quantity) for line in lines] for lines in extras], total


@pytest.mark.feature("A-FR-15")
def test_grouped_by_price_under_115_bills_nothing() -> None:
    assert Decimal("3000") * Decimal("0.005") == 15
    assert Decimal("2000") * Decimal("0.05") == 100
    assert 15 + 100 == 115
    worth = 3500 * Decimal("0.005"), 1900 * Decimal("0.05")
    assert worth == (Decimal("17.50"), Decimal("95.00"))
    assert sum(worth) == Decimal("112.50")
    assert grouped(BY_PRICE, 3500, 1900) == ([[], []], 0)


def test_grouped_by_price_above_115_bills_the_difference() -> None:
    """4000 and 2100: 20.00 + 105.00 = 125.00, so 10.00 more."""
    assert grouped(BY_PRICE, 4000, 2100) == ([[1000], [100]], Decimal("10.00"))
    assert grouped(BY_PRICE, 4000, 1950) == ([[1000], [-50]], Decimal("2.50"))


@pytest.mark.feature("A-FR-16")
def test_grouped_by_quantity_counts_5000_copies() -> None:
    assert 4900 < 5000
    assert grouped(BY_QUANTITY, 3300, 4900 - 3300) == ([[], []], 0)
    assert 3500 + 2100 == 5600
    assert grouped(BY_QUANTITY, 3500, 2100) == ([[500], [100]], Decimal("7.50"))
    assert grouped(BY_QUANTITY, 3500, 1600) == ([[], []], 0)  # −17.50, the next test


def test_grouped_by_quantity_never_credits_unless_asked() -> None:
    """500 × 0.005 − 400 × 0.05 = −17.50 (3500 and 1600 copies, 5100 in all)."""
    assert grouped(BY_QUANTITY, 3500, 1600) == ([[], []], 0)
    asked = grouped(BY_QUANTITY, 3500, 1600, grouped_negative=True)
    assert asked == ([[500], [-400]], Decimal("-17.50"))


@pytest.mark.parametrize("missing", ["refund", "check"])
def test_grouping_needs_control_and_refund(missing: str) -> None:
    raw = {
        "units": 3000, "true_up": {"unit": "month"}, "grouping": "price",
        "refund": True, "check": True, missing: False,
    }  # fmt: skip
    with pytest.raises(ValueError, match="contrôle et remboursement"):
        KINDS["bundle"].terms(raw)


def test_grouped_by_price_counts_bundles_at_their_own_price() -> None:
    """Bundles at 0.01, true-up at 0.02: 3400 × 0.02 − 3000 × 0.01 = 38.00, in two lines."""
    rule = bundle("1000", grouping=BY_PRICE, refund=True)
    found = run_after_run(rule, [JANUARY, FEBRUARY, MARCH, APRIL], installed(0, (APRIL, 3400)))
    extra, gap, _ = found[3][1]
    assert (extra.amount, gap.amount) == (Decimal("8.00"), Decimal("30.00"))
    assert extra.amount + gap.amount == Decimal("38.00")
    assert extra.part != gap.part


# --- assets and meters ------------------------------------------------------------------------


@pytest.mark.feature("A-CRE-13")
def test_an_asset_installed_at_1000_moves_41_and_71_to_1041_and_1071() -> None:
    own = {"first": "2026-01-01", "last": "2026-04-01", "next": "2026-07-01", "cumulated": "30"}
    state = RuleState(
        JULY, APRIL, APRIL, "F1", 2, {1: 41}, billed_on={1: APRIL}, own={**own, "counter": "41"}
    )
    second = Meter(2, 2, "NB", "Noir et blanc")
    rule = bundle(
        "30", QUARTER, periodicity=QUARTERLY, state=state, meters=(NB, second), refund=True
    )
    may = date(2026, 5, 1)
    known = {
        1: installed(0, (JULY, 60))[1],
        2: readings((may, 1000, Origin.INSTALLATION), (JULY, 1015, Origin.CUSTOMER), meter=2),
    }
    told = explained(list(only(run(rule, JULY, known)).lines))
    assert (told["last"], told["bound"]) == ("1041", "1071")
    alone = replace(rule, meters=(NB,))
    told = explained(list(only(run(alone, JULY, known)).lines))
    assert (told["last"], told["bound"]) == ("41", "71")


def gigas(term: Term, first: date, true_up: Rhythm = QUARTER, units: str = "30") -> Rule:
    p = Periodicity(3, Unit.MONTH, date(2013, 10, 1))
    return bundle(
        units, true_up, since=date(2013, 10, 1), periodicity=p, term=term, state=RuleState(first),
        meters=(TRAFFIC,), calculation=Calculation.SUM, regime=Regime.ACTUAL,
    )  # fmt: skip


def over(rule: Rule, days: list[date], known: Readings) -> list[list[tuple[str, int]]]:
    """Quantities of each run of a rule that started in 2013."""
    found = []
    for day in days:
        rating = run(rule, day, known)
        assert rating.anomalies == ()
        found.append([q for one in rating.rules for q in quantities(list(one.rated.lines))])
        for one in rating.rules:
            rule = billed(rule, one.rated)
    return found


READ_2013: Readings = {
    1: [
        Reading(1, date(2013, 12, 31), 29, Origin.CUSTOMER, 1),
        Reading(1, date(2014, 3, 31), 35, Origin.CUSTOMER, 2),
    ]
}
QUARTERS_2014 = [date(2013, 10, 1), date(2014, 1, 1), date(2014, 4, 1)]


#   01/10/2013        01/01/2014        01/04/2014
#   |------ 29 -------|------ 35 -------|         counted, in each quarter by itself
#   b 30              T b 30            T b 30    29 - 30: nothing; 35 - 30: 5 extra
@pytest.mark.feature("A-NCU-05")
def test_thirty_gigas_in_advance() -> None:
    """29 counted: no extra on 01/01; 35: 5 extra on 01/04."""
    first, second, third = over(gigas(Term.ADVANCE, QUARTERS_2014[0]), QUARTERS_2014, READ_2013)
    assert first == second == [("standard", 30)]
    assert QUARTERS_2014[1:] == [date(2014, 1, 1), date(2014, 4, 1)]
    assert third == [("overrun", 5), ("standard", 30)]
    assert (READ_2013[1][0].value, READ_2013[1][1].value) == (29, 35)


#   01/10/2013        01/01/2014        01/04/2014
#   |------ 29 -------|------ 35 -------|
#                     b 30 T            b 30 T    the bundle first, then its true-up
@pytest.mark.feature("A-NCU-06")
def test_thirty_gigas_in_arrears() -> None:
    days = [date(2013, 10, 1), date(2014, 1, 1), date(2014, 4, 1)]
    first, second, third = over(gigas(Term.ARREARS, days[1]), days, READ_2013)
    assert first == []
    assert second == [("standard", 30)]
    assert third == [("standard", 30), ("overrun", 5)]


#   01/01/2013   01/04        01/07        01/10        01/01/2014
#   |--- 25 -----|-- 18 24 ---|--- 17 -----|--- 26 -----|
#   b 20         b 20         b 20         b 20         T b 20    110 - 80 = 30 extra
@pytest.mark.feature("A-NCU-07")
def test_a_yearly_sum_of_110_less_80() -> None:
    values = ((2, 25), (5, 18), (6, 24), (9, 17), (11, 26))
    assert 25 + (18 + 24) + 17 + 26 == 110
    assert 4 * 20 == 80
    known = {
        1: [
            Reading(1, date(2013, m, 1), v, Origin.CUSTOMER, n)
            for n, (m, v) in enumerate(values, 1)
        ]
    }
    start = date(2013, 1, 1)
    rule = replace(
        gigas(Term.ADVANCE, start, YEAR, "20"),
        since=start,
        periodicity=Periodicity(3, Unit.MONTH, start),
    )
    days = [date(2013, month, 1) for month in (1, 4, 7, 10)] + [date(2014, 1, 1)]
    found = over(rule, days, known)
    assert found[:4] == [[("standard", 20)]] * 4
    assert found[4] == [("overrun", 30), ("standard", 20)]


@pytest.mark.feature("A-NCU-08")
def test_only_the_sum_goes_with_a_longer_true_up() -> None:
    for how, right in ((Calculation.SUM, True), (Calculation.MAXIMUM, False)):
        terms = bundle("20", YEAR, calculation=how).terms
        if right:
            KINDS["bundle"].fits(terms, QUARTERLY)
        else:
            with pytest.raises(ValueError, match="somme"):
                KINDS["bundle"].fits(terms, QUARTERLY)


@pytest.mark.feature("A-NCU-09")
def test_the_stored_sequence_of_41_32_38() -> None:
    """The seed prints 3 for the second extra: 73 − 71 is 2."""
    days = [date(2015, 1, 1), date(2015, 4, 1), date(2015, 7, 1), date(2015, 10, 1)]
    readings_2015 = ((date(2015, 3, 25), 41), (date(2015, 6, 22), 32), (days[2], 38))
    known = {1: readings(*((on, value, Origin.CUSTOMER) for on, value in readings_2015))}
    rule = replace(
        gigas(Term.ADVANCE, days[0]), since=days[0], periodicity=replace(QUARTERLY, anchor=days[0])
    )
    states, bounds, extras = [], [30], []
    for day in days:
        rated = only(run(rule, day, known))
        rule = billed(rule, rated)
        if day != days[0]:
            own = rule.state.own
            states.append(int(own["counter"]))
            bounds.append(int(own["counter"]) + int(own["cumulated"]))
            extras.append(int(own["extra"]))
    assert states == [41, 73, 111]
    assert bounds == [30, 71, 103, 141]
    assert extras == [11, 2, 8]


@pytest.mark.feature("A-NCU-11")
def test_grouped_true_ups_on_non_cumulative_meters() -> None:
    """30 + 20 bundled, 25 + 31 counted: 56 > 50, each rule bills its signed difference."""
    rules = [
        bundle(
            units, QUARTER, id=n, code=f"R{n}", grouping=BY_QUANTITY, refund=True,
            meters=(replace(TRAFFIC, id=n),), calculation=Calculation.SUM, periodicity=QUARTERLY,
            term=Term.ARREARS, state=RuleState(APRIL),
        )
        for n, units in ((1, "30"), (2, "20"))
    ]  # fmt: skip
    known = {n: [Reading(n, MARCH, value, Origin.CUSTOMER, n)] for n, value in ((1, 25), (2, 31))}
    rating = run(contract(*rules), APRIL, known)
    assert rating.anomalies == ()
    assert [quantities(list(one.rated.lines)) for one in rating.rules] == [
        [("standard", 30), ("overrun", -5)],
        [("standard", 20), ("overrun", 11)],
    ]
    assert amounts(rating) == ["0.30", "-0.10", "0.20", "0.22"]


#   01/11/2005  01/02/2006  01/05  01/08  01/11/2006  01/02/2007
#   b           b           b      b      b           T b         bundles in advance, on the 1st
#    ^ 02/11/2005                          ^ 02/11/2006           true-up days
#               T (due 02/11/2005)                    T (due 02/11/2006, three months late)
def test_a_true_up_day_behind_the_bundle_day_comes_late() -> None:
    """Bundles on the 1st, true-ups on 2 November: that of 02/11/2006 comes on 01/02/2007.

    It stands against the bundles billed before it, in advance, since the last one: 4 here, for
    the bundle of 01/11/2005 was trued up on the day after.
    """
    start = date(2005, 11, 1)
    quarterly = Periodicity(3, Unit.MONTH, start)
    yearly = Rhythm(1, Unit.YEAR, date(2005, 11, 2))
    rule = bundle("1000", yearly, since=start, periodicity=quarterly, state=RuleState(start))
    known = {
        1: readings(
            (start, 0, Origin.INSTALLATION),
            (date(2006, 2, 1), 900, Origin.CUSTOMER),
            (date(2007, 2, 1), 5200, Origin.CUSTOMER),
        )
    }
    days = [start, *(date(2006, month, 1) for month in (2, 5, 8, 11)), date(2007, 2, 1)]
    found = run_after_run(rule, days, known)
    assert quantities(found[4][1]) == [("standard", 1000)]  # 01/11/2006: not yet the 2nd
    assert found[5][0].state.own["last"] == "2006-11-02"
    assert quantities(found[5][1]) == [("overrun", 5200 - 900 - 4000), ("standard", 1000)]
    remark = KINDS["bundle"].remark(rule.terms, quarterly)
    assert "le jour de régularisation (2) suit le jour du forfait (1)" in remark
    assert KINDS["bundle"].remark(bundle().terms, MONTHLY) == ""


# --- degressive prices ------------------------------------------------------------------------

CHEAPER = {"degressive": [{"above": 1000, "price": "0.008"}], "harmonise": True}


@pytest.mark.feature("A-DEG-01")
def test_above_1000_copies_cost_less() -> None:
    rule = copies("0.010", KINDS["consumed_units"].terms(CHEAPER))  # type: ignore[arg-type]
    first, second = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 1500)))).lines
    assert (first.quantity, first.unit_price, first.amount) == (
        1000,
        *map(Decimal, ("0.010", "10.00")),
    )
    assert (second.quantity, second.unit_price, second.amount) == (
        500,
        *map(Decimal, ("0.008", "4.00")),
    )
    assert first.amount + second.amount == Decimal("14.00")
    assert first.quantity + second.quantity == 1500
    assert first.part != second.part
    rated = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 1000))))
    assert [line.quantity for line in rated.lines] == [1000]  # 0-1000 at the price of the rule


#      01-01-2026   02-01        03-01            04-01          …  01-01-2027   02-01-2027
#  NB  0            600          1200             900               900          2100
#      |-- 600 -----|-- 600 -----|-- -300 --------|                 |-- 1200 ----|
#  year's units     600          1200             900                            1200
def test_slices_may_run_over_a_year_of_the_rule() -> None:
    """`degressive_per: year`; by default each bill begins at the first slice again."""
    february, april = date(2026, 2, 1), date(2026, 4, 1)
    days = [february, MARCH, april, date(2027, 1, 1), date(2027, 2, 1)]
    known = installed(0, *zip(days, (600, 1200, 900, 900, 2100), strict=True))
    found = {}
    for per in ("year", "bill"):
        terms: Any = KINDS["consumed_units"].terms(
            {**CHEAPER, "grouped": True, "degressive_per": per}
        )
        found[per] = [
            [(int(line.quantity), str(line.unit_price)) for line in lines]
            for _, lines in run_after_run(copies("0.010", terms), days, known)
        ]
    low, high = "0.010", "0.008"
    assert found["year"] == [
        [(600, low)],
        [(400, low), (200, high)],
        [(-100, low), (-200, high)],
        [],
        [(1000, low), (200, high)],
    ]
    assert found["bill"] == [[(600, low)], [(600, low)], [(-300, low)], [], found["year"][-1]]
    with pytest.raises(ValueError, match="demande un prix dégressif"):
        KINDS["consumed_units"].terms({"degressive_per": "year"})


def test_a_bill_counts_in_the_year_of_the_rule_it_begins_in() -> None:
    """A rule of 2 January: the bill of 1 January is the old year's; given units count in none."""
    raw = {**CHEAPER, "degressive_per": "year", "offered": 100}
    terms: Any = KINDS["consumed_units"].terms(raw)
    days = [FEBRUARY, *(date(2027, month, 1) for month in (1, 2, 3))]
    known = installed(0, *zip(days, (1000, 1500, 2500, 3000), strict=True))
    found = run_after_run(copies("0.010", terms, since=date(2026, 1, 2)), days, known)
    low, high = "0.010", "0.008"
    assert [[(int(one.quantity), str(one.unit_price)) for one in lines] for _, lines in found] == [
        [(900, low)],
        [(100, low), (400, high)],
        [(1000, high)],
        [(500, low)],
    ]
    begun = [after.state.own["sliced_since"] for after, _ in found]
    assert begun == ["2026-01-02", "2026-01-02", "2026-01-02", "2027-01-02"]


def test_a_true_up_is_priced_slice_by_slice_too() -> None:
    """1500 units beyond: 1000 × 0.02 + 500 × 0.008 = 24.00; 1500 fewer are refunded alike."""
    slices = KINDS["bundle"].terms({"units": 1, "true_up": {}, **CHEAPER}).degressive  # type: ignore[attr-defined]
    for counter, expected in ((4500, ["20.00", "4.00"]), (1500, ["-20.00", "-4.00"])):
        rule = bundle("1000", refund=True, degressive=slices)
        found = run_after_run(
            rule, [JANUARY, FEBRUARY, MARCH, APRIL], installed(0, (APRIL, counter))
        )
        assert [str(line.amount) for line in found[3][1][:-1]] == expected


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("0.008", "liste"),
        ([{"above": 0, "price": 1}], "croissantes"),
        ([{"above": 5, "price": 1}, {"above": 5, "price": 1}], "croissantes"),
        ([{"above": 5}], "obligatoire"),
        ([{"above": 5, "price": "-1"}], "positif"),
        ([{"above": 5, "price": "1", "until": 6}], "inconnus"),
    ],
)
def test_wrong_slices_are_refused(rows: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        KINDS["consumed_units"].terms({"degressive": rows})


#   01/01       01/04       01/07
#   |--b--b--b--|--b--b--b--|--b
#               T           T                     500 offered: 400 used by the first true-up,
#                                                 the 100 left by the next
def test_offered_units_count_at_the_true_up_only_and_wait_for_the_next() -> None:
    """500 offered: 400 beyond the bundles, then 300: nothing, then 200."""
    known = installed(0, (APRIL, 3400), (JULY, 6700))
    days = [date(2026, month, 1) for month in range(1, 8)]
    found = run_after_run(bundle("1000", offered=500), days, known)
    assert [quantities(lines) for _, lines in found[:6]] == [[("standard", 1000)]] * 6
    assert found[3][0].state.offered_used == 400
    assert quantities(found[6][1]) == [("overrun", 200), ("standard", 1000)]
    assert found[6][0].state.offered_used == 500


# In arrears, the module closed on 10 March; the true-up keeps its own date.
#   01/01     01/02     01/03   10/03   01/04
#   |--1000---|--1000---|--333--|       |
#   |---------- 2400 counted - 2333 ----|         true-up: 67
#                                       b b b T
def test_a_module_closed_in_mid_month_is_trued_up_on_its_calendar() -> None:
    """In arrears, closed on 10 March: 1000 + 1000 + 333 against 2400 counted by 1 April."""
    rule = bundle(
        "1000", term=Term.ARREARS, state=RuleState(FEBRUARY), proration=Proration(last=True)
    )
    signed = contract(rule)
    module = replace(signed.modules[0], until=date(2026, 3, 11))
    rating = run(replace(signed, modules=(module,)), APRIL, installed(0, (APRIL, 2400)))
    assert rating.anomalies == ()
    assert quantities(list(only(rating).lines)) == [
        ("standard", 1000),
        ("standard", 1000),
        ("standard", 333),
        ("overrun", 67),
    ]


@pytest.mark.feature("A-OFF-04")
def test_200_offered_on_a_bundle_of_1000() -> None:
    rule = bundle("1000", MONTH, offered=200)
    found = run_after_run(rule, [JANUARY, FEBRUARY], installed(0, (FEBRUARY, 1300)))
    assert [quantities(lines) for _, lines in found] == [
        [("standard", 1000)],
        [("overrun", 100), ("standard", 1000)],
    ]

"""Price increases: the figures of the seed (004) and of contracts.md §2 and §5, as printed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Family, Line, Rule, RuleState, RunOptions
from billing.contracts.engine import rate_contract
from billing.contracts.increase import (
    Change,
    Increase,
    IncreaseKind,
    Mode,
    OneOff,
    PriceName,
    changed,
    price_at,
)
from billing.contracts.pricing import Degressive, Slice
from billing.contracts.revision import next_increase, with_history
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.contracts.story import Story, recompute
from billing.contracts.syntec import Indices, Ratio, ratio
from billing.contracts.terms import Rhythm
from billing.money import Rounding, round_price
from billing.period import Periodicity, Term, Unit
from config.nomenclatures import syntec_index
from tests.billing.contracts.build import (
    Readings,
    billed,
    block,
    bundle,
    contract,
    copies,
    cost,
    fee,
    installed,
    replace,
)

JANUARY, NEXT_YEAR = date(2026, 1, 1), date(2027, 1, 1)
SYNTEC = Change(IncreaseKind.SYNTEC)
COMPANY = Change(IncreaseKind.COMPANY)
YEARLY = Periodicity(1, Unit.YEAR, JANUARY)


def custom(mode: Mode, value: str) -> Change:
    """A custom change."""
    return Change(IncreaseKind.CUSTOM, mode, Decimal(value))


FIVE_PERCENT = custom(Mode.PERCENTAGE, "5")


def lines(
    rule: Rule,
    day: date,
    known: Readings | None = None,
    indices: Indices | None = None,
    **options: Any,
) -> tuple[Rule, list[Line]]:
    """The rule after a run with increases active, and its lines."""
    options = {"increases": True, **options}
    rating = rate_contract(
        contract(rule), known or {}, RunOptions(day, **options), indices=indices or {}
    )
    assert rating.anomalies == (), rating.anomalies
    found = [line for one in rating.rules for line in one.rated.lines]
    (one,) = rating.rules
    return billed(rule, one.rated), found


def prices(found: list[Line]) -> list[tuple[date, str]]:
    """(start, unit price) of each line."""
    return [(line.since, str(line.unit_price)) for line in found]


def yearly_fee(price: str, since: date, agreed: Increase, **changes: Any) -> Rule:
    """A yearly flat fee in advance from a day."""
    p = replace(YEARLY, anchor=since)
    state = RuleState(since)
    return fee(price, periodicity=p, since=since, state=state, increase=agreed, **changes)


@pytest.mark.feature("A-SYN-01")
def test_syntec_formula() -> None:
    found = Ratio("01/2013", Decimal("159.588"), "01/2014", Decimal("161.018"), late=False)
    exact = found.exact(Decimal("100.00"))
    assert exact == Decimal("100.00") * (
        Decimal("0.15") + Decimal("0.85") * Decimal("161.018") / Decimal("159.588")
    )
    assert round_price(exact, 2) == Decimal("100.76")


@pytest.mark.feature("A-SYN-01")
def test_a_contract_of_january_2013_revised_in_january_2014() -> None:
    rule = yearly_fee("100.00", date(2013, 1, 1), Increase(SYNTEC))
    rule, (first,) = lines(rule, date(2013, 1, 1), indices=syntec_index())
    _, (second,) = lines(rule, date(2014, 1, 1), indices=syntec_index())
    assert (first.amount, second.amount) == (Decimal("100.00"), Decimal("100.76"))
    told = second.explain["increase"]
    assert isinstance(told, dict)
    assert told["exact"].startswith("100.76164")
    assert {name: told[name] for name in told if name != "exact"} == {
        "since": "2014-01-01",
        "kind": "syntec",
        "s0_month": "01/2013",
        "s0": "159.588",
        "s1_month": "01/2014",
        "s1": "161.018",
        "rounding": "standard",
        "decimals": 2,
        "before": "100",
        "after": "100.76",
    }


@pytest.mark.feature("A-SYN-02")
def test_revision_10_08_2014_takes_the_last_index_published() -> None:
    found = ratio(syntec_index(), date(2013, 1, 1), date(2014, 8, 10))
    assert isinstance(found, Ratio)
    assert (found.s1_month, found.s1, found.late) == ("07/2014", Decimal("162.591"), True)
    rule = yearly_fee("100.00", date(2013, 8, 10), Increase(SYNTEC))
    rule, _ = lines(rule, date(2013, 8, 10), indices=syntec_index())
    _, (line,) = lines(rule, date(2014, 8, 10), indices=syntec_index())
    assert line.details == (
        "Indice Syntec non encore publié au 10/08/2014 : dernier connu, 07/2014",
    )


@pytest.mark.feature("A-SYN-03")
@pytest.mark.parametrize(
    ("since", "day", "gone", "month"),
    [
        (date(2005, 5, 1), date(2014, 1, 1), None, "05/2005"),
        (date(2013, 1, 1), date(2014, 3, 1), (2014, 3), "03/2014"),
    ],
)
def test_a_missing_index_names_its_month(
    since: date, day: date, gone: tuple[int, int] | None, month: str
) -> None:
    table = {key: value for key, value in syntec_index().items() if key != gone}
    assert len(syntec_index()) + 1 == 104
    rule = yearly_fee("100.00", since, Increase(SYNTEC, (day.month, day.day)))
    state = RuleState(day, last_actual=date(2013, 6, 1))
    rating = rate_contract(
        contract(replace(rule, state=state)), {}, RunOptions(day, increases=True), indices=table
    )
    (anomaly,) = rating.anomalies
    assert anomaly.code.id == "RAT-241"
    assert f"L'indice Syntec de {month} manque : la règle « MF »" in anomaly.sentence


def test_syntec_from_the_year_before() -> None:
    """SYNTEC_BASE=n-1: the current price, the index of the same month one year before."""
    rule = yearly_fee("100.00", date(2012, 1, 1), Increase(SYNTEC))
    rule, found = lines(rule, date(2014, 1, 1), indices=syntec_index(), syntec_base="n-1")
    assert [line.amount for line in found] == [
        Decimal("100.00"),
        Decimal("101.71"),
        Decimal("102.48"),
    ]
    _, found = lines(
        yearly_fee("100.00", date(2012, 1, 1), Increase(SYNTEC)),
        date(2014, 1, 1),
        indices=syntec_index(),
    )
    assert [str(line.amount) for line in found] == ["100.00", "101.71", "102.49"]


def test_syntec_goes_on_from_a_one_off_increase() -> None:
    """The +10 of July 2013 stays: P0 and S0 are then those of that day."""
    ten = OneOff(date(2013, 7, 1), custom(Mode.ADDED, "10"))
    rule = yearly_fee("100.00", date(2013, 1, 1), Increase(SYNTEC, one_offs=(ten,)))
    _, found = lines(rule, date(2014, 1, 1), indices=syntec_index())
    assert found[-1].amount == Decimal("110.50")  # 110 × (0.15 + 0.85 × 161.018 / 160.160)


@pytest.mark.feature("A-AUG-05")
@pytest.mark.parametrize(
    ("mode", "value", "after"),
    [
        (Mode.COEFFICIENT, "1.05", "157.50"),
        (Mode.PERCENTAGE, "5", "157.50"),
        (Mode.ADDED, "10", "160.00"),
        (Mode.REPLACED, "9", "9.00"),
    ],
)
def test_custom_changes_of_150(mode: Mode, value: str, after: str) -> None:
    assert [
        changed(custom(how, by), Decimal("150.00"))
        for how, by in (
            (Mode.COEFFICIENT, "1.05"),
            (Mode.PERCENTAGE, "5"),
            (Mode.ADDED, "10"),
            (Mode.REPLACED, "9"),
        )
    ] == [Decimal("157.50"), Decimal("157.50"), Decimal("160.00"), Decimal("9.00")]
    _, found = lines(fee("150.00", increase=Increase(custom(mode, value))), NEXT_YEAR)
    assert (found[0].amount, found[-1].amount) == (Decimal("150.00"), Decimal(after))


@pytest.mark.feature("A-RFC-19")
@pytest.mark.parametrize(
    ("rounding", "after"),
    [(Rounding.STANDARD, "1.2592"), (Rounding.UP, "1.2592"), (Rounding.DOWN, "1.2591")],
)
def test_rounding_at_4_decimals(rounding: Rounding, after: str) -> None:
    agreed = Increase(custom(Mode.COEFFICIENT, "1.02"), rounding=rounding)
    _, found = lines(fee("1.2345", increase=agreed, decimals=4), NEXT_YEAR)
    told = found[-1].explain["increase"]
    assert isinstance(told, dict)
    assert (told["before"], told["exact"], told["after"]) == ("1.2345", "1.25919", after)
    assert [round_price(Decimal("1.25919"), 4, how) for how in Rounding] == [
        Decimal("1.2592"),
        Decimal("1.2592"),
        Decimal("1.2591"),
    ]
    assert (told["rounding"], told["decimals"]) == (rounding.value, 4)


@pytest.mark.feature("A-AUG-01")
def test_off_no_price_moves_on_the_anniversary() -> None:
    rule = fee("100.00", increase=Increase(FIVE_PERCENT))
    moved, found = lines(rule, NEXT_YEAR, increases=False)
    assert {line.unit_price for line in found} == {Decimal("100.00")}
    assert moved.state.increases == {}
    _, later = lines(moved, date(2027, 2, 1))  # switched on too late for January: missed
    assert prices(later) == [(date(2027, 2, 1), "100.00")]


def test_a_date_fixed_by_a_clerk_is_not_missed() -> None:
    rule = fee("100.00", increase=Increase(FIVE_PERCENT))
    rule, _ = lines(rule, date(2027, 3, 1), increases=False)
    fixed = Increase(FIVE_PERCENT, following=date(2027, 2, 1))
    rule, found = lines(replace(rule, increase=fixed), date(2027, 4, 1))
    assert prices(found) == [(date(2027, 4, 1), "105.00")]
    assert list(rule.state.increases) == ["2027-02-01"]
    assert next_increase(fixed, JANUARY, JANUARY, rule.state) == date(2028, 1, 1)


@pytest.mark.feature("A-AUG-06")
def test_1_janvier_applies_on_the_first_billing_from_01_01() -> None:
    agreed = Increase(FIVE_PERCENT, (1, 1))
    march = date(2026, 3, 1)
    rule = fee("100.00", since=march, state=RuleState(march), increase=agreed)
    rule, before = lines(rule, date(2026, 12, 31))
    assert {line.unit_price for line in before} == {Decimal("100.00")}
    assert rule.state.increases == {}
    rule, after = lines(rule, date(2027, 1, 1))
    assert prices(after) == [(date(2027, 1, 1), "105.00")]
    assert list(rule.state.increases) == ["2027-01-01"]


@pytest.mark.feature("A-AUG-06")
def test_the_anniversary_of_the_module_each_year() -> None:
    """A module of 29 February has its anniversary on the 28th of other years."""
    leap, agreed = date(2024, 2, 29), Increase(FIVE_PERCENT)
    state = RuleState(leap)
    days = []
    for _ in range(4):
        day = next_increase(agreed, leap, leap, state)
        assert day is not None
        days.append(day.isoformat())
        state = replace(state, increases={**state.increases, day.isoformat(): {}})
    assert days == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
    assert next_increase(Increase(FIVE_PERCENT, (1, 1)), leap, leap, RuleState(leap)) == date(
        2025, 1, 1
    )


def test_a_period_that_straddles_the_date_keeps_the_price_of_its_start() -> None:
    agreed = Increase(FIVE_PERCENT, (12, 15))
    _, found = lines(fee("100.00", increase=agreed), NEXT_YEAR)
    assert prices(found)[-2:] == [(date(2026, 12, 1), "100.00"), (NEXT_YEAR, "105.00")]


@pytest.mark.feature("A-AUG-07")
def test_only_billed_ticked_the_other_three_stay() -> None:
    costs = (
        cost(
            "100.00",
            cutoff_price=Decimal(90),
            profit_price=Decimal(80),
            cost_price=Decimal(40),
        ),
    )
    agreed = Increase(FIVE_PERCENT, prices=(PriceName.BILLED,))
    rule, found = lines(fee(cost_lines=costs, increase=agreed), NEXT_YEAR)
    (line,) = with_history(rule).cost_lines
    assert list(line.steps[0].prices) == ["billed"]
    assert found[-1].unit_price == Decimal("105.00")
    one_off = OneOff(NEXT_YEAR, FIVE_PERCENT)  # all four by default
    rule, _ = lines(fee(cost_lines=costs, increase=Increase(one_offs=(one_off,))), NEXT_YEAR)
    (line,) = with_history(rule).cost_lines
    assert {name: str(moved.after) for name, moved in line.steps[0].prices.items()} == {
        "billed": "105",
        "cutoff": "94.5",
        "profit": "84",
        "cost": "42",
    }


@pytest.mark.feature("A-AUG-08")
@pytest.mark.feature("A-FR-14")
def test_the_rental_part_never_increases() -> None:
    """3000 × 0.004 = 12.00 and 3000 × 0.010 = 30.00; after 5 %: 12.60 and 30.00."""
    costs = (
        cost("0.004", id=3),
        cost("0.02", id=4, family=Family.OVERRUN),
        cost("0.010", id=5, family=Family.RENTAL),
    )
    ahead = OneOff(date(2026, 2, 1), FIVE_PERCENT)
    rule = bundle("3000", cost_lines=costs, decimals=4, increase=Increase(one_offs=(ahead,)))
    rule, january = lines(rule, JANUARY, installed(0))
    _, february = lines(rule, date(2026, 2, 1), installed(0))
    assert [(line.quantity, line.amount) for line in january] == [
        (3000, Decimal("12.00")),
        (3000, Decimal("30.00")),
    ]
    assert [(line.unit_price, line.amount) for line in february] == [
        (Decimal("0.0042"), Decimal("12.60")),
        (Decimal("0.010"), Decimal("30.00")),
    ]
    assert 1 + Decimal(5) / 100 == Decimal("12.60") / Decimal("12.00")
    assert Decimal("0.004") * 3000 == 12


@pytest.mark.feature("A-RFC-27")
def test_a_rental_rule_is_untouched_by_the_company_increase() -> None:
    rent = cost("50.00", article_class="loyer", profit_price=Decimal(0))
    rule, found = lines(
        fee(cost_lines=(rent,), increase=Increase()), NEXT_YEAR, company_factor=Decimal("1.05")
    )
    assert {line.unit_price for line in found} == {Decimal("50.00")}
    assert rule.state.increases == {}
    _, other = lines(
        fee("50.00", increase=Increase(COMPANY)), NEXT_YEAR, company_factor=Decimal("1.05")
    )
    assert other[-1].unit_price == Decimal("52.50")


def test_a_company_increase_without_its_rate_stops_the_rule() -> None:
    rule = fee("50.00", increase=Increase(COMPANY))
    rating = rate_contract(contract(rule), {}, RunOptions(NEXT_YEAR, increases=True))
    assert [anomaly.code.id for anomaly in rating.anomalies] == ["RAT-242"]


@pytest.mark.feature("A-AUG-09")
def test_one_off_dated_01_07_applies_once_from_01_07() -> None:
    ahead = OneOff(date(2026, 7, 1), FIVE_PERCENT)
    rule = fee("100.00", increase=Increase(one_offs=(ahead,)))
    rule, june = lines(rule, date(2026, 6, 1), increases=False)
    rule, july = lines(rule, date(2026, 7, 1), increases=False)
    rule, later = lines(rule, date(2027, 8, 1), increases=False)
    assert {line.unit_price for line in june} == {Decimal("100.00")}
    assert prices(july) == [(date(2026, 7, 1), "105.00")]
    assert {line.unit_price for line in later} == {Decimal("105.00")}
    assert list(rule.state.increases) == ["2026-07-01+1"]


def test_degressive_prices_move_with_their_line() -> None:
    ten = OneOff(date(2026, 1, 1), custom(Mode.PERCENTAGE, "10"))
    units = ConsumedUnits(degressive=Degressive((Slice(1000, Decimal("0.008")),)))
    rule = copies("0.010", units, decimals=4, increase=Increase(one_offs=(ten,)))
    _, found = lines(rule, date(2026, 2, 1), installed(0, (date(2026, 2, 1), 1500)))
    assert [str(line.amount) for line in found] == ["11.00", "4.40"]
    assert [line.part for line in found] == ["standard/2", "standard/2/1000"]


def test_a_block_bills_at_the_price_of_its_renewal_day() -> None:
    """In arrears too, where the line's period begins a year before."""
    ahead = OneOff(date(2026, 7, 1), FIVE_PERCENT)
    rule = block(
        "5000", Rhythm(6, Unit.MONTH), term=Term.ARREARS, decimals=4,
        state=RuleState(date(2026, 2, 1)), increase=Increase(one_offs=(ahead,)),
    )  # fmt: skip
    _, (line,) = lines(rule, date(2026, 7, 1), installed(0, (date(2026, 7, 1), 10)))
    assert (line.since, line.unit_price) == (JANUARY, Decimal("0.0105"))


@pytest.mark.feature("A-AUG-11")
@pytest.mark.parametrize(
    ("prorated", "parts"),
    [
        (False, [("2026-01-01", 400, "8.00")]),
        (True, [("2026-01-01", 138, "2.76"), ("2026-02-01", 262, "5.50")]),
    ],
)
def test_an_increase_between_two_true_ups(
    prorated: bool, parts: list[tuple[str, int, str]]
) -> None:
    """The bundle's price changes at once; the true-up has the price of its start, or its units are
    cut by days: 31 of 90 before, 400 × 31 / 90 = 137.8 → 138."""
    ahead = OneOff(date(2026, 2, 1), FIVE_PERCENT)
    rule = bundle("1000", decimals=4, increase=Increase(one_offs=(ahead,)))
    known = installed(0, (date(2026, 4, 1), 3400))
    amounts = {}
    for day in (JANUARY, date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)):
        rule, found = lines(rule, day, known, true_up_prorated=prorated)
        amounts[day] = found
    bundles = [found[-1].unit_price for found in amounts.values()]
    assert bundles == [Decimal("0.01"), *[Decimal("0.0105")] * 3]
    true_up = [line for line in found if line.cost_line.family is Family.OVERRUN]
    assert [(str(x.since), x.quantity, str(x.amount)) for x in true_up] == parts
    for line in true_up:
        story = Story(line.quantity, line.unit_price, line.explain)
        assert recompute(story) == line.amount


def test_prices_before_the_first_step_are_those_it_changed() -> None:
    rule, _ = lines(fee("100.00", increase=Increase(FIVE_PERCENT)), date(2028, 1, 1))
    (line,) = with_history(rule).cost_lines
    days = (date(2026, 6, 1), date(2027, 6, 1), date(2028, 6, 1))
    found = [price_at(line.steps, day, line.price) for day in days]
    assert found == [Decimal("100"), Decimal("105"), Decimal("110.25")]
    assert line.price == Decimal("110.25")

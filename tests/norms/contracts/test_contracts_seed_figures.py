"""The seed's own figures (004, contracts.md §2, §3, §4.1, §4.2, §6), as printed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Contract, Module, RuleState, RunOptions
from billing.contracts.counting import Counted
from billing.contracts.engine import rate_contract
from billing.contracts.grouping import Payer, Shaped, shape
from billing.contracts.noncumulative import Calculation, value_of
from billing.contracts.reading import Meter, Origin, Reading
from billing.contracts.rules import KINDS
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.money import to_cents
from billing.period import Periodicity, ProrataBase, Proration, Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    NB,
    QUARTERLY,
    amounts,
    asset,
    billed,
    codes,
    contract,
    copies,
    cost,
    fee,
    installed,
    only,
    replace,
    run,
)

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
THREE = tuple(Meter(n, n, "NB", f"Compteur B{n}") for n in (1, 2, 3))


def fleet(grouped: bool) -> tuple[list[Decimal], list[dict[int, int]]]:
    """Quantities and last billed counters of months M and M+1 of the seed's three assets."""
    rule = copies(units=ConsumedUnits(grouped), meters=THREE)
    rule = replace(
        rule, state=replace(rule.state, last_actual=JANUARY, counters={1: 2000, 2: 1000, 3: 1500})
    )
    quantities, counters = [], []
    for day, values in ((FEBRUARY, (2100, 900, 1600)), (MARCH, (2200, 1050, 1700))):
        known = {
            meter.id: [
                Reading(meter.id, JANUARY, 0, Origin.INSTALLATION, 1),
                Reading(meter.id, day, value, Origin.CUSTOMER, 2),
            ]
            for meter, value in zip(THREE, values, strict=True)
        }
        rated = only(run(rule, day, known))
        quantities.append(rated.lines[0].quantity)
        rule = billed(rule, rated)
        counters.append(dict(rule.state.counters))
    return quantities, counters


@pytest.mark.feature("A-UC-01")
def test_counter_to_bill_less_last_billed_counter() -> None:
    rule = copies("0.01")
    rule = replace(rule, state=replace(rule.state, counters={1: 2000}, last_actual=JANUARY))
    (line,) = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 2100)))).lines
    assert line.quantity == 2100 - 2000 == 100
    assert (line.unit_price, line.amount) == (Decimal("0.01"), Decimal("1.00"))


@pytest.mark.feature("A-UC-02")
def test_grouped_bills_100_then_350() -> None:
    quantities, counters = fleet(grouped=True)
    assert quantities == [100, 350]
    assert counters[0] == {1: 2100, 2: 900, 3: 1600}


@pytest.mark.feature("A-UC-03")
def test_not_grouped_bills_200_then_250() -> None:
    quantities, counters = fleet(grouped=False)
    assert quantities == [200, 250]
    assert counters == [{1: 2100, 2: 1000, 3: 1600}, {1: 2200, 2: 1050, 3: 1700}]


def test_a_grouped_total_below_zero_is_a_credit_and_not_grouped_bills_nothing() -> None:
    """Estimated at 2000, then read at 1900: -100 x 0.01 = -1.00."""
    known = installed(0, (FEBRUARY, 1900))
    for grouped, billed_amounts, counter in ((True, ["-1.00"], 1900), (False, [], 2000)):
        rule = copies("0.01", ConsumedUnits(grouped=grouped))
        rule = replace(rule, state=replace(rule.state, counters={1: 2000}, last_actual=JANUARY))
        rated = only(run(rule, FEBRUARY, known))
        assert [str(line.amount) for line in rated.lines] == billed_amounts
        assert rated.state is not None
        assert rated.state.counters == {1: counter}


@pytest.mark.feature("A-UC-05")
def test_an_asset_with_four_meters_and_four_rules_bills_four_lines() -> None:
    names = ("NB A4", "NB A3", "Couleur A4", "Couleur A3")
    meters = [Meter(n, 1, name, name) for n, name in enumerate(names, 1)]
    rules = [copies(id=m.id, code=m.code, meters=(m,)) for m in meters]
    known = {m.id: installed(0, (FEBRUARY, 100), meter=m.id)[m.id] for m in meters}
    assert len(amounts(run(contract(*rules), FEBRUARY, known))) == 4


@pytest.mark.feature("A-UC-06")
def test_consumed_units_in_advance_are_refused() -> None:
    assert KINDS["consumed_units"].forced_term is Term.ARREARS
    assert codes(run(copies(term=Term.ADVANCE), FEBRUARY, installed(0))) == ["RAT-208"]


@pytest.mark.feature("A-MF-01")
def test_three_at_25() -> None:
    (line,) = only(run(fee("25.00", "3"), JANUARY)).lines
    assert (line.quantity, line.unit_price, line.amount) == (
        3,
        Decimal("25.00"),
        Decimal("75.00"),
    )


@pytest.mark.feature("A-MF-02")
def test_assets_do_not_change_a_periodic_fee() -> None:
    four = tuple(asset(n) for n in range(1, 5))
    assert len(four) == 4
    assert amounts(run(fee("25.00", "1", assets=four), JANUARY)) == ["25.00"]


@pytest.mark.feature("A-MF-03")
def test_aperiodic_without_assets_counts_those_of_its_module() -> None:
    shipping = fee("5.00", "2", id=9, periodicity=None)
    module_assets = (asset(1), asset(2), asset(3))
    assert len(module_assets) == 3
    signed = contract(fee(), shipping, assets=module_assets)
    assert amounts(run(signed, JANUARY)) == ["25.00", "30.00"]


@pytest.mark.feature("A-MF-04")
def test_aperiodic_with_assets_counts_its_own() -> None:
    two = (asset(1), asset(2))
    assert len(two) == 2
    shipping = fee("5.00", id=9, periodicity=None, assets=two)
    signed = contract(fee(), shipping, assets=(asset(1), asset(2), asset(3)))
    assert amounts(run(signed, JANUARY)) == ["25.00", "10.00"]


RENTAL = fee(
    assets=(asset(1, financed_in_advance=True),), cost_lines=(cost("25.00", article_class="Loyer"),)
)


def article(rule: object, code: str = "INTERCAL") -> tuple[str, str]:
    (line,) = only(run(rule, JANUARY, bridging_rent_article=code)).lines  # type: ignore[arg-type]
    return line.cost_line.article, str(line.amount)


@pytest.mark.feature("A-MF-05")
def test_bridging_rent_needs_its_five_conditions() -> None:
    assert article(RENTAL) == ("INTERCAL", "25.00")
    billed_once = replace(RENTAL.state, last_actual=JANUARY, last_invoice="F1")
    for off in (
        replace(RENTAL, assets=()),
        replace(RENTAL, assets=(asset(1),)),
        replace(RENTAL, cost_lines=(cost("25.00", article_class="Service"),)),
        replace(RENTAL, state=billed_once),
    ):
        assert article(off) == ("ART", "25.00")
    aperiodic = replace(RENTAL, id=9, periodicity=None)
    both = run(contract(fee(), aperiodic), JANUARY, bridging_rent_article="INTERCAL")
    assert [one.rated.lines[0].cost_line.article for one in both.rules] == ["ART", "ART"]
    assert article(RENTAL, code="") == ("ART", "25.00")


@pytest.mark.feature("A-MF-07")
def test_a_fee_without_asset_bills() -> None:
    assert amounts(run(fee(assets=()), JANUARY)) == ["25.00"]


@pytest.mark.feature("A-OFF-01")
def test_1000_offered_of_1200() -> None:
    rule = copies(units=ConsumedUnits(offered=1000))
    (line,) = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 1200)))).lines
    assert line.quantity == 200


@pytest.mark.feature("A-OFF-02")
def test_the_offer_ends_on_its_date_and_billing_starts_at_300() -> None:
    rule = copies(units=ConsumedUnits(offered=1000, offered_until=date(2026, 1, 31)))
    rated = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 300))))
    assert rated.lines == ()
    known = installed(0, (FEBRUARY, 300), (MARCH, 450))
    (line,) = only(run(billed(rule, rated), MARCH, known)).lines
    assert line.quantity == 450 - 300


@pytest.mark.parametrize(("last_day", "given"), [(date(2026, 1, 30), 0), (date(2026, 1, 31), 300)])
def test_an_offer_holds_on_its_last_day_and_without_quantity_has_no_limit(
    last_day: date, given: int
) -> None:
    """January's units, offered until its last day (included) or the day before."""
    for offered in (0, 1000):
        rule = copies(units=ConsumedUnits(offered=offered, offered_until=last_day))
        rated = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 300))))
        assert [line.quantity for line in rated.lines] == ([300] if not given else [])
        assert rated.state is not None
        assert rated.state.offered_used == given
        assert rated.state.last_actual == (None if given else FEBRUARY)


@pytest.mark.feature("A-OFF-03")
def test_a_rule_with_an_invoice_ignores_offered_units() -> None:
    rule = copies(units=ConsumedUnits(offered=1000))
    rule = replace(rule, state=replace(rule.state, last_invoice="F1", counters={1: 0}))
    (line,) = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 1200)))).lines
    assert line.quantity == 1200


@pytest.mark.feature("A-CRE-17")
def test_a_meter_with_decimals_prints_177_77() -> None:
    gigabytes = replace(NB, label="Go", scale=100)
    rule = copies("0.01", meters=(gigabytes,))
    (line,) = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 17777)))).lines
    assert (line.quantity, line.unit_price) == (Decimal("177.77"), Decimal("1.00"))
    assert line.amount == to_cents(17777 * Decimal("0.01")) == Decimal("177.77")
    assert line.details == ("Go : relevé client du 01/02/2026, 177,77",)


# In advance on the civil month, from 15 March; both lines on the run of 1 April.
#   01/03      15/03      01/04      01/05
#              |--part----|--1000.00-|            15/30 = 500.00, or 17/31 = 548.39
#                         b b
@pytest.mark.parametrize(
    ("base", "march"), [(ProrataBase.COMMERCIAL, "500.00"), (ProrataBase.ACTUAL, "548.39")]
)
def test_a_fee_of_1000_from_15_march_billed_1_april(base: ProrataBase, march: str) -> None:
    start, april = date(2026, 3, 15), date(2026, 4, 1)
    rule = fee(
        "1000.00",
        periodicity=Periodicity(1, Unit.MONTH, start, civil=True),
        since=start,
        proration=Proration(first=True, base=base),
    )
    for first_date in (start, april):  # the date at creation, or moved to the first bill
        state = replace(rule.state, next_theoretical=first_date)
        lines = only(run(replace(rule, state=state), april)).lines
        assert [str(line.amount) for line in lines] == [march, "1000.00"]
        assert [(line.since, line.until) for line in lines] == [
            (start, april),
            (april, date(2026, 5, 1)),
        ]


def market_example(grouped: bool) -> Shaped:
    """Contracts 1 and 2 of one customer, each with rules in markets 1 and 2."""
    signed = []
    for number in (1, 2):
        rules = [fee(id=10 * number + m, code=f"R{number}{m}", market=f"00000{m}") for m in (1, 2)]
        signed.append(contract(*rules, id=number, code=f"SSC{number}"))
    options = RunOptions(JANUARY)
    return shape(
        [rate_contract(one, {}, options) for one in signed],
        {1: Payer(1, "CLI", grouped)},
        options,
    )


@pytest.mark.feature("A-MAR-03")
def test_markets_grouped_2_invoices_not_grouped_4() -> None:
    together = market_example(grouped=True).invoices
    assert [[line.rule_id for line in i.lines] for i in together] == [[11, 21], [12, 22]]
    apart = market_example(grouped=False).invoices
    assert [[line.rule_id for line in i.lines] for i in apart] == [[11], [21], [12], [22]]
    assert (len(together), len(apart)) == (2, 4)


@pytest.mark.feature("A-SIM-05")
def test_the_threshold_of_10() -> None:
    options = RunOptions(JANUARY, threshold=Decimal(10))
    payers = {1: Payer(1, "CLI")}
    low = shape([rate_contract(contract(fee("9.99")), {}, options)], payers, options)
    assert (low.invoices, low.moved) == ((), ())
    assert [(d.contract, str(d.amount)) for d in low.deferred] == [("C1", "9.99")]
    reached = shape([rate_contract(contract(fee("10.00")), {}, options)], payers, options)
    assert [str(invoice.net) for invoice in reached.invoices] == ["10.00"]
    assert len(reached.moved) == 1


# In arrears, by the quarter; the module ends with January.
#   01/01     31/01               01/04
#   |--10.00--|                   b               one third of 30.00, on the quarter's own date
def test_a_quarter_of_a_rule_in_arrears_past_its_module_is_billed_once() -> None:
    rule = fee(
        "30.00",
        term=Term.ARREARS,
        periodicity=QUARTERLY,
        state=replace(fee().state, next_theoretical=date(2026, 4, 1)),
        proration=Proration(last=True),
    )
    module = Module(1, "M1", JANUARY, date(2026, 2, 1), (rule,))
    signed = Contract(1, "C1", "Contrat", 1, (module,))
    rated = only(run(signed, date(2026, 4, 1)))
    assert [str(line.amount) for line in rated.lines] == ["10.00"]
    after = replace(module, rules=(billed(rule, rated),))
    assert run(replace(signed, modules=(after,)), date(2026, 7, 1)).rules == ()


def test_a_counted_meter_prints_its_thousands() -> None:
    last = Reading(1, JANUARY, 0, Origin.INSTALLATION)
    to_bill = Reading(1, FEBRUARY, 17777, Origin.ESTIMATE)
    detail = Counted(NB, last, to_bill, Decimal(17777)).detail
    assert detail == "Noir et blanc : estimation du 01/02/2026, 17\N{NO-BREAK SPACE}777"


GIGABYTES = replace(NB, label="Go", cumulative=False)


@pytest.mark.feature("A-NCU-01")
@pytest.mark.parametrize(
    ("calculation", "value"),
    [("min", "18"), ("max", "24"), ("sum", "62"), ("mean", "20.6667")],
)
def test_readings_20_18_24(calculation: str, value: str) -> None:
    assert value_of(Calculation(calculation), (20, 18, 24)) == Decimal(value)


@pytest.mark.parametrize(
    ("calculation", "units"), [("min", 18), ("max", 24), ("sum", 62), ("mean", Decimal("20.6667"))]
)
def test_the_installation_is_no_reading_of_the_period(calculation: str, units: Decimal) -> None:
    """Installed at 0 in the quarter, then 20, 18 and 24: its minimum is 18, its mean 20.6667."""
    april = date(2026, 4, 1)
    terms: Any = KINDS["consumed_units"].terms({"calculation": calculation})
    state = RuleState(april)
    rule = copies("2.00", terms, periodicity=QUARTERLY, meters=(GIGABYTES,), state=state)
    known = installed(0, (date(2026, 1, 20), 20), (date(2026, 2, 18), 18), (date(2026, 3, 31), 24))
    (line,) = only(run(rule, april, known)).lines
    assert line.quantity == units


@pytest.mark.feature("A-NCU-04")
def test_a_quarters_maximum_at_2_euros() -> None:
    april = date(2026, 4, 1)
    rule = copies(
        "2.00",
        KINDS["consumed_units"].terms({"calculation": "max"}),  # type: ignore[arg-type]
        periodicity=QUARTERLY,
        meters=(GIGABYTES,),
        state=replace(copies().state, next_theoretical=april),
    )
    known = installed(0, (date(2026, 1, 20), 20), (date(2026, 2, 18), 18), (date(2026, 3, 31), 24))
    known[1].append(Reading(1, april, 99, Origin.CUSTOMER, 9))  # type: ignore[attr-defined]
    (line,) = only(run(rule, april, known)).lines
    assert (line.quantity, line.unit_price) == (24, Decimal("2.00"))
    assert line.amount == Decimal("48.00")


def test_mixed_meters_are_refused_by_name() -> None:
    rating = run(copies(meters=(NB, replace(GIGABYTES, id=2))), FEBRUARY, installed(0))
    assert codes(rating)[0] == "RAT-110"
    assert "« Noir et blanc » et non cumulative « Go »" in rating.anomalies[0].sentence

"""Refinements of terms: offers, bounds of the four prices, scales, GTB and SF1, renewal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Family, Module, RuleState
from billing.contracts.pricing import Slice
from billing.contracts.rules import KINDS
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.contracts.schedule import renews
from billing.period import Periodicity, Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    MONTHLY,
    NB,
    block,
    bundle,
    codes,
    contract,
    copies,
    cost,
    fee,
    installed,
    only,
    quantities,
    replace,
    run,
    run_after_run,
)

FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in (2, 3, 4))
QUARTER = {"units": 1000, "true_up": {"count": 3, "unit": "month"}}


@pytest.mark.feature("A-OFF-05")
def test_an_expired_end_date_still_deducts_at_the_true_up() -> None:
    """200 offered until January on a bundle of 1000 a month: 3400 counted, extra 400 - 200."""
    terms = KINDS["bundle"].terms({**QUARTER, "offered": 200, "offered_until": "2026-01-31"})
    remark = KINDS["bundle"].remark(terms, MONTHLY)
    assert remark == "la date de fin des unités offertes est sans effet sur un forfait"
    known = installed(0, (APRIL, 3400))
    *_, (_, lines) = run_after_run(
        replace(bundle(), terms=terms), (JANUARY, FEBRUARY, MARCH, APRIL), known
    )
    assert quantities(lines) == [("overrun", 200), ("standard", 1000)]


def test_financed_units_come_after_the_offered_ones() -> None:
    """1000 offered, 500 financed: of 1700 copies 200 are billed; both are told apart (A-OFF-08)."""
    rule = copies(units=ConsumedUnits(offered=1000, financed=500))
    (line,) = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 1700)))).lines
    assert (line.quantity, line.explain["offered"], line.explain["financed"]) == (200, 1000, 500)
    assert line.details[1:] == (
        "Unités offertes déduites : 1\N{NO-BREAK SPACE}000",
        "Unités financées déduites : 500",
    )


def test_financed_units_outlive_the_end_of_the_offer() -> None:
    """300 offered by the end of January; then 500 financed cover 400 and 100 more."""
    terms = ConsumedUnits(offered=1000, offered_until=date(2026, 1, 31), financed=500)
    known = installed(0, (FEBRUARY, 300), (MARCH, 700), (APRIL, 850))
    found = run_after_run(copies(units=terms), (FEBRUARY, MARCH, APRIL), known)
    assert [quantities(lines) for _, lines in found] == [[], [], [("standard", 50)]]
    assert [(rule.state.offered_used, rule.state.own) for rule, _ in found[:2]] == [
        (300, {}),
        (300, {"financed": "400"}),
    ]


def test_financed_units_of_a_bundle() -> None:
    rule = bundle(offered=100, financed=200)
    *_, (after, lines) = run_after_run(
        rule, (JANUARY, FEBRUARY, MARCH, APRIL), installed(0, (APRIL, 3400))
    )
    assert quantities(lines) == [("overrun", 400 - 100 - 200), ("standard", 1000)]
    assert (lines[0].explain["offered"], lines[0].explain["financed"]) == (100, 200)
    assert after.state.offered_used == 300


BOUNDS = [{"above": 1000, "price": "0.008"}]


@pytest.mark.feature("A-DEG-02")
def test_billed_bounds_are_copied_to_the_other_prices_when_harmonised() -> None:
    """harmonise=yes copies what is missing, and only that; refused otherwise."""
    own = [{"above": 500, "price": "0.002"}]
    billed, cost_bounds = (Slice(1000, Decimal("0.008")),), (Slice(500, Decimal("0.002")),)
    for kind, raw in (("consumed_units", {}), ("bundle", QUARTER)):
        harmonised = {**raw, "degressive": BOUNDS, "degressive_cost": own, "harmonise": True}
        found: Any = KINDS[kind].terms(harmonised)
        assert found.degressive == (billed, billed, billed, cost_bounds)
        with pytest.raises(ValueError, match=r"degressive_cutoff, degressive_profit manq"):
            KINDS[kind].terms({**harmonised, "harmonise": False})
        with pytest.raises(ValueError, match="bornes du prix facturé"):
            KINDS[kind].terms({**raw, "degressive_cost": own})


def test_each_price_may_have_its_own_bounds() -> None:
    names = ("degressive", "degressive_cutoff", "degressive_profit", "degressive_cost")
    rows = {name: [{"above": n, "price": "0.001"}] for n, name in enumerate(names, 1)}
    found: Any = KINDS["consumed_units"].terms(rows)
    assert [price[0].above for price in found.degressive] == [1, 2, 3, 4]


def test_blocks_and_bundles_print_at_the_scale_of_their_meters() -> None:
    """17777 → 177.77, the amount unchanged; a true-up's line as its bundle's."""
    gigas = NB._replace(scale=100)
    day_one = run(block("17777", meters=(gigas,)), JANUARY, installed(0))
    (line,) = only(day_one).lines
    shown = (line.quantity, line.unit_price, line.amount)
    assert shown == (Decimal("177.77"), Decimal("1.00"), Decimal("177.77"))
    found = run_after_run(
        bundle(meters=(gigas,)), (JANUARY, FEBRUARY, MARCH, APRIL), installed(0, (APRIL, 20777))
    )
    lines = found[-1][1]
    assert [(line.quantity, line.amount) for line in lines] == [
        (Decimal("177.77"), Decimal("355.54")),
        (Decimal(10), Decimal("10.00")),
    ]


def test_a_quantity_that_does_not_divide_is_printed_as_it_is() -> None:
    units = NB._replace(scale=3)
    (line,) = only(run(copies(meters=(units,)), FEBRUARY, installed(0, (FEBRUARY, 100)))).lines
    assert (line.quantity, line.unit_price) == (100, Decimal("0.01"))


# --- GTB and SF1 ------------------------------------------------------------------------------


def test_gtb_bills_steps_of_the_cadence_up_to_the_yearly_volume() -> None:
    """Cadence 1000 of 3000 a year: next step = steps x 1000; 3 steps are 1 threshold [G]."""
    rule = block("1000", None, volume=Decimal(3000), term=Term.ADVANCE)
    known = installed(0, (FEBRUARY, 1000), (MARCH, 1001), (APRIL, 2500))
    found = run_after_run(rule, (JANUARY, FEBRUARY, MARCH, APRIL), known)
    assert [quantities(lines) for _, lines in found] == [
        [("standard", 1000)],
        [],
        [("standard", 1000)],
        [("standard", 1000)],
    ]
    kept = [(r.state.own["steps"], r.state.own["thresholds"]) for r, _ in found]
    assert kept == [("1", "0"), ("1", "0"), ("2", "0"), ("3", "1")]


@pytest.mark.parametrize(
    "raw",
    [
        {"units": 1000, "yearly_volume": 500},
        {"units": 1000, "yearly_volume": 3000, "renewal": {"count": 1, "unit": "year"}},
    ],
)
def test_gtb_reaches_its_cadence_and_is_not_renewed(raw: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="GTB"):
        KINDS["block"].terms(raw)


def test_sf1_deducts_its_deposit_from_the_first_blocks() -> None:
    """Deposit of 1500 with its date, given back by two blocks of 1000: 1000 then 500 [G]."""
    rule = block("1000", None, deposit=Decimal(1500))
    rule = replace(rule, cost_lines=(*rule.cost_lines, cost("0.01", id=7, family=Family.DEPOSIT)))
    known = installed(0, (FEBRUARY, 1001), (MARCH, 2001), (APRIL, 3001))
    found = run_after_run(rule, (JANUARY, FEBRUARY, MARCH, APRIL), known)
    assert [quantities(lines) for _, lines in found] == [
        [("standard", 1000), ("deposit", 1500)],
        [("standard", 1000), ("deposit", -1000)],
        [("standard", 1000), ("deposit", -500)],
        [("standard", 1000)],
    ]
    own = found[1][0].state.own
    assert (own["deposit_on"], own["deposit_left"]) == ("2026-01-01", "500")
    unpriced = replace(rule, cost_lines=rule.cost_lines[:2])
    assert codes(run(unpriced, JANUARY, known)) == ["RAT-203"]


# --- dates ------------------------------------------------------------------------------------


@pytest.mark.feature("A-RFC-11")
def test_a_definitive_end_date_stops_the_renewal_of_its_module() -> None:
    """Such a module isn't renewed past its end: over without anomaly; without the date it waits."""
    end = Periodicity(1, Unit.MONTH, JANUARY, until=date(2026, 12, 1))
    for p, renewed in ((MONTHLY, True), (end, False)):
        other = fee(id=1, code="A", state=RuleState(MARCH))
        module = Module(1, "M1", JANUARY, MARCH, (other, fee(id=2, periodicity=p)), (), 12)
        assert renews(module) is renewed
        signed = contract()._replace(modules=(module._replace(rules=module.rules[:1]),))
        past_end = signed._replace(modules=(module,))
        found = [code for code in codes(run(past_end, APRIL)) if code == "RAT-205"]
        assert bool(found) is renewed
    assert not renews(module._replace(rules=(), renewal_months=0))


def test_on_one_day_the_bundle_in_arrears_comes_before_the_true_up() -> None:
    """In advance behind it (contracts.md, Decisions, "Overdue periods")."""
    known = installed(0, (APRIL, 3400))
    arrears = bundle(term=Term.ARREARS, state=RuleState(FEBRUARY))
    *_, (_, lines) = run_after_run(arrears, (FEBRUARY, MARCH, APRIL), known)
    assert quantities(lines) == [("standard", 1000), ("overrun", 400)]
    *_, (_, lines) = run_after_run(bundle(), (JANUARY, FEBRUARY, MARCH, APRIL), known)
    assert quantities(lines) == [("overrun", 400), ("standard", 1000)]

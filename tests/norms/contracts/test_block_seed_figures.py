"""Unit blocks: the figures of the seed (004) and of contracts.md §4.4, as printed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Rule, RuleState
from billing.contracts.noncumulative import Calculation
from billing.contracts.offer import Offer
from billing.contracts.reading import Meter, Origin, Reading, Regime
from billing.contracts.rules import KINDS
from billing.contracts.terms import Rhythm
from billing.period import Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    NB,
    Readings,
    billed,
    block,
    bundle,
    codes,
    contract,
    installed,
    only,
    quantities,
    readings,
    replace,
    run,
    run_after_run,
)

FEBRUARY, MARCH, APRIL, MAY, JUNE = (date(2026, month, 1) for month in range(2, 7))


def begun(bound: int, counter: int, last: date = JANUARY, **changes: object) -> Rule:
    """A block taken over with its bound, last billed on a day at a counter, due in February."""
    state = RuleState(
        FEBRUARY, last, last, "F1", 1, {1: counter}, billed_on={1: last}, own={"bound": str(bound)}
    )
    return block(**{"state": state, "since": min(last, JANUARY), **changes})


def at(counter: int, day: date = FEBRUARY) -> Readings:
    """Installed at 0 long ago, read once."""
    first = (date(2013, 1, 1), 0, Origin.INSTALLATION)
    return {1: readings(first, (day, counter, Origin.CUSTOMER))}


@pytest.mark.feature("A-TR-01")
def test_one_copy_beyond_the_bound_bills_a_block() -> None:
    rated = only(run(begun(20747, 17814), FEBRUARY, at(20748)))
    assert quantities(list(rated.lines)) == [("standard", 5000)]
    assert rated.state is not None
    assert rated.state.own["bound"] == "25747"
    assert only(run(begun(20747, 17814), FEBRUARY, at(20747))).lines == ()


@pytest.mark.feature("A-TR-02")
def test_a_block_is_renewed_twelve_months_after_the_last_invoice() -> None:
    last, day = date(2013, 4, 30), date(2014, 4, 30)
    rule = begun(20747, 17814, last)
    early = replace(rule, state=rule.state._replace(next_theoretical=date(2014, 4, 29)))
    assert only(run(early, date(2014, 4, 29), at(18000, date(2014, 4, 20)))).lines == ()
    rule = replace(rule, state=rule.state._replace(next_theoretical=day))
    (line,) = only(run(rule, day, at(18000, date(2014, 4, 20)))).lines
    assert (line.quantity, line.since, line.until) == (5000, day, date(2015, 4, 30))


@pytest.mark.feature("A-TR-03")
def test_an_aperiodic_block_waits_for_its_bound() -> None:
    rule = begun(20747, 17814, renewal=None)
    days = [date(year, month, 1) for year in (2026, 2027, 2028) for month in range(2, 13)]
    for day in days:
        rated = only(run(rule, day, at(20747, day)))
        assert rated.lines == ()
        rule = billed(rule, rated)
    assert rule.state.own["bound"] == "20747"
    assert rule.state.last_actual == JANUARY


@pytest.mark.feature("A-TR-04")
def test_an_overrun_of_6000_takes_two_blocks_of_5000() -> None:
    rated = only(run(begun(20747, 17814), FEBRUARY, at(20747 + 6000)))
    (line,) = rated.lines
    assert line.quantity == 2 * 5000
    assert rated.state is not None
    assert int(rated.state.own["bound"]) == 20747 + 10000


@pytest.mark.feature("A-TR-05")
def test_an_overrun_at_its_own_price_comes_first() -> None:
    rated = only(run(begun(20747, 17814, priced=True), FEBRUARY, at(20747 + 120)))
    overrun, whole = rated.lines
    assert (overrun.quantity, overrun.unit_price) == (120, Decimal("0.02"))
    assert overrun.amount == Decimal("2.40")
    assert whole.quantity == 5000
    assert rated.state is not None
    assert int(rated.state.own["bound"]) == 20747 + 120 + 5000


@pytest.mark.feature("A-TR-06")
def test_an_early_renewal_moves_the_next_one() -> None:
    day = date(2026, 2, 10)
    rule = begun(20747, 17814, date(2025, 6, 1))
    rule = replace(rule, state=rule.state._replace(next_theoretical=day))
    rated = only(run(rule, day, at(20800, day)))
    assert rated.state is not None
    assert rated.state.last_actual == date(2026, 2, 10)
    assert rated.lines[0].until == date(2027, 2, 10)
    after = replace(rule, state=rated.state._replace(next_theoretical=date(2027, 2, 9)))
    assert only(run(after, date(2027, 2, 9), at(21000, date(2027, 2, 9)))).lines == ()
    after = replace(rule, state=rated.state._replace(next_theoretical=date(2027, 2, 10)))
    assert len(only(run(after, date(2027, 2, 10), at(21000, date(2027, 2, 9)))).lines) == 1


@pytest.mark.feature("A-TR-07")
def test_the_first_block_in_advance_and_in_arrears() -> None:
    quarter = Rhythm(3, Unit.MONTH)
    known = installed(0, (FEBRUARY, 300), (APRIL, 900))
    advance = run_after_run(block(renewal=quarter), [date(2026, 1, 1)], known)
    assert quantities(advance[0][1]) == [("standard", 5000)]
    arrears = block(renewal=quarter, term=Term.ARREARS, state=RuleState(FEBRUARY))
    months = run_after_run(arrears, [date(2026, 1, 1), FEBRUARY, MARCH, APRIL], known)
    assert [quantities(lines) for _, lines in months] == [[], [], [], [("standard", 5000)]]
    (line,) = months[3][1]
    assert (line.since, line.until) == (JANUARY, date(2026, 4, 1))


def test_a_block_in_arrears_passed_earlier_is_billed_earlier() -> None:
    rule = block(renewal=Rhythm(3, Unit.MONTH), term=Term.ARREARS, state=RuleState(FEBRUARY))
    months = run_after_run(rule, [FEBRUARY, MARCH], installed(0, (FEBRUARY, 5001)))
    assert quantities(months[0][1]) == [("standard", 5000)]
    assert months[0][0].state.own["bound"] == "10000"


@pytest.mark.feature("A-RFC-28")
def test_the_bound_is_checked_each_month_whatever_the_renewal() -> None:
    """12-month renewal: the bound passed on 10/05 is billed at the run of 01/06."""
    assert block().terms.renewal == Rhythm(12, Unit.MONTH)  # type: ignore[attr-defined]
    known = installed(0, (FEBRUARY, 1200), (MAY, 4990), (date(2026, 5, 10), 5001), (JUNE, 5100))
    days = [JANUARY, FEBRUARY, MARCH, APRIL, MAY, date(2026, 6, 1)]
    found = run_after_run(block(), days, known)
    assert [quantities(lines) for _, lines in found[1:5]] == [[]] * 4
    assert quantities(found[5][1]) == [("standard", 5000)]


@pytest.mark.feature("A-TR-10")
def test_a_bundle_bills_at_fixed_dates_a_block_by_consumption() -> None:
    known = installed(0, (FEBRUARY, 2000), (MARCH, 5200), (APRIL, 5300))
    days = [JANUARY, FEBRUARY, MARCH, APRIL]
    bundles = run_after_run(bundle("5000"), days, known)
    blocks = run_after_run(block("5000"), days, known)
    assert [bool(lines) for _, lines in bundles] == [True, True, True, True]
    assert [bool(lines) for _, lines in blocks] == [True, False, True, False]


@pytest.mark.feature("A-TR-11")
def test_a_customer_only_regime_needs_a_customer_reading() -> None:
    seen = {1: [*at(0)[1][:1], Reading(1, FEBRUARY, 20748, Origin.PROVIDER, 7)]}
    rating = run(begun(20747, 17814, regime=Regime.CUSTOMER), FEBRUARY, seen)
    assert codes(rating) == ["RAT-102"]
    assert only(run(begun(20747, 17814, regime=Regime.ACTUAL), FEBRUARY, seen)).lines != ()


def test_the_first_block_in_advance_needs_no_reading_but_the_installation() -> None:
    rule = block(regime=Regime.CUSTOMER)
    rated = only(run(rule, JANUARY, installed(1000)))
    assert rated.state is not None
    assert (rated.state.own["total"], rated.state.own["bound"]) == ("1000", "6000")
    assert codes(run(rule, JANUARY, {})) == ["RAT-108"]


def test_an_asset_attached_at_1000_raises_counter_and_bound() -> None:
    second = Meter(2, 2, "NB", "Noir et blanc")
    rule = begun(20747, 17814, meters=(NB, second))
    rule = replace(rule, state=rule.state._replace(own={"bound": "20747", "total": "17814"}))
    known = {
        **at(20000),
        2: readings((date(2026, 1, 20), 1000, Origin.INSTALLATION), meter=2),
    }
    rated = only(run(rule, FEBRUARY, known))
    assert rated.state is not None
    assert rated.lines == ()
    assert (rated.state.own["total"], rated.state.own["bound"]) == ("21000", "21747")


@pytest.mark.feature("A-NCU-10")
def test_a_block_on_a_meter_that_does_not_add_up() -> None:
    """Sums 60 then 50: the second run passes the bound of 100 (110)."""
    meter = replace(NB, cumulative=False)
    rule = block("100", None, meters=(meter,), calculation=Calculation.SUM, regime=Regime.ACTUAL)
    known = {
        1: readings(
            (date(2026, 1, 10), 40, Origin.CUSTOMER),
            (date(2026, 1, 20), 20, Origin.CUSTOMER),
            (date(2026, 2, 10), 50, Origin.CUSTOMER),
        )
    }
    assert 40 + 20 == 60
    arrears = replace(rule, term=Term.ARREARS, state=RuleState(FEBRUARY))
    (one, first), (two, second) = run_after_run(arrears, [FEBRUARY, MARCH], known)
    assert (one.state.own["total"], first) == ("60", [])
    assert two.state.own["total"] == str(60 + 50) == "110"
    assert quantities(second) == [("standard", 100)]


def test_what_was_used_behind_the_last_check_is_looked_at_at_the_end() -> None:
    rule = block()
    module = replace(contract(rule).modules[0], until=MARCH)
    signed = replace(contract(rule), modules=(module,))
    known = installed(0, (FEBRUARY, 2000), (MARCH, 5100))
    for day, expected in ((JANUARY, 5000), (FEBRUARY, 0), (MARCH, 5000), (APRIL, 0)):
        rating = run(signed, day, known)
        lines = [line for one in rating.rules for line in one.rated.lines]
        assert sum(line.quantity for line in lines) == expected
        for one in rating.rules:
            rule = billed(rule, one.rated)
        signed = replace(signed, modules=(replace(module, rules=(rule,)),))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"units": 0}, "au moins une unité"),
        ({}, "« units » est obligatoire"),
        ({"units": 5, "renewal": 12}, "périodicité"),
        ({"units": 5, "renewal": {"count": 0}}, "au moins une unité"),
        ({"units": 5, "overrun": "free"}, "blocks, priced"),
        ({"units": 5, "renewal": {"anchor": "hier"}}, "AAAA-MM-JJ"),
    ],
)
def test_wrong_terms_are_refused(raw: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        KINDS["block"].terms(raw)


def offered(term: Term, days: list[date], counters: list[int], **terms: Any) -> list[list[str]]:
    """Blocks of 5000 behind an offer: their quantities run by run; what they print of it."""
    rule = block("5000", None, term=term, offer=Offer(**terms))
    known = installed(0, *zip(days[1:], counters, strict=True))
    found = run_after_run(rule, days, known)
    return [
        [
            " ".join([str(line.quantity), *(told for told in line.details if "Unités" in told)])
            for line in lines
        ]
        for _, lines in found
    ]


#      01-01   02-01   03-01        04-01                  05-01
#  NB  0       800     1300         6000                   6001
#      |--- 1000 offered ---|------- block of 5000 --------|-- next block
def test_a_block_begins_behind_its_offered_units() -> None:
    """1000 offered: the first block in advance when they are used up, the next beyond 6000."""
    days = [JANUARY, FEBRUARY, MARCH, APRIL, MAY]
    told = "5000 Unités offertes déduites : 1\N{NO-BREAK SPACE}000"
    found = offered(Term.ADVANCE, days, [800, 1300, 6000, 6001], offered=1000)
    assert found == [[], [], [told], [], ["5000"]]
    found = offered(Term.ARREARS, days, [800, 1300, 6000, 6001], offered=1000)
    assert found == [[], [], [], [], ["5000"]]


def test_an_offer_of_a_block_ends_on_its_date_and_financed_units_come_next() -> None:
    """300 used on the last day of the offer, 500 financed: the block begins at 800."""
    days, end = [JANUARY, FEBRUARY, MARCH, APRIL], date(2026, 1, 31)
    terms = {"offered": 1000, "until": end, "financed": 500}
    found = offered(Term.ADVANCE, days, [300, 700, 900], **terms)
    told = "5000 Unités offertes déduites : 300 Unités financées déduites : 500"
    assert found == [[], [], [], [told]]
    assert offered(Term.ADVANCE, [JANUARY], []) == [["5000"]]


def test_a_block_that_was_billed_ignores_its_offer() -> None:
    rule = begun(5000, 0, offer=Offer(1000))
    assert quantities(list(only(run(rule, FEBRUARY, at(5001))).lines)) == [("standard", 5000)]
    rule = replace(rule, state=replace(rule.state, own={}))
    assert quantities(list(only(run(rule, FEBRUARY, at(10))).lines)) == [("standard", 5000)]
    with pytest.raises(ValueError, match="grandeurs cumulatives"):
        KINDS["block"].terms({"units": 1, "offered": 1, "calculation": "sum"})


@pytest.mark.feature("A-CRE-14")
def test_an_asset_at_800_raises_the_bound_of_5000_to_5800() -> None:
    (rule, _), *_ = run_after_run(block("5000"), [JANUARY], installed(0))
    assert rule.state.own["bound"] == "5000"
    second = Meter(2, 2, "NB", "Noir et blanc")
    attached = replace(rule, meters=(NB, second))
    known = {
        **installed(0, (FEBRUARY, 400)),
        2: readings((date(2026, 1, 20), 800, Origin.INSTALLATION), meter=2),
    }
    rated = only(run(attached, FEBRUARY, known))
    assert rated.state is not None
    assert (rated.state.own["total"], rated.state.own["bound"]) == ("1200", "5800")

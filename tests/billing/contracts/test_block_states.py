"""What a block reads, tells and leaves behind, exactly."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.contracts.contract import Family, RuleState
from billing.contracts.increase import Change, Increase, IncreaseKind, Mode, OneOff
from billing.contracts.noncumulative import Calculation
from billing.contracts.offer import Offer
from billing.contracts.rating import Rated
from billing.contracts.reading import Meter, Regime
from billing.contracts.rules import KINDS
from billing.contracts.rules.block import BLOCK, Block
from billing.contracts.terms import Rhythm
from billing.period import Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    NB,
    asset,
    billed,
    block,
    contract,
    installed,
    only,
    replace,
    run,
    run_after_run,
)

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


def test_a_yearly_volume_reaches_its_cadence() -> None:
    equal = KINDS["block"].terms({"units": 1000, "yearly_volume": 1000})
    assert equal == Block(Decimal(1000), volume=Decimal(1000))
    with pytest.raises(ValueError) as found:
        KINDS["block"].terms({"units": 1000, "yearly_volume": 999})
    assert str(found.value) == (
        "un seuil de volume annuel (GTB) atteint la cadence, sans renouvellement"
    )


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (
            replace(NB, id=2, asset_id=2),
            (
                "B1, Noir et blanc : installation du 01/01/2026, 1\N{NO-BREAK SPACE}000",
                "B2, Noir et blanc : installation du 01/01/2026, 20",
            ),
        ),
        (
            replace(NB, id=2, label="Couleur"),
            (
                "Noir et blanc : installation du 01/01/2026, 1\N{NO-BREAK SPACE}000",
                "Couleur : installation du 01/01/2026, 20",
            ),
        ),
    ],
)
def test_a_first_block_on_its_installations_names_machines_when_there_are_several(
    second: Meter, told: tuple[str, str]
) -> None:
    rule = block(regime=Regime.CUSTOMER, meters=(NB, second))
    signed = contract(rule, assets=(asset(1), asset(2)))
    known = {1: installed(1000)[1], 2: installed(20, meter=2)[2]}
    (line,) = only(run(signed, JANUARY, known)).lines
    assert line.details == (
        *told,
        "Borne à atteindre : 1\N{NO-BREAK SPACE}020, nouvelle borne : 6\N{NO-BREAK SPACE}020",
    )
    meters = line.explain["meters"]
    assert [one["asset"] for one in meters] == ["B1", f"B{second.asset_id}"]  # type: ignore[attr-defined]
    none = run(signed, JANUARY, {1: known[1]})
    assert [one.sentence for one in none.anomalies] == [
        f"Aucun relevé d'installation pour la grandeur « {second.label} » du bien"
        f" « B{second.asset_id} » : la consommation n'a pas de point de départ."
    ]


def test_an_offer_is_read_and_a_block_waits_behind_it() -> None:
    """The calendar moves on, the date and what was given are remembered, nothing is billed."""
    raw = {"units": 1000, "offered": 500, "offered_until": "2026-06-30", "financed": 20}
    terms = KINDS["block"].terms(raw)
    assert terms == Block(Decimal(1000), offer=Offer(500, date(2026, 6, 30), 20))
    rule = replace(block(), terms=terms)
    module = replace(contract(rule).modules[0], until=FEBRUARY)
    ending = replace(contract(rule), modules=(module,))
    january = only(run(ending, JANUARY, installed(0)))
    assert january == Rated(state=RuleState(FEBRUARY, own={"given": "0", "checked": "2026-01-01"}))
    rule = billed(rule, january)
    ending = replace(ending, modules=(replace(module, rules=(rule,)),))
    last = only(run(ending, FEBRUARY, installed(0, (FEBRUARY, 300))))  # behind its last period
    assert last == Rated(state=rule.state._replace(own={"given": "300", "checked": "2026-02-01"}))


def test_only_a_checked_block_with_an_end_is_looked_at_once_more() -> None:
    rule, kind = block(), KINDS["block"]
    open_ended = contract(rule).modules[0]
    ended = replace(open_ended, until=FEBRUARY)
    checked = replace(rule, state=rule.state._replace(own={"checked": "2026-01-01"}))
    by_period = replace(checked, terms=Block(Decimal(5), calculation=Calculation.SUM))
    for one, module, wanted in (
        (rule, ended, False),  # never checked
        (checked, open_ended, False),
        (by_period, ended, False),
        (checked, ended, True),
        (replace(checked, until=JANUARY), ended, False),  # checked on the day it ended
    ):
        assert kind.left_over(one, module, FEBRUARY) is wanted
    assert not kind.left_over(checked, ended, date(2026, 1, 31))


def test_an_overrun_prints_its_counters_once_at_their_scale() -> None:
    rule = block("1000", priced=True, meters=(replace(NB, scale=10),))
    rule, _ = run_after_run(rule, [JANUARY], installed(0))[0]
    overrun, whole = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 1200)))).lines
    assert (overrun.quantity, whole.quantity) == (20, 100)
    assert overrun.details == (
        "Noir et blanc : relevé client du 01/02/2026, 120,0",
        "Borne à atteindre : 100, nouvelle borne : 220",
    )
    assert whole.details == ()


def test_a_block_in_arrears_has_the_price_of_the_day_it_is_billed() -> None:
    """Used since January, ended on 1 March: dearer by 1 € from 1 February."""
    dearer = OneOff(FEBRUARY, Change(IncreaseKind.CUSTOM, Mode.ADDED, Decimal(1)))
    rule = block(
        "10", Rhythm(2, Unit.MONTH), term=Term.ARREARS, increase=Increase(one_offs=(dearer,)),
        state=RuleState(date(2026, 3, 1)),
    )  # fmt: skip
    (line,) = only(run(rule, date(2026, 3, 1), installed(0, (date(2026, 3, 1), 5)))).lines
    assert (line.since, line.unit_price) == (JANUARY, Decimal("1.01"))


def test_a_block_needs_the_prices_of_its_terms() -> None:
    for more, families in (
        ({}, {Family.STANDARD}),
        ({"overrun": "priced"}, {Family.STANDARD, Family.OVERRUN}),
        ({"deposit": 1}, {Family.STANDARD, Family.DEPOSIT}),
    ):
        assert BLOCK.needs(BLOCK.terms({"units": 1, **more})) == families


def test_a_first_block_billed_late_is_one_whatever_its_renewal() -> None:
    """Its validity runs from the invoice, so that none is over yet."""
    april = date(2026, 4, 1)
    rule = block("1000", Rhythm(1, Unit.MONTH))
    (line,) = only(run(rule, april, installed(0, (april, 10)))).lines
    assert (line.quantity, line.since) == (1000, april)


def test_an_offer_that_ended_before_the_first_check_gives_nothing() -> None:
    """The day looked at is the one before the run: 31 January, and the offer ended on the 30th."""
    for last_day, bound in ((date(2026, 1, 31), "1300"), (date(2026, 1, 30), "1000")):
        offered = Offer(300, last_day)
        rule = block("1000", offer=offered, state=RuleState(FEBRUARY))
        rated = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 450))))
        assert rated.state is not None
        assert rated.state.own["bound"] == bound


def test_what_a_block_bills_keeps_the_estimate_made_and_the_readings_used() -> None:
    yearly = replace(NB, contractual_volume=Decimal(1000))
    rule, _ = run_after_run(block(meters=(yearly,)), [JANUARY], installed(0))[-1]
    later = date(2026, 7, 1)
    estimated = only(run(rule, later, installed(0)))
    (made,) = estimated.estimates
    assert (made.read_on, made.value, estimated.used) == (later, 5947, ())
    read = only(run(rule, later, installed(0, (later, 5500))))
    assert (read.estimates, read.used) == ((), (102,))


def test_a_block_that_bills_nothing_keeps_the_day_it_last_billed() -> None:
    rule, lines = run_after_run(block(), [JANUARY], installed(0))[-1]
    assert (len(lines), rule.state.last_actual) == (1, JANUARY)
    quiet = only(run(rule, FEBRUARY, installed(0, (FEBRUARY, 10))))
    assert quiet.lines == ()
    assert quiet.state is not None
    assert quiet.state.last_actual == JANUARY


def test_a_block_without_end_is_dated_by_its_day_and_one_with_an_end_by_its_validity() -> None:
    for renewal, until in ((None, date(2026, 1, 2)), (Rhythm(12, Unit.MONTH), date(2027, 1, 1))):
        (line,) = only(run(block(renewal=renewal), JANUARY, installed(0))).lines
        assert (line.since, line.until) == (JANUARY, until)


#      01/01          01/03            bound  renewal from the bound | from the counter
#  NB  0              900   1 over            2000                   | 900 + 1000
#                     1000  1 over, full      2000                   | 1000 + 1000
#                     1500  1 over, 1 needed  2000                   | 2000: needed anyway
#                     2500  1 over, 2 needed  3000                   | 3000
@pytest.mark.parametrize(
    ("counter", "from_bound", "from_counter", "blocks"),
    [(900, 2000, 1900, 1), (1000, 2000, 2000, 1), (1500, 2000, 2000, 1), (2500, 3000, 3000, 2)],
)
def test_a_block_that_is_over_is_renewed_from_its_bound_or_from_the_counter(
    counter: int, from_bound: int, from_counter: int, blocks: int
) -> None:
    """A renewal from the counter loses what wasn't used, never what is needed."""
    for chosen, bound in ((False, from_bound), (True, from_counter)):
        rule = block("1000", Rhythm(2, Unit.MONTH), from_counter=chosen)
        rule, _ = run_after_run(rule, [JANUARY], installed(0))[-1]
        rated = only(run(rule, MARCH, installed(0, (MARCH, counter))))
        assert [line.quantity for line in rated.lines] == [1000 * blocks]
        assert rated.state is not None
        assert rated.state.own == {
            "total": str(counter), "bound": str(bound), "checked": "2026-03-01",
        }  # fmt: skip


@pytest.mark.parametrize(("counter", "last_actual"), [(900, JANUARY), (1001, FEBRUARY)])
def test_a_last_look_behind_the_end_dates_only_what_it_bills(
    counter: int, last_actual: date
) -> None:
    """The module ends with January, whose block was billed in advance."""
    rule, _ = run_after_run(block("1000"), [JANUARY], installed(0))[-1]
    module = replace(contract(rule).modules[0], until=FEBRUARY)
    known = installed(0, (FEBRUARY, counter))
    rated = only(run(replace(contract(rule), modules=(module,)), FEBRUARY, known))
    assert len(rated.lines) == (counter > 1000)
    assert rated.state is not None
    assert rated.state.last_actual == last_actual


def test_a_renewal_is_reckoned_when_its_time_is_over() -> None:
    rule, _ = run_after_run(block(), [JANUARY], installed(0))[-1]
    undated, module = replace(rule, terms=Block(Decimal(5000))), contract(rule).modules[0]
    reckons = BLOCK.reckons
    assert reckons is not None
    days = [date(2026, 12, 31), date(2027, 1, 1)]
    assert [reckons(rule, module, day) for day in days] == [False, True]
    assert reckons(undated, module, FEBRUARY)

"""What a bundle leaves behind: its state, the readings it used, and what its true-up tells."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.contracts.contract import Family, Line, Module, Rule
from billing.contracts.engine import ContractRating
from billing.contracts.increase import Change, Increase, IncreaseKind, Mode, OneOff
from billing.contracts.pricing import Degressive, Slice
from billing.contracts.rules import KINDS
from billing.contracts.terms import Rhythm
from billing.contracts.true_up import Grouping
from billing.period import Unit
from tests.billing.contracts.build import (
    JANUARY,
    MONTHLY,
    NB,
    Readings,
    billed,
    bundle,
    contract,
    installed,
    only,
    replace,
    run,
    run_after_run,
)

MONTHS = [date(2026, month, 1) for month in (1, 2, 3)]
MARCH, APRIL = MONTHS[-1], date(2026, 4, 1)
DEARER = Change(IncreaseKind.CUSTOM, Mode.ADDED, Decimal(1))


def closing(rule: Rule, known: Readings) -> ContractRating:
    """The run of 1 April, when the rule's module has just ended: only a true-up is left."""
    module = Module(1, "M1", JANUARY, APRIL, (rule,))
    return run(replace(contract(rule), modules=(module,)), APRIL, known)


def true_up(lines: list[Line] | tuple[Line, ...]) -> list[Line]:
    """The lines of the true-up."""
    return [line for line in lines if line.cost_line.family is Family.OVERRUN]


@pytest.mark.parametrize(("counter", "last_actual"), [(3400, APRIL), (3000, MARCH)])
def test_a_true_up_behind_the_last_bundle_moves_counters_and_dates(
    counter: int, last_actual: date
) -> None:
    """An actual billing sets the date of the last one; a true-up of nothing doesn't."""
    rule, _ = run_after_run(bundle(), MONTHS, installed(0))[-1]
    before = replace(rule.state, counters={9: 5}, billed_on={9: JANUARY})
    rated = only(closing(replace(rule, state=before), installed(0, (APRIL, counter))))
    assert rated.state is not None
    assert rated.state.last_actual == last_actual
    assert rated.state.counters == {9: 5, 1: counter}
    assert rated.state.billed_on == {9: JANUARY, 1: APRIL}
    assert rated.used == (102,)  # the reading of the counter, so that it is flagged billed
    assert rated.estimates == ()
    assert [line.quantity for line in rated.lines] == ([400] if counter == 3400 else [])


def test_a_bundle_moves_its_dates_and_an_estimated_true_up_keeps_its_reading() -> None:
    yearly = replace(NB, contractual_volume=Decimal(1000))
    rule, _ = run_after_run(bundle(meters=(yearly,)), MONTHS, installed(0))[-1]
    assert rule.state.last_actual == MARCH
    rated = only(run(rule, APRIL, installed(0)))
    (made,) = rated.estimates
    assert (made.read_on, rated.used) == (APRIL, ())
    assert billed(rule, rated).state.counters == {1: made.value}


def test_a_rule_not_due_has_no_true_up_to_reckon() -> None:
    rule = bundle()
    module = contract(rule).modules[0]
    day_before = JANUARY - timedelta(days=1)
    assert [KINDS["bundle"].reckons(rule, module, day) for day in (day_before, MARCH)] == [  # type: ignore[misc]
        False,
        False,
    ]
    assert KINDS["bundle"].reckons(rule, module, APRIL)  # type: ignore[misc]


def test_offered_units_are_out_of_the_extra_told() -> None:
    *_, (_, lines) = run_after_run(
        bundle(offered=150), [*MONTHS, APRIL], installed(0, (APRIL, 3400))
    )
    (line,) = true_up(lines)
    assert (line.quantity, line.explain["extra"]) == (250, "250")


def test_a_true_up_prints_at_the_scale_of_its_meters() -> None:
    rule = bundle(meters=(replace(NB, scale=100),))
    *_, (_, lines) = run_after_run(rule, [*MONTHS, APRIL], installed(0, (APRIL, 3450)))
    (line,) = true_up(lines)
    assert line.details[1:] == (
        "Forfaits facturés depuis la dernière régularisation : 30",
        "Borne à atteindre : 30",
    )
    assert line.quantity == Decimal("4.5")


@pytest.mark.parametrize(
    ("on", "parts"), [(JANUARY, 1), (date(2026, 1, 2), 2), (date(2026, 3, 31), 2), (APRIL, 1)]
)
def test_a_true_up_is_cut_inside_its_period_only(on: date, parts: int) -> None:
    """By increases of the true-up's own price, whatever the bundle's does."""
    own = OneOff(on, DEARER, families=("overrun",))
    rule = bundle(increase=Increase(one_offs=(own,)))
    known = installed(0, (APRIL, 12_000))
    *_, (_, lines) = run_after_run(rule, [*MONTHS, APRIL], known, true_up_prorated=True)
    found = true_up(lines)
    assert len(found) == parts
    assert ["days" in line.explain for line in found] == [parts == 2] * parts
    assert sum(line.quantity for line in found) == 9000
    assert found[0].details != ()


def test_a_true_up_with_slices_is_never_cut() -> None:
    slices = Degressive(*[(Slice(1000, Decimal("0.01")),)] * 4)
    agreed = Increase(one_offs=(OneOff(date(2026, 2, 1), DEARER),))
    rule = bundle(increase=agreed, degressive=slices)
    known = installed(0, (APRIL, 5000))
    *_, (_, lines) = run_after_run(rule, [*MONTHS, APRIL], known, true_up_prorated=True)
    assert [line.quantity for line in true_up(lines)] == [1000, 1000]
    assert all("days" not in line.explain for line in true_up(lines))


def test_a_bundle_of_no_unit_is_told_unless_it_is_allowed() -> None:
    empty = bundle("0")
    (wrong,) = run(empty, JANUARY, installed(0)).anomalies
    assert (wrong.code.id, wrong.values["rule"]) == ("RAT-204", empty.code)
    assert run(empty, JANUARY, installed(0), zero_bundle_allowed=True).anomalies == ()


@pytest.mark.parametrize("family", [Family.STANDARD, Family.OVERRUN])
def test_a_bundle_lacks_no_price_and_a_refused_one_is_told_by_rule(family: Family) -> None:
    rule = bundle()
    others = tuple(line for line in rule.cost_lines if line.family is not family)
    (missing,) = run(replace(rule, cost_lines=others), JANUARY, installed(0)).anomalies
    assert missing.values["rule"] == rule.code
    free = tuple(
        replace(line, price=Decimal(0)) if line.family is family else line
        for line in rule.cost_lines
    )
    (refused,) = run(replace(rule, cost_lines=free), JANUARY, installed(0)).anomalies
    assert (refused.code is missing.code, refused.values["rule"]) == (False, rule.code)


def test_each_bundle_tells_its_own_theoretical_date_and_a_miscount_its_rule() -> None:
    rated = only(run(bundle(), MARCH, installed(0)))
    assert [line.explain["theoretical"] for line in rated.lines] == MONTHS
    rule, _ = run_after_run(bundle(), MONTHS, installed(0))[-1]
    own = dict(rule.state.own)
    short = {**own, "cumulated": "2000"} if "cumulated" in own else own
    assert short != own, own
    rating = run(
        replace(rule, state=replace(rule.state, own=short)), APRIL, installed(0, (APRIL, 9))
    )
    (wrong,) = rating.anomalies
    assert (wrong.values["rule"], wrong.values["expected"], wrong.values["billed"]) == (
        rule.code,
        "3",
        "2",
    )


def test_a_true_up_leaves_its_dates_counters_and_the_bundles_after_it() -> None:
    """That of April's first day: April's own bundle is the first of the next quarter."""
    rule, _ = run_after_run(bundle(), [*MONTHS, APRIL], installed(0, (APRIL, 3400)))[-1]
    assert rule.state.own == {
        "first": "2026-01-01",
        "last": "2026-04-01",
        "next": "2026-07-01",
        "cumulated": "1000",
        "counter": "3400",
        "extra": "400",
    }


def test_only_a_true_up_weighed_with_others_ties_its_contract() -> None:
    for grouping, tied in ((Grouping.NONE, False), (Grouping.QUANTITY, True)):
        known = installed(0, (APRIL, 3400))
        rule = bundle(grouping=grouping)
        assert [only(run(rule, day, known)).tied for day in MONTHS] == [False] * 3
        rule, _ = run_after_run(rule, MONTHS, known)[-1]
        assert only(run(rule, APRIL, known)).tied is tied


def test_a_true_up_of_its_own_calendar_leaves_the_bundles_to_theirs() -> None:
    """Trued up on each 15th, from later on than the rule's start: nothing is wrong with it, and a
    number of bundles that is agreed isn't counted again."""
    rhythm = Rhythm(1, Unit.MONTH, date(2026, 6, 15))
    rule = bundle("1000", rhythm, check=False)
    known = {"last": "2026-02-15", "next": "2026-06-15", "first": "2026-01-01"}
    rule = replace(rule, state=rule.state._replace(own=known, next_theoretical=MARCH))
    assert run(rule, MARCH, installed(0)).anomalies == ()
    wrong = {"first": "2026-01-01", "last": "2026-01-01", "next": "2026-04-01", "cumulated": "1"}
    state = rule.state._replace(own=wrong)
    counted = replace(bundle(), periodicity=replace(MONTHLY, occurrences=6), state=state)
    assert run(counted, APRIL, installed(0, (APRIL, 9000))).anomalies == ()


def test_a_bundle_needs_a_price_of_its_units_and_one_of_those_beyond() -> None:
    assert KINDS["bundle"].needs(bundle().terms) == {Family.STANDARD, Family.OVERRUN}

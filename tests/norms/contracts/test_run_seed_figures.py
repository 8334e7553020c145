"""Pay per run: the figures of seed 000 and of contracts.md §10, on the pure rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from billing.contracts.contract import (
    Asset,
    Contract,
    Event,
    Family,
    Rule,
    RuleState,
    RunOptions,
)
from billing.contracts.engine import ContractRating, claimed, rate_contract
from billing.contracts.rules.run import MeteredRun, silent_since
from billing.contracts.runs import Place, Run, without_reruns
from billing.contracts.story import quantity_of, recompute
from billing.period import Periodicity, Term, Unit
from tests.billing.contracts.build import asset, codes, contract, cost, only, story_of

APRIL_30, MAY_31 = date(2026, 4, 30), date(2026, 5, 31)
PRICE, FEE = cost("6.00", id=1), cost("20.00", id=2, family=Family.SUBSCRIPTION)
ANALYSER = asset(1, installed_on=date(2026, 1, 5), heard_on=date(2026, 5, 30))


def at(day: int, hour: int = 10, minute: int = 0, month: int = 5) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def sample(id_: int, ran_at: datetime, patient: int = 1, **changes: Any) -> Run:
    """A blood sample of a patient on analyser B1, at customer 1."""
    return Run(id_, 1, ran_at, patient, "sang", 1)._replace(**changes)


def metered(due: date = MAY_31, *costs: Any, analyser: Asset = ANALYSER, **own: Any) -> Rule:
    """A rule due on the last day of each month, on analyser B1."""
    p = Periodicity(1, Unit.MONTH, date(2026, 1, 31))
    return Rule(
        7, "CBC", "CBC", "run", Term.ARREARS, p, date(2026, 1, 1), MeteredRun(**own),
        costs or (PRICE,), RuleState(due), assets=(analyser,),
    )  # fmt: skip


def bill(signed: Contract | Rule, on: date, runs: Iterable[Run], *billed: Run) -> ContractRating:
    """Rates a contract with the runs its rules claim; each line's story gives its amount again."""
    whole = contract(signed) if isinstance(signed, Rule) else signed
    rating = rate_contract(whole, {}, RunOptions(on), claimed([whole], runs, billed))
    for line in (line for one in rating.rules for line in one.rated.lines):
        assert recompute(story_of(line)) == line.amount
        assert quantity_of(story_of(line)) == line.quantity
    return rating


def dates(rating: ContractRating) -> list[tuple[date, str]]:
    """Date and amount of each line."""
    return [(line.since, str(line.amount)) for one in rating.rules for line in one.rated.lines]


@pytest.mark.feature("I-RUN-02")
def test_runs_at_10_00_11_00_and_next_day_10_01_bill_two() -> None:
    """Runs at 10:00, 11:00 and next day 10:01: 2 billed."""
    runs = [sample(1, at(20, 10, 0)), sample(2, at(20, 11, 0)), sample(3, at(21, 10, 1))]
    assert dates(bill(metered(), MAY_31, runs)) == [
        (date(2026, 5, 20), "6.00"),
        (date(2026, 5, 21), "6.00"),
    ]
    assert [one.id for one in without_reruns(runs)] == [1, 3]


def test_exactly_24_hours_later_is_billed_and_counts_from_the_billed_run() -> None:
    """11:00 is free; next day 10:00 is 24 h after the billed one, 23 h after the free one."""
    runs = [sample(1, at(20)), sample(2, at(20, 11)), sample(3, at(21, 10))]
    assert [one.id for one in without_reruns(runs)] == [1, 3]
    runs[2] = sample(3, at(21, 9, 59))
    assert [one.id for one in without_reruns(runs)] == [1]


@pytest.mark.feature("I-RUN-03")
def test_another_sample_type_another_patient_or_structure_is_billed() -> None:
    """Other sample type at 11:00: billed."""
    first = sample(1, at(20, 10, 0))
    others = [
        sample(2, at(20, 11, 0), sample_type="urine"),
        sample(3, at(20, 11), patient=2),
        sample(4, at(20, 11), customer_id=2),
        sample(5, at(20, 11), site_id=9),
    ]
    assert [one.id for one in without_reruns([first, *others])] == [1, 2, 3, 4, 5]


def test_a_run_known_late_is_the_rerun_of_a_later_one_that_is_billed() -> None:
    """10:00 arrives when 18:00 is already billed: both within 24 h, so it is free."""
    late, done = sample(1, at(20, 10)), sample(2, at(20, 18))
    assert without_reruns([late], [done]) == []
    assert without_reruns([sample(3, at(19, 18))], [done]) == [sample(3, at(19, 18))]
    rating = bill(metered(), MAY_31, [late], done)
    assert dates(rating) == []
    assert rating.rules[0].rated.state is not None


def test_two_analysers_of_one_structure_share_the_24_hours() -> None:
    second = ANALYSER._replace(id=2, code="B2")
    rule = metered()._replace(assets=(ANALYSER, second))
    runs = [sample(1, at(20)), sample(2, at(20, 11), asset_id=2)]
    assert len(dates(bill(rule, MAY_31, runs))) == 1
    apart = contract(metered(), metered(analyser=second)._replace(id=8, code="CBC2"))
    assert len(dates(bill(apart, MAY_31, runs))) == 1


@pytest.mark.feature("I-RUN-05")
def test_three_free_days_from_the_installation() -> None:
    """Installed 10/05: 10, 11, 12 free; 13/05 billed."""
    analyser = ANALYSER._replace(installed_on=date(2026, 5, 10))
    runs = [sample(day, at(day, 0, 1), patient=day) for day in (10, 11, 12, 13)]
    rating = bill(metered(analyser=analyser), MAY_31, runs)
    assert dates(rating) == [(date(2026, 5, 13), "6.00")]


def test_a_rerun_of_a_free_run_is_billed() -> None:
    """Only a billed run makes the next ones free."""
    analyser = ANALYSER._replace(installed_on=date(2026, 5, 10))
    runs = [sample(1, at(12, 23)), sample(2, at(13, 9))]
    assert dates(bill(metered(analyser=analyser), MAY_31, runs)) == [(date(2026, 5, 13), "6.00")]


def test_the_control_fee_is_due_from_the_month_of_installation() -> None:
    """One fee a month and analyser; installed in May, none in April."""
    analyser = ANALYSER._replace(installed_on=date(2026, 5, 10), heard_on=None)
    may = analyser._replace(heard_on=date(2026, 5, 30))
    assert dates(bill(metered(APRIL_30, PRICE, FEE, analyser=analyser), APRIL_30, [])) == []
    assert dates(bill(metered(MAY_31, PRICE, FEE, analyser=may), MAY_31, [])) == [
        (date(2026, 4, 30), "20.00")
    ]


@pytest.mark.feature("I-RUN-09")
def test_the_fee_of_the_month_of_a_move_is_the_new_structures() -> None:
    moved = ANALYSER._replace(places=(Place(date.min, 1), Place(date(2026, 5, 15), 2)))
    rule = metered(MAY_31, PRICE, FEE, analyser=moved)
    old, new = contract(rule), contract(rule)._replace(id=2, customer_id=2)
    assert dates(bill(old, MAY_31, [])) == []
    assert [amount for _, amount in dates(bill(new, MAY_31, []))] == ["20.00"]


@pytest.mark.feature("I-RUN-13")
def test_no_feed_is_an_anomaly_and_no_silent_zero_invoice() -> None:
    """Nothing heard in the month: RAT-232, whatever the fee; a new analyser has n days."""
    silent = ANALYSER._replace(heard_on=date(2026, 4, 20))
    for costs in ((PRICE,), (PRICE, FEE)):
        rating = bill(metered(MAY_31, *costs, analyser=silent), MAY_31, [])
        assert (codes(rating), dates(rating)) == (["RAT-232"], [])
    never = ANALYSER._replace(heard_on=None, installed_on=date(2026, 5, 24))
    assert codes(bill(metered(analyser=never), MAY_31, [])) == ["RAT-232"]
    new = never._replace(installed_on=date(2026, 5, 25))
    assert codes(bill(metered(analyser=new), MAY_31, [])) == []


def test_an_analyser_without_installation_date_is_an_anomaly() -> None:
    unknown = ANALYSER._replace(installed_on=None)
    rating = bill(metered(analyser=unknown), MAY_31, [sample(1, at(20))])
    assert (codes(rating), dates(rating)) == (["RAT-231"], [])
    (told,) = only(rating).anomalies
    assert told.values == {"rule": "CBC", "asset": "B1"}
    assert told.sentence == "L'analyseur « B1 » de la règle « CBC » n'a pas de date de pose."


def test_silence_counts_from_the_last_run_or_the_installation() -> None:
    today = date(2026, 5, 30) + timedelta(days=7)
    assert silent_since(ANALYSER, 7, today) == date(2026, 5, 30)
    assert silent_since(ANALYSER, 8, today) is None
    assert silent_since(ANALYSER._replace(heard_on=None), 7, today) == date(2026, 1, 5)
    assert silent_since(asset(1), 7, today) is None  # nobody knows since when


def test_a_rule_due_on_the_first_bills_the_month_before() -> None:
    first = metered(date(2026, 6, 1))._replace(
        periodicity=Periodicity(1, Unit.MONTH, date(2026, 1, 1))
    )
    runs = [sample(1, at(31, 23)), sample(2, at(1, 0, month=6), patient=2)]
    assert dates(bill(first, date(2026, 6, 1), runs)) == [(MAY_31, "6.00")]


def test_runs_are_billed_from_the_rules_first_day_up_to_the_modules_end() -> None:
    """A rule from 10/05 on a module until 20/05, excluded: 09/05 and 20/05 aren't billed."""
    signed = contract(metered()._replace(since=date(2026, 5, 10)))
    ending = signed.modules[0]._replace(until=date(2026, 5, 20))
    runs = [sample(day, at(day), patient=day) for day in (9, 10, 19, 20)]
    assert [day.day for day, _ in dates(bill(signed, MAY_31, runs))] == [10, 19, 20]
    cut = bill(signed._replace(modules=(ending,)), MAY_31, runs)
    assert [day.day for day, _ in dates(cut)] == [10, 19]


def test_a_run_tells_when_it_was_made_and_nothing_of_its_patient() -> None:
    """Two articles a run: two lines of one day, each with once-keys of its own."""
    more = cost("1.50", id=3, label="Consommable")
    rated = only(bill(metered(MAY_31, PRICE, more), MAY_31, [sample(41, at(20, 9, 5))]))
    assert [(line.label, str(line.amount)) for line in rated.lines] == [
        ("Prestation", "6.00"),
        ("Consommable", "1.50"),
    ]
    for line in rated.lines:
        assert (line.since, line.until) == (date(2026, 5, 20), date(2026, 5, 21))
        assert line.details == ("Analyse du 20/05/2026 à 09:05",)
        assert line.explain == {"how": "run", "run": 41, "ran_at": "20/05/2026 à 09:05"}
    assert [(line.part, line.event) for line in rated.lines] == [
        ("run/41/1", Event("run", 41, "1")),
        ("run/41/2", Event("run", 41, "2")),
    ]


def test_late_periods_bill_each_of_their_fees_by_the_analysers_that_stand_there() -> None:
    """April and May on 31/05: a second analyser came in May, so 1 then 2 of each fee."""
    second = ANALYSER._replace(id=2, code="B2", installed_on=date(2026, 5, 10))
    other = cost("5.00", id=3, family=Family.SUBSCRIPTION)
    rule = metered(APRIL_30, PRICE, FEE, other)._replace(assets=(ANALYSER, second))
    lines = only(bill(rule, MAY_31, [])).lines
    assert [(line.part, line.until, int(line.quantity), str(line.amount)) for line in lines] == [
        ("subscription/2", APRIL_30, 1, "20.00"),
        ("subscription/3", APRIL_30, 1, "5.00"),
        ("subscription/2", MAY_31, 2, "40.00"),
        ("subscription/3", MAY_31, 2, "10.00"),
    ]
    told = {"how": "fee", "theoretical": MAY_31, "assets": 2, "quantity": "1"}
    assert lines[-1].explain == told


def test_a_bill_moves_the_rule_on_and_an_empty_month_only_its_calendar() -> None:
    """Worked on 02/06: the bill is of that day, of the period due on 31/05."""
    june_2 = date(2026, 6, 2)
    own = RuleState(MAY_31)
    billed = only(bill(metered(), june_2, [sample(1, at(20))])).state
    following = date(2026, 6, 30)
    assert billed == own._replace(
        next_theoretical=following, last_theoretical=MAY_31, last_actual=june_2, occurrences=1
    )
    assert only(bill(metered(), june_2, [])).state == own._replace(next_theoretical=following)


@pytest.mark.parametrize(
    ("price", "monthly", "wrong"), [("6", "0", 1), ("0", "20", 1), ("0", "0", 2), ("6", "20", 0)]
)
def test_neither_the_run_nor_the_fee_may_be_without_price(
    price: str, monthly: str, wrong: int
) -> None:
    costs = (cost(price), cost(monthly, id=2, family=Family.SUBSCRIPTION))
    rated = only(bill(metered(MAY_31, *costs), MAY_31, [sample(1, at(20))]))
    found = [(one.code.id, one.values) for one in rated.anomalies]
    assert found == [("RAT-202", {"rule": "CBC"})] * wrong
    assert len(rated.lines) == (0 if wrong else 2)


def test_a_silent_analyser_is_told_with_the_last_day_it_was_heard() -> None:
    silent = ANALYSER._replace(heard_on=date(2026, 4, 20))
    (told,) = only(bill(metered(analyser=silent), MAY_31, [])).anomalies
    assert told.values == {"rule": "CBC", "asset": "B1", "since": date(2026, 4, 20)}
    assert told.sentence == (
        "Aucune analyse reçue de l'analyseur « B1 » de la règle « CBC » depuis le 20/04/2026 :"
        " la période n'est pas facturée à vide."
    )


@pytest.mark.feature("I-RUN-13")
@pytest.mark.parametrize(("due", "anchor"), [(MAY_31, 31), (date(2026, 6, 1), 1)])
def test_an_analyser_heard_on_the_first_of_the_month_is_not_silent(due: date, anchor: int) -> None:
    """May is billed from 01/05, be it due on its last day or the day after: 30/04 was April's."""
    p = Periodicity(1, Unit.MONTH, date(2026, 1, anchor))
    for heard_on, told in ((APRIL_30, ["RAT-232"]), (date(2026, 5, 1), [])):
        rule = metered(due, analyser=ANALYSER._replace(heard_on=heard_on))
        assert codes(bill(rule._replace(periodicity=p), due, [])) == told

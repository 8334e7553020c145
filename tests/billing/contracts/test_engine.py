"""Which rules bill in a run, when, and what stops them (contracts.md §2, §6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from billing.contracts.contract import Contract, Module, Rule, RuleState
from billing.contracts.reading import Meter
from billing.contracts.rules import KINDS
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.contracts.rules.flat_fee import FlatFee
from billing.contracts.terms import Rhythm
from billing.contracts.true_up import Grouping
from billing.period import Periodicity, ProrataBase, Proration, Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    MONTHLY,
    QUARTERLY,
    amounts,
    asset,
    billed,
    bundle,
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

FEBRUARY = date(2026, 2, 1)


def due_on(rule: Rule, day: date) -> Rule:
    return replace(rule, state=replace(rule.state, next_theoretical=day))


@pytest.mark.feature("A-RFC-01")
def test_billable_from_its_next_theoretical_date() -> None:
    rule = due_on(fee(), date(2026, 4, 1))
    assert amounts(run(rule, date(2026, 3, 31))) == []
    assert amounts(run(rule, date(2026, 4, 1))) == ["25.00"]


@pytest.mark.feature("A-RFC-02")
def test_a_quarter_moves_both_dates() -> None:
    state = only(run(fee(periodicity=QUARTERLY), date(2026, 1, 1))).state
    assert state is not None
    assert (state.next_theoretical, state.last_theoretical) == (
        date(2026, 4, 1),
        date(2026, 1, 1),
    )


@pytest.mark.feature("A-RFC-03")
def test_an_empty_next_date_names_the_rule() -> None:
    rating = run(replace(fee(), state=RuleState(None)), JANUARY)
    (anomaly,) = rating.anomalies
    assert anomaly.code.id == "RAT-206"
    assert anomaly.values["rule"] == "MF"
    assert anomaly.values["contract"] == "C1"
    assert "« MF »" in anomaly.sentence
    assert str(anomaly).startswith("RAT-206 contrat C1, module M1, règle MF : La date")


@pytest.mark.feature("A-RFC-04")
def test_last_theoretical_is_empty_then_the_old_next() -> None:
    rule = fee()
    assert rule.state.last_theoretical is None
    state = only(run(rule, JANUARY)).state
    assert state is not None
    assert state.last_theoretical == rule.state.next_theoretical


@pytest.mark.feature("A-RFC-05")
def test_rating_leaves_the_rule_as_it_was() -> None:
    rule = fee()
    rated = only(run(rule, JANUARY))
    assert (rule.state.last_actual, rule.state.last_invoice) == (None, "")
    assert rated.state is not None
    assert (rated.state.last_actual, rated.state.last_invoice) == (JANUARY, "")


@pytest.mark.feature("A-RFC-06")
def test_four_overdue_months_are_four_lines() -> None:
    rule = fee()
    assert rule.since == date(2026, 1, 1)
    rated = only(run(rule, date(2026, 4, 15)))
    assert len(rated.lines) == 4
    assert [line.since.month for line in rated.lines] == [1, 2, 3, 4]
    assert rated.state is not None
    assert rated.state.next_theoretical == date(2026, 5, 1)
    assert rated.state.occurrences == 4


@pytest.mark.feature("A-RFC-07")
def test_catch_up_from_the_installation_counter() -> None:
    april = date(2026, 4, 1)
    (line,) = only(run(copies(), april, installed(100, (april, 700)))).lines
    assert line.quantity == 700 - 100 == 600
    assert (line.since, line.until) == (JANUARY, april)


@pytest.mark.feature("A-RFC-09")
def test_three_occurrences_then_finished_without_anomaly() -> None:
    x = 3
    rule = fee(periodicity=replace(MONTHLY, occurrences=x))
    rated = only(run(rule, date(2026, 12, 31)))
    assert len(rated.lines) == 3
    after = run(billed(rule, rated), date(2026, 12, 31))
    assert (after.rules, after.anomalies) == ((), ())


def test_an_occurrence_on_the_end_date_counts() -> None:
    rule = fee(periodicity=replace(MONTHLY, until=date(2026, 3, 1)))
    assert len(only(run(rule, date(2026, 12, 31))).lines) == 3


@pytest.mark.feature("A-RFC-12")
def test_an_aperiodic_fee_needs_a_companion() -> None:
    shipping = fee("5.00", id=9, periodicity=None, assets=(asset(1),), state=RuleState(None))
    assert run(shipping, FEBRUARY).rules == ()
    signed = contract(shipping, copies())
    rating = run(signed, FEBRUARY, installed(0, (FEBRUARY, 200)))
    assert amounts(rating) == ["2.00", "5.00"]
    state = rating.rules[1].rated.state
    assert state == RuleState(None, last_actual=FEBRUARY, occurrences=1)


def test_an_aperiodic_fee_stays_when_its_companion_has_nothing_to_bill() -> None:
    signed = contract(fee("5.00", id=9, periodicity=None, assets=(asset(1),)), copies())
    assert amounts(run(signed, FEBRUARY, installed(0, (FEBRUARY, 0)))) == []


@pytest.mark.feature("A-RFC-20")
def test_a_detached_last_meter_leaves_no_anomaly() -> None:
    rule = copies(meters=())
    rule = replace(rule, state=replace(rule.state, counters={1: 500}, last_actual=JANUARY))
    rating = run(rule, FEBRUARY)
    assert (rating.rules, rating.anomalies) == ((), ())


def test_a_deactivated_rule_is_left_out() -> None:
    assert run(fee(until=JANUARY), JANUARY).rules == ()
    assert amounts(run(fee(until=FEBRUARY), JANUARY)) == ["25.00"]


@pytest.mark.feature("A-RFC-23")
def test_a_free_first_year() -> None:
    start, free = date(2018, 1, 1), date(2019, 1, 1)
    yearly = Periodicity(1, Unit.YEAR, start)
    rule = fee(
        since=start, periodicity=yearly, state=RuleState(free), proration=Proration(first=True)
    )
    signed = replace(contract(rule), modules=(Module(1, "M1", start, None, (rule,)),))
    assert amounts(run(signed, date(2018, 12, 31))) == []
    (line,) = only(run(signed, free)).lines
    assert (line.since, str(line.amount)) == (free, "25.00")


def test_a_suspended_contract_bills_nothing() -> None:
    assert run(contract(fee(), suspended=True), JANUARY).rules == ()


def dated(rule: Rule, since: date, until: date | None, renewal_months: int = 0) -> Contract:
    module = Module(1, "M1", since, until, (rule,), renewal_months=renewal_months)
    return Contract(1, "C1", "Contrat", 1, (module,))


@pytest.mark.feature("A-ANO-03")
def test_outside_the_module_says_which_of_the_two() -> None:
    early = run(dated(fee(), FEBRUARY, None), JANUARY)
    assert codes(early) == ["RAT-205"]
    assert "commence le 01/02/2026" in early.anomalies[0].sentence
    late = run(dated(due_on(fee(), FEBRUARY), JANUARY, FEBRUARY, 12), FEBRUARY)
    assert codes(late) == ["RAT-205"]
    assert "reconduction non faite" in late.anomalies[0].sentence
    assert "« M1 »" in late.anomalies[0].sentence


def test_a_module_that_does_not_renew_is_over_without_anomaly() -> None:
    over = run(dated(due_on(fee(), FEBRUARY), JANUARY, FEBRUARY), FEBRUARY)
    assert (over.rules, over.anomalies) == ((), ())


def test_closed_on_10_april_bills_10_thirtieths_in_arrears() -> None:
    rule = fee("30.00", term=Term.ARREARS, proration=Proration(last=True))
    rule = due_on(rule, date(2026, 5, 1))
    closed = dated(rule, JANUARY, date(2026, 4, 11))
    (line,) = only(run(closed, date(2026, 5, 1))).lines
    assert (str(line.amount), line.until) == ("10.00", date(2026, 4, 11))


def test_the_last_part_of_a_period_moved_by_hand() -> None:
    """10 April to 10 May, closed on 5 May: 26 days of 30/360 (10 April counts, 6 May doesn't)."""
    rule = due_on(fee("30.00", proration=Proration(last=True)), date(2026, 4, 10))
    (line,) = only(run(dated(rule, JANUARY, date(2026, 5, 6)), date(2026, 4, 10))).lines
    assert (line.since, line.until, str(line.amount)) == (
        date(2026, 4, 10),
        date(2026, 5, 6),
        "26.00",
    )


def test_a_rule_that_joins_a_running_month_in_arrears() -> None:
    rule = due_on(fee("30.00", term=Term.ARREARS, since=date(2026, 3, 15)), date(2026, 4, 1))
    rule = replace(rule, proration=Proration(first=True))
    assert amounts(run(rule, date(2026, 4, 1))) == ["15.00"]
    advance = replace(rule, term=Term.ADVANCE)
    assert amounts(run(advance, date(2026, 4, 1))) == ["15.00", "30.00"]


def test_a_prorated_price_keeps_quantity_times_price_exact() -> None:
    start = date(2026, 3, 15)
    rule = fee(
        "1000.00",
        "3",
        periodicity=Periodicity(1, Unit.MONTH, start, civil=True),
        since=start,
        state=RuleState(start),
        proration=Proration(first=True, base=ProrataBase.ACTUAL),
    )
    (line,) = only(run(rule, start)).lines
    assert str(line.amount) == "1645.16"  # 3 × 1000 × 17/31
    assert round(line.quantity * line.unit_price, 2) == line.amount


@pytest.mark.feature("A-ANO-05", "A-ANO-10")
@pytest.mark.parametrize(
    ("price", "refused_by"),
    [
        ("1", set()),
        ("0", {"POSITIF"}),
        ("-1", {"POSITIF", "POSITIF_OU_ZERO"}),
    ],
)
def test_prices_the_parameter_allows(price: str, refused_by: set[str]) -> None:
    for allowed in ("POSITIF", "POSITIF_OU_ZERO", "POSITIF_OU_ZERO_OU_NEGATIF"):
        rating = run(fee(price), JANUARY, allowed_prices=allowed)
        assert codes(rating) == (["RAT-202"] if allowed in refused_by else [])
        assert all("coût<=0" in anomaly.sentence for anomaly in rating.anomalies)


@pytest.mark.feature("A-ANO-06")
def test_a_rule_that_never_had_a_meter() -> None:
    rating = run(copies(meters=()), FEBRUARY)
    assert codes(rating) == ["RAT-201"]
    assert rating.anomalies[0].sentence == (
        "La règle de facturation « UC » n'est pas valide : aucune grandeur associée."
    )


def test_a_rule_without_article() -> None:
    for lines in ((), (cost("1", article=""),)):
        assert codes(run(fee(cost_lines=lines), JANUARY)) == ["RAT-203"]


def test_a_zero_quantity_needs_the_parameter() -> None:
    assert codes(run(fee(quantity="0"), JANUARY)) == ["RAT-204"]
    assert amounts(run(fee(quantity="0"), JANUARY, zero_bundle_allowed=True)) == ["0.00"]


def test_an_unknown_kind_is_named() -> None:
    rating = run(fee(kind="gratuit"), JANUARY)
    assert codes(rating) == ["RAT-207"]
    assert "« gratuit »" in rating.anomalies[0].sentence


def test_every_standard_cost_line_bills_under_its_own_part() -> None:
    rule = fee(cost_lines=(cost("10.00", id=5), cost("5.00", id=6, payer_id=2)))
    lines = only(run(rule, JANUARY)).lines
    assert [(line.part, str(line.amount)) for line in lines] == [
        ("standard/5", "10.00"),
        ("standard/6", "5.00"),
    ]


def test_excluded_august_bills_eleven_months() -> None:
    rule = fee(periodicity=replace(MONTHLY, excluded_months=frozenset({8})))
    lines = only(run(rule, date(2026, 12, 31))).lines
    assert [line.since.month for line in lines] == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
    assert lines[6].until == date(2026, 9, 1)
    assert all(a.until == b.since for a, b in pairwise(lines))


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        ("flat_fee", {"quantity": "trois"}, "nombre"),
        ("flat_fee", {"quantity": "0.1234567"}, "6 décimales"),
        ("flat_fee", {"quantity": "NaN"}, "6 décimales"),
        ("consumed_units", {"calculation": "median"}, "mode de calcul"),
        ("consumed_units", {"calculation": "sum", "offered": 5}, "cumulatives"),
        ("flat_fee", {"quantité": 3}, "inconnus : quantité"),
        ("consumed_units", {"offered": -1}, "entier positif"),
        ("consumed_units", {"grouped": "oui"}, "vrai ou faux"),
        ("consumed_units", {"offered_until": "31/12/2026"}, "AAAA-MM-JJ"),
        ("consumed_units", {"price": 1}, "inconnus : price"),
    ],
)
def test_wrong_terms_are_refused_in_french(kind: str, raw: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        KINDS[kind].terms(raw)


def test_terms_are_read() -> None:
    assert KINDS["flat_fee"].terms({"quantity": "1.5"}) == FlatFee(Decimal("1.5"))
    assert KINDS["flat_fee"].terms({}) == FlatFee(Decimal(1))
    raw = {"grouped": True, "offered": 1000, "offered_until": "2026-12-31"}
    units = KINDS["consumed_units"].terms(raw)
    assert units == ConsumedUnits(True, 1000, date(2026, 12, 31))


def test_a_fee_for_meters_takes_none_that_does_not_add_up() -> None:
    rule = fee(kind="meter_fee", terms=None, meters=(Meter(1, 1, "GO", "Go", cumulative=False),))
    rating = run(rule, JANUARY)
    assert codes(rating) == ["RAT-221"]
    assert rating.anomalies[0].sentence == (
        "La grandeur non cumulative « Go » du bien « 1 » ne se rattache pas à un montant"
        " forfaitaire pour x grandeurs."
    )


def grouped_by_quantity(**second: object) -> Contract:
    """Two monthly rules in arrears, trued up together each month; `second` changes one."""
    meters = (Meter(1, 1, "NB", "Noir"), Meter(2, 1, "CO", "Couleur"))
    rules = [
        bundle(
            "10", Rhythm(1, Unit.MONTH), id=m.id, code=m.code, meters=(m,), refund=True,
            grouping=Grouping.QUANTITY, term=Term.ARREARS,
            **{"state": RuleState(FEBRUARY), **(second if m.id == 2 else {})},
        )
        for m in meters
    ]  # fmt: skip
    return contract(*rules)


def test_grouped_rules_are_trued_up_on_one_day() -> None:
    known = installed(0, (FEBRUARY, 30))
    later = RuleState(FEBRUARY, own={"first": "2026-01-01", "next": "2026-03-01"})
    rating = run(grouped_by_quantity(state=later), FEBRUARY, known)
    assert codes(rating) == ["RAT-213"]
    assert rating.anomalies[0].sentence == (
        "La régularisation groupée de la règle « NB » n'est pas due à la même date que celle de la"
        " règle « CO »."
    )


def test_a_grouped_rule_waits_for_the_other_s_reading() -> None:
    rating = run(grouped_by_quantity(), FEBRUARY, installed(0, (FEBRUARY, 30)))
    assert sorted(codes(rating)) == ["RAT-104", "RAT-214"]
    assert (
        "La régularisation groupée de la règle « NB » attend la règle « CO », qui a une anomalie."
        in {anomaly.sentence for anomaly in rating.anomalies}
    )
    assert all(one.rated.lines == () for one in rating.rules)

"""Shipping fees by a kit rule: the example of 004, "Appliquer des frais d'expédition"."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing.contracts.contract import Contract, Event, Rule, RuleState, RunOptions
from billing.contracts.delivery import Delivery
from billing.contracts.engine import ContractRating, claimed, rate_contract
from billing.contracts.pricing import PRICE_NOT_ALLOWED
from billing.contracts.rules.kit import Kit, claims, terms
from billing.contracts.story import recompute
from billing.period import Periodicity, Term, Unit
from tests.billing.contracts.build import amounts, asset, contract, cost, replace, story_of

MARCH = date(2026, 4, 1)
L1 = Delivery(1, "L1", 1, date(2026, 10, 30), "TN", "Toner", "CONSO", 1, asset_id=1)
L2 = Delivery(2, "L2", 1, date(2026, 11, 10), "TN", "Toner", "CONSO", 2, asset_id=2)


def kit(next_date: date = date(2026, 11, 15), price: str = "5.00", **terms: Any) -> Rule:
    """A monthly kit rule for class CONSO on machines B1 and B2, from 15 January."""
    since = date(2026, 1, 15)
    return Rule(
        9, "PORT", "Frais d'envoi", "kit", Term.ARREARS, Periodicity(1, Unit.MONTH, since), since,
        Kit(frozenset({"CONSO"}), **terms), (cost(price, id=9),), RuleState(next_date),
        assets=(asset(1), asset(2)),
    )  # fmt: skip


def bill(signed: Contract, work_date: date, *deliveries: Delivery) -> ContractRating:
    """Rates a contract with what its rules claim of the deliveries."""
    rating = rate_contract(signed, {}, RunOptions(work_date), claimed([signed], deliveries))
    for line in (line for one in rating.rules for line in one.rated.lines):
        assert recompute(story_of(line)) == line.amount, line
    return rating


@pytest.mark.feature("A-FEE-07")
def test_three_toners_at_five_euros() -> None:
    """1 and 2 toners: 3 x 5.00 = 15.00, a line a delivery line."""
    rating = bill(contract(kit()), date(2026, 11, 15), L1, L2)
    assert amounts(rating) == ["5.00", "10.00"]
    assert 3 * 5.00 == 5.00 + 10.00 == 15.00


@pytest.mark.feature("A-FEE-08")
def test_a_contract_due_on_15_december_bills_nothing_on_15_november() -> None:
    """Contract 2 has a delivery of 30/10, and is due on 15/12; that of 16/12 is for January."""
    late = Delivery(4, "L4", 1, date(2026, 12, 16), "TN", "Toner", "CONSO", 2, asset_id=2)
    second = contract(kit(date(2026, 12, 15)))
    assert bill(second, date(2026, 11, 15), L1, late).rules == ()
    assert amounts(bill(second, date(2026, 12, 15), L1, late)) == ["5.00"]


def test_a_quarter_of_kits_at_500() -> None:
    """1 + 2 + 1 toners at 500.00 are 2000.00 (contracts.md §4.8)."""
    quarter = kit(MARCH, "500.00")._replace(
        periodicity=Periodicity(3, Unit.MONTH, date(2026, 1, 1)), since=date(2026, 1, 1)
    )
    days = (date(2026, 1, 22), date(2026, 2, 15), date(2026, 3, 31))
    lines = [
        Delivery(n, f"L{n}", 1, day, "TN", "", "CONSO", (1, 2, 1)[n], 1)
        for n, day in enumerate(days)
    ]
    assert amounts(bill(contract(quarter), MARCH, *lines)) == ["500.00", "1000.00", "500.00"]


@pytest.mark.parametrize(
    "delivery",
    [
        L1._replace(asset_id=None),
        L1._replace(asset_id=7),
        L1._replace(article_class="PAPIER"),
        L1._replace(delivered_on=date(2026, 11, 15)),
        L1._replace(delivered_on=date(2026, 1, 14)),
        L1._replace(contract_id=2),
    ],
    ids=["no asset", "another's asset", "another class", "next period", "before", "elsewhere"],
)
def test_what_a_rule_does_not_bill(delivery: Delivery) -> None:
    ((one,),) = [bill(contract(kit()), date(2026, 11, 15), delivery).rules]
    assert one.rated.lines == ()
    assert one.rated.state is not None
    assert one.rated.state.next_theoretical == date(2026, 12, 15)
    assert one.rated.state.last_actual is None


def test_a_delivery_known_late_goes_with_the_next_bill() -> None:
    assert amounts(bill(contract(kit(date(2026, 12, 15))), date(2026, 12, 15), L1)) == ["5.00"]


def test_the_first_rule_that_claims_a_delivery_bills_it() -> None:
    twice = contract(kit(), kit()._replace(id=10, code="PORT2"))
    assert amounts(bill(twice, date(2026, 11, 15), L1, L2)) == ["5.00", "10.00"]


def test_offered_kits_come_first_then_the_contents() -> None:
    """One offered, one included of three delivered: L1 is given, L2 bills 1."""
    rule = kit(offered=1, kit_contents=1)
    (one,) = bill(contract(rule), date(2026, 11, 15), L1, L2).rules
    assert [(line.quantity, str(line.amount)) for line in one.rated.lines] == [(1, "5.00")]
    state = one.rated.state
    assert state is not None and (state.offered_used, state.own) == (2, {"given": "1"})
    again = replace(rule, state=state._replace(next_theoretical=date(2026, 12, 15)))
    assert amounts(bill(contract(again), date(2026, 12, 15), L1)) == []


def test_deliveries_billed_by_two_wait_for_the_second() -> None:
    rule = kit(billing_unit=2)
    assert amounts(bill(contract(rule), date(2026, 11, 15), L1)) == []
    assert amounts(bill(contract(rule), date(2026, 11, 15), L1, L2)) == ["5.00", "10.00"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({}, "« classes » est la liste des classes d'articles couvertes"),
        ({"classes": "CONSO"}, "« classes » est la liste des classes d'articles couvertes"),
        ({"classes": [1]}, "une classe d'articles est un texte"),
        (
            {"classes": ["A"], "billing_unit": 0},
            "l'unité de facturation compte au moins une livraison",
        ),
        ({"classes": ["A"], "commitment": 6}, "paramètres inconnus : commitment"),
    ],
)
def test_terms_that_are_refused(raw: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        terms(raw)
    assert str(caught.value) == reason


def test_terms_as_a_file_writes_them() -> None:
    whole = {"classes": ["CONSO", "TONER"], "billing_unit": 3, "offered": 2, "kit_contents": 24}
    assert terms(whole) == Kit(frozenset({"CONSO", "TONER"}), 3, 2, 24)
    assert terms({"classes": ["CONSO"]}) == Kit(frozenset({"CONSO"}), 1, 0, 0)


def test_a_line_tells_its_delivery() -> None:
    """Of L2 and its two toners one is offered; both cost lines are billed once for good."""
    rule = kit(offered=1)
    twice = replace(rule, cost_lines=(cost("5.00", id=9), cost("1.00", id=10)))
    (one,) = bill(contract(twice), date(2026, 11, 15), L2).rules
    assert [(line.part, line.event, str(line.amount)) for line in one.rated.lines] == [
        ("kit/2/1", Event("kit", 2, "1"), "5.00"),
        ("kit/2/2", Event("kit", 2, "2"), "1.00"),
    ]
    for line in one.rated.lines:
        assert (line.since, line.until) == (date(2026, 11, 10), date(2026, 11, 11))
        assert line.details == (
            "Frais d'envoi",
            "Livraison L2 du 10/11/2026 : TN Toner, quantité 2",
            "dont comprises ou offertes : 1",
        )
        told = {"how": "delivered", "delivered": 2, "given": 1, "delivery": "L2/1"}
        assert line.explain == told
    ((nameless,),) = [bill(contract(replace(rule, label="")), date(2026, 11, 15), L2).rules]
    assert nameless.rated.lines[0].details[0] == "PORT"


def test_what_a_bill_leaves_behind() -> None:
    """Three are offered, one of them long since: L1 takes one, L2 another and bills the rest."""
    rule = kit(offered=3)
    rule = replace(rule, state=rule.state._replace(offered_used=1, own={"given": "7"}))
    work_date = date(2026, 11, 15)
    (one,) = bill(contract(rule), work_date, L1, L2).rules
    assert [int(line.quantity) for line in one.rated.lines] == [1]
    assert one.rated.state == RuleState(
        date(2026, 12, 15), work_date, work_date, occurrences=1, offered_used=3,
        own={"given": "7 1"},
    )  # fmt: skip
    (none,) = bill(contract(rule), work_date, L1).rules
    assert none.rated.state == RuleState(date(2026, 12, 15), offered_used=2, own={"given": "7 1"})


def test_a_rule_claims_from_its_first_day_to_the_day_before_its_end() -> None:
    rule = replace(kit(), until=date(2026, 12, 1))
    module = contract(rule).modules[0]
    days = [date(2026, 1, 14), date(2026, 1, 15), date(2026, 11, 30), date(2026, 12, 1)]
    claimed_on = [claims(rule, module, L1._replace(delivered_on=day)) for day in days]
    assert claimed_on == [False, True, True, False]


def test_a_kit_without_price_is_an_anomaly() -> None:
    rating = bill(contract(kit(price="0.00")), date(2026, 11, 15), L1)
    assert [(one.code, one.values["rule"]) for one in rating.anomalies] == [
        (PRICE_NOT_ALLOWED, "PORT")
    ]

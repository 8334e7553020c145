"""A contract or a patient that breaks the program stops itself, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, text

from billing.contracts import engine as rating
from billing.contracts.rules import KINDS
from integration.app import App
from integration.flows import care
from integration.flows.billing.run import bill, simulate
from integration.flows.care import price_care
from integration.flows.verify import verify
from integration.inbox import import_waiting
from tests.faults.scenario import NIGHTS, arrive, first_night
from tests.faults.stages import Stage

DAY = NIGHTS[0]
UNEXPECTED = (KeyError, AttributeError, RuntimeError)


@pytest.fixture
def app(stage: Stage) -> Iterator[App]:
    """A home with the portfolio in it, nothing billed yet."""
    with stage.fresh() as home:
        arrive(home, DAY, first_night())
        with home.app(DAY) as made:
            import_waiting(made.office(), settle_s=0)
            yield made


def ids(app: App, sql: str) -> list[Any]:
    """One column of a query."""
    with app.engine.connect() as connection:
        return list(connection.scalars(text(sql)))


BILLED = """
    SELECT DISTINCT c.code FROM billed_part p JOIN rule r ON r.id = p.subject_id
    JOIN contract c ON c.id = r.contract_id WHERE p.subject_kind = 'rule' ORDER BY c.code"""


@pytest.mark.parametrize("error", UNEXPECTED)
def test_a_contract_that_breaks_rating_is_reported_and_the_others_post(
    app: App, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    (contract,) = ids(app, "SELECT id FROM contract WHERE code = 'K3'")
    (rule,) = ids(
        app,
        "SELECT r.id FROM rule r JOIN contract c ON c.id = r.contract_id "
        "WHERE c.code = 'K3' AND r.code = 'FORFAIT'",
    )
    break_rule(monkeypatch, rule, error)
    for _ in range(2):  # again and again, the same answer
        report = bill(app.billing(app.options(DAY)))
        assert report.failed == [(contract, error.__name__)]
        assert ids(app, BILLED) == ["K1", "K2", "K4"]
    simulated, _ = simulate(app.billing(app.options(DAY)))
    assert simulated.failed == [(contract, error.__name__)]
    monkeypatch.undo()
    bill(app.billing(app.options(DAY)))
    assert ids(app, BILLED) == ["K1", "K2", "K3", "K4"]
    assert verify(app.engine, 1).fault is None


def break_rule(monkeypatch: pytest.MonkeyPatch, rule_id: int, error: type[Exception]) -> None:
    """The rule's kind raises, with a name in its message that nobody may repeat."""
    sound = KINDS["flat_fee"]

    def rate(rule: Any, facts: Any) -> Any:
        if rule.id == rule_id:
            raise error("Zéphirin-Quasar")
        return sound.rate(rule, facts)

    monkeypatch.setattr(rating, "KINDS", {**KINDS, "flat_fee": replace(sound, rate=rate)})


def test_a_contract_whose_rows_the_database_refuses_is_reported(app: App) -> None:
    """Its part is already billed, whoever wrote that: the unique key decides."""
    bill(app.billing(app.options(DAY)))
    (rule,) = ids(app, "SELECT min(subject_id) FROM billed_part WHERE subject_kind = 'rule'")
    with app.engine.begin() as connection:
        reset(connection, rule)
    report = bill(app.billing(app.options(DAY)))
    assert [error for _, error in report.failed] == ["IntegrityError"]


def reset(connection: Connection, rule: int) -> None:
    """The cached state forgets that the rule was billed."""
    connection.execute(
        text(
            "UPDATE rule_state SET next_theoretical = (SELECT since FROM rule WHERE id = :rule), "
            "state = (SELECT opening FROM rule WHERE id = :rule) WHERE rule_id = :rule"
        ),
        {"rule": rule},
    )


@pytest.mark.parametrize("error", UNEXPECTED)
def test_a_patient_who_breaks_pricing_is_reported_and_the_others_post(
    app: App, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    first, second = ids(app, "SELECT id FROM patient ORDER BY id")
    sound = care.price

    def price(dossiers: Any) -> Any:
        if any(dossier.patient_id == first for dossier in dossiers):
            raise error("Zéphirin-Quasar")
        return sound(dossiers)

    monkeypatch.setattr(care, "price", price)
    report = price_care(app.care(), DAY)
    assert report.failed == [(first, error.__name__)]
    assert ids(app, "SELECT DISTINCT patient_id FROM document WHERE kind = 'care'") == [second]
    monkeypatch.undo()
    price_care(app.care(), date(2026, 2, 2))
    assert len(ids(app, "SELECT DISTINCT patient_id FROM document WHERE kind = 'care'")) == 2

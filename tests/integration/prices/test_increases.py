"""Price increases from their files to posted rows, history and credit."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from formats.common.anomaly import AnomaliesFound
from integration.flows.billing.run import bill, simulate
from integration.inbox import import_paths
from integration.posting import Plan, post
from integration.translate.flow import load
from integration.translate.rule_states import patch
from tests.integration.billing.house import House, contract, fee, house_at

COMPANY = {"type": "Majoration société"}
FIVE_PERCENT = {"type": "majoration personnalisée", "unite": "appliquer pourcentage", "valeur": 5}


def _signed(house: House, price: str = "100.00", **changes: Any) -> None:
    house.customers("C1")
    house.contracts(contract("K1", "C1", fee("MF", price, **changes)))


def _prices(house: House) -> list[tuple[str, int]]:
    rows = house.rows("SELECT since, unit_price_e8 FROM document_line ORDER BY document_id, since")
    return [(since, int(price) // 10**6) for since, price in rows]


@pytest.mark.feature("A-SYN-03")
def test_import_of_a_104th_month(house: House) -> None:
    """The 103 shipped go to 07/2014 162.591; from 01/2006 131.800."""
    house.bring("indices", "annee;mois;indice\n2014;août;162,877\n")
    assert house.rows("SELECT year, month, index_e6 FROM syntec_index") == [(2014, 8, 162_877_000)]
    ((report,),) = house.rows("SELECT report FROM received_file WHERE flow = 'indices'")
    assert '"mois connus":104' in report
    agreed = {"type": "syntec"}
    _signed(house, "100.00", debut="2013-08-10", augmentation=agreed)
    house.contracts(
        contract("K2", "C1", fee("M2", "100.00", augmentation=agreed), debut="2013-08-10")
    )
    run = house.run("2014-08-10", with_increases=True)
    _, shapes = simulate(run)
    line = shapes[0].invoices[-1].lines[-1]
    assert line.explain["increase"]["s1"] == "162.877000"  # type: ignore[index]
    assert Decimal("162.591") < Decimal("162.877")


def test_a_one_off_increase_of_an_imported_contract(house: House) -> None:
    """5 % on 1 March on a contract that bills since January; the same file brings nothing twice."""
    _signed(house)
    house.bill("2026-01-01")
    header = "contrat;module;regle;date;type;unite;valeur;prix\n"
    row = "K1;M1;MF;01/03/2026;majoration personnalisée;appliquer pourcentage;5;facturé, revient\n"
    house.bring("increases", header + row)
    house.bring("increases", header + row + row)
    for day in ("2026-02-01", "2026-03-01", "2026-04-01"):
        house.bill(day)
    assert [price for _, price in _prices(house)] == [10000, 10000, 10500, 10500]
    assert house.rows("SELECT field, author FROM rule_change") == [
        ("increase", "003-increases.txt")
    ]


def test_a_one_off_increase_of_an_unknown_rule(house: House) -> None:
    _signed(house)
    path = house.folder / "augmentations.csv"
    row = "K1;M1;ZZ;2026-03-01;majoration société\n"
    path.write_text("contrat;module;regle;date;type\n" + row, "utf-8")
    (one,) = import_paths(house.app.office(), [path], "increases")
    assert [str(anomaly.code.id) for anomaly in one.anomalies] == ["IMP-201"]
    assert one.anomalies[0].sentence == "La règle « K1 / M1 / ZZ » n'existe pas."


@pytest.mark.feature("A-AUG-02")
def test_another_word_is_refused() -> None:
    """The four kinds of the seed are read; nothing else is."""
    flow = load("contracts")
    words = ("Non révisable", "Syntec", "Majoration société")
    good = [fee(f"R{n}", "1.00", augmentation={"type": word}) for n, word in enumerate(words)]
    good.append(fee("R9", "1.00", augmentation=FIVE_PERCENT))
    assert len(flow.read(json.dumps(contract("K1", "C1", *good)).encode(), "k.json")) == 1
    bad = contract("K1", "C1", fee("R1", "1.00", augmentation={"type": "inflation"}))
    with pytest.raises(AnomaliesFound) as found:
        flow.read(json.dumps(bad).encode(), "k.json")
    (anomaly,) = found.value.anomalies
    assert anomaly.code.id == "IMP-110"
    assert "« inflation »" in anomaly.sentence
    assert "non révisable, syntec, majoration société, majoration personnalisée" in anomaly.sentence
    assert "augmentation" in flow.schema()


@pytest.mark.parametrize(
    ("agreed", "reason"),
    [
        ({"type": "majoration personnalisée", "valeur": 5}, "demande une unité et une valeur"),
        ({"type": "syntec", "valeur": 5}, "ne vont qu'avec une majoration personnalisée"),
        ({**FIVE_PERCENT, "jour": 31, "mois": 4}, "un jour et un mois qui existent"),
        ({"prochaine": "2027-01-01"}, "n'a pas de date d'augmentation"),
        ({"ponctuelles": [{"date": "2027-01-01", "type": "non révisable"}]}, "change un prix"),
    ],
)
def test_what_does_not_go_together_is_refused(agreed: dict[str, Any], reason: str) -> None:
    bad = contract("K1", "C1", fee("R1", "1.00", augmentation=agreed))
    with pytest.raises(AnomaliesFound) as found:
        load("contracts").read(json.dumps(bad).encode(), "k.json")
    assert reason in found.value.anomalies[0].sentence


def test_the_import_predicts_the_next_date(house: House) -> None:
    _signed(house, augmentation={**FIVE_PERCENT, "jour": 1, "mois": 7})
    ((report,),) = house.rows("SELECT report FROM received_file WHERE flow = 'contracts'")
    assert "Règle « MF » : prochaine augmentation prévue le 01/07/2026." in report


@pytest.mark.feature("A-AUG-03")
def test_the_coefficient_wins_over_the_percentage(database_url: str, tmp_path: Path) -> None:
    rates = {"COEFF_UNITAIRE_MAJORATIONSOCIETE": "1.05", "POURC_UNITAIRE_MAJORATIONSOCIETE": "9.7"}
    with house_at(database_url, tmp_path, REGLEFACT_AUGMENTATION=True, **rates) as house:
        _signed(house, augmentation=COMPANY)
        house.bill("2026-12-31")
        house.bill("2027-01-01")
        assert _prices(house)[-2:] == [("2026-12-01", 10_000), ("2027-01-01", 10_500)]
        parameters = house.app.settings.parameters
        blank = parameters.model_copy(update={"COEFF_UNITAIRE_MAJORATIONSOCIETE": Decimal(0)})
        assert blank.company_factor == Decimal("1.097")


@pytest.mark.feature("A-AUG-01")
def test_off_by_default(house: House) -> None:
    _signed(house, augmentation=FIVE_PERCENT)
    house.bill("2027-01-01")
    assert {price for _, price in _prices(house)} == {10_000}


@pytest.mark.feature("A-AUG-12")
def test_with_increases_shows_prices_before_activation(house: House) -> None:
    _signed(house, augmentation=FIVE_PERCENT)
    house.bill("2026-12-31")
    before = house.state("MF")
    report, shapes = house.simulate("2027-01-01", with_increases=True)
    (line,) = shapes[0].invoices[0].lines
    assert (line.unit_price, report.net_cents) == (Decimal("105.00"), 105_00)
    assert house.state("MF") == before
    assert house.simulate("2027-01-01")[0].net_cents == 100_00


@pytest.mark.feature("A-AUG-10")
def test_history_with_its_invoice_and_a_credit_that_restores_the_price(
    database_url: str, tmp_path: Path
) -> None:
    with house_at(database_url, tmp_path, REGLEFACT_AUGMENTATION=True) as house:
        _signed(house, augmentation=FIVE_PERCENT)
        house.bill("2026-12-31")
        before, events = house.state("MF"), _events(house)
        house.bill("2027-01-01")
        ((kind, year, number, state),) = house.rows(
            "SELECT e.kind, d.fiscal_year, d.number, e.state FROM rule_event e JOIN document d"
            " ON d.id = e.document_id WHERE e.state LIKE '%increases%'"
        )
        (entry,) = json.loads(state)["increases"].values()
        assert (kind, year, number) == ("billed", 2027, 1)
        assert entry["prices"]["1"]["billed"] == ["100", "105", "105"]
        _credit(house, before, events + 1)
        assert house.state("MF") == before
        report, _ = house.simulate("2027-01-01")
        assert report.net_cents == 105_00  # due again, from the old price
        assert house.simulate("2026-12-31")[0].lines == 0


def _events(house: House) -> int:
    ((count,),) = house.rows("SELECT count(*) FROM rule_event")
    return int(count)


def _credit(house: House, before: dict[str, Any], events: int) -> None:
    """The rule move of a credit note: back to the state before the invoice."""
    change, text = patch(house.state("MF"), before), json.dumps(before, sort_keys=True)
    move = (1, events, json.dumps(change), text, before["next_theoretical"], None)
    with house.engine.begin() as connection:
        post(connection, house.app.organisation_id, Plan(moves=[move]))


def test_what_is_simulated_is_billed(database_url: str, tmp_path: Path) -> None:
    rates = {"COEFF_UNITAIRE_MAJORATIONSOCIETE": "1.05"}
    with house_at(database_url, tmp_path, REGLEFACT_AUGMENTATION=True, **rates) as house:
        _signed(house, augmentation=COMPANY)
        house.bill("2026-12-31")
        planned, _ = house.simulate("2027-01-01")
        posted = hashlib.sha256()
        bill(house.run("2027-01-01"), posted)
        assert posted.hexdigest() == planned.rows_digest


def test_a_past_period_keeps_its_price(database_url: str, tmp_path: Path) -> None:
    """Billed late, each month has the price of its own start; verify rebuilds the same history."""
    ahead = [
        {
            "date": "2026-03-01",
            "type": "majoration personnalisée",
            "unite": "ajouter valeur fixe",
            "valeur": "10",
        }
    ]
    with house_at(database_url, tmp_path, REGLEFACT_AUGMENTATION=True) as house:
        _signed(house, augmentation={**FIVE_PERCENT, "ponctuelles": ahead})
        house.bill("2027-02-01")
        assert _prices(house)[1:3] == [("2026-02-01", 10_000), ("2026-03-01", 11_000)]
        assert _prices(house)[-3:] == [
            ("2026-12-01", 11_000),
            ("2027-01-01", 11_550),
            ("2027-02-01", 11_550),
        ]
        assert date(2027, 2, 1).isoformat() == house.state("MF")["last_actual"]

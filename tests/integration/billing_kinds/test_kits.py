"""Deliveries from their file to posted lines, each billed once, and listed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from integration.database.engine import snapshot
from integration.flows.deliveries import listed
from integration.translate.invoice_pages import invoice_pages
from integration.verbs.deliveries import _told
from tests.integration.billing.house import House, contract, fee
from tests.integration.billing_kinds.test_kinds import bill_twice, cost, refusal, rule

NOTES = (
    "livraison;ligne;date;bien;serie;contrat;article;libelle;classe;quantite\n"
    "L1;1;30/10/2026;B1;;;TN;Toner noir;CONSO;1\n"
    "L2;1;10/11/2026;B2;;;TN;Toner noir;CONSO;2\n"
    "L3;1;30/10/2026;B3;;;TN;Toner noir;CONSO;1\n"
    "L4;1;05/11/2026;;;;TN;Toner noir;CONSO;1\n"
    "L5;1;05/11/2026;B1;;;PAP;Papier;PAPIER;5\n"
)


def shipping(next_date: str, **changes: Any) -> dict[str, Any]:
    """A monthly shipping fee of 5.00 on class CONSO, next billed on a day."""
    port = cost("5.00", article="PORT", libelle="Participation aux livraisons")
    terms = {"classes": ["CONSO"], **changes.pop("terms", {})}
    opening = {"prochaine_theorique": next_date}
    told: dict[str, Any] = {"terme": None, "parametres": terms, "reprise": opening}
    return rule("kit", "PORT", port, libelle="Frais d'envoi", **(told | changes))


@pytest.fixture
def two_contracts(house: House) -> House:
    """Contract SSC1 due on 15/11 with B1 and B2, SSC2 due on 15/12 with B3, and five deliveries."""
    house.customers("C1")
    for asset in ("B1", "B2", "B3"):
        house.machine(asset, "C1")
    house.contracts(
        contract("SSC1", "C1", shipping("2026-11-15"), biens=["B1", "B2"]),
        contract("SSC2", "C1", shipping("2026-12-15"), biens=["B3"]),
    )
    house.bring("deliveries", NOTES)
    return house


@pytest.mark.feature("A-FEE-07", "A-FEE-08")
def test_the_seeds_two_contracts(two_contracts: House) -> None:
    """15.00 on contract 1: 3 x 5.00, a line a delivery; no line for contract 2 before 15/12."""
    house = two_contracts
    assert bill_twice(house, "2026-11-15") == [
        ("PORT", "2026-10-30", "2026-10-31", 1, 500),
        ("PORT", "2026-11-10", "2026-11-11", 2, 1000),
    ]
    ((_, _, _, net, _, _),) = house.invoices()
    assert net == 1500 == 3 * 500
    assert house.rows("SELECT subject_id, part FROM billed_part WHERE subject_kind = 'kit'") == [
        (1, "1"),
        (2, "1"),
    ]
    assert [line[4] for line in bill_twice(house, "2026-12-15")] == [500]


@pytest.mark.feature("A-FEE-09")
def test_a_line_tells_its_delivery(two_contracts: House) -> None:
    """Two lines, quantities 1 and 2: contract, rule, delivery and date, article, fee article."""
    house = two_contracts
    house.bill("2026-11-15")
    app = house.app
    with house.engine.connect() as connection:
        page = invoice_pages(connection, app.settings, app.vault, [1])[1]
    assert [(ref.label, ref.value) for ref in page.references] == [("Contrat", "SSC1")]
    assert [(line.label, line.quantity) for line in page.lines] == [
        ("Participation aux livraisons", "1"),
        ("Participation aux livraisons", "2"),
    ]
    assert page.lines[0].details == (
        "Du 30/10/2026 au 30/10/2026",
        "Frais d'envoi",
        "Livraison L1 du 30/10/2026 : TN Toner noir, quantité 1",
    )
    assert house.rows("SELECT DISTINCT article FROM document_line") == [("PORT",)]


@pytest.mark.feature("A-FEE-10")
def test_every_delivery_is_listed(two_contracts: House) -> None:
    """Billed, to bill, or not billable: without asset (L4), or of another class (L5)."""
    house = two_contracts
    house.bill("2026-11-15")
    with snapshot(house.engine) as connection:
        found = listed(connection, house.app.organisation_id, date(2026, 11, 30))
    assert {(one.number, one.state, one.rule, one.invoice) for one in found} == {
        ("L1", "facturée", "PORT", "VT2026-000001"),
        ("L2", "facturée", "PORT", "VT2026-000001"),
        ("L3", "à facturer", "PORT", ""),
        ("L4", "non facturable : aucun bien", "", ""),
        (
            *(
                "L5",
                "non facturable : aucune règle de kit pour ce bien, cette classe et cette date",
            ),
            *("", ""),
        ),
    }
    assert _told(found[0]) == (
        "L1/1 du 30/10/2026 : 1 × TN (CONSO), bien B1 : facturée VT2026-000001, contrat SSC1,"
        " règle PORT"
    )


def test_a_given_delivery_is_listed_as_such(house: House) -> None:
    house.customers("C1")
    house.machine("B1", "C1")
    rules = (shipping("2026-11-15", terms={"offered": 1}), fee("MF", "5.00"))
    house.contracts(contract("K1", "C1", *rules, biens=["B1"]))
    house.bring(
        "deliveries", "livraison;date;bien;article;classe;quantite\nL1;30/10/2026;B1;T;CONSO;1\n"
    )
    house.bill("2026-11-15")
    assert house.state("PORT")["own"] == {"given": "1"}
    with snapshot(house.engine) as connection:
        (one,) = listed(connection, house.app.organisation_id, date(2026, 11, 30))
    assert one.state == "comprise ou offerte"


def test_a_delivery_is_found_by_serial_number_and_contract(house: House) -> None:
    house.customers("C1")
    house.bring("assets", "bien;client;serie\nB1;C1;SN1\n")
    house.contracts(
        contract("K1", "C1", shipping("2026-11-15"), biens=["B1"]),
        contract("K2", "C1", shipping("2026-11-15"), biens=["B1"]),
    )
    note = "livraison;date;serie;contrat;article;classe;quantite\nL1;30/10/2026;SN1;K2;T;CONSO;1\n"
    house.bring("deliveries", note)
    house.bring("deliveries", note + "L2;30/10/2026;SN1;;T;CONSO;1\n")
    assert house.rows("SELECT count(*) FROM delivery") == [(2,)]
    assert len(bill_twice(house, "2026-11-15")) == 2
    assert house.rows(
        "SELECT c.code, p.subject_id FROM billed_part p"
        " JOIN document_line l ON l.document_id = p.document_id AND l.position = p.line_position"
        " JOIN rule r ON r.id = l.rule_id JOIN contract c ON c.id = r.contract_id"
        " WHERE p.subject_kind = 'kit' ORDER BY c.code"
    ) == [("K1", 2), ("K2", 1)]


@pytest.mark.feature("A-RFC-14")
def test_a_kit_rule_in_advance_is_refused(house: House) -> None:
    sentence = refusal(house, shipping("2026-11-15", terme="a_echoir"))
    assert "« kits de livraison » se facture toujours à terme échu" in sentence


def test_a_minimum_commitment_is_refused(house: House) -> None:
    sentence = refusal(house, shipping("2026-11-15", terms={"commitment": 6}))
    assert "paramètres inconnus : commitment" in sentence

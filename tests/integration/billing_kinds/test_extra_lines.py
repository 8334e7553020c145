"""Lines by hand on the next invoice of a contract; several costs of one section print as one."""

from __future__ import annotations

import pytest

from integration.translate.invoice_pages import invoice_pages
from tests.integration.billing.house import House, contract, fee
from tests.integration.billing_kinds.test_kinds import bill_twice, cost

HEADER = "code;contrat;article;libelle;quantite;prix;tva;motif\n"


def printed(house: House, document: int) -> list[tuple[str, str, int]]:
    """(label, quantity, amount in cents) of each printed line."""
    with house.engine.connect() as connection:
        page = invoice_pages(connection, house.app.settings, house.app.vault, [document])[document]
    return [(line.label, line.quantity, line.amount_cents) for line in page.lines]


@pytest.mark.feature("A-OFF-06")
def test_a_deduction_by_hand_goes_on_the_next_invoice_once(house: House) -> None:
    """1000 copies offered at 0.01 on a fee of 25.00: manual negative line with its reason."""
    house.customers("C1")
    house.contracts(contract("K1", "C1", fee("MF", "25.00")), contract("K2", "C1", fee("X", "9")))
    geste = HEADER + "G1;K1;COPIES;Copies offertes;-1000;0,01;20;Geste à la signature\n"
    house.bring("extra_lines", geste)
    first, second, other = bill_twice(house, "2026-01-01")
    assert (first[4], second[3], second[4], other[4]) == (2500, -1000, -1000, 900)
    assert [(net, vat) for _, _, _, net, vat, _ in house.invoices()] == [(1500, 300), (900, 180)]
    assert ("Copies offertes", "-1\u00a0000", -1000) in printed(house, 1)
    details = house.rows("SELECT details FROM document_line WHERE article = 'COPIES'")
    assert "Geste à la signature" in details[0][0]
    house.bring("extra_lines", geste + "G2;K1;COPIES;;1;2,00;20;Oubli\n")
    assert [line[4] for line in bill_twice(house, "2026-02-01")] == [2500, 200, 900]


def test_a_deduction_larger_than_the_invoice_is_a_credit(house: House) -> None:
    """*Laisser un avoir* (004, "Autres solutions 1"): the customer keeps a credit."""
    house.customers("C1")
    house.contracts(contract("K1", "C1", fee("MF", "25.00")))
    house.bring("extra_lines", HEADER + "G1;K1;COPIES;;-1;40;20;Geste\n")
    house.bill("2026-01-01", threshold=10)
    assert [net for _, _, _, net, _, _ in house.invoices()] == [2500 - 4000]


@pytest.mark.feature("A-DEG-03")
def test_several_costs_of_a_section_print_as_one_line(house: House) -> None:
    """Two costs 10 and 5: printed one line 15.00 with the first label; the ledger has two."""
    house.customers("C1")
    costs = [
        cost("10.00", libelle="Maintenance", compte="706100"),
        cost("5.00", libelle="Assurance", compte="706200"),
    ]
    house.contracts(contract("K1", "C1", fee("MF", "1", couts=costs), fee("Z", "5.00")))
    house.bill("2026-01-01")
    assert printed(house, 1)[0] == ("Maintenance", "1", 1500)
    assert 1500 == 100 * 15.00
    assert len(printed(house, 1)) == 2
    assert [line[4] for line in house.lines()] == [1000, 500, 500]
    credits = house.rows(
        "SELECT account, credit_cents FROM entry WHERE account LIKE '7%' ORDER BY 1"
    )
    assert credits == [("706", 500), ("706100", 1000), ("706200", 500)]

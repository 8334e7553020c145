"""The unpaid list from posted entries, with the seed's own figures, on both databases."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from billing.unpaid import Bounds, Filters, State
from formats.common.anomaly import AnomaliesFound
from integration.flows.unpaid import unpaid
from tests.integration.teletransmission.provider import CareLine, Provider

JANUARY = date(2026, 1, 15)
FEBRUARY = date(2026, 2, 10)
MARCH = date(2026, 3, 31)


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """A provider with nothing posted yet."""
    return Provider(engine).found()


@pytest.mark.feature("Q-IMP-04")
def test_an_invoice_neither_paid_by_the_fund_nor_by_the_amc(provider: Provider) -> None:
    number = provider.care(CareLine(amo="259.12", amc="172.74", patient="0.01"), on=JANUARY)
    provider.pay(number, "PATIENT", "0.01", on=JANUARY)
    (row,) = provider.unpaid(MARCH)
    assert row.total == Decimal("431.87")
    dues = (row.due_amo, row.due_amc, row.due_patient)
    assert dues == (Decimal("259.12"), Decimal("172.74"), Decimal("0.00"))
    assert row.state is State.PART_PAID


@pytest.mark.feature("Q-IMP-05")
def test_an_invoice_partly_settled(provider: Provider) -> None:
    left = Decimal("252.60") * 40 / 100
    number = provider.care(
        CareLine(amo="151.56", amc=str(left), base="252.60", rate=60),
        CareLine(amo="175.00", base="175.00", rate=100),
        on=JANUARY,
    )
    provider.pay(number, "AMO", "326.56", on=FEBRUARY)
    (row,) = provider.unpaid(MARCH)
    assert (row.total, row.due_amc) == (Decimal("427.60"), Decimal("101.04"))
    assert row.due_amo == row.due_patient == 0


@pytest.mark.feature("Q-IMP-06")
def test_a_counter_sale_has_neither_fund_nor_amc(provider: Provider) -> None:
    provider.care(CareLine(patient="12600"), on=JANUARY, amo=None, amc=None)
    (row,) = provider.unpaid(MARCH)
    assert (row.fund, row.amc) == ("", "")
    assert row.total == row.due_patient == 12_600
    assert row.due_amo == row.due_amc == 0


@pytest.mark.feature("Q-IMP-07")
def test_an_invoice_paid_twice_is_money_to_give_back(provider: Provider) -> None:
    number = provider.care(CareLine(amo="1078.88"), on=JANUARY)
    provider.pay(number, "AMO", "1000.00", on=FEBRUARY)
    provider.pay(number, "AMO", "500.00", on=FEBRUARY)
    assert Decimal("1000.00") + Decimal("500.00") == Decimal("1500.00")
    (row,) = provider.unpaid(MARCH)
    assert (row.total, row.due_amo) == (Decimal("1078.88"), Decimal("-421.12"))
    assert row.state is State.OVERPAID


@pytest.mark.feature("Q-IMP-09")
@pytest.mark.parametrize("payer", ["01422", "PERTE/PROFIT"])
def test_a_negative_line_clears_an_overpayment(provider: Provider, payer: str) -> None:
    number = provider.care(CareLine(amo="1078.88"), on=JANUARY)
    provider.pay(number, "AMO", "1500.00", on=FEBRUARY)
    provider.pay(number, "AMO", "-421.12", on=MARCH, payer=payer)
    balance = sum(row.due for row in provider.unpaid(MARCH))
    assert balance == 0
    assert provider.unpaid(MARCH) == ()
    assert len(provider.unpaid(date(2026, 3, 30))) == 1


@pytest.mark.feature("Q-IMP-02")
def test_before_the_payment_the_invoice_was_unpaid(provider: Provider) -> None:
    number = provider.care(CareLine(amo="60", amc="40"), on=JANUARY)
    provider.pay(number, "AMO", "60", on=FEBRUARY)
    provider.pay(number, "AMC", "40", on=FEBRUARY)
    assert provider.unpaid(MARCH) == ()
    assert [row.number for row in provider.unpaid(date(2026, 2, 9))] == [number]
    on_day = {"issued_from": JANUARY, "issued_to": JANUARY}
    exact = {
        "total": Bounds(Decimal(100), Decimal(100)),
        "due_amo": Bounds(Decimal(60)),
        "due_amc": Bounds(high=Decimal(40)),
        "due_patient": Bounds(Decimal(0), Decimal(0)),
    }
    found = provider.unpaid(JANUARY, number=number, amounts=exact, **on_day)
    assert [row.number for row in found] == [number]
    for other in ({"total": Bounds(Decimal(101))}, {"due_patient": Bounds(Decimal("0.01"))}):
        assert provider.unpaid(JANUARY, amounts=other) == ()


@pytest.mark.feature("Q-IMP-10")
def test_the_list_is_filtered_by_the_agency_of_the_patient(provider: Provider) -> None:
    provider.care(CareLine(amo="60"), on=JANUARY, patient_id=1)
    lille = provider.care(CareLine(amo="70"), on=JANUARY, patient_id=2)
    assert {row.agency for row in provider.unpaid(MARCH)} == {"PARIS", "LILLE"}
    assert [row.number for row in provider.unpaid(MARCH, agency="LILLE")] == [lille]


@pytest.mark.feature("Q-IMP-03")
def test_the_csv_says_who_owes_what(provider: Provider) -> None:
    number = provider.care(CareLine(amo="259.12", amc="172.74", patient="0.01"), on=JANUARY)
    provider.sale("120", on=JANUARY)
    header, row, sale = csv.reader(
        unpaid(provider, Filters(), MARCH, "csv").splitlines(), delimiter=";"
    )
    assert header == [
        "Patient ou client", "Caisse", "Mutuelle", "Facture", "Date", "Total", "Dû caisse",
        "Dû mutuelle", "Dû patient", "Dû client", "Agence", "État", "Âge (jours)",
    ]  # fmt: skip
    assert row == [
        "DUPONT MARIE", "CPAM DE LA LOIRE (01 422)", "MUTUELLE DU LAC (0123456789)", number,
        "15/01/2026", "431,87", "259,12",
        "172,74", "0,01", "0,00", "PARIS", "à encaisser", "75",
    ]  # fmt: skip
    assert (sale[0], sale[9], sale[10]) == ("GARAGE DU PONT", "120,00", "LYON")
    only = unpaid(provider, Filters(fund="01 422", amc="0123456789"), MARCH, "csv")
    assert len(only.splitlines()) == 2


def test_json_and_table_carry_totals_and_ages(provider: Provider) -> None:
    provider.care(CareLine(amo="60.00", amc="40.00"), on=JANUARY)
    provider.care(CareLine(amo="30.00"), on=FEBRUARY)
    told = json.loads(unpaid(provider, Filters(), MARCH, "json"))
    assert told["schema_version"] == 1
    assert told["totals"]["due_amo"] == "90.00"
    ages = {"0–30": "0.00", "31–60": "30.00", "61–90": "100.00", "90+": "0.00"}
    assert told["totals"]["by_age"] == ages
    table = unpaid(provider, Filters(), MARCH, "table").splitlines()
    assert len(table) == 5
    assert len({len(line) for line in table[1:3]}) == 1
    assert "2 factures au 31/03/2026" in table[-1]


def test_payments_of_unknown_invoices_and_shares_post_nothing(provider: Provider) -> None:
    number = provider.care(CareLine(amo="60"), on=JANUARY)
    for invoice, share, code in (("VT2026-000999", "AMO", "LED-101"), (number, "AMC", "LED-102")):
        with pytest.raises(AnomaliesFound) as caught:
            provider.pay(invoice, share, "60", on=FEBRUARY)
        assert [anomaly.code.id for anomaly in caught.value.anomalies] == [code]
    assert provider.unpaid(MARCH)[0].due_amo == 60

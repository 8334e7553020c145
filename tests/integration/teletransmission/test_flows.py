"""From the bytes of a return or a payments file to the ledger, as the import engine calls them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from billing.unpaid import State
from formats.common.anomaly import AnomaliesFound
from integration.translate.flow import Applied, Flow, Intake
from integration.translate.payments import FLOW as PAYMENTS
from integration.translate.returns import FLOW as RETURNS
from tests.integration.teletransmission.provider import SETTINGS, VAULT, CareLine, Provider

DAY = date(2026, 1, 15)
MARCH = date(2026, 3, 31)
EXAMPLE = (
    Path(__file__).parents[2] / "data" / "noemie" / "578" / "constructed_paid_and_rejected.noe"
)


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """A provider with nothing posted yet, on both databases."""
    return Provider(engine).found()


def imported(provider: Provider, flow: Flow, data: bytes, file: str = "fichier") -> Applied:
    """What the engine does with a file: recognise, read, apply in one transaction."""
    assert flow.detect(data, file)
    records = flow.read(data, file)
    with provider.engine.begin() as connection:
        now = datetime(2026, 1, 21, tzinfo=UTC)
        return flow.apply(Intake(connection, 1, MARCH, now, file, 7, SETTINGS, VAULT), records)


def test_the_example_of_the_norm_pays_one_invoice_and_rejects_the_other(
    provider: Provider,
) -> None:
    for _ in range(2):  # 000000042 and 000000043, as in the example
        provider.care(CareLine(amo="18.20"), on=DAY)
    applied = imported(provider, RETURNS, EXAMPLE.read_bytes())
    assert applied.counts == {
        "virements": 1,
        "lignes prises": 2,
        "lignes rejetées": 1,
        "lignes différées": 0,
        "lignes déjà connues": 0,
        "lignes en attente": 0,
    }
    (row,) = provider.unpaid(MARCH)
    assert (row.number, row.due_amo) == ("VT2026-000002", Decimal("18.20"))
    assert row.state is State.REJECTED
    again = imported(provider, RETURNS, EXAMPLE.read_bytes())
    assert again.counts["lignes déjà connues"] == 2


def test_a_wrong_total_is_reported_and_a_cut_file_refused(provider: Provider) -> None:
    provider.care(CareLine(amo="18.20"), on=DAY)
    data = EXAMPLE.read_bytes()
    wrong = data.replace(b"00100000001820P0000", b"00100000001900P0000")
    assert wrong != data
    notices = imported(provider, RETURNS, wrong).notices
    assert {notice.code.id for notice in notices} == {"FMT-211", "TEL-204"}
    with pytest.raises(AnomaliesFound) as caught:
        RETURNS.read(data[:400], "coupé")
    assert "FMT-213" in {anomaly.code.id for anomaly in caught.value.anomalies}


def test_a_damaged_return_is_read_whole_or_refused_with_its_reasons() -> None:
    chance, data = Random(1), EXAMPLE.read_bytes()
    read = refused = 0
    for _ in range(500):
        damaged = bytearray(data)
        at = chance.randrange(len(damaged))
        if chance.random() < 0.3:
            del damaged[at : at + chance.randrange(1, 200)]
        else:
            damaged[at] = chance.randrange(256)
        try:
            RETURNS.read(bytes(damaged), "abîmé")
            read += 1
        except AnomaliesFound as found:
            assert found.anomalies
            refused += 1
    assert min(read, refused) > 50


def test_payments_by_printed_or_b2_number(provider: Provider) -> None:
    provider.care(CareLine(amo="259.12", amc="172.74", patient="0.01"), on=DAY)
    provider.sale("1250", on=DAY)
    table = (
        "facture;part;payeur;date;montant;mode;libelle\n"
        "VT2026-000001;AMO;01422;20/01/2026;259,12;virement;VIR CPAM\n"
        "000000042;amc;0123456789;22/01/2026;172,74;virement;\n"
        "VT2026-000001;patient;;21/01/2026;0,01;espèces;\n"
        "VT2026-000002;client;C1;2026-01-23;1250;chèque;\n"
    )
    assert imported(provider, PAYMENTS, table.encode()).counts == {"règlements": 4}
    assert provider.unpaid(MARCH) == ()
    assert len(provider.unpaid(date(2026, 1, 21))) == 2


def test_an_overpayment_goes_to_profit_and_loss(provider: Provider) -> None:
    provider.care(CareLine(amo="1078.88"), on=DAY)
    provider.pay("000000042", "AMO", "1500.00", on=DAY)
    table = "facture,part,payeur,date,montant\n000000042,AMO,Perte/Profit,31/03/2026,-421.12\n"
    imported(provider, PAYMENTS, table.encode())
    assert provider.unpaid(MARCH) == ()


def test_unknown_invoices_are_named_with_their_line(provider: Provider) -> None:
    table = "facture;part;date;montant\nVT2026-000009;AMO;20/01/2026;1\nX;AMC;20/01/2026;1\n"
    with pytest.raises(AnomaliesFound) as caught:
        imported(provider, PAYMENTS, table.encode(), "r.csv")
    assert [(a.code.id, a.place.line, a.place.start) for a in caught.value.anomalies] == [
        ("LED-101", 2, 1),
        ("LED-101", 3, 1),
    ]


def test_amounts_never_hold_fractions_of_a_cent() -> None:
    table = "facture;part;date;montant\nVT2026-000009;AMO;20/01/2026;1,001\n"
    with pytest.raises(AnomaliesFound):
        PAYMENTS.read(table.encode(), "r.csv")


def test_both_layouts_are_documented() -> None:
    assert PAYMENTS.schema().startswith("facture;part;payeur;date;montant;mode;libelle\n")
    assert "NOEMIE" in RETURNS.schema()

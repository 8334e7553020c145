"""B2 files from posted invoices: who is in which file, and the same bytes twice."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.partners import FolderPartner
from config.teletransmission import B2Choices
from formats.b2 import B2File, check, read
from formats.common.anomaly import AnomaliesFound
from integration.database.tables import outbox, person, transmission, transmission_item
from integration.flows.teletransmission import (
    Teletransmitter,
    TransmissionReport,
    b2_bytes,
    b2_maker,
    teletransmit,
)
from integration.kept import opened
from integration.outbox import Outbox
from integration.persons import PersonalFields
from tests.integration.teletransmission.provider import (
    LOIRE,
    SENDER,
    VAULT,
    CareLine,
    Provider,
)

DAY = date(2026, 1, 15)
RHONE = LOIRE | {"fund": "691"}
CHOICES = B2Choices()


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """A provider with nothing posted yet, on both databases."""
    return Provider(engine).found()


def sent(provider: Provider, day: date = DAY) -> TransmissionReport:
    return teletransmit(Teletransmitter(provider.engine, VAULT, 1, CHOICES), day)


def files(provider: Provider) -> list[B2File]:
    with provider.engine.connect() as connection:
        ids = connection.scalars(select(transmission.c.id).order_by(transmission.c.id)).all()
        return [read(BytesIO(b2_bytes(connection, VAULT, CHOICES, id_))) for id_ in ids]


def test_a_file_says_what_was_posted(provider: Provider) -> None:
    provider.care(
        CareLine(amo="15.00", amc="10.00", base="25.00", weeks=1),
        CareLine(amo="30.00", patient="1.00", base="30.00", rate=100, weeks=2, exemption="4"),
        on=DAY,
    )
    report = sent(provider)
    assert (report.files, report.invoices, report.anomalies) == (1, 1, [])
    assert (report.gross_cents, report.part_amo_cents, report.part_amc_cents) == (5600, 4500, 1000)
    (file,) = files(provider)
    assert (file.sender, file.recipient, file.recipient_type) == (SENDER, "00000001016422", "CT")
    assert (file.file_id, file.batches[0].number, file.batches[0].organism) == ("000001", 1, "422")
    (invoice,) = file.batches[0].invoices
    assert (invoice.number, invoice.nir, invoice.nir_key) == ("000000042", "1800175056001", "03")
    assert (invoice.birth_date, invoice.amc, invoice.rights_proof) == ("800112", "0123456789", "6")
    first, second = invoice.lines
    assert (first.act, first.amo_cents, first.amc_cents, first.base_cents) == (
        "MAD",
        1500,
        1000,
        2500,
    )
    assert (first.prescriber, first.details[0].code) == ("421234563", "1283879")
    assert first.details[0].last_day == date(2025, 12, 7)
    assert (second.quantity, second.unit_price_cents, second.total_cents) == (2, 1550, 3100)
    assert (invoice.exemption, first.exemption, second.exemption) == ("0", "", "4")


def test_one_file_a_recipient_and_lots_go_on_by_recipient(provider: Provider) -> None:
    bed = CareLine(amo="15.00", base="25.00", patient="10.00")
    for amo in (LOIRE, RHONE, LOIRE):
        provider.care(bed, on=DAY, amo=amo)
    assert sent(provider).files == 2
    provider.care(bed, on=DAY)
    assert sent(provider).files == 1
    assert sent(provider).files == 0
    assert [
        (f.file_id, f.batches[0].organism, f.batches[0].number, len(f.batches[0].invoices))
        for f in files(provider)
    ] == [("000001", "422", 1, 2), ("000002", "691", 1, 1), ("000003", "422", 2, 1)]


def test_only_what_a_fund_owes_and_that_is_over_leaves(provider: Provider) -> None:
    bed = CareLine(amo="15.00", base="25.00", patient="10.00")
    paid = provider.care(bed, on=DAY)
    provider.pay(paid, "AMO", "15.00", on=DAY)
    provider.care(CareLine(patient="12600"), on=DAY, amo=None, amc=None)
    provider.care(
        CareLine(amo="15.00", base="25.00", patient="10.00", on=date(2026, 1, 12)), on=DAY
    )
    report = sent(provider)
    assert (report.files, report.waiting) == (0, 1)
    assert sent(provider, date(2026, 1, 19)).invoices == 1


def test_a_file_stays_under_a_thousand_records(provider: Provider) -> None:
    bed = CareLine(amo="0.60", amc="0.40", base="1.00")
    for _ in range(13):
        provider.care(*([bed] * 25), on=DAY)
    assert sent(provider).files == 2
    for transmission_id in (1, 2):
        with provider.engine.connect() as connection:
            content = b2_bytes(connection, VAULT, CHOICES, transmission_id)
        report = check(BytesIO(content))
        assert report.sound
        assert report.records < 1000


def test_an_invoice_that_breaks_a_rule_is_left_out_and_named(provider: Provider) -> None:
    good = CareLine(amo="15.00", base="25.00", patient="10.00")
    provider.care(good, on=DAY)
    provider.care(CareLine(amo="15.00", base="99.00", patient="10.00"), on=DAY)  # 60 % of 99 ≠ 15
    provider.care(good, on=DAY, amo=LOIRE | {"scheme": "02"})  # no computing centre known
    report = sent(provider)
    assert report.invoices == 1
    assert [(a.code.id, a.place.pointer) for a in report.anomalies] == [
        ("TEL-110", ""),
        ("FMT-111", "facture B2 000000043"),
    ]


def test_the_outbox_delivers_the_bytes_that_were_numbered(
    provider: Provider, tmp_path: Path
) -> None:
    provider.care(CareLine(amo="15.00", amc="10.00", base="25.00"), on=DAY)
    sent(provider)
    with ThreadPoolExecutor(1) as executor:
        partners = {"folder": FolderPartner(name="folder", folder=Path("outbox"))}
        makers = {"b2": b2_maker(VAULT, CHOICES)}
        box = Outbox(provider.engine, 1, tmp_path, partners, makers, executor, VAULT)
        assert box.send() == {"b2": 1}
    (path,) = (tmp_path / "outbox").iterdir()
    assert path.name == "000001-00000001016422-001.b2.enc"
    content = b"".join(opened(VAULT, path))
    with provider.engine.connect() as connection:
        row = connection.execute(select(outbox)).one()
        digest = connection.scalar(select(transmission.c.digest))
        assert connection.scalar(select(transmission_item.c.document_id)) == 1
    assert (row.key, row.state) == ("b2:1:000001", "sent")
    assert row.sha256 is None  # of NIRs no plain digest is written down
    with provider.engine.begin() as connection:
        assert VAULT.digest(connection, hashlib.sha256(content).digest()) == digest
    assert digest != hashlib.sha256(content).hexdigest()


def test_a_changed_identity_stops_the_delivery(provider: Provider) -> None:
    provider.care(CareLine(amo="15.00", amc="10.00", base="25.00"), on=DAY)
    sent(provider)
    other = PersonalFields("2690549588157", "80", "DURAND", "ANNE", "19690512")
    with provider.engine.begin() as connection:
        connection.execute(
            person.update().where(person.c.id == 1).values(sealed=VAULT.seal(1, other))
        )
    with provider.engine.connect() as connection, pytest.raises(AnomaliesFound, match="TEL-111"):
        b2_bytes(connection, VAULT, CHOICES, 1)


@pytest.mark.feature("Q-IMP-01")
def test_what_was_sent_rejected_or_awaits_the_patient_is_unpaid(provider: Provider) -> None:
    tonight = provider.care(CareLine(amo="15.00", base="25.00", amc="10.00"), on=DAY)
    sent(provider)
    patient = provider.care(CareLine(patient="5.00"), on=DAY, amo=None, amc=None)
    assert {row.number: row.state.value for row in provider.unpaid(DAY)} == {
        tonight: "télétransmise",
        patient: "à encaisser",
    }

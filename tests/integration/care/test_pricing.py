"""From imported files to posted invoices: homecare.md, "Split, to the cent", and once only."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from integration.database import tables
from integration.posting import Plan, Posting, post
from tests.integration.care.practice import (
    ORGANISATION,
    Practice,
    amc,
    amo,
    bed,
    delivery,
    patient,
    prescription,
)

SHARES = ("gross_cents", "part_amo_cents", "part_amc_cents", "part_patient_cents")
FOUR_WEEKS = "2025-03-31"


@pytest.fixture
def practice(engine: Engine) -> Practice:
    """A provider with the embedded nomenclature, and nobody in it yet."""
    return Practice(engine).found()


def shares(practice: Practice) -> list[tuple[Any, ...]]:
    """Total and shares of every invoice, in cents."""
    return practice.rows(tables.document, *SHARES)


def arrange(practice: Practice, **changes: Any) -> None:
    """The bed and its delivery at a patient's."""
    practice.patients(patient(**changes))
    practice.prescriptions(prescription())


@pytest.mark.parametrize(
    ("covers", "expected"),
    [
        ({}, (28040, 16824, 11216, 0)),
        ({"amc": []}, (28040, 16824, 0, 11216)),
        ({"amo": [amo(situations=["ald"])]}, (28040, 28040, 0, 0)),
        ({"amo": [amo(exoneration="LIS")]}, (28040, 28040, 0, 0)),
        ({"amo": [amo(situations=["alsace-moselle"])]}, (28040, 25236, 2804, 0)),
    ],
    ids=["golden 1", "golden 4", "golden 2", "golden 2 by code", "golden 3"],
)
def test_golden_bed_and_delivery(
    practice: Practice, covers: dict[str, Any], expected: tuple[int, ...]
) -> None:
    arrange(practice, **covers)
    practice.price(FOUR_WEEKS)
    assert shares(practice) == [expected]


def test_priced_twice_nothing_is_billed_twice(practice: Practice) -> None:
    arrange(practice)
    assert practice.price(FOUR_WEEKS).invoices == 1
    assert practice.price(FOUR_WEEKS).invoices == 0
    assert practice.price("2025-04-06").invoices == 0


def test_weeks_go_on_where_they_stopped(practice: Practice) -> None:
    arrange(practice)
    practice.price(FOUR_WEEKS)
    practice.price("2025-04-14")
    parts = practice.rows(tables.billed_part, "part", "unit", "revision")
    assert parts == [("rental", unit, 0) for unit in range(1, 7)] + [("delivery", 1, 0)]
    assert shares(practice)[1] == (2520, 1512, 1008, 0)


def test_the_invoice_as_posted(practice: Practice) -> None:
    arrange(practice)
    practice.price(FOUR_WEEKS)
    columns = ("lpp", "nature", "type", *SHARES, "tariff_cents", "base_cents", "rate_pct")
    assert practice.rows(tables.care_line, *columns) == [
        ("1241763", "MAD", "L", 5040, 3024, 2016, 0, 1260, 5040, 60),
        ("1274047", "MAD", "V", 23000, 13800, 9200, 0, 23000, 23000, 60),
    ]
    lines = practice.rows(
        tables.document_line, "quantity_e6", "unit_price_e8", "net_cents", "vat_ppm"
    )
    assert lines == [
        (4_000_000, 1_260_000_000, 4200, 200_000),
        (1_000_000, 23_000_000_000, 19167, 200_000),
    ]
    entries = practice.rows(tables.entry, "auxiliary", "debit_cents", "credit_cents", "share")
    assert entries == [
        ("01422", 16824, 0, "AMO"),
        ("75000000", 11216, 0, "AMC"),
        ("", 0, 23367, None),
        ("", 0, 4673, None),
    ]
    assert practice.rows(tables.document, "kind", "journal", "b2_number") == [("care", "VT", 1)]


def credit(practice: Practice) -> None:
    """Credit the first invoice with the mirror of its entries."""
    [entries] = [practice.rows(tables.entry, "account", "debit_cents", "credit_cents")]
    mirror = [(account, "", c, d, None, None) for account, d, c in entries]
    posting = Posting("AV", "credit", date(2025, 4, 1), credits_id=1, entries=mirror)
    with practice.engine.begin() as connection:
        post(connection, ORGANISATION, Plan([posting]))


def test_what_was_credited_is_billed_again_as_the_next_revision(practice: Practice) -> None:
    arrange(practice)
    practice.price(FOUR_WEEKS)
    credit(practice)
    practice.price("2025-04-07")
    parts = practice.rows(tables.billed_part, "part", "unit", "revision")
    assert [(unit, revision) for part, unit, revision in parts if part == "rental"] == [
        *((unit, revision) for unit in range(1, 5) for revision in (0, 1)),
        (5, 0),
    ]
    assert practice.price("2025-04-07").invoices == 0


def test_a_patient_whose_data_is_bad_stops_nobody_else(practice: Practice) -> None:
    practice.patients(patient(), patient("P2"))
    practice.prescriptions(prescription(), prescription(code="ORD-2", patient="P2"))
    with practice.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE cover_amo SET nature = '99' WHERE patient_id = 1")
    report = practice.price(FOUR_WEEKS)
    assert (report.invoices, report.patients) == (1, 1)
    assert report.failed == [(1, "ValueError")]


def test_the_snapshot_says_who_pays_and_names_nobody(practice: Practice) -> None:
    arrange(practice)
    practice.price(FOUR_WEEKS)
    [(text, committed)] = practice.rows(tables.document, "snapshot", "person_commitment")
    story = json.loads(text)
    assert story["fund"] == "CPAM de la Loire (01 422)"
    assert story["organism"] == "MUTUELLE (75000000)"
    assert story["patient"] == "P1"
    assert "Zéphirin" not in text
    assert len(committed) == 64


def test_b2_numbers_follow_each_other_over_patients(practice: Practice) -> None:
    practice.patients(patient(), patient("P2"))
    practice.prescriptions(prescription(), prescription(code="ORD-2", patient="P2"))
    practice.price(FOUR_WEEKS)
    assert [n for (n,) in practice.rows(tables.document, "b2_number")] == [1, 2]


def test_a_renewal_carries_the_same_weeks_on(practice: Practice) -> None:
    practice.patients(patient())
    practice.prescriptions(prescription(bed(), duree_mois=1))
    assert practice.price("2025-04-14").lines == 1
    weeks = [unit for (unit,) in practice.rows(tables.billed_part, "unit")]
    assert weeks == [1, 2, 3, 4, 5]  # week 5 begins on 31 March, the last day prescribed
    renewal = prescription(bed(), code="ORD-2", date="2025-04-01", duree_mois=1)
    practice.prescriptions(renewal)
    practice.price("2025-04-14")
    assert [unit for (unit,) in practice.rows(tables.billed_part, "unit")] == [1, 2, 3, 4, 5, 6]


def test_one_week_is_not_billed_by_two_files(practice: Practice) -> None:
    practice.patients(patient())
    practice.prescriptions(prescription(bed()))
    practice.price(FOUR_WEEKS)
    practice.prescriptions(prescription(bed(code="LIT-BIS"), code="ORD-2"))
    report = practice.price(FOUR_WEEKS)
    assert (report.invoices, [a.code.id for a in report.anomalies]) == (0, ["CAR-054"])


def test_of_two_deliveries_billed_in_two_runs_one_is_due(practice: Practice) -> None:
    practice.patients(patient())
    practice.prescriptions(prescription(delivery()))
    practice.price(FOUR_WEEKS)
    practice.prescriptions(prescription(delivery(code="LIV-2"), code="ORD-2"))
    assert practice.price(FOUR_WEEKS).invoices == 0


def test_what_is_not_billed_is_said_with_the_patient_code(practice: Practice) -> None:
    practice.patients(patient(amo=[], amc=[amc()]))
    practice.prescriptions(
        prescription(bed(), bed(code="PPC", lpp="1100040", prix=21), bed(code="X", lpp="1234562"))
    )
    report = practice.price(FOUR_WEEKS)
    assert sorted(anomaly.code.id for anomaly in report.anomalies) == [
        "CAR-010",
        "CAR-060",
        "CAR-062",
    ]
    assert {anomaly.place.pointer for anomaly in report.anomalies} == {"/patients/P1"}
    assert report.invoices == 0


def test_a_week_takes_the_tariff_of_its_first_day(practice: Practice) -> None:
    practice.patients(patient(amo=[amo(debut="2018-01-01")], amc=[]))
    before = bed(debut="2019-06-20", prix=12.60)
    practice.prescriptions(prescription(before, date="2019-06-20"))
    practice.price("2019-07-11")
    tariffs = practice.rows(tables.care_line, "tariff_cents", "gross_cents", "base_cents")
    assert tariffs == [(1320, 2520, 2520), (1260, 1260, 1260)]

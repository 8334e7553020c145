"""Prescriptions in: the care rules speak in the words and at the places of the file."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from formats.common.anomaly import AnomaliesFound
from integration.database import tables
from integration.translate import flow, prescriptions
from tests.integration.care.practice import (
    Practice,
    bed,
    delivery,
    encoded,
    patient,
    prescription,
)


@pytest.fixture
def practice(engine: Engine) -> Practice:
    """A provider with the embedded nomenclature and one patient."""
    practice = Practice(engine).found()
    practice.patients(patient())
    return practice


def test_prescription_and_lines_are_kept_half_open(practice: Practice) -> None:
    applied = practice.prescriptions(
        prescription(bed(fin="2025-06-30"), delivery(tva="5,5"), duree_mois=6)
    )
    assert applied.counts == {
        "ordonnances créées": 1,
        "ordonnances mises à jour": 0,
        "lignes créées": 2,
        "lignes mises à jour": 0,
    }
    [order] = practice.rows(tables.prescription, "dated_on", "until", "agreement")
    assert [str(x) for x in order] == ["2025-03-01", "2025-09-01", "none"]
    columns = ("code", "kind", "price_cents", "vat_ppm", "until")
    items = practice.rows(tables.care_item, *columns)
    assert [(*row[:4], str(row[4])) for row in items] == [
        ("LIT", "rental", 1260, 200_000, "2025-07-01"),
        ("LIV", "delivery", 23000, 55_000, "None"),
    ]


def test_imported_again_it_is_updated(practice: Practice) -> None:
    practice.prescriptions(prescription())
    applied = practice.prescriptions(prescription(bed(prix=12), delivery()))
    assert applied.counts["lignes mises à jour"] == 2
    assert practice.rows(tables.care_item, "price_cents") == [(1200,), (23000,)]


def refusals(document: dict[str, Any], practice: Practice | None = None) -> list[str]:
    """The anomalies of one document, as text."""
    with pytest.raises(AnomaliesFound) as found:
        if practice:
            practice.prescriptions(document)
        else:
            prescriptions.FLOW.read(encoded([document]), "ord.json")
    return [str(anomaly) for anomaly in found.value.anomalies]


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        (prescription(duree_mois=13), "CAR-020", "/duree_mois"),
        (prescription(duree_mois=None, fin="2026-03-01"), "CAR-020", "/duree_mois"),
        (prescription(duree_mois=None), "IMP-425", "/duree_mois"),
        (prescription(accord={"etat": "demandé"}), "CAR-024", "/accord"),
        (prescription(bed(lpp="1241764")), "IMP-112", "/lignes/0/lpp"),
        (prescription(bed(fin="2025-01-01")), "CAR-023", "/lignes/0"),
        (prescription(bed(), bed()), "IMP-423", "/lignes/0/code"),
        (prescription(prescripteur={"rpps": "10000000000"}), "IMP-112", "/prescripteur/rpps"),
    ],
)
def test_what_the_file_alone_shows(document: dict[str, Any], code: str, place: str) -> None:
    told = refusals(document)[0]
    assert told.startswith(f"{code} ord.json, ligne 1, colonne ")
    assert f"{place} : " in told


def test_the_refused_duration_names_the_prescription() -> None:
    assert refusals(prescription(duree_mois=13)) == [
        "CAR-020 ord.json, ligne 1, colonne 163, /duree_mois : L'ordonnance ORD-1 du 01/03/2025"
        " dure plus de 12 mois, renouvellements compris. Ramenez la durée à 12 mois et demandez"
        " une nouvelle ordonnance (CSS R.165-36)."
    ]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (prescription(patient="P9"), "IMP-421"),
        (prescription(bed(debut="2025-02-28")), "CAR-021"),
        (prescription(bed(debut="2026-03-01")), "CAR-022"),
    ],
)
def test_what_the_database_shows(practice: Practice, document: dict[str, Any], code: str) -> None:
    [told] = refusals(document, practice)
    assert told.startswith(code)


def test_a_renewed_line_may_begin_before_its_renewal(practice: Practice) -> None:
    practice.prescriptions(prescription(bed(), duree_mois=1))
    practice.prescriptions(prescription(bed(), code="ORD-2", date="2025-04-01"))
    assert len(practice.rows(tables.care_item, "id")) == 2


def test_a_prescription_does_not_change_patient(practice: Practice) -> None:
    practice.patients(patient("P2"))
    practice.prescriptions(prescription())
    [told] = refusals(prescription(patient="P2"), practice)
    assert told.startswith("IMP-424")


def test_a_billed_line_keeps_its_start(practice: Practice) -> None:
    practice.prescriptions(prescription(bed()))
    practice.price("2025-03-31")
    [told] = refusals(prescription(bed(debut="2025-03-04")), practice)
    assert told.startswith("IMP-422")
    practice.prescriptions(prescription(bed(fin="2025-03-31")))


def test_a_code_we_do_not_know_is_said(practice: Practice) -> None:
    applied = practice.prescriptions(prescription(bed(lpp="1234562")))
    assert [notice.code.id for notice in applied.notices] == ["CAR-062"]


def test_the_file_is_recognised() -> None:
    assert flow.detect(encoded([prescription()]), "inconnu.json").name == "prescriptions"

"""Patients in: what is kept, what is found again, what is refused, and what is never written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, make_url

from formats.common.anomaly import AnomaliesFound
from formats.common.identifiers import nir
from integration.database import tables
from integration.translate import flow, patients
from tests.integration.care.practice import (
    ADELE_NIR,
    VAULT,
    Practice,
    amc,
    amo,
    encoded,
    patient,
    person,
)

CHILD = {"nom_famille": "Zéphirin-Quasar", "prenom": "Barnabé-Test", "naissance": "20150412"}


@pytest.fixture
def practice(engine: Engine) -> Practice:
    """A provider with the embedded nomenclature, and nobody in it yet."""
    return Practice(engine).found()


def test_patient_person_and_covers_are_kept(practice: Practice) -> None:
    document = patient(amo=[amo(fin="2025-12-31", situations=["ald", "alsace-moselle"])])
    applied = practice.patients(document)
    assert applied.counts == {
        "patients créés": 1,
        "patients mis à jour": 0,
        "personnes créées": 1,
        "couvertures": 2,
    }
    [(person_id, insured_id)] = practice.rows(tables.patient, "person_id", "insured_person_id")
    assert person_id == insured_id
    with practice.engine.connect() as connection:
        held = VAULT.load(connection, [person_id])[person_id]
    assert (held.nir, held.nir_key) == (ADELE_NIR, nir.key(ADELE_NIR))
    assert (held.birth_date, held.address[1]) == ("19600031", "75005 PARIS")
    [cover] = practice.rows(tables.cover_amo, "scheme", "until", "situation", "proof")
    assert (cover[0], str(cover[1]), *cover[2:]) == (
        "01",
        "2026-01-01",
        "ald local_scheme",
        "carte",
    )


def test_imported_again_nothing_is_doubled(practice: Practice) -> None:
    practice.patients(patient())
    applied = practice.patients(patient(agence="LYON"))
    assert applied.counts["personnes créées"] == 0
    assert practice.rows(tables.patient, "agency") == [("LYON",)]
    assert len(practice.rows(tables.person, "id")) == 1
    assert len(practice.rows(tables.cover_amo, "id")) == 1


@pytest.mark.feature("Q-DOS-01")
def test_a_child_is_insured_by_a_parent_found_by_nir(practice: Practice) -> None:
    practice.patients(patient())
    practice.patients(patient("P2", personne=CHILD, assure=person(), qualite="3"))
    pairs = practice.rows(tables.patient, "person_id", "insured_person_id")
    assert pairs[1][1] == pairs[0][0]
    assert pairs[1][0] != pairs[0][0]


def test_a_child_without_nir_is_found_again_by_the_patient(practice: Practice) -> None:
    child = patient("P2", personne=CHILD, assure=person())
    practice.patients(child)
    practice.patients(child)
    assert len(practice.rows(tables.person, "id")) == 2


def test_a_moved_person_keeps_its_row(practice: Practice) -> None:
    practice.patients(patient())
    practice.patients(patient(personne=person(adresse=["Ailleurs"])))
    with practice.engine.connect() as connection:
        [(id_,)] = practice.rows(tables.person, "id")
        assert VAULT.load(connection, [id_])[id_].address == ("Ailleurs",)


def test_one_nir_is_one_birth_date(practice: Practice) -> None:
    practice.patients(patient())
    with pytest.raises(AnomaliesFound) as found:
        practice.patients(patient("P2", personne=person(naissance="20150412")))
    assert [a.code.id for a in found.value.anomalies] == ["IMP-412"]


def refused(document: dict[str, Any]) -> list[str]:
    """The anomalies of one document, as text."""
    with pytest.raises(AnomaliesFound) as found:
        patients.FLOW.read(encoded([document]), "patients.json")
    return [str(anomaly) for anomaly in found.value.anomalies]


def test_a_wrong_nir_key_is_placed_and_masked() -> None:
    [told] = refused(patient(personne=person(cle="01")))
    assert told.startswith("FMT-022 patients.json, ligne 1, colonne ")
    assert "/personne/nir" in told
    assert "« *** »" in told
    assert ADELE_NIR not in told


def test_an_unreadable_identity_is_masked() -> None:
    [told] = refused(patient(personne=person(naissance="31 mai 1960")))
    assert "/personne/naissance" in told
    assert "mai" not in told


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"amo": [amo(), amo(debut="2025-01-01")]}, "CAR-011", "/amo/1"),
        ({"amc": [amc(), amc(debut="2025-01-01")]}, "CAR-012", "/amc/1"),
        ({"amo": [amo(fin="2023-01-01")]}, "IMP-411", "/amo/0/fin"),
        ({"personne": CHILD}, "IMP-101", "/personne/nir"),
        ({"amo": [amo(regime="1")]}, "IMP-103", "/amo/0/regime"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], code: str, pointer: str) -> None:
    [told] = refused(patient(**changes))
    assert told.startswith(code)
    assert f"{pointer} : " in told


def test_covers_that_follow_each_other_are_accepted() -> None:
    following = [amo(fin="2024-12-31"), amo(debut="2025-01-01"), amo(nature="maternité")]
    assert len(patients.FLOW.read(encoded([patient(amo=following)]), "p.json")) == 1


def test_a_patient_twice_in_a_file_is_refused() -> None:
    with pytest.raises(AnomaliesFound) as found:
        patients.FLOW.read(encoded([patient(), patient()]), "p.json")
    assert {a.code.id for a in found.value.anomalies} == {"IMP-413"}


def test_the_file_is_recognised() -> None:
    assert flow.detect(encoded([patient()]), "inconnu.json").name == "patients"


def _bytes_kept(engine: Engine) -> Iterator[bytes]:
    path = Path(str(make_url(str(engine.url)).database))
    for name in (path, path.with_name(path.name + "-wal")):
        if name.exists():
            yield name.read_bytes()


def test_no_clear_identity_reaches_the_disk(sqlite_url: str) -> None:
    from integration.database.engine import make_engine

    engine = make_engine(sqlite_url)
    practice = Practice(engine).found()
    practice.patients(patient(), patient("P2", personne=CHILD, assure=person()))
    kept = b"".join(_bytes_kept(engine))
    for words in (ADELE_NIR, "Zéphirin", "Adélaïde", "Barnabé-Test", "Chat-qui-Essaie"):
        assert words.encode() not in kept
    assert b"75000000" in kept  # the search does find what is in clear
    with closing(sqlite3.connect(str(engine.url.database))) as raw:
        raw.execute("pragma wal_checkpoint(truncate)")
    kept = b"".join(_bytes_kept(engine))
    assert ADELE_NIR.encode() not in kept
    assert b"75000000" in kept
    engine.dispose()

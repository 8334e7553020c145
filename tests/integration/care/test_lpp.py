"""The nomenclature in: the embedded subset, the official pair, CSV, and what changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from config.nomenclatures import fund_label, lpp_csv
from formats.common.anomaly import AnomaliesFound
from formats.lpp import LppCode, LppTariff, Nomenclature, write
from integration.database import tables
from integration.translate import flow, lpp
from integration.translate.flow import Applied
from tests.integration.care.practice import Practice, bed, patient, prescription

BED = LppCode(code="1241763", label="LIT MEDICAL", type="L", age_max=None, end_date=None)
BED_TARIFF = LppTariff(
    code="1241763",
    since=date(2019, 7, 1),
    until=None,
    tariff_cents=1260,
    price_limit_cents=1260,
    nature="MAD",
    prior_agreement=False,
)
HEADER = lpp_csv().split(b"\n", 1)[0] + b"\n"


@pytest.fixture
def practice(engine: Engine) -> Practice:
    """A provider with the embedded nomenclature."""
    return Practice(engine).found()


def load(practice: Practice, data: bytes, file: str) -> Applied:
    """Import a file of the nomenclature."""
    records = lpp.FLOW.read(data, file)
    with practice.engine.begin() as connection:
        return lpp.store(connection, records, date(2025, 6, 1))


def pair(codes: list[LppCode], tariffs: list[LppTariff]) -> tuple[bytes, bytes]:
    """The official tables."""
    return write(
        Nomenclature(codes=tuple(codes), tariffs=tuple(tariffs), anomalies=()), date(2025, 6, 1)
    )


def test_the_embedded_subset_is_there_with_its_engines(practice: Practice) -> None:
    engines = dict(practice.rows(tables.lpp_code, "code", "engine"))
    assert len(engines) == 247
    assert engines["1241763"] == "rental"
    assert engines["1274047"] == "delivery"
    assert engines["1225646"] == "degressive"
    assert engines["1100040"] == "ppc"
    assert len(practice.rows(tables.lpp_tariff, "code")) == 162


def test_loading_it_again_changes_nothing(practice: Practice) -> None:
    counts = lpp.load_embedded(practice.engine.connect().execution_options())
    assert counts["codes inchangés"] == 247
    assert counts["tarifs inchangés"] == 162
    assert sum(counts.values()) == 247 + 162


def test_the_official_pair_replaces_the_history_of_its_codes(practice: Practice) -> None:
    lowered = replace(BED_TARIFF, since=date(2026, 1, 1), tariff_cents=1200)
    closed = replace(BED_TARIFF, until=date(2026, 1, 1))
    fiche, histo = pair([BED], [closed, lowered])
    load(practice, fiche, "lpp_fiche_tot899.dbf")
    counts = load(practice, histo, "lpp_histo_tot899.dbf").counts
    assert counts["tarifs créés"] == 1
    assert counts["tarifs modifiés"] == 1
    assert counts["tarifs retirés"] == 2
    rows = practice.rows(tables.lpp_tariff, "code", "since", "until", "tariff_cents")
    assert [(str(row[1]), str(row[2]), row[3]) for row in rows if row[0] == "1241763"] == [
        ("2019-07-01", "2026-01-01", 1260),
        ("2026-01-01", "None", 1200),
    ]
    engines = dict(practice.rows(tables.lpp_code, "code", "engine"))
    assert engines["1241763"] == "rental"


@pytest.mark.feature("X-LPP-01")
def test_running_files_of_an_ended_code_are_named(practice: Practice) -> None:
    practice.patients(patient())
    practice.prescriptions(prescription(bed()))
    fiche, _ = pair([replace(BED, end_date=date(2026, 3, 31))], [])
    told = [str(notice) for notice in load(practice, fiche, "lpp_fiche_tot.dbf").notices]
    assert told == [
        "IMP-403 Le code 1241763 n'est plus facturable après le 31/03/2026 ; ordonnances en cours"
        " qui l'utilisent : ORD-1. Revoyez ces ordonnances avant la prochaine facturation."
    ]


def test_a_lowered_tariff_and_a_code_that_is_gone_are_named(practice: Practice) -> None:
    practice.patients(patient())
    practice.prescriptions(prescription())
    fiche, histo = pair([BED], [replace(BED_TARIFF, tariff_cents=1100)])
    gone = load(practice, fiche, "f.dbf").notices
    assert [(n.code.id, n.values["code"]) for n in gone] == [("IMP-403", "1274047")]
    [lowered] = load(practice, histo, "h.dbf").notices
    assert "voit son tarif baisser au 01/07/2019" in str(lowered)


def test_a_history_without_its_codes_is_refused(practice: Practice) -> None:
    unknown = replace(BED_TARIFF, code="1234562")
    _, histo = pair([], [unknown])
    with pytest.raises(AnomaliesFound) as found:
        load(practice, histo, "h.dbf")
    assert str(found.value.anomalies[0]).startswith("IMP-401 1 tarif")
    _, histo = pair([], [unknown, BED_TARIFF])
    assert [n.code.id for n in load(practice, histo, "h.dbf").notices] == ["IMP-401"]


def csv(*cells: Any) -> bytes:
    """One row of our layout."""
    return HEADER + ";".join(map(str, cells)).encode() + b"\n"


BED_CELLS = ("1241763", "LIT", "L", "MAD", "LIT", "SEMAINE", "", "", "", "")


def test_csv_adds_to_a_history_and_ends_are_included(practice: Practice) -> None:
    row = csv(*BED_CELLS, "01/01/2027", "31/12/2027", "11,50", "", "N", "arrêté")
    assert load(practice, row, "lpp.csv").counts["tarifs créés"] == 1
    [until] = [
        str(row[1])
        for row in practice.rows(tables.lpp_tariff, "since", "until", "code")
        if str(row[0]) == "2027-01-01"
    ]
    assert until == "2028-01-01"


def test_an_undated_tariff_is_never_kept(practice: Practice) -> None:
    before = practice.rows(tables.lpp_tariff, "code", "since")
    applied = load(practice, csv(*BED_CELLS, "", "", "11,50", "", "N", ""), "lpp.csv")
    assert str(applied.notices[0]).startswith("IMP-402 lpp.csv, ligne 2, colonne 13 : ")
    assert practice.rows(tables.lpp_tariff, "code", "since") == before


def test_a_wrong_key_is_refused_with_its_place() -> None:
    with pytest.raises(AnomaliesFound) as found:
        lpp.FLOW.read(csv("1241764", *BED_CELLS[1:], *[""] * 6), "lpp.csv")
    assert str(found.value.anomalies[0]).startswith("IMP-112 lpp.csv, ligne 2, colonne 1 : ")


@pytest.mark.parametrize("rank", [0, 1])
def test_official_files_and_ours_are_recognised(rank: int) -> None:
    assert flow.detect(pair([BED], [BED_TARIFF])[rank], "x.dbf").name == "lpp"
    assert flow.detect(lpp_csv(), "x.csv").name == "lpp"


def test_funds_have_names_and_unknown_ones_none() -> None:
    assert fund_label("01", "751") == "CPAM Paris"
    assert fund_label("01", "998") == ""

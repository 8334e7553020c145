"""Calculated meters from their file to what is stored; what the configuration gives back."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from sqlalchemy import select

from config.settings import from_mapping
from formats.common.anomaly import AnomaliesFound
from integration.database import tables as t
from integration.inbox import Office, Outcome
from tests.integration.imports.samples import CUSTOMERS, bring_in, rows, sentences

HEADER = "bien;client;compteur;calcule;formule;arrondi\n"
MILLE = HEADER + "B1;C1;NB;;;\nB1;C1;MILLE;oui;NB ÷ 1000;superieur\n"


@pytest.fixture
def shop(office: Office) -> Office:
    """An office with customers."""
    bring_in(office, "customers", CUSTOMERS)
    return office


def predefining(office: Office, formula: str, rounding: str = "standard") -> Office:
    """The same office with a predefined meter MILLE."""
    raw = {
        "organisation": {"code": "DEMO", "name": "Démo"},
        "folders": {"home": "home"},
        "meters": {"MILLE": {"formula": formula, "rounding": rounding}},
    }
    settings = from_mapping(raw, base=office.settings.folders.home.parent)
    return dataclasses.replace(office, settings=settings)


def stored(office: Office) -> list[tuple[str, bool, str, str]]:
    m = t.meter.c
    with office.engine.begin() as connection:
        found = connection.execute(select(m.code, m.calculated, m.formula, m.rounding))
        return [(code, bool(flag), *rest) for code, flag, *rest in sorted(found)]


def test_formula_and_rounding_are_stored_in_one_spelling(shop: Office) -> None:
    assert bring_in(shop, "assets", MILLE).outcome is Outcome.IMPORTED
    assert stored(shop) == [
        ("MILLE", True, "NB / 1000", "up"), ("NB", False, "", "standard"),
    ]  # fmt: skip
    again = bring_in(shop, "assets", MILLE + "B1;C1;CO;;;\n")
    assert again.counts["compteurs modifiés"] == 0


def test_a_bad_formula_is_told_with_line_column_and_character(shop: Office) -> None:
    one = bring_in(shop, "assets", MILLE.replace("NB ÷ 1000", "NB ÷ (1000"), "b.csv")
    (anomaly,) = one.anomalies
    assert (anomaly.place.line, anomaly.place.start) == (3, 5)
    assert "« ) » est attendue, au caractère 11" in anomaly.sentence
    constant = bring_in(shop, "assets", MILLE.replace("NB ÷ 1000", "12"), "c.csv")
    assert "la formule ne nomme aucune grandeur" in sentences(constant)[0]


@pytest.mark.feature("A-NCU-13")
def test_a_calculated_meter_without_formula_is_refused_naming_meter_and_asset(
    shop: Office,
) -> None:
    one = bring_in(shop, "assets", "bien;client;compteur;calcule\nB1;C1;MILLE;oui\n")
    assert [anomaly.sentence for anomaly in one.anomalies] == [
        "La grandeur calculée « MILLE » du bien « B1 » n'a pas de formule."
    ]
    assert rows(shop, t.meter) == 0


@pytest.mark.feature("A-NCU-13")
def test_a_missing_or_changed_formula_is_told_and_taken_from_the_configuration(
    shop: Office,
) -> None:
    office = predefining(shop, "NB/1000", "down")
    missing = bring_in(office, "assets", "bien;client;compteur\nB1;C1;NB\nB1;C1;MILLE\n")
    assert [str(one.code.id) for one in missing.notices] == ["IMP-153"]
    assert missing.notices[0].sentence == (
        "La grandeur calculée « MILLE » du bien « B1 » n'avait pas de formule ; celle de la"
        " configuration est reprise : NB / 1000."
    )
    assert stored(office)[0] == ("MILLE", True, "NB / 1000", "down")
    changed = bring_in(office, "assets", MILLE)
    assert [one.code.id for one in changed.notices] == ["IMP-154"]
    assert stored(office)[0] == ("MILLE", True, "NB / 1000", "down")
    renewed = predefining(shop, "NB / 100")  # the configuration has changed since
    later = bring_in(renewed, "assets", "bien;client;compteur\nB1;C1;MILLE\n", "later.csv")
    assert [one.code.id for one in later.notices] == ["IMP-154"]
    assert stored(office)[0] == ("MILLE", True, "NB / 100", "standard")
    same = bring_in(renewed, "assets", "bien;client;serie;compteur\nB1;C1;S1;MILLE\n")
    assert same.notices == ()


def test_a_bad_predefined_formula_stops_the_configuration(shop: Office) -> None:
    with pytest.raises(AnomaliesFound) as found:
        predefining(shop, "NB /")
    assert "meters.MILLE.formula" in str(found.value.anomalies[0])


def test_an_operand_may_come_in_a_later_file_but_not_a_cycle(shop: Office) -> None:
    bring_in(shop, "assets", "bien;client;compteur;formule\nB1;C1;NB;\nB1;C1;A;NB / 2\n")
    one = bring_in(shop, "assets", "bien;client;compteur;formule\nB1;C1;NB;A * 2\n", "b.csv")
    assert [anomaly.code.id for anomaly in one.anomalies] == ["RAT-142", "RAT-142"]
    assert one.anomalies[0].values["cause"] == "NB → A → NB"


FLAGS = (
    "bien;client;compteur;imprimable;saisie_obligatoire;releve_consommables;ordre;"
    "maximum_garanti;compteur_debut;compteur_fin\n"
    "B1;C1;NB;non;oui;oui;2;90000;01/01/2026;31/12/2026\nB1;C1;CO;;;;;;;\n"
)


@pytest.mark.feature("A-REL-21")
def test_every_flag_of_a_meter_is_stored_dates_with_their_last_day_included(
    shop: Office,
) -> None:
    bring_in(shop, "assets", FLAGS)
    m = t.meter.c
    columns = (
        m.printable, m.entry_mandatory, m.read_with_consumables, m.position,
        m.guaranteed_maximum, m.since, m.until,
    )  # fmt: skip
    with shop.engine.begin() as connection:
        flagged, plain = connection.execute(select(*columns).order_by(m.id))
    assert tuple(flagged) == (0, 1, 1, 2, 90_000, date(2026, 1, 1), date(2027, 1, 1))
    assert tuple(plain) == (1, 0, 0, 0, None, None, None)


@pytest.mark.feature("A-REL-21")
def test_a_mandatory_meter_left_out_of_a_visit_is_told(shop: Office) -> None:
    bring_in(shop, "assets", FLAGS)
    one = bring_in(shop, "readings", "bien;compteur;date;valeur\nB1;CO;01/02/2026;5\n")
    assert [str(notice) for notice in one.notices] == [
        "IMP-165 f.txt, ligne 2 : Le compteur « NB » du bien « B1 », de saisie obligatoire, n'est"
        " pas relevé le 01/02/2026 avec les autres. Ajoutez son relevé à la même date."
    ]
    both = "bien;compteur;date;valeur\nB1;CO;01/02/2026;5\nB1;NB;01/02/2026;7\n"
    assert bring_in(shop, "readings", both).notices == ()

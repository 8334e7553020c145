"""A care line tells its tariff, its period and its shares, and nothing of the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from integration.flows.explain import Explained, explain
from tests.integration.care.practice import (
    ORGANISATION,
    Practice,
    amc,
    amo,
    patient,
    prescription,
)
from tests.integration.care.test_pricing import FOUR_WEEKS
from tests.integration.care.test_pricing import practice as practice

PERSONAL = ("P1", "Zéphirin", "Quasar", "Adélaïde", "2600175056001", "chat", "ald", "LIS", "1960")


def told(practice: Practice) -> list[Explained]:
    """The lines of the first invoice, told from what was posted."""
    with practice.engine.connect() as connection:
        return explain(connection, ORGANISATION, "VT2025-000001")


def test_a_bed_tells_tariff_period_and_split(practice: Practice) -> None:
    practice.patients(patient())
    practice.prescriptions(prescription())
    practice.price(FOUR_WEEKS)
    lines = told(practice)
    assert [one.anomaly for one in lines] == [None, None]
    assert sum(one.recomputed for one in lines) == sum(one.posted for one in lines)
    said = " ".join(lines[0].sentences).replace("\N{NO-BREAK SPACE}", " ")
    for sentence in (
        "Période du 03/03/2025 au 30/03/2025",
        "Tarif LPP : 12,60 € TTC l'unité.",
        "Tarif en vigueur depuis le ",
        "Source du tarif : ",
        "Taux AMO : 60 % de la base.",
        "Formule F1 : AMC = ticket modérateur.",
        "Montant TTC : 4 × 12,60 € = 50,40 €.",
        "Parts : AMO 30,24 €, AMC 20,16 €, patient 0,00 €.",
        "Recalculé : 50,40 €, conforme.",
    ):
        assert sentence in said, said


@pytest.mark.parametrize(
    "covers",
    [
        {"amc": []},
        {"amo": [amo(situations=["ald"])]},
        {"amo": [amo(exoneration="LIS")]},
        {"amc": [amc(formule="F3", pourcentage=90)]},
        {"amc": [amc(formule="F5", fixe=7.5)]},
    ],
)
def test_every_split_recomputes_and_names_nobody(
    practice: Practice, covers: Mapping[str, Any]
) -> None:
    practice.patients(patient(**covers))
    practice.prescriptions(prescription())
    practice.price(FOUR_WEEKS)
    for one in told(practice):
        assert one.anomaly is None
        assert not [word for word in PERSONAL if word in f"{one.sentences}{one.kept}"]

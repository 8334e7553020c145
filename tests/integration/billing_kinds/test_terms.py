"""Terms from a contract's file: dates, openings and meters that a kind bears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integration.inbox import import_paths
from tests.integration.billing.house import House, contract, copies, fee
from tests.integration.billing_kinds.test_kinds import (
    bill_twice,
    bundle,
    cost,
    machine,
    refusal,
    rule,
)

FIFTH_MONDAY = {"rang": 5, "jour_semaine": "lundi"}
NEVER = {"nombre": 2, "unite": "annee", "ancrage": "2025-02-01", **FIFTH_MONDAY}


def starts(house: House, days: tuple[str, ...]) -> list[str]:
    """First days of the lines that runs on these days bill."""
    return [line[1] for day in days for line in bill_twice(house, day)]


def monthly(**periodicity: Any) -> dict[str, Any]:
    """A monthly fee of 5.00 whose periodicity says more."""
    return fee("MF", "5.00", periodicite={"nombre": 1, "unite": "mois", **periodicity})


@pytest.mark.feature("A-RFC-08")
def test_the_last_friday_of_each_month(house: House) -> None:
    machine(house, monthly(rang=-1, jour_semaine="vendredi"), debut="2018-01-01")
    assert starts(house, ("2018-01-01", "2018-02-28", "2018-03-31")) == [
        "2018-01-01",
        "2018-01-26",
        "2018-02-23",
        "2018-03-30",
    ]


def test_a_fifth_friday_that_is_missing_is_skipped(house: House) -> None:
    machine(house, monthly(rang=5, jour_semaine="vendredi"))
    assert starts(house, ("2026-06-30",)) == ["2026-01-01", "2026-01-30", "2026-05-29"]


@pytest.mark.feature("A-RFC-10")
def test_august_and_a_range_are_left_out(house: House) -> None:
    """August each year, March 2026 once."""
    closed = [{"debut": "2026-03-01", "fin": "2026-03-31"}]
    machine(house, monthly(mois_exclus=[8], exclusions=closed))
    months = [since[5:7] for since in starts(house, ("2026-12-31",))]
    assert months == ["01", "02", "04", "05", "06", "07", "09", "10", "11", "12"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"jour_semaine": "vendredi"}, "demande un rang de 1 à 5"),
        ({"rang": 6, "jour_semaine": "lundi"}, "demande un rang de 1 à 5"),
        ({"exclusions": [{"debut": "2026-03-02", "fin": "2026-03-01"}]}, "finit avant"),
        (NEVER, "n'existe dans aucun mois"),
    ],
)
def test_dates_that_never_come_are_refused(house: House, more: dict[str, Any], reason: str) -> None:
    assert reason in refusal(house, monthly(**more))


@pytest.mark.feature("A-NCU-03")
def test_a_non_cumulative_meter_is_refused_by_an_x_meter_fee(house: House) -> None:
    """Only consumed units, blocks and bundles bear one."""
    house.customers("C9")
    house.bring("assets", "bien;client;compteur;cumulatif\nB9;C9;GO;non\n")
    meters = [{"bien": "B9", "compteur": "GO"}]
    sentence = refusal(house, rule("meter_fee", "XG", cost("4.00"), compteurs=meters))
    assert sentence == (
        "Le compteur non cumulatif « GO » du bien « B9 » ne se rattache pas à une règle"
        " « montant forfaitaire pour x grandeurs »."
    )
    house.contracts(contract("K2", "C9", bundle(compteurs=meters, terms={"calculation": "sum"})))


GIGAS = [("B9", "GO")]
BOTH = [("B1", "NB"), *GIGAS]


@pytest.mark.feature("A-NCU-02")
@pytest.mark.parametrize(
    ("meters", "terms", "sentence"),
    [
        (
            BOTH,
            {"calculation": "sum"},
            "La règle « UC » mêle le compteur cumulatif « NB » du bien « B1 » et le compteur non"
            " cumulatif « GO » du bien « B9 ».",
        ),
        (
            GIGAS,
            {},
            "La règle « UC » ne dit pas comment compter le compteur non cumulatif « GO » du bien"
            " « B9 ».",
        ),
        (
            BOTH[:1],
            {"calculation": "max"},
            "La règle « UC » a un mode de calcul, mais le compteur « NB » du bien « B1 » est"
            " cumulatif.",
        ),
    ],
)
def test_meters_that_the_rule_cannot_count_are_refused_by_name(
    house: House, meters: list[tuple[str, str]], terms: dict[str, Any], sentence: str
) -> None:
    """Both sorts on one rule, none of its calculation, or a calculation of none."""
    house.customers("C9")
    house.bring("assets", "bien;client;compteur;cumulatif\nB9;C9;GO;non\n")
    assert refusal(house, copies("UC", "0.01", meters, parametres=terms)) == sentence
    assert house.rows("SELECT 1 FROM contract") == []


@pytest.mark.parametrize(
    ("decimals", "told"),
    [
        (2, ["Règle « UC » : un prix a 5 décimales et la règle 2 : une augmentation l'arrondirait à"
             " 2 décimales."]),
        (5, []),
    ],
)  # fmt: skip
def test_a_price_finer_than_its_rule_is_told(house: House, decimals: int, told: list[str]) -> None:
    """0.00485 + 5 % would become 0.01 at two decimals."""
    house.customers("C1")
    house.machine("B1", "C1", "NB")
    rule = copies("UC", "0.00485", [("B1", "NB")], decimales=decimals)
    path = house.folder / "fine.json"
    path.write_text(json.dumps(contract("K2", "C1", rule)), "utf-8")
    (one,) = import_paths(house.app.office(), [path], "contracts")
    assert [str(n.sentence) for n in one.notices if n.code.id == "IMP-175"] == told


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (bundle(couts=[cost("0.01")]), "demande aussi un coût de famille depassement"),
        (
            rule("block", "TR", cost("0.01"), parametres={"units": 9, "overrun": "priced"}),
            "demande aussi un coût de famille depassement",
        ),
        (
            rule("block", "TR", cost("0.01"), parametres={"units": 9, "deposit": 5}),
            "demande aussi un coût de famille depot",
        ),
        (rule("run", "RU", cost("6"), terme=None, periodicite=None), "demande une périodicité"),
        (
            rule("kit", "KI", cost("6"), periodicite=None, parametres={"classes": ["TN"]}),
            "se facture toujours à terme échu ; « kits de livraison » demande une périodicité",
        ),
    ],
)
def test_what_would_never_be_billed_is_refused(
    house: House, wrong: dict[str, Any], reason: str
) -> None:
    """A price or a rhythm that the kind can't do without; all that is wrong is told at once."""
    assert reason in refusal(house, wrong)


@pytest.mark.feature("A-OFF-07")
def test_a_year_offered_by_its_opening_state(house: House) -> None:
    """Last true-up and cumulated both 12000, the offered quantity; then all goes as usual."""
    opening = {
        "prochaine_theorique": "2027-01-01",
        "derniere_theorique": "2026-12-01",
        "derniere_reelle": "2026-12-01",
        "derniere_facture": "OFFERT",
        "compteurs": [{"bien": "B1", "compteur": "NB", "valeur": 12000, "date": "2027-01-01"}],
        "derniere_regularisation": "2027-01-01",
        "prochaine_regularisation": "2027-04-01",
        "cumul_forfaits": 12000,
        "cumul_inclut_compteur": True,
    }
    machine(house, bundle(reprise=opening, regime="reel"))
    assert bill_twice(house, "2026-06-01") == []
    for day in ("2027-01-01", "2027-02-01", "2027-03-01"):
        assert [line[3] for line in bill_twice(house, day)] == [1000]
    house.readings(("B1", "NB", "2027-04-01", 12000 + 3400, "client"))
    assert [line[3] for line in bill_twice(house, "2027-04-01")] == [400, 1000]


def test_an_aperiodic_fee_goes_with_two_bills_of_one_day(house: House) -> None:
    """B, below the threshold of the first run, is billed by the second; the fee goes with both."""
    house.customers("C1", "C2")
    along = fee("PORT", "3.00", periodicite=None, biens=["B1"])
    late = fee("B", "6.00", cout={"payeur": "C2"})
    house.machine("B1", "C1")
    house.contracts(contract("K1", "C1", fee("A", "80.00"), late, along))
    house.bill("2026-01-01", threshold=10)
    assert [line[0] for line in house.lines()] == ["A", "PORT"]
    assert house.bill("2026-01-01").failed == []
    assert [line[0] for line in house.lines()] == ["A", "PORT", "PORT", "B"]
    parts = house.rows("SELECT part FROM billed_part WHERE part LIKE '%#%'")
    assert [part for (part,) in parts] == ["standard/3#1"]

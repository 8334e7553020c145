"""What each flow stores, and what it refuses to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
import xlsxwriter
from sqlalchemy import select

from billing.period import ProrataBase
from integration.database import tables as t
from integration.inbox import Office, Outcome
from integration.translate import flow
from integration.translate.groups import components
from tests.integration.imports.samples import (
    ASSETS,
    CUSTOMERS,
    READINGS,
    bring_in,
    contract,
    contracts,
    rows,
    sentences,
)

CONTRACTS = contracts(contract())


@pytest.fixture
def shop(office: Office) -> Office:
    """An office with customers and assets."""
    for name, content in (("customers", CUSTOMERS), ("assets", ASSETS)):
        assert bring_in(office, name, content).outcome is Outcome.IMPORTED
    return office


def everything(office: Office, table: object) -> list[dict[str, object]]:
    with office.engine.begin() as connection:
        found = connection.execute(select(table).order_by("id"))  # type: ignore[call-overload]
        return [dict(row._mapping) for row in found]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("customers", CUSTOMERS),
        ("customers", '[{"code": "C1", "nom": "Martin"}]'),
        ("assets", ASSETS),
        ("assets", '[{"bien": "B1", "client": "C1", "compteurs": [{"compteur": "NB"}]}]'),
        ("contracts", CONTRACTS),
        ("readings", READINGS),
    ],
)
def test_content_names_its_flow(name: str, content: str) -> None:
    assert flow.detect(content.encode(), "f").name == name
    assert flow.detect(content.encode("utf-8-sig"), "f").name == name


@pytest.mark.parametrize("name", list(flow.FLOWS))
def test_every_flow_has_a_schema_and_survives_any_bytes(name: str) -> None:
    one = flow.load(name)
    assert one.name == name
    assert one.schema().strip()
    for data in (b"", b"\x00", b"\xff\xfe", b"PK\x03\x04", b"[", b"{}", b"a;b\n"):
        assert one.detect(data, "f") is False


def test_customers_change_only_by_what_the_file_says(office: Office) -> None:
    bring_in(office, "customers", "code;nom;agence;site\nC1;Martin;EST;S1\nC1;Martin;;S2\n")
    one = bring_in(office, "customers", '{"code": "C1", "nom": "Martin SA"}')
    assert dict(one.counts) == {
        "clients créés": 0,
        "clients modifiés": 1,
        "sites créés": 0,
        "sites modifiés": 0,
    }
    (row,) = everything(office, t.customer)
    assert (row["name"], row["agency"]) == ("Martin SA", "EST")
    assert [site["code"] for site in everything(office, t.site)] == ["S1", "S2"]


def test_readings_come_once_from_any_source(shop: Office) -> None:
    bring_in(shop, "readings", READINGS)
    one = bring_in(shop, "readings", READINGS + "B1;NB;2026-03-01;250;\n")
    assert dict(one.counts) == {"relevés enregistrés": 1, "relevés déjà connus": 2}
    assert [row["value"] for row in everything(shop, t.reading)] == [100, 200, 250]


def workbook(*lines: tuple[object, ...]) -> bytes:
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)
    return made.getvalue()


def test_a_workbook_reads_like_a_table(shop: Office) -> None:
    lines = (("bien", "compteur", "date", "valeur"), ("B1", "NB", date(2026, 2, 1), 200.0))
    assert bring_in(shop, "readings", workbook(*lines)).outcome is Outcome.IMPORTED
    (row,) = everything(shop, t.reading)
    assert (row["read_on"], row["value"]) == (date(2026, 2, 1), 200)
    wrong = bring_in(shop, "readings", workbook(*lines, ("B1", "NB", "1/2/26", 1.5)), "r.xlsx")
    assert [str(a.place) for a in wrong.anomalies] == [
        "r.xlsx, ligne 3, colonne 3",
        "r.xlsx, ligne 3, colonne 4",
    ]


def test_a_replaced_meter_starts_again(shop: Office) -> None:
    bring_in(shop, "readings", READINGS)
    lower = bring_in(shop, "readings", "bien;compteur;date;valeur\nB1;NB;01/03/2026;5\n")
    assert [a.code.id for a in lower.anomalies] == ["IMP-162"]
    one = bring_in(
        shop,
        "readings",
        "bien;compteur;date;valeur;origine\n"
        "B1;NB;01/03/2026;250;reprise\nB1;NB;01/03/2026;5;pose\nB1;NB;01/04/2026;50;client\n",
    )
    assert one.outcome is Outcome.IMPORTED


def test_contracts_are_stored_whole(shop: Office) -> None:
    one = bring_in(shop, "contracts", CONTRACTS)
    assert dict(one.counts) == {"contrats créés": 1, "contrats inchangés": 0, "règles": 2}
    fee, copies = everything(shop, t.rule)
    assert (fee["term"], copies["term"]) == ("advance", "arrears")
    assert json.loads(str(fee["terms"])) == {"quantity": "1.5"}
    costs = everything(shop, t.cost_line)
    assert [(c["price_e8"], c["vat_ppm"], c["payer_id"]) for c in costs] == [
        (10_000_000_000, 200_000, 1),
        (500_000, 200_000, 2),
    ]
    with shop.engine.begin() as connection:
        dates = connection.execute(
            select(t.rule_state.c.next_theoretical).order_by("rule_id")
        ).scalars()
        assert list(dates) == [date(2026, 1, 1), date(2026, 2, 1)]  # advance, arrears


def test_the_same_contract_again_changes_nothing_another_content_is_refused(shop: Office) -> None:
    bring_in(shop, "contracts", CONTRACTS)
    same = bring_in(shop, "contracts", CONTRACTS + "\n")
    assert dict(same.counts) == {"contrats créés": 0, "contrats inchangés": 1, "règles": 0}
    other = contract()
    other["modules"][0]["regles"][1]["couts"][0]["prix"] = "0,006"
    assert [a.code.id for a in bring_in(shop, "contracts", contracts(other)).anomalies] == [
        "IMP-171"
    ]
    assert rows(shop, t.contract) == 1


def test_one_bad_contract_keeps_all_out(shop: Office) -> None:
    one = bring_in(shop, "contracts", contracts(contract(), contract(code="K2", client="X")))
    assert [a.code.id for a in one.anomalies] == ["IMP-150"]
    assert (rows(shop, t.contract), rows(shop, t.rule), rows(shop, t.cost_line)) == (0, 0, 0)


def test_contracts_that_share_a_payer_are_one_group(shop: Office) -> None:
    alone = contract(code="K3", client="C4")
    alone["modules"][0]["regles"][1]["couts"][0]["payeur"] = "C4"
    neighbour = contract(code="K2", client="C3")  # its copies are paid by C2, as those of K1
    bring_in(shop, "contracts", contracts(contract(), alone, neighbour))
    found = {row["code"]: row["group_id"] for row in everything(shop, t.contract)}
    assert found == {"K1": 1, "K2": 1, "K3": 2}
    bridge = contract(code="K4", client="C4")  # C4 and C2: the two groups become one
    bring_in(shop, "contracts", contracts(bridge))
    assert {row["group_id"] for row in everything(shop, t.contract)} == {1}


def test_components_take_their_smallest_contract() -> None:
    assert components([(5, 1), (3, 2), (4, 2), (4, 1), (9, 7)]) == {5: 3, 3: 3, 4: 3, 9: 9}


def test_a_state_taken_over_is_kept(shop: Office) -> None:
    one = contract()
    one["modules"][0]["regles"][1]["reprise"] = {
        "prochaine_theorique": "2026-07-01",
        "derniere_theorique": "01/06/2026",
        "derniere_reelle": "03/06/2026",
        "derniere_facture": "2026000123",
        "compteurs": [{"bien": "B1", "compteur": "NB", "valeur": 12000, "date": "30/05/2026"}],
    }
    imported = bring_in(shop, "contracts", contracts(one))
    # a price finer than its rule; the other rule catches up
    assert [a.code.id for a in imported.notices] == ["IMP-175", "IMP-174"]
    assert json.loads(str(everything(shop, t.rule)[1]["opening"])) == {
        "next_theoretical": "2026-07-01",
        "last_theoretical": "2026-06-01",
        "last_actual": "2026-06-03",
        "last_invoice": "2026000123",
        "counters": {"1": 12000},
        "billed_on": {"1": "2026-05-30"},
    }


@pytest.mark.feature("A-UC-06")
def test_consumed_units_in_advance_are_refused(shop: Office) -> None:
    one = contract()
    one["modules"][0]["regles"][1]["terme"] = "a_echoir"
    (sentence,) = sentences(bring_in(shop, "contracts", contracts(one)))
    assert "« unités réelles consommées » se facture toujours à terme échu" in sentence
    assert rows(shop, t.contract) == 0


def test_a_cost_the_kind_never_bills_is_refused(shop: Office) -> None:
    one = contract()
    one["modules"][0]["regles"][1]["couts"][0]["famille"] = "location"
    (sentence,) = sentences(bring_in(shop, "contracts", contracts(one)))
    assert "ne facture pas de coût de famille location" in sentence
    assert rows(shop, t.contract) == 0


@pytest.mark.feature("A-GEN-01")
def test_a_contract_whose_only_module_has_no_rule_is_refused(shop: Office) -> None:
    one = contract(code="K7")
    one["modules"][0]["regles"] = []
    (sentence,) = sentences(bring_in(shop, "contracts", contracts(one)))
    assert "le contrat « K7 » n'a aucune règle (modules : M1)" in sentence


@pytest.mark.feature("A-GEN-12")
def test_the_end_is_computed_from_start_and_duration(shop: Office) -> None:
    one = contract()
    one["modules"][0] |= {"debut": "01/01/2006", "duree_mois": 60}
    bring_in(shop, "contracts", contracts(one))
    (module,) = everything(shop, t.module)
    assert module["until"] == date(2011, 1, 1)  # excluded: the last day is 31/12/2010
    other = contract(code="K2")
    other["modules"][0] |= {"debut": "01/01/2006", "fin": "31/12/2010"}
    del other["modules"][0]["duree_mois"]
    bring_in(shop, "contracts", contracts(other))
    assert everything(shop, t.module)[1]["until"] == module["until"]


@pytest.mark.feature("A-RFC-21")
def test_a_shift_has_no_effect_and_is_reported(shop: Office) -> None:
    shifted = contract(code="K2")
    shifted["modules"][0]["regles"][0]["periodicite"]["decalage"] = 3
    one = bring_in(shop, "contracts", contracts(contract(), shifted))
    (ignored,) = (a for a in one.notices if a.code.id not in ("IMP-174", "IMP-175"))
    assert "L'option « decalage » est acceptée et ignorée" in str(ignored)
    fees = [rule for rule in everything(shop, t.rule) if rule["code"] == "FORFAIT"]
    assert fees[0]["opening"] == fees[1]["opening"]
    assert fees[0]["periodicity"] == fees[1]["periodicity"]


@pytest.mark.feature("A-RFC-22")
def test_inert_options_are_accepted_and_reported_as_ignored(shop: Office) -> None:
    """Position of a cost section, year-end true-up, interventions: nothing of them is kept."""
    inert = contract(code="K2")
    rule = inert["modules"][0]["regles"][0]
    rule |= {"detail_interventions": True, "regularisation_fin_annee": True}
    rule["couts"][0]["position"] = 7
    one = bring_in(shop, "contracts", contracts(contract(), inert))
    ignored = [anomaly for anomaly in one.notices if anomaly.code.id == "IMP-173"]
    assert {anomaly.sentence.split(" est acceptée et ignorée")[0] for anomaly in ignored} == {
        "L'option « detail_interventions »",
        "L'option « regularisation_fin_annee »",
        "L'option « position »",
    }
    fees = [rule for rule in everything(shop, t.rule) if rule["code"] == "FORFAIT"]
    for column in ("terms", "opening", "position", "periodicity", "proration"):
        assert fees[0][column] == fees[1][column]


def test_prorata_base_is_that_of_the_parameters_unless_the_rule_says(shop: Office) -> None:
    """PRORATA_BASE actual: months are counted in real days (contracts.md §2)."""
    parameters = shop.settings.parameters.model_copy(update={"PRORATA_BASE": ProrataBase.ACTUAL})
    settings = shop.settings.model_copy(update={"parameters": parameters})
    told = contract(code="K2")
    told["modules"][0]["regles"][0]["prorata"] = {"premiere": True, "base": "commerciale"}
    bring_in(replace(shop, settings=settings), "contracts", contracts(contract(), told))
    fees = [rule for rule in everything(shop, t.rule) if rule["code"] == "FORFAIT"]
    assert [json.loads(rule["proration"])["base"] for rule in fees] == ["actual", "commercial"]


@pytest.mark.feature("A-COV-03")
def test_a_coverage_without_class_is_refused(shop: Office) -> None:
    one = contract()
    del one["modules"][0]["couvertures"][0]["classe"]
    (anomaly,) = bring_in(shop, "contracts", contracts(one)).anomalies
    assert anomaly.code.id == "IMP-101"
    assert anomaly.place.pointer == "/modules/0/couvertures/0/classe"


@pytest.mark.feature("A-CRE-10")
def test_an_asset_leaves_its_customer_after_its_contract(office: Office) -> None:
    bring_in(office, "customers", CUSTOMERS)
    bring_in(office, "assets", "bien;client\n05003459;C1\n")
    one = contract(code="03000133")
    one["modules"][0]["biens"] = ["05003459"]
    del one["modules"][0]["regles"][1]
    bring_in(office, "contracts", contracts(one))
    (sentence,) = sentences(bring_in(office, "assets", "bien;client\n05003459;C2\n", "b.csv"))
    assert (
        "Veuillez modifier le client de la SSC 03000133 avant de modifier le client du bien "
        "05003459." in sentence
    )


def test_many_readings_come_in_bulk(shop: Office) -> None:
    many = "bien;compteur;date;valeur\n" + "".join(
        f"B1;CO;{day:02}/{month:02}/{year};{year * 400 + month * 31 + day}\n"
        for year in range(2010, 2026)
        for month in range(1, 13)
        for day in range(1, 28)
    )
    one = bring_in(shop, "readings", many)
    assert one.counts["relevés enregistrés"] == 16 * 12 * 27

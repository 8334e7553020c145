"""Fees and readings decided by tables: files in, invoices out, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from formats.common.anomaly import AnomaliesFound
from integration.flows.billing import run
from integration.flows.billing.kept import keep
from integration.translate.invoice_pages import invoice_pages
from integration.verbs import billing as verbs
from tests.integration.billing.house import MONTHLY, House, contract, copies, fee, house_at

ESTIMATE, INVOICE = "TD_FRAIS_ESTIMATION", "TD_FRAIS_FACTURE"
HEADER = "organisation;agence;classe;article"
ALL = (HEADER, "*;*;*;FRAIS500")
SEED = (
    HEADER,
    "*;*;Exonéré;",
    "03;*;Soumis;FRAIS500",
    "04;CHATEAUVALLON;*;FRAIS500",
    "04;VILLENEUVE D'ORIENT;Soumis;FRAIS500",
    "05;*;*;FRAIS500",
)
ARTICLES = """article;libelle;nature;tva;compte
FRAIS500;Frais d'estimation;incorporel;20;708500
FACT;Frais de facture;incorporel;20;708510
TONER;Toner noir;stocké;20;707000
"""
LISTS = """tarif;genre;debut;precedence;article;prix;client
PUB;public;01/01/2025;0;FRAIS500;5,00;
PUB;public;01/01/2025;0;FACT;2,00;
"""


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Organisation 03 with its articles and its public list."""
    with house_at(database_url, tmp_path, organisation="03") as made:
        made.bring("articles", ARTICLES)
        made.bring("price_lists", LISTS)
        yield made


def _estimated(house: House, customer: str, *rules: str, **cost: Any) -> None:
    """A contract whose meters were read two months ago: every rule of it is estimated."""
    for rule in rules:
        asset = f"B{customer}{rule}"
        house.machine(asset, customer, "NB")
        read = (("2025-11-01", 0, "pose"), ("2025-12-01", 1000, "client"))
        house.readings(*((asset, "NB", *one) for one in read))
    meters = [copies(rule, "0.01", [(f"B{customer}{rule}", "NB")], cout=cost) for rule in rules]
    house.contracts(contract(f"K{customer}", customer, *meters))


def _customer(house: House, code: str, agency: str = "", word: str = "") -> None:
    cells = f"{code};Société {code};2 rue Basse, 59000 Lille;{agency};{word}"
    house.bring("customers", f"code;nom;adresse;agence;frais_estimation\n{cells}\n")


def _fees(house: House) -> list[tuple[Any, ...]]:
    """(customer, article, net in cents) of posted fees."""
    return house.rows(
        "SELECT c.code, l.article, l.net_cents FROM document_line l"
        " JOIN document d ON d.id = l.document_id JOIN customer c ON c.id = d.customer_id"
        " WHERE l.rule_id IS NULL ORDER BY l.document_id, l.position"
    )


@pytest.mark.feature("A-FEE-01", "A-FEE-04")
def test_one_fee_behind_three_estimated_lines(shop: House) -> None:
    """Invoice with 3 estimated lines: 1 fee, last, at the public price of 5.00."""
    shop.table(ESTIMATE, *ALL)
    _customer(shop, "C1")
    _estimated(shop, "C1", "UC1", "UC2", "UC3")
    shop.bill("2026-02-01")
    lines = shop.rows("SELECT position, rule_id IS NULL, article FROM document_line ORDER BY 1")
    assert [(position, bool(fee), article) for position, fee, article in lines] == [
        *((n, False, "COPIES") for n in (1, 2, 3)),
        (4, True, "FRAIS500"),
    ]
    assert _fees(shop) == [("C1", "FRAIS500", int("5.00".replace(".", "")))]
    assert shop.rows("SELECT credit_cents FROM entry WHERE account = '708500'") == [(500,)]
    ((kind, part),) = shop.rows(
        "SELECT subject_kind, part FROM billed_part WHERE subject_kind <> 'rule'"
    )
    assert (kind, part.split(":")[0]) == ("fee", "estimate")
    ((net, vat, gross),) = shop.rows("SELECT net_cents, vat_cents, gross_cents FROM document")
    copied = sum(row[0] for row in shop.rows("SELECT net_cents FROM document_line")) - 500
    assert (net, gross) == (copied + 500, net + vat)


def test_an_invoice_on_actual_readings_bears_no_estimate_fee(shop: House) -> None:
    shop.table(ESTIMATE, *ALL)
    _customer(shop, "C1")
    _estimated(shop, "C1", "UC1")
    shop.readings(("BC1UC1", "NB", "2026-01-31", 3000, "client"))
    shop.bill("2026-02-01")
    assert _fees(shop) == []


@pytest.mark.feature("A-FEE-02")
@pytest.mark.parametrize(
    ("organisation", "agency", "word", "article"),
    [
        ("03", "LENS", "exonéré", ""),
        ("05", "LENS", "exonéré", ""),
        ("03", "LENS", "soumis", "FRAIS500"),
        ("03", "LENS", "", ""),
        ("04", "Chateauvallon", "", "FRAIS500"),
        ("04", "VILLENEUVE D'ORIENT", "soumis", "FRAIS500"),
        ("04", "VILLENEUVE D'ORIENT", "", ""),
        ("05", "", "", "FRAIS500"),
    ],
)
def test_the_five_rows_of_the_seed(
    tmp_path: Path, sqlite_url: str, organisation: str, agency: str, word: str, article: str
) -> None:
    with house_at(sqlite_url, tmp_path, organisation=organisation) as house:
        house.bring("articles", ARTICLES)
        house.bring("price_lists", LISTS)
        house.table(ESTIMATE, *SEED)
        _customer(house, "C1", agency, word)
        _estimated(house, "C1", "UC1")
        house.bill("2026-02-01")
        assert [name for _, name, _ in _fees(house)] == [article] * bool(article)


@pytest.mark.feature("A-FEE-05")
def test_a_net_list_takes_precedence_for_its_customers(shop: House) -> None:
    """Customer on list NET3 pays 3.00; out of force, out of date or detached it is 5.00."""
    shop.table(ESTIMATE, *ALL)
    for code in ("C1", "C2", "C3", "C4", "C5"):
        _customer(shop, code)
        _estimated(shop, code, f"UC{code}")
    shop.bring(
        "price_lists",
        "tarif;genre;debut;fin;en_vigueur;precedence;article;prix;client;rattache\n"
        "NET3;net;01/01/2026;31/12/2026;oui;10;FRAIS500;3,00;C1;oui\n"
        "NET3;net;01/01/2026;31/12/2026;oui;10;;;C2;non\n"
        "NET2;net;01/01/2026;31/01/2026;oui;10;FRAIS500;2,00;C3;oui\n"
        "NET1;net;01/01/2026;;non;20;FRAIS500;1,00;C4;oui\n",
    )
    shop.bill("2026-02-01")
    prices = {"C1": "3.00", "C2": "5.00", "C3": "5.00", "C4": "5.00", "C5": "5.00"}
    assert _fees(shop) == [
        (code, "FRAIS500", int(price.replace(".", ""))) for code, price in prices.items()
    ]


@pytest.mark.feature("A-FEE-06")
def test_three_different_fees_on_one_invoice(shop: House) -> None:
    """All three: shipping is a kit rule's line, estimate and invoice fee stand behind the rules."""
    shop.table(ESTIMATE, *ALL)
    shop.table(INVOICE, HEADER, "*;*;*;FACT")
    _customer(shop, "C1")
    shop.machine("B1", "C1", "NB")
    read = (("2025-11-01", 0, "pose"), ("2025-12-01", 1000, "client"))
    shop.readings(*(("B1", "NB", *one) for one in read))
    port = {"code": "PORT", "type": "kit", "periodicite": MONTHLY, "biens": ["B1"], "position": 1}
    port |= {"parametres": {"classes": ["CONSO"]}}
    port |= {"couts": [{"article": "PORT", "prix": "5,00", "tva": 20}]}
    shop.contracts(contract("K1", "C1", copies("UC", "0.01", [("B1", "NB")]), port))
    note = "livraison;date;bien;article;classe;quantite\nL1;10/01/2026;B1;TONER;CONSO;3\n"
    shop.bring("deliveries", note)
    shop.bill("2026-02-01")
    assert shop.rows("SELECT article, net_cents FROM document_line WHERE position > 1") == [
        ("PORT", 1500),
        ("FRAIS500", 500),
        ("FACT", 200),
    ]
    assert len(shop.invoices()) == 1
    with shop.engine.connect() as connection:
        (page,) = invoice_pages(connection, shop.app.settings, shop.app.vault, [1]).values()
    printed = [(line.label, line.amount_cents) for line in page.lines][-2:]
    assert printed == [("Frais d'estimation", 500), ("Frais de facture", 200)]
    assert page.period == "01/01/2026 au 31/01/2026"


def test_lines_that_count_no_meter_bear_no_estimate_fee(shop: House) -> None:
    """A fee for x meters names them; nothing of it is estimated."""
    shop.table(ESTIMATE, *ALL)
    _customer(shop, "C1")
    shop.machine("B1", "C1", "NB")
    meters = [{"bien": "B1", "compteur": "NB"}]
    shop.contracts(
        contract("K1", "C1", fee("FX", "9.00", type="meter_fee", parametres={}, compteurs=meters))
    )
    assert shop.bill("2026-01-01").lines == 1


def test_fees_don_t_count_for_the_threshold(shop: House) -> None:
    shop.table(INVOICE, HEADER, "*;*;*;FACT")
    _customer(shop, "C1")
    shop.contracts(contract("K1", "C1", fee("MF", "9.00")))
    report = shop.bill("2026-01-01", threshold=10)
    assert (report.invoices, len(report.deferred)) == (0, 1)
    shop.bill("2026-01-01", threshold=9)
    assert _fees(shop) == [("C1", "FACT", 200)]


def test_a_simulation_with_fees_is_what_is_billed_and_changed_tables_refuse(shop: House) -> None:
    shop.table(ESTIMATE, *ALL)
    _customer(shop, "C1")
    _estimated(shop, "C1", "UC1")
    planned, _ = shop.simulate("2026-02-01")
    number = keep(shop.run("2026-02-01"), planned)
    verbs._checked(shop.app, number)
    shop.table(ESTIMATE, HEADER, "*;*;*;")
    with pytest.raises(AnomaliesFound) as refused:
        verbs._checked(shop.app, number)
    assert refused.value.anomalies[0].code.id == "RUN-110"
    shop.table(ESTIMATE, *ALL)
    posted = hashlib.sha256()
    run.bill(shop.run("2026-02-01"), posted)
    assert posted.hexdigest() == planned.rows_digest
    assert _fees(shop) == [("C1", "FRAIS500", 500)]


@pytest.mark.parametrize(("article", "code"), [("INCONNU", "CFG-008"), ("TONER", "CFG-008")])
def test_a_run_refuses_a_fee_article_that_is_none(shop: House, article: str, code: str) -> None:
    shop.table(ESTIMATE, HEADER, f"*;*;*;{article}")
    with pytest.raises(AnomaliesFound) as refused:
        shop.run("2026-02-01")
    assert [anomaly.code.id for anomaly in refused.value.anomalies] == [code]


def test_a_run_refuses_a_fee_article_without_public_price(shop: House) -> None:
    shop.table(ESTIMATE, *ALL)
    with pytest.raises(AnomaliesFound) as refused:
        shop.run("2024-12-31")
    assert [anomaly.code.id for anomaly in refused.value.anomalies] == ["CFG-024"]


READINGS = "TD_FACTURATION_RELEVES_REEL"
READINGS_HEADER = (
    "organisation;agence;regle_predefinie;traitement;releves_autorises;releve_prioritaire;"
    "recherche_nombre_jours;estimation_forcee"
)
ROW = "041;VILLENEUVE D'ASCQ;*;Relevé Réel 3;Relevé prestataire, Relevé client;;Non;Non"


@pytest.mark.feature("A-REL-07")
def test_a_row_applies_to_its_agency_only(database_url: str, tmp_path: Path) -> None:
    """Row 041 / VILLENEUVE D'ASCQ / *: a reading 50 days old is billed there, nowhere else."""
    with house_at(database_url, tmp_path, organisation="041") as house:
        house.table(READINGS, READINGS_HEADER, ROW)
        for code, agency in (("C1", "Villeneuve d'Ascq"), ("C2", "LENS"), ("C3", "")):
            _customer(house, code, agency)
            asset = f"B{code}"
            house.machine(asset, code, "NB")
            house.readings(
                (asset, "NB", "2026-01-01", 0, "pose"), (asset, "NB", "2026-01-10", 1000, "client")
            )
            rule = copies(f"UC{code}", "0.01", [(asset, "NB")], regime="reel", modele="RFP1")
            house.contracts(contract(f"K{code}", code, rule))
        report = house.bill("2026-03-01")
        assert [row[2] for row in house.invoices()] == ["C1"]
        assert [anomaly.code.id for anomaly in report.anomalies] == ["RAT-101", "RAT-101"]


@pytest.mark.parametrize(
    ("row", "billed"),
    [
        (ROW.replace("041", "042"), False),
        (ROW.replace(";*;", ";RFP1;"), True),
        (ROW.replace(";*;", ";RFP2;"), False),
        (ROW.replace("Relevé prestataire, Relevé client", "Relevé prestataire"), False),
        (ROW.replace(";Non;Non", ";Oui;Non"), False),
    ],
)
def test_every_column_of_the_row_counts(
    sqlite_url: str, tmp_path: Path, row: str, billed: bool
) -> None:
    with house_at(sqlite_url, tmp_path, organisation="041") as house:
        house.table(READINGS, READINGS_HEADER, row)
        _customer(house, "C1", "VILLENEUVE D'ASCQ")
        house.machine("B1", "C1", "NB")
        house.readings(
            ("B1", "NB", "2026-01-01", 0, "pose"), ("B1", "NB", "2026-01-10", 1000, "client")
        )
        rule = copies("UC", "0.01", [("B1", "NB")], regime="reel", modele="RFP1")
        house.contracts(contract("K1", "C1", rule))
        assert house.bill("2026-03-01").invoices == billed

"""Contracts from their files to posted rows: amounts and dates, once, and never less."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from integration.flows.billing.run import bill
from integration.flows.verify import verify
from tests.integration.billing.house import MONTHLY, House, contract, copies, fee, house_at

STATE = ("rule_state", "rule_event", "reading", "document", "series", "outbox", "id_block")


def _copier(house: House, *rules: dict[str, object]) -> None:
    """Customer C1 and machine B1 at 2000 on 1 January 2026; a fee of 25.00 and copies at 0.01."""
    house.customers("C1")
    house.machine("B1", "C1", "NB")
    house.contracts(contract("K1", "C1", *(rules or (fee("MF", "25.00"), _copies()))))
    house.readings(("B1", "NB", "2026-01-01", 2000, "pose"))


def _copies(**changes: object) -> dict[str, object]:
    return copies("UC", "0.01", [("B1", "NB")], position=1, **changes)


def _everything(house: House) -> list[object]:
    return [house.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in STATE]


@pytest.mark.feature("A-UC-01")
def test_one_month_fills_every_table(house: House) -> None:
    _copier(house)
    house.readings(("B1", "NB", "2026-01-31", 2100, "prestataire"))
    report = house.bill("2026-02-01")
    assert (report.invoices, report.lines, report.net_cents, report.gross_cents) == (
        1,
        3,
        5100,
        6120,
    )
    assert house.invoices() == [(1, "2026-02-01", "C1", 5100, 1020, 6120)]
    assert house.rows("SELECT journal, fiscal_year, kind, due_on FROM document") == [
        ("VT", 2026, "contract", "2026-03-03")
    ]
    assert house.lines() == [
        ("MF", "2026-01-01", "2026-02-01", 1, 2500),
        ("MF", "2026-02-01", "2026-03-01", 1, 2500),
        ("UC", "2026-01-01", "2026-02-01", 2100 - 2000, 100),
    ]
    assert Decimal("0.01") * 100 == Decimal("1.00")
    day = date(2026, 1, 1).toordinal()
    assert house.rows("SELECT part, unit, revision, line_position FROM billed_part ORDER BY 4") == [
        ("standard/1", day, 0, 1),
        ("standard/1", day + 31, 0, 2),
        ("standard/2", day, 0, 3),
    ]
    assert house.rows("SELECT kind, sequence, document_id FROM rule_event") == [
        ("billed", 1, 1),
        ("billed", 1, 1),
    ]
    assert house.rows("SELECT file_name, kind, state FROM outbox") == [
        ("VT2026-000001.pdf", "invoice_pdf", "todo")
    ]
    assert house.state("UC") == {
        "next_theoretical": "2026-03-01",
        "last_theoretical": "2026-02-01",
        "last_actual": "2026-02-01",
        "occurrences": 1,
        "counters": {"1": 2100},
        "billed_on": {"1": "2026-01-31"},
    }


def test_entries_of_an_invoice_balance_with_vat_once_a_rate(house: House) -> None:
    """Two lines of 0.02 at 20 %: VAT of the document 0.01, of the lines 0.00 each."""
    low = {"tva": "5,5", "compte": "707"}
    _copier(
        house,
        fee("A", "0.02", debut="2026-02-01"),
        fee("B", "0.02", debut="2026-02-01"),
        fee("C", "100.00", debut="2026-02-01", cout=low),
    )
    house.bill("2026-02-01")
    entries = "SELECT account, auxiliary, debit_cents, credit_cents FROM entry ORDER BY position"
    assert house.rows(entries) == [
        ("411000", "C1", 10555, 0),
        ("706", "", 0, 4),
        ("707", "", 0, 10000),
        ("445710", "", 0, 551),
    ]
    assert 10555 == 4 + 10000 + (1 + 550)


def test_billing_twice_bills_nothing_twice(house: House) -> None:
    _copier(house)
    house.bill("2026-02-01")
    before = _everything(house)
    again = house.bill("2026-02-01")
    assert (again.invoices, again.lines, again.failed) == (0, 0, [])
    assert _everything(house) == before


def test_a_killed_part_cannot_come_back(house: House) -> None:
    """Dates set back behind the program's back: the part's key refuses what was billed."""
    _copier(house, fee("MF", "25.00"))
    house.bill("2026-01-01")
    opening = '{"next_theoretical":"2026-01-01"}'
    house.execute(f"UPDATE rule_state SET next_theoretical = '2026-01-01', state = '{opening}'")
    done = bill(house.run("2026-01-01"))
    assert (done.invoices, done.failed) == (0, [(1, "IntegrityError")])
    assert len(house.invoices()) == 1


@pytest.mark.feature("A-RFC-06")
def test_overdue_months_are_caught_up_in_one_run(house: House) -> None:
    """Monthly fee from 01/01, first run 15/04 in advance: 4 lines; copies in one line."""
    _copier(house)
    house.readings(("B1", "NB", "2026-04-10", 2700, "client"))
    report = house.bill("2026-04-15")
    assert (report.invoices, report.lines) == (1, 5)
    assert [line for line in house.lines() if line[0] == "MF"] == [
        ("MF", "2026-01-01", "2026-02-01", 1, 2500),
        ("MF", "2026-02-01", "2026-03-01", 1, 2500),
        ("MF", "2026-03-01", "2026-04-01", 1, 2500),
        ("MF", "2026-04-01", "2026-05-01", 1, 2500),
    ]
    assert house.lines()[-1] == ("UC", "2026-01-01", "2026-04-01", 700, 700)


def test_month_after_month_gives_the_lines_of_one_catch_up(house: House) -> None:
    _copier(house, fee("MF", "25.00", "3"))
    for month in range(1, 7):
        report = house.bill(f"2026-{month:02d}-01")
        assert (report.invoices, report.net_cents) == (1, 7500)
    assert [number for number, *_ in house.invoices()] == [1, 2, 3, 4, 5, 6]
    assert {line[4] for line in house.lines()} == {7500}
    assert len({line[1] for line in house.lines()}) == 6
    assert house.state("MF")["next_theoretical"] == "2026-07-01"


@pytest.mark.feature("A-UC-02")
def test_grouped_assets_count_the_negative_one(house: House) -> None:
    """Last billed 2000, 1000 (estimate), 1500: 100 in month M, 350 in M+1."""
    assert _fleet(house, grouped=True) == {"M": 100, "M+1": 350}


@pytest.mark.feature("A-UC-03")
def test_assets_that_are_not_grouped_leave_the_negative_one_out(house: House) -> None:
    """200 in month M, 250 in M+1; the over-billed asset keeps its last billed counter."""
    assert _fleet(house, grouped=False) == {"M": 200, "M+1": 250}


def _fleet(house: House, *, grouped: bool) -> dict[str, int]:
    house.customers("C1")
    names = ("B1", "B2", "B3")
    for asset in names:
        house.machine(asset, "C1", "NB")
    billed = dict(zip(names, (2000, 1000, 1500), strict=True))
    taken_over = {
        "prochaine_theorique": "2026-02-01",
        "derniere_theorique": "2026-01-01",
        "derniere_reelle": "2026-01-01",
        "derniere_facture": "F1",
        "compteurs": [{"bien": b, "compteur": "NB", "valeur": v} for b, v in billed.items()],
    }
    terms = {"grouped": grouped}
    rule = copies("UC", "0.01", [(b, "NB") for b in names], reprise=taken_over, parametres=terms)
    house.contracts(contract("K1", "C1", rule))
    counters = {"2026-01-31": (2100, 900, 1600), "2026-02-28": (2200, 1050, 1700)}
    for day, values in counters.items():
        house.readings(*((b, "NB", day, v, "client") for b, v in zip(names, values, strict=True)))
    house.bill("2026-02-01")
    house.bill("2026-03-01")
    return dict(zip(("M", "M+1"), (int(line[3]) for line in house.lines()), strict=True))


def test_an_estimate_is_stored_with_the_invoice_it_made(house: House) -> None:
    """Installed 1 January at 2000, 3000 on 31 January: 1000 in 30 days; 29 days later + 967."""
    _copier(house, _copies())
    house.readings(("B1", "NB", "2026-01-31", 3000, "client"))
    house.bill("2026-02-01")
    house.bill("2026-03-01")
    estimates = "SELECT read_on, value, document_id FROM reading WHERE origin = 'estimate'"
    assert house.rows(estimates) == [("2026-03-01", 3967, 2)]
    assert [int(line[3]) for line in house.lines()] == [1000, 967]


def test_two_rules_on_one_meter_store_one_estimate(house: House) -> None:
    """The second rule, deferred by the threshold, bills the same day with the same estimate."""
    dear = copies("DEAR", "1.00", [("B1", "NB")])
    cheap = copies("CHEAP", "0.01", [("B1", "NB")], marche="M2")
    _copier(house, dear, cheap)
    house.readings(("B1", "NB", "2026-01-02", 2010, "client"))
    first = house.bill("2026-02-01", threshold=20, reading_days=5)
    assert (first.invoices, [d.contract for d in first.deferred]) == (1, ["K1"])
    second = house.bill("2026-02-01", threshold=0, reading_days=5)
    assert (second.invoices, second.failed) == (1, [])
    estimates = "SELECT read_on, value, document_id FROM reading WHERE origin = 'estimate'"
    assert house.rows(estimates) == [("2026-02-01", 2310, 1)]


def test_readings_older_than_the_floor_still_make_the_volume(house: House) -> None:
    """The last two actual readings are 700 and 90 days old: 610 units in 610 days, 90 more."""
    _copier(house, _copies(reprise=_billed_until("2026-05-01", 2710)))
    house.execute("UPDATE reading SET read_on = '2020-01-01'")
    house.readings(("B1", "NB", "2024-06-01", 2100, "client"))
    house.readings(("B1", "NB", "2026-02-01", 2710, "client"))
    assert (date(2026, 2, 1) - date(2024, 6, 1)).days == 610
    assert (date(2026, 5, 2) - date(2026, 2, 1)).days == 90
    house.bill("2026-05-02")
    assert house.lines() == [("UC", "2026-04-01", "2026-05-01", 90, 90)]


def _billed_until(following: str, counter: int) -> dict[str, object]:
    return {
        "prochaine_theorique": following,
        "derniere_facture": "F1",
        "compteurs": [{"bien": "B1", "compteur": "NB", "valeur": counter}],
    }


@pytest.mark.feature("A-MF-01")
def test_a_fee_is_quantity_times_price(house: House) -> None:
    """3 × 25.00 = 75.00."""
    _copier(house, fee("MF", "25.00", "3"))
    house.bill("2026-01-01")
    assert house.lines() == [("MF", "2026-01-01", "2026-02-01", 3, 7500)]
    assert house.invoices()[0][3] == 100 * Decimal("75.00")


@pytest.mark.feature("A-MF-03", "A-RFC-12")
def test_an_aperiodic_fee_goes_with_another_rule(house: House) -> None:
    """3 assets on the module, 5.00, quantity 2: 30.00; alone in the run: nothing."""
    house.customers("C1")
    for asset in ("B1", "B2", "B3"):
        house.machine(asset, "C1", "NB")
    once = fee("AP", "5.00", "2", periodicite=None, position=1)
    yearly = {"nombre": 1, "unite": "annee"}
    assets = ["B1", "B2", "B3"]
    house.contracts(
        contract("K1", "C1", fee("MF", "25.00", periodicite=yearly), once, biens=assets)
    )
    house.bill("2026-01-01")
    assert house.lines() == [
        ("MF", "2026-01-01", "2027-01-01", 1, 2500),
        ("AP", "2026-01-01", "2026-01-02", 3 * 2, Decimal("30.00") * 100),
    ]
    assert house.bill("2026-02-01").invoices == 0


@pytest.mark.feature("A-MF-05")
def test_the_first_rent_uses_the_bridging_article(database_url: str, tmp_path: Path) -> None:
    with house_at(database_url, tmp_path, FACTURE_PRE_LOYER_CODE_ART_VENDU="PRELOYER") as house:
        house.customers("C1")
        house.bring("assets", "bien;client;pre_echeance\nB1;C1;oui\nB2;C1;non\n")
        rent = {"classe_article": "loyer"}
        house.contracts(
            contract("K1", "C1", fee("ALL", "40.00", biens=["B1"], cout=rent)),
            contract("K2", "C1", fee("NOFILE", "40.00", biens=["B2"], cout=rent)),
            contract("K3", "C1", fee("NOASSET", "40.00", cout=rent)),
            contract("K4", "C1", fee("NORENT", "40.00", biens=["B1"])),
        )
        house.bill("2026-01-01")
        house.bill("2026-02-01")
        articles = house.rows(
            "SELECT r.code, l.article, l.net_cents FROM document_line l"
            " JOIN rule r ON r.id = l.rule_id ORDER BY l.document_id"
        )
    assert articles == [
        ("ALL", "PRELOYER", 4000),
        ("NOFILE", "MAINT", 4000),
        ("NOASSET", "MAINT", 4000),
        ("NORENT", "MAINT", 4000),
        ("ALL", "MAINT", 4000),
        ("NOFILE", "MAINT", 4000),
        ("NOASSET", "MAINT", 4000),
        ("NORENT", "MAINT", 4000),
    ]


@pytest.mark.feature("A-MF-02", "A-MF-07")
def test_assets_do_not_change_a_periodic_fee(house: House) -> None:
    """Quantity 1, 4 assets, 25.00: 25.00; a fee without asset bills as well."""
    house.customers("C1")
    assets = [f"B{n}" for n in range(1, 4 + 1)]
    for asset in assets:
        house.machine(asset, "C1", "NB")
    house.contracts(
        contract("K1", "C1", fee("FOUR", "25.00", "1", biens=assets), fee("NONE", "25.00"))
    )
    house.bill("2026-01-01")
    assert [(code, cents) for code, *_, cents in house.lines()] == [("FOUR", 2500), ("NONE", 2500)]


@pytest.mark.feature("A-RFC-01", "A-RFC-13")
def test_a_rule_is_due_from_its_next_date(house: House) -> None:
    """Quarter from 01/01: in arrears 01/04, absent from 31/03; in advance 01/01."""
    quarterly = {"nombre": 3, "unite": "mois"}
    _copier(
        house,
        fee("ARR", "30.00", terme="echu", periodicite=quarterly),
        fee("ADV", "10.00", periodicite=quarterly),
    )
    house.bill("2026-01-01")
    assert house.lines() == [("ADV", "2026-01-01", "2026-04-01", 1, 1000)]
    assert house.simulate("2026-03-31")[0].lines == 0
    assert house.simulate("2026-04-01")[0].lines == 2
    house.bill("2026-04-01")
    assert house.lines()[1:] == [
        ("ADV", "2026-04-01", "2026-07-01", 1, 1000),
        ("ARR", "2026-01-01", "2026-04-01", 1, 3000),
    ]


@pytest.mark.feature("A-RFC-15")
def test_the_first_bundle_of_a_started_month(house: House) -> None:
    """1000 a month in advance from 15/03 aligned on the 1st, billed 01/04: 1500 units."""
    civil = {**MONTHLY, "civile": True}
    rule = fee("MF", "1.00", "1000", debut="2026-03-15", periodicite=civil)
    _copier(house, rule | {"prorata": {"premiere": True}})
    house.execute(
        "UPDATE rule_state SET next_theoretical = '2026-04-01',"
        """ state = '{"next_theoretical":"2026-04-01"}'"""
    )
    house.execute("""UPDATE rule SET opening = '{"next_theoretical":"2026-04-01"}'""")
    house.bill("2026-04-01")
    assert [line[4] for line in house.lines()] == [50000, 100000]
    assert house.invoices()[0][3] == 1500 * 100


@pytest.mark.feature("A-RFC-17")
def test_a_civil_quarter(house: House) -> None:
    """Quarter from 15/02 aligned: next dates 01/04, 01/07."""
    civil = {"nombre": 3, "unite": "mois", "civile": True}
    _copier(house, fee("MF", "30.00", debut="2026-02-15", terme="echu", periodicite=civil))
    assert house.state("MF")["next_theoretical"] == "2026-04-01"
    house.bill("2026-04-01")
    assert house.state("MF")["next_theoretical"] == "2026-07-01"


@pytest.mark.feature("A-RFC-02", "A-RFC-04")
def test_billing_moves_the_dates_by_one_period(house: House) -> None:
    """Quarterly next 01/01 becomes next 01/04, last 01/01; before it, last is empty."""
    _copier(house, fee("MF", "30.00", periodicite={"nombre": 3, "unite": "mois"}))
    assert house.state("MF") == {"next_theoretical": "2026-01-01"}
    house.bill("2026-01-01")
    state = house.state("MF")
    assert (state["next_theoretical"], state["last_theoretical"]) == ("2026-04-01", "2026-01-01")


@pytest.mark.feature("A-RFC-09")
def test_three_occurrences_end_a_rule(house: House) -> None:
    """X = 3: the third billing leaves the rule finished, without anomaly."""
    _copier(house, fee("MF", "30.00", periodicite={**MONTHLY, "occurrences": 3}))
    report = house.bill("2026-08-01")
    assert (report.lines, house.state("MF")["occurrences"]) == (3, 3)
    again = house.bill("2026-09-01")
    assert (again.lines, again.anomalies) == (0, [])


@pytest.mark.feature("A-RFC-10")
def test_august_is_skipped(house: House) -> None:
    _copier(house, fee("MF", "30.00", periodicite={**MONTHLY, "mois_exclus": [8]}))
    house.bill("2026-12-31")
    months = [since[:7] for _, since, *_ in house.lines()]
    assert "2026-08" not in months
    assert len(months) == 11


@pytest.mark.feature("A-RFC-23")
def test_a_free_first_year(house: House) -> None:
    """Contract 01/01/2018 with next 01/01/2019: nothing billed in 2018, coverage active."""
    rule = fee("MF", "30.00", reprise={"prochaine_theorique": "2019-01-01"})
    cover = {"code": "CV", "classe": "TONER", "type": "illimite"}
    house.customers("C1")
    house.contracts(contract("K1", "C1", rule, debut="2018-01-01", couvertures=[cover]))
    assert house.bill("2018-12-31").invoices == 0
    assert house.rows("SELECT since, until FROM coverage") == [("2018-01-01", None)]
    house.bill("2019-01-01")
    assert house.lines() == [("MF", "2019-01-01", "2019-02-01", 1, 3000)]


@pytest.mark.feature("A-RFC-18")
def test_five_decimals_are_kept_and_printed(house: House) -> None:
    """Price 0.00485 with 5 decimals; 700 × 0.00485 = 3.395, half-up 3.40."""
    _copier(house, copies("UC", "0.00485", [("B1", "NB")], decimales=5))
    house.readings(("B1", "NB", "2026-01-31", 2700, "client"))
    house.bill("2026-02-01")
    assert house.rows("SELECT unit_price_e8, net_cents FROM document_line") == [(485000, 340)]
    house.app.outbox().send()
    assert _printed(house) == "0,00485"


def _printed(house: House) -> str:
    """The unit price as the page of the first invoice shows it."""
    import pypdfium2

    path = next((house.app.settings.folders.outbox / "factures").iterdir())
    page = pypdfium2.PdfDocument(path)[0]
    text = page.get_textpage().get_text_range()
    return next(word for word in text.split() if word.startswith("0,00"))


def test_suspended_contracts_are_absent(house: House) -> None:
    house.customers("C1", "C2")
    house.contracts(
        contract("K1", "C1", fee("A", "10.00")), contract("K2", "C2", fee("B", "10.00"))
    )
    house.execute("UPDATE contract SET status = 'suspended' WHERE code = 'K1'")
    report = house.bill("2026-01-01")
    assert (report.invoices, report.blocked, report.anomalies) == (1, [], [])
    assert [row[2] for row in house.invoices()] == ["C2"]


@pytest.mark.feature("A-SIM-03")
def test_excluded_customers(database_url: str, tmp_path: Path) -> None:
    codes = "02300767;02402517"
    with house_at(database_url, tmp_path, CLIENTS_EXCLUS_FACTURATION=codes) as house:
        house.customers("02300767", "02402517", "02500001")
        house.contracts(
            *(contract(f"K{c}", c, fee("MF", "10.00")) for c in (*codes.split(";"), "02500001"))
        )
        assert house.bill("2026-01-01").invoices == 1
        assert [row[2] for row in house.invoices()] == ["02500001"]
        assert house.bill("2026-01-01", include_excluded=True).invoices == 2
        assert sorted(row[2] for row in house.invoices()[1:]) == ["02300767", "02402517"]


def test_the_lessor_pays_its_cost_line_on_an_invoice_of_its_own(house: House) -> None:
    """One rule, two cost lines: maintenance to the user, rent to the lessor."""
    house.customers("C1", "LOUEUR")
    rule = fee("MF", "25.00")
    rule["couts"].append({"article": "LOYER", "prix": "80", "tva": 20, "payeur": "LOUEUR"})
    house.contracts(contract("K1", "C1", rule))
    house.bill("2026-01-01")
    assert house.invoices() == [
        (1, "2026-01-01", "C1", 2500, 500, 3000),
        (2, "2026-01-01", "LOUEUR", 8000, 1600, 9600),
    ]
    assert house.rows("SELECT count(*) FROM rule_event") == [(1,)]
    assert house.rows("SELECT part FROM billed_part ORDER BY 1") == [
        ("standard/1",),
        ("standard/2",),
    ]


@pytest.mark.parametrize(("grouped", "invoices"), [(True, 2), (False, 4)])
def test_two_contracts_in_two_markets(house: House, grouped: bool, invoices: int) -> None:
    """Contracts 1 and 2 with rules in markets 1 and 2: 2 invoices grouped, else 4 (§6)."""
    house.customers("C1", grouped=grouped)
    rules = [
        (fee(f"R{k}1", "10.00", marche="000001"), fee(f"R{k}2", "20.00", marche="000002"))
        for k in (1, 2)
    ]
    house.contracts(*(contract(f"K{k}", "C1", *pair) for k, pair in enumerate(rules, 1)))
    assert house.bill("2026-01-01").invoices == invoices
    totals = house.rows("SELECT market, sum(net_cents) FROM document GROUP BY market ORDER BY 1")
    assert [(market, int(cents)) for market, cents in totals] == [
        ("000001", 2000),
        ("000002", 4000),
    ]


@pytest.mark.feature("A-SIM-13")
def test_an_anomaly_blocks_the_contracts_of_a_grouped_customer(house: House) -> None:
    """Grouped: 3 contracts blocked; not grouped: the one with the anomaly."""
    house.customers("C1", grouped=True)
    house.customers("C2")
    for customer in ("C1", "C2"):
        house.machine(f"B{customer}", customer, "NB")
        bad = copies("UC", "0.01", [(f"B{customer}", "NB")])
        good = [contract(f"{customer}K{k}", customer, fee("MF", "10.00")) for k in (1, 2)]
        house.contracts(*good, contract(f"{customer}K3", customer, bad))
    report = house.bill("2026-02-01")
    assert len(report.blocked) == 3 + 1
    assert [row[2] for row in house.invoices()] == ["C2", "C2"]
    assert {a.code.id for a in report.anomalies} == {"RAT-104"}
    assert {a.values["contract"] for a in report.anomalies} == {"C1K3", "C2K3"}
    for _, opening, state in house.rows(
        "SELECT r.id, r.opening, s.state FROM rule r JOIN rule_state s ON s.rule_id = r.id"
        " JOIN contract c ON c.id = r.contract_id WHERE c.code LIKE 'C1%'"
    ):
        assert json.loads(opening) == json.loads(state)


@pytest.mark.feature("A-SIM-05")
@pytest.mark.parametrize(("price", "billed"), [("9.99", 0), ("10.00", 1)])
def test_the_threshold(database_url: str, tmp_path: Path, price: str, billed: int) -> None:
    """Threshold 10: 9.99 not billed, dates unmoved, listed with its amount; 10.00 billed."""
    with house_at(database_url, tmp_path, SEUIL_FACTURATION="10") as house:
        house.customers("C1")
        house.contracts(contract("K1", "C1", fee("MF", price)))
        report = house.bill("2026-01-01")
        moved = house.state("MF") != {"next_theoretical": "2026-01-01"}
        listed = [(one.contract, str(one.amount)) for one in report.deferred]
    assert (report.invoices, moved) == (billed, bool(billed))
    assert listed == {"9.99": [("K1", "9.99")], "10.00": []}[price]


@pytest.mark.feature("A-RFC-03")
def test_an_empty_next_date_is_an_anomaly_with_the_rule(house: House) -> None:
    _copier(house, fee("MF", "25.00"), fee("OTHER", "5.00"))
    house.execute("UPDATE rule_state SET next_theoretical = NULL, state = '{}' WHERE rule_id = 1")
    house.execute("UPDATE rule SET opening = '{}' WHERE id = 1")
    report = house.bill("2026-01-01")
    assert (report.invoices, len(report.blocked)) == (0, 1)
    (anomaly,) = report.anomalies
    assert (anomaly.code.id, anomaly.values["rule"]) == ("RAT-206", "MF")


def test_a_bad_contract_is_named_by_id_and_class_and_the_others_post(house: House) -> None:
    house.customers("C1", "C2", "C3")
    house.contracts(*(contract(f"K{k}", f"C{k}", fee(f"R{k}", "10.00")) for k in (1, 2, 3)))
    house.execute("""UPDATE rule SET terms = '{"quantity":"secret"}' WHERE code = 'R2'""")
    simulated, _ = house.simulate("2026-01-01")
    report = house.bill("2026-01-01")
    assert report.failed == simulated.failed == [(2, "ValueError")]
    assert (report.invoices, simulated.invoices) == (2, 2)
    assert [row[2] for row in house.invoices()] == ["C1", "C3"]
    assert [row[0] for row in house.invoices()] == [1, 2]


def test_the_last_period_of_a_module_is_prorated(house: House) -> None:
    """A monthly fee of 30.00, module ended on 10/04: 10.00 (commercial base)."""
    rule = fee("MF", "30.00") | {"prorata": {"derniere": True}}
    house.customers("C1")
    house.contracts(contract("K1", "C1", rule, debut="2026-03-01", fin="2026-04-10"))
    house.bill("2026-05-01")
    assert house.lines() == [
        ("MF", "2026-03-01", "2026-04-01", 1, 3000),
        ("MF", "2026-04-01", "2026-04-11", 1, 1000),
    ]
    assert house.bill("2026-06-01").invoices == 0


DRIFTS = {
    "state": """UPDATE rule_state SET state = '{"next_theoretical":"2026-02-01"}'""",
    "next date": "UPDATE rule_state SET next_theoretical = '2026-03-01'",
    "event count": "UPDATE rule_state SET events = 7",
    "last document": "UPDATE rule_state SET last_document_id = 9",
}


@pytest.mark.parametrize("change", DRIFTS.values(), ids=DRIFTS)
def test_verification_names_a_rule_that_drifted(house: House, change: str) -> None:
    _copier(house, fee("MF", "25.00"))
    house.bill("2026-01-01")
    house.execute(change)
    fault = verify(house.engine, 1).fault
    assert fault is not None
    assert (fault.code.id, fault.values["rule"]) == ("LED-911", "MF")


def test_meters_one_each_bill_one_line_each(house: House) -> None:
    """Black and white, colour, in A4 and A3: four meters, four rules, four lines."""
    names = ("NB4", "CO4", "NB3", "CO3")
    house.customers("C1")
    house.machine("B1", "C1", *names)
    rules = [
        copies(f"UC{name}", "0.01", [("B1", name)], position=n) for n, name in enumerate(names)
    ]
    house.contracts(contract("K1", "C1", *rules))
    for day, more in (("2026-01-01", 0), ("2026-01-31", 50)):
        origin = "client" if more else "pose"
        house.readings(
            *(("B1", name, day, n + more * n, origin) for n, name in enumerate(names, 1))
        )
    house.bill("2026-02-01")
    assert [(code, int(units)) for code, _, _, units, _ in house.lines()] == [
        ("UCNB4", 50),
        ("UCCO4", 100),
        ("UCNB3", 150),
        ("UCCO3", 200),
    ]

"""The bulk update of increases: export, edit, differences, all or nothing, undo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from integration.cli import BAD_INPUT, DONE
from integration.sheets import number, write_table
from integration.translate.price_file import COLUMNS, letter
from tests.integration.billing.house import House
from tests.integration.prices.desk import Desk, signed

FIVE = {"kind": "Majoration personnalisée", "mode": "Appliquer pourcentage", "value": "5"}
YEARLY = {"renewal": "annuelle", "day": "1", "month": "juillet"}


@pytest.fixture
def desk(house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Two contracts, three rules, 1 January 2030."""
    signed(house)
    return Desk(house, monkeypatch, capsys)


def test_the_41_columns_of_the_seed() -> None:
    assert len(COLUMNS) == 41
    assert (letter("new_kind"), letter("new_overrun")) == ("R", "Z")
    assert (letter("contract_id"), letter("increase_id"), letter("activity")) == ("AK", "AN", "AO")
    assert COLUMNS["standard_sum"] == "Somme coûts standards"
    assert letter("standard_sum") == "J"


@pytest.mark.feature("A-ACT-01")
def test_nothing_is_selected_by_default(desk: Desk) -> None:
    code, _, err = desk.run("prices", "export", desk.house.folder / "x.csv")
    assert (code, err.split()[0]) == (BAD_INPUT, "RUN-141")
    before = desk.agreed()
    code, out, _ = desk.run("prices", "import", desk.export(), "--apply")
    assert (code, out) == (DONE, "Rien à modifier.\n")
    assert desk.agreed() == before
    assert not desk.house.rows("SELECT * FROM rule_change")


def test_each_criterion_narrows_the_export(desk: Desk) -> None:
    def codes(*words: str) -> list[str]:
        return [row["Libellé RFC"] for row in desk.rows(desk.export(*words))]

    assert codes("--contract", "serv") == ["Forfait 2"]
    assert codes("--activity", "BUREAU") == ["Forfait", "Toner"]
    assert codes("--module", "m1") == ["Forfait", "Toner", "Forfait 2"]
    assert codes("--not-billed-since", "2026-01-01") == ["Forfait", "Toner", "Forfait 2"]
    desk.house.bill("2026-02-01")
    assert codes("--not-billed-since", "2026-01-01") == []


def test_what_an_export_tells(desk: Desk) -> None:
    row = desk.rows(desk.export())[0]
    told = {name: row[COLUMNS[name]] for name in COLUMNS if row[COLUMNS[name]]}
    assert told.pop("increase_id")
    assert told == {
        "customer_code": "C1",
        "customer": "Société C1",
        "contract_code": "K1",
        "contract": "Copieurs",
        "module": "M1",
        "module_since": "01/01/2026",
        "rule": "Forfait",
        "costs": "1",
        "standard_sum": "100",
        "overrun_sum": "0",
        "kind": "Non révisable",
        "payment_mode": "virement",
        "contract_since": "01/01/2026",
        "assets": "0",
        "decimals": "2",
        "rounding": "Standard",
        "contract_id": "1",
        "customer_id": "1",
        "rule_id": "1",
        "activity": "BUREAU",
    }


@pytest.mark.feature("A-ACT-03")
def test_a_change_in_column_j_is_reported_as_ignored(desk: Desk) -> None:
    path = desk.fill(desk.export(), "Forfait", **{"Somme coûts standards": "999"})
    code, out, err = desk.run("prices", "import", path, "--apply")
    assert (code, out) == (DONE, "Rien à modifier.\n")
    assert err.startswith("IMP-206 prix.csv, ligne 2, colonne 10 : La colonne J « Somme coûts")
    assert len(err.splitlines()) == 1
    assert len(COLUMNS) == 41


@pytest.mark.feature("A-ACT-04")
def test_differences_are_shown_then_all_or_nothing(desk: Desk) -> None:
    path = desk.fill(desk.export("--contract", "Copieurs"), **FIVE, **YEARLY)
    code, out, _ = desk.run("prices", "import", path)
    assert code == DONE
    assert out.splitlines()[:5] == [
        "K1 / M1 / MF",
        "  Type augmentation : Non révisable → Majoration personnalisée",
        "  Unité augmentation : — → Appliquer pourcentage",
        "  Valeur augmentation : — → 5",
        "  Renouvellement d'augmentation : — → annuelle le 1 juillet",
    ]
    assert out.splitlines()[-1] == "2 règles à modifier ; rien n'est enregistré sans --apply."
    assert desk.agreed() == ["", "", ""]
    desk.fill(path, "Toner", value="-0,5", mode="Appliquer coefficient")
    code, _, err = desk.run("prices", "import", path, "--apply")
    assert code == BAD_INPUT
    assert "Règle « K1 / M1 / TO » : un coefficient ou un prix de remplacement est positif" in err
    assert desk.agreed() == ["", "", ""]
    desk.fill(path, "Toner", value="5", mode="Appliquer pourcentage")
    code, out, _ = desk.run("prices", "import", path, "--apply")
    assert (code, out.splitlines()[-2]) == (DONE, "2 règles modifiées.")
    assert desk.agreed()[0] == desk.agreed()[1] != ""
    assert desk.agreed()[2] == ""
    code, _, err = desk.run("prices", "import", path, "--apply")
    assert (code, err.split()[0]) == (BAD_INPUT, "IMP-205")  # the same file a second time


@pytest.mark.feature("A-ACT-05")
@pytest.mark.parametrize(
    ("year", "refused"), [("2029", True), ("2030", False), ("2031", False), ("2032", True)]
)
def test_the_next_increase_is_this_year_or_the_next(desk: Desk, year: str, refused: bool) -> None:
    """On 1 January 2030 a year in the past is refused."""
    path = desk.fill(desk.export(), "Forfait", **FIVE, **YEARLY, year=year)
    code, out, err = desk.run("prices", "import", path)
    assert code == (BAD_INPUT if refused else DONE)
    assert ("l'année de la prochaine augmentation est 2030 ou 2031" in err) == refused
    assert (f"Prochaine augmentation : — → 01/07/{year}" in out) == (not refused)


def test_the_next_increase_follows_the_last_one_applied(desk: Desk) -> None:
    ahead = {"kind": "Majoration personnalisée", "mode": "Ajouter valeur fixe", "value": "10"}
    path = desk.fill(desk.export(), "Forfait", **ahead, **YEARLY, year="2030")
    assert desk.run("prices", "import", path, "--apply")[0] == DONE
    desk.house.bill("2030-07-01", with_increases=True)
    path = desk.fill(desk.export(), "Forfait", year="2030")
    code, _, err = desk.run("prices", "import", path)
    assert (code, "doit suivre celle du 01/07/2030" in err) == (BAD_INPUT, True)
    row = desk.rows(desk.export())[0]
    assert (row["Dernière augmentation"], row["Prochaine augmentation"]) == (
        "01/07/2030",
        "01/07/2031",
    )
    assert row["Somme coûts standards"] == "110"


@pytest.mark.feature("A-ACT-06")
def test_a_warning_when_values_hit_different_articles(desk: Desk) -> None:
    ahead = {"kind": "Majoration personnalisée", "mode": "Ajouter valeur fixe", "value": "0,0003"}
    one = desk.fill(desk.export(), "Toner", **ahead)
    assert desk.run("prices", "import", one)[2] == ""
    both = desk.fill(desk.export(), **ahead)
    code, _, err = desk.run("prices", "import", both)
    assert (code, err.split()[0]) == (DONE, "IMP-208")
    assert "articles différents : MAINT, TONER" in err


@pytest.mark.feature("A-ACT-07")
def test_an_undo_file_puts_parameters_and_prices_back(desk: Desk) -> None:
    desk.run("prices", "import", desk.fill(desk.export(), "Toner", **FIVE, **YEARLY), "--apply")
    before = desk.agreed()
    syntec = {"kind": "Syntec", "renewal": "de prise d'effet du MSC", "standard": "9"}
    path = desk.fill(desk.export(), "Toner", **syntec)
    code, out, _ = desk.run("prices", "import", path, "--apply", "--author", "Dupond")
    assert code == DONE
    assert "  Somme coûts standards : 8 → 9" in out
    (undo,) = [word for word in out.split() if word.endswith(".csv")]
    rows = desk.house.rows("SELECT author, before, after FROM rule_change ORDER BY sequence")
    assert rows[-1] == ("Dupond", before[1], desk.agreed()[1])
    with pytest.raises(Exception, match="append only"):
        desk.house.execute("UPDATE rule_change SET author = 'X'")
    desk.house.bill("2030-01-01")
    assert _last_price(desk.house, "TO") == 9_00
    code, _, err = desk.run("prices", "import", undo, "--apply")
    assert (code, err.split()[0]) == (BAD_INPUT, "IMP-205")  # a billing applied it meanwhile


def test_undone_before_any_billing(desk: Desk) -> None:
    desk.run("prices", "import", desk.fill(desk.export(), "Toner", **FIVE, **YEARLY), "--apply")
    before = json.loads(desk.agreed()[1])
    path = desk.fill(desk.export(), "Toner", kind="Non révisable", standard="9")
    out = desk.run("prices", "import", path, "--apply")[1]
    (undo,) = [word for word in out.split() if word.endswith(".csv")]
    assert desk.run("prices", "import", undo, "--apply")[0] == DONE
    assert json.loads(desk.agreed()[1]) == before
    desk.house.bill("2030-01-01")
    assert _last_price(desk.house, "TO") == 8_00


def _last_price(house: House, rule: str) -> int:
    rows = house.rows(
        "SELECT l.net_cents FROM document_line l JOIN rule r ON r.id = l.rule_id"
        f" WHERE r.code = '{rule}' ORDER BY l.since"
    )
    return int(rows[-1][0])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"kind": "Syntec", "value": "5"}, "unité et valeur ne vont qu'avec"),
        ({"kind": "Majoration personnalisée"}, "demande une unité et une valeur"),
        ({"year": "2030"}, "« non révisable » n'a pas de date"),
        ({"kind": "Syntec", "day": "3"}, "un jour et un mois qui existent"),
        ({"kind": "Syntec", "day": "31", "month": "avril"}, "un jour et un mois qui existent"),
        ({"overrun": "9"}, "0 coûts de cette famille"),
        ({"standard": "9,0010"}, "les prix de la règle ont 2 décimales"),
    ],
)
def test_what_does_not_go_together_is_refused(
    desk: Desk, cells: dict[str, str], reason: str
) -> None:
    code, _, err = desk.run("prices", "import", desk.fill(desk.export(), "Forfait", **cells))
    assert (code, err.split()[0]) == (BAD_INPUT, "IMP-207")
    assert reason in err


def test_keys_and_rows_that_are_not_ours(desk: Desk) -> None:
    path = desk.fill(desk.export(), "Forfait", **{"ID-SSC-KEY": "77"})
    assert desk.run("prices", "import", path)[2].split()[0] == "IMP-204"
    path = desk.fill(desk.export(), "Forfait", kind="Syntec")
    desk.save(path, [desk.rows(path)[0]] * 2)
    assert desk.run("prices", "import", path)[2].split()[0] == "IMP-209"
    path = desk.fill(desk.export(), "Forfait", kind="Inflation")
    assert desk.run("prices", "import", path)[2].split()[0] == "IMP-110"


def test_an_xlsx_comes_back_unchanged(desk: Desk) -> None:
    path = desk.export(name="prix.xlsx")
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert rows[0] == list(COLUMNS.values())
    assert desk.run("prices", "import", path) == (DONE, "Rien à modifier.\n", "")


def test_a_formula_is_only_text(desk: Desk) -> None:
    desk.house.execute("UPDATE contract SET label = '=1+1' WHERE code = 'K1'")
    path = desk.export()
    assert desk.rows(path)[0]["Libelle SSC"] == "'=1+1"
    assert desk.run("prices", "import", path) == (DONE, "Rien à modifier.\n", "")
    book = desk.export(name="prix.xlsx")
    cell = CalamineWorkbook.from_path(book).get_sheet_by_index(0).to_python()[1][3]
    assert cell == "=1+1"
    write_table(path, ("a",), [("@x",), ("-3",), ("=1",)])
    assert [row["a"] for row in desk.rows(path)] == ["'@x", "'-3", "'=1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.234", "1,2340"),
        ("0.005", "0,005"),
        ("105.00", "105"),
        ("105", "105"),
        ("-12.5", "-12,50"),
    ],
)
def test_numbers_are_never_taken_for_thousands(value: str, text: str) -> None:
    from decimal import Decimal

    assert number(Decimal(value)) == text


def test_history_of_a_contract(desk: Desk, tmp_path: Path) -> None:
    path = desk.fill(desk.export(), "Forfait", **FIVE, **YEARLY, year="2030")
    desk.run("prices", "import", path, "--apply")
    desk.house.bill("2030-07-01", with_increases=True)
    out = desk.run("prices", "history", "K1")[1]
    first = out.splitlines()[0]
    assert first == "2030-07-01 MF MAINT custom billed : 100 → 105 (VT2030-000001)"
    found = json.loads(desk.run("prices", "history", "K1", "--json")[1])
    assert [row["price"] for row in found["rows"]] == ["billed", "cutoff", "profit"]

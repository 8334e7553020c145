"""What a simulation shows before billing, and the readings it asks for."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.contracts.estimate import VolumeSource
from billing.contracts.seen import Asking
from formats.common.anomaly import AnomaliesFound
from integration import cli
from integration.flows.billing import run
from integration.flows.billing.view import BLOCKED, HEADER, WAITS, View, view_of
from integration.flows.requests import proposed
from integration.sheets import Cell, write_table
from tests.integration.billing.house import House, contract, copies, fee, house_at
from tests.integration.cli.test_cli import _file, _run

DATA = Path(__file__).parents[2] / "data"


def shown(house: House, day: str, **options: Any) -> tuple[list[dict[str, Cell]], View]:
    """The rows of a simulation by column letter, and what was looked at."""
    order = house.run(day, **options)
    view = view_of(order, run.simulate(order)[1])
    return [dict(zip(LETTERS, row, strict=True)) for row in view.rows], view


LETTERS = [(chr(64 + n // 26) if n // 26 else "") + chr(65 + n % 26) for n in range(len(HEADER))]


def metered(house: House, *rules: dict[str, Any], meters: Sequence[str] = ("NB", "CO")) -> None:
    """Customer C1, machines B1 and B2 at 1000 on 1 January 2026, one contract."""
    house.customers("C1")
    for asset in ("B1", "B2"):
        house.machine(asset, "C1", *meters)
        house.readings(*((asset, meter, "2026-01-01", 1000, "pose") for meter in meters))
    house.contracts(contract("K1", "C1", *rules))


@pytest.mark.feature("A-REL-24")
def test_nine_columns_of_a_metered_line(house: House) -> None:
    """Reading used, last actual reading, last billed reading: date, origin, value of each."""
    metered(house, copies("UC", "0.01", [("B1", "NB")]))
    house.readings(("B1", "NB", "2026-01-31", 1300, "client"))
    house.bill("2026-02-01")
    (row,), _ = shown(house, "2026-03-31")
    assert {letter: row[letter] for letter in LETTERS[36:45]} == {
        "AK": date(2026, 3, 31), "AL": "estimation", "AM": 1890,
        "AN": date(2026, 1, 31), "AO": "Relevé Client", "AP": 1300,
        "AQ": date(2026, 1, 31), "AR": "Relevé Client", "AS": 1300,
    }  # fmt: skip
    assert HEADER[36] == "Date compteur servant à facturer"
    assert (row["AF"], row["AH"]) == (Decimal(590), Decimal("5.90"))


@pytest.mark.feature("A-REL-15")
@pytest.mark.parametrize(
    ("column", "code"),
    [("volume_contractuel", "VMC"), ("volume_saisi", "VMS"), ("volume_modele", "VMT"), ("", "VMM")],
)
def test_the_origin_of_the_volume_is_in_column_ai(house: House, column: str, code: str) -> None:
    metered(house, copies("UC", "0.01", [("B1", "NB")]))
    if column:
        house.bring("assets", f"bien;client;compteur;{column}\nB1;C1;NB;300\n")
    else:
        house.readings(("B1", "NB", "2026-01-31", 1300, "client"))
    (row,), _ = shown(house, "2026-03-31")
    assert (row["AI"], HEADER[34]) == (code, "Origine vol. moy.")
    assert {source.code for source in VolumeSource} == {"VMM", "VMC", "VMT", "VMS"}


@pytest.mark.feature("A-REL-22")
def test_mixed_regimes_on_one_asset_are_a_warning(house: House) -> None:
    """It names the asset and the two regimes, and blocks nothing."""
    metered(
        house,
        copies("UC1", "0.01", [("B1", "NB")], regime="reel"),
        copies("UC2", "0.01", [("B1", "CO")]),
    )
    day = "2026-02-01"
    house.readings(("B1", "NB", day, 1300, "client"), ("B1", "CO", day, 1300, "client"))
    rows, view = shown(house, day)
    assert [warning.sentence for warning in view.warnings] == [
        "Bien « B1 » : la règle « UC1 » est en régime réel, la règle « UC2 » en régime estimation"
        " autorisée."
    ]
    assert view.warnings[0].code.id == "RAT-301"
    assert [row["AH"] for row in rows] == [3, 3]


@pytest.mark.feature("A-REL-05")
@pytest.mark.parametrize(("age", "asked"), [(21, ["NB"]), (20, [])])
def test_a_request_is_proposed_from_21_days_on(house: House, age: int, asked: list[str]) -> None:
    metered(house, copies("UC", "0.01", [("B1", "NB")]))
    today = date(2026, 3, 1)
    read = today - timedelta(days=age)
    house.readings(("B1", "NB", read.isoformat(), 1300, "client"))
    days = house.app.settings.parameters.NB_JOURS_MAX_SANS_RELEVE_COMPTEUR_REEL
    found = list(proposed(house.run("2026-03-01"), Asking(today, days)))
    assert [one.meter.code for one in found] == asked
    assert [(one.asset, one.days) for one in found] == [("B1", age)] * len(asked)


@pytest.mark.feature("A-SIM-09")
def test_three_assets_make_three_rows_and_one_amount(house: House) -> None:
    metered(house, copies("UC", "0.01", [("B1", "NB"), ("B1", "CO"), ("B2", "NB")]))
    day = "2026-02-01"
    house.readings(*((a, m, day, 1100, "client") for a, m in [("B1", "NB"), ("B1", "CO")]))
    house.readings(("B2", "NB", day, 1200, "client"))
    rows, _ = shown(house, day)
    assert len(rows) == 3
    assert [row["AH"] for row in rows] == [Decimal("4.00"), None, None]
    assert [(row["AA"], row["AM"]) for row in rows] == [("NB", 1100), ("CO", 1100), ("NB", 1200)]


@pytest.mark.feature("A-SIM-07")
def test_beside_an_anomaly_s_to_ak_are_empty(house: House) -> None:
    metered(house, copies("UC", "0.01", [("B1", "NB")], regime="reel"), fee("MF", "30.00"))
    rows, _ = shown(house, "2026-02-01")
    blank = LETTERS[LETTERS.index("S") : LETTERS.index("AK") + 1]
    assert [{row[letter] for letter in blank} for row in rows] == [{None}, {None}]
    assert "Pas de relevé réel à facturer" in str(rows[0]["BP"])
    assert rows[1]["BP"] == BLOCKED


@pytest.mark.feature("A-SIM-08")
def test_customer_only_without_reading_leaves_five_cells_blank(
    database_url: str, tmp_path: Path
) -> None:
    """VMM origin, VMM, installation date and counter, date of counter; last read 20 days ago."""
    with house_at(database_url, tmp_path, EXCEPTION_RELEVE_FACTURATION=False) as house:
        metered(house, copies("UC", "0.01", [("B1", "NB")], regime="particulier"))
        house.readings(("B1", "NB", "2026-01-11", 1100, "client"))
        (row,), _ = shown(house, "2026-02-01")
    assert (date(2026, 2, 1) - date(2026, 1, 11)).days > 20
    blank = ("AI", "AJ", "W", "X", "AK")
    assert [row[letter] for letter in blank] == [None] * 5


@pytest.mark.feature("A-SIM-06")
def test_76_columns_to_csv_and_xlsx(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A to BX in order; a text that begins like a formula stays a text."""
    home = tmp_path / "maison"
    assert cli.main(["--home", str(home), "init"]) == cli.DONE
    name = "=1+1"
    customers = f'code;nom\nC1;"{name}"\n'
    for file, content in (
        ("1.csv", customers),
        ("2.json", json.dumps(contract("K1", "C1", fee("MF", "30.00")))),
    ):
        assert _run(capsys, home, "import", _file(tmp_path, file, content))[0] == cli.DONE
    table, sheet = tmp_path / "detail.csv", tmp_path / "detail.xlsx"
    for path in (table, sheet):
        words = ("simulate", "--date", "2026-01-01", "--output", path)
        assert _run(capsys, home, *words)[0] == cli.DONE
    with table.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file, delimiter=";")
    assert (len(header), len(LETTERS), LETTERS[-1]) == (76, 76, "BX")
    with (DATA / "columns" / "simulation.csv").open(encoding="utf-8") as file:
        wanted = list(csv.DictReader(file, delimiter=";"))
    assert [(one["letter"], one["label"]) for one in wanted] == list(
        zip(LETTERS, header, strict=True)
    )
    assert (header[0], header[33], header[75]) == ("Code client", "Montant HT", "Date fin marché")
    assert (row[4], row[33], row[29]) == ("'=1+1", "30", "01/01/2026")
    from python_calamine import CalamineWorkbook

    first, second = CalamineWorkbook.from_path(str(sheet)).get_sheet_by_index(0).to_python()
    assert tuple(first) == HEADER
    assert (second[4], second[33], second[29]) == (name, 30.0, date(2026, 1, 1))
    code, out, _ = _run(capsys, home, "requests", "propose", "--date", "2026-01-01", "--json")
    assert (code, json.loads(out)["proposed"]) == (cli.DONE, [])


def block(**terms: Any) -> dict[str, Any]:
    """Blocks of 1000 without limit on B1's NB, in advance, checked each month."""
    costs = [{"article": "TRANCHE", "prix": "0.01", "tva": 20}]
    if "deposit" in terms:
        costs.append({**costs[0], "famille": "depot"})
    made = copies("TR", "0.01", [("B1", "NB")], parametres={"units": 1000, **terms})
    return {**made, "type": "block", "terme": "a_echoir", "couts": costs}


# [G]: which figures stand there, and in what they are counted, waits for a user.
@pytest.mark.feature("A-TR-08")
def test_gtb_fills_bj_to_bm(house: House) -> None:
    """3000 a year in steps of 1000: one step at the start, two more when 1000 and 2000 pass."""
    metered(house, block(yearly_volume=3000))
    seen = []
    for day, value in (("2026-01-01", 1000), ("2026-02-01", 2500), ("2026-03-01", 3500)):
        house.readings(("B1", "NB", day, value, "client"))
        (row,), _ = shown(house, day)
        seen.append([row[letter] for letter in ("BJ", "BK", "BL", "BM", "BN")])
        house.bill(day)
    assert seen == [[3000, 0, 1000, 0, None], [3000, 0, 1000, 1, None], [3000, 0, 1000, 2, None]]
    (row,), _ = shown(house, "2026-04-01")
    assert [row[letter] for letter in ("BJ", "BK", "BL", "BM")] == [3000, 1, 1000, 3]
    labels = ["Seuil de facturation", "Seuil à atteindre", "Cadence Facturation"]
    assert list(HEADER[61:65]) == [*labels, "Cadence à atteindre"]


@pytest.mark.feature("A-TR-09")
def test_sf1_fills_bn_and_bo_and_deducts_its_deposit(house: House) -> None:
    """A deposit of 1500 on 1 January; the two next blocks give back 1000 and 500."""
    metered(house, block(deposit=1500))
    for day, value in (("2026-01-01", 1000), ("2026-02-01", 2500), ("2026-03-01", 3500)):
        house.readings(("B1", "NB", day, value, "client"))
        row, *_ = shown(house, day)[0]
        billed_on = None if day == "2026-01-01" else date(2026, 1, 1)
        assert (row["BN"], row["BO"], row["BJ"], row["BM"]) == (1500, billed_on, None, None)
        house.bill(day)
    amounts = [int(line[3]) for line in house.lines()]
    assert amounts == [1000, 1500, 1000, -1000, 1000, -500]
    assert [net for _, _, _, net, _, _ in house.invoices()] == [2500, 0, 500]
    names = ("Nbre de copie de l'acompte", "Date de facturation de l'acompte")
    assert (HEADER[65], HEADER[66]) == names


def test_below_the_threshold_the_row_says_so(house: House) -> None:
    house.customers("C1")
    house.contracts(contract("K1", "C1", fee("MF", "9.99")))
    (row,), _ = shown(house, "2026-01-01", threshold=Decimal(10))
    assert (row["BP"], row["AH"]) == (WAITS, None)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnomaliesFound, match="RUN-115"):
        write_table(tmp_path / "detail.ods", HEADER, [])

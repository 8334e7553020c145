"""Readings of other people's software: invented exports, by the mappings that ship and our own."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import select

from config.mappings import SHIPPED, load_mapping, mappings
from formats.common.anomaly import AnomaliesFound
from integration.database import tables as t
from integration.inbox import Imported, Office, Outcome, import_paths, import_waiting
from integration.translate import flow
from tests.integration.imports.samples import CUSTOMERS, bring_in, rows, sentences

SAMPLES = Path(__file__).parents[2] / "data" / "readings"
MACHINES = (
    "bien;client;serie;compteur\nB1;C1;SN-4711;NB\nB1;C1;SN-4711;CO\nB1;C1;SN-4711;TOTAL\n"
    "B2;C1;SN-4712;NB\nB3;C1;SN-5000;NB\nB4;C1;SN-5000;NB\n"
)
DAY = date(2026, 1, 31)
BOTH = {("B1", "NB", DAY, 12_345, "provider"), ("B1", "CO", DAY, 1200, "provider")}
READ = {
    "kpax": BOTH,
    "remote": BOTH | {("B1", "TOTAL", DAY, 13_545, "provider")},
    "printfleet": BOTH | {("B2", "NB", DAY, 800, "provider")},
}


@pytest.fixture
def shop(office: Office) -> Office:
    """An office with machines that have serial numbers."""
    bring_in(office, "customers", CUSTOMERS)
    bring_in(office, "assets", MACHINES)
    return office


def stored(office: Office) -> set[tuple[object, ...]]:
    r = t.reading.c
    query = (
        select(t.asset.c.code, t.meter.c.code, r.read_on, r.value, r.origin)
        .join(t.meter, t.meter.c.asset_id == t.asset.c.id)
        .join(t.reading, r.meter_id == t.meter.c.id)
    )
    with office.engine.begin() as connection:
        return {tuple(row) for row in connection.execute(query)}


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.csv").read_bytes()


def by_hand(office: Office, data: bytes | str, mapping: str, name: str = "r.csv") -> Imported:
    """`echeance import --mapping NAME FILE`."""
    path = office.settings.folders.home.parent / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    (one,) = import_paths(office, [path], f"readings@{mapping}")
    return one


def test_each_mapping_that_ships_has_its_sample() -> None:
    assert set(mappings()) == set(READ) == {path.stem for path in SAMPLES.glob("*.csv")}


@pytest.mark.parametrize("name", list(READ))
def test_an_export_is_known_by_its_header_and_read(shop: Office, name: str) -> None:
    for folder in ("", "readings"):
        one = bring_in(shop, folder, sample(name), f"{name}.csv")
        assert (one.flow, sentences(one)) == ("readings", [])
        assert stored(shop) == READ[name]
    assert one.outcome is Outcome.DUPLICATE


@pytest.mark.parametrize("name", list(READ))
def test_the_same_export_as_a_workbook(shop: Office, name: str) -> None:
    mapping = load_mapping(SHIPPED / f"{name}.toml")
    columns = mapping.columns
    long = [("NB", 12_345), ("CO", 1200)]
    titles = {code: title for title, code in mapping.meters.items()}
    heads = [columns.serial, columns.date]
    made = BytesIO()
    with xlsxwriter.Workbook(made, {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet()
        lines: list[list[object]] = [["Export"]] * mapping.skip_lines
        if columns.meter:
            lines += [[*heads, columns.meter, columns.value]]
            lines += [["SN-4711", DAY, titles[code], value] for code, value in long]
        else:
            wanted = [title.partition("#")[0] for title in mapping.meters]
            values = [dict(long).get(code, 13_545) for code in mapping.meters.values()]
            lines += [[*heads, *wanted], ["SN-4711", DAY, *values]]
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)
    one = bring_in(shop, "readings", made.getvalue(), f"{name}.xlsx")
    assert sentences(one) == []
    assert stored(shop) == READ[name] - {("B2", "NB", DAY, 800, "provider")}


@pytest.mark.feature("A-REL-20")
def test_the_same_reading_from_the_kpax_batch_and_a_file_is_stored_once(shop: Office) -> None:
    batch = bring_in(shop, "readings", sample("kpax"))
    assert batch.counts["relevés enregistrés"] == 2
    own = "bien;compteur;date;valeur\nB1;NB;31/01/2026;12345\n"
    file = bring_in(shop, "readings", own)
    assert dict(file.counts) == {"relevés enregistrés": 0, "relevés déjà connus": 1}
    other = by_hand(shop, sample("printfleet"), "printfleet")
    assert dict(other.counts) == {"relevés enregistrés": 1, "relevés déjà connus": 2}
    assert rows(shop, t.reading) == 3


def test_machines_we_do_not_hold_are_told_and_left_out(shop: Office) -> None:
    one = bring_in(shop, "readings", sample("kpax"), "kpax.csv")
    assert [str(notice) for notice in one.notices] == [
        "IMP-190 kpax.csv, ligne 5, colonne 2 : Aucun bien ne porte le numéro de série"
        " « SN-9999 ». Renseignez la série du bien, ou retirez la machine de l'export."
    ]
    head = sample("printfleet").decode().split("\n")[0]
    line = "Martin,SN-4712,1/31/2026 1:00:00 AM,5,6\nMartin,SN-5000,1/31/2026,5,6\n"
    two = bring_in(shop, "readings", f"{head}\n{line}", "p.csv")
    assert [(n.code.id, n.place.line, n.place.start) for n in two.notices] == [
        ("IMP-191", 3, 2),
        ("IMP-160", 2, 5),
    ]


STRICT = """
description = "essai"
decimal = "."
thousands = "."
dates = ["%d.%m.%Y"]
[columns]
asset = "Code"
date = "Jour"
meter = "Nom"
value = "Index"
[meters]
"Noir" = "NB"
"""


@pytest.fixture
def own(shop: Office) -> Office:
    """An installation with a mapping of its own."""
    folder = shop.settings.folders.mappings
    folder.mkdir()
    (folder / "atelier.toml").write_text(STRICT.replace('decimal = "."', 'decimal = ","'))
    return shop


def test_a_mapping_of_ones_own(own: Office) -> None:
    one = by_hand(own, "code;jour;nom;index\nB1;31.01.2026;Noir;12.345\n", "atelier")
    assert sentences(one) == []
    assert stored(own) == {("B1", "NB", DAY, 12_345, "provider")}
    assert "#   atelier : essai" in flow.load("readings", own.settings).schema()


def test_bad_lines_are_told_with_line_and_column(own: Office) -> None:
    lines = (
        "Code;Jour;Nom;Index", "B1;31/01/2026;Noir;1", "B1;31.01.2026;Noir;1.5",
        "B1;31.01.2026;Noir;1,5", "B1;31.01.2026;Vert;1", "B1;;Noir;1", "B1;31.01.2026;Noir;-1",
        "B1;31.01.2026;Noir", "B9;31.01.2026;Noir;1", "B1;31.01.2026;Noir;12.34",
    )  # fmt: skip
    one = by_hand(own, "\n".join(lines) + "\n", "atelier")
    told = [(a.code.id, a.place.line, a.place.start) for a in one.anomalies]
    assert told == [
        ("IMP-105", 2, 2), ("IMP-106", 3, 4), ("IMP-108", 4, 4), ("IMP-192", 5, 3),
        ("IMP-101", 6, 2), ("IMP-106", 7, 4), ("IMP-125", 8, 0), ("IMP-106", 10, 4),
    ]  # fmt: skip
    assert "« Vert » n'est pas dans la correspondance « atelier »" in sentences(one)[3]
    unknown = by_hand(own, f"{lines[0]}\n{lines[8]}\n", "atelier", "b.csv")
    assert [a.code.id for a in unknown.anomalies] == ["IMP-160"]
    assert rows(own, t.reading) == 0


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Code;Jour;Nom", "IMP-123"), ("Code;Jour;Nom;Index;INDEX", "IMP-124"), ("", "IMP-121"),
        ("Code;Jour;Nom;Index", "IMP-128"),
    ],
)  # fmt: skip
def test_a_header_that_does_not_fit(own: Office, header: str, code: str) -> None:
    one = by_hand(own, header + "\n", "atelier")
    assert [anomaly.code.id for anomaly in one.anomalies] == [code]


def test_an_encoding_that_is_not_the_mapping_s(own: Office) -> None:
    data = "Code;Jour;Nom;Index\nB1;31.01.2026;Noir é;1\n".encode("cp1252")
    assert [a.code.id for a in by_hand(own, data, "atelier").anomalies] == ["IMP-193"]


def test_two_mappings_of_one_header_are_not_guessed(own: Office) -> None:
    folder = own.settings.folders.mappings
    (folder / "double.toml").write_bytes((folder / "atelier.toml").read_bytes())
    data = "Code;Jour;Nom;Index\nB1;31.01.2026;Noir;1\n"
    one = bring_in(own, "readings", data)
    assert sentences(one)[0].startswith(
        "IMP-194 f.txt : Plusieurs correspondances reconnaissent cet en-tête : atelier, double."
    )
    watched = own.settings.folders.inbox / "readings@double"
    watched.mkdir()
    (watched / "r.csv").write_text(data)
    (two,) = import_waiting(own, settle_s=0)
    assert (two.outcome, two.flow) == (Outcome.IMPORTED, "readings")


def test_unknown_mappings_and_bad_mapping_files(own: Office) -> None:
    with pytest.raises(AnomaliesFound) as found:
        by_hand(own, "x", "nulle")
    assert str(found.value.anomalies[0]).startswith(
        "IMP-195 La correspondance « nulle » n'existe pas ; connues : atelier, kpax, printfleet,"
    )
    with pytest.raises(AnomaliesFound):
        flow.load("customers@kpax", own.settings)
    path = own.settings.folders.mappings / "faux.toml"
    path.write_text(STRICT.replace('asset = "Code"', "") + "[autre]\n")
    with pytest.raises(AnomaliesFound) as faults:
        load_mapping(path)
    told = [(a.code.id, a.values["key"], a.place.file) for a in faults.value.anomalies]
    assert told == [
        ("CFG-005", "thousands", "faux.toml"),
        ("CFG-005", "columns", "faux.toml"),
        ("CFG-003", "autre", "faux.toml"),
    ]

"""Names, archives, XML and cells from outside: they stay where they belong."""

from __future__ import annotations

import csv
import zipfile
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from billing.unpaid import Unpaid
from formats.common.anomaly import AnomaliesFound
from formats.common.privacy import holds_nir, without_nir
from formats.safe_xml import parsed
from integration.flows import unpaid
from integration.inbox import safe_name
from integration.sheets import unquoted, write_table
from integration.translate import tabular
from integration.translate.tabular import xlsx_cells

DANGEROUS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1")


@pytest.mark.parametrize("text", DANGEROUS)
def test_f39_a_text_never_becomes_a_formula(tmp_path: Path, text: str) -> None:
    for name in ("t.csv", "t.xlsx"):
        write_table(tmp_path / name, ("Texte", "Nombre"), [(text, -5)])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        _, (first, number) = csv.reader(file, delimiter=";")
    assert (first[0], unquoted(first), number) == ("'", text, "-5")
    sheet = load_workbook(tmp_path / "t.xlsx").active
    assert sheet is not None
    assert (sheet["A2"].data_type, sheet["B2"].value) == ("s", -5)


def test_f39_the_list_of_unpaid_holds_no_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(title, _cell("-5,00" if 5 <= n < 10 else "=2+2")) for n, (title, _) in _numbered()]
    monkeypatch.setattr(unpaid, "COLUMNS", tuple(told))
    page = type("Page", (), {"rows": [object.__new__(Unpaid)]})()
    _, cells = csv.reader(StringIO(unpaid.as_csv(page)), delimiter=";")
    assert cells[0] == "'=2+2"
    assert set(cells[5:10]) == {"-5,00"}  # amounts stay numbers


def _numbered() -> list[tuple[int, tuple[str, unpaid.Cell]]]:
    return list(enumerate(unpaid.COLUMNS))


def _cell(text: str) -> unpaid.Cell:
    return lambda row: text


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..\\..\\x", "C:\\x.csv", "a\x00b", "..", ".",
     "\u202etxt.exe", "x" * 300, "CON", "a\nb", "é" * 200, "-rf", "~x"],
)  # fmt: skip
def test_f40_no_name_leaves_its_folder(tmp_path: Path, name: str) -> None:
    safe = safe_name(name)
    assert (tmp_path / safe).parent == tmp_path
    assert (tmp_path / safe).resolve().is_relative_to(tmp_path)
    assert safe.isascii()
    assert safe.isprintable()
    assert 0 < len(safe) <= 100
    assert not safe.startswith((".", "-", "~"))


def workbook(content: bytes) -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", content)
    return held.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(AnomaliesFound) as found:
        list(xlsx_cells(data, "c.xlsx"))
    return found.value.anomalies[0].code.id


def test_f18_a_bomb_is_stopped_by_what_it_holds_not_by_what_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tabular, "MOST_UNZIPPED", 4 << 20)
    bomb = workbook(bytes(5 << 20))
    assert len(bomb) < 10_000
    assert refusal(bomb) == "IMP-129"
    assert refusal(workbook(b"<x/>")) == "IMP-127"
    assert refusal(workbook(bytes(9))[:-20]) == "IMP-127"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "FMT-691"),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "FMT-691"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>', "FMT-691"),
        ("<!DOCTYPE x><x/>", "FMT-691"),
        ("<x>&nothing;</x>", "FMT-692"),
        ("<a>" * 300 + "</a>" * 300, "FMT-692"),
        ("<x>", "FMT-692"),
        ("", "FMT-692"),
    ],
)
def test_f19_xml_with_a_doctype_or_broken_is_refused(text: str, code: str) -> None:
    with pytest.raises(AnomaliesFound) as found:
        parsed(text.encode(), "f.xml")
    assert found.value.anomalies[0].code.id == code


def test_plain_xml_is_read() -> None:
    assert parsed("<a b='é'>x</a>".encode()).get("b") == "é"


@pytest.mark.parametrize(
    "text", ["1800175056001", "180017505600103", "1 80 01 75 056 001 03", "2.99.12.2A.123.456"]
)
def test_whatever_has_the_shape_of_a_nir_is_masked(text: str) -> None:
    assert without_nir(f"né {text}, dossier") == "né ***, dossier"
    assert holds_nir(f"né {text}, dossier".encode())


@pytest.mark.parametrize("text", ["73282932000074", "20260131T120000", "9800175056001", "12345"])
def test_other_numbers_are_told(text: str) -> None:
    assert without_nir(text) == text

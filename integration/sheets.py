"""Tables out: CSV and XLSX that a spreadsheet opens as it is, and never runs.

A text that a spreadsheet would take for a formula is written behind an apostrophe in CSV, as plain
text in XLSX; `unquoted` takes it back.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Final, TextIO

from formats.common.anomaly import AnomaliesFound, Anomaly, Code

Cell = str | int | Decimal | date | None

UNKNOWN_SHEET: Final = Code(
    "RUN-115", "« {name} » n'est ni un fichier .csv ni un .xlsx.", "Finissez le nom par .csv."
)
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV Injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write the table, whole or not at all. Raises AnomaliesFound (RUN-115), OSError."""
    writers = {".csv": _csv, ".xlsx": _xlsx}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise AnomaliesFound(Anomaly(UNKNOWN_SHEET, values={"name": path.name}))
    partial = path.with_name(f".{path.name}.part")
    write(partial, header, rows)
    partial.replace(path)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a book."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def book_of(sheets: Iterable[Sheet], made_on: date) -> bytes:
    """An XLSX book; the same sheets of the same day give the same bytes."""
    import xlsxwriter  # type: ignore[import-untyped]

    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        made = datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC)
        book.set_properties({"created": made})
        for sheet in sheets:
            _fill(book, sheet.name, (sheet.header, *sheet.rows))
    return content.getvalue()


def csv_bytes(rows: Iterable[Sequence[Cell]]) -> bytes:
    """A small table, its header first, as the bytes of a CSV file."""
    text = StringIO(newline="")
    _rows(text, rows)
    return text.getvalue().encode("utf-8-sig")


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """UTF-8 with a byte order mark, semicolons, CRLF, as French spreadsheets expect."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        _rows(file, itertools.chain([header], rows))


def _rows(file: TextIO, rows: Iterable[Sequence[Cell]]) -> None:
    csv.writer(file, delimiter=";").writerows([written(cell) for cell in row] for row in rows)


def _xlsx(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Texts are texts, whatever they begin with; numbers and dates are typed."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        _fill(book, None, itertools.chain((header,), rows))


def _fill(book: Any, name: str | None, rows: Iterable[Sequence[Cell]]) -> None:
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for rank, row in enumerate(rows):
        for column, cell in enumerate(row):
            _put(sheet, rank, column, cell, day)


def _put(sheet: Any, row: int, column: int, cell: Cell, day: Any) -> None:
    if isinstance(cell, date):
        sheet.write_datetime(row, column, cell, day)
    elif isinstance(cell, int | Decimal):
        sheet.write_number(row, column, cell)
    elif cell:
        sheet.write_string(row, column, cell)


def written(cell: Cell) -> str:
    """A cell as CSV holds it: French dates and commas; a formula behind an apostrophe."""
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, Decimal):
        return number(cell)
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


def number(value: Decimal) -> str:
    """A number that no reader takes for thousands: « 1,2340 », « 0,005 », « 12,50 », « 105 »."""
    whole, _, decimals = f"{value:f}".partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) == 3 and whole.lstrip("-0"):
        decimals += "0"
    return f"{whole},{decimals.ljust(2, '0')}" if decimals else whole


def unquoted(text: str) -> str:
    """A text of ours as it was before `written`."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text

"""Tables handed to a clerk: CSV or XLSX by the file's name, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

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


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Semicolons, decimal commas and a byte order mark, as French spreadsheets expect."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(header)
        writer.writerows([_text(cell) for cell in row] for row in rows)


def _text(cell: Cell) -> str:
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, Decimal):
        return f"{cell:f}".replace(".", ",")
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


def _xlsx(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Texts are texts, whatever they begin with; numbers and dates are typed."""
    import xlsxwriter  # type: ignore[import-untyped]

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for rank, row in enumerate((header, *rows)):
            for column, cell in enumerate(row):
                _put(sheet, rank, column, cell, day)


def _put(sheet: Any, row: int, column: int, cell: Cell, day: Any) -> None:
    if isinstance(cell, date):
        sheet.write_datetime(row, column, cell, day)
    elif isinstance(cell, int | Decimal):
        sheet.write_number(row, column, cell)
    elif cell:
        sheet.write_string(row, column, cell)

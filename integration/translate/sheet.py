"""Tables out: CSV and XLSX that a spreadsheet opens as it is, and never runs.

A text that a spreadsheet would take for a formula is written behind an apostrophe in CSV, as plain
text in XLSX; `unquoted` takes it back.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Final

Cell = str | int | Decimal | date | None
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def table_bytes(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as the file's ending says: XLSX, else CSV (UTF-8 with BOM, `;`, CRLF)."""
    return _xlsx(header, rows) if name.lower().endswith(".xlsx") else _csv(header, rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=";")
    writer.writerow(header)
    writer.writerows([written(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _xlsx(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    from xlsxwriter import Workbook  # type: ignore[import-untyped]

    out = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "constant_memory": True}
    with Workbook(out, options) as book:
        days, sheet = book.add_format({"num_format": "dd/mm/yyyy"}), book.add_worksheet()
        for line, row in enumerate((header, *rows)):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(line, column, cell, days)
                elif isinstance(cell, str):
                    sheet.write_string(line, column, cell)
                elif cell is not None:
                    sheet.write_number(line, column, cell)
    return out.getvalue()


def written(cell: Cell) -> str:
    """A cell as CSV holds it: French dates and commas; a formula behind an apostrophe."""
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, Decimal):
        return number(cell)
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


def number(value: Decimal) -> str:
    """A number that no reader takes for thousands: « 1,2340 », « 0,005 », « 105,00 »."""
    text = f"{value:f}"
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    if len(decimals) == 3 and whole.lstrip("-0"):
        decimals += "0"
    return f"{whole},{decimals.ljust(2, '0')}" if decimals else whole


def unquoted(text: str) -> str:
    """A text of ours as it was before `written`."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text

"""The pages behind an invoice that detail some of its lines: one row each, and their sum."""

from __future__ import annotations

from typing import Final

from formats.pdf.canvas import bold
from formats.pdf.content import AnnexRow
from formats.pdf.french import day, euros
from formats.pdf.letterhead import Sheet
from formats.pdf.table import (
    CARRIED,
    CARRY_HEIGHT,
    FIGURES,
    GAP,
    HAIRLINE,
    HEAD_HEIGHT,
    LEFT,
    RIGHT,
    ROOM,
    columns_of,
)

TITLE: Final = bold(10.5)
TITLE_HEIGHT: Final = 24.0
ROW: Final = 15.0
COLUMNS: Final = columns_of(
    ("Date", 92), ("Patient", 0), ("Détail", 150), ("Analyseur", 100), ("Montant HT", 76)
)


def draw_annex(sheet: Sheet) -> None:
    """Draws the annex of the sheet's invoice on pages of its own; nothing without rows."""
    rows = list(sheet.invoice.annex)
    while rows:
        y = _opened(sheet)
        fitting = int((sheet.bottom - y - CARRY_HEIGHT) / ROW)
        for row in rows[:fitting]:
            y = _row(sheet, y, row)
        rows = rows[fitting:]
        if not rows:
            _sum(sheet, y)


def _opened(sheet: Sheet) -> float:
    y = sheet.next_page()
    sheet.canvas.text(LEFT, y + 12, "Annexe : détail des analyses", TITLE)
    for column in COLUMNS[:-1]:
        sheet.canvas.text(column.left, y + TITLE_HEIGHT + 12, column.title, CARRIED)
    last = COLUMNS[-1]
    sheet.canvas.text_to(last.right, y + TITLE_HEIGHT + 12, last.title, CARRIED)
    sheet.canvas.bar(LEFT, y + TITLE_HEIGHT + HEAD_HEIGHT - 1.2, ROOM, 1.2, sheet.accent)
    return y + TITLE_HEIGHT + HEAD_HEIGHT


def _row(sheet: Sheet, y: float, row: AnnexRow) -> float:
    cells = (f"{day(row.dated_on)} {row.time}".strip(), row.patient, row.detail, row.device)
    for column, cell in zip(COLUMNS, cells, strict=False):
        sheet.canvas.text_within(column.left, y + 10.5, cell, FIGURES, column.room)
    sheet.canvas.text_to(RIGHT, y + 10.5, euros(row.amount_cents), FIGURES, COLUMNS[-1].room)
    sheet.canvas.bar(LEFT, y + ROW - 0.4, ROOM, 0.4, HAIRLINE)
    return y + ROW


def _sum(sheet: Sheet, y: float) -> None:
    total = sum(row.amount_cents for row in sheet.invoice.annex)
    sheet.canvas.text_to(COLUMNS[-1].left - GAP, y + 11.5, "Total HT", CARRIED)
    sheet.canvas.text_to(RIGHT, y + 11.5, euros(total), CARRIED, COLUMNS[-1].room)

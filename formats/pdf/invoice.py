"""The one template of every invoice people receive: A4, French, any number of lines.

A letterhead that fits a DL window envelope, a strip of dates and references, the table of lines
with its sums carried from page to page, the totals, the payment, the mentions. Colour only
decorates: everything reads in black and white.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.pdf import closing, letterhead
from formats.pdf.annex import draw_annex
from formats.pdf.canvas import Canvas, document, sealed
from formats.pdf.checks import anomalies
from formats.pdf.content import InvoicePage, Look
from formats.pdf.table import (
    AMOUNT_COLUMN,
    CARE,
    CARRY_HEIGHT,
    CONTRACT,
    HEAD_HEIGHT,
    TALLEST_ROW,
    Column,
    Row,
    draw_carry,
    draw_head,
    draw_row,
    paginated,
    rows,
)

OUTGROWN: Final = Code(
    "FMT-306",
    "{part} ne tient pas sur une page.",
    "Raccourcissez les textes ou répartissez sur plusieurs factures.",
)


def render(invoice: InvoicePage, look: Look) -> bytes:
    """The invoice as a PDF: the same values always give the same bytes.

    Raises AnomaliesFound (FMT-301 to FMT-306) with everything that can't be printed faithfully:
    characters the font lacks, sums that don't add up, mandatory mentions left empty.
    """
    found = anomalies(invoice)
    if found:
        raise AnomaliesFound(*found)
    canvas = compose(invoice, look)
    title = f"{invoice.kind} {invoice.number}"
    return sealed(document(canvas, title, invoice.seller.name, invoice.issued_on, look.logo))


def compose(invoice: InvoicePage, look: Look) -> Canvas:
    """The drawn pages, before they become a document. Expects a page without anomalies.

    Raises AnomaliesFound (FMT-306) when the letterhead, the foot or the totals outgrow a page.
    """
    canvas = Canvas()
    sheet = letterhead.Sheet(canvas, invoice, look)
    columns = CONTRACT if invoice.care is None else CARE
    start = sheet.first_page()
    ending = closing.Closing(invoice, sheet)
    _check_rooms(sheet, start, ending)
    pages = paginated(
        tuple(rows(invoice.lines, columns)),
        sheet.bottom - start - HEAD_HEIGHT,
        sheet.bottom - letterhead.NEXT_TOP - HEAD_HEIGHT,
        ending.height,
    )
    y = _draw_table(sheet, start, columns, pages)
    ending.draw(y)
    draw_annex(sheet)
    sheet.number_pages()
    return canvas


def _check_rooms(sheet: letterhead.Sheet, start: float, ending: closing.Closing) -> None:
    """Nothing is ever drawn off the paper."""
    room = sheet.bottom - letterhead.NEXT_TOP - HEAD_HEIGHT - CARRY_HEIGHT
    parts = (
        ("L'en-tête", start + HEAD_HEIGHT + CARRY_HEIGHT, sheet.bottom),
        ("Le pied de page", TALLEST_ROW + CARRY_HEIGHT, room),
        ("Le bloc des totaux", ending.sums_height, room - TALLEST_ROW),
    )
    found = [Anomaly(OUTGROWN, values={"part": part}) for part, taken, has in parts if taken > has]
    if found:
        raise AnomaliesFound(*found)


def _draw_table(
    sheet: letterhead.Sheet, y: float, columns: tuple[Column, ...], pages: Sequence[list[Row]]
) -> float:
    """The rows of each page under their titles, sums carried; the edge under the last row."""
    canvas, last = sheet.canvas, len(pages) - 1
    carried = [0] * (len(columns) - AMOUNT_COLUMN)
    for number, page in enumerate(pages):
        y = draw_head(canvas, sheet.next_page() if number else y, columns, sheet.accent)
        if number:
            y = draw_carry(canvas, y, columns, "Report", carried)
        for row in page:
            y = draw_row(canvas, y, columns, row)
            carried = [total + cents for total, cents in zip(carried, row.cents, strict=True)]
        if number < last:
            draw_carry(canvas, y, columns, "À reporter", carried)
    return y

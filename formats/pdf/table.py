"""The table of lines: its columns, its rows, and how rows fall on pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from formats.pdf.canvas import GREY, WIDTH, Canvas, bold, regular
from formats.pdf.content import Line
from formats.pdf.french import euros

LEFT: Final = 42.0
RIGHT: Final = WIDTH - LEFT
ROOM: Final = RIGHT - LEFT
GAP: Final = 5.0
HAIRLINE: Final = "0.80 g"

HEAD: Final = bold(7.6)
LABEL: Final = regular(8.6)
FIGURES: Final = regular(8.4)
AMOUNT: Final = bold(8.4)
DETAIL: Final = regular(7.5, GREY)
CARRIED: Final = bold(8.2)

HEAD_HEIGHT: Final = 20.0
CARRY_HEIGHT: Final = 17.0
PADDING: Final = 4.0
#: A row longer than this many text lines goes on in a second one, so that any row fits a page.
LONGEST_ROW: Final = 30
TALLEST_ROW: Final = LONGEST_ROW * LABEL.leading + 2 * PADDING


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title and its edges, in points. Figures end at the right edge."""

    title: str
    left: float
    right: float

    @property
    def room(self) -> float:
        """What a figure may take without touching its neighbour."""
        return self.right - self.left - GAP


def columns_of(*titles_and_widths: tuple[str, float]) -> tuple[Column, ...]:
    """Columns side by side over the page's width; the one of width 0 takes what is left."""
    spare = ROOM - sum(width for _, width in titles_and_widths)
    widths = [width or spare for _, width in titles_and_widths]
    rights = accumulate(widths, initial=LEFT)
    return tuple(
        Column(title, left, left + width)
        for (title, _), left, width in zip(titles_and_widths, rights, widths, strict=False)
    )


CONTRACT: Final = columns_of(
    ("N°", 26),
    ("Désignation", 0),
    ("Quantité", 58),
    ("P.U. HT", 66),
    ("TVA", 40),
    ("Montant HT", 76),
)
CARE: Final = columns_of(
    ("N°", 22),
    ("Désignation", 0),
    ("Qté", 28),
    ("P.U. TTC", 52),
    ("TVA", 36),
    ("Montant TTC", 60),
    ("Part AMO", 55),
    ("Part AMC", 52),
    ("Part patient", 54),
)

#: Amounts begin here in both tables; care adds its three shares.
AMOUNT_COLUMN: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A line ready to draw. `cents` are the amounts of its last columns, the ones carried."""

    position: str
    label: tuple[str, ...]
    details: tuple[str, ...]
    figures: tuple[str, ...]
    cents: tuple[int, ...]

    @property
    def height(self) -> float:
        """In points, paddings included."""
        texts = len(self.label) * LABEL.leading + len(self.details) * DETAIL.leading
        return texts + 2 * PADDING


def rows(lines: Sequence[Line], columns: tuple[Column, ...]) -> Iterator[Row]:
    """The rows of `lines`, their texts wrapped; an endless line becomes several rows."""
    room = columns[1].right - columns[1].left - GAP
    for line in lines:
        label = LABEL.wrapped(line.label, room)
        details = [text for detail in line.details for text in DETAIL.wrapped(detail, room)]
        shares = line.shares
        cents: tuple[int, ...] = (line.amount_cents,)
        if shares is not None:
            cents += (shares.amo_cents, shares.amc_cents, shares.patient_cents)
        yield from _cut(line, tuple(label), tuple(details), cents)


def _cut(
    line: Line, label: tuple[str, ...], details: tuple[str, ...], cents: tuple[int, ...]
) -> Iterator[Row]:
    kept = max(0, LONGEST_ROW - len(label))
    figures = (line.quantity, line.unit_price, line.vat_rate, *map(euros, cents))
    yield Row(line.position, label[:LONGEST_ROW], details[:kept], figures, cents)
    for start in range(LONGEST_ROW, len(label), LONGEST_ROW):
        yield Row("", label[start : start + LONGEST_ROW], (), (), (0,) * len(cents))
    for start in range(kept, len(details), LONGEST_ROW):
        yield Row("", (), details[start : start + LONGEST_ROW], (), (0,) * len(cents))


def paginated(
    table: Sequence[Row], first_room: float, next_room: float, closing: float
) -> list[list[Row]]:
    """The rows of each page; the last page also has room for `closing`, below its rows.

    Rooms are heights for rows and carried sums. The totals never stand alone on a page when the
    last row can come with them.
    """
    pages: list[list[Row]] = [[]]
    left = first_room - CARRY_HEIGHT
    for row in table:
        if row.height > left:
            pages.append([])
            left = next_room - 2 * CARRY_HEIGHT
        pages[-1].append(row)
        left -= row.height
    if closing > left + CARRY_HEIGHT:
        pages.append([pages[-1].pop()] if len(pages[-1]) > 1 else [])
    return pages


def draw_head(canvas: Canvas, y: float, columns: tuple[Column, ...], accent: str) -> float:
    """Titles over an accent line; the edge under them."""
    for column in columns[:2]:
        canvas.text(column.left, y + 12, column.title, HEAD)
    for column in columns[2:]:
        canvas.text_to(column.right, y + 12, column.title, HEAD, column.room + GAP - 2)
    canvas.bar(LEFT, y + HEAD_HEIGHT - 1.2, ROOM, 1.2, accent)
    return y + HEAD_HEIGHT


def draw_row(canvas: Canvas, y: float, columns: tuple[Column, ...], row: Row) -> float:
    """One row over a hairline; the edge under it."""
    base = y + PADDING + LABEL.size
    canvas.text(columns[0].left, base, row.position, DETAIL)
    below = canvas.paragraph(columns[1].left, base, row.label, LABEL)
    canvas.paragraph(columns[1].left, below - 1, row.details, DETAIL)
    amount = len(row.figures) - len(row.cents)
    for rank, (column, figure) in enumerate(zip(columns[2:], row.figures, strict=False)):
        style = AMOUNT if rank == amount else FIGURES
        canvas.text_to(column.right, base, figure, style, column.room)
    canvas.bar(LEFT, y + row.height - 0.4, ROOM, 0.4, HAIRLINE)
    return y + row.height


def draw_carry(
    canvas: Canvas, y: float, columns: tuple[Column, ...], title: str, cents: Sequence[int]
) -> float:
    """Sums carried from or to another page, under their columns; the edge under them."""
    base = y + 11.5
    amounts = columns[-len(cents) :]
    canvas.text_to(columns[-len(cents) - 1].right, base, title, CARRIED)
    for column, sum_cents in zip(amounts, cents, strict=True):
        canvas.text_to(column.right, base, euros(sum_cents), CARRIED, column.room)
    canvas.bar(LEFT, y + CARRY_HEIGHT - 0.7, ROOM, 0.6, GREY)
    return y + CARRY_HEIGHT

"""What surrounds the table: letterhead, strip of dates and references, later pages, footer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from formats.pdf.canvas import GREY, HEIGHT, Canvas, bold, ink, logo_size, regular
from formats.pdf.content import InvoicePage, Kind, Look
from formats.pdf.french import day, spaced
from formats.pdf.table import GAP, HAIRLINE, LEFT, RIGHT, ROOM

TOP: Final = 40.0
#: The window of a DL envelope: 110 mm from the left, 45 mm from the top.
WINDOW_LEFT: Final = 312.0
WINDOW_TOP: Final = 136.0
NEXT_TOP: Final = 72.0
LOGO_ROOM: Final = (170.0, 48.0)
STRIP_CELLS: Final = 4

SMALL: Final = regular(8.2, GREY)
CAPTION: Final = regular(7, GREY)
VALUE: Final = bold(8.2)
STAMP: Final = bold(10)
ADDRESS: Final = regular(9.6)
FOOT: Final = regular(6.8, GREY)
FOOT_ROOM: Final = ROOM - 110


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper of one invoice, on which the table and the totals are laid."""

    canvas: Canvas
    invoice: InvoicePage
    look: Look

    @property
    def accent(self) -> str:
        """The fill operator of the look's colour."""
        return ink(self.look.accent)

    @property
    def foot(self) -> list[str]:
        """The lines at the foot of every page."""
        texts = (self.invoice.footer, self.invoice.seller.legal_line)
        return [line for text in texts if text for line in FOOT.wrapped(text, FOOT_ROOM)]

    @property
    def bottom(self) -> float:
        """Where a page's content ends."""
        return HEIGHT - 40 - FOOT.leading * max(1, len(self.foot))

    def first_page(self) -> float:
        """Draws the letterhead; where the table begins."""
        self.canvas.new_page()
        self._title()
        below = max(self._seller(), self._buyer(), WINDOW_TOP + 62)
        return self._strip(below + 8) + 10

    def next_page(self) -> float:
        """Opens a page that recalls which invoice it belongs to; where its content begins."""
        invoice, canvas = self.invoice, self.canvas
        canvas.new_page()
        recall = f"{invoice.kind} N° {invoice.number} du {day(invoice.issued_on)}"
        if invoice.duplicate:
            recall += " – DUPLICATA"
        room = ROOM / 2 - GAP
        canvas.text_within(LEFT, TOP + 8, invoice.seller.name, SMALL, room)
        canvas.text_to(RIGHT, TOP + 8, recall, bold(8.2), room)
        canvas.bar(LEFT, TOP + 16, ROOM, 0.5, HAIRLINE)
        return NEXT_TOP

    def number_pages(self) -> None:
        """Draws the foot of every page, now that their count is known."""
        canvas = self.canvas
        top = self.bottom + 14
        for page in range(len(canvas.pages)):
            canvas.page = page
            canvas.bar(LEFT, top - 9, ROOM, 0.5, HAIRLINE)
            canvas.paragraph(LEFT, top + 2, self.foot, FOOT)
            canvas.text_to(RIGHT, top + 2, f"Page {page + 1}/{len(canvas.pages)}", FOOT)

    def _title(self) -> None:
        invoice, canvas = self.invoice, self.canvas
        canvas.text(WINDOW_LEFT, TOP + 17, invoice.kind, bold(20, self.accent))
        canvas.bar(WINDOW_LEFT, TOP + 26, 28, 1.6, self.accent)
        stamp = STAMP.width("DUPLICATA") + 16 if invoice.duplicate else 0
        room = RIGHT - WINDOW_LEFT - stamp - GAP
        canvas.text_within(WINDOW_LEFT, TOP + 44, f"N° {invoice.number}", bold(10.5), room)
        if invoice.duplicate:
            canvas.frame(RIGHT - stamp, TOP + 32, stamp, 17)
            canvas.text_to(RIGHT - 8, TOP + 44, "DUPLICATA", STAMP)

    def _seller(self) -> float:
        seller, canvas = self.invoice.seller, self.canvas
        y, name = TOP + 15, bold(13)
        if self.look.logo:
            width, height = logo_size(self.look.logo, *LOGO_ROOM)
            canvas.logo(LEFT, TOP, width, height)
            y, name = TOP + height + 16, bold(9.6)
        room = WINDOW_LEFT - LEFT - 20
        y = canvas.paragraph(LEFT, y, name.wrapped(seller.name, room), name)
        identity = (
            f"SIREN {spaced(seller.siren, 3, 3, 3)}",
            f"TVA {seller.vat_id}" if seller.vat_id else "",
            f"FINESS {seller.finess}" if seller.finess else "",
        )
        texts = (*seller.address, *seller.contact, *filter(None, identity))
        return self._lines(LEFT, y, texts, room)

    def _buyer(self) -> float:
        buyer, canvas = self.invoice.buyer, self.canvas
        room = RIGHT - WINDOW_LEFT
        canvas.text(WINDOW_LEFT, WINDOW_TOP - 16, self._addressee, CAPTION)
        name = bold(10.2)
        y = canvas.paragraph(WINDOW_LEFT, WINDOW_TOP, name.wrapped(buyer.name, room), name)
        address = [line for text in buyer.address for line in ADDRESS.wrapped(text, room)]
        y = canvas.paragraph(WINDOW_LEFT, y, address, ADDRESS)
        siren = f"SIREN {spaced(buyer.siren, 3, 3, 3)}" if buyer.siren else ""
        vat_id = f"TVA {buyer.vat_id}" if buyer.vat_id else ""
        y = self._lines(WINDOW_LEFT, y + 1, tuple(filter(None, (siren, vat_id))), room)
        if self.invoice.delivery:
            canvas.text(WINDOW_LEFT, y + 6, "Adresse de livraison", CAPTION)
            y = self._lines(WINDOW_LEFT, y + 17, self.invoice.delivery, room)
        return y

    @property
    def _addressee(self) -> str:
        return "Adressé à" if self.invoice.kind == Kind.CREDIT_NOTE else "Facturé à"

    def _lines(self, x: float, y: float, texts: Sequence[str], room: float) -> float:
        wrapped = [line for text in texts for line in SMALL.wrapped(text, room)]
        return self.canvas.paragraph(x, y, wrapped, SMALL)

    def _strip(self, y: float) -> float:
        """Dates and references, four a row, caption over value."""
        cells = self._cells()
        width = ROOM / STRIP_CELLS
        for start in range(0, len(cells), STRIP_CELLS):
            self.canvas.bar(LEFT, y, ROOM, 0.5, HAIRLINE)
            drawn = [
                self._cell(LEFT + rank * width, y, width - 2 * GAP, *cell)
                for rank, cell in enumerate(cells[start : start + STRIP_CELLS])
            ]
            y = max(drawn)
        self.canvas.bar(LEFT, y, ROOM, 0.5, HAIRLINE)
        return y

    def _cells(self) -> list[tuple[str, str]]:
        invoice = self.invoice
        dates = [("Date d'émission", day(invoice.issued_on))]
        if invoice.due_on is not None:
            dates.append(("Date d'échéance", day(invoice.due_on)))
        if invoice.period:
            dates.append(("Période", invoice.period))
        return dates + [(reference.label, reference.value) for reference in invoice.references]

    def _cell(self, x: float, y: float, room: float, caption: str, value: str) -> float:
        below = self.canvas.paragraph(x, y + 11, CAPTION.wrapped(caption, room), CAPTION)
        return self.canvas.paragraph(x, below + 2, VALUE.wrapped(value, room), VALUE) - 3

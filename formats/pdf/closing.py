"""What ends an invoice: VAT by rate, shares of care, totals, payment, mentions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from formats.pdf.canvas import GREY, Style, bold, regular
from formats.pdf.content import InvoicePage, Kind
from formats.pdf.french import euros, spaced
from formats.pdf.letterhead import Sheet
from formats.pdf.table import LEFT, RIGHT, ROOM

SPACE: Final = 14.0
ROW: Final = 14.0
DUE_HEIGHT: Final = 24.0
KEPT_TEXTS: Final = 260.0
#: Sums of floats: what was measured to fit must not miss by a hair.
SLACK: Final = 0.01
LEFT_ROOM: Final = 286.0
TOTALS_LEFT: Final = LEFT + LEFT_ROOM + 30

HEADING: Final = bold(7.6)
CELL: Final = regular(8.4)
STRONG: Final = bold(8.4)
DUE: Final = bold(11.5)
NOTE: Final = regular(7.5, GREY)
TERMS: Final = regular(8.4)

DUE_TITLES: Final = {
    Kind.INVOICE: "Net à payer",
    Kind.CREDIT_NOTE: "Montant de l'avoir",
    Kind.CARE: "Reste à votre charge",
}


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of one invoice, all on one page unless its mentions are endless."""

    invoice: InvoicePage
    sheet: Sheet

    @property
    def height(self) -> float:
        """What must stay with the last row, in points: totals, and texts of an ordinary length."""
        texts = sum(space + style.leading * len(lines) for style, lines, space in self._texts())
        return self.sums_height + (SPACE + texts if texts <= KEPT_TEXTS else 0)

    @property
    def sums_height(self) -> float:
        """What shares, VAT and totals take side by side, in points, space above included."""
        return SPACE + max(self._shares_height + self._vat_height, self._totals_height)

    def draw(self, y: float) -> None:
        """Draws all of it under `y`, on the current page and the next ones."""
        top = y + SPACE
        self._draw_vat(self._draw_shares(top))
        self._draw_totals(top)
        self._draw_texts(y + self.sums_height + SPACE)

    @property
    def _exemptions(self) -> list[str]:
        grounds = dict.fromkeys(row.exemption for row in self.invoice.vat if row.exemption)
        return [line for ground in grounds for line in NOTE.wrapped(ground, LEFT_ROOM)]

    @property
    def _vat_height(self) -> float:
        return ROW * (len(self.invoice.vat) + 1) + NOTE.leading * len(self._exemptions) + 4

    @property
    def _totals_height(self) -> float:
        return 3 * ROW + 4 + DUE_HEIGHT

    @property
    def _shares_height(self) -> float:
        payers = len(list(self._payers()))
        return ROW * (payers + 1) + SPACE if payers else 0

    def _payers(self) -> Iterator[tuple[str, int]]:
        care = self.invoice.care
        if care is not None:
            shares = care.shares
            yield f"Part AMO – {care.fund}", shares.amo_cents
            if care.organism or shares.amc_cents:
                yield f"Part AMC – {care.organism}", shares.amc_cents
            yield "Part patient", shares.patient_cents

    def _draw_shares(self, y: float) -> float:
        """Who pays what; the edge under it."""
        payers = list(self._payers())
        if not payers:
            return y
        self._draw_heading(y, "Répartition de la prise en charge", "Montant")
        for rank, (payer, cents) in enumerate(payers, start=1):
            base = y + rank * ROW + 10
            self.sheet.canvas.text_within(LEFT, base, payer, CELL, LEFT_ROOM - 80)
            self.sheet.canvas.text_to(LEFT + LEFT_ROOM, base, euros(cents), STRONG, 76)
        return y + self._shares_height

    def _draw_vat(self, y: float) -> None:
        edges = (LEFT + 190, LEFT + LEFT_ROOM)
        canvas = self.sheet.canvas
        self._draw_heading(y, "Taux de TVA", "Montant TVA")
        canvas.text_to(edges[0], y + 9, "Base HT", HEADING)
        for row in self.invoice.vat:
            y += ROW
            canvas.text(LEFT, y + 10, row.rate, CELL)
            canvas.text_to(edges[0], y + 10, euros(row.base_cents), CELL, 90)
            canvas.text_to(edges[1], y + 10, euros(row.vat_cents), CELL, 90)
        canvas.paragraph(LEFT, y + ROW + 12, self._exemptions, NOTE)

    def _draw_heading(self, y: float, left: str, right: str) -> None:
        canvas = self.sheet.canvas
        canvas.text(LEFT, y + 9, left, HEADING)
        canvas.text_to(LEFT + LEFT_ROOM, y + 9, right, HEADING)
        canvas.bar(LEFT, y + ROW - 0.5, LEFT_ROOM, 0.7, self.sheet.accent)

    def _draw_totals(self, y: float) -> None:
        totals, canvas = self.invoice.totals, self.sheet.canvas
        table = (
            ("Total HT", totals.ht_cents, CELL),
            ("Total TVA", totals.vat_cents, CELL),
            ("Total TTC", totals.ttc_cents, STRONG),
        )
        for title, cents, style in table:
            canvas.text(TOTALS_LEFT, y + 9, title, style)
            canvas.text_to(RIGHT, y + 9, euros(cents), style, 110)
            y += ROW
        width = RIGHT - TOTALS_LEFT
        canvas.bar(TOTALS_LEFT, y + 2, width, 1.2, self.sheet.accent)
        canvas.text(TOTALS_LEFT, y + 18, DUE_TITLES[self.invoice.kind], DUE)
        canvas.text_to(RIGHT, y + 18, euros(totals.due_cents), DUE, 95)
        canvas.bar(TOTALS_LEFT, y + DUE_HEIGHT + 2, width, 1.2, self.sheet.accent)

    def _draw_texts(self, y: float) -> None:
        """Payment, then mentions, line by line over as many pages as they need."""
        for style, lines, space in self._texts():
            y += space
            for line in lines:
                if y + style.leading > self.sheet.bottom + SLACK:
                    y = self.sheet.next_page()
                self.sheet.canvas.text(LEFT, y + style.size, line, style)
                y += style.leading

    def _texts(self) -> Iterator[tuple[Style, list[str], float]]:
        """Each text: its style, its lines, the space above it."""
        payment = self.invoice.payment
        account = f"IBAN {spaced(payment.iban, *[4] * 8)}" if payment.iban else ""
        if payment.bic:
            account += f"   BIC {payment.bic}"
        if payment.terms or account:
            yield HEADING, ["Règlement"], 0
        for style, text in ((TERMS, payment.terms), (STRONG, account)):
            if text:
                yield style, style.wrapped(text, ROOM), 3
        for rank, sentence in enumerate((*self._late_payment(), *self.invoice.mentions)):
            yield NOTE, NOTE.wrapped(sentence, ROOM), 1.5 if rank else 7

    def _late_payment(self) -> Iterator[str]:
        """Code de commerce, art. L441-9, L441-10 and D441-5."""
        payment = self.invoice.payment
        if payment.late_rate:
            yield (
                f"Tout retard de paiement entraîne des pénalités au taux de {payment.late_rate}, "
                "exigibles le jour suivant la date d'échéance, sans rappel."
            )
        if payment.indemnity_cents:
            yield (
                "Indemnité forfaitaire pour frais de recouvrement en cas de retard : "
                f"{euros(payment.indemnity_cents)}."
            )
        if payment.discount:
            yield payment.discount

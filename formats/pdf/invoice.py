"""The one template of every invoice people receive: 1 to 500 lines, A4, French."""

from __future__ import annotations

from formats.pdf.content import InvoicePage, Look


def render(invoice: InvoicePage, look: Look) -> bytes:
    """The invoice as a PDF: the same values always give the same bytes.

    Raises AnomaliesFound with everything that can't be printed faithfully.
    """
    raise NotImplementedError

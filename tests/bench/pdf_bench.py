"""How fast invoices are rendered, on one core, parsed fonts warm."""

from __future__ import annotations

from time import perf_counter

from formats.pdf.content import Look
from formats.pdf.invoice import render
from tests.formats.pdf.pages import care_invoice, contract_invoice


def run(seconds: float = 1.0) -> dict[str, float]:
    """Pages a second for one-page invoices of 8 lines, and for one of 500 lines; bytes a file."""
    pages = [contract_invoice(8), care_invoice(8)]
    size = [len(render(page, Look())) for page in pages]
    count, start = 0, perf_counter()
    while perf_counter() - start < seconds:
        for page in pages:
            render(page, Look())
        count += len(pages)
    one_page = count / (perf_counter() - start)
    start = perf_counter()
    long = render(contract_invoice(500), Look()).count(b"/Type /Page\n")
    return {
        "one_page_invoices_per_s": one_page,
        "pages_per_s_of_500_lines": long / (perf_counter() - start),
        "bytes_per_invoice": sum(size) / len(size),
    }


if __name__ == "__main__":
    print(run())

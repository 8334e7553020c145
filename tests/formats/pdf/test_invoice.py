"""Invoices are read back from their PDF: words, amounts, columns, pages, fonts."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from itertools import pairwise, takewhile
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from formats.pdf.content import InvoicePage, Line, Look, Totals, VatRow
from formats.pdf.french import NO_BREAK_SPACE, euros
from formats.pdf.invoice import render
from formats.pdf.table import CARE, CONTRACT, LEFT, RIGHT, Column
from tests.formats.pdf.pages import care_invoice, contract_invoice, credit_note

LOOK = Look()


def words(pdf: bytes) -> list[str]:
    """The text of each page, its spaces and line breaks made plain."""
    document = pypdfium2.PdfDocument(pdf)
    return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def column_of(pdf: bytes, column: Column) -> list[list[str]]:
    """What stands between the edges of a column, line by line, on each page."""
    pages = []
    left, right = column.left + 4, column.right + 1
    if column.left == LEFT:  # the first column starts at its left edge, figures end at the right
        left, right = column.left - 1, column.right - 4
    for page in pypdfium2.PdfDocument(pdf):
        strip = page.get_textpage().get_text_bounded(left=left, right=right)
        pages.append([" ".join(line.split()) for line in strip.splitlines() if line.strip()])
    return pages


def cents(printed: str) -> int:
    """`-1 234,56 €` as cents."""
    return int(printed.removesuffix("€").replace(" ", "").replace(",", ""))


def test_a_contract_invoice_says_all_that_the_law_wants() -> None:
    (page,) = words(render(contract_invoice(), LOOK))
    for mention in (
        "FACTURE", "N° F2026-004217", "01/10/2026", "31/10/2026", "du 01/07/2026 au 30/09/2026",
        "Bureautique du Hainaut", "14 rue des Tanneurs", "SIREN 732 829 320", "TVA FR44732829320",
        "Mairie de Villeneuve-d'Ascq", "Place Salvador-Allende", "SIREN 215 900 911",
        "C-10428", "2024-IMP-07", "BC 2026/1187",
        "1 250", "0,00485 €", "20 %", "6,06 €",
        "Compteur noir n° K9-30187 : 12 480 (relevé technicien du 30/09/2026)",
        "310,02 €", "62,00 €", "372,02 €", "Net à payer",
        "Virement à 30 jours, date de facture.", "IBAN FR76 3000 6000 0112 3456 7890 189",
        "12,15 % l'an", "frais de recouvrement en cas de retard : 40,00 €",
        "Pas d'escompte pour paiement anticipé.", "prestation de services",
        "Option pour le paiement de la taxe d'après les débits.",
        "RCS Valenciennes 732 829 320", "Page 1/1",
    ):  # fmt: skip
        assert mention in page


def test_a_care_invoice_shares_each_line_and_the_whole() -> None:
    (page,) = words(render(care_invoice(), LOOK))
    for mention in (
        "FACTURE DE SOINS", "FINESS 690012345", "Léontine Œillet-Gaïac", "Oxygénothérapie O₂",
        "159,20 € 95,52 € 63,68 € 0,00 €", "13,29 € 7,97 € 4,32 € 1,00 €",
        "Part AMO – CPAM du Rhône (691) 103,49 €",
        "Part AMC – Mutuelle des Deux Rives (75500017) 68,00 €", "Part patient 8,00 €",
        "Total TTC 179,49 €", "Reste à votre charge 8,00 €",
    ):  # fmt: skip
        assert mention in page


def test_a_credit_note_names_its_invoice() -> None:
    (page,) = words(render(credit_note(), LOOK))
    for mention in ("AVOIR", "F2026-004217 du 01/10/2026", "-6,06 €", "Montant de l'avoir -7,27 €"):
        assert mention in page


def test_an_exemption_is_said_once() -> None:
    ground = "Exonération de TVA, article 261-4-1° du Code général des impôts."
    page = contract_invoice(1)
    rows = (VatRow("0 %", 10000, 0, ground), VatRow("exonéré", 3500, 0, ground))
    (text,) = words(render(replace(page, vat=rows, totals=Totals(13500, 0, 13500, 13500)), LOOK))
    assert text.count(ground) == 1


@pytest.mark.parametrize("rows", [1, 2, 40, 500])
def test_every_line_is_printed_once_under_titles(rows: int) -> None:
    pdf = render(contract_invoice(rows), LOOK)
    tables = [page[page.index("N°") + 1 :] for page in column_of(pdf, CONTRACT[0])]
    printed = [text for table in tables for text in takewhile(str.isdigit, table)]
    assert printed == [str(n + 1) for n in range(rows)]
    pages = words(pdf)
    assert all("N° Désignation Quantité P.U. HT TVA Montant HT" in page for page in pages)
    assert [page.split()[-1] for page in pages] == [
        f"{n + 1}/{len(pages)}" for n in range(len(pages))
    ]


@pytest.mark.parametrize("rows", [40, 500])
@pytest.mark.parametrize(
    ("page", "columns"),
    [(contract_invoice, CONTRACT[-1:]), (care_invoice, CARE[-4:])],
    ids=["contract", "care"],
)
def test_carried_sums_add_up(page: object, columns: tuple[Column, ...], rows: int) -> None:
    invoice = page(rows)  # type: ignore[operator]
    pdf = render(invoice, LOOK)
    assert all(("Report " in text) == (n > 0) for n, text in enumerate(words(pdf)))
    for column in columns:
        tables = [page[page.index(column.title) + 1 :] for page in column_of(pdf, column)]
        for number, (above, below) in enumerate(pairwise(tables)):
            amounts = [cents(text) for text in above if text.endswith("€")]
            assert sum(amounts[:-1]) == amounts[-1], (column.title, number)
            assert above[-1 if above[-1].endswith("€") else -2] == below[0]
        assert len(tables) > 1


def test_amounts_end_at_the_same_edge() -> None:
    page = pypdfium2.PdfDocument(render(contract_invoice(6), LOOK))[0].get_textpage()
    text = page.get_text_range()
    edges = [page.get_charbox(n, loose=True)[2] for n, sign in enumerate(text) if sign == "€"]
    assert sum(abs(edge - RIGHT) < 0.1 for edge in edges) == 6 + 4


@pytest.mark.parametrize("invoice", [contract_invoice(500), care_invoice(500)], ids=["c", "s"])
def test_nothing_leaves_the_margins_or_covers_the_foot(invoice: InvoicePage) -> None:
    for page in pypdfium2.PdfDocument(render(invoice, LOOK)):
        text = page.get_textpage()
        boxes = [text.get_rect(n) for n in range(text.count_rects())]
        assert min(left for left, *_ in boxes) > 40
        assert max(right for _, _, right, _ in boxes) < RIGHT + 1
        foot = max(top for _, bottom, _, top in boxes if bottom < 40)
        assert min(bottom for _, bottom, _, _ in boxes if bottom > foot) > foot + 8


def test_every_font_is_embedded() -> None:
    with pikepdf.open(BytesIO(render(contract_invoice(40), LOOK))) as pdf:
        for page in pdf.pages:
            fonts = page.Resources.Font
            assert {str(font.BaseFont) for font in fonts.values()} == {
                "/MPDFAA+Roboto", "/MPDFAA+RobotoBold",
            }  # fmt: skip
            assert all("/FontFile2" in f.DescendantFonts[0].FontDescriptor for f in fonts.values())
        assert pdf.docinfo.CreationDate == "D:20261001000000Z"


def test_same_values_same_bytes_in_any_order_and_process() -> None:
    first, other = render(contract_invoice(), LOOK), render(care_invoice(40), LOOK)
    assert render(contract_invoice(), LOOK) == first
    script = (
        "import sys; from tests.formats.pdf.pages import *; from formats.pdf.invoice import *;"
        "other = render(care_invoice(40), Look()); first = render(contract_invoice(), Look());"
        "sys.stdout.buffer.write(other + first)"
    )
    root = Path(__file__).parents[3]
    elsewhere = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True)
    assert elsewhere.stdout == other + first


def test_a_duplicate_says_so_on_every_page() -> None:
    copy = render(contract_invoice(40, duplicate=True), LOOK)
    assert all("DUPLICATA" in page for page in words(copy))
    assert "DUPLICATA" not in " ".join(words(render(contract_invoice(40), LOOK)))


def test_long_texts_wrap_and_endless_ones_go_on_next_page() -> None:
    page = contract_invoice(1)
    readings = tuple(f"Machine {n:03} : {n * 7} pages" for n in range(150))
    line = replace(page.lines[0], label="Anticonstitutionnellement" * 9, details=readings)
    pdf = render(replace(page, lines=(line,)), LOOK)
    text = " ".join(words(pdf))
    assert "Anticonstitutionnellement" * 9 in text.replace(" ", "")
    assert all(reading in text for reading in readings)
    assert len(words(pdf)) == 4


def test_mentions_flow_to_other_pages() -> None:
    mentions = tuple(f"Mention {n} : {'texte légal ' * 12}".strip() for n in range(80))
    pages = words(render(contract_invoice(3, mentions=mentions), LOOK))
    assert all(mention in " ".join(pages) for mention in mentions[::7])
    assert "Net à payer" in pages[0]


def test_totals_never_stand_alone() -> None:
    for rows in range(10, 24):
        last = words(render(contract_invoice(rows), LOOK))[-1]
        assert f" {rows} " in last.partition("Taux de TVA")[0]


def test_a_huge_amount_shrinks_into_its_column() -> None:
    huge = 123_456_789_012_345
    line = Line("1", "Tout", "1", "1 234 567 890 123,45 €", "0 %", huge)
    page = contract_invoice(1, lines=(line,), vat=(VatRow("0 %", huge, 0),))
    pdf = render(replace(page, totals=Totals(huge, 0, huge, huge)), LOOK)
    assert "1 234 567 890 123,45 €" in column_of(pdf, CONTRACT[-1])[0]


def test_a_logo_is_embedded_once() -> None:
    picture = BytesIO()
    Image.new("RGB", (200, 50), "#204060").save(picture, "PNG")
    look = Look(accent="#0B6E5F", logo=picture.getvalue())
    pdf = render(contract_invoice(40), look)
    assert pdf == render(contract_invoice(40), look)
    with pikepdf.open(BytesIO(pdf)) as document:
        images = [o for o in document.objects if isinstance(o, pikepdf.Stream)
                  and o.get("/Subtype") == "/Image"]  # fmt: skip
        assert [(image.Width, image.Height) for image in images] == [(200, 50)]


def test_amounts_have_no_break_spaces() -> None:
    assert euros(-123456789) == f"-1{NO_BREAK_SPACE}234{NO_BREAK_SPACE}567,89{NO_BREAK_SPACE}€"
    assert euros(5) == f"0,05{NO_BREAK_SPACE}€"

"""What can't be printed faithfully is refused, all at once, with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from formats.common.anomaly import AnomaliesFound
from formats.pdf.content import (
    Buyer,
    InvoicePage,
    Kind,
    Look,
    Payment,
    Reference,
    Shares,
    Totals,
    VatRow,
)
from formats.pdf.invoice import render
from tests.formats.pdf.pages import care_invoice, contract_invoice


def refusals(page: InvoicePage) -> list[tuple[str, str]]:
    with pytest.raises(AnomaliesFound) as refused:
        render(page, Look())
    return [(a.code.id, a.place.pointer) for a in refused.value.anomalies]


def with_label(label: str) -> InvoicePage:
    page = contract_invoice(2)
    return replace(page, lines=(page.lines[0], replace(page.lines[1], label=label)))


@pytest.mark.parametrize("character", ["漢", "😀", "\u0301", "\u202e", "\u00ad", "\u200b"])
def test_a_character_the_font_lacks(character: str) -> None:
    assert refusals(with_label(f"Caf{character}")) == [("FMT-301", "/lines/1/label")]


@pytest.mark.parametrize("character", ["\n", "\t", "\x00", "\x7f", "\x85"])
def test_a_control_character(character: str) -> None:
    assert refusals(with_label(f"Caf{character}")) == [("FMT-302", "/lines/1/label")]


def test_the_sentence_names_the_character() -> None:
    with pytest.raises(AnomaliesFound) as refused:
        render(with_label("漢"), Look())
    assert str(refused.value.anomalies[0]) == (
        "FMT-301 /lines/1/label : Le caractère U+6F22 n'existe pas dans la police des factures. "
        "Remplacez ce caractère dans la fiche d'origine."
    )


def test_all_anomalies_at_once() -> None:
    page = replace(with_label("漢\t"), number="", seller=replace(with_label("").seller, siren=""))
    assert refusals(page) == [
        ("FMT-302", "/lines/1/label"),
        ("FMT-301", "/lines/1/label"),
        ("FMT-305", "/number"),
        ("FMT-305", "/seller/siren"),
    ]


def test_totals_that_do_not_add_up() -> None:
    page = contract_invoice(1)  # 135,00 + 27,00 = 162,00
    off_by_a_cent = replace(page, totals=Totals(13500, 2701, 16200, 16200))
    assert refusals(off_by_a_cent) == [("FMT-303", "/totals/ttc_cents"), ("FMT-303", "/vat")]


def test_shares_that_do_not_add_up() -> None:
    page = care_invoice(1)
    wrong = replace(page.lines[0], shares=Shares(9552, 6367, 0))
    assert refusals(replace(page, lines=(wrong,))) == [
        ("FMT-303", "/lines/0/shares"),
        ("FMT-303", "/care/shares/amc_cents"),
    ]


def test_shares_belong_to_care_invoices() -> None:
    care = care_invoice(1)
    assert refusals(replace(care, kind=Kind.INVOICE)) == [("FMT-304", "/care")]
    assert refusals(replace(care, care=None))[:2] == [
        ("FMT-304", "/care"),
        ("FMT-304", "/lines/0/shares"),
    ]
    assert render(replace(care, kind=Kind.CREDIT_NOTE), Look())


def test_between_businesses_late_payment_is_announced() -> None:
    page = contract_invoice(1, due_on=None, payment=Payment("Virement à 30 jours."))
    assert refusals(page) == [
        ("FMT-305", "/due_on"),
        ("FMT-305", "/payment/late_rate"),
        ("FMT-305", "/payment/indemnity_cents"),
        ("FMT-305", "/payment/discount"),
    ]
    assert render(replace(page, buyer=Buyer("Mme Inventée", ("59000 Lille",))), Look())


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"references": (Reference("Contrat", "C-1"),) * 120}, "L'en-tête"),
        ({"footer": "Texte de pied de page. " * 200}, "Le pied de page"),
        ({"vat": (VatRow("20 %", 13500, 2700), *[VatRow("0 %", 0, 0)] * 30)}, "Le bloc des totaux"),
    ],
)
def test_nothing_is_drawn_off_the_paper(changes: dict[str, object], part: str) -> None:
    with pytest.raises(AnomaliesFound) as refused:
        render(contract_invoice(1, **changes), Look())
    assert [a.sentence for a in refused.value.anomalies][:1] == [
        f"{part} ne tient pas sur une page."
    ]

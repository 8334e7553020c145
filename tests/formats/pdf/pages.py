"""Invented invoices to print: a copier contract with meters, oxygen at home, a credit note."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from formats.pdf.content import (
    Buyer,
    CareSummary,
    InvoicePage,
    Kind,
    Line,
    Payment,
    Reference,
    Seller,
    Shares,
    Totals,
    VatRow,
)

SELLER = Seller(
    name="Bureautique du Hainaut",
    address=("14 rue des Tanneurs", "59300 Valenciennes"),
    siren="732829320",
    vat_id="FR44732829320",
    legal_line="Bureautique du Hainaut, SAS au capital de 250 000 € – RCS Valenciennes 732 829 320",
    contact=("facturation@hainaut.example – 03 20 00 00 00",),
)
BUYER = Buyer(
    name="Mairie de Villeneuve-d'Ascq",
    address=("Service des finances", "Place Salvador-Allende", "59650 Villeneuve-d'Ascq"),
    siren="215900911",
)
PAYMENT = Payment(
    terms="Virement à 30 jours, date de facture.",
    iban="FR7630006000011234567890189",
    bic="AGRIFRPP",
    late_rate="12,15 % l'an",
    indemnity_cents=4000,
    discount="Pas d'escompte pour paiement anticipé.",
)
METERS = (
    "Compteur noir n° K9-30187 : 12 480 (relevé technicien du 30/09/2026)",
    "Index précédent : 11 230 (relevé client du 30/06/2026)",
)


def contract_invoice(rows: int = 6, **changes: object) -> InvoicePage:
    """An invoice of a copier contract: fee, pages in black, pages in colour, again and again."""
    models = (
        ("Forfait de maintenance, imprimante multifonction", "3", "45,00 €", 13500, ()),
        ("Pages noires au-delà du forfait", "1 250", "0,00485 €", 606, METERS),
        ("Pages couleur au-delà du forfait – service de la culture et des fêtes de la ville", "310",
         "0,04500 €", 1395, METERS[:1]),
    )  # fmt: skip
    table = tuple(
        Line(str(rank + 1), label, quantity, price, "20 %", cents, details)
        for rank in range(rows)
        for label, quantity, price, cents, details in (models[rank % 3],)
    )
    ht = sum(line.amount_cents for line in table)
    vat = (ht * 20 + 50) // 100
    page = InvoicePage(
        kind=Kind.INVOICE,
        number="F2026-004217",
        issued_on=date(2026, 10, 1),
        due_on=date(2026, 10, 31),
        seller=SELLER,
        buyer=BUYER,
        lines=table,
        vat=(VatRow("20 %", ht, vat),),
        totals=Totals(ht, vat, ht + vat, ht + vat),
        payment=PAYMENT,
        period="du 01/07/2026 au 30/09/2026",
        references=(
            Reference("Contrat", "C-10428"),
            Reference("Référence du marché", "2024-IMP-07"),
            Reference("Bon de commande", "BC 2026/1187"),
        ),
        mentions=(
            "Catégorie de l'opération : prestation de services.",
            "Option pour le paiement de la taxe d'après les débits.",
        ),
    )
    return replace(page, **changes)  # type: ignore[arg-type]


def credit_note() -> InvoicePage:
    """A credit note of one line on an invoice."""
    line = Line("1", "Avoir sur pages noires facturées deux fois", "-1 250", "0,00485 €", "20 %",
                -606)  # fmt: skip
    return contract_invoice(
        kind=Kind.CREDIT_NOTE,
        number="A2026-000031",
        due_on=None,
        lines=(line,),
        vat=(VatRow("20 %", -606, -121),),
        totals=Totals(-606, -121, -727, -727),
        references=(
            Reference("Facture d'origine", "F2026-004217 du 01/10/2026"),
            Reference("Contrat", "C-10428"),
        ),
        payment=Payment("Cet avoir sera déduit de votre prochaine facture."),
    )


def care_invoice(rows: int = 3) -> InvoicePage:
    """Four weeks of oxygen at home, 60 % AMO, a mutual, a rest for the patient."""
    models = (
        ("Oxygénothérapie O₂ long terme, concentrateur fixe", "4", "39,80 €", 15920, 9552, 6368),
        ("Forfait hebdomadaire 6, PPC", "1", "13,29 €", 1329, 797, 432),
        ("Lunettes à oxygène (hors LPP)", "2", "3,50 €", 700, 0, 0),
    )
    table = tuple(
        Line(str(rank + 1), label, quantity, price, "5,5 %", cents,
             ("Code LPP 1136581, du 01/09/2026 au 28/09/2026",),
             Shares(amo, amc, cents - amo - amc))
        for rank in range(rows)
        for label, quantity, price, cents, amo, amc in (models[rank % 3],)
    )  # fmt: skip
    ttc = sum(line.amount_cents for line in table)
    ht = (ttc * 1000 + 527) // 1055
    shared = [line.shares for line in table if line.shares]
    shares = Shares(
        sum(s.amo_cents for s in shared),
        sum(s.amc_cents for s in shared),
        sum(s.patient_cents for s in shared),
    )
    return InvoicePage(
        kind=Kind.CARE,
        number="S2026-018803",
        issued_on=date(2026, 9, 30),
        due_on=date(2026, 10, 30),
        seller=Seller(
            name="Souffle à Domicile",
            address=("3 allée des Peupliers", "69008 Lyon"),
            siren="552100554",
            finess="690012345",
            legal_line="Souffle à Domicile, SARL au capital de 80 000 € – RCS Lyon 552 100 554",
        ),
        buyer=Buyer(
            "Mme Léontine Œillet-Gaïac", ("8 impasse du Cœur-Volant", "69100 Villeurbanne")
        ),
        lines=table,
        vat=(VatRow("5,5 %", ht, ttc - ht),),
        totals=Totals(ht, ttc - ht, ttc, shares.patient_cents),
        payment=Payment("À réception, par chèque ou virement.", "FR7630006000011234567890189"),
        period="du 01/09/2026 au 28/09/2026",
        references=(Reference("Prescription", "du 25/08/2026, Dr A. Lemoine"),),
        care=CareSummary(shares, "CPAM du Rhône (691)", "Mutuelle des Deux Rives (75500017)"),
        mentions=("Tiers payant : les parts AMO et AMC sont facturées à vos organismes.",),
    )

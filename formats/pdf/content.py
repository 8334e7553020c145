"""What an invoice page says, as plain values: amounts in cents, dates, and texts ready to print.

Quantities, unit prices and rates come already formatted in French (`"1 250"`, `"0,00485 €"`,
`"20 %"`), for their number of decimals is the rule's business. An empty text isn't printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    """The title of the document, as printed."""

    INVOICE = "FACTURE"
    CREDIT_NOTE = "AVOIR"
    CARE = "FACTURE DE SOINS"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who invoices. `legal_line` is the company's line at the foot (form, capital, RCS)."""

    name: str
    address: tuple[str, ...]
    siren: str
    vat_id: str = ""
    finess: str = ""
    legal_line: str = ""
    contact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is invoiced; the SIREN is mandatory between French businesses (BT-47)."""

    name: str
    address: tuple[str, ...]
    siren: str = ""
    vat_id: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A labelled reference: `Reference("Contrat", "C-1042")`, market, order, original invoice."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Shares:
    """How an amount of care is shared, in cents: AMO + AMC + patient = the amount."""

    amo_cents: int
    amc_cents: int
    patient_cents: int

    @property
    def total_cents(self) -> int:
        """The three parts together."""
        return self.amo_cents + self.amc_cents + self.patient_cents


@dataclass(frozen=True, slots=True)
class Line:
    """One row. `amount_cents` is without VAT, but with VAT when care is invoiced or credited.

    `details` are small lines under the label (meter readings with origin and date).
    `shares` is given on every line of care, and on no other.
    """

    position: str
    label: str
    quantity: str
    unit_price: str
    vat_rate: str
    amount_cents: int
    details: tuple[str, ...] = ()
    shares: Shares | None = None


@dataclass(frozen=True, slots=True)
class AnnexRow:
    """A row of the annex: an analysis with its day, `time` (`10:00`) and patient.

    Its amount, in cents without VAT, is part of a line's.
    """

    dated_on: date
    time: str
    patient: str
    detail: str
    device: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class VatRow:
    """One rate of the VAT table; `exemption` is the legal ground when no VAT is due."""

    rate: str
    base_cents: int
    vat_cents: int
    exemption: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """HT + VAT = TTC; `due_cents` is what this buyer still pays (net of deposits, of funds)."""

    ht_cents: int
    vat_cents: int
    ttc_cents: int
    due_cents: int


@dataclass(frozen=True, slots=True)
class CareSummary:
    """The shares of care, with the fund (AMO) and the organism (AMC) that pay them."""

    shares: Shares
    fund: str
    organism: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """Terms of payment. `late_rate`, `indemnity_cents` and `discount` are mandatory between
    businesses (Code de commerce, art. L441-9, L441-10 and D441-5); zero or empty for a patient.
    """

    terms: str
    iban: str = ""
    bic: str = ""
    late_rate: str = ""
    indemnity_cents: int = 0
    discount: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """Everything printed on one invoice, credit note or care invoice.

    `mentions` are full sentences (category of operation, VAT on debits, VAT group...);
    `delivery` is an address of delivery that differs from the buyer's; `care` is given on care
    invoices and their credit notes only; `duplicate` marks a copy "DUPLICATA"; `annex` details
    some lines on pages of its own.
    """

    kind: Kind
    number: str
    issued_on: date
    due_on: date | None
    seller: Seller
    buyer: Buyer
    lines: tuple[Line, ...]
    vat: tuple[VatRow, ...]
    totals: Totals
    payment: Payment
    period: str = ""
    references: tuple[Reference, ...] = ()
    delivery: tuple[str, ...] = ()
    care: CareSummary | None = None
    mentions: tuple[str, ...] = ()
    footer: str = ""
    duplicate: bool = False
    annex: tuple[AnnexRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How it looks: one accent colour (`#RRGGBB`) and a logo (PNG or JPEG bytes, or none)."""

    accent: str = "#1F4E79"
    logo: bytes = b""

"""What a B2 file says, as a tree: file → batches → invoices → lines.

Amounts are cents, dates are days, identifiers are text as the norm prints them. Counters and
totals (types 5, 6, 999) aren't here: the writer computes them and the checker verifies them.
Ends of periods are included, as on the file. Source: norme B2, versions June 2005 and June 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from formats.report import Report as BaseReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """LPP coding of a line (type 4F). Columns 107-119 of the record are a guess."""

    code: str  # LPP, 7 digits
    quantity: int  # 1-99 in the file; the writer splits more
    price_cents: int  # reference tariff, or quoted unit price incl. tax
    total_cents: int
    kind: str  # A achat, L location, E entretien, R réparation, P port, S service, V livraison
    first_day: date
    last_day: date | None = None  # rentals only, included
    sale_price_cents: int = 0
    siret: str = ""  # manufacturer or importer


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplement:
    """Prior agreement, place and conditions of exercise of a line (type 4S)."""

    agreement: str = "0"  # table 6.8
    agreement_asked_on: date | None = None
    executant_condition: str = ""  # L libéral, S salarié
    prescriber_condition: str = ""
    theoretical_base_cents: int = 0
    place: str = "0" * 14  # geographic FINESS
    device: str = "0" * 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Practitioners:
    """RPPS of prescriber and executant of a line (type 4E); zeros when unknown."""

    prescriber_rpps: str = "0" * 11
    executant_rpps: str = "0" * 11
    prescriber_structure: str = ""
    executant_structure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One analysis of the NABM; up to five share a record (type 4B)."""

    code: str  # 8 digits
    done_on: date
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug:
    """UCD coding of a line (type 4H)."""

    code: str  # UCD, 7 digits
    quantity: int
    price_cents: int
    total_cents: int
    fraction: int = 10_000  # ten thousandths
    preparation_cents: int = 0
    margin_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """CCAM coding of a line (type 4M)."""

    code: str  # 7 characters
    done_on: date
    documentation: str = ""
    activity: str = ""
    phase: str = ""
    modifiers: str = ""
    association: str = ""
    conditional: str = ""
    teeth: str = ""  # two characters each
    charge_supplement: str = ""
    amc_modifiers: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One service (type 4) and what qualifies it. One LPP detail a line when we write."""

    done_on: date  # day of care, of delivery, or first day of the period
    act: str  # B2 mnemonic of the service, e.g. `MAD`
    quantity: int
    unit_price_cents: int
    base_cents: int  # AMO reimbursement base
    rate_pct: int
    amo_cents: int
    total_cents: int  # what is asked, above-tariff part included
    amc_cents: int = 0  # zero when the AMC share travels apart
    prescriber: str = "0" * 9  # N° AM and key
    origin: str = ""  # of the prescription: T, O, P, S
    exemption: str = ""  # table 6.5, when it differs from the invoice's
    prescriber_specialty: str = "00"  # salaried prescribers only
    executant: str = ""  # empty: the biller
    executant_zone: str = "00"
    executant_specialty: str = "00"
    coefficient_hundredths: int = 100
    count: int = 1
    qualifier: str = ""  # table 6.7
    supplement: Supplement | None = None
    practitioners: Practitioners | None = None
    analyses: tuple[Analysis, ...] = ()
    details: tuple[Detail, ...] = ()
    drugs: tuple[Drug, ...] = ()
    procedures: tuple[Procedure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """Prescriber, prior agreement and place of a hospital service (type 3S)."""

    prescriber: str  # 9 digits
    prescribed_on: date
    prescriber_condition: str = ""  # L libéral, S salarié
    prescriber_specialty: str = "00"
    agreement: str = "0"  # table 6.8
    agreement_asked_on: date | None = None
    place: str = "0" * 14
    ending: str = ""
    network: str = "0" * 14
    package: str = "0" * 5
    device: str = "0" * 14
    origin: str = ""  # T, O, P, S


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescriber:
    """RPPS and structure of the prescriber of a hospital service (type 3E)."""

    prescriber_rpps: str
    prescriber_structure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayMaterial:
    """LPP coding of a hospital service (type 3F)."""

    code: str  # LPP, 7 digits
    quantity: int
    price_cents: int
    total_cents: int  # price × quantity; the gap isn't part of it
    siret: str = ""
    purchase_price_cents: int = 0
    unit_gap_cents: int = 0
    total_gap_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StayMedicine:
    """UCD coding of a hospital service (type 3H)."""

    code: str  # UCD, 7 digits
    quantity: int
    price_cents: int
    total_cents: int
    fraction: int = 10_000  # ten thousandths
    unit_gap_cents: int = 0
    total_gap_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One hospital service (type 3) and what qualifies it. Ends of periods are included."""

    first_day: date
    last_day: date
    act: str
    quantity: int
    unit_price_cents: int
    base_cents: int
    rate_pct: int
    amo_cents: int
    total_cents: int
    amc_cents: int = 0
    treatment: str = "00"
    discipline: str = "000"
    exemption: str = ""
    coefficient_hundredths: int = 100
    daily_charge: str = ""
    mco_coefficient: int = 0  # ten thousandths
    ghs: str = "0000"
    funding_rate: int = 0
    participation: str = ""
    qualifier: str = ""
    domain: str = ""
    prescription: Prescription | None = None
    prescriber: Prescriber | None = None
    materials: tuple[StayMaterial, ...] = ()
    medicines: tuple[StayMedicine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beneficiary:
    """Type 2S: the beneficiary's own NIR and the attending doctor."""

    nir: str = ""  # 13 characters
    nir_key: str = "00"
    payee: str = "00"
    doctor_declared: str = ""  # O, N
    doctor_name: str = ""
    doctor_first_name: str = ""
    doctor: str = "0" * 9
    pathway: str = ""  # table 6.6, empty for a supplier


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice (type 2): one biller, insured person and insurance."""

    number: str  # 9 digits, unique for the biller
    nir: str  # insured person, 13 characters
    nir_key: str  # 2 digits
    birth_date: str  # AAMMJJ of the beneficiary; text, since it may be lunar
    scheme: str  # grand régime, 2 digits
    fund: str  # caisse gestionnaire, 3 digits
    lines: tuple[Line, ...] = ()
    stays: tuple[Stay, ...] = ()  # written before the lines
    biller: str = ""  # empty: the file's sender
    centre: str = "0000"
    rank: str = "000"
    birth_rank: str = "1"
    operation: str = "1"
    file_number: str = "0" * 9  # patient's file at the biller's
    rights_proof: str = "1"  # table 6.4
    cover_agreed_on: date | None = None
    rights_since: date | None = None
    issued_by: str = "000"
    benefit_scheme: str = "000"
    nature: str = "10"  # of insurance: 10, 13, 30, 41, 90
    exemption: str = "0"  # table 6.5
    accident: str = "0" * 9  # AT number, or 000AAMMJJ
    hospital_on: date | None = None
    entered_on: date | None = None
    left_on: date | None = None
    left_hour: str = "00"
    split: str = ""  # F: the biller sends the AMC share apart
    amc_contract: str = "00"
    amc: str = ""  # complementary organism, empty when AMO only
    beneficiary: Beneficiary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A lot (types 1 to 6): all invoices for one recipient organism."""

    organism: str  # 3 digits
    number: int  # 1-999, by sender and organism
    created_on: date
    sender_name: str
    invoices: tuple[Invoice, ...]
    category: str = "000"
    legal_status: str = "00"
    pricing: str = "00"
    nature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class B2File:
    """A whole file (types 000 to 999)."""

    sender: str  # 9 digits, key included
    recipient: str  # 14 characters: 000000 + scheme + computing centre + organism
    file_id: str  # 6 characters, unique for the sender
    created_on: date
    batches: tuple[Batch, ...]
    sender_type: str = "TP"
    recipient_type: str = "CT"
    norm: str = "FR"  # supplier norm code: a guess, hence a parameter
    version: str = "062007"
    flow: str = ""  # empty or R real, T test, D demo
    message: str = ""  # publisher, software, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(BaseReport):
    """What the checker saw; amounts are the sums of types 3 and 4."""

    batches: int
    invoices: int
    lines: int
    total_cents: int
    amo_cents: int
    amc_cents: int

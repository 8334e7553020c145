"""What a SESAM-Vitale file says: file → batches → sheets (FSE) or claims (DRE) → services.

Amounts are cents, dates are days, identifiers are text. Counters and totals aren't here: the writer
computes them and the checker verifies them. Ends of periods are included. Source: reference §3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """LPP coding of a service."""

    code: str  # 7 digits
    quantity: int
    price_cents: int
    total_cents: int
    kind: str  # A achat, L location, E entretien, R réparation, P port, S service, V livraison
    first_day: date
    last_day: date | None = None
    siret: str = ""
    sale_price_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service, its amounts and prescription."""

    done_on: date
    act: str
    quantity: int
    unit_price_cents: int
    base_cents: int
    rate_pct: int
    amo_cents: int
    total_cents: int
    amc_cents: int = 0
    coefficient_hundredths: int = 100
    count: int = 1
    qualifier: str = ""
    exemption: str = ""
    prescriber: str = "0" * 9
    prescriber_rpps: str = "0" * 11
    prescribed_on: date | None = None
    agreement: str = "0"
    agreement_asked_on: date | None = None
    origin: str = ""
    products: tuple[Product, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who cares, as the CPS says (groups 1 and 2)."""

    id_type: str  # 0 ADELI, 8 RPPS
    national_id: str
    biller: str  # 9 digits, key included
    card_type: str = "0"
    situation: str = "01"
    practice: str = "00"
    status: str = "00"
    convention: str = "0"
    specialty: str = "00"
    tariff_zone: str = "00"
    substitute: str = "0" * 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the Vitale card says of the beneficiary (groups 101 to 106)."""

    card_type: str = "0"
    card_serial: str = ""
    card_until: date | None = None
    own_nir: str = ""
    own_nir_key: str = "00"
    long_illness: str = "0"
    situation: str = "0000"
    service: str = "00"
    rights_since: date | None = None
    rights_until: date | None = None
    cover_since: date | None = None
    cover_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complementary:
    """The complementary organism and contract (groups 107 to 109)."""

    amc: str
    member: str = ""
    contract: str = "00"
    treatment: str = "00"
    routing: str = ""
    host: str = ""
    domain: str = ""
    services_type: str = ""
    services: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What sheets and claims share."""

    number: str  # 9 digits, sequential for the provider
    created_on: date
    nir: str
    nir_key: str
    birth_date: str  # AAMMJJ; text, since it may be lunar
    scheme: str
    fund: str
    provider: Provider
    services: tuple[Service, ...]
    centre: str = "0000"
    rank: str = "000"
    birth_rank: str = "1"
    quality: str = "0"
    nature: str = "10"
    security: str = "1"  # 1 both cards, 3 degraded, 4 not secured (guess)
    corrects: str = "0" * 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(_Common):
    """A care sheet (FSE), made with both cards. Without a Vitale card the invoice goes by B2."""

    rights: Rights
    complementary: Complementary | None = None
    operation: str = "1"
    management: str = ""
    exemption: str = "0"
    accident: str = "0" * 9
    rights_proof: str = "4"
    split: str = ""  # F: the AMC share travels apart, in a claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(_Common):
    """A claim to the complementary organism (DRE), linked to the sheet of the obligatory share."""

    complementary: Complementary
    rights: Rights | None = None
    sheet: str = "0" * 9  # number of the FSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A lot: sheets, or claims, of one provider for one organism, signed by one card."""

    organism: str  # 3 digits
    batch: int  # 1-999, cyclic for a provider and organism
    created_on: date
    sender_name: str
    signer: str  # national number of the signing card
    sheets: tuple[Sheet, ...] | tuple[Claim, ...]
    signer_type: str = "8"

    @property
    def kind(self) -> str:
        """F for sheets, D for claims; an empty lot can't be written."""
        return "D" if self.sheets and type(self.sheets[0]) is Claim else "F"


@dataclass(frozen=True, slots=True, kw_only=True)
class SesamFile:
    """A whole file."""

    sender: str  # 9 digits, key included
    scheme: str
    computing_centre: str
    organism: str
    file_id: str
    created_on: date
    batches: tuple[Batch, ...]
    version: str = "ECH1"
    flow: str = ""
    message: str = ""


def next_number(number: int) -> int:
    """The FSE or DRE number after `number`, for one provider: 1 to 999 999 999, then 1 again."""
    return number % 999_999_999 + 1


def next_batch(batch: int) -> int:
    """The lot number after `batch`, for one provider and organism: 1 to 999, then 1 again."""
    return batch % 999 + 1

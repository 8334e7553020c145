"""Meters, their dated readings, and which reading a rule bills (contracts.md §1, §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from billing.contracts.formula import Formula
from billing.money import Rounding
from formats.common.anomaly import Code


class Origin(StrEnum):
    """Where a reading comes from."""

    INSTALLATION = "installation"
    CUSTOMER = "customer"
    PROVIDER = "provider"
    ESTIMATE = "estimate"
    TAKEOVER = "takeover"

    @property
    def french(self) -> str:
        """As printed under an invoice line."""
        return _FRENCH[self]


_FRENCH: Final = {
    Origin.INSTALLATION: "installation",
    Origin.CUSTOMER: "relevé client",
    Origin.PROVIDER: "relevé prestataire",
    Origin.ESTIMATE: "estimation",
    Origin.TAKEOVER: "reprise",
}
ACTUAL: Final = frozenset(Origin) - {Origin.ESTIMATE}


class Regime(StrEnum):
    """Which readings a rule accepts (contracts.md §3, "Regimes")."""

    ESTIMATE = "estimate"  # estimation autorisée
    ACTUAL = "actual"  # réel
    CUSTOMER = "customer"  # particulier


@dataclass(frozen=True, slots=True)
class ReadingPolicy:
    """How the reading to bill is searched: a regime, or a row of TD_FACTURATION_RELEVES_REEL.

    tiers:        accepted origins, preferred first; inside a tier the most recent reading wins.
    within_days:  search within the run's day limit; else since the last actual invoice.
    estimate:     estimate when no reading fits.
    """

    tiers: tuple[frozenset[Origin], ...]
    within_days: bool = True
    estimate: bool = False


REGIMES: Final = MappingProxyType(
    {
        Regime.ESTIMATE: ReadingPolicy((ACTUAL,), estimate=True),
        Regime.ACTUAL: ReadingPolicy((frozenset({Origin.CUSTOMER, Origin.PROVIDER}),)),
        Regime.CUSTOMER: ReadingPolicy((frozenset({Origin.CUSTOMER}),)),
    }
)


class Reading(NamedTuple):
    """One dated value of a meter; `id` is 0 until it is stored."""

    meter_id: int
    read_on: date
    value: int
    origin: Origin
    id: int = 0


class Meter(NamedTuple):
    """A counter (grandeur) on an asset.

    contractual_volume: units a month promised by the contract (VMC), None when none is.
    model_volume: units a month of the manufacturer's model (VMT).
    stated_volume: units a month entered by hand (VMS).
    scale: readings are integers; printing divides the quantity by the scale (A-CRE-17).
    printable: its counter is told in the small print of the line it is billed on.
    since/until: validity of the meter, None for open.
    calculation: how its readings come from other meters; None for a meter that is read.
    """

    id: int
    asset_id: int
    code: str
    label: str
    cumulative: bool = True
    billable: bool = True
    billable_on_estimate: bool = True
    billable_on_customer: bool = True
    scale: int = 1
    contractual_volume: Decimal | None = None
    model_volume: Decimal | None = None
    printable: bool = True
    since: date | None = None
    until: date | None = None
    calculation: Calculated | None = None
    asset_code: str = ""
    stated_volume: Decimal | None = None


class Calculated(NamedTuple):
    """What a calculated meter is: a formula over other meters of its asset, and a rounding.

    formula is None when it is missing, which is an anomaly of whoever bills it (A-NCU-13).
    """

    formula: Formula | None
    rounding: Rounding
    operands: tuple[Meter, ...]


NO_ACTUAL_READING = Code(
    "RAT-101",
    "Pas de relevé réel à facturer pour la grandeur « {meter} » du bien « {asset} ».",
    "Saisissez un relevé client ou prestataire, ou autorisez l'estimation dans la règle.",
)
NO_CUSTOMER_READING = Code(
    "RAT-102",
    "Pas de relevé particulier ou réel à facturer pour la grandeur « {meter} ».",
    "Demandez un relevé au client : cette règle ne se facture pas sur estimation.",
)
NO_READING_WITHOUT_ESTIMATE = Code(
    "RAT-103",
    "Facturation sans estimation : pas de relevé pour la grandeur « {meter} » du bien « {asset} ».",
    "Saisissez un relevé, ou facturez sans l'option « sans estimation » en fin de mois.",
)
NOT_BILLABLE = Code(
    "RAT-105",
    "La grandeur « {meter} » du bien « {asset} » n'est pas facturable.",
    "Détachez la grandeur de la règle, ou rendez-la facturable.",
)
NOT_ON_ESTIMATE = Code(
    "RAT-106",
    "La grandeur « {meter} » du bien « {asset} » n'est pas facturable sur estimation.",
    "Saisissez un relevé client ou prestataire de cette grandeur.",
)
NOT_ON_CUSTOMER = Code(
    "RAT-107",
    "La grandeur « {meter} » du bien « {asset} » n'est pas facturable sur relevé client.",
    "Saisissez un relevé prestataire de cette grandeur.",
)
NO_FORMULA = Code(
    "RAT-143",
    "La grandeur calculée « {meter} » du bien « {asset} » n'a pas de formule.",
    "Donnez la formule dans la configuration prédéfinie des grandeurs, puis réimportez le bien.",
)
NOT_ACTIVE = Code(
    "RAT-146",
    "La grandeur « {meter} » du bien « {asset} » n'est pas active : {cause}.",
    "Détachez la grandeur de la règle, ou corrigez ses dates de début et de fin.",
)

# No reading was found; what else forbids one is another matter.
MISSING: Final = frozenset({NO_ACTUAL_READING, NO_CUSTOMER_READING, NO_READING_WITHOUT_ESTIMATE})
# EXCEPTION_RELEVE_FACTURATION hides these two; they block their contract all the same (A-REL-06).
HIDEABLE: Final = frozenset({NO_ACTUAL_READING, NO_CUSTOMER_READING})


class Search(NamedTuple):
    """Where a reading is looked for: from `since` to `until`, both included.

    estimate says whether a gap may be filled; missing is the code of a gap that may not.
    """

    tiers: tuple[frozenset[Origin], ...]
    since: date
    until: date
    estimate: bool
    missing: Code


def recent(
    readings: Sequence[Reading], since: date, until: date, origins: frozenset[Origin]
) -> Reading | None:
    """The last reading of these origins between two dates, both included.

    `readings` are in date order (date, then id).
    """
    for reading in reversed(readings):
        if reading.read_on < since:
            return None
        if reading.read_on <= until and reading.origin in origins:
            return reading
    return None


def barred(meter: Meter, work_date: date) -> tuple[Code, str] | None:
    """What forbids billing a meter whatever was read: its flags, its dates, a missing formula.

    Each with its own code, and its cause in French (contracts.md §3, "Meter flags").
    """
    if not meter.billable:
        return NOT_BILLABLE, ""
    if meter.since is not None and work_date < meter.since:
        return NOT_ACTIVE, f"elle commence le {meter.since:%d/%m/%Y}"
    if meter.until is not None and work_date >= meter.until:
        return NOT_ACTIVE, f"elle a pris fin le {meter.until - timedelta(days=1):%d/%m/%Y}"
    if meter.calculation is not None and meter.calculation.formula is None:
        return NO_FORMULA, ""
    return None


def allowed(meter: Meter, search: Search) -> Search:
    """The search without the customer's readings when the meter can't be billed on them."""
    if meter.billable_on_customer:
        return search
    return search._replace(tiers=tuple(tier - {Origin.CUSTOMER} for tier in search.tiers))


def _preferred(readings: Sequence[Reading], search: Search) -> Reading | None:
    for tier in search.tiers:
        reading = recent(readings, search.since, search.until, tier)
        if reading is not None:
            return reading
    return None


def found(meter: Meter, search: Search, readings: Sequence[Reading]) -> Reading | Code | None:
    """The reading to bill; None when an estimate is to be made; the code of what forbids both.

    A stored estimate never counts. A meter's flag that forbids what the regime allows wins, with
    its own code (contracts.md §3, "Meter flags").
    """
    reading = _preferred(readings, allowed(meter, search))
    if reading is not None:
        return reading
    if not meter.billable_on_customer and _preferred(readings, search):
        return NOT_ON_CUSTOMER
    if not search.estimate:
        return search.missing
    return None if meter.billable_on_estimate else NOT_ON_ESTIMATE

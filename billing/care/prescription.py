"""What was prescribed, by whom, until when, and whether the fund agreed.

Sources: CSS R.165-36 to R.165-38 (twelve months at most), R.165-23 (prior agreement);
homecare_facts.md §4 and homecare.md, "Decisions where sources are silent".
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.care.cover import InsuranceNature, in_force
from billing.period import Unit
from formats.common.anomaly import AnomaliesFound, Anomaly, Code

TOO_LONG: Final = Code(
    "CAR-020",
    "L'ordonnance {prescription} du {dated_on:%d/%m/%Y} dure plus de 12 mois,"
    " renouvellements compris.",
    "Ramenez la durée à 12 mois et demandez une nouvelle ordonnance (CSS R.165-36).",
)
BEFORE_PRESCRIPTION: Final = Code(
    "CAR-021",
    "L'élément {item} est livré le {day:%d/%m/%Y}, avant sa première ordonnance.",
    "Rien n'est facturable : corrigez la date de livraison ou celle de l'ordonnance.",
)
NOT_PRESCRIBED: Final = Code(
    "CAR-022",
    "L'élément {item} n'est couvert par aucune ordonnance à partir du {day:%d/%m/%Y}.",
    "Demandez le renouvellement au prescripteur ; la facturation reprendra seule.",
)
BAD_ITEM: Final = Code(
    "CAR-023",
    "L'élément {item} a une quantité, un prix ou des dates impossibles.",
    "Corrigez : quantité positive, prix positif ou nul, fin après le début.",
)
UNDATED_AGREEMENT: Final = Code(
    "CAR-024",
    "Un accord préalable « {state} » n'a pas de date de demande.",
    "Indiquez le jour où la caisse a reçu la demande.",
)

LONGEST_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; months and years keep the day, clamped to the month's last."""

    count: int
    unit: Unit

    def after(self, day: date) -> date:
        """The day this long after `day`."""
        if self.unit is Unit.DAY:
            return day + timedelta(days=self.count)
        if self.unit is Unit.WEEK:
            return day + timedelta(weeks=self.count)
        months = self.count * (12 if self.unit is Unit.YEAR else 1)
        return _months_after(day, months)


FIFTEEN_DAYS: Final = Duration(15, Unit.DAY)
TWO_MONTHS: Final = Duration(2, Unit.MONTH)


class AgreementState(StrEnum):
    """Prior agreement (demande d'accord préalable, DAP)."""

    NONE = "none"
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    TACIT = "tacit"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A request and its answer. `asked_on` is the day the medical control received it.

    Raises AnomaliesFound (CAR-024) when a request has no date.
    """

    state: AgreementState = AgreementState.NONE
    asked_on: date | None = None
    answered_on: date | None = None

    def __post_init__(self) -> None:
        if self.state is not AgreementState.NONE and self.asked_on is None:
            raise AnomaliesFound(Anomaly(UNDATED_AGREEMENT, values={"state": self.state.value}))

    def seen_on(self, day: date, silence: Duration) -> Agreement:
        """The agreement as it stands on `day`: silence gives it, its last day included.

        Received on 1 March with 15 days of silence, it is tacit from 16 March on.
        """
        if self.state is not AgreementState.ASKED or self.asked_on is None:
            return self
        tacit_on = silence.after(self.asked_on)
        if day < tacit_on:
            return self
        return replace(self, state=AgreementState.TACIT, answered_on=tacit_on)


@dataclass(frozen=True, slots=True)
class Prescriber:
    """Who prescribed: RPPS (11 digits), AM number (9), speciality code."""

    rpps: str
    am_number: str
    speciality: str


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription: renewals are counted on top of its first `duration`.

    Raises AnomaliesFound (CAR-020) beyond twelve months, renewals included.
    """

    id: int
    prescriber: Prescriber
    dated_on: date
    duration: Duration
    renewals: int = 0
    agreement: Agreement = field(default_factory=Agreement)
    nature: InsuranceNature = InsuranceNature.SICKNESS

    def __post_init__(self) -> None:
        if self.until > _months_after(self.dated_on, LONGEST_MONTHS):
            values = {"prescription": self.id, "dated_on": self.dated_on}
            raise AnomaliesFound(Anomaly(TOO_LONG, values=values))

    @property
    def since(self) -> date:
        """First day on which care may be given: the day of the prescription."""
        return self.dated_on

    @property
    def until(self) -> date:
        """First day no longer prescribed."""
        whole = self.duration.count * (1 + self.renewals)
        return Duration(whole, self.duration.unit).after(self.dated_on)


class ItemKind(StrEnum):
    """What the patient gets."""

    RENTAL = "rental"
    PURCHASE = "purchase"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class CareItem:
    """One prescribed thing at a patient's, in use on [since, until).

    lpp_code:        seven digits, or "" for an item billed by nature and amount.
    price_ttc:       € a unit, VAT included; None = the tariff of the day.
    carry_over_weeks: weeks already used up elsewhere, for degressive rentals.
    exempted:        the prescriber ties it to the exemption of the cover (ALD, sterility…).
    Raises AnomaliesFound (CAR-023) for a quantity, price or period that can't be.
    """

    id: int
    patient_id: int
    kind: ItemKind
    lpp_code: str
    since: date
    quantity: Decimal = Decimal(1)
    price_ttc: Decimal | None = None
    until: date | None = None
    carry_over_weeks: int = 0
    exempted: bool = False

    def __post_init__(self) -> None:
        negative = self.price_ttc is not None and self.price_ttc < 0
        backwards = self.until is not None and self.until < self.since
        if self.quantity <= 0 or negative or backwards or self.carry_over_weeks < 0:
            raise AnomaliesFound(Anomaly(BAD_ITEM, values={"item": self.id}))


def prescribed_on(
    item: CareItem, prescriptions: Sequence[Prescription], day: date
) -> Prescription | Anomaly:
    """The latest prescription in force on `day`, or why nothing is billable (CAR-021, 022)."""
    if not any(p.dated_on <= item.since for p in prescriptions):
        return Anomaly(BEFORE_PRESCRIPTION, values={"item": item.id, "day": item.since})
    running = [p for p in prescriptions if in_force(p, day)]
    if not running:
        return Anomaly(NOT_PRESCRIBED, values={"item": item.id, "day": day})
    return max(running, key=lambda p: (p.dated_on, p.id))


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))

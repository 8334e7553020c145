"""Who covers a patient on a day: AMO and AMC covers, each with its proof (homecare.md, Patient).

Covers carry no identity of the insured person: the NIR stays with the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from billing.money import ZERO
from formats.common.anomaly import Anomaly, Code

NO_AMO: Final = Code(
    "CAR-010",
    "Aucune couverture AMO n'est ouverte le {day:%d/%m/%Y} (nature d'assurance {nature}).",
    "Consultez ADRi ou la carte du patient, puis importez la couverture.",
)
AMO_OVERLAP: Final = Code(
    "CAR-011",
    "Plusieurs couvertures AMO de nature {nature} sont ouvertes le {day:%d/%m/%Y}.",
    "Fermez la couverture qui n'a plus cours.",
)
AMC_OVERLAP: Final = Code(
    "CAR-012",
    "Plusieurs contrats AMC en tiers payant sont ouverts le {day:%d/%m/%Y}.",
    "Fermez le contrat qui n'a plus cours ; un seul contrat peut payer un jour donné.",
)


class InsuranceNature(StrEnum):
    """Nature d'assurance, as B2 type 2, positions 77-78 writes it.

    The local scheme is a `Situation`: B2's 13 is written from SICKNESS and LOCAL_SCHEME.
    """

    SICKNESS = "10"
    MATERNITY = "30"
    WORK_ACCIDENT = "41"
    PREVENTION = "90"


class Situation(StrEnum):
    """What the rights say besides the exemption code."""

    LOCAL_SCHEME = "local_scheme"
    ALD = "ald"
    C2S = "c2s"
    AME = "ame"


class ProofKind(StrEnum):
    """What proves a cover."""

    CARD = "carte"
    ADRI = "adri"
    CERTIFICATE = "attestation"


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of a cover and the day it was seen."""

    kind: ProofKind
    seen_on: date


class FormulaCode(StrEnum):
    """AMC formulas F0–F7 (homecare_facts.md §2.2)."""

    NONE = "F0"
    FULL_TM = "F1"
    PERCENT_TM = "F2"
    PERCENT_BASE_AMO_INCLUDED = "F3"
    PERCENT_BASE_ON_TOP = "F4"
    FIXED = "F5"
    TM_AND_FIXED = "F6"
    REAL_COST = "F7"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with its parameters: `percent` for F2–F4, `fixed` (€ per line) for F5–F6."""

    code: FormulaCode
    percent: Decimal = ZERO
    fixed: Decimal = ZERO


NO_FORMULA: Final = Formula(FormulaCode.NONE)
FULL_TM: Final = Formula(FormulaCode.FULL_TM)


class AmcMode(StrEnum):
    """How the AMC share is sent."""

    DRE = "dre"
    SINGLE_FLOW = "gestion_unique"
    PAPER = "papier"


@dataclass(frozen=True, slots=True)
class CoverAMO:
    """Compulsory cover on [since, until): scheme (2), fund (3) and centre (4 digits).

    `exemption` is the B2 code of `exoneration_ticket_moderateur.csv` (LIS, EXC, MAT…), or ""
    when there is none; invalidity has no B2 code and takes its number, 13.
    """

    scheme: str
    fund: str
    centre: str
    since: date
    proof: Proof
    until: date | None = None
    nature: InsuranceNature = InsuranceNature.SICKNESS
    exemption: str = ""
    situations: frozenset[Situation] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class CoverAMC:
    """Complementary contract on [since, until). Without third party it pays us nothing."""

    number: str
    member: str = field(repr=False)
    formula: Formula
    since: date
    proof: Proof
    until: date | None = None
    third_party: bool = True
    mode: AmcMode = AmcMode.DRE


def amo_on(covers: Sequence[CoverAMO], day: date, nature: InsuranceNature) -> CoverAMO | Anomaly:
    """The AMO cover of that nature on `day`, or why there isn't exactly one (CAR-010, 011)."""
    open_covers = [c for c in covers if c.nature is nature and in_force(c, day)]
    if len(open_covers) == 1:
        return open_covers[0]
    code = AMO_OVERLAP if open_covers else NO_AMO
    return Anomaly(code, values={"day": day, "nature": nature.value})


def amc_on(covers: Sequence[CoverAMC], day: date) -> CoverAMC | Anomaly | None:
    """The AMC contract that pays us on `day`; None when the patient has none (CAR-012)."""
    open_covers = [c for c in covers if c.third_party and in_force(c, day)]
    if len(open_covers) > 1:
        return Anomaly(AMC_OVERLAP, values={"day": day})
    return open_covers[0] if open_covers else None


class _Period(Protocol):
    @property
    def since(self) -> date: ...
    @property
    def until(self) -> date | None: ...


def in_force(cover: _Period, day: date) -> bool:
    """Whether `day` lies in the half-open period of a cover."""
    return cover.since <= day and (cover.until is None or day < cover.until)

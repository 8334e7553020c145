"""Who pays what on one line, to the cent (homecare.md, "Split, to the cent").

Rates and complements are dated data with the mark of their source: [S] read in a source, [M]
from memory, to be confirmed by whoever runs the software (homecare_facts.md §2.1). No share is
ever computed on a total of lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from billing.care.cover import CoverAMO, Formula, FormulaCode, InsuranceNature, Situation
from billing.money import CENT, ZERO, to_cents
from billing.tariff import DatedValues, always
from formats.common.anomaly import Anomaly, Code

UNKNOWN_EXEMPTION: Final = Code(
    "CAR-030",
    "L'exonération {exemption} n'a pas de taux le {day:%d/%m/%Y}.",
    "Corrigez le code d'exonération de la couverture ou complétez la table des taux.",
)
NO_RATE: Final = Code(
    "CAR-031",
    "Aucun taux de prise en charge n'est connu le {day:%d/%m/%Y}.",
    "Complétez la table des taux pour cette date.",
)

HUNDRED: Final = Decimal(100)


class SplitRounding(StrEnum):
    """HALF_UP: TM = base − AMO. TRUNCATE: AMO and TM each cut from the base (seed's 172.74)."""

    HALF_UP = "half_up"
    TRUNCATE = "truncate"


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of a line, in €: total = AMO + complement + AMC + patient, none negative.

    complement: paid by the AMO above its tariff (work accidents, nature ATL).
    """

    total: Decimal
    base: Decimal
    part_amo: Decimal
    complement: Decimal
    part_amc: Decimal
    part_patient: Decimal


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """What the shares depend on, besides price and tariff. Percentages of the base."""

    rate_pct: Decimal
    formula: Formula
    complement_pct: Decimal = ZERO
    rounding: SplitRounding = SplitRounding.HALF_UP


@dataclass(frozen=True, slots=True)
class _Basis:
    base: Decimal
    amo: Decimal
    tm: Decimal
    rest: Decimal


_FORMULAS: Final[Mapping[FormulaCode, Callable[[_Basis, Formula], Decimal]]] = MappingProxyType(
    {
        FormulaCode.NONE: lambda b, f: ZERO,
        FormulaCode.FULL_TM: lambda b, f: b.tm,
        FormulaCode.PERCENT_TM: lambda b, f: percent_of(b.tm, f.percent),
        FormulaCode.PERCENT_BASE_AMO_INCLUDED: lambda b, f: percent_of(b.base, f.percent) - b.amo,
        FormulaCode.PERCENT_BASE_ON_TOP: lambda b, f: percent_of(b.base, f.percent),
        FormulaCode.FIXED: lambda b, f: f.fixed,
        FormulaCode.TM_AND_FIXED: lambda b, f: b.tm + f.fixed,
        FormulaCode.REAL_COST: lambda b, f: b.rest,
    }
)


def split(price: Decimal, quantity: Decimal, tariff: Decimal, terms: ShareTerms) -> Split:
    """The shares of one line at a price and a tariff, both VAT included, none negative.

    Base = round(min(price, tariff) × quantity); the patient pays what the others leave.
    """
    total = to_cents(price * quantity)
    base = to_cents(min(price, tariff) * quantity)
    amo, tm = _amo_and_tm(base, terms)
    complement = min(total - base, percent_of(base, terms.complement_pct))
    rest = total - amo - complement
    share = _FORMULAS[terms.formula.code](_Basis(base, amo, tm, rest), terms.formula)
    amc = max(ZERO, min(rest, to_cents(share)))
    return Split(total, base, amo, complement, amc, rest - amc)


def percent_of(amount: Decimal, percent: Decimal) -> Decimal:
    """That percentage of an amount, half-up to the cent."""
    return to_cents(amount * percent / HUNDRED)


def _amo_and_tm(base: Decimal, terms: ShareTerms) -> tuple[Decimal, Decimal]:
    if terms.rounding is SplitRounding.HALF_UP:
        amo = percent_of(base, terms.rate_pct)
        return amo, base - amo
    amo = (base * terms.rate_pct / HUNDRED).quantize(CENT, ROUND_DOWN)
    tm = (base * (HUNDRED - terms.rate_pct) / HUNDRED).quantize(CENT, ROUND_DOWN)
    return amo, tm


class Reason(StrEnum):
    """Why a rate applies: to everything, to a nature, to an insurance nature, to a patient."""

    GENERAL = "general"
    NATURE = "nature"
    INSURANCE = "insurance"
    EXEMPTION = "exemption"
    RELATED = "related"  # exemption that holds only for care tied to it
    SITUATION = "situation"


Ground = tuple[Reason, str]
RateTable = Mapping[Ground, DatedValues[Decimal]]

_START: Final = date(2011, 5, 2)


def _rate(percent: str, source: str) -> DatedValues[Decimal]:
    return always(Decimal(percent), _START, f"homecare_facts.md §2.1 {source}, début [M]")


# The highest rate whose ground holds applies. The table starts with the general rate of 60 %;
# earlier care has no rate here and is reported, never guessed.
RATES: Final[RateTable] = MappingProxyType(
    {
        (Reason.GENERAL, ""): _rate("60", "taux général LPP [S]"),
        (Reason.NATURE, "VEH"): _rate("100", "VPH, titre IV [M]"),
        (Reason.NATURE, "ORP"): _rate("100", "grand appareillage [M]"),
        (Reason.NATURE, "POC"): _rate("100", "grand appareillage [M]"),
        (Reason.INSURANCE, InsuranceNature.MATERNITY): _rate("100", "risque maternité [S]"),
        (Reason.INSURANCE, InsuranceNature.WORK_ACCIDENT): _rate("100", "AT/MP [M]"),
        (Reason.EXEMPTION, "MAT"): _rate("100", "6e mois de grossesse [S]"),
        (Reason.EXEMPTION, "A115"): _rate("100", "pension militaire, art. 115 [S]"),
        (Reason.EXEMPTION, "13"): _rate("100", "invalidité [S]"),
        (Reason.EXEMPTION, "L324"): _rate("60", "ALD non exonérante [S]"),
        (Reason.RELATED, "LIS"): _rate("100", "ALD liste [S]"),
        (Reason.RELATED, "EXC"): _rate("100", "ALD hors liste [S]"),
        (Reason.RELATED, "EXP"): _rate("100", "polypathologie [S]"),
        (Reason.RELATED, "STE"): _rate("100", "stérilité [M]"),
        (Reason.RELATED, "EDS"): _rate("100", "éducation spécialisée [M]"),
        (Reason.RELATED, Situation.ALD): _rate("100", "ALD sans code [M]"),
        (Reason.SITUATION, Situation.LOCAL_SCHEME): _rate("90", "Alsace-Moselle [S]"),
        (Reason.SITUATION, Situation.AME): _rate("100", "AME, sans supplément [M]"),
    }
)

# Paid by the AMO above its tariff, as a percentage of the base, under nature ATL.
COMPLEMENTS: Final[RateTable] = MappingProxyType(
    {
        (Reason.INSURANCE, InsuranceNature.WORK_ACCIDENT): _rate(
            "50", "AT, jusqu'à 150 % du tarif : nature ATL [S], règle [M]"
        ),
    }
)
COMPLEMENT_NATURE: Final = "ATL"

NO_EXCESS: Final = frozenset({Situation.C2S, Situation.AME})  # homecare_facts.md §2.1 [S/M]


def grounds(amo: CoverAMO, nature: str, exempted: bool) -> frozenset[Ground]:
    """Every ground that holds for a line of that B2 nature under that cover."""
    found: set[Ground] = {
        (Reason.GENERAL, ""),
        (Reason.NATURE, nature),
        (Reason.INSURANCE, amo.nature),
        (Reason.EXEMPTION, amo.exemption),
    }
    found.update((Reason.SITUATION, situation) for situation in amo.situations)
    if exempted:
        found.add((Reason.RELATED, amo.exemption))
        found.update((Reason.RELATED, situation) for situation in amo.situations)
    return frozenset(found)


def rate_on(
    table: RateTable, holding: frozenset[Ground], amo: CoverAMO, day: date
) -> Decimal | Anomaly:
    """The highest rate in %, or an exemption without rate (CAR-030), or no rate (CAR-031)."""
    coded = ((Reason.EXEMPTION, amo.exemption), (Reason.RELATED, amo.exemption))
    if amo.exemption and not any(ground in table for ground in coded):
        return Anomaly(UNKNOWN_EXEMPTION, values={"exemption": amo.exemption, "day": day})
    rates = _values_on(table, holding, day)
    return max(rates) if rates else Anomaly(NO_RATE, values={"day": day})


def complement_on(table: RateTable, holding: frozenset[Ground], day: date) -> Decimal:
    """The complement in % of the base; zero when nothing gives one."""
    return max(_values_on(table, holding, day), default=ZERO)


def _values_on(table: RateTable, holding: frozenset[Ground], day: date) -> list[Decimal]:
    steps = (table[ground].on(day) for ground in holding if ground in table)
    return [step.value for step in steps if step is not None]

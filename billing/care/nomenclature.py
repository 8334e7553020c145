"""One entry of the LPP nomenclature, and the engine its attributes ask for.

Attributes are those of `lpp_homecare.csv` (homecare_facts.md §1.2, §1.5–1.9). An engine is named
even when it isn't installed: a code that asks for a missing one is reported, never billed by
another engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from billing.care.prescription import FIFTEEN_DAYS, Duration
from billing.tariff import DatedValues
from formats.common.anomaly import Anomaly, Code

NO_TARIFF: Final = Code(
    "CAR-040",
    "Le code {code} n'a pas de tarif daté le {day:%d/%m/%Y}.",
    "Importez la base LPP officielle ou saisissez le tarif avec sa source.",
)

# Families with rules of their own, whatever the billing unit of the code.
FAMILY_ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PERFADOM": "perfadom",
        "PPC": "ppc",
        "OXYGENE": "oxygen",
        "VENTILATION": "oxygen",
        "INSULINE_POMPE": "insulin",
        "TENS": "tens",
        "AEROSOL": "aerosol",
        "NUTRITION_PARENTERALE": "parenteral_nutrition",
    }
)

# The others follow the type letter (homecare_facts.md §1.3) and the billing unit.
SHAPE_ENGINES: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("L", "SEMAINE"): "rental",
        ("S", "SEMAINE"): "rental",
        ("A", "UNITE"): "purchase",
        ("R", "UNITE"): "purchase",
        ("V", "FORFAIT"): "delivery",
    }
)

DEGRESSIVE: Final = "degressive"


def engine_for(type_letter: str, unit: str, family: str = "", group: str = "") -> str | None:
    """The engine a code asks for, from its type letter, unit, family and degressive group.

    None when nothing says how such a code is billed.
    """
    if group:
        return DEGRESSIVE
    return FAMILY_ENGINES.get(family) or SHAPE_ENGINES.get((type_letter, unit))


@dataclass(frozen=True, slots=True)
class LppEntry:
    """A code with its dated tariffs, VAT included. `code` "" = billed by nature and amount.

    price_limits:    highest public price (PLV); None = free price.
    prior_agreement: the fund must agree; `silence` is how long it takes to agree tacitly.
    """

    code: str
    label: str
    type_letter: str
    nature: str
    unit: str
    engine: str | None
    tariffs: DatedValues[Decimal]
    price_limits: DatedValues[Decimal] | None = None
    prior_agreement: bool = False
    silence: Duration = FIFTEEN_DAYS

    def tariff_on(self, day: date) -> Decimal | Anomaly:
        """Reimbursement base in € a unit on that day, or CAR-040."""
        step = self.tariffs.on(day)
        if step is None:
            return Anomaly(NO_TARIFF, values={"code": self.code or self.nature, "day": day})
        return step.value

    def limit_on(self, day: date) -> Decimal | None:
        """Highest price in € a unit on that day; None = free."""
        step = self.price_limits.on(day) if self.price_limits else None
        return step.value if step else None

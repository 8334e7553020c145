"""The Syntec index of labour costs: P1 = P0 × (0.15 + 0.85 × S1 / S0) (seed 004, "Principe").

S1 is the index of the revision month, or the last one published before it; an older month that
is missing stops the rule (contracts.md, Decisions, "Syntec").
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from formats.common.anomaly import Anomaly, Code

Month = tuple[int, int]
Indices = Mapping[Month, Decimal]
NO_INDICES: Final[Indices] = MappingProxyType({})

HISTORY: Final = 24  # months known before a revision (A-SYN-03)
LATE: Final = 3  # of them, months that may not be published yet

FIXED: Final = Decimal("0.15")
INDEXED: Final = Decimal("0.85")

MISSING_INDEX = Code(
    "RAT-241",
    "L'indice Syntec de {month} manque : la règle « {rule} » ne peut pas être révisée au"
    " {day:%d/%m/%Y}.",
    "Importez l'indice de ce mois (flux « indices »).",
)


class Ratio(NamedTuple):
    """The two indices of a revision with their months; late: the revision month isn't published."""

    s0_month: str
    s0: Decimal
    s1_month: str
    s1: Decimal
    late: bool

    def exact(self, price: Decimal) -> Decimal:
        """The revised price before rounding: 100.00, 159.588, 161.018 → 100.7616…"""
        return price * (FIXED + INDEXED * self.s1 / self.s0)


def ratio(indices: Indices, since: date, revised_on: date) -> Ratio | Anomaly:
    """From the index of a day to the one of the revision; an anomaly that names a missing month."""
    s0, wanted = (since.year, since.month), (revised_on.year, revised_on.month)
    if s0 not in indices:
        return _missing(s0, revised_on)
    s1 = max((month for month in indices if month <= wanted), default=s0)
    if s1 != wanted and max(indices) > wanted:
        return _missing(wanted, revised_on)
    return Ratio(written(s0), indices[s0], written(s1), indices[s1], s1 != wanted)


def missing_before(indices: Indices, day: date) -> list[str]:
    """The months without index among the 24 before a day, oldest first, as the table prints them.

    Those of the last three that nobody has published yet are late, not missing.
    """
    ends = day.year * 12 + day.month - 1
    last = max(indices, default=(0, 0))
    found = list[str]()
    for rank in range(ends - HISTORY, ends):
        month = (rank // 12, rank % 12 + 1)
        late = rank >= ends - LATE and month > last
        if month not in indices and not late:
            found.append(written(month))
    return found


def _missing(month: Month, revised_on: date) -> Anomaly:
    return Anomaly(MISSING_INDEX, values={"month": written(month), "day": revised_on})


def written(month: Month) -> str:
    """A month as the table prints it: 07/2014."""
    return f"{month[1]:02d}/{month[0]}"

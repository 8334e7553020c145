"""Periods and periodicities: which dates a rule is billed on, and what part of one counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Term(StrEnum):
    """ADVANCE (à échoir) bills at the start of a period, ARREARS (échu) at its end."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class Unit(StrEnum):
    """Unit of a periodicity."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class ProrataBase(StrEnum):
    """PRORATA_BASE (contracts.md §2): months of 30 days, or real days."""

    COMMERCIAL = "commercial"
    ACTUAL = "actual"


@dataclass(frozen=True, slots=True)
class Proration:
    """Whether the first and the last period of a rule are prorated, and on which base."""

    first: bool = False
    last: bool = False
    base: ProrataBase = ProrataBase.COMMERCIAL


@dataclass(frozen=True, slots=True)
class Periodicity:
    """Every `count` `unit`s, counted from `anchor` without drift (31 Jan → 28 Feb → 31 Mar).

    civil:           bounds align on the civil calendar (quarter = 1 Jan, 1 Apr…).
    until:           last date on which an occurrence counts, included; None = never ends.
    occurrences:     ends after so many billings; 0 = never.
    excluded_months: recurrent months without billing (8 = August); they use up no occurrence.
    """

    count: int
    unit: Unit
    anchor: date
    civil: bool = False
    until: date | None = None
    occurrences: int = 0
    excluded_months: frozenset[int] = frozenset()

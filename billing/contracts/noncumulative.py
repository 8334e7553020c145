"""Non-cumulative meters: a function over the readings of a period (contracts.md §3)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from billing.contracts.reading import ACTUAL, Origin, Reading, Search
from billing.contracts.schedule import Period
from billing.money import ZERO

_MEAN: Final = Decimal("0.0001")
_USE: Final = ACTUAL - {Origin.INSTALLATION}  # where a meter begins is no use of it


class Calculation(StrEnum):
    """*Mode de calcul* of a rule on non-cumulative meters."""

    MINIMUM = "min"
    MAXIMUM = "max"
    SUM = "sum"
    MEAN = "mean"


def value_of(calculation: Calculation, values: Sequence[int]) -> Decimal:
    """20, 18, 24 → min 18, max 24, sum 62, mean 20.6667 (four decimals, half-up).

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("aucun relevé dans la période")
    match calculation:
        case Calculation.MINIMUM:
            return Decimal(min(values))
        case Calculation.MAXIMUM:
            return Decimal(max(values))
        case Calculation.SUM:
            return Decimal(sum(values))
        case Calculation.MEAN:
            return (Decimal(sum(values)) / len(values)).quantize(_MEAN, ROUND_HALF_UP)


def read_in(period: Period, readings: Sequence[Reading], search: Search) -> list[Reading]:
    """Readings the rule accepts, from the period's first day to the day before the next.

    The installation's value isn't one: it would make every first minimum zero.
    """
    accepted = frozenset[object]().union(*search.tiers) & _USE
    return [
        r for r in readings if period.since <= r.read_on < period.until and r.origin in accepted
    ]


def units_of(
    calculation: Calculation, periods: Sequence[Period], readings: Sequence[Reading], search: Search
) -> tuple[Decimal, list[list[Reading]]] | None:
    """Units of all the periods and the readings of each; None when a period has no reading."""
    read = [read_in(period, readings, search) for period in periods]
    if not read or not all(read):
        return None
    return sum((value_of(calculation, [r.value for r in rows]) for rows in read), ZERO), read

"""Price increases as values: what is agreed, what one changes, and the price in force on a day.

Sources: contracts.md §5; seed 004, "Gérer les augmentations des SSC". Nothing here knows a rule.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from billing.money import ZERO, Rounding


class PriceName(StrEnum):
    """The four prices of a cost line (*coûts augmentés*, A-AUG-07)."""

    BILLED = "billed"
    CUTOFF = "cutoff"
    PROFIT = "profit"
    COST = "cost"


EVERY_PRICE: Final = tuple(PriceName)


class IncreaseKind(StrEnum):
    """Where an increase comes from; a rule that has none is *non révisable*."""

    SYNTEC = "syntec"
    COMPANY = "company"
    CUSTOM = "custom"


class Mode(StrEnum):
    """How a value changes a price (*affichage*, A-AUG-05)."""

    COEFFICIENT = "coefficient"
    PERCENTAGE = "percentage"
    ADDED = "added"
    REPLACED = "replaced"


class Change(NamedTuple):
    """One way to change a price; mode and value are those of a custom change."""

    kind: IncreaseKind
    mode: Mode = Mode.COEFFICIENT
    value: Decimal = ZERO


class OneOff(NamedTuple):
    """A dated increase entered ahead, applied once. families: only these; empty for all."""

    on: date
    change: Change
    prices: tuple[PriceName, ...] = EVERY_PRICE
    families: tuple[str, ...] = ()


class Increase(NamedTuple):
    """What a rule agreed about its prices.

    recurring: each year; None is *non révisable*.
    yearly:    (month, day) of the increase; None is the anniversary of the module.
    prices:    those a recurring increase changes. rounding: of every increase of the rule.
    following: the next recurring date when a clerk fixed it; nothing applies before it.
    origin:    the day the prices are of, for Syntec; None is the start of the module.
    """

    recurring: Change | None = None
    yearly: tuple[int, int] | None = None
    prices: tuple[PriceName, ...] = EVERY_PRICE
    rounding: Rounding = Rounding.STANDARD
    following: date | None = None
    origin: date | None = None
    one_offs: tuple[OneOff, ...] = ()


class Moved(NamedTuple):
    """A price before an increase, after it, and what it would be without rounding."""

    before: Decimal
    exact: Decimal
    after: Decimal


class Step(NamedTuple):
    """One increase applied to one cost line, from a day on.

    prices: by name; `billed/1000` is the degressive price above 1000 units.
    told:   where it comes from, for `explain`. note: what the line's small print says, once.
    """

    since: date
    prices: Mapping[str, Moved]
    told: Mapping[str, object]
    note: str = ""


def changed(change: Change, price: Decimal) -> Decimal:
    """The exact new price of a custom change: 150.00 × 1.05 = 157.50, + 10 = 160.00, = 9.00."""
    if change.mode is Mode.COEFFICIENT:
        return price * change.value
    if change.mode is Mode.PERCENTAGE:
        return price + price * change.value / 100
    return price + change.value if change.mode is Mode.ADDED else change.value


def step_at(steps: Sequence[Step], day: date, name: str = PriceName.BILLED) -> Step | None:
    """The last step that moved this price, on the day or before."""
    return next((s for s in reversed(steps) if s.since <= day and name in s.prices), None)


def price_at(
    steps: Sequence[Step], day: date, price: Decimal, name: str = PriceName.BILLED
) -> Decimal:
    """The price in force on a day; `price` is the one of today when no step ever moved it."""
    step = step_at(steps, day, name)
    if step is not None:
        return step.prices[name].after
    first = next((s for s in steps if name in s.prices), None)
    return price if first is None else first.prices[name].before


def next_yearly(yearly: tuple[int, int], after: date) -> date:
    """The first such day behind `after`."""
    this = in_year(yearly, after.year)
    return this if this > after else in_year(yearly, after.year + 1)


def in_year(yearly: tuple[int, int], year: int) -> date:
    """A yearly (month, day) in a year; the 31st and 29 February clip to the month's end."""
    month, day = yearly
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))

"""Money is exact: `Decimal` euros in this room, rounded half-up once, here.

Scales of the database (design decision "Scales"): amounts in cents, prices × 10⁸, quantities
× 10⁶, rates in parts per million, all signed 64-bit integers.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

CENT: Final = Decimal("0.01")
UNIT: Final = Decimal(1)
ZERO: Final = Decimal(0)

PRICE_SCALE: Final = 8
QUANTITY_SCALE: Final = 6
RATE_SCALE: Final = 6
BIGINT_MAX: Final = 2**63 - 1


class Rounding(StrEnum):
    """Rounding of an increased price, at the rule's decimals (contracts.md §2)."""

    STANDARD = "standard"
    UP = "up"
    DOWN = "down"


_MODES: Final = {
    Rounding.STANDARD: ROUND_HALF_UP,
    Rounding.UP: ROUND_UP,
    Rounding.DOWN: ROUND_DOWN,
}


def to_cents(amount: Decimal) -> Decimal:
    """Euros rounded half-up to the cent, as a line is printed."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def to_units(quantity: Decimal) -> Decimal:
    """A quantity rounded half-up to the whole unit."""
    return quantity.quantize(UNIT, ROUND_HALF_UP)


def round_price(price: Decimal, decimals: int, rounding: Rounding = Rounding.STANDARD) -> Decimal:
    """A price at the rule's own decimals (2 to 8)."""
    return price.quantize(UNIT.scaleb(-decimals), _MODES[rounding])


@lru_cache(maxsize=4096)  # prices and quantities return, and amounts as soon as their entries
def scaled(value: Decimal, scale: int) -> int:
    """The exact integer `value` × 10^scale.

    Raises ValueError when digits would be lost or the database's range is exceeded: nothing is
    ever cut silently.
    """
    if not value:
        return 0
    shifted = value.scaleb(scale)
    number = int(shifted)
    if number != shifted or abs(number) > BIGINT_MAX:
        raise ValueError(f"{value} does not fit {scale} decimals")
    return number


def unscaled(number: int, scale: int) -> Decimal:
    """The exact decimal of a scaled integer."""
    return Decimal(number).scaleb(-scale)


def vat_of(net: Decimal, rate: Decimal) -> Decimal:
    """VAT on an amount excl. tax, half-up (contracts: once per rate and document)."""
    return to_cents(net * rate)


def net_of(gross: Decimal, rate: Decimal) -> Decimal:
    """Amount excl. tax of an amount incl. tax (care: VAT is the difference, per line)."""
    return to_cents(gross / (1 + rate))

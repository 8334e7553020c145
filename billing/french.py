"""Values as France prints them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

_NBSP: Final = "\N{NO-BREAK SPACE}"
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


def french(value: object) -> str:
    """A figure as France prints it: 17/03/2026, 3 400,5, oui; texts as they are."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {french(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return " ; ".join(map(french, value))
    text = str(value)
    if _DATE.fullmatch(text):
        return f"{date.fromisoformat(text):%d/%m/%Y}"
    return number(Decimal(text)) if _NUMBER.fullmatch(text) else text


def number(value: Decimal, least_decimals: int = 0) -> str:
    """A decimal with its comma, no-break thousands, and no needless zero."""
    plain = value.normalize()
    decimals = max(least_decimals, -int(plain.as_tuple().exponent))
    return f"{plain:,.{decimals}f}".replace(",", _NBSP).replace(".", ",")


def euros(price: object) -> str:
    """A price or an amount: 12,60 € and not 12,6."""
    return f"{number(Decimal(str(price)), 2)} €"

"""Amounts and dates as French readers expect them."""

from __future__ import annotations

from datetime import date
from typing import Final

NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


def euros(cents: int) -> str:
    """`123456` prints as `1 234,56 €`, with no-break spaces."""
    units, rest = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    grouped = f"{units:,}".replace(",", NO_BREAK_SPACE)
    return f"{sign}{grouped},{rest:02}{NO_BREAK_SPACE}€"


def day(when: date) -> str:
    """`DD/MM/YYYY`."""
    return f"{when:%d/%m/}{when.year:04}"


def spaced(digits: str, *groups: int) -> str:
    """Digits in groups: `spaced("732829320", 3, 3, 3)` is `732 829 320`; the rest stays as is."""
    parts, start = [], 0
    for size in groups:
        parts.append(digits[start : start + size])
        start += size
    parts.append(digits[start:])
    return NO_BREAK_SPACE.join(part for part in parts if part)

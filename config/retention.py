"""How long what tells of a patient must be kept before it may be erased; dated, with its source."""

from __future__ import annotations

from datetime import date
from typing import Final

from billing.tariff import Dated, DatedValues, always

YEARS: Final[DatedValues[int]] = always(
    10, date(2000, 9, 21), "Code de commerce, art. L123-22 (pièces comptables)"
)
"""Whole years, counted from the end of the year of the last act."""


def term_of(last_act: date) -> tuple[date, Dated[int]]:
    """The first day an erasure is allowed, and the text that says so."""
    rule = YEARS.on(max(last_act, YEARS.steps[0].since))
    assert rule is not None  # the last value is open
    return date(last_act.year + rule.value + 1, 1, 1), rule

"""Periods that are closed: a day, a month, a year.

Source: CGI art. 286 I 3° bis (conservation: daily, monthly and yearly closings with running
totals); the fiscal year is the calendar year.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

_DAY: Final = timedelta(1)


class Kind(StrEnum):
    """How long the period is."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Period(NamedTuple):
    """`since` included, `until` not."""

    kind: Kind
    since: date
    until: date

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return self.until - _DAY


def period_of(kind: Kind, day: date) -> Period:
    """The period of that kind that holds the day."""
    if kind is Kind.DAY:
        return Period(kind, day, day + _DAY)
    if kind is Kind.YEAR:
        return Period(kind, date(day.year, 1, 1), date(day.year + 1, 1, 1))
    first = day.replace(day=1)
    return Period(kind, first, (first + 31 * _DAY).replace(day=1))


def ending_on(day: date) -> Iterator[Period]:
    """The day itself, then the month and the year it is the last of."""
    for kind in Kind:
        period = period_of(kind, day)
        if period.last_day == day:
            yield period

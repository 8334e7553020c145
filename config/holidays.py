"""Public holidays of France, as the labour code lists them; rules are data, days are computed.

Calendars: national, Alsace-Moselle, and the overseas places that have the day of the abolition of
slavery. New Caledonia, Polynesia and Wallis have codes of their own: give their days as
`closed_days`.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple


class Place(StrEnum):
    """Where the holidays are kept."""

    NATIONAL = "national"
    ALSACE_MOSELLE = "alsace-moselle"
    GUADELOUPE = "guadeloupe"
    GUYANE = "guyane"
    MARTINIQUE = "martinique"
    MAYOTTE = "mayotte"
    REUNION = "reunion"
    SAINT_BARTHELEMY = "saint-barthelemy"
    SAINT_MARTIN = "saint-martin"


class Rule(NamedTuple):
    """One holiday: a month and day, or (month 0) so many days after Easter Sunday."""

    month: int
    day: int
    name: str


# Code du travail, art. L3133-1 (11 fêtes légales).
_NATIONAL: Final = (
    Rule(1, 1, "jour de l'an"),
    Rule(0, 1, "lundi de Pâques"),
    Rule(5, 1, "fête du travail"),
    Rule(5, 8, "8 mai 1945"),
    Rule(0, 39, "Ascension"),
    Rule(0, 50, "lundi de Pentecôte"),
    Rule(7, 14, "fête nationale"),
    Rule(8, 15, "Assomption"),
    Rule(11, 1, "Toussaint"),
    Rule(11, 11, "11 novembre 1918"),
    Rule(12, 25, "Noël"),
)
_ABOLITION: Final = "abolition de l'esclavage"
_OWN: Final = {
    # Code du travail, art. L3134-13.
    Place.ALSACE_MOSELLE: (Rule(0, -2, "vendredi saint"), Rule(12, 26, "Saint-Étienne")),
    # Code du travail, art. L3422-2; décret 83-1003 du 23 novembre 1983, amended in 2012.
    Place.GUADELOUPE: (Rule(5, 27, _ABOLITION),),
    Place.GUYANE: (Rule(6, 10, _ABOLITION),),
    Place.MARTINIQUE: (Rule(5, 22, _ABOLITION),),
    Place.MAYOTTE: (Rule(4, 27, _ABOLITION),),
    Place.REUNION: (Rule(12, 20, _ABOLITION),),
    Place.SAINT_BARTHELEMY: (Rule(10, 9, _ABOLITION),),
    Place.SAINT_MARTIN: (Rule(5, 28, _ABOLITION),),
}


def holiday(day: date, place: Place = Place.NATIONAL) -> str:
    """The French name of the holiday kept there on that day, or ""."""
    return _holidays(day.year, place).get(day, "")


@cache
def _holidays(year: int, place: Place) -> dict[date, str]:
    sunday = easter(year)
    return {
        date(year, rule.month, rule.day) if rule.month else sunday + timedelta(rule.day): rule.name
        for rule in (*_NATIONAL, *_OWN.get(place, ()))
    }


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar.

    Source: the anonymous computation printed in Nature, 1876, as Meeus gives it (Astronomical
    Algorithms, ch. 8).
    """
    golden, (century, short) = year % 19, divmod(year, 100)
    leap, rest = divmod(century, 4)
    moon = (19 * golden + century - leap - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * rest + 2 * (short // 4) - moon - short % 4) % 7
    late = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * late + 114, 31)
    return date(year, month, day + 1)

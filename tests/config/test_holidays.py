"""Holidays, against the dates printed by service-public.fr and the prefectures."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from config.holidays import Place, easter, holiday

YEAR_2026 = {
    "2026-01-01": "jour de l'an",
    "2026-04-06": "lundi de Pâques",
    "2026-05-01": "fête du travail",
    "2026-05-08": "8 mai 1945",
    "2026-05-14": "Ascension",
    "2026-05-25": "lundi de Pentecôte",
    "2026-07-14": "fête nationale",
    "2026-08-15": "Assomption",
    "2026-11-01": "Toussaint",
    "2026-11-11": "11 novembre 1918",
    "2026-12-25": "Noël",
}


def _of_year(year: int, place: Place) -> dict[str, str]:
    days = (date(year, 1, 1) + timedelta(n) for n in range(366))
    return {str(day): name for day in days if day.year == year and (name := holiday(day, place))}


def test_the_eleven_of_2026() -> None:
    assert _of_year(2026, Place.NATIONAL) == YEAR_2026


@pytest.mark.parametrize(
    ("place", "more"),
    [
        (Place.ALSACE_MOSELLE, {"2026-04-03", "2026-12-26"}),
        (Place.GUADELOUPE, {"2026-05-27"}),
        (Place.GUYANE, {"2026-06-10"}),
        (Place.MARTINIQUE, {"2026-05-22"}),
        (Place.MAYOTTE, {"2026-04-27"}),
        (Place.REUNION, {"2026-12-20"}),
        (Place.SAINT_BARTHELEMY, {"2026-10-09"}),
        (Place.SAINT_MARTIN, {"2026-05-28"}),
    ],
)
def test_what_a_place_has_more(place: Place, more: set[str]) -> None:
    assert _of_year(2026, place).keys() - YEAR_2026.keys() == more


def test_easter_at_its_earliest_and_latest() -> None:
    known = {2024: "2024-03-31", 2025: "2025-04-20", 2038: "2038-04-25", 2285: "2285-03-22"}
    assert {year: str(easter(year)) for year in known} == known


def test_two_holidays_on_one_day() -> None:
    """In 2008 Ascension fell on 1 May: that year has ten days."""
    assert easter(2008) + timedelta(39) == date(2008, 5, 1)
    assert len(_of_year(2008, Place.NATIONAL)) == 10

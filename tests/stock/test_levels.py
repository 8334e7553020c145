"""Levels are recomputed from dated facts, in whatever order they came."""

from __future__ import annotations

from datetime import date
from itertools import permutations

from stock.levels import Movement, levels

CAME = Movement(date(2026, 4, 1), "REACTIF", 5)
APRIL = Movement(date(2026, 4, 28), "REACTIF", -1)
MAY = Movement(date(2026, 5, 4), "REACTIF", -2)


def test_a_use_told_late_lowers_every_level_since_its_day() -> None:
    assert levels([CAME, MAY], date(2026, 5, 4)) == {"REACTIF": 3}
    for order in permutations([CAME, MAY, APRIL]):
        assert levels(order, date(2026, 4, 27)) == {"REACTIF": 5}
        assert levels(order, date(2026, 4, 28)) == {"REACTIF": 4}
        assert levels(order, date(2026, 5, 4)) == {"REACTIF": 2}


def test_more_used_than_received_shows() -> None:
    assert levels([MAY], date(2026, 5, 4)) == {"REACTIF": -2}

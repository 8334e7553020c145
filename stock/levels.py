"""Stock levels: always the sum of dated facts, never a field (stock.md, "Stock levels")."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple


class Movement(NamedTuple):
    """Units of an article that came (positive) or were used (negative) on a day."""

    on: date
    article: str
    quantity: int


def levels(movements: Iterable[Movement], on: date) -> dict[str, int]:
    """Units of each article at the end of a day, whatever the order the facts came to be known.

    A use told late lowers every level since its own day. Below zero more was used than received:
    a receipt is missing.
    """
    found: dict[str, int] = defaultdict(int)
    for one in movements:
        if one.on <= on:
            found[one.article] += one.quantity
    return dict(found)

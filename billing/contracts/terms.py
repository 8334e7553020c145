"""Reading a kind's own parameters: each reader raises ValueError with a French reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from billing.contracts.noncumulative import Calculation
from billing.money import PRICE_SCALE, QUANTITY_SCALE
from billing.period import Periodicity, Unit

Raw = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A second periodicity of a rule: every `count` `unit`, from a day of its own or the rule's."""

    count: int
    unit: Unit
    anchor: date | None = None

    def beside(self, p: Periodicity) -> Periodicity:
        """The whole periodicity, beside the rule's: its anchor and civil alignment unless own."""
        return _periodicity(self, p.anchor, p.civil)


@lru_cache(maxsize=1024)
def _periodicity(rhythm: Rhythm, anchor: date, civil: bool) -> Periodicity:
    aligned = civil and rhythm.anchor is None
    return Periodicity(rhythm.count, rhythm.unit, rhythm.anchor or anchor, aligned)


def only(raw: Raw, known: Collection[str]) -> None:
    """Refuses parameters the kind doesn't know."""
    unknown = raw.keys() - set(known)
    if unknown:
        raise ValueError(f"paramètres inconnus : {', '.join(sorted(unknown))}")


def yes_no(raw: Raw, name: str, default: bool) -> bool:
    """A boolean."""
    value = raw.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"« {name} » vaut vrai ou faux")
    return value


def whole(raw: Raw, name: str, default: int = 0) -> int:
    """A whole number, not negative."""
    value = raw.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"« {name} » est un nombre entier positif")
    return value


def quantity(raw: Raw, name: str) -> Decimal:
    """A mandatory quantity, not negative, at the scale of quantities."""
    return _decimal(raw, name, QUANTITY_SCALE)


def price(raw: Raw, name: str) -> Decimal:
    """A mandatory price in €, not negative, at the scale of prices."""
    return _decimal(raw, name, PRICE_SCALE)


def _decimal(raw: Raw, name: str, scale: int) -> Decimal:
    if name not in raw:
        raise ValueError(f"« {name} » est obligatoire")
    try:
        value = Decimal(str(raw[name]))
    except InvalidOperation:
        raise ValueError(f"« {name} » est un nombre") from None
    if not value.is_finite() or value < 0 or round(value, scale) != value:
        raise ValueError(f"« {name} » est positif, avec {scale} décimales au plus")
    return value


def word(raw: Raw, name: str, words: Collection[str], default: str) -> str:
    """One of these words."""
    value = raw.get(name, default)
    if value not in words:
        raise ValueError(f"« {name} » vaut {', '.join(words)}")
    return str(value)


def calculation(raw: Raw) -> Calculation | None:
    """*Mode de calcul* of non-cumulative meters, None for cumulative ones."""
    text = raw.get("calculation")
    if text is not None and text not in tuple(Calculation):
        raise ValueError("le mode de calcul vaut min, max, sum ou mean")
    return None if text is None else Calculation(str(text))


_RHYTHM: Final = ("count", "unit", "anchor")


def rhythm(raw: Raw, name: str) -> Rhythm | None:
    """`{"count": 3, "unit": "month", "anchor": "2026-01-01"}`, the anchor optional; or None."""
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError(f"« {name} » est une périodicité")
    only(value, _RHYTHM)
    unit = Unit(word(value, "unit", tuple(Unit), Unit.MONTH))
    count = whole(value, "count", 1)
    if not count:
        raise ValueError("une périodicité compte au moins une unité")
    return Rhythm(count, unit, day(value, "anchor"))


def day(raw: Raw, name: str) -> date | None:
    """A date AAAA-MM-JJ, or None."""
    text = raw.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"« {name} » est une date AAAA-MM-JJ") from None

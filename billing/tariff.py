"""Dated values: what a tariff, a rate or a VAT rate was on a day, and which text says so.

A value holds from `since` (included) to `until` (excluded); the last one may be open. Values
follow each other without gap or overlap: a day has one value or none, never two.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final, Generic, TypeVar

from formats.common.anomaly import AnomaliesFound, Anomaly, Code

T = TypeVar("T")

GAP: Final = Code(
    "CAR-001",
    "Aucune valeur n'est connue du {since:%d/%m/%Y} au {until:%d/%m/%Y} (fin exclue).",
    "Ajoutez la valeur de cette période, avec le texte qui la fixe.",
)
OVERLAP: Final = Code(
    "CAR-002",
    "Deux valeurs se disputent la période qui commence le {since:%d/%m/%Y} : {first} et {second}.",
    "Terminez la première valeur le jour où la seconde commence.",
)
BACKWARDS: Final = Code(
    "CAR-004",
    "Une valeur finit le {until:%d/%m/%Y} sans avoir duré un jour depuis le {since:%d/%m/%Y}.",
    "Corrigez ses dates : la fin, exclue, vient après le début.",
)
UNCOVERED: Final = Code(
    "CAR-003",
    "La période du {since:%d/%m/%Y} au {until:%d/%m/%Y} (fin exclue) déborde des valeurs connues.",
    "Complétez l'historique ou réduisez la période.",
)


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """One value and its period; `until` None = still in force. `source` names the text."""

    since: date
    value: T
    source: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """Part of a split period, half-open, with the value in force all through it."""

    since: date
    until: date
    dated: Dated[T]


@dataclass(frozen=True, slots=True)
class DatedValues(Generic[T]):
    """The history of one value, in date order.

    Raises AnomaliesFound with every gap (CAR-001), overlap (CAR-002) and empty period
    (CAR-004) of the steps.
    """

    steps: tuple[Dated[T], ...]

    def __post_init__(self) -> None:
        found = tuple(_breaks(self.steps))
        if found:
            raise AnomaliesFound(*found)

    def on(self, day: date) -> Dated[T] | None:
        """The value in force on `day`; None before the first and after the last."""
        rank = bisect_right(self.steps, day, key=_since)
        if rank == 0:
            return None
        step = self.steps[rank - 1]
        return step if step.until is None or day < step.until else None

    def split(self, since: date, until: date) -> tuple[Piece[T], ...]:
        """The half-open period cut where the value changes, in date order.

        Raises AnomaliesFound (CAR-003) when a part of the period has no value.
        """
        pieces = tuple(_pieces(self.steps, since, until))
        if since < until and (not pieces or pieces[0].since != since or pieces[-1].until != until):
            raise AnomaliesFound(Anomaly(UNCOVERED, values={"since": since, "until": until}))
        return pieces


def always(value: T, since: date, source: str) -> DatedValues[T]:
    """A history of a single value, in force from `since` on."""
    return DatedValues((Dated(since, value, source),))


def _since(step: Dated[T]) -> date:
    return step.since


def _breaks(steps: tuple[Dated[T], ...]) -> Iterator[Anomaly]:
    for step in steps:
        if step.until is not None and step.until <= step.since:
            yield Anomaly(BACKWARDS, values={"since": step.since, "until": step.until})
    for before, after in pairwise(steps):
        if before.until is None or before.until > after.since:
            values = {"since": after.since, "first": before.value, "second": after.value}
            yield Anomaly(OVERLAP, values=values)
        elif before.until < after.since:
            yield Anomaly(GAP, values={"since": before.until, "until": after.since})


def _pieces(steps: tuple[Dated[T], ...], since: date, until: date) -> Iterator[Piece[T]]:
    for step in steps:
        start = max(since, step.since)
        end = until if step.until is None else min(until, step.until)
        if start < end:
            yield Piece(start, end, step)

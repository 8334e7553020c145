"""The common part of checkers of run-on records: order, keys, dates, what to say and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, Final

from formats.common.anomaly import MASKED, Anomaly, Code, Place
from formats.common.identifiers import ALL, Identifier
from formats.fixedwidth import Zone, layout
from formats.report import LIMIT, Report, bounded
from formats.runon import Followers, misplaced, place_of, unended

KEYS_REMEMBERED: Final = 10_000
"""Valid identifiers kept, since billers, prescribers and LPP codes come back all the time."""

_ASK = "Faites corriger le fichier par le logiciel qui l'a produit."
DIFFERS = Code(
    "FMT-111",
    "Enregistrement {record}, zone « {zone} » : {value} au lieu de {expected} ({reference}).",
    _ASK,
)
TOO_MUCH = Code(
    "FMT-112",
    "Enregistrement {record}, zone « {zone} » : {value} dépasse {expected} ({reference}).",
    _ASK,
)
LATE = Code(
    "FMT-113",
    "Enregistrement {record}, zone « {zone} » : {value} est après {expected} ({reference}).",
    "Attendez la fin de la période pour facturer, ou corrigez la date.",
)


class Judge:
    """What is known at one point of a file: `take` its records in order, then `report`.

    Subclasses say which record may follow which, which one ends the file (None when any does),
    and what each record must fulfil.
    """

    followers: ClassVar[Followers]
    end: ClassVar[type | None]
    handlers: ClassVar[Mapping[type, Callable[[Any, Any], None]]]

    def __init__(self, file: str = "", limit: int = LIMIT) -> None:
        self.found: list[Anomaly] = []
        self._file = file
        self._limit = limit
        self._line = 0
        self._item: Any = None
        self._previous: type | None = None
        self._lost = False  # an unreadable record came before: its follower isn't judged
        # Identifiers already found valid; zeros and blanks mean unknown.
        self._sound = {i.name: {"", *("0" * length for length in range(1, 16))} for i in ALL}

    def take(self, item: Any) -> None:
        """Judge one record against what came before it; None for one that couldn't be read."""
        self.take_all((item,))

    def take_all(self, items: Iterable[Any]) -> None:
        """Judge records one after the other."""
        followers, handlers, found = self.followers, self.handlers, self.found
        allowed = followers[self._previous]
        for item in items:
            self._line += 1
            if item is None:
                self._lost = True
                self._lose()
            else:
                kind = type(item)
                self._item = item
                if kind not in allowed and not self._lost:
                    found.append(misplaced(self._previous, item, self._place))
                handlers[kind](self, item)
                allowed = followers[kind]
                self._previous, self._lost = kind, False
            if found and len(found) > self._limit:
                del found[self._limit + 1 :]

    def report(self) -> Report:
        """The final word, once the stream is exhausted."""
        return Report(records=self._line, anomalies=self._findings())

    def _findings(self) -> tuple[Anomaly, ...]:
        if self.end and (self._previous is not self.end or self._lost):
            self.found.append(unended(layout(self.end).name, self._at(max(self._line, 1))))
        return bounded(self.found, self._limit)

    def _lose(self) -> None:
        """A record couldn't be read: sums that should hold it can't be judged."""

    # What handlers say

    @property
    def _place(self) -> Place:
        return self._at(self._line)

    def _at(self, line: int) -> Place:
        return place_of(self._file, line)

    def _says(self, code: Code, field: str, expected: object = "", reference: str = "") -> None:
        """An anomaly on one field of the current record."""
        zone, place = self._where(field)
        value = getattr(self._item, field)
        values = {
            "record": layout(type(self._item)).name,
            "zone": zone.shown,
            "value": MASKED if zone.personal else _shown(value),
            "expected": MASKED if zone.personal else _shown(expected),
            "reference": reference,
        }
        self.found.append(Anomaly(code, place, values))

    def _where(self, field: str) -> tuple[Zone, Place]:
        """The zone of a field of the current record, and its place in the file."""
        zone = next(zone for zone in layout(type(self._item)).fields if zone.name == field)
        return zone, replace(self._place, start=zone.start, end=zone.end)

    def _equal(self, field: str, expected: object, reference: str) -> None:
        if getattr(self._item, field) != expected:
            self._says(DIFFERS, field, expected, reference)

    def _key(self, identifier: Identifier, field: str, value: str) -> None:
        """An identifier of the current record must have its key right; zeros mean unknown."""
        if value in self._sound[identifier.name]:
            return
        wrong = identifier.check(value)
        if wrong:
            zone, place = self._where(field)
            named = {"record": layout(type(self._item)).name, "zone": zone.shown}
            self.found.append(Anomaly(wrong.code, place, {**wrong.values, **named}))
        elif len(self._sound[identifier.name]) < KEYS_REMEMBERED:
            self._sound[identifier.name].add(value)

    def _not_after(self, field: str, limit: date | None, reference: str) -> None:
        value = getattr(self._item, field)
        if value and limit and value > limit:
            self._says(LATE, field, limit, reference)


def _shown(value: object) -> str:
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)

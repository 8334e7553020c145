"""Runs of analysers, where each analyser stood, and re-runs (contracts.md §10, seed 000)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

RUN: Final = "run"  # kind of the event a line bills
RERUN: Final = timedelta(hours=24)  # exactly 24 h later is a new run (contracts.md, Decisions)


class Place(NamedTuple):
    """Where an analyser stands from a day on, that day included: its structure."""

    since: date
    customer_id: int
    site_id: int | None = None


class Run(NamedTuple):
    """One patient's sample analysed. `ran_at` bears the zone of the site.

    patient_id: the person of that name. customer_id, site_id: the structure it ran at.
    only_for: the only customer it may be billed to; None for an analyser that never changed hands.
    """

    id: int
    asset_id: int
    ran_at: datetime
    patient_id: int
    sample_type: str
    customer_id: int
    site_id: int | None = None
    only_for: int | None = None

    @property
    def ran_on(self) -> date:
        """The day of the run, at its site."""
        return self.ran_at.date()

    @property
    def order(self) -> tuple[Any, ...]:
        """Runs are billed as they were made."""
        return self.ran_at, self.id

    @property
    def sample(self) -> tuple[object, ...]:
        """What makes two runs the same: structure, patient and sample type."""
        return self.customer_id, self.site_id, self.patient_id, self.sample_type

    @property
    def shown(self) -> str:
        """As printed under an invoice line: nothing of the patient."""
        return f"Analyse du {self.ran_at:%d/%m/%Y à %H:%M}"

    def belongs(self, contract_id: int, customer_id: int) -> bool:
        """Whether a contract may bill it."""
        return self.only_for in (None, customer_id)


def place_on(places: Sequence[Place], day: date) -> Place:
    """The place on a day. `places` are in date order; before the first it stood there already."""
    return next((one for one in reversed(places) if one.since <= day), places[0])


def only_for(places: Sequence[Place], day: date) -> int | None:
    """The customer it stood at on a day, None when it never had another."""
    if len({one.customer_id for one in places}) < 2:
        return None
    return place_on(places, day).customer_id


def without_reruns(runs: Iterable[Run], billed: Iterable[Run] = ()) -> list[Run]:
    """The runs to bill, oldest first: none within 24 h of another that is or was billed.

    A run that comes to be known after a later one was billed is the re-run of that one: whatever
    the order of arrival, no two runs of one sample within 24 h are ever both billed.
    """
    taken: dict[object, list[datetime]] = defaultdict(list)
    for one in billed:
        taken[one.sample].append(one.ran_at)
    kept = []
    for one in sorted(runs, key=lambda run: run.order):
        if all(abs(one.ran_at - other) >= RERUN for other in taken[one.sample]):
            taken[one.sample].append(one.ran_at)
            kept.append(one)
    return kept

"""Figures of the house as Prometheus text (exposition format 0.0.4), from the tables and the disk.

Names are those of ecosystem.md §C; labels are ours, never a person's, a customer's or a file's
that came in.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from config import jobs as job_file
from formats.common.anomaly import AnomaliesFound
from integration.app import App
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.doctor.books import known_jobs, late_jobs
from integration.doctor.machine import certificate_ends
from integration.flows.report import situation

_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_HAND: Final = ("uncertain", "failed", "held")

Labels = Mapping[str, str]
Sample = tuple[Labels, float]


class Family(NamedTuple):
    """A metric: its type, what it says, in English as monitors do."""

    kind: str
    help: str


FAMILIES: Final = {
    "last_success_timestamp": Family("gauge", "When a job was last done, seconds since 1970"),
    "occurrence_overdue_seconds": Family("gauge", "Since when a job should have been done"),
    "outbox": Family("gauge", "Rows of the outbox"),
    "outbox_oldest_seconds": Family("gauge", "Age of the oldest first try that has not arrived"),
    "uncertain_total": Family("gauge", "Rows a person must decide about: uncertain, failed, held"),
    "files_total": Family("counter", "Files received"),
    "documents_total": Family("counter", "Documents posted"),
    "invoice_last_number": Family("gauge", "Last number given in a series"),
    "due_cents": Family("gauge", "What payers owe, in cents"),
    "chain_ok": Family("gauge", "Whether the books verified, the last time they were looked at"),
    "disk_free_bytes": Family("gauge", "Free bytes of the disk of the working folder"),
    "cert_expiry_seconds": Family("gauge", "Until a certificate we hold ends"),
}
"""Every metric by its name behind `echeance_`."""


def page(app: App, *, chain_ok: bool) -> str:
    """The whole page. chain_ok: what the last verification of the books said."""
    with snapshot(app.engine) as connection:
        found = {name: list(samples) for name, samples in _figures(app, connection)}
    found["chain_ok"] = [({}, int(chain_ok))]
    return "".join(_family(name, found.get(name, ())) for name in FAMILIES)


def _figures(app: App, connection: Connection) -> Iterator[tuple[str, Iterable[Sample]]]:
    now, own = app.clock(), app.organisation_id

    def ask(name: str) -> list[tuple[Any, ...]]:
        return _SQL.rows(connection, name, organisation=own)

    yield "last_success_timestamp", _successes(ask)
    yield "occurrence_overdue_seconds", _overdue(app, connection, now)
    states = ask("outbox")
    yield "outbox", [({"partner": p, "state": s}, count) for p, s, count, _ in states]
    yield (
        "outbox_oldest_seconds",
        [
            ({"partner": p, "state": s}, _seconds(now, first))
            for p, s, _, first in states
            if first and s != "sent"
        ],
    )
    yield "uncertain_total", [({}, sum(count for _, s, count, _ in states if s in _HAND))]
    yield "files_total", [({"flow": f, "result": r}, count) for f, r, count in ask("files")]
    made = situation(app.engine, own)
    yield "documents_total", [({"kind": kind}, n) for kind, (n, _) in made.documents.items()]
    series = ask("series")
    yield "invoice_last_number", [({"series": f"{j}{y}"}, last) for j, y, last in series]
    yield "due_cents", [({}, made.ledger["due_cents"])]
    yield "disk_free_bytes", [({}, shutil.disk_usage(app.settings.folders.home).free)]
    yield "cert_expiry_seconds", _certificates(app, now)


def _successes(ask: Callable[[str], list[tuple[Any, ...]]]) -> Iterator[Sample]:
    """Of each job of the server; of the night, whoever plays it, by the day it closed."""
    for job, ended_at in ask("done"):
        yield {"job": job}, datetime.fromisoformat(ended_at).timestamp()
    for (closed_at,) in ask("nights"):
        if closed_at:
            yield {"job": "night"}, datetime.fromisoformat(closed_at).timestamp()


def _overdue(app: App, connection: Connection, now: datetime) -> Iterator[Sample]:
    """0 for a job that is up to date. Jobs of a file that can't be read have no figure."""
    try:
        jobs = job_file.load(app.settings.folders.home / job_file.FILE_NAME)
    except AnomaliesFound:
        return  # `check`, `doctor` and the server say what is wrong with it
    zone = ZoneInfo(app.settings.organisation.zone)
    late = late_jobs(jobs, known_jobs(connection, app.organisation_id), now, zone)
    for name, since in late.items():
        yield {"job": name}, since.total_seconds()


def _certificates(app: App, now: datetime) -> Iterator[Sample]:
    for path, ends in certificate_ends(app.settings, app.partners()):
        if ends:
            yield {"file": path.name}, (ends - now).total_seconds()


def _seconds(now: datetime, first: str) -> float:
    return (now - datetime.fromisoformat(first).astimezone(UTC)).total_seconds()


def _family(name: str, samples: Iterable[Sample]) -> str:
    """One metric with its help; without samples the help alone."""
    kind, says = FAMILIES[name]
    head = f"# HELP echeance_{name} {says}.\n# TYPE echeance_{name} {kind}\n"
    return head + "".join(
        f"echeance_{name}{_braced(labels)} {value:.15g}\n"
        for labels, value in sorted(samples, key=lambda one: sorted(one[0].items()))
    )


def _braced(labels: Labels) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
    return f"{{{told}}}" if told else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

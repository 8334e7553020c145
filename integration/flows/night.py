"""The night: its steps in order, each once a day, killed anywhere and run again.

A step is a row of `occurrence`. Its work is safe to repeat, so a step that was cut runs again;
a step that is done is passed over. The last one closes the day: what comes later is dated on the
next open day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from integration.database.alone import alone
from integration.database.engine import is_sqlite
from integration.database.tables import json_text, occurrence
from integration.failpoints import reach

Report = Mapping[str, Any]
Close = Callable[[Connection, date], None]
"""Closes a day in the transaction of the last step."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the night: its name in tables, its French title, what it does for a day."""

    name: str
    title: str
    does: Callable[[date], Report]


@dataclass(slots=True)
class Night:
    """What a night did; `already` when everything was done before."""

    day: date
    reports: dict[str, Report] = field(default_factory=dict)
    already: bool = False


Progress = Callable[[int, int, str], None]
"""Told before each step: steps done, of how many, the title of the next."""


def run_night(
    engine: Engine,
    organisation_id: int,
    steps: Sequence[Step],
    day: date,
    close: Close,
    progress: Progress = lambda *_: None,
) -> Night:
    """Play the steps not done yet for that day, then close it; alone, whoever else tries."""
    with alone(engine, f"night-{organisation_id}"):
        return _played(engine, organisation_id, steps, day, close, progress)


def _played(
    engine: Engine,
    organisation_id: int,
    steps: Sequence[Step],
    day: date,
    close: Close,
    progress: Progress,
) -> Night:
    night = Night(day)
    done = _done(engine, organisation_id, day)
    night.already = all(step.name in done for step in steps)
    for rank, step in enumerate(steps):
        if step.name in done:
            continue
        progress(rank, len(steps), step.title)
        reach(f"night.{step.name}")
        report = step.does(day)
        with engine.begin() as connection:
            record(connection, organisation_id, step.name, day, report)
            if step is steps[-1]:
                close(connection, day)
            reach(f"night.{step.name}.recorded")
        night.reports[step.name] = report
    return night


def _done(engine: Engine, organisation_id: int, day: date) -> set[str]:
    query = select(occurrence.c.job).where(
        occurrence.c.organisation_id == organisation_id,
        occurrence.c.day == day,
        occurrence.c.state == "done",
    )
    with engine.connect() as connection:
        return set(connection.scalars(query))


def record(
    connection: Connection, organisation_id: int, job: str, day: date, report: Report
) -> None:
    """Note a step as done; the unique key says so once."""
    sql = text(
        "INSERT INTO occurrence (organisation_id, job, day, state, report) "
        "VALUES (:organisation, :job, :day, 'done', :report) "
        "ON CONFLICT (organisation_id, job, day) DO UPDATE SET state = 'done', "
        "report = excluded.report"
    )
    values = {
        "organisation": organisation_id,
        "job": job,
        "day": day.isoformat() if is_sqlite(connection) else day,
        "report": json_text(report),
    }
    connection.execute(sql, values)

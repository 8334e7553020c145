"""A server with a clock of its own, and steps that write down what they did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from config.jobs import Jobs, StepName
from integration.outbox.lease import living_token
from integration.serving.board import Board
from integration.serving.ticks import Report, Ticker, Work
from tests.integration.posting.books import open_books

PARIS = ZoneInfo("Europe/Paris")


def jobs_of(**jobs: Mapping[str, Any]) -> Jobs:
    """Jobs by name; each imports unless it says otherwise."""
    return Jobs.model_validate(
        {"jobs": {name: {"steps": ["import"], **job} for name, job in jobs.items()}}
    )


@dataclass
class Clockwork:
    """A database, a clock, and the dates each step was given."""

    engine: Engine
    now: datetime
    done: list[date] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    stop: bool = False
    trouble: list[Exception] = field(default_factory=list)

    @contextmanager
    def server(self, jobs: Jobs) -> Iterator[Ticker]:
        """A server on this clock, alive till the end."""
        with living_token(self.engine) as token:
            steps = dict.fromkeys(StepName, self._step)
            ticker = Ticker(
                Board(self.engine, 1, token),
                steps,
                PARIS,
                lambda: self.now,
                self.told.append,
                lambda: self.stop,
            )
            ticker.load(jobs)
            yield ticker

    def _step(self, work: Work) -> Report:
        if self.trouble:
            raise self.trouble.pop(0)
        self.done.append(work.day)
        return {}

    def advance(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def states(self) -> Counter[str]:
        """Occurrences by state."""
        with self.engine.connect() as connection:
            return Counter(connection.scalars(text("SELECT state FROM job_run")))

    def rows(self) -> list[tuple[Any, ...]]:
        """Job, day and state of each occurrence, in order."""
        sql = "SELECT job, day, state FROM job_run ORDER BY due_at, job"
        with self.engine.connect() as connection:
            return [(job, str(day), state) for job, day, state in connection.execute(text(sql))]


def clockwork(engine: Engine, start: str) -> Clockwork:
    """On an empty, migrated database, at an instant in Paris."""
    open_books(engine)
    return Clockwork(engine, datetime.fromisoformat(start).replace(tzinfo=PARIS).astimezone(UTC))

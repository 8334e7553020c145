"""Occurrences as rows: whoever inserts the row does it; a dead or frozen server's is taken over.

A row is held under a lease (`integration.outbox.lease`). Who lost it hears so before it records
anything: `confirm` in the transaction of an effect, `end` for the row itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, text

from config.jobs import Jobs, Occurrence
from integration import audit
from integration.database.engine import is_sqlite
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.failpoints import reach
from integration.outbox.lease import NOW, free

BEAT: Final = "serve.beat"
"""Touched by a server that lives, under `state/`; a house that never served has none."""
VERB: Final = "serve"
QUERIES: Final = Queries(Path(__file__).with_suffix(".sql"))
_CLAIM: Final = """
INSERT INTO job_run (organisation_id, job, due_at, day, state, attempts, lease_token, lease_until,
  started_at)
SELECT :organisation, CAST(:job AS VARCHAR), CAST(:due_at AS VARCHAR), :day, 'running', 1,
  :token, {now} + :seconds, :started_at
WHERE NOT EXISTS (SELECT 1 FROM job_run
  WHERE organisation_id = :organisation AND job = CAST(:job AS VARCHAR)
  AND due_at = CAST(:due_at AS VARCHAR))
ON CONFLICT DO NOTHING RETURNING job"""
# NOT EXISTS: the conflict alone would wait for a frozen server's open transaction on that row.
_RETAKE: Final = """
UPDATE job_run SET state = 'running', attempts = attempts + 1, lease_token = :token,
  lease_until = {now} + :seconds, started_at = :now
WHERE (organisation_id, job, due_at) = (
  SELECT organisation_id, job, due_at FROM job_run
  WHERE organisation_id = :organisation AND state IN ('running', 'waiting')
  AND next_try_at <= :now AND {free} ORDER BY due_at, job LIMIT 1 {skip})
RETURNING job, due_at, day, attempts"""
_TOLD: Final = """organisation_id = :organisation AND job = :job AND due_at = :due_at
AND state IN ('running', 'done') AND lease_token = :token"""
_OURS: Final = f"{_TOLD} AND state = 'running'"
_RENEW: Final = f"""
UPDATE job_run SET lease_until = {{now}} + :seconds
WHERE {_OURS} RETURNING job"""
_FINISH: Final = f"UPDATE job_run SET state = 'done' WHERE {_OURS} RETURNING job"
_END: Final = f"""
UPDATE job_run SET state = :state, ended_at = :now, next_try_at = :next_try_at, report = :report,
  attempts = attempts - :untried, lease_token = NULL, lease_until = NULL
WHERE {_TOLD} RETURNING job"""


class LostClaimError(Exception):
    """Another server has taken the occurrence over meanwhile."""


class Claim(NamedTuple):
    """An occurrence that is ours to do; attempt counts from 1."""

    job: str
    due_at: str
    day: date
    attempt: int = 1


class Known(NamedTuple):
    """Since when a job is known, and its last occurrence written down."""

    since: datetime
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    """The occurrences of an organisation, as one living server sees them. lease: in seconds."""

    engine: Engine
    organisation_id: int
    token: int
    lease_s: int = 60

    def register(self, jobs: Jobs, now: datetime) -> dict[str, Known]:
        """Note new jobs and new timings: what was due before now isn't caught up for them."""
        organisation = {"organisation": self.organisation_id}
        with self.engine.begin() as connection:
            for name in jobs.jobs:
                values = {"job": name, "timing": _timing(jobs, name), "now": instant(now)}
                QUERIES.rows(connection, "register", **organisation, **values)
            rows = QUERIES.rows(connection, "known", **organisation)
        return {
            name: Known(_parsed(since), last and _parsed(last))
            for name, since, last in rows
            if name in jobs.jobs
        }

    def claim(self, one: Occurrence, now: datetime) -> Claim | None:
        """The occurrence as ours, or None when somebody has it or had it."""
        claim = Claim(one.job, instant(one.at), one.day)
        with self._statement() as connection:
            ours = self._run(connection, _CLAIM, claim, day=claim.day, started_at=instant(now))
        reach("jobs.claimed")
        return claim if ours else None

    def retake(self, now: datetime) -> Claim | None:
        """The oldest occurrence whose server is gone, or that waits for another try."""
        with self._statement() as connection:
            row = self._run(connection, _RETAKE, None, now=instant(now))
        if row is None:
            return None
        job, due_at, day, attempts = row
        return Claim(job, due_at, date.fromisoformat(str(day)), attempts)

    def confirm(self, connection: Connection, claim: Claim) -> None:
        """In the transaction of an effect: it is still ours to make. Raises LostClaimError."""
        if self._run(connection, _RENEW, claim) is None:
            raise LostClaimError

    def finish(self, connection: Connection, claim: Claim) -> None:
        """In the transaction of the last effect: it is done as soon as the effect is, whatever
        becomes of us before `end`. Raises LostClaimError."""
        if self._run(connection, _FINISH, claim) is None:
            raise LostClaimError

    def renew(self, claim: Claim) -> None:
        """Hold it for another while. Raises LostClaimError."""
        with self._statement() as connection:
            self.confirm(connection, claim)

    def end(
        self,
        claim: Claim,
        state: str,
        report: Mapping[str, Any],
        now: datetime,
        *,
        next_try_at: datetime | None = None,
        untried: bool = False,
    ) -> None:
        """Write down how it ended; untried: this try doesn't count. Raises LostClaimError."""
        values = {
            "state": state,
            "report": json_text(report),
            "now": instant(now),
            "next_try_at": instant(next_try_at) if next_try_at else "",
            "untried": int(untried),
        }
        with self._statement() as connection:
            if self._run(connection, _END, claim, **values) is None:
                raise LostClaimError
        reach("jobs.ended")

    def missed(self, one: Occurrence) -> bool:
        """Write down an occurrence nobody will do; False when it was written before."""
        values = {"job": one.job, "due_at": instant(one.at), "day": one.day}
        with self.engine.begin() as connection:
            return bool(
                QUERIES.rows(connection, "missed", organisation=self.organisation_id, **values)
            )

    def trace(self, claim: Claim, outcome: str, now: datetime) -> None:
        """A row of the audit trail: nobody typed what a server does."""
        subject = f"{claim.job} {claim.day.isoformat()}"
        audit.write(self.engine, self.organisation_id, VERB, outcome, subject=subject, at=now)

    def last(self) -> dict[str, dict[str, Any]]:
        """The last occurrence of each job, as written down."""
        names = ("due_at", "state", "attempts", "started_at", "ended_at", "report")
        with self.engine.connect() as connection:
            rows = QUERIES.rows(connection, "last", organisation=self.organisation_id)
        return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}

    @contextmanager
    def _statement(self) -> Iterator[Connection]:
        """For one statement: PostgreSQL commits it by itself, so that a server frozen between a
        statement and its commit never stands in the way of the others."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.begin() as connection:
                yield connection
            return
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    def _run(
        self, connection: Connection, sql: str, claim: Claim | None, **values: object
    ) -> tuple[Any, ...] | None:
        """One of the statements above; its row, or None when it touched nothing."""
        dialect = self.engine.dialect.name
        skip = "" if dialect == "sqlite" else "FOR UPDATE SKIP LOCKED"
        place = {"job": claim.job, "due_at": claim.due_at} if claim else {}
        bound = {"organisation": self.organisation_id, "token": self.token, **place, **values}
        if is_sqlite(connection) and isinstance(bound.get("day"), date):
            bound["day"] = str(bound["day"])
        # The one server of an SQLite file asks between two jobs: whatever is held then is dropped.
        spare = "1 = 1" if dialect == "sqlite" else free(dialect)
        statement = text(sql.format(now=NOW[dialect], free=spare, skip=skip))
        row = connection.execute(statement, {"seconds": self.lease_s, **bound}).first()
        return tuple(row) if row else None


def instant(moment: datetime) -> str:
    """An instant as rows hold it: UTC, to the second, in an order texts keep."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _timing(jobs: Jobs, name: str) -> str:
    """A digest of all that the instants of a job depend on."""
    own = jobs.jobs[name].model_dump(mode="json", include={"at", "days", "months", "shift"})
    shared = jobs.model_dump(mode="json", exclude={"jobs"})
    return hashlib.sha256(json_text([own, shared]).encode()).hexdigest()

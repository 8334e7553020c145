"""A tick: take over what a dead server left, then do what has come due, oldest first.

Rows decide (`board`); this only says when. An occurrence too old to be caught up is written down
as missed. One job that fails stops no other; it is tried again, three times in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from config.jobs import Job, Jobs, Occurrence, StepName, occurrences
from formats.common.anomaly import AnomaliesFound
from integration import audit
from integration.durable import BrokenDiskError
from integration.serving.board import Board, Claim, Known, LostClaimError

MOST_TRIES: Final = 3
RETRY: Final = timedelta(minutes=5)  # after the first failure; twice that after the second
_BACKWARDS: Final = timedelta(minutes=1)  # a clock that goes back further than this is told


class Work(NamedTuple):
    """What a step is given: the date to work on, and how to make sure, in the transaction of an
    effect, that no other server has taken the occurrence over (it raises)."""

    day: date
    confirm: Callable[[Connection], None]


Report = Mapping[str, Any]
Step = Callable[[Work], Report]


@dataclass(slots=True)
class Ticker:
    """The jobs of a server. now gives instants in UTC; stopping asks whether to begin no more.

    current: the occurrence being done, for whoever keeps its lease alive.
    """

    board: Board
    steps: Mapping[StepName, Step]
    zone: ZoneInfo
    now: Callable[[], datetime]
    tell: Callable[[str], None]
    stopping: Callable[[], bool] = lambda: False
    jobs: Jobs = field(default_factory=Jobs)
    marks: dict[str, datetime] = field(default_factory=dict)  # nothing older is due, by job
    latest: datetime | None = None
    current: Claim | None = None

    def load(self, jobs: Jobs) -> None:
        """Take these jobs from now on."""
        now = self.now()
        known = self.board.register(jobs, now)
        self.jobs = jobs
        self.marks = {name: _mark(job, known[name], now) for name, job in jobs.jobs.items()}

    def tick(self) -> int:
        """Do everything that is due; how many occurrences were begun."""
        now, begun = self.now(), 0
        if self.latest and now < self.latest - _BACKWARDS:
            self.tell(f"L'horloge a reculé de {self.latest - now} : les tâches faites le restent.")
        self.latest = now
        while not self.stopping() and (claim := self.board.retake(now)):
            self._do(claim)
            begun += 1
        for one in self._due(now):
            if self.stopping():
                return begun
            begun += self._met(one, now)
        self.marks = {name: max(mark, now) for name, mark in self.marks.items()}
        return begun

    def _due(self, now: datetime) -> list[Occurrence]:
        return sorted(
            one
            for name, mark in self.marks.items()
            if mark < now
            for one in occurrences(self.jobs, name, mark, now, self.zone)
        )

    def _met(self, one: Occurrence, now: datetime) -> bool:
        """Do an occurrence unless somebody else does, or it is too old."""
        if one.at < now - timedelta(self.jobs.jobs[one.job].catch_up_days):
            if self.board.missed(one):
                self.board.trace(Claim(one.job, "", one.day), "missed", now)
                self.tell(f"{one.job} du {one.day:%d/%m/%Y} : manquée, trop ancienne.")
            return False
        claim = self.board.claim(one, now)
        if claim is None:
            return False
        self._do(claim)
        return True

    def _do(self, claim: Claim) -> None:
        self.current = claim
        self.board.trace(claim, audit.BEGUN, self.now())
        try:
            outcome, report = self._outcome(claim)
            self._end(claim, outcome, report)
        except LostClaimError:
            outcome = "lost"
            self.tell(f"{_named(claim)} : reprise par un autre serveur.")
        finally:
            self.current = None
        self.board.trace(claim, outcome, self.now())

    def _outcome(self, claim: Claim) -> tuple[str, Report]:
        """Play the steps; how it ended, and what they report. Raises LostClaimError."""
        job, reports = self.jobs.jobs.get(claim.job), dict[str, Report]()
        if job is None:
            return "failed", {"error": "tâche absente de jobs.toml"}
        if claim.attempt > MOST_TRIES:  # each try took its server with it
            return "failed", {"error": "abandonnée"}
        try:
            for rank, name in enumerate(job.steps):
                if self.stopping():
                    return "stopped", reports
                if rank:
                    self.board.renew(claim)
                last = rank == len(job.steps) - 1
                confirm = self.board.finish if last else self.board.confirm
                work = Work(job.work_day(claim.day), partial(confirm, claim=claim))
                reports[name.value] = self.steps[name](work)
        except (LostClaimError, BrokenDiskError):
            raise
        except AnomaliesFound as found:
            return "failing", {**reports, "error": str(found.anomalies[0])}
        except Exception as error:  # its message could hold a personal value
            return "failing", {**reports, "error": type(error).__name__}
        return "done", reports

    def _end(self, claim: Claim, outcome: str, report: Report) -> None:
        """Write down how it ended; a failing one waits for its next try."""
        now, wait = self.now(), RETRY * 2 ** (claim.attempt - 1)
        match outcome:
            case "stopped":
                self.board.end(claim, "waiting", report, now, next_try_at=now, untried=True)
            case "failing" if claim.attempt < MOST_TRIES:
                self.board.end(claim, "waiting", report, now, next_try_at=now + wait)
            case "failing":
                self.board.end(claim, "failed", report, now)
            case _:
                self.board.end(claim, outcome, report, now)
        for line in _told(claim, outcome, report):
            self.tell(line)


def _mark(job: Job, known: Known, now: datetime) -> datetime:
    """From when on a job's occurrences are looked at: as far back as any may be unknown."""
    oldest = now - timedelta(job.catch_up_days)
    return max(known.since, min(known.last or known.since, oldest))


def _named(claim: Claim) -> str:
    return f"{claim.job} du {claim.day:%d/%m/%Y}"


_FRENCH: Final = {
    "done": "faite",
    "failed": "abandonnée",
    "failing": "échec",
    "stopped": "interrompue par l'arrêt, à reprendre",
}


def _told(claim: Claim, outcome: str, report: Report) -> Iterator[str]:
    error = f" ({report['error']})" if "error" in report else ""
    yield f"{_named(claim)} : {_FRENCH[outcome]}{error}."
    for step, said in report.items():
        if isinstance(said, Mapping):
            yield from (f"  {step}, à voir : {one['text']}" for one in said.get("attention", ()))

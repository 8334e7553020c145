"""Verbs of the server: run it, its jobs, its calendar."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from config import jobs as job_file
from config import settings as configuration
from config.jobs import Jobs, Occurrence
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.app import home_of, open_app
from integration.cli import DONE, INTERRUPTED, PARTIAL
from integration.verbs.outcome import day_of, say, say_json
from integration.verbs.running import tell_steps

NO_JOB: Final = Code("RUN-161", "La tâche « {job} » n'existe pas.", "Voyez « echeance jobs list ».")
_STATES: Final = {
    "running": "en cours",
    "waiting": "à reprendre",
    "done": "faite",
    "failed": "abandonnée",
    "missed": "manquée",
}


def serve(arguments: argparse.Namespace) -> int:
    """Run the server until a signal stops it."""
    from integration.nights import job_steps
    from integration.serving import server

    home, pulse = home_of(arguments.home), server.Pulse()
    with open_app(home) as app, server.opened(app, pulse, job_steps(app)) as ticker:
        stopped_by = server.serve(app, ticker, pulse, home)
    return INTERRUPTED if stopped_by == signal.SIGINT else DONE


def list_jobs(arguments: argparse.Namespace) -> int:
    """Print each job: what it does, its last occurrence, its next one."""
    from integration.serving.board import Board

    home = home_of(arguments.home)
    jobs, zone = _jobs(home)
    with open_app(home, "serial") as app:
        last = Board(app.engine, app.organisation_id, 0).last()
        now = app.clock()
    if arguments.json:
        content = [_plain(jobs, name, last.get(name, {}), now, zone) for name in jobs.jobs]
        say_json("jobs", {"jobs": content})
        return DONE
    for name, job in jobs.jobs.items():
        say(f"{name:16} {', '.join(job.steps)}")
        say(f"{'':16} {_said(last.get(name), zone)} ; {_next(jobs, name, now, zone)}")
    return DONE


def run_job(arguments: argparse.Namespace) -> int:
    """Play the steps of a job now, beside its calendar."""
    from integration.nights import job_steps
    from integration.serving.ticks import Work

    home = home_of(arguments.home)
    jobs, _ = _jobs(home)
    job = jobs.jobs[_known(jobs, arguments.name)]
    reports = {}
    with open_app(home) as app:
        steps = job_steps(app)
        work = Work(job.work_day(day_of(arguments.date, app.today())), lambda _: None)
        for name in job.steps:
            reports[name.value] = steps[name](work)
    if arguments.json:
        say_json("job", {"job": arguments.name, "day": work.day, "steps": reports})
    else:
        tell_steps(reports)
    return PARTIAL if any(report.get("attention") for report in reports.values()) else DONE


def next_dates(arguments: argparse.Namespace) -> int:
    """Print the coming occurrences, with the reason of each shift."""
    jobs, zone = _jobs(home_of(arguments.home))
    job = _known(jobs, arguments.job) if arguments.job else ""
    found = job_file.coming(jobs, datetime.now(UTC), arguments.count, zone, job)
    if arguments.json:
        say_json("calendar", {"occurrences": [one._asdict() for one in found]})
        return DONE
    for one in found:
        say(f"{_local(one, zone)}  {one.job:16} {_shifted(one)}".rstrip())
    if not found:
        say("Aucune tâche.")
    return DONE


def _jobs(home: Path) -> tuple[Jobs, ZoneInfo]:
    settings = configuration.load(home / configuration.FILE_NAME)
    return job_file.load(home / job_file.FILE_NAME), ZoneInfo(settings.organisation.zone)


def _known(jobs: Jobs, name: str) -> str:
    if name not in jobs.jobs:
        raise AnomaliesFound(Anomaly(NO_JOB, values={"job": name}))
    return name


def _local(one: Occurrence, zone: ZoneInfo) -> str:
    at = one.at.astimezone(zone)
    return f"{job_file.WEEKDAYS[at.weekday()]:8} {at:%d/%m/%Y %H:%M}"


def _shifted(one: Occurrence) -> str:
    return f"(prévue le {one.planned_on:%d/%m} : {one.reason})" if one.reason else ""


def _said(last: Mapping[str, Any] | None, zone: ZoneInfo) -> str:
    if last is None:
        return "jamais faite"
    at = datetime.fromisoformat(last["due_at"]).astimezone(zone)
    return f"dernière : {at:%d/%m/%Y %H:%M}, {_STATES[last['state']]}"


def _next(jobs: Jobs, name: str, now: datetime, zone: ZoneInfo) -> str:
    found = job_file.coming(jobs, now, 1, zone, name)
    return f"prochaine : {_local(found[0], zone)}" if found else "aucune prochaine"


def _plain(
    jobs: Jobs, name: str, last: Mapping[str, Any], now: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    found = job_file.coming(jobs, now, 1, zone, name)
    coming = found[0].at if found else None
    return {"name": name, "steps": jobs.jobs[name].steps, "last": last, "next_at": coming}

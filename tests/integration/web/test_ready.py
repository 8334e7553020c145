"""F46: `/readyz` doesn't say that all is well when it isn't, and names what isn't."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import insert, text

from integration.app import App, open_app
from integration.database.tables import chain_head, job_run, organisation, outbox, outbox_event
from integration.doctor.machine import LEAST_FREE_BYTES
from integration.doctor.ready import Readiness
from integration.http import Server
from integration.monitoring import page
from integration.serving.board import BEAT, Board
from integration.verbs.setup import make_home
from integration.verbs.web import site_of
from tests.integration.serving.clockwork import jobs_of
from tests.integration.serving.test_server import serving
from tests.integration.web.test_http import ask

NOW = datetime(2026, 2, 2, 12, tzinfo=UTC)
MORNING = {"at": "06:15"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A working folder at noon."""
    make_home(tmp_path / "maison")
    with open_app(tmp_path / "maison", "serial") as made:
        yield replace(made, clock=lambda: NOW)


def beat(app: App, ago: timedelta) -> None:
    file = app.settings.folders.state / BEAT
    file.touch()
    os.utime(file, ((NOW - ago).timestamp(),) * 2)


def served(app: App, since: datetime) -> Board:
    """A server took charge of one job a day, at 06:15 in Paris."""
    board = Board(app.engine, app.organisation_id, 1)
    board.register(jobs_of(matin=MORNING), since)
    file = app.settings.folders.home / "jobs.toml"
    file.write_text('[jobs.matin]\nsteps = ["import"]\nat = "06:15"\n', "utf-8")
    return board


def ran(app: App, state: str, ago: timedelta) -> None:
    due = (NOW - ago).isoformat(timespec="seconds")
    values = {"organisation_id": 1, "job": "matin", "due_at": due, "day": date(2026, 2, 2)}
    with app.engine.begin() as connection:
        connection.execute(insert(job_run).values(state=state, **values))


def tried(app: App, state: str, ago: timedelta) -> None:
    """An envoi tried that long ago."""
    at = (NOW - ago).isoformat(timespec="seconds")
    row = {"id": 1, "organisation_id": 1, "key": "k", "kind": "b2", "partner": "p"}
    event = {"outbox_id": 1, "sequence": 1, "event": "begun", "at": at, "who": "w"}
    with app.engine.begin() as connection:
        connection.execute(insert(outbox).values(file_name="f", state=state, **row))
        connection.execute(insert(outbox_event).values(**event))


def closed(app: App, day: date) -> None:
    with app.engine.begin() as connection:
        connection.execute(organisation.update().values(closed_until=day))


def tampered(app: App) -> None:
    with app.engine.begin() as connection:
        connection.execute(insert(chain_head).values(organisation_id=1, sequence=3, link="x"))


HOURS, MINUTES = (lambda n: timedelta(hours=n)), (lambda n: timedelta(minutes=n))


class Case(NamedTuple):
    """What is planted and what is told."""

    plant: Callable[[App], object]
    told: list[str]


CASES = {
    "nothing": Case(lambda app: None, []),
    "alive": Case(lambda app: beat(app, MINUTES(2)), []),
    "silent": Case(lambda app: beat(app, MINUTES(4)), ["serveur"]),
    "due-since-seven-hours": Case(lambda app: served(app, NOW - HOURS(30)), ["tâches"]),
    "not-due-yet": Case(lambda app: served(app, NOW - HOURS(3)), []),
    "done": Case(lambda app: (served(app, NOW - HOURS(30)), ran(app, "done", HOURS(6))), []),
    "running": Case(lambda app: (served(app, NOW - HOURS(30)), ran(app, "running", HOURS(6))), []),
    "failed": Case(
        lambda app: (served(app, NOW - HOURS(9)), ran(app, "failed", MINUTES(361))), ["tâches"]
    ),
    "nights-left-out": Case(lambda app: closed(app, date(2026, 1, 30)), ["tâches"]),
    "last-night": Case(lambda app: closed(app, date(2026, 2, 1)), []),
    "tried-yesterday": Case(lambda app: tried(app, "todo", HOURS(25)), ["envois"]),
    "uncertain": Case(lambda app: tried(app, "uncertain", HOURS(25)), ["envois"]),
    "tried-today": Case(lambda app: tried(app, "todo", HOURS(23)), []),
    "arrived": Case(lambda app: tried(app, "sent", HOURS(25)), []),
    "tampered": Case(tampered, ["livres"]),
    "no-tables": Case(lambda app: drop(app), ["base"]),
}


def drop(app: App) -> None:
    with app.engine.begin() as connection:
        connection.execute(text("ALTER TABLE job RENAME TO gone"))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_f46_what_is_wrong_is_named(app: App, case: Case) -> None:
    case.plant(app)
    server = Server(site_of(app), "127.0.0.1", 0)
    server.start()
    answer, content = ask(server, "/readyz")
    server.stop()
    if case.told:
        assert (answer.status, content.decode()) == (503, f"pas prêt : {', '.join(case.told)}\n")
    else:
        assert (answer.status, content) == (200, b"ok\n")


def test_f46_a_disk_nearly_full_is_named(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=LEAST_FREE_BYTES - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert Readiness(app).wrong() == ["disque"]


def test_f46_the_chain_is_verified_anew_after_an_hour(app: App) -> None:
    clock = [0.0]
    watch = Readiness(app, monotonic=lambda: clock[0])
    assert watch.wrong() == []
    tampered(app)
    clock[0] = 3599.0
    assert watch.wrong() == []
    clock[0] = 3600.0
    assert watch.wrong() == ["livres"]
    assert "echeance_chain_ok 0\n" in page(app, chain_ok=watch.books_sound())


def test_f46_a_server_that_was_killed_is_missed(tmp_path: Path) -> None:
    home = tmp_path / "maison"
    make_home(home)
    (home / "jobs.toml").write_text("", "utf-8")
    trace = home / "state" / BEAT
    with serving(home) as process:
        for _ in range(200):
            if trace.exists():
                break
            time.sleep(0.1)
        process.kill()
        process.wait()
    with open_app(home, "serial") as made:
        assert Readiness(made).wrong() == []
        late = replace(made, clock=lambda: datetime.now(UTC) + timedelta(minutes=4))
        assert Readiness(late).wrong() == ["serveur"]

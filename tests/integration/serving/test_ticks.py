"""Ticks: each occurrence once, whatever the clock, the server and the jobs do."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from config.jobs import Jobs, StepName
from integration import audit
from integration.database.engine import make_engine
from integration.serving.board import Board
from integration.serving.ticks import MOST_TRIES
from tests.integration.serving.clockwork import PARIS, Clockwork, clockwork, jobs_of

NIGHT = {"at": "02:30"}


@pytest.fixture
def quick_engine(sqlite_url: str) -> Engine:
    """SQLite that doesn't wait for the disk: thousands of transactions, and no power cut."""
    engine = make_engine(sqlite_url)
    event.listen(engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA synchronous=OFF"))
    return engine


def serve_a_while(made: Clockwork, jobs: Jobs, story: random.Random) -> None:
    """A server that ticks some days, its clock set back at times; then none for some days."""
    with made.server(jobs) as ticker:
        for _ in range(story.randrange(1, 60)):
            made.advance(hours=story.choice((3, 9, 14, 30)), seconds=story.randrange(3600))
            ticker.tick()
            if story.random() < 0.02:
                made.advance(hours=-2)
                ticker.tick()
                made.advance(hours=2)
    made.advance(days=story.randrange(5))


@pytest.mark.feature("X-CAL-01")
def test_f24_f25_five_years_of_any_story_each_occurrence_exactly_once(
    quick_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated five years: every occurrence exactly once. Outages up to five days, servers that
    take turns, clocks that jump back two hours and forward; two nights of 02:30 a year are odd.
    Without the audit trail, which has its own test below and takes as long as the rest."""
    monkeypatch.setattr(Board, "trace", lambda *_: None)
    story = random.Random(24)
    made = clockwork(quick_engine, "2026-01-01T12:00")
    jobs = jobs_of(
        night=NIGHT,
        week={"at": "23:59", "days": ["dimanche"]},
        month={"at": "04:15", "days": [20, -1], "shift": "next"},
        leap={"at": "12:00", "days": [29], "months": [2]},
    )
    while made.now < datetime(2031, 1, 1, 12, tzinfo=PARIS):
        serve_a_while(made, jobs, story)
    with made.server(jobs) as ticker:
        ticker.tick()
    days = [
        date(2026, 1, 2) + timedelta(n) for n in range((made.now.date() - date(2026, 1, 1)).days)
    ]
    rows = made.rows()
    assert [day for job, day, _ in rows if job == "night"] == [str(day) for day in days]
    sundays = [str(day) for day in days if day.weekday() == 6]
    assert [day for job, day, _ in rows if job == "week"][: len(sundays)] == sundays
    assert {state for *_, state in rows} == {"done"}
    assert Counter(map(str, made.done)) == Counter(day for _, day, _ in rows)
    assert [day for job, day, _ in rows if job == "leap"] == [
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
        "2029-02-28",
        "2030-02-28",
    ]
    assert sum(job == "month" for job, *_ in rows) in (120, 121, 122)


def test_f24_a_clock_set_back_two_hours_repeats_nothing_and_says_so(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T02:00")
    with made.server(jobs_of(night=NIGHT)) as ticker:
        made.advance(hours=1)
        assert ticker.tick() == 1
        made.advance(hours=-2)
        assert ticker.tick() == 0
        made.advance(hours=2)
        assert ticker.tick() == 0
    assert made.rows() == [("night", "2026-06-01", "done")]
    assert any("L'horloge a reculé de 2:00:00" in line for line in made.told)


def test_f24_a_clock_set_forward_forty_days_catches_up_seven_and_says_the_rest(
    engine: Engine,
) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    with made.server(jobs_of(night=NIGHT)) as ticker:
        made.advance(days=40)
        assert ticker.tick() == 7
    assert made.states() == {"missed": 33, "done": 7}
    assert made.done == [date(2026, 7, 5) + timedelta(n) for n in range(7)]
    assert made.told[0] == "night du 02/06/2026 : manquée, trop ancienne."


def test_f25_three_nights_off_are_caught_up_in_order_once(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    jobs = jobs_of(night=NIGHT, morning={"at": "06:00"})
    with made.server(jobs) as ticker:
        ticker.tick()
    made.advance(days=3)
    with made.server(jobs) as ticker:
        assert ticker.tick() == 6
    assert made.rows() == [
        (job, f"2026-06-0{day}", "done") for day in (2, 3, 4) for job in ("night", "morning")
    ]
    assert [day.day for day in made.done] == [2, 2, 3, 3, 4, 4]
    with made.server(jobs) as ticker:
        assert ticker.tick() == 0


def test_an_outage_longer_than_the_catch_up_is_said_after_a_restart_too(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    with made.server(jobs_of(night=NIGHT)) as ticker:
        made.advance(days=1)
        ticker.tick()
    made.advance(days=10)
    with made.server(jobs_of(night=NIGHT)) as ticker:
        ticker.tick()
    assert made.states() == {"done": 8, "missed": 3}


def test_a_new_job_and_a_new_time_begin_now(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    with made.server(jobs_of(night={"at": "10:00"})) as ticker:
        assert ticker.tick() == 0
        made.advance(days=1)
        assert ticker.tick() == 1
        ticker.load(jobs_of(night={"at": "11:00"}, other=NIGHT))
        assert ticker.tick() == 0
        made.advance(days=1)
        assert ticker.tick() == 2
    assert [day for _, day, _ in made.rows()] == ["2026-06-02", "2026-06-03", "2026-06-03"]


def test_two_servers_take_an_occurrence_once(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    jobs = jobs_of(**{f"j{n}": NIGHT for n in range(20)})
    with made.server(jobs) as one, made.server(jobs) as two:
        made.advance(days=1)
        if engine.dialect.name == "postgresql":
            assert (one.tick(), two.tick()) == (20, 0)
        else:
            assert one.tick() == 20
    assert made.states() == {"done": 20}
    assert len(made.done) == 20


def test_p9_a_job_that_fails_stops_no_other_and_is_tried_three_times(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    jobs = jobs_of(bad=NIGHT, good=NIGHT)
    with made.server(jobs) as ticker:
        made.advance(days=1)
        made.trouble = [ValueError("1 85 05 75 116 001 47")]
        assert ticker.tick() == 2
        assert made.states() == {"waiting": 1, "done": 1}
        assert ticker.tick() == 0
        made.trouble = [ValueError(), ValueError()]
        made.advance(minutes=5)
        assert ticker.tick() == 1
        made.advance(minutes=5)
        assert ticker.tick() == 0
        made.advance(minutes=5)
        assert ticker.tick() == 1
    assert made.rows() == [("bad", "2026-06-02", "failed"), ("good", "2026-06-02", "done")]
    assert "bad du 02/06/2026 : échec (ValueError)." in made.told
    assert not any("116 001" in line for line in made.told)
    assert MOST_TRIES == 3


def test_f42_a_stop_between_two_steps_is_taken_up_again(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    jobs = jobs_of(night={**NIGHT, "steps": ["import", "send"]})
    with made.server(jobs) as ticker:
        made.advance(days=1)
        real = ticker.steps

        def then_stop(work: object) -> dict[str, int]:
            made.stop = True
            return {}

        ticker.steps = {**real, StepName.IMPORT: then_stop}
        assert ticker.tick() == 1
    assert made.states() == {"waiting": 1}
    made.stop = False
    with made.server(jobs) as ticker:
        assert ticker.tick() == 1
    assert made.states() == {"done": 1}
    assert len(made.done) == 2


def test_a_job_taken_out_of_the_file_is_not_done(engine: Engine) -> None:
    made = clockwork(engine, "2026-06-01T12:00")
    with made.server(jobs_of(night=NIGHT)) as ticker:
        made.advance(days=1)
        made.trouble = [ValueError()]
        ticker.tick()
    made.advance(hours=1)
    with made.server(jobs_of(other=NIGHT)) as ticker:
        ticker.tick()
    assert made.states() == {"failed": 1}
    assert "night du 02/06/2026 : abandonnée (tâche absente de jobs.toml)." in made.told


def test_a_claim_whose_server_died_is_taken_over(made: Clockwork) -> None:
    jobs = jobs_of(night=NIGHT)
    with made.server(jobs) as dead:
        made.advance(days=1)
        (one,) = dead._due(made.now)
        assert dead.board.claim(one, made.now)
    with made.server(jobs) as ticker:
        assert ticker.tick() == 1
    assert made.rows() == [("night", "2026-06-02", "done")]


def test_an_occurrence_that_kills_its_server_each_time_is_given_up(made: Clockwork) -> None:
    jobs = jobs_of(night=NIGHT)
    with made.server(jobs) as dead:
        made.advance(days=1)
        (one,) = dead._due(made.now)
        assert dead.board.claim(one, made.now)
    for _ in range(MOST_TRIES - 1):
        with made.server(jobs) as dead:
            assert dead.board.retake(made.now)
    with made.server(jobs) as ticker:
        ticker.tick()
    assert (made.rows(), made.done) == ([("night", "2026-06-02", "failed")], [])


@pytest.fixture
def made(engine: Engine) -> Clockwork:
    """At noon on 1 June 2026."""
    return clockwork(engine, "2026-06-01T12:00")


def test_p11_what_a_server_does_stands_in_the_audit_trail(engine: Engine) -> None:
    """Done, failed and missed occurrences: before and after, in a chain that verifies."""
    made = clockwork(engine, "2026-02-02T12:00")
    with made.server(jobs_of(night={"at": "02:30", "catch_up_days": 1})) as ticker:
        made.advance(days=1)
        ticker.tick()
        made.trouble = [OSError()]
        made.advance(days=1)
        ticker.tick()
        made.advance(days=3)
        ticker.tick()
    with engine.connect() as connection:
        rows = [(one.subject, one.outcome) for one in audit.traces(connection, 1)]
        assert list(audit.faults(connection, 1)) == []
    assert rows == [
        ("night 2026-02-03", "begun"),
        ("night 2026-02-03", "done"),
        ("night 2026-02-04", "begun"),
        ("night 2026-02-04", "failing"),
        ("night 2026-02-04", "begun"),
        ("night 2026-02-04", "done"),
        ("night 2026-02-05", "missed"),
        ("night 2026-02-06", "missed"),
        ("night 2026-02-07", "begun"),
        ("night 2026-02-07", "done"),
    ]


def test_a_job_whose_beginning_the_database_refused_is_begun_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim was taken, the trail couldn't be written: the server lives and comes back to it."""
    made = clockwork(engine, "2026-02-02T12:00")
    with made.server(jobs_of(night=NIGHT)) as ticker:
        made.advance(days=1)
        with monkeypatch.context() as busy:
            busy.setattr(Board, "trace", refused)
            with pytest.raises(OperationalError):
                ticker.tick()
        with engine.begin() as connection:  # PostgreSQL: the lease of a living server runs out
            connection.execute(text("UPDATE job_run SET lease_until = 0"))
        made.advance(minutes=10)
        ticker.tick()
    assert made.rows() == [("night", "2026-02-03", "done")]


def refused(*_: object) -> None:
    """A database that is busy too long."""
    raise OperationalError("", {}, Exception("database is locked"))

"""The server as a process: signals, systemd, a second one, and two on PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from config.jobs import StepName
from integration.cli import BAD_INPUT, DONE, INTERRUPTED, TRY_LATER, main
from integration.database.engine import make_engine
from integration.outbox.lease import living_token
from integration.serving.board import Board
from integration.serving.ticks import Report, Ticker, Work
from integration.verbs.setup import make_home
from tests.integration.posting.books import open_books
from tests.integration.serving.clockwork import PARIS, jobs_of

ROOT = Path(__file__).parents[3]
JOBS = '[jobs.matin]\nsteps = ["import"]\nat = "06:15"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working folder on SQLite that looks often."""
    folder = tmp_path / "home"
    make_home(folder)
    settings = folder / "echeance.toml"
    content = settings.read_text("utf-8").replace("# poll_s = 5", "poll_s = 1")
    settings.write_text(content.replace("# tick_s = 20", "tick_s = 1"), "utf-8")
    (folder / "jobs.toml").write_text(JOBS, "utf-8")
    return folder


@contextmanager
def serving(home: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`echeance serve` on a home; killed if it is still there at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "integration.cli", "--home", str(home), "serve"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(met: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something; fail when it doesn't come."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_f42_term_stops_it_hup_reads_the_jobs_again_and_a_file_is_taken(
    home: Path, tmp_path: Path
) -> None:
    told = tmp_path / "notify"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(str(told))
        systemd.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(told), "WATCHDOG_USEC": "3000000"}
        with serving(home, **environment) as process:
            assert systemd.recv(200) == b"READY=1\nSTATUS=1 t\xc3\xa2che"
            assert systemd.recv(200) == b"WATCHDOG=1"
            (home / "inbox" / "customers" / "c.csv").write_text("code;nom\nC1;Un\n", "utf-8")
            until(lambda: list((home / "done").rglob("c.csv")))
            (home / "jobs.toml").write_text(f"{JOBS}day = 3\n", "utf-8")
            process.send_signal(signal.SIGHUP)
            time.sleep(0.6)
            (home / "jobs.toml").write_text(JOBS + JOBS.replace("matin", "soir"), "utf-8")
            process.send_signal(signal.SIGHUP)
            time.sleep(0.6)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
            assert process.returncode == DONE
        while (last := systemd.recv(200)) == b"WATCHDOG=1":
            pass
        assert last == b"STOPPING=1"
    assert "c.csv (customers) : importé — clients créés : 1" in said
    assert "CFG-003 jobs.toml : La clé « jobs.matin.day » est inconnue" in said
    assert "Les tâches d'avant restent en place." in said
    assert "Tâches relues : 2." in said


def test_f26_a_second_server_on_sqlite_refuses_within_two_seconds(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = home / "state" / "echeance.db.serve.lock"
    with serving(home) as process:
        until(lambda: lock.exists() and lock.read_text("utf-8") == str(process.pid))
        began = time.monotonic()
        assert main(["--home", str(home), "serve"]) == TRY_LATER == 75
        assert time.monotonic() - began < 2
        assert f"RUN-160 Un serveur tourne déjà sur cette base (processus {process.pid})." in (
            capsys.readouterr().err
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == INTERRUPTED


# --- two servers on PostgreSQL ----------------------------------------------------------------

EFFECTS = 200
JOBS_200 = jobs_of(**{f"j{n}": {"at": "02:30"} for n in range(EFFECTS)})


def server(url: str, day: int, seconds: float) -> int:
    """A forked server whose two hundred jobs each write a row; it ticks on that day of June."""
    if child := os.fork():
        return child
    try:
        engine = make_engine(url)

        def effect(work: Work) -> Report:
            with engine.begin() as connection:
                work.confirm(connection)
                connection.execute(text("INSERT INTO effect VALUES (:pid)"), {"pid": os.getpid()})
            return {}

        with living_token(engine) as token:
            board = Board(engine, 1, token, lease_s=1)
            now = datetime(2026, 6, day, 12, tzinfo=UTC)
            ticker = Ticker(board, {StepName.IMPORT: effect}, PARIS, lambda: now, str)
            ticker.load(JOBS_200)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                ticker.tick()
                time.sleep(0.05)
        os._exit(0)
    finally:
        os._exit(1)


def ended(child: int) -> int:
    """The exit code of a child."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.feature("X-SRV-01")
def test_f27_two_servers_one_frozen_and_resumed_do_each_thing_once(postgresql_url: str) -> None:
    """200 jobs, 2 servers, one frozen and resumed: 200 effects."""
    engine = make_engine(postgresql_url)
    open_books(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE effect (pid int)"))

    def count(of: str = "") -> int:
        with engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM effect {of}")).scalar_one())

    engine.dispose()
    assert ended(server(postgresql_url, 1, 0)) == 0
    frozen, lively = (server(postgresql_url, 2, 4) for _ in range(2))
    try:
        until(lambda: count(f"WHERE pid = {frozen}") >= 5)
        os.kill(frozen, signal.SIGSTOP)
        until(lambda: count() >= EFFECTS - 1)
        time.sleep(1.2)
    finally:
        os.kill(frozen, signal.SIGCONT)
    assert (ended(frozen), ended(lively)) == (0, 0)
    assert count() == EFFECTS == 200
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state, count(*) FROM job_run GROUP BY state"))
        assert [tuple(row) for row in states] == [("done", EFFECTS)]
    engine.dispose()


# --- verbs ------------------------------------------------------------------------------------


def test_jobs_and_calendar_from_the_command_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_home = ["--home", str(home)]
    assert main([*at_home, "calendar", "next", "--count", "3", "--job", "matin"]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("06:15  matin") for line in lines)
    assert main([*at_home, "jobs", "run", "matin"]) == DONE
    assert "Fichiers reçus" in capsys.readouterr().out
    assert main([*at_home, "jobs", "list"]) == DONE
    assert "jamais faite ; prochaine : " in capsys.readouterr().out
    assert main([*at_home, "jobs", "run", "midi"]) == BAD_INPUT
    assert "RUN-161 La tâche « midi » n'existe pas." in capsys.readouterr().err


def test_a_wrong_file_of_jobs_stops_check(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "jobs.toml").write_text(f"{JOBS}shift = 'after'\n", "utf-8")
    assert main(["--home", str(home), "check"]) == 78
    assert "« jobs.matin.shift »" in capsys.readouterr().err

"""F28 to F30: a PostgreSQL that goes away, stands in the way or makes wait."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from integration import failpoints
from integration.cli import DONE, TRY_LATER, main
from integration.database import again as retrying
from integration.database.again import TRIES, ContendedError, again
from integration.database.alone import alone
from integration.database.engine import limits, make_engine
from integration.flows.billing import run as run_module
from integration.flows.billing.gather import Selection
from integration.flows.billing.run import Billing, bill
from integration.flows.care import price_care
from integration.flows.verify import verify
from integration.inbox import Outcome, import_waiting
from integration.posting import BAD_DATA, Plan
from integration.posting.rows import Rows
from integration.verbs import health
from integration.verbs.setup import make_home
from tests.faults.invariants import books
from tests.faults.killing import run
from tests.faults.scenario import NIGHTS, Home, arrive, first_night
from tests.faults.stages import Stage
from tests.integration.billing.house import contract, fee, house_at
from tests.plugins import postgresql
from tests.plugins.postgresql import Cluster


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rivals are parted at once."""
    monkeypatch.setitem(retrying._PAUSE_S, True, 0.001)


# --- F28: restarted in the middle -------------------------------------------------------------


class Restarting(list[str]):
    """The failpoints passed; at the n-th the server crashes, and is up again a second later."""

    def __init__(self, server: Cluster, at: int) -> None:
        super().__init__()
        self.server, self.at = server, at

    def append(self, name: str) -> None:
        """In the place of a failpoint's kill."""
        super().append(name)
        if len(self) == self.at:
            self.server.stop("immediate")
            threading.Thread(target=self._back).start()

    def _back(self) -> None:
        time.sleep(1)
        self.server.start()


def month(home: Home) -> None:
    """Files, contracts and care of a day; who is told of a failure fails."""
    with home.app(NIGHTS[1]) as app:
        arrive(home, NIGHTS[1], first_night())
        outcomes = Counter(one.outcome for one in import_waiting(app.office(), settle_s=0))
        assert outcomes == {Outcome.IMPORTED: 6, Outcome.DUPLICATE: 1, Outcome.REFUSED: 2}
        options = app.options(NIGHTS[1])
        assert not bill(Billing(app.engine, Selection(1), options, app.accounts)).failed
        assert not price_care(app.care(), NIGHTS[1]).failed
        assert verify(app.engine, 1).fault is None


@pytest.mark.timeout(300)
def test_f28_a_server_restarted_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    """Three crashes along the way: the books are those of a day without any."""
    with postgresql.cluster() as server:
        with server.connect() as admin:  # what is committed must be kept; the machine stays up
            admin.execute("alter role echeance set synchronous_commit = on")
        stage = Stage(tmp_path, server).build()
        with stage.fresh() as home:
            points = len(run(lambda: month(home)).points)
            alone_ = books(home)
        for at in (points // 4, points // 2, points * 3 // 4):
            with stage.fresh() as home:

                def disturbed(home: Home = home, at: int = at) -> None:
                    failpoints._reached = Restarting(server, at)
                    month(home)

                run(disturbed)
                assert books(home) == alone_, at


def test_f28_a_server_that_stays_away_ends_the_verb_with_75(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(tmp_path)
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", "postgresql+psycopg://u@127.0.0.1:1/none")
    assert main(["--home", str(tmp_path), "status"]) == TRY_LATER
    assert capsys.readouterr().err.startswith("La base ne répond pas")


# --- F29: others in the way -------------------------------------------------------------------


class DeadlockError(Exception):
    """As the driver says it."""

    sqlstate = "40P01"


class SerializationError(DeadlockError):
    """The other one."""

    sqlstate = "40001"


@pytest.mark.parametrize("cause", [DeadlockError, SerializationError])
@pytest.mark.parametrize("times", [1, TRIES])
def test_f29_a_conflict_is_tried_again_five_times(
    quick: None, cause: type[Exception], times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [cause()] * times

    def work() -> str:
        if left:
            raise OperationalError("", {}, left.pop())
        return "done"

    assert again(work) == "done"
    assert capsys.readouterr().err.count("La base a rompu une transaction") == times


def test_f29_a_conflict_without_end_is_an_error_of_this_unit(quick: None) -> None:
    def work() -> None:
        raise OperationalError("", {}, DeadlockError())

    with pytest.raises(ContendedError):
        again(work)
    assert issubclass(ContendedError, BAD_DATA)


def test_f29_another_error_is_not_tried_again(quick: None) -> None:
    tried = []

    def work() -> None:
        tried.append(1)
        raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))

    with pytest.raises(OperationalError):
        again(work)
    assert len(tried) == 1


def test_f29_two_transactions_in_each_other_s_way_both_end(
    quick: None, postgresql_url: str
) -> None:
    """A real deadlock: each holds what the other wants."""
    engine = make_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE rival (id int primary key, n int)"))
        connection.execute(text("INSERT INTO rival VALUES (1, 0), (2, 0)"))
    both_hold = threading.Barrier(2)
    met: list[int] = []

    def move(first: int, second: int) -> None:
        with engine.begin() as connection:
            add = text("UPDATE rival SET n = n + 1 WHERE id = :id")
            connection.execute(add, {"id": first})
            if first not in met:
                met.append(first)
                both_hold.wait(10)
            connection.execute(add, {"id": second})

    with ThreadPoolExecutor(2) as threads:
        rivals = [threads.submit(again, partial(move, *one)) for one in ((1, 2), (2, 1))]
        for one in rivals:
            one.result(30)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT n FROM rival ORDER BY id")).all() == [(2,), (2,)]
    engine.dispose()


def test_f29_a_contract_always_in_the_way_is_left_out_and_the_others_post(
    quick: None, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = run_module.post

    def contended(connection: Connection, own: int, plan: Plan) -> Rows:
        rows = write(connection, own, plan)
        if any(posting.gross_cents == 6000 for posting in plan.postings):
            raise OperationalError("", {}, DeadlockError())
        return rows

    with house_at(engine.url.render_as_string(hide_password=False), tmp_path) as house:
        house.customers("C1", "C2", "C3")
        prices = {"K1": "25.00", "K2": "50.00", "K3": "75.00"}
        house.contracts(*(contract(k, f"C{k[1]}", fee("MF", price)) for k, price in prices.items()))
        monkeypatch.setattr(run_module, "post", contended)
        report = house.bill("2026-01-01")
        assert [name for _, name in report.failed] == ["ContendedError"]
        assert sorted(row[2] for row in house.invoices()) == ["C1", "C3"]


# --- F30: slow, or full -----------------------------------------------------------------------


def test_f30_the_limits_are_set_on_the_session_and_shown(
    tmp_path: Path,
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"{postgresql_url}?options=-c%20lock_timeout%3D7s"
    told = limits(url)
    assert told["lock_timeout"] == "7s"
    engine = make_engine(url)
    with engine.connect() as connection:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert connection.scalar(text(f"SHOW {name}")) == told[name] != "0"
    engine.dispose()
    make_home(tmp_path)
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", url)
    capsys.readouterr()
    assert main(["--home", str(tmp_path), "config", "show"]) == DONE
    printed = capsys.readouterr().out
    for name, value in told.items():
        assert f'database.{name} = "{value}"' in printed


def test_f30_a_slow_query_and_a_lock_end_the_verb_with_75(
    tmp_path: Path,
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_home(tmp_path)
    url = f"{postgresql_url}?options=-c%20lock_timeout%3D100%20-c%20statement_timeout%3D200"

    def slow(_: object) -> int:
        engine = make_engine(url)
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_sleep(5)"))
        finally:
            engine.dispose()
        return DONE

    monkeypatch.setattr(health, "status", slow)
    assert main(["--home", str(tmp_path), "status"]) == TRY_LATER
    assert "La base ne répond pas" in capsys.readouterr().err


def test_f30_who_waits_for_its_turn_is_not_timed_out(postgresql_url: str) -> None:
    """A night waits for another as long as it takes; afterwards the limits hold again."""
    url = f"{postgresql_url}?options=-c%20lock_timeout%3D100"
    engine, entered = make_engine(url), threading.Event()

    def first() -> None:
        with alone(engine, "night"):
            entered.set()
            time.sleep(0.6)

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(5)
    with alone(engine, "night"):
        thread.join()
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "100ms"
    engine.dispose()


def test_f30_without_a_free_connection_the_verb_ends_with_75(
    tmp_path: Path,
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_home(tmp_path)

    def greedy(_: object) -> int:
        engine = create_engine(postgresql_url, pool_size=1, max_overflow=0, pool_timeout=0.1)
        try:
            with engine.connect(), engine.connect():
                return DONE
        finally:
            engine.dispose()

    monkeypatch.setattr(health, "status", greedy)
    assert main(["--home", str(tmp_path), "status"]) == TRY_LATER
    assert capsys.readouterr().err.startswith("Toutes les connexions à la base sont prises")

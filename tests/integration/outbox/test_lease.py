"""Who holds a row: the living, for a bounded time."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from integration.outbox.desk import Desk, Ended
from integration.outbox.lease import sender
from integration.outbox.retry import Decision, Event, State
from tests.faults.killing import run
from tests.integration.outbox.post import NOW, Post, opened


@pytest.fixture
def server_post(postgresql_url: str, tmp_path: Path) -> object:
    """An outbox on PostgreSQL, where several servers send at once."""
    with opened(postgresql_url, tmp_path / "home") as made:
        yield made


def test_a_killed_sender_s_rows_leave_at_once(each_post: Post) -> None:
    each_post.put("a.b2", "b.b2")
    each_post.engine.dispose()
    points = run(lambda: each_post.send()).points
    assert points[0] == "outbox.taken"
    each_post.put("c.b2")
    each_post.engine.dispose()
    assert run(lambda: each_post.send(), kill_at=1).killed
    (held,) = each_post.rows("SELECT count(*) FROM outbox WHERE lease_token IS NOT NULL")
    assert held == (1,)
    assert each_post.send() == []
    assert set(each_post.states().values()) == {"sent"}


def test_f27_two_servers_share_the_rows(server_post: Post) -> None:
    server_post.put(*(f"{n}.b2" for n in range(1, 11)))
    with sender(server_post.engine, 1) as one, sender(server_post.engine, 1) as two:
        first = Desk(server_post.engine, 1, one, NOW)
        second = Desk(server_post.engine, 1, two, NOW)
        first.settle_partners({})
        taken = [row.id for row in first.take("folder", 0, 4, 60)]
        others = [row.id for row in second.take("folder", 0, 100, 60)]
    assert (taken, others) == ([1, 2, 3, 4], [5, 6, 7, 8, 9, 10])


def test_f27_a_frozen_sender_loses_its_rows_and_begins_nothing(server_post: Post) -> None:
    server_post.put("a.b2")
    with sender(server_post.engine, 1) as one, sender(server_post.engine, 1) as two:
        frozen = Desk(server_post.engine, 1, one, NOW)
        frozen.settle_partners({})
        (row,) = frozen.take("folder", 0, 1, 60)
        lively = Desk(server_post.engine, 1, two, NOW)
        assert lively.take("folder", 0, 1, 60) == []
        server_post.execute("UPDATE outbox SET lease_until = lease_until - 61")
        (taken,) = lively.take("folder", 0, 1, 60)
        assert frozen.turn((), [row], 60) == set()
        assert lively.turn((), [taken], 60) == {row.id}
        lost = Ended(row, Event.BROKEN, Decision(State.FAILED))
        frozen.turn([lost], (), 60)
        assert server_post.states() == {"a.b2": "todo"}
        lively.turn([Ended(taken, Event.DELIVERED, Decision(State.SENT))], (), 60)
    assert server_post.states() == {"a.b2": "sent"}


def test_f27_a_process_that_is_stopped_and_goes_on_sends_nothing_twice(
    server_post: Post, tmp_path: Path
) -> None:
    """SIGSTOP between taking and beginning; meanwhile its time runs out and another sends."""
    server_post.put("a.b2", "b.b2")
    server_post.engine.dispose()
    taken = tmp_path / "taken"
    child = os.fork()
    if not child:
        stopped_sending(server_post, taken)
    os.waitpid(child, os.WUNTRACED)
    assert server_post.send() == []
    assert set(server_post.states().values()) == {"todo"}
    server_post.execute("UPDATE outbox SET lease_until = 0")
    assert server_post.send() == []
    before = [path.stat().st_mtime_ns for path in sorted((server_post.home / "outbox").rglob("*"))]
    os.kill(child, signal.SIGCONT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    after = [path.stat().st_mtime_ns for path in sorted((server_post.home / "outbox").rglob("*"))]
    assert before == after
    assert server_post.events("a.b2") == ["begun", "delivered"]


def stopped_sending(post: Post, taken: Path) -> None:
    """Send in this process, which stops itself once it has taken rows; never returns."""
    take = Desk.take

    def stopping(self: Desk, *arguments: object) -> object:
        rows = take(self, *arguments)  # type: ignore[arg-type]
        if not taken.exists():
            taken.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return rows

    try:
        Desk.take = stopping  # type: ignore[assignment, method-assign]
        post.send()
        os._exit(0)
    finally:
        os._exit(1)


def test_on_sqlite_the_second_sender_waits(post: Post) -> None:
    """Two sendings in two processes: the files are made once."""
    post.put(*(f"{n}.b2" for n in range(1, 6)))
    post.engine.dispose()
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            try:
                post.send()
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children] == [0, 0]
    assert all(post.events(name) == ["begun", "delivered"] for name in post.states())

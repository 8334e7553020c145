"""Two processes plan, one writes: two processors, the same bytes.

A forked planner and the writer claim chunks one after the other; the writer plans only while it
has nothing to write, and writes in claim order whoever planned. The planner only reads, and hands
a whole chunk over at a time. When it dies, the writer goes on alone behind its last chunk: what it
held is freed by the kernel, what it was saying is said again.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import pickle
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from typing import IO, Any, Final

from sqlalchemy.exc import OperationalError

from integration.database.engine import make_engine, snapshot
from integration.failpoints import reach
from integration.flows.billing.gather import Scope
from integration.flows.billing.run import (
    Billing,
    Planned,
    next_groups,
    planned,
    planned_chunks,
)

AHEAD: Final = 2  # chunks planned and not yet written, so that memory stays flat
_FORK: Final = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class _Claims:
    """Which chunk is next: rank and last group claimed, shared by both planners."""

    rank: Any = field(default_factory=lambda: _FORK.RawValue("q", 0))
    last_group: Any = field(default_factory=lambda: _FORK.RawValue("q", 0))
    lock: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the claims alone; a lock of a file, because it doesn't outlive a killed holder."""
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self.lock, fcntl.LOCK_UN)

    def plan_next(self, run: Billing) -> tuple[int, Planned] | None:
        """Claim the next chunk and plan it; None when nothing is left."""
        with snapshot(run.engine) as connection:
            with self.turn():
                reach("ahead.turn")
                groups = next_groups(connection, run, self.last_group.value)
                if not groups:
                    return None
                rank = self.rank.value
                self.rank.value, self.last_group.value = rank + 1, groups[-1]
            reach("ahead.claimed")
            return rank, planned(connection, run, Scope(groups))


def planned_ahead(run: Billing) -> Generator[Planned, None, None]:
    """As `planned_chunks`, with a second planner."""
    claims = _Claims()
    ours, theirs = _FORK.Pipe(duplex=False)
    planner = _FORK.Process(target=_plan, args=(theirs, ours, run, claims), daemon=True)
    planner.start()
    theirs.close()
    last_group = 0
    try:
        for chunk in _in_order(run, claims, ours):
            last_group = chunk.scope.groups[-1]
            yield chunk
    except (EOFError, OperationalError):  # a server that isn't there is waited for there
        yield from planned_chunks(run, last_group)
    finally:
        ours.close()
        planner.terminate()
        planner.join()
        claims.lock.close()


def _in_order(run: Billing, claims: _Claims, pipe: Pipe) -> Generator[Planned, None, None]:
    """Chunks by rank, the planner's or our own. Raises EOFError when the planner died."""
    ready: dict[int, Planned] = {}
    wanted, left, planning = 0, True, True
    while wanted in ready or left or planning:
        if wanted in ready:
            yield ready.pop(wanted)
            wanted += 1
        elif planning and (pipe.poll() or not left or len(ready) >= AHEAD):
            theirs = pickle.loads(_received(pipe))  # noqa: S301 - from our own child
            planning = theirs is not None
            ready.update([theirs] if theirs else [])
        else:
            own = claims.plan_next(run)
            left = own is not None
            ready.update([own] if own else [])


def _received(pipe: Pipe) -> bytes:
    """A whole message. Raises EOFError when the planner died, be it in the middle of one."""
    try:
        return pipe.recv_bytes()
    except OSError as error:
        raise EOFError from error


def _plan(pipe: Pipe, other_end: Pipe, run: Billing, claims: _Claims) -> None:
    """The child: its own connections, and an end as soon as nobody listens.

    It was forked where collections are off, and makes none either.
    """
    other_end.close()
    url = run.engine.url.render_as_string(hide_password=False)
    run.engine.dispose(close=False)
    mine = replace(run, engine=make_engine(url))
    try:
        with ThreadPoolExecutor(1) as mouth:
            said: Future[None] | None = None
            while chunk := claims.plan_next(mine):
                content = pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL)
                if said:
                    said.result()
                said = mouth.submit(pipe.send_bytes, content)  # heard while the next is planned
                reach("ahead.sent")
            if said:
                said.result()
        pipe.send_bytes(pickle.dumps(None))
    except (BrokenPipeError, OperationalError):
        return

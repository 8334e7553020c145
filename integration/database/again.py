"""A transaction the database broke off is done again, a few times: deadlocks, restarts.

Only for work that is one transaction and finds out by itself what was posted before: when the
answer to a commit is lost, the second time meets its own rows (unique keys, states) and adds none.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

TRIES: Final = 5  # more, after the first
_CONFLICTS: Final = ("40001", "40P01")  # serialization failure, deadlock (PostgreSQL, Appendix A)
_GONE: Final = ("57P01", "57P02", "57P03", "25P03")  # shut down, crashed, not up yet; too idle
_PAUSE_S: Final = {True: 0.02, False: 0.5}  # for a conflict, for a server; doubled each time

T = TypeVar("T")


class ContendedError(RuntimeError):
    """Others stood in the way each time: this unit is left out and named, the others go on."""


def again(work: Callable[[], T]) -> T:
    """What `work` returns, done again at most five times when the database broke it off.

    Raises ContendedError when it always conflicts with others, the database's error when it
    doesn't come back within some fifteen seconds, and any other error at once.
    """
    for rank in range(TRIES):
        try:
            return work()
        except DBAPIError as error:
            if not (conflict(error) or lost(error)):
                raise
            _wait(rank, error)
    try:
        return work()
    except DBAPIError as error:
        if conflict(error):
            raise ContendedError(f"{type(error.orig).__name__}, {TRIES + 1} essais") from error
        raise


def conflict(error: DBAPIError) -> bool:
    """Whether two transactions stood in each other's way and this one gave way."""
    return _state(error) in _CONFLICTS


def lost(error: DBAPIError) -> bool:
    """Whether the server went away or isn't there yet (SQLite has none)."""
    state = _state(error)
    if error.connection_invalidated or state in _GONE:
        return True
    served = hasattr(error.orig, "sqlstate")
    broken = type(error.orig).__name__ == "OperationalError"  # no subclass: said by no server
    return served and (broken if state is None else state.startswith("08"))


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _wait(rank: int, error: DBAPIError) -> None:
    pause = _PAUSE_S[conflict(error)] * 2**rank
    name = type(error.orig).__name__
    sys.stderr.write(f"La base a rompu une transaction ({name}) : essai {rank + 2}.\n")
    time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - only to part two rivals

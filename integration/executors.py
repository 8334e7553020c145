"""Where pure steps run: `concurrent.futures.Executor` behind a name.

Only pure functions run on an executor; effects stay in the database, so that every engine gives
the same bytes.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

_SET_PARENT_DEATH_SIGNAL: Final = 1  # prctl(2), Linux

P = ParamSpec("P")
T = TypeVar("T")


class SerialExecutor(Executor):
    """Runs each call at once, in the caller."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The finished future of `fn(*args, **kwargs)`."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # an executor hands errors over, the caller raises them
            future.set_exception(error)
        return future


def make_executor(name: str, workers: int = 0) -> Executor:
    """`serial`, `threads` or `processes`. Raises ValueError for another name."""
    count = workers or os.cpu_count() or 1
    match name:
        case "serial":
            return SerialExecutor()
        case "threads":
            return ThreadPoolExecutor(count)
        case "processes":
            return ProcessPoolExecutor(count, initializer=die_with_parent)
    raise ValueError(f"exécuteur inconnu : {name}")


def die_with_parent() -> None:
    """In a worker: be killed when the parent is, instead of waiting for ever for its next call."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)

"""Where pure steps run: `concurrent.futures.Executor` behind a name.

Only pure functions run on an executor; effects stay in the database, so that every engine gives
the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

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
            return ProcessPoolExecutor(count)
    raise ValueError(f"exécuteur inconnu : {name}")

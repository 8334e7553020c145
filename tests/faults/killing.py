"""Run a piece of work in a forked child that dies at a failpoint, as in a power cut.

The parent has everything imported and no open connection; the child opens its own.
"""

from __future__ import annotations

import gc
import json
import os
import secrets
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from integration import failpoints
from integration.flows import care, teletransmission
from integration.flows.billing import gather
from integration.outbox import send

Work = Callable[[], object]
SMALL: Final = (
    (gather, "CHUNK", 2),
    (care, "CHUNK", 1),
    (teletransmission, "CHUNK", 1),
    (send, "BATCH", 3),
)
"""Chunks so small that a handful of contracts makes several."""


@dataclass(frozen=True)
class Ended:
    """How a child ended. points: what it passed, known of those that weren't killed."""

    killed: bool
    points: tuple[str, ...] = ()


class ChildFailedError(AssertionError):
    """A child raised; the text is its traceback."""


def run(work: Work, kill_at: int = 0, change: Work | None = None) -> Ended:
    """Do the work in a child killed at the `kill_at`-th failpoint (0: never).

    `change` is done first, in the child: a deliberate defect. Raises ChildFailedError.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _be_child(work, kill_at, change, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"killed by {os.WTERMSIG(status)}"
        return Ended(killed=True)
    if os.waitstatus_to_exitcode(status):
        raise ChildFailedError(told)
    return Ended(killed=False, points=tuple(json.loads(told)))


def _be_child(work: Work, kill_at: int, change: Work | None, writer: int) -> None:
    """Never returns: what pytest left behind the fork is none of ours."""
    try:
        gc.freeze()  # a billing run collects garbage: not what the parent holds
        small()
        same_randomness()
        if change:
            change()
        points = failpoints.arm(kill_at)
        work()
        os.write(writer, json.dumps(points).encode())
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        os.write(writer, traceback.format_exc().encode()[-60_000:])
    finally:
        os._exit(1)


def small() -> None:
    """Make several chunks of little."""
    for module, name, size in SMALL:
        setattr(module, name, size)


def same_randomness() -> None:
    """Salts and nonces alike in every run, so that whole databases can be compared."""
    secrets.token_bytes = bytes  # type: ignore[assignment]

"""The sweep: kill at a failpoint, run again, compare with the run nobody disturbed."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tests.faults.invariants import Books, books, differences, faults, files
from tests.faults.killing import ChildFailedError, Work, run
from tests.faults.scenario import (
    NIGHTS,
    Files,
    Home,
    first_night,
    play,
    second_night,
    third_night,
)
from tests.faults.stages import Stage

SEED = 20260202
WORKERS = os.cpu_count() or 1


@dataclass(frozen=True)
class Undisturbed:
    """What came in, the failpoints passed, and how everything stood at the end."""

    arrivals: Mapping[date, Files]
    points: tuple[str, ...]
    books: Books

    @property
    def arrived(self) -> Mapping[str, int]:
        """How often each content came in."""
        contents = (content for files in self.arrivals.values() for content in files.values())
        return Counter(hashlib.sha256(content).hexdigest() for content in contents)


def undisturbed(stage: Stage) -> Undisturbed:
    """Play the nights, the fund answering in between; then once more without a break.

    The first time in this very process: its children find everything imported and warm.
    """
    arrivals = {NIGHTS[0]: first_night()}
    with stage.fresh() as home:
        play(home, arrivals)
        arrivals[NIGHTS[1]] = second_night(home.settings.folders.outbox)
        arrivals[NIGHTS[2]] = third_night()
    with stage.fresh() as home:
        ended = run(lambda: play(home, arrivals))
        return Undisturbed(arrivals, ended.points, books(home))


def swept(stage: Stage, reference: Undisturbed, points: Sequence[int]) -> list[str]:
    """As `sweep`, on every processor, all faults at once."""
    context = multiprocessing.get_context("fork")
    found: list[str] = []
    workers = []
    for rank in range(WORKERS):
        ours, theirs = context.Pipe(duplex=False)
        share = points[rank::WORKERS]
        worker = context.Process(
            target=lambda pipe, share: pipe.send(list(sweep(stage, reference, share))),
            args=(theirs, share),
        )
        worker.start()
        theirs.close()
        workers.append((worker, ours))
    for worker, pipe in workers:
        found += pipe.recv()  # EOFError when the worker broke: its traceback is on stderr
        worker.join()
    return found


def sweep(
    stage: Stage, reference: Undisturbed, points: Iterable[int], change: Work | None = None
) -> Iterator[str]:
    """Every fault that a kill at one of these points (1..n; 0: none) leaves behind, lazily."""
    for at in points:
        name = reference.points[at - 1] if 0 < at <= len(reference.points) else "?"
        with stage.fresh() as home:
            for fault in _broken(home, reference, at, change):
                yield f"killed at {at} ({name}): {fault}"


def _broken(home: Home, reference: Undisturbed, at: int, change: Work | None) -> Iterator[str]:
    """Kill, kill again somewhere in the second run, run to the end, and look."""
    again = random.Random(SEED + at).randrange(1, 40)
    nights = lambda: play(home, reference.arrivals)  # noqa: E731 - a name for the work
    delivered: dict[str, tuple[int, int]] = {}
    try:
        for kill_at in (at, again if at % 3 == 0 else 0, 0):
            ended = run(nights, kill_at, change)
            yield from _redelivered(home, delivered)
            if not ended.killed:
                break
    except ChildFailedError as error:
        yield str(error)
        return
    yield from faults(home, reference.arrived)
    yield from differences(reference.books, books(home))


def _redelivered(home: Home, before: dict[str, tuple[int, int]]) -> Iterator[str]:
    """A delivered file is never written again: same inode, same time."""
    for name in files(home, ("outbox",)):
        stat = (home.folder / name).stat()
        now = stat.st_ino, stat.st_mtime_ns
        if not name.endswith(".part") and before.setdefault(name, now) != now:
            yield f"{name} was delivered twice"

"""A look at a full inbox, and a night with nothing to do.

Targets: 5 000 waiting files looked at in 50 ms, an idle night in 5 s. Beside other work the clock
on the wall says little of a look: its time on the processor is told too, and that of the barest
loop that asks the same of the disk.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter, process_time

from integration.app import open_app
from integration.inbox import Watch
from integration.nights import play_night
from integration.verbs.setup import make_home

FILES = 5_000
ROUNDS = 9


def run() -> dict[str, object]:
    """Milliseconds of a look, best and median; seconds of an idle night."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        make_home(home)
        with open_app(home, "serial") as app:
            night = _seconds(lambda: play_night(app, date(2026, 3, 31)))
            again = _seconds(lambda: play_night(app, date(2026, 3, 31)))
            for n in range(FILES):
                (app.settings.folders.inbox / "readings" / f"{n:05d}.csv").touch()
            watch = Watch(app.office())
            looks = _rounds(watch.look)
            bare = _rounds(lambda: _bare(app.settings.folders.inbox / "readings"))
    return {
        "files": FILES,
        "look_best_ms": looks[0],
        "look_median_ms": looks[1],
        "look_processor_ms": looks[2],
        "bare_processor_ms": bare[2],
        "idle_night_s": round(night, 2),
        "night_already_done_s": round(again, 3),
    }


def _rounds(work: Callable[[], object]) -> tuple[float, float, float]:
    """Best and median on the wall, best on the processor, in milliseconds."""
    told = []
    for _ in range(ROUNDS):
        ours = process_time()
        wall = _seconds(work)
        told.append((1000 * wall, 1000 * (process_time() - ours)))
    walls = sorted(wall for wall, _ in told)
    best = min(ours for _, ours in told)
    return round(walls[0], 1), round(walls[ROUNDS // 2], 1), round(best, 1)


def _bare(folder: Path) -> list[tuple[int, int]]:
    with os.scandir(folder) as entries:
        looks = [one.stat() for one in entries if one.is_file()]
    return [(look.st_size, look.st_mtime_ns) for look in looks]


def _seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))

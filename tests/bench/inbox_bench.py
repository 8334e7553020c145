"""A look at a full inbox, and a night with nothing to do.

Targets: 5 000 waiting files looked at in 50 ms, an idle night in 5 s.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter

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
            looks = sorted(1000 * _seconds(watch.look) for _ in range(ROUNDS))
    return {
        "files": FILES,
        "look_best_ms": round(looks[0], 1),
        "look_median_ms": round(looks[ROUNDS // 2], 1),
        "idle_night_s": round(night, 2),
        "night_already_done_s": round(again, 3),
    }


def _seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))

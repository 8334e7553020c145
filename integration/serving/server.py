"""`echeance serve`: ticks and watched folders in one loop, a heart beating beside it.

SIGTERM ends the running step and stops; SIGHUP reads the jobs again, and keeps the old ones when
the new are wrong. The library `schedule` only says when to look: it neither replays missed runs
nor knows a doubled hour (ecosystem.md §0).
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

import schedule
from sqlalchemy.exc import SQLAlchemyError

from config import jobs as job_file
from config.jobs import StepName
from config.settings import Server as Choices
from formats.common.anomaly import AnomaliesFound
from formats.common.french import counted
from integration.app import App
from integration.database.alone import only_server
from integration.database.engine import make_engine
from integration.durable import BrokenDiskError
from integration.inbox import Outcome, Watch, strangers
from integration.outbox.lease import living_token
from integration.serving.board import BEAT, Board, LostClaimError
from integration.serving.notify import notify, watchdog_s
from integration.serving.ticks import Step, Ticker

_NAP_S: Final = 0.2  # how long a signal may wait
_BEAT_S: Final = 60.0
_LONGEST_STEP_S: Final = 6 * 3600.0  # the watchdog hears nothing of a job longer than that


@dataclass(slots=True)
class Pulse:
    """What signals and the heart share with the loop; `beat` is of the monotonic clock."""

    stop: int = 0  # the signal that asked for it
    reload: bool = False
    beat: float = field(default_factory=time.monotonic)

    @property
    def stopping(self) -> bool:
        """Whether to begin nothing more."""
        return bool(self.stop)


def serve(app: App, ticker: Ticker, pulse: Pulse, home: Path) -> int:
    """Run until a signal says stop; returns that signal. Call it inside `opened`."""
    choices, clock = app.settings.server, schedule.Scheduler()
    watch = Watch(app.office())
    ticker.load(job_file.load(home / job_file.FILE_NAME))
    _tell_strangers(app)
    clock.every(choices.tick_s).seconds.do(_guarded, ticker.tick)
    if choices.watch:
        clock.every(choices.poll_s).seconds.do(_guarded, lambda: _watched(watch))
    notify(f"READY=1\nSTATUS={counted(len(ticker.jobs.jobs), 'tâche(s)')}")
    with _signals(pulse), _heart(app, ticker, pulse, choices):
        clock.run_all()
        while not pulse.stopping:
            pulse.beat = time.monotonic()
            if pulse.reload:
                _reload(ticker, pulse, home / job_file.FILE_NAME)
            clock.run_pending()
            time.sleep(_NAP_S)
    notify("STOPPING=1")
    return pulse.stop


@contextmanager
def opened(app: App, pulse: Pulse, steps: Mapping[StepName, Step]) -> Iterator[Ticker]:
    """The ticker of this server; on SQLite there is one. Raises AnomaliesFound (RUN-150)."""
    with only_server(app.engine), living_token(app.engine) as token:
        board = Board(app.engine, app.organisation_id, token, app.settings.server.lease_s)
        zone = ZoneInfo(app.settings.organisation.zone)
        yield Ticker(board, steps, zone, app.clock, tell, lambda: pulse.stopping)


def tell(line: str) -> None:
    """A line for the journal; a reader that went away doesn't stop the work."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        sys.stdout = sys.stderr


def _guarded(work: Callable[[], object]) -> None:
    """One look; what goes wrong is told by its class, and looked at again next time."""
    try:
        work()
    except BrokenDiskError:
        raise  # nothing this process writes is sure any more
    except AnomaliesFound as found:
        tell(str(found.anomalies[0]))
    except (SQLAlchemyError, OSError) as error:
        tell(f"Base ou dossier indisponible ({type(error).__name__}) : nouvel essai bientôt.")


def _watched(watch: Watch) -> None:
    for one in watch.step():
        tell(f"{one.name} ({one.flow}) : {_OUTCOMES[one.outcome]}{one.figures}")
        for anomaly in one.anomalies[:1]:
            tell(f"  {anomaly}")


_OUTCOMES: Final = {
    Outcome.IMPORTED: "importé",
    Outcome.DUPLICATE: "déjà importé",
    Outcome.REFUSED: "refusé, voir error/",
}


def _tell_strangers(app: App) -> None:
    for anomaly in strangers(app.settings):
        tell(str(anomaly))


def _reload(ticker: Ticker, pulse: Pulse, path: Path) -> None:
    pulse.reload = False
    try:
        ticker.load(job_file.load(path))
    except AnomaliesFound as found:
        for anomaly in found.anomalies:
            tell(str(anomaly))
        tell("Les tâches d'avant restent en place.")
        return
    tell(f"Tâches relues : {len(ticker.jobs.jobs)}.")


@contextmanager
def _signals(pulse: Pulse) -> Iterator[None]:
    def stop(number: int, _frame: FrameType | None) -> None:
        pulse.stop = number

    def reload(_number: int, _frame: FrameType | None) -> None:
        pulse.reload = True

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _heart(app: App, ticker: Ticker, pulse: Pulse, choices: Choices) -> Iterator[None]:
    """A thread that keeps the lease of the current occurrence, and tells systemd we live."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(app, ticker, pulse, choices, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(app: App, ticker: Ticker, pulse: Pulse, choices: Choices, ended: threading.Event) -> None:
    """With connections of its own: a process forked meanwhile inherits none of their locks."""
    engine = make_engine(app.settings.database_url)
    board = Board(engine, app.organisation_id, ticker.board.token, choices.lease_s)
    pause = min(choices.lease_s, watchdog_s() or choices.lease_s, _BEAT_S) / 3
    _seen(app.settings.folders.state / BEAT)
    while not ended.wait(pause):
        if time.monotonic() - pulse.beat < _LONGEST_STEP_S:
            notify("WATCHDOG=1")
            _seen(app.settings.folders.state / BEAT)
        _keep(board, ticker)
    engine.dispose()


def _seen(beat: Path) -> None:
    """Leave a trace that `/readyz` looks for."""
    try:
        beat.touch()
    except OSError as error:
        tell(f"Pas de trace dans {beat.name} ({type(error).__name__}).")


def _keep(board: Board, ticker: Ticker) -> None:
    """Renew the lease; who can't finds out at the end of the step."""
    claim = ticker.current
    if claim is None or board.engine.dialect.name == "sqlite":
        return
    try:
        board.renew(claim)
    except (LostClaimError, SQLAlchemyError) as error:
        tell(f"{claim.job} : bail non renouvelé ({type(error).__name__}).")

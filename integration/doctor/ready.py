"""Ready or not, for whoever watches from outside: the looks of the doctor worth a call at night.

Cheap enough for a probe every few seconds: the whole chain is verified once an hour, the rest each
time. A check says its name, never a figure or a path: `/readyz` asks for no token.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.exc import SQLAlchemyError

from config import jobs as job_file
from formats.common.anomaly import AnomaliesFound
from integration.app import App
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.doctor.books import known_jobs, unbegun
from integration.doctor.machine import LEAST_FREE_BYTES
from integration.flows.verify import verify
from integration.serving.board import BEAT

SILENT: Final = timedelta(minutes=3)  # a server that has served here
UNBEGUN: Final = timedelta(hours=1)  # an occurrence that nobody has begun
UNDONE: Final = timedelta(hours=6)  # one that isn't done, whatever became of it
UNHEARD: Final = timedelta(hours=24)  # an envoi tried and not arrived
UNPLAYED: Final = 2  # days since the last night, where no server plays it
_ANEW_S: Final = 3600.0  # between two verifications of the chain
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(slots=True)
class Readiness:
    """What is looked at, and what the last verification found. monotonic: seconds."""

    app: App
    monotonic: Callable[[], float] = time.monotonic
    sound: bool = True
    verified_at: float | None = None
    _verifying: Lock = field(default_factory=Lock)

    def wrong(self) -> list[str]:
        """The names of the checks that fail, in French; none when all is well."""
        try:
            return [name for name, well in self.checks() if not well]
        except SQLAlchemyError:
            return ["base"]

    def checks(self) -> Iterator[tuple[str, bool]]:
        """Every check and whether it passes. Raises SQLAlchemyError without a database."""
        now, folders = self.app.clock(), self.app.settings.folders
        yield "serveur", _alive(folders.state / BEAT, now)
        yield "tâches", not self._overdue(now)
        yield "envois", not self._unheard(now)
        yield "disque", shutil.disk_usage(folders.home).free >= LEAST_FREE_BYTES
        yield "livres", self.books_sound()
        yield "base", True

    def _overdue(self, now: datetime) -> bool:
        own, file = self.app.organisation_id, self.app.settings.folders.home / job_file.FILE_NAME
        with snapshot(self.app.engine) as connection:
            known = known_jobs(connection, own)
            late = _SQL.rows(connection, "late", organisation=own, before=_instant(now - UNDONE))
            (closed,) = _SQL.rows(connection, "closed", organisation=own)[0]
        if not known:
            return bool(closed) and (self.app.today() - _day(closed)).days > UNPLAYED
        if late or not file.is_file():
            return bool(late)
        zone = ZoneInfo(self.app.settings.organisation.zone)
        try:
            jobs = job_file.load(file)
        except AnomaliesFound:
            return True  # a server that starts again won't have any of these jobs
        return any(unbegun(jobs, job, now - UNBEGUN, zone) for job in known)

    def _unheard(self, now: datetime) -> bool:
        own, before = self.app.organisation_id, _instant(now - UNHEARD)
        with snapshot(self.app.engine) as connection:
            return bool(_SQL.rows(connection, "unheard", organisation=own, before=before))

    def books_sound(self) -> bool:
        """Whether the books verify, looked at once an hour: whoever asks meanwhile gets the last
        answer."""
        due = self.verified_at is None or self.monotonic() - self.verified_at >= _ANEW_S
        if due and self._verifying.acquire(blocking=False):
            try:
                found = verify(self.app.engine, self.app.organisation_id, self.app.trust())
                self.sound, self.verified_at = found.fault is None, self.monotonic()
            finally:
                self._verifying.release()
        return self.sound


def _alive(beat: Path, now: datetime) -> bool:
    return not beat.exists() or now.timestamp() - beat.stat().st_mtime <= SILENT.total_seconds()


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))

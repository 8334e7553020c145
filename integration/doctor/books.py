"""Looks at the database: schema, chain, days, clock, what waits for a person, what will miss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from billing.contracts.syntec import missing_before
from config import jobs as job_file
from config.jobs import Jobs, occurrences
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound
from formats.common.french import counted
from integration.app import App, open_app
from integration.database.engine import is_sqlite, make_engine, snapshot
from integration.database.migrations import newest, revision
from integration.database.sql import Queries
from integration.database.tables import syntec_index
from integration.doctor.finding import Finding
from integration.flows.prices import oldest_revision
from integration.flows.verify import verify
from integration.translate.increases_rows import indices_of

_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_SLACK: Final = timedelta(minutes=5)  # clocks of two servers
_MAY_RUN: Final = 1  # the night of yesterday may still be to come, after midnight
_BEHIND: Final = timedelta(hours=1)  # a night may take as long
_OUTBOX: Final = {
    "uncertain": (
        "peut-être arrivé(s)",
        "demandez au partenaire, puis « echeance mark-sent » ou « echeance resend »",
    ),
    "failed": (
        "abandonné(s)",
        "« echeance outbox show {first} » dit pourquoi ; corrigez, puis « echeance resend »",
    ),
    "held": ("retenu(s)", "« echeance resume all » quand ils peuvent partir"),
}


def schema(settings: Settings) -> Finding:
    """The database against the program."""
    engine = make_engine(settings.database_url)
    try:
        found = revision(engine)
    except SQLAlchemyError as error:
        said = f"la base ne répond pas ({type(error).__name__})"
        mend = "démarrez son serveur ou corrigez database.url"
        return Finding("schéma", False, said, mend, grave=True)
    finally:
        engine.dispose()
    if found is not None and found > newest():
        mend = "installez la version qui a servi la dernière fois"
        return Finding("schéma", False, f"{found}, plus récent que {newest()}", mend, grave=True)
    said = found or "aucun"
    return Finding("schéma", found == newest(), said, "echeance upgrade", grave=True)


def books(home: Path, now: datetime) -> Iterator[Finding]:
    """All that needs an open database."""
    try:
        with open_app(home, "serial") as app:
            yield _chain(app)
            yield from _days(app, now)
            yield _jobs(app, now)
            with snapshot(app.engine) as connection:
                yield from _waiting(connection, app)
                yield from _missing(connection, app, now)
                yield _indices(connection, app, now.date())
                yield from _statistics(connection)
    except AnomaliesFound as found:
        yield Finding("livres", False, "ne s'ouvrent pas", str(found.anomalies[0]), grave=True)
    except SQLAlchemyError as error:
        name = type(error).__name__
        mend = "voyez database.url ; sinon restaurez une sauvegarde"
        yield Finding("livres", False, f"la base ne répond pas ({name})", mend, grave=True)


def _chain(app: App) -> Finding:
    found = verify(app.engine, app.organisation_id, app.trust())
    if found.fault:
        said = found.fault.sentence
        return Finding("livres", False, said, found.fault.code.remedy, grave=True)
    return Finding("livres", True, counted(found.documents, "document(s) sain(s)"))


def _days(app: App, now: datetime) -> Iterator[Finding]:
    """Nights not played, and a clock that went back."""
    own = app.organisation_id
    today = now.astimezone(ZoneInfo(app.settings.organisation.zone)).date()
    with snapshot(app.engine) as connection:
        (closed,) = _SQL.rows(connection, "closed", organisation=own)[0]
        (latest,) = _SQL.rows(connection, "latest", organisation=own)[0]
    until = date.fromisoformat(str(closed)) if closed else None
    gap = (today - until).days - 1 if until else 0
    said = f"clos jusqu'au {until:%d/%m/%Y}" if until else "aucune nuit encore"
    first = f"{(until or today) + timedelta(days=1):%Y-%m-%d}"
    mend = f"jouez les nuits manquantes depuis « echeance run night --date {first} »"
    late = gap > _MAY_RUN
    yield Finding(
        "nuits", not late, f"{said}, {counted(gap, 'manquante(s)')}" if late else said, mend
    )
    ahead = latest and _instant(latest) > now + _SLACK
    wrong = bool(ahead or (until and until > today))
    said = f"{now.astimezone(UTC):%d/%m/%Y %H:%M} UTC, {app.settings.organisation.zone}"
    mend = "l'horloge retarde sur ce qui est écrit : timedatectl set-ntp true, puis attendez"
    yield Finding("horloge", not wrong, said, mend)


def _jobs(app: App, now: datetime) -> Finding:
    """The jobs of the server: a file it can read, and none of them late."""
    name, file = "tâches", app.settings.folders.home / job_file.FILE_NAME
    try:
        jobs = job_file.load(file)
    except AnomaliesFound as found:
        return Finding(name, False, str(found.anomalies[0]), f"corrigez {file}")
    with snapshot(app.engine) as connection:
        known = known_jobs(connection, app.organisation_id)
    late = late_jobs(jobs, known, now, ZoneInfo(app.settings.organisation.zone))
    behind = [job for job, since in late.items() if since > _BEHIND]
    if behind:
        mend = "lancez « echeance serve », ou « echeance jobs list » dit où elles en sont"
        return Finding(name, False, f"en retard : {', '.join(behind)}", mend)
    return Finding(name, True, "à jour" if known else "aucun serveur ne les joue encore")


KnownJob = tuple[str, str, str | None, str | None]
"""A job, since when it is known, its last occurrence, its first unfinished one; ISO instants."""


def known_jobs(connection: Connection, organisation_id: int) -> list[KnownJob]:
    """The jobs a server has begun to play."""
    rows = _SQL.rows(connection, "jobs", organisation=organisation_id)
    return [(name, since, last, unfinished) for name, since, last, unfinished in rows]


def late_jobs(
    jobs: Jobs, known: Iterable[KnownJob], now: datetime, zone: ZoneInfo
) -> dict[str, timedelta]:
    """How late each job is: since its first occurrence that isn't done; zero when there is none."""
    late = {}
    for name, since, last, unfinished in known:
        if name in jobs.jobs:
            begun = datetime.fromisoformat(unfinished) if unfinished else None
            due = (begun, unbegun(jobs, (name, since, last, unfinished), now, zone))
            late[name] = now - min((at for at in due if at), default=now)
    return late


def unbegun(jobs: Jobs, job: KnownJob, until: datetime, zone: ZoneInfo) -> datetime | None:
    """The first occurrence of a job, due before `until`, that no server has begun."""
    name, since, last, _ = job
    mark = datetime.fromisoformat(max(last or "", since))
    if name not in jobs.jobs or mark >= until:
        return None
    return next((one.at for one in occurrences(jobs, name, mark, until, zone)), None)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _waiting(connection: Connection, app: App) -> Iterator[Finding]:
    rows = _SQL.rows(connection, "outbox", organisation=app.organisation_id)
    for state, count, first in rows:
        french, mend = _OUTBOX[state]
        yield Finding("envois", False, counted(count, french), mend.format(first=first))
    if not rows:
        yield Finding("envois", True, "aucun n'attend quelqu'un")


def _missing(connection: Connection, app: App, now: datetime) -> Iterator[Finding]:
    """What the next night would stumble on."""
    own, today = app.organisation_id, now.date()
    choices = app.settings.teletransmission.choices()
    funds = _SQL.rows(connection, "funds", organisation=own, today=today)
    lost = [scheme + fund for scheme, fund in funds if choices.recipient(scheme, fund) is None]
    said = (
        f"inconnus pour {', '.join(lost[:5])}"
        if lost
        else counted(len(funds), "caisse(s) connue(s)")
    )
    mend = "ajoutez-les à teletransmission.centres d'echeance.toml"
    yield Finding("centres informatiques", not lost, said, mend)
    codes = [code for (code,) in _SQL.rows(connection, "tariffs", organisation=own, today=today)]
    said = f"sans tarif en vigueur : {', '.join(codes[:5])}" if codes else "en vigueur"
    mend = "importez la dernière LPP : « echeance import --flow lpp FICHIER »"
    yield Finding("tarifs LPP", not codes, said, mend)


def _indices(connection: Connection, app: App, today: date) -> Finding:
    """The 24 months of Syntec indices before the oldest revision to come (A-SYN-03)."""
    due = oldest_revision(connection, app.organisation_id)
    if due is None:
        return Finding("indices Syntec", True, "aucune révision")
    known = indices_of(tuple(row) for row in connection.execute(select(syntec_index)))
    missing = missing_before(known, min(due, today))
    if not missing:
        return Finding(
            "indices Syntec", True, f"24 mois connus avant la révision du {due:%d/%m/%Y}"
        )
    said = f"{len(missing)} mois manquent avant la révision du {due:%d/%m/%Y}"
    mend = f"importez ceux de {missing[0]} à {missing[-1]} (flux « indices »)"
    return Finding("indices Syntec", False, said, mend)


def _statistics(connection: Connection) -> Iterator[Finding]:
    if is_sqlite(connection):
        return
    stale = [name for (name,) in _SQL.rows(connection, "statistics")]
    said = f"à refaire : {', '.join(stale[:5])}" if stale else "tenues"
    mend = "lancez ANALYZE dans la base, et laissez autovacuum actif"
    yield Finding("statistiques", not stale, said, mend)

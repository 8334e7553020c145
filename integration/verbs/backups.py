"""Verbs that keep the house safe: back it up, restore it, bring its database up to date."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from config import settings as configuration
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.common.french import counted
from integration import backup
from integration.app import NOT_READY, home_of, open_app
from integration.cli import DONE, INTEGRITY
from integration.database.engine import make_engine
from integration.database.migrations import newest, revision, upgrade
from integration.flows.verify import verify
from integration.rehearsal import asked
from integration.verbs.outcome import complain, say, say_done, say_json


def back_up(arguments: argparse.Namespace) -> int:
    """One file with the database and the choices of the house."""
    home, settings = _settings(arguments)
    file = Path(arguments.file)
    if file.is_dir():
        file = file / f"echeance-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    with tempfile.TemporaryDirectory() if asked() else nullcontext(file.parent) as folder:
        made, now = Path(folder) / file.name, datetime.now(UTC)
        told = backup.back_up(home, settings, made, now, keys=arguments.with_keys)
    if arguments.json:
        say_json("backup", {"file": str(file), **_plain(told)})
        return DONE
    files = counted(len(told.members), "fichier(s)")
    say(f"Sauvegarde écrite : {file} ({files}, schéma {told.schema})")
    if not arguments.with_keys:
        say(f"  sans les clés : gardez {settings.person_key} ailleurs, elle ouvre les identités")
    return DONE


def restore(arguments: argparse.Namespace) -> int:
    """A backup into a new home, its outbox on hold; --dry-run only checks the file."""
    home, file = home_of(arguments.home), Path(arguments.file)
    if arguments.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            told = backup.unpack(file, Path(folder))
        files = counted(len(told.members), "fichier(s)")
        french = f"Sauvegarde saine, faite le {told.made_at} : {files}."
        return say_done(arguments, "restore", {"dry_run": True, **_plain(told)}, french)
    told = backup.restore(file, home, datetime.now(UTC))
    if arguments.json:
        say_json("restore", {"home": str(home), **_plain(told)})
        return DONE
    say(f"Restauré dans {home}, tel que le {told.made_at}.")
    say("  Rien ne partira : les envois sont retenus.")
    say("  1. remettez les clés si la sauvegarde ne les a pas, puis « echeance init »")
    say("  2. « echeance doctor » et « echeance verify »")
    say("  3. « echeance outbox list » : ce qui était parti, notez-le par « echeance mark-sent »")
    say("  4. « echeance resume all » laisse partir le reste, une fois")
    return DONE


def bring_up_to_date(arguments: argparse.Namespace) -> int:
    """Back up, migrate, verify; killed anywhere it is run again."""
    home, settings = _settings(arguments)
    engine = make_engine(settings.database_url)
    try:
        found = revision(engine)
    finally:
        engine.dispose()
    schemas = {"from": found, "to": newest()}
    if found == newest():
        french = f"La base est déjà au schéma {found} de ce programme."
        return say_done(arguments, "upgrade", {**schemas, "backup": ""}, french)
    if arguments.dry_run:
        french = f"La base passerait du schéma {found or 'vide'} au schéma {newest()}."
        return say_done(arguments, "upgrade", {**schemas, "dry_run": True, "backup": ""}, french)
    saved = _saved(home, settings, found) if found is not None and found < newest() else ""
    if saved and not arguments.json:
        say(f"Sauvegarde d'abord : {saved}")
    upgrade(settings.database_url)
    french = f"La base est passée du schéma {found or 'vide'} au schéma {newest()}."
    say_done(arguments, "upgrade", {**schemas, "backup": str(saved)}, french)
    return _verified(home, quietly=arguments.json)


def _saved(home: Path, settings: configuration.Settings, schema: str) -> Path:
    now = datetime.now(UTC)
    file = home / "backup" / f"avant-{newest()}-schema-{schema}-{now:%Y%m%d-%H%M%S}.tar"
    backup.back_up(home, settings, file, now, keys=False)
    return file


def _verified(home: Path, *, quietly: bool) -> int:
    with open_app(home, "serial") as app:
        fault = verify(app.engine, app.organisation_id, app.trust()).fault
    if fault:
        complain(str(fault))
        return INTEGRITY
    if not quietly:
        say("Livres sains.")
    return DONE


def _settings(arguments: argparse.Namespace) -> tuple[Path, configuration.Settings]:
    home = home_of(arguments.home)
    if not (home / configuration.FILE_NAME).is_file():
        raise AnomaliesFound(Anomaly(NOT_READY, values={"folder": home.name}))
    return home, configuration.load(home / configuration.FILE_NAME)


def _plain(told: backup.Backup) -> dict[str, object]:
    return {"made_at": told.made_at, "schema": told.schema, "members": told.members}

"""`echeance init`: a working folder that is ready, and made ready again after an upgrade."""

from __future__ import annotations

import argparse
from pathlib import Path

from config import settings as configuration
from integration.app import home_of, own_organisation
from integration.cli import DONE
from integration.database.engine import make_engine
from integration.database.migrations import upgrade
from integration.inbox import prepare
from integration.persons import create_key
from integration.translate.lpp import load_embedded
from integration.verbs.outcome import say


def init(arguments: argparse.Namespace) -> int:
    """Make what is missing, keep what is there."""
    home = Path(arguments.folder) if arguments.folder else home_of(arguments.home)
    make_home(home)
    say(f"Dossier de travail prêt : {home}")
    say(f"  1. complétez {home / configuration.FILE_NAME}, puis « echeance check »")
    say(f"  2. déposez vos fichiers dans {home / 'inbox'}")
    say("  3. « echeance run night » joue la nuit ; « echeance status » dit où vous en êtes")
    return DONE


def make_home(home: Path) -> None:
    """Folders, settings, key of persons, schema, embedded nomenclature."""
    home.mkdir(mode=0o750, parents=True, exist_ok=True)
    file = home / configuration.FILE_NAME
    if not file.exists():
        configuration.write_default(file)
    settings = configuration.load(file)
    prepare(settings)
    for folder in (settings.folders.state, settings.folders.outbox, settings.folders.reports):
        folder.mkdir(mode=0o750, exist_ok=True)
    if not settings.person_key.exists():
        create_key(settings.person_key)
    upgrade(settings.database_url)
    engine = make_engine(settings.database_url)
    try:
        own_organisation(engine, settings)
        with engine.begin() as connection:
            load_embedded(connection)
    finally:
        engine.dispose()

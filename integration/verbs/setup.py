"""`echeance init`: a working folder that is ready, and made ready again after an upgrade."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, func, select

from config import jobs
from config import settings as configuration
from config.settings import Settings
from config.templates import write_defaults
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.app import home_of, own_organisation
from integration.cli import DONE
from integration.database.engine import make_engine
from integration.database.migrations import upgrade
from integration.database.tables import person
from integration.inbox import prepare
from integration.keys import create_key, in_a_file
from integration.signing import ensure_signing_key
from integration.translate.flow import FLOWS, load
from integration.translate.lpp import load_embedded
from integration.verbs.outcome import say

LOST_KEY: Final = Code(
    "CFG-103",
    "La clé « {name} » manque, et la base a {count} identité(s) scellée(s) avec elle.",
    "Remettez la clé en place depuis votre sauvegarde : une autre ne les ouvrirait pas.",
)


README: Final = "README.txt"
_HOW: Final = """Déposez ici : {what}.

Un fichier est pris quand il ne change plus ; les noms en .part, .tmp ou ~ attendent. Il se
retrouve ensuite dans done/, ou dans error/ avec NOM.err.txt, qui dit quoi corriger : redéposez-le
alors ici. Rien n'est jamais supprimé ; le même contenu n'est importé qu'une fois.
"""


_FOLDERS: Final = {
    "done": "Fichiers importés, par flux et par jour. Rien n'en est supprimé.",
    "error": "Fichiers refusés. NOM.err.txt dit quoi corriger : corrigez une copie du fichier, puis"
    " redéposez-la dans inbox.",
    "outbox": "Ce qu'aucun partenaire ne prend : factures, fichiers des caisses, comptes rendus.",
    "exports": "Écritures, FEC, archives et relevés à demander, pour les autres logiciels.",
    "reports": "Le compte rendu de chaque nuit : page, classeur et données.",
}


def _explain_folders(settings: Settings) -> None:
    """A README.txt in each other folder of files."""
    for name, text in _FOLDERS.items():
        folder = settings.folders.home / name
        folder.mkdir(mode=0o750, exist_ok=True)
        (folder / README).write_text(f"{text}\n", "utf-8")


def init(arguments: argparse.Namespace) -> int:
    """Make what is missing, keep what is there."""
    home = Path(arguments.folder) if arguments.folder else home_of(arguments.home)
    make_home(home)
    say(f"Dossier de travail prêt : {home}")
    say(f"  1. complétez {home / configuration.FILE_NAME}, puis « echeance check »")
    say(f"  2. déposez vos fichiers dans {home / 'inbox'}")
    say("  3. « echeance run night » joue la nuit ; « echeance status » dit où vous en êtes")
    return DONE


def _ensure_key(engine: Engine, key: Path) -> None:
    """A key for a new house; never a new one for persons that another key sealed."""
    if key.exists() or not in_a_file(key):
        return
    with engine.connect() as connection:
        sealed = connection.scalar(select(func.count()).select_from(person)) or 0
    if sealed:
        raise AnomaliesFound(Anomaly(LOST_KEY, values={"name": key.name, "count": sealed}))
    create_key(key)


def _explain_inbox(settings: Settings) -> None:
    """A README.txt in each folder where people drop files, as this version reads them."""
    inbox = settings.folders.inbox
    (inbox / README).write_text(_HOW.format(what="tous les flux, reconnus au contenu"), "utf-8")
    for name in FLOWS:
        flow = load(name)
        layout = flow.schema().partition("{")[0]  # a table's; documents have a long schema
        example = f"Exemple :\n\n{layout}" if layout else ""
        how = _HOW.format(what=flow.french)
        text = f"{how}Tout le modèle : echeance schema {name}\n{example}"
        (inbox / name / README).write_text(text, "utf-8")


def make_home(home: Path) -> None:
    """Folders, settings, key of persons, schema, embedded nomenclature."""
    home.mkdir(mode=0o750, parents=True, exist_ok=True)
    file = home / configuration.FILE_NAME
    if not file.exists():
        configuration.write_default(file)
    if not (home / jobs.FILE_NAME).exists():
        (home / jobs.FILE_NAME).write_text(jobs.SAMPLE, "utf-8")
    settings = configuration.load(file)
    prepare(settings)
    _explain_inbox(settings)
    _explain_folders(settings)
    folders = settings.folders
    made = (folders.state, folders.outbox, folders.partners, folders.reports, folders.tables)
    for folder in made:
        folder.mkdir(mode=0o750, exist_ok=True)
    folders.images.mkdir(mode=0o750, exist_ok=True)
    write_defaults(folders.templates)
    upgrade(settings.database_url)
    engine = make_engine(settings.database_url)
    try:
        _ensure_key(engine, settings.person_key)
        ensure_signing_key(settings.signing_key)
        own_organisation(engine, settings)
        with engine.begin() as connection:
            load_embedded(connection)
    finally:
        engine.dispose()

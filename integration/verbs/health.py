"""Verbs that look: status, check, doctor. They change nothing."""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from config import settings as configuration
from config.parameters import named_articles
from config.partners import load_partners
from config.settings import Settings
from config.templates import load_templates
from formats.common.anomaly import AnomaliesFound, Anomaly
from integration.app import home_of, open_app
from integration.cli import BAD_CONFIG, DONE, INTEGRITY, PARTIAL
from integration.database.engine import snapshot
from integration.flows.billing.fees import article_faults
from integration.flows.report import Situation, situation
from integration.flows.verify import verify
from integration.translate.decision_tables import load_decisions
from integration.verbs.outcome import complain, euros, say, say_json

LEAST_FREE_BYTES: Final = 1 << 30
_KINDS: Final = {
    "contract": "factures de contrats",
    "care": "factures de soins",
    "credit": "avoirs",
    "payment": "règlements",
    "rejection": "rejets",
    "settlement": "régularisations",
}
_RETURNS: Final = {"P": "parts payées", "R": "parts rejetées", "D": "parts différées"}


def status(arguments: argparse.Namespace) -> int:
    """Say where the house stands."""
    with open_app(home_of(arguments.home)) as app:
        found = situation(app.engine, app.organisation_id)
        if arguments.json:
            say_json("status", found.as_json())
        else:
            say(described(found))
    return DONE


def described(found: Situation) -> str:
    """The situation in French."""
    files, invoices, amo = found.transmitted
    lines = [
        f"Dernier jour clos : {found.last_night:%d/%m/%Y}" if found.last_night else "Aucune nuit.",
        *(
            f"  {count:>7} {_KINDS.get(kind, kind):24} {euros(cents):>18}"
            for kind, (count, cents) in found.documents.items()
        ),
        f"  {invoices:>7} {'factures télétransmises':24} {euros(amo):>18} de part AMO, "
        f"{files} fichiers",
        *(
            f"  {count:>7} {_RETURNS[state]:24} {euros(cents):>18}"
            for state, (count, cents) in found.returns.items()
        ),
        f"  Écritures : débit {euros(found.ledger['debit_cents'])}, "
        f"crédit {euros(found.ledger['credit_cents'])}, "
        f"reste dû {euros(found.ledger['due_cents'])}",
        f"  Fichiers reçus : {_counts(found.files)} ; à envoyer : {found.outbox.get('todo', 0)}",
    ]
    return "\n".join(lines)


def _counts(files: object) -> str:
    french = {"imported": "importés", "duplicate": "en double", "refused": "refusés"}
    assert isinstance(files, dict)
    return ", ".join(f"{n} {french.get(state, state)}" for state, n in files.items()) or "aucun"


def check(arguments: argparse.Namespace) -> int:
    """Read settings and decision tables; say everything that is wrong with them."""
    home = home_of(arguments.home)
    try:
        settings = configuration.load(home / configuration.FILE_NAME)
        found = tuple(_articles(home, settings))
        load_partners(settings.folders.partners)
        load_templates(settings.folders.templates)
    except AnomaliesFound as wrong:
        found = wrong.anomalies
    if arguments.json:
        say_json("check", {"anomalies": [str(one) for one in found]})
    for anomaly in found:
        complain(str(anomaly))
    if found:
        return BAD_CONFIG
    for remark in configuration.remarks(settings):
        complain(str(remark))
    if not arguments.json:
        say(f"Configuration correcte : {settings.organisation.name}.")
    return DONE


def _articles(home: Path, settings: Settings) -> list[Anomaly]:
    """Articles that parameters and tables name and that don't exist as intangible ones."""
    decisions = load_decisions(settings.folders.tables, settings.organisation.code)
    parameters, tables = named_articles(settings.parameters), decisions.named_articles()
    if not (parameters or tables):
        return []
    with open_app(home, "serial") as app, snapshot(app.engine) as connection:
        own, today = app.organisation_id, app.today()
        return [
            *article_faults(connection, own, parameters),
            *article_faults(connection, own, tables, today),
        ]


@dataclass(frozen=True, slots=True)
class Finding:
    """One look of the doctor: what, whether it is well, and how to mend it."""

    name: str
    well: bool
    found: str
    mend: str = ""


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything a night needs; what is broken is a finding, never the end of the look."""
    home = home_of(arguments.home)
    settings = configuration.load(home / configuration.FILE_NAME)
    findings = [*_machine(), *_folders(settings), _key(settings)]
    books = _books(home)
    findings.append(books)
    if arguments.json:
        say_json("doctor", {"findings": [_plain(one) for one in findings]})
    else:
        for one in findings:
            mend = "" if one.well else f" — {one.mend}"
            say(f"{'ok   ' if one.well else 'ÉCHEC'} {one.name} : {one.found}{mend}")
    if not books.well:
        return INTEGRITY
    return DONE if all(one.well for one in findings) else PARTIAL


def _books(home: Path) -> Finding:
    """The books, as far as they open."""
    try:
        with open_app(home) as app:
            books = verify(app.engine, app.organisation_id, app.trust())
    except AnomaliesFound as found:
        return Finding("livres", False, "ne s'ouvrent pas", str(found.anomalies[0]))
    except SQLAlchemyError as error:
        name = type(error).__name__
        return Finding("livres", False, f"la base ne répond pas ({name})", "voir database.url")
    if books.fault:
        return Finding("livres", False, books.fault.sentence, books.fault.code.remedy)
    return Finding("livres", True, f"{books.documents} documents sains")


def _key(settings: Settings) -> Finding:
    key = settings.person_key
    if not key.exists():
        return Finding("clé des identités", False, "absente", "remettez-la, ou « echeance init »")
    mode = stat.S_IMODE(key.stat().st_mode)
    return Finding("clé des identités", mode == 0o600, f"droits {mode:o}", f"chmod 600 {key}")


def _plain(one: Finding) -> dict[str, object]:
    return {"name": one.name, "well": one.well, "found": one.found, "mend": one.mend}


def _machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), version, "installez Python 3.11 ou plus")
    engine = sqlite3.sqlite_version_info
    mend = "installez un Python lié à SQLite 3.35 ou plus"
    yield Finding("SQLite", engine >= (3, 35, 0), sqlite3.sqlite_version, mend)


def _folders(settings: Settings) -> Iterator[Finding]:
    folders = settings.folders
    names = ("inbox", "processing", "done", "error", "outbox", "state")
    missing = [name for name in names if not getattr(folders, name).is_dir()]
    there = f"manquants : {', '.join(missing)}" if missing else "tous là"
    yield Finding("dossiers", not missing, there, "echeance init")
    devices = {getattr(folders, n).stat().st_dev for n in names[:4] if n not in missing}
    yield Finding(
        "système de fichiers",
        len(devices) <= 1,
        "un seul" if len(devices) <= 1 else "plusieurs",
        "inbox, processing, done et error sur un même disque : les déplacements y sont atomiques",
    )
    free = shutil.disk_usage(folders.home).free
    yield Finding(
        "place libre", free >= LEAST_FREE_BYTES, f"{free >> 20} Mo", "libérez au moins 1 Go"
    )

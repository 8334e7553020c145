"""Verbs that look: status, check, doctor. They change nothing."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from config import jobs
from config import settings as configuration
from config.parameters import named_articles
from config.partners import load_partners
from config.settings import Settings
from config.templates import load_templates
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.common.french import counted, plural
from integration.app import home_of, open_app
from integration.cli import BAD_CONFIG, DONE, INTEGRITY, PARTIAL
from integration.database.engine import snapshot
from integration.doctor import examined
from integration.flows.billing.fees import article_faults
from integration.flows.report import Situation, situation
from integration.reporting.words import ANSWERS, FILES, KINDS
from integration.translate.decision_tables import load_decisions
from integration.verbs.outcome import complain, euros, say, say_json


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
            _figure(count, KINDS.get(kind, kind), cents)
            for kind, (count, cents) in found.documents.items()
        ),
        f"{_figure(invoices, 'facture(s) télétransmise(s)', amo)} de part AMO, "
        + counted(files, "fichier(s)"),
        *(_figure(count, ANSWERS[state], cents) for state, (count, cents) in found.returns.items()),
        f"  Écritures : débit {euros(found.ledger['debit_cents'])}, "
        f"crédit {euros(found.ledger['credit_cents'])}, "
        f"reste dû {euros(found.ledger['due_cents'])}",
        f"  Fichiers reçus : {_counts(found.files)} ; à envoyer : {found.outbox.get('todo', 0)}",
    ]
    return "\n".join(lines)


def _figure(count: int, words: str, cents: int) -> str:
    return f"  {count:>7} {plural(words, count):24} {euros(cents):>18}"


def _counts(files: Mapping[str, int]) -> str:
    told = (counted(n, FILES.get(state, state)) for state, n in files.items())
    return ", ".join(told) or "aucun"


def check(arguments: argparse.Namespace) -> int:
    """Read settings and decision tables; say everything that is wrong with them."""
    home = home_of(arguments.home)
    try:
        settings = configuration.load(home / configuration.FILE_NAME)
        found = tuple(_articles(home, settings))
        load_partners(settings.folders.partners)
        load_templates(settings.folders.templates)
        jobs.load(home / jobs.FILE_NAME)
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


def doctor(arguments: argparse.Namespace) -> int:
    """Look at everything a night needs; what is broken is a finding, never the end of the look."""
    home = home_of(arguments.home)
    findings = list(examined(home, datetime.now(UTC), network=arguments.network))
    if arguments.json:
        say_json("doctor", {"findings": [asdict(one) for one in findings]})
    else:
        for one in findings:
            say(str(one))
    if any(one.grave and not one.well for one in findings):
        return INTEGRITY
    return DONE if all(one.well for one in findings) else PARTIAL

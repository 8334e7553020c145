"""Verbs that write files for other systems."""

from __future__ import annotations

import argparse
from pathlib import Path

from config.chart import account_labels
from config.settings import FILE_NAME, load
from formats.common.anomaly import AnomaliesFound
from formats.common.french import counted
from integration.app import SUBFOLDERS, App, home_of, open_app
from integration.cli import DONE, INTEGRITY, USAGE
from integration.flows.archive import Archivist, check_archive, export_archive, period_named
from integration.flows.fec import Books, export_fec
from integration.flows.ledger_export import Journals, export_again, export_new
from integration.signing import open_signer, trusted_keys
from integration.verbs.outcome import complain, euros, say, say_json


def books_of(app: App) -> Books:
    """The books of the house."""
    own = app.settings.organisation
    label = account_labels(app.settings.accounts)
    return Books(app.engine, app.organisation_id, own.siren, label)


def fec(arguments: argparse.Namespace) -> int:
    """Write the FEC of a year, judged before it gets its name."""
    with open_app(home_of(arguments.home)) as app:
        year = arguments.year or app.today().year
        made = export_fec(books_of(app), year, app.settings.folders.exports / "fec")
        named = app.named(made.path)
    if arguments.json:
        content = {"file": made.path.name, "entries": made.entries, "sha256": made.sha256}
        say_json("fec", content)
    else:
        say(f"{named} : {counted(made.entries, 'écriture(s)')}, contrôlé.")
    return DONE


def ledger(arguments: argparse.Namespace) -> int:
    """Write what is new for the accounting software, or an earlier export once more."""
    with open_app(home_of(arguments.home)) as app:
        label = account_labels(app.settings.accounts)
        folder = app.settings.folders.exports / "ledger"
        journals = Journals(app.engine, app.organisation_id, label, folder)
        if arguments.again:
            made = export_again(journals, arguments.again)
        else:
            made = export_new(journals, arguments.layout)
        named = app.named(folder / made.file_name)
    if arguments.json:
        say_json("ledger", made._asdict())
    elif made.number:
        say(
            f"Export n° {made.number} : {named}, "
            f"{counted(made.entries, 'écriture(s)')}, {euros(made.debit_cents)}."
        )
    else:
        say("Rien de nouveau à exporter.")
    return DONE


def archive(arguments: argparse.Namespace) -> int:
    """Write the signed archive of a closed period."""
    period = period_named(arguments.period)
    with open_app(home_of(arguments.home)) as app:
        folders = app.settings.folders
        house = Archivist(
            app.engine,
            app.organisation_id,
            app.settings.organisation.code,
            open_signer(app.settings.signing_key),
            folders.outbox / SUBFOLDERS["invoice_pdf"],
        )
        path = app.named(export_archive(house, period, folders.exports / "archives"))
    if arguments.json:
        say_json("archive", {"file": path.name})
    else:
        say(f"{path} : archive signée. « echeance verify archive {path.name} » la contrôle.")
    return DONE


def verify_archive(arguments: argparse.Namespace) -> int:
    """Check an archive without the database; the house's own keys are believed if it is one."""
    if not arguments.file:
        complain("Nommez l'archive à contrôler.")
        return USAGE
    settings = home_of(arguments.home) / FILE_NAME
    keys = trusted_keys(load(settings).signing_key) if settings.is_file() else frozenset()
    try:
        found = check_archive(Path(arguments.file), keys)
    except AnomaliesFound as wrong:
        complain(str(wrong.anomalies[0]))
        return INTEGRITY
    if arguments.json:
        say_json("verify-archive", found._asdict())
    else:
        say(
            f"Archive saine : {found.organisation}, {found.period}, "
            f"{counted(found.documents, 'document(s) chaîné(s)')}, "
            f"signée par la clé {found.public_key}."
        )
    return DONE

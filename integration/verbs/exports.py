"""Verbs that write files for other systems."""

from __future__ import annotations

import argparse

from config.chart import account_labels
from integration.app import App, home_of, open_app
from integration.cli import DONE
from integration.flows.fec import Books, export_fec
from integration.flows.ledger_export import Journals, export_again, export_new
from integration.verbs.outcome import euros, say, say_json


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
    if arguments.json:
        content = {"file": made.path.name, "entries": made.entries, "sha256": made.sha256}
        say_json("fec", content)
    else:
        say(f"{made.path} : {made.entries} écritures, contrôlé.")
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
    if arguments.json:
        say_json("ledger", made._asdict())
    elif made.number:
        say(
            f"Export n° {made.number} : {folder / made.file_name}, {made.entries} écritures, "
            f"{euros(made.debit_cents)}."
        )
    else:
        say("Rien de nouveau à exporter.")
    return DONE

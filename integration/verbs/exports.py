"""Verbs that write files for other systems."""

from __future__ import annotations

import argparse

from config.chart import account_labels
from integration.app import App, home_of, open_app
from integration.cli import DONE
from integration.flows.fec import Books, export_fec
from integration.verbs.outcome import say, say_json


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

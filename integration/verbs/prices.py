"""Verbs about prices and rules in series: export, show the differences, apply all or nothing."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.french import counted
from integration.app import App, home_of, open_app
from integration.cli import DONE
from integration.database.engine import snapshot
from integration.flows import prices
from integration.flows.price_changes import Read, read_changes
from integration.flows.rule_changes import RuleChange, hold, write
from integration.flows.rule_fields import HEADER, changes_of, held, read
from integration.inbox import NO_SUCH_PATH
from integration.sheets import write_table
from integration.translate.flow import refuse
from integration.translate.price_file import COLUMNS, PriceRow
from integration.translate.tabular import read_rows
from integration.verbs.outcome import complain, day_of, say, say_done, say_json

NOTHING_SELECTED: Final = Code(
    "RUN-141",
    "Aucun contrat n'est sélectionné.",
    "Donnez un critère, par exemple « --activity », ou « --all ».",
)
_CRITERIA: Final = ("contract", "module", "activity", "not_billed_since")


def export(arguments: argparse.Namespace) -> int:
    """Write the rules asked for with their increases; nothing is selected by default."""
    asked = [name for name in _CRITERIA if getattr(arguments, name)]
    if not asked and not arguments.all:
        raise AnomaliesFound(Anomaly(NOTHING_SELECTED))
    with open_app(home_of(arguments.home)) as app:
        since = arguments.not_billed_since
        choice = prices.Choice(
            arguments.contract or "",
            arguments.module or "",
            arguments.activity or "",
            day_of(since, app.today()) if since else None,
        )
        with snapshot(app.engine) as connection:
            found = prices.selected(connection, app.organisation_id, choice)
            rows = [prices.cells(prices.told(one, app.today())) for one in found]
    write_table(Path(arguments.file), tuple(COLUMNS.values()), rows)
    told = {"file": arguments.file, "rules": len(rows)}
    french = f"{counted(len(rows), 'règle(s)')} dans {arguments.file}."
    return say_done(arguments, "prices-export", told, french)


def import_prices(arguments: argparse.Namespace) -> int:
    """Show what a file of increases changes; with --apply do it, and write the file that undoes."""
    path = Path(arguments.file)
    records = read_rows(_bytes(path), path.name, PriceRow)
    with open_app(home_of(arguments.home)) as app, app.engine.begin() as connection:
        hold(connection, (record.value.rule_id for record in records))
        found = read_changes(connection, app.organisation_id, records, app.today())
        refuse(found.anomalies)
        undo = ""
        if arguments.apply and found.changes:
            write(connection, found.changes, _author(arguments), app.clock())
            undo = _write_undo(connection, app, found)
    _tell(arguments, found.changes, found.notices, undo)
    return DONE


def _write_undo(connection: Connection, app: App, found: Read) -> str:
    """The same rows with R to Z as they were; keys as they are now (A-ACT-07)."""
    before = {one.rule_id: one for one in found.before}
    typed = {change.rule_id: {one.label for one in change.shown} for change in found.changes}
    rows, today = [], app.today()
    for one in prices.priced(connection, app.organisation_id, before):
        values = {**prices.told(one, today), **prices.undo_values(before[one.rule_id], today)}
        values |= prices.old_prices(before[one.rule_id], typed[one.rule_id])
        rows.append(prices.cells(values))
    folder = app.settings.folders.exports
    folder.mkdir(mode=0o750, exist_ok=True)
    path = folder / f"augmentations-annulation-{app.clock():%Y%m%dT%H%M%S%f}.csv"
    write_table(path, tuple(COLUMNS.values()), rows)
    return str(path)


def export_rules(arguments: argparse.Namespace) -> int:
    """Write the fields that `rules import` reads, rule by rule."""
    with open_app(home_of(arguments.home)) as app, snapshot(app.engine) as connection:
        rows = list(held(connection, app.organisation_id, arguments.contract))
    write_table(Path(arguments.file), HEADER, rows)
    told = {"file": arguments.file, "rules": len(rows)}
    french = f"{counted(len(rows), 'règle(s)')} dans {arguments.file}."
    return say_done(arguments, "rules-export", told, french)


def import_rules(arguments: argparse.Namespace) -> int:
    """Show what a file changes in rules; with --apply do it."""
    path = Path(arguments.file)
    records = read(_bytes(path), path.name)
    with open_app(home_of(arguments.home)) as app, app.engine.begin() as connection:
        changes = changes_of(connection, app.organisation_id, records)
        if arguments.apply and changes:
            write(connection, changes, _author(arguments), app.clock())
    _tell(arguments, changes, ())
    return DONE


def history(arguments: argparse.Namespace) -> int:
    """List the increases of a contract with the invoice that applied each."""
    with open_app(home_of(arguments.home)) as app, snapshot(app.engine) as connection:
        rows = list(prices.history(connection, app.organisation_id, arguments.contract))
    if arguments.json:
        say_json("price_history", {"rows": [row._asdict() for row in rows]})
        return DONE
    for row in rows:
        say(
            f"{row.since} {row.rule} {row.article} {row.kind} {row.price} :"
            f" {row.before} → {row.after} ({row.invoice or 'sans facture'})"
        )
    say(counted(len(rows), "prix modifié(s).") if rows else "Aucune augmentation.")
    return DONE


def _tell(
    arguments: argparse.Namespace,
    changes: Sequence[RuleChange],
    notices: Sequence[Anomaly],
    undo: str = "",
) -> None:
    """The differences, then a recap."""
    for notice in notices:
        complain(str(notice))
    if arguments.json:
        say_json("rule_changes", _document(arguments, changes, undo))
        return
    for change in changes:
        say(change.name)
        for one in change.shown:
            say(f"  {one.label} : {one.before or '—'} → {one.after or '—'}")
    if not changes:
        say("Rien à modifier.")
    elif arguments.apply:
        say(counted(len(changes), "règle(s) modifiée(s)."))
    else:
        some = counted(len(changes), "règle(s)")
        say(f"{some} à modifier ; rien n'est enregistré sans --apply.")
    if undo:
        say(f"Pour revenir en arrière : echeance prices import {undo} --apply")


def _document(
    arguments: argparse.Namespace, changes: Sequence[RuleChange], undo: str
) -> dict[str, Any]:
    rules = [
        {"rule": change.name, "changes": [one._asdict() for one in change.shown]}
        for change in changes
    ]
    applied = bool(arguments.apply and changes)
    return {"applied": applied, "rules": rules, "undo": undo}


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise AnomaliesFound(Anomaly(NO_SUCH_PATH, values={"name": path.name}))
    return path.read_bytes()


def _author(arguments: argparse.Namespace) -> str:
    """Who asks: --author, else the user of the machine."""
    return str(arguments.author or getpass.getuser())

"""Verbs about decision tables: what they say, and what is doubtful in them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from config import settings as configuration
from config.decisions import case_of, doubts
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.french import counted
from integration.app import home_of
from integration.cli import BAD_CONFIG, DONE, PARTIAL
from integration.translate.decision_tables import LAYOUTS, read_table
from integration.verbs.outcome import complain, say, say_json

NO_TABLE: Final = Code(
    "CFG-025",
    "Il n'y a pas de table « {name} » dans le dossier « tables » ; tables connues : {known}.",
    "Corrigez le nom, ou déposez la table.",
)


def check(arguments: argparse.Namespace) -> int:
    """Say all that is wrong or doubtful in one table, or in all."""
    wrong: list[Anomaly] = []
    found: list[Anomaly] = []
    for path in _files(arguments):
        try:
            table = read_table(path.read_bytes(), path.name)
        except AnomaliesFound as anomalies:
            wrong += anomalies.anomalies
        else:
            found += doubts(table)
            if not arguments.json:
                rows = counted(len(table.rows), "ligne(s)")
                say(f"{table.name} : {rows}, {LAYOUTS[table.name].french}.")
    if arguments.json:
        told = {"anomalies": [str(one) for one in wrong], "doubts": [str(one) for one in found]}
        say_json("tables", told)
    for anomaly in (*wrong, *found):
        complain(str(anomaly))
    if not (wrong or found) and not arguments.json:
        say(f"Rien à redire. Tables connues : {', '.join(LAYOUTS)}.")
    return BAD_CONFIG if wrong else PARTIAL if found else DONE


def show(arguments: argparse.Namespace) -> int:
    """Print the rows of a table, in the order they are tried."""
    (path,) = _files(arguments)
    table = read_table(path.read_bytes(), path.name)
    told = LAYOUTS[table.name].told
    rows = [
        (row, case_of(table.conditions, row.conditions), told(row.outcome)) for row in table.rows
    ]
    if arguments.json:
        plain = [{"line": row.line, "case": case, "decides": then} for row, case, then in rows]
        say_json("table", {"name": table.name, "rows": plain})
        return DONE
    say(f"{table.name} : {LAYOUTS[table.name].french} ; la première ligne qui convient décide.")
    for row, case, then in rows:
        say(f"  ligne {row.line} : {case} → {then}{row.comment and f'  # {row.comment}'}")
    return DONE


def _files(arguments: argparse.Namespace) -> list[Path]:
    """The table asked for, or all. Raises AnomaliesFound (CFG-025) when it isn't there."""
    home = home_of(arguments.home)
    folder = configuration.load(home / configuration.FILE_NAME).folders.tables
    name = arguments.name
    files = sorted(folder.glob(f"{name}.*" if name else "[!.]*.*"))
    if name and not files:
        raise AnomaliesFound(Anomaly(NO_TABLE, values={"name": name, "known": ", ".join(LAYOUTS)}))
    return files

"""Verbs that play nights."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Connection, select

from formats.common.french import plural
from integration.app import App, home_of, open_app
from integration.cli import DONE, PARTIAL
from integration.database import tables
from integration.database.engine import snapshot
from integration.flows.night import Night
from integration.flows.night_report import Account, kept
from integration.nights import play_night
from integration.reporting import words
from integration.reporting.publish import write
from integration.reporting.text import text
from integration.verbs.outcome import complain, day_of, euros, say, say_json
from integration.verbs.progress import Progress

_STEPS: Final = {
    "import": "Fichiers reçus",
    "contracts": "Contrats facturés",
    "care": "Soins facturés",
    "teletransmit": "Télétransmission",
    "returns": "Retours et règlements",
    "watch": "Analyseurs",
    "send": "Envois",
    "report": "Compte rendu",
    "send-report": "Compte rendu envoyé",
    "night": "Nuit",
    "night-without-contracts": "Nuit sans contrats",
    "simulate": "Simulation",
    "request": "Relevés demandés",
    "bill-on-readings": "Facturés sur relevés",
    "bill": "Contrats facturés",
}
_FRENCH: Final = {
    "mails": "courriels relevés",
    "mails_refused": "courriels refusés",
    "files": "fichiers",
    "duplicates": "en double",
    "refused": "refusés",
    "invoices": "factures",
    "blocked": "contrats bloqués",
    "deferred": "contrats sous le seuil",
    "gross_cents": "total TTC",
    "part_amo_cents": "AMO",
    "part_amc_cents": "AMC",
    "part_patient_cents": "patients",
    "letters": "demandes de relevés",
    "requested": "biens demandés",
    "unrequested": "biens non demandés",
    "warned": "clients prévenus d'un analyseur muet",
    **{kind: plural(sent, 2) for kind, sent in words.SENT.items()},
    "steps": "étapes",
    "simulation": "simulation n°",
    "file": "tableau dans exports",
}


def run(arguments: argparse.Namespace) -> int:
    """Play the night of a day; a second time it says that it is done."""
    with open_app(home_of(arguments.home)) as app, closing(Progress()) as progress:
        night = play_night(app, day_of(arguments.date, app.today()), progress)
    if arguments.json:
        say_json("night", {"day": night.day, "already": night.already, "steps": night.reports})
    else:
        _tell(night)
    refused = any(report.get("attention") for report in night.reports.values())
    return PARTIAL if refused else DONE


def _tell(night: Night) -> None:
    if night.already:
        say(f"Nuit du {night.day:%d/%m/%Y} : déjà fait.")
        return
    say(f"Nuit du {night.day:%d/%m/%Y}")
    tell_steps(night.reports)


def tell_steps(reports: Mapping[str, Mapping[str, Any]]) -> None:
    """A line a step with its figures, then what waits for a person."""
    for step, report in reports.items():
        told = (words.title(cast(Account, report)),) if step == "report" else _figures(report)
        say(f"  {_STEPS[step]:24} {', '.join(told) or 'rien'}")
    for report in reports.values():
        for one in report.get("attention", ()):
            complain(f"  à voir : {one['text']}")


def _figures(report: Mapping[str, Any]) -> Iterator[str]:
    """The figures of a step that say something, in French and in euros."""
    for name, value in report.items():
        if not value or name == "attention":
            continue
        if isinstance(value, Mapping):
            yield from (f"{noun} : {count}" for noun, count in value.items() if count)
        elif isinstance(value, list):
            yield f"{_FRENCH.get(name, name)} : {len(value)}"
        elif name.endswith("_cents"):
            yield f"{_FRENCH.get(name, name)} : {euros(value)}"
        else:
            yield f"{_FRENCH.get(name, name)} : {value}"


def report(arguments: argparse.Namespace) -> int:
    """The account of a night played, on the terminal or in a file."""
    with open_app(home_of(arguments.home), "serial") as app, snapshot(app.engine) as connection:
        found = kept(connection, app.organisation_id, _night_of(app, connection, arguments.date))
    if arguments.output:
        write(Path(arguments.output), found)
        say(f"Compte rendu écrit : {arguments.output}")
    elif arguments.json:
        say_json("night-report", found)
    else:
        say(text(found).rstrip("\n"))
    return DONE


def _night_of(app: App, connection: Connection, day: str | None) -> date:
    """The day asked for, or the last one closed."""
    own = tables.organisation.c.id == app.organisation_id
    closed = connection.scalar(select(tables.organisation.c.closed_until).where(own))
    return day_of(day, closed or app.today())


def demo(arguments: argparse.Namespace) -> int:
    """Play the main job on invented data, in a sandbox of its own."""
    from integration.demo import play

    return play(Path(arguments.folder), fresh=arguments.fresh)

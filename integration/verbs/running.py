"""Verbs that play nights."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from integration.app import home_of, open_app
from integration.cli import DONE, PARTIAL
from integration.flows.night import Night
from integration.nights import play_night
from integration.verbs.outcome import complain, day_of, euros, say, say_json

_STEPS: Final = {
    "import": "Fichiers reçus",
    "contracts": "Contrats facturés",
    "care": "Soins facturés",
    "teletransmit": "Télétransmission",
    "returns": "Retours et règlements",
    "send": "Envois",
    "report": "Compte rendu",
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
    "due_cents": "reste dû",
    "invoice_pdf": "factures en PDF",
    "b2": "fichiers B2",
}


def run(arguments: argparse.Namespace) -> int:
    """Play the night of a day; a second time it says that it is done."""
    with open_app(home_of(arguments.home)) as app:
        night = play_night(app, day_of(arguments.date, app.today()))
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
    for step, report in night.reports.items():
        say(f"  {_STEPS[step]:24} {', '.join(_figures(report)) or 'rien'}")
    for report in night.reports.values():
        for sentence in report.get("attention", ()):
            complain(f"  à voir : {sentence}")


def _figures(report: Mapping[str, Any]) -> Iterator[str]:
    """The figures of a step that say something, in French and in euros."""
    for name, value in report.items():
        if not value or name == "attention":
            continue
        if isinstance(value, Mapping):
            yield from (f"{count} {noun}" for noun, count in value.items() if count)
        elif name.endswith("_cents"):
            yield f"{_FRENCH.get(name, name)} {euros(value)}"
        else:
            yield f"{value} {_FRENCH.get(name, name)}"


def demo(arguments: argparse.Namespace) -> int:
    """Play the main job on invented data, in a sandbox of its own."""
    from integration.demo import play

    return play(Path(arguments.folder), fresh=arguments.fresh)

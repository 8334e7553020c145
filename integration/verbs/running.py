"""Verbs that play nights."""

from __future__ import annotations

import argparse
from pathlib import Path

from integration.app import home_of, open_app
from integration.cli import DONE, PARTIAL
from integration.flows.night import Night
from integration.nights import play_night
from integration.verbs.outcome import day_of, say, say_json


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
        figures = ", ".join(f"{name} {value}" for name, value in report.items() if value)
        say(f"  {step:14} {figures or 'rien à faire'}")


def demo(arguments: argparse.Namespace) -> int:
    """Play the main job on invented data, in a sandbox of its own."""
    from integration.demo import play

    return play(Path(arguments.folder), fresh=arguments.fresh)

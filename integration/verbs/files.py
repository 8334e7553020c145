"""Verbs about files: import them, describe them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from config import settings as configuration
from integration.app import home_of, open_app
from integration.cli import BAD_INPUT, DONE
from integration.inbox import Imported, Outcome, import_paths
from integration.translate.flow import FLOWS, load
from integration.verbs.outcome import complain, complain_all, say, say_json

_FRENCH = {
    Outcome.IMPORTED: "importé",
    Outcome.DUPLICATE: "déjà importé, laissé de côté",
    Outcome.REFUSED: "refusé, rien n'en a été importé",
}


def import_files(arguments: argparse.Namespace) -> int:
    """Import files named by hand; their originals stay where they are."""
    with open_app(home_of(arguments.home)) as app:
        flow = arguments.flow or ""
        if arguments.mapping:
            flow = f"{flow or 'readings'}@{arguments.mapping}"
        done = [
            replace(one, kept=one.kept and app.named(one.kept))
            for one in import_paths(app.office(), map(Path, arguments.paths), flow)
        ]
    if arguments.json:
        say_json("import", {"files": [_plain(one) for one in done]})
    else:
        for one in done:
            _tell(one)
    return BAD_INPUT if any(one.outcome is Outcome.REFUSED for one in done) else DONE


def _tell(one: Imported) -> None:
    say(f"{one.name} ({one.flow}) : {_FRENCH[one.outcome]}{one.figures}")
    for notice in one.notices:
        say(f"  à noter : {notice}")
    complain_all(one.anomalies, "  ")
    if one.outcome is Outcome.REFUSED and one.kept:
        complain(f"  Copie et explications : {one.kept.parent}")


def _plain(one: Imported) -> dict[str, object]:
    return {
        "name": one.name,
        "flow": one.flow,
        "outcome": one.outcome.value,
        "counts": dict(one.counts),
        "notices": [str(notice) for notice in one.notices],
        "anomalies": [str(anomaly) for anomaly in one.anomalies],
    }


def schema(arguments: argparse.Namespace) -> int:
    """Print the layout of a flow, or the list of flows."""
    file = home_of(arguments.home) / configuration.FILE_NAME
    settings = configuration.load(file) if file.is_file() else None
    if arguments.flow:
        say(load(arguments.flow, settings).schema().rstrip("\n"))
        return DONE
    for name in FLOWS:
        say(f"{name:15} {load(name).french}")
    return DONE

"""The verb that tells how a posted line came to be."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from integration.app import home_of, open_app
from integration.cli import DONE, INTEGRITY
from integration.verbs.outcome import complain, say, say_json


def explain(arguments: argparse.Namespace) -> int:
    """Tell the lines of a document and reckon them again, from what was posted."""
    from integration.flows.explain import explain as told

    with open_app(home_of(arguments.home)) as app, app.engine.connect() as connection:
        lines = told(connection, app.organisation_id, arguments.invoice, arguments.line)
    wrong = [line.anomaly for line in lines if line.anomaly]
    if arguments.json:
        say_json(
            "explanation",
            {
                "lines": [
                    asdict(line) | {"anomaly": line.anomaly and str(line.anomaly)} for line in lines
                ]
            },
        )
    else:
        for line in lines:
            say(f"{line.number}, ligne {line.position} : {line.label}")
            for sentence in line.sentences:
                say(f"  {sentence}")
        for anomaly in wrong:
            complain(str(anomaly))
    return INTEGRITY if wrong else DONE

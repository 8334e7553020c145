"""Verbs about reading requests: who is to be asked, ask them, what was asked."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from billing.contracts.requests import Line
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.french import counted
from integration.app import App, home_of, open_app
from integration.cli import DONE, PARTIAL
from integration.flows.requests import Requests, Ticks, ask, asking_of, lines_of, trace
from integration.outbox.retry import State
from integration.sheets import write_table
from integration.translate.request_content import told_of
from integration.translate.ticked import COLUMNS, cells, level_told, ticks_of
from integration.verbs.outcome import complain, day_of, say, say_json
from integration.verbs.sending import STATES

NOTHING_CHOSEN: Final = Code(
    "RUN-152",
    "Rien n'est coché : une demande ne part que pour une ligne choisie.",
    "Donnez --from avec le tableau coché, --only avec des biens, ou --all.",
)


def propose(arguments: argparse.Namespace) -> int:
    """List the machines to ask about and the reasons not to; nothing is sent."""
    with open_app(home_of(arguments.home)) as app:
        requests, requested_on = _requests(app, arguments)
        lines = lines_of(requests, requested_on)
    if arguments.output:
        write_table(Path(arguments.output), COLUMNS, cells(lines))
    if arguments.json:
        say_json("requests", {"proposed": _plain(lines)})
        return DONE
    for line in lines:
        say(f"{told_of(line)}{f' — {line.why}' if line.why else ''}")
    ready = sum(not line.why for line in lines)
    say(f"Relevés à demander : {counted(len(lines), 'bien(s)')}, dont {ready} à envoyer.")
    return DONE


def send(arguments: argparse.Namespace) -> int:
    """Prepare the letters chosen and hand them over; a line that can't leave is told."""
    with open_app(home_of(arguments.home)) as app:
        ticks = _ticks(arguments)
        requests, requested_on = _requests(app, arguments)
        asked = ask(requests, requested_on, ticks)
        refused: list[Anomaly] = []
        sent = app.outbox().send(refused=refused).get("reading_request", 0)
    wrong = [*asked.anomalies, *refused]
    if arguments.json:
        told = {"letters": asked.letters, "sent": sent, "anomalies": [str(one) for one in wrong]}
        lines = {"requested": _plain(asked.sent), "unrequested": _plain(asked.unsent)}
        say_json("requests-sent", {**told, **lines})
    else:
        _tell(asked.sent, asked.unsent)
        say(f"Courriels et fax préparés : {asked.letters}, remis : {sent}.")
        for one in wrong:
            complain(str(one))
    return PARTIAL if wrong else DONE


def _tell(sent: Iterable[Line], unsent: Iterable[Line]) -> None:
    for line in sent:
        say(f"demandé      {told_of(line)}")
    for line in unsent:
        say(f"non demandé  {told_of(line)} — {line.why}")


def list_sent(arguments: argparse.Namespace) -> int:
    """Print what was asked, of whom, and when it left."""
    with open_app(home_of(arguments.home)) as app, app.engine.connect() as connection:
        found = trace(connection, app.organisation_id, day_of(arguments.since, date.min))
    if arguments.json:
        say_json("requests-trace", {"requests": [one._asdict() for one in found]})
        return DONE
    for one in found:
        state = f"parti {one.sent_at}" if one.sent_at else STATES[State(one.state)]
        say(
            f"{one.requested_on:%d/%m/%Y}  {one.asset:16} {one.channel:6} {one.address}"
            f" ({level_told(one.level)})  {state}"
        )
    say(f"Demandes : {len(found)}.")
    return DONE


def _requests(app: App, arguments: argparse.Namespace) -> tuple[Requests, date]:
    """Whom to ask, and the date to print."""
    on = day_of(arguments.date, app.today())
    since = arguments.no_reading_since
    asking = asking_of(app.settings, on, day_of(since, on) if since else None)
    return app.requests(asking), day_of(arguments.request_date, on)


def _ticks(arguments: argparse.Namespace) -> Ticks | None:
    """What was chosen; None for everything. Raises AnomaliesFound (RUN-152), OSError."""
    if arguments.ticked:
        path = Path(arguments.ticked)
        return ticks_of(path.read_bytes(), path.name)
    if arguments.only:
        return dict.fromkeys(code.strip() for code in arguments.only.split(",") if code.strip())
    if not arguments.all:
        raise AnomaliesFound(Anomaly(NOTHING_CHOSEN))
    return None


def _plain(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "asset": line.machine.code,
            "customer": line.machine.customer,
            "mode": line.machine.mode,
            "level": line.found.level,
            "address": line.found.address,
            "why": line.why.value,
            "meters": [
                {
                    "meter": one.meter.code,
                    "contract": one.contract,
                    "rule": one.rule,
                    "last_on": one.last and one.last.read_on,
                    "days": one.days,
                }
                for one in line.meters
            ],
        }
        for line in lines
    ]

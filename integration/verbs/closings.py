"""Verbs that close periods."""

from __future__ import annotations

import argparse
from datetime import date, timedelta

from billing.closing import Kind, Period, period_of
from formats.common.french import counted
from integration.app import home_of, open_app
from integration.cli import DONE
from integration.verbs.outcome import day_of, euros, say, say_json


def close(arguments: argparse.Namespace) -> int:
    """Close a period that is over; without a date, the last one that is."""
    with open_app(home_of(arguments.home)) as app:
        today = app.today()
        made = app.closer().close(_period(Kind(arguments.kind), arguments.date, today), today)
    if arguments.json:
        say_json("closing", made._asdict())
        return DONE
    say(
        f"Clôture n° {made.sequence} du {made.period} : {counted(made.documents, 'document(s)')}, "
        f"{counted(made.entries, 'écriture(s)')}, {euros(made.debit_cents)}."
    )
    say(f"Ancre : {made.anchor}")
    return DONE


def _period(kind: Kind, day: str | None, today: date) -> Period:
    if day or kind is Kind.DAY:
        return period_of(kind, day_of(day, today))
    return period_of(kind, period_of(kind, today).since - timedelta(1))

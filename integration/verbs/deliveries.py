"""Verbs that list deliveries, and what is left of them at devices."""

from __future__ import annotations

import argparse

from formats.common.french import counted
from integration.app import home_of, open_app
from integration.cli import DONE
from integration.database.engine import snapshot
from integration.flows.analysers import consumable_levels
from integration.flows.deliveries import Listed, listed
from integration.verbs.outcome import day_of, say, say_json


def deliveries(arguments: argparse.Namespace) -> int:
    """List delivery lines: billed, to bill, billable by none."""
    with open_app(home_of(arguments.home)) as app, snapshot(app.engine) as connection:
        on = day_of(arguments.date, app.today())
        found = listed(connection, app.organisation_id, on)
    if arguments.contract:
        found = [one for one in found if one.contract in (arguments.contract, "")]
    if arguments.json:
        say_json("deliveries", {"deliveries": [one._asdict() for one in found]})
        return DONE
    for one in found:
        say(_told(one))
    say(f"{counted(len(found), 'ligne(s) de livraison')} au {on:%d/%m/%Y}")
    return DONE


def levels(arguments: argparse.Namespace) -> int:
    """List the consumables left at the devices that say what they use."""
    with open_app(home_of(arguments.home)) as app, snapshot(app.engine) as connection:
        on = day_of(arguments.date, app.today())
        found = consumable_levels(connection, app.organisation_id, on)
    if arguments.json:
        say_json("levels", {"levels": found})
        return DONE
    for asset, articles in found.items():
        for article, left in articles.items():
            say(f"{asset} : {left} × {article}")
    say(f"{counted(len(found), 'appareil(s)')} au {on:%d/%m/%Y}")
    return DONE


def _told(one: Listed) -> str:
    where = f", contrat {one.contract}, règle {one.rule}" if one.contract else ""
    return (
        f"{one.number}/{one.line} du {one.delivered_on:%d/%m/%Y} : {one.quantity} × {one.article}"
        f" ({one.article_class}), bien {one.asset or 'non précisé'} : {one.state}"
        f"{f' {one.invoice}' if one.invoice else ''}{where}"
    )

"""Verbs about parameters: what they are worth, who said so, what they do."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from typing import Any

from config.partners import SmtpPartner, load_partners
from config.provenance import Origin, origin_of, origins
from config.settings import FILE_NAME, Settings
from integration.app import home_of
from integration.cli import DONE
from integration.database.engine import limits
from integration.verbs.outcome import say, say_json


def show(arguments: argparse.Namespace) -> int:
    """Print every parameter with its origin, how mail leaves and how long the database may keep
    us waiting; or all about one."""
    file = home_of(arguments.home) / FILE_NAME
    settings, found = origins(file, arguments.organisation or "")
    wanted = [origin_of(arguments.explain, found)] if arguments.explain else found
    servers = mail_servers(settings)
    waits = limits(settings.database_url)
    if arguments.json:
        code = settings.organisation.code
        told = {"organisation": code, "parameters": [_plain(one) for one in wanted]}
        say_json("config", told | {"mail_servers": servers, "database_limits": waits})
    elif arguments.explain:
        say(explained(wanted[0]))
    else:
        for one in wanted:
            say(f"{one.known.name} = {printed(one.value)}  # {one.french}")
        for name, server in servers.items():
            for key, value in server.items():
                say(f"partners.{name}.{key} = {printed(value)}  # partners/{name}.toml")
        for name, value in waits.items():
            say(f"database.{name} = {printed(value)}  # limite d'attente")
    return DONE


def mail_servers(settings: Settings) -> dict[str, dict[str, Any]]:
    """Where mail leaves from, by partner: never how we log in. Raises AnomaliesFound."""
    return {
        name: {
            "host": one.host,
            "port": one.port,
            "sender": one.sender,
            "to": ", ".join(one.to),
        }
        for name, one in load_partners(settings.folders.partners).items()
        if isinstance(one, SmtpPartner)
    }


def explained(one: Origin) -> str:
    """A parameter in French: value, origin, default, effect, source."""
    option = one.known.option and f"\n  pour un seul passage : {one.known.option}"
    return (
        f"{one.known.name} = {printed(one.value)}\n"
        f"  vient de : {one.french}\n"
        f"  par défaut : {printed(one.known.default)}\n"
        f"  effet : {one.known.description}{option}\n"
        f"  source : {one.known.source}"
    )


def printed(value: object) -> str:
    """A value as it is written in the settings file."""
    if isinstance(value, bool | int | Decimal):
        return str(value).lower()
    return json.dumps(str(value), ensure_ascii=False)


def _plain(one: Origin) -> dict[str, Any]:
    known = one.known
    return {
        "name": known.name,
        "value": one.value,
        "from": one.french,
        "default": known.default,
        "effect": known.description,
        "option": known.option,
        "source": known.source,
    }

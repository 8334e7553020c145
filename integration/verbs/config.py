"""Verbs about parameters: what they are worth, who said so, what they do."""

from __future__ import annotations

import argparse
import json
from decimal import Decimal
from typing import Any

from config.provenance import Origin, origin_of, origins
from config.settings import FILE_NAME
from integration.app import home_of
from integration.cli import DONE
from integration.verbs.outcome import say, say_json


def show(arguments: argparse.Namespace) -> int:
    """Print every parameter with its origin, or all about one."""
    file = home_of(arguments.home) / FILE_NAME
    settings, found = origins(file, arguments.organisation or "")
    wanted = [origin_of(arguments.explain, found)] if arguments.explain else found
    if arguments.json:
        code = settings.organisation.code
        say_json("config", {"organisation": code, "parameters": [_plain(one) for one in wanted]})
    elif arguments.explain:
        say(explained(wanted[0]))
    else:
        for one in wanted:
            say(f"{one.known.name} = {printed(one.value)}  # {one.french}")
    return DONE


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

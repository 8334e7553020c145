"""The command line: one verb a use case, one exit code an outcome, French for who reads it.

What a verb does is imported when it is called, so that `echeance --help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from integration.cli.codes import (
    BAD_CONFIG,
    BAD_INPUT,
    CODES,
    DONE,
    INTEGRITY,
    INTERRUPTED,
    IO_ERROR,
    PARTIAL,
    REFUSED,
    TRY_LATER,
    UNEXPECTED,
    UNREACHABLE,
    USAGE,
)
from integration.cli.tree import GROUPS, REHEARSED, VERBS, Argument, Verb

__all__ = [
    "BAD_CONFIG",
    "BAD_INPUT",
    "CODES",
    "DONE",
    "GROUPS",
    "INTEGRITY",
    "INTERRUPTED",
    "IO_ERROR",
    "PARTIAL",
    "REFUSED",
    "REHEARSED",
    "TRY_LATER",
    "UNEXPECTED",
    "UNREACHABLE",
    "USAGE",
    "VERBS",
    "Argument",
    "Verb",
    "main",
    "parser",
]

_FRENCH: Final = {
    "usage: ": "Utilisation : ",
    "options": "Options ",  # a heading: argparse adds the colon
    "positional arguments": "Arguments ",
    "show this help message and exit": "afficher cette aide",
    "%(prog)s: error: %(message)s\n": "%(prog)s : erreur : %(message)s\n",
    "the following arguments are required: %s": "il manque : %s",
    "unrecognized arguments: %s": "arguments inconnus : %s",
    "argument %(argument_name)s: %(message)s": "argument %(argument_name)s : %(message)s",
    "invalid choice: %(value)r (choose from %(choices)s)": (
        "« %(value)s » n'est pas un choix possible (%(choices)s)"
    ),
    "expected one argument": "une valeur est attendue",
    "expected at least one argument": "au moins une valeur est attendue",
    "invalid %(type)s value: %(value)r": "valeur refusée : %(value)r",
}


def _translate(message: str) -> str:
    return _FRENCH.get(message, message)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog} : erreur : {message}\n")


def _room_for_verbs(tree: argparse.ArgumentParser) -> argparse._SubParsersAction[_Parser]:
    tree.set_defaults(does="", tree=tree)
    return tree.add_subparsers(metavar="VERBE", title="Verbes ", parser_class=_Parser)


def _add(
    place: argparse._SubParsersAction[_Parser], name: str, says: str, does: str = ""
) -> _Parser:
    description = f"{says[0].upper()}{says[1:]}."
    sub = place.add_parser(name, help=says, description=description, allow_abbrev=False)
    sub.set_defaults(does=does, tree=sub)
    return sub


def parser() -> argparse.ArgumentParser:
    """The tree of verbs; man page and completion are made from it."""
    argparse._ = _translate  # type: ignore[attr-defined]
    root = _Parser(
        prog="echeance",
        description="Facturation de contrats et de soins, télétransmission, impayés.",
        allow_abbrev=False,
    )
    root.add_argument("--home", metavar="DOSSIER", help="dossier de travail (ECHEANCE_HOME)")
    root.add_argument("--version", action="store_true", help="afficher la version")
    places = {"": _room_for_verbs(root)}
    for verb in VERBS:
        group, _, name = verb.name.rpartition(" ")
        if group not in places:
            places[group] = _room_for_verbs(_add(places[""], group, GROUPS[group]))
        sub = _add(places[group], name, verb.help, verb.does)
        sub.set_defaults(verb=verb)
        for argument in verb.arguments:
            sub.add_argument(*argument.names, **argument.options)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code of ecosystem.md §C."""
    from integration.verbs.streams import show_anything

    show_anything()
    arguments = parser().parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        sys.stdout.write(f"echeance {version('echeance')}\n")
        return DONE
    if not arguments.does:
        arguments.tree.print_help()
        return USAGE
    module, function = arguments.does.split(":")
    run = getattr(importlib.import_module(f"integration.verbs.{module}"), function)
    from integration.verbs.outcome import guarded

    return guarded(run, arguments)

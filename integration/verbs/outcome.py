"""How a verb ends: French on standard error, an exit code, never a traceback with values in it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

from formats.common.alike import identical
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.privacy import without_nir
from integration.cli import (
    BAD_CONFIG,
    BAD_INPUT,
    DONE,
    INTERRUPTED,
    IO_ERROR,
    REFUSED,
    REHEARSED,
    TRY_LATER,
    UNEXPECTED,
    USAGE,
)
from integration.durable import FULL, TOO_MUCH
from integration.rehearsal import asked, rehearsal
from integration.verbs.streams import hang_up, is_unicode, put, stand_in

SCHEMA_VERSION = 1
_ROOM = "Libérez de la place (« echeance doctor » dit combien), puis relancez la même commande."
TRACEBACK = "ECHEANCE_TRACEBACK"
_REFUSED = ("RUN-521", "RUN-531")  # rights, erasure before its term
NOT_A_DATE = Code("RUN-101", "« {value} » n'est pas une date.", "Écrivez AAAA-MM-JJ.")
DECIDED = Code(
    "RUN-113",
    "La simulation a déjà fixé ses options : {options} ne se change pas ici.",
    "Facturez sans cette option, ou refaites une simulation.",
)
BAD_CRITERION = Code(
    "RUN-112",
    "Critère refusé : {cause}. Colonnes de tri : {columns}.",
    "Triez sur une de ces colonnes ; les pages commencent à 1.",
)
NOT_AN_AMOUNT = Code("RUN-102", "« {value} » n'est pas un montant.", "Écrivez par exemple 12,50.")


NOTHING_LASTS: Final = "Essai (--dry-run) : rien n'a été écrit ni envoyé."
_LATER: Final = ("RUN-160",)  # another server is there


def guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a verb its caller has the right to; every failure becomes a sentence and a documented
    exit code, both ends a row of the audit trail."""
    from integration.guard import watched

    os.umask(0o077)  # what we write holds customers and patients
    stand_in()

    def whole(arguments: argparse.Namespace) -> int:
        if not _confirmed(arguments):
            return USAGE
        with watched(arguments) as trail:
            code = _ended(run, arguments)
            if trail:
                trail.note(f"exit {code}")
            return code

    with quiet():
        return _rehearsed(whole, arguments) if _dry(arguments) else _ended(whole, arguments)


def _confirmed(arguments: argparse.Namespace) -> bool:
    """Whether what can't be undone is wanted: --yes, or `oui` on a terminal."""
    destroys = arguments.verb.destroys if "verb" in arguments else ""
    if not destroys or arguments.yes or _dry(arguments):
        return True
    said = f"{destroys.format_map(vars(arguments))} pour toujours."
    if not sys.stdin.isatty():
        complain(f"{said} Ajoutez --yes, ou --dry-run pour essayer.")
        return False
    sys.stderr.write(f"{said} Tapez « oui » pour continuer : ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "oui"


def _dry(arguments: argparse.Namespace) -> bool:
    return getattr(arguments, REHEARSED, False)


def _rehearsed(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """The verb, and what a rehearsal adds to what it says."""
    with rehearsal() as numbers:
        code = _ended(run, arguments)
    if numbers:
        complain(f"Numéros provisoires : {', '.join(numbers)}.")
    complain(NOTHING_LASTS)
    return code


def _ended(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    try:
        code = run(arguments)
        put(sys.stdout, "")
        return code
    except KeyboardInterrupt:
        complain("Interrompu. Relancez la même commande : elle reprendra où elle s'est arrêtée.")
        return INTERRUPTED
    except AnomaliesFound as found:
        complain_all(found.anomalies)
        return _code_of(found.anomalies[0])
    except BrokenPipeError:
        hang_up(sys.stdout)
        return UNEXPECTED
    except OSError as error:
        return _file_trouble(error)
    except Exception as error:  # values may be personal: class and place alone are told
        if os.environ.get(TRACEBACK):
            raise
        return _unexpected(error)


def _file_trouble(error: OSError) -> int:
    """A full disk may have room later; the rest is for a person."""
    if error.errno not in TOO_MUCH:
        at = f" ({without_nir(str(error.filename))})" if error.filename else ""
        complain(f"Erreur de fichier : {error.strerror or type(error).__name__}{at}.")
        return IO_ERROR
    complain(f"{_too_much(error)} {_ROOM}")
    return TRY_LATER if error.errno in FULL else IO_ERROR


def _too_much(error: OSError) -> str:
    """Which file a disk doesn't take, and what is free there."""
    path = Path(str(error.filename or ".")).absolute()
    there = next(folder for folder in (path, *path.parents) if folder.is_dir())
    name = without_nir(str(error.filename)) if error.filename else "un fichier"
    free = f"{shutil.disk_usage(there).free} octets libres"
    what = "Disque plein" if error.errno in FULL else "Fichier trop grand pour ce compte ou disque"
    return f"{what} en écrivant {name} ({free})."


def _unexpected(error: Exception) -> int:
    known = _of_the_database(error)
    if known:
        complain(known[0])
        return known[1]
    complain(
        f"Erreur inattendue ({told(error)}). Relancez avec {TRACEBACK}=1 "
        "sur des données sans patient, et transmettez la trace."
    )
    return UNEXPECTED


def _of_the_database(error: Exception) -> tuple[str, int] | None:
    """What it says when it is full, broken, busy or down: a sentence and an exit code."""
    from sqlalchemy.exc import OperationalError, TimeoutError

    if isinstance(error, TimeoutError):
        said = "Toutes les connexions à la base sont prises. Réessayez plus tard."
    elif not isinstance(error, OperationalError):
        return None
    elif "disk I/O error" in str(error.orig):
        said = "Le disque de la base est en panne : changez-le, puis « echeance restore »."
        return said, IO_ERROR
    elif "full" in str(error.orig):
        said = f"Le disque de la base est plein : rien n'a été écrit à moitié. {_ROOM}"
    else:
        said = "La base ne répond pas ou est occupée. Réessayez ; sinon « echeance doctor »."
    return said, TRY_LATER


def told(error: BaseException) -> str:
    """An error without its values: class, innermost line, and a reference of its whole way."""
    frames = traceback.extract_tb(error.__traceback__)
    way = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    reference = hashlib.sha256(" ".join(way).encode()).hexdigest()[:8]
    return f"{type(error).__name__}, {way[-1] if way else 'sans trace'}, référence {reference}"


@contextmanager
def quiet() -> Iterator[None]:
    """What nobody catches, in threads too, is told like the rest: no message, no source line.

    What ends the process itself stays quiet after the block too.
    """
    before = sys.unraisablehook, threading.excepthook
    if not os.environ.get(TRACEBACK):
        sys.excepthook = lambda kind, error, trace: _uncaught(error)
        sys.unraisablehook = lambda args: _uncaught(args.exc_value)
        threading.excepthook = lambda args: _uncaught(args.exc_value)
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook = before


def _uncaught(error: BaseException | None) -> None:
    if error is not None:
        complain(f"Erreur inattendue ({told(error)}).")


def _code_of(anomaly: Anomaly) -> int:
    if anomaly.code.id in _REFUSED:
        return REFUSED
    if anomaly.code in (NOT_A_DATE, NOT_AN_AMOUNT, BAD_CRITERION, DECIDED):
        return USAGE
    if anomaly.code.id in _LATER:
        return TRY_LATER
    return BAD_CONFIG if anomaly.code.id.startswith("CFG-") else BAD_INPUT


def complain(text: str) -> None:
    """A sentence on standard error, behind what was already said."""
    put(sys.stdout, "")
    put(sys.stderr, f"{text}\n")


def complain_all(anomalies: Iterable[Anomaly], before: str = "") -> None:
    """Anomalies on standard error; those that say the same, once."""
    for group in identical(anomalies):
        complain(f"{before}{group}")


def say(text: str = "") -> None:
    """A line on standard output; a reader that went away (`| head`) doesn't stop the work."""
    put(sys.stdout, f"{text}\n", now=False)


def say_json(kind: str, content: Mapping[str, Any]) -> None:
    """One JSON document on standard output, with its schema version."""
    tried = {"dry_run": True} if asked() else {}
    document = {"schema_version": SCHEMA_VERSION, "kind": kind, **tried, **content}
    say(json.dumps(document, ensure_ascii=not is_unicode(), indent=1, default=str))


def say_done(
    arguments: argparse.Namespace, kind: str, content: Mapping[str, Any], french: str
) -> int:
    """What a short act did: a document or a sentence, as asked; returns DONE."""
    if arguments.json:
        say_json(kind, content)
    else:
        say(french)
    return DONE


def day_of(text: str | None, today: date) -> date:
    """A date argument, ISO or French; today without one. Raises AnomaliesFound (RUN-101)."""
    if not text:
        return today
    parts = text.split("/")
    iso = "-".join(reversed(parts)) if len(parts) == 3 else text
    try:
        return date.fromisoformat(iso)
    except ValueError:
        raise AnomaliesFound(Anomaly(NOT_A_DATE, values={"value": text})) from None


def euros(cents: int) -> str:
    """Cents as France prints them: `1 234,56 €`."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{whole:,}".replace(",", "\u202f") + f",{rest:02d}\u00a0€"

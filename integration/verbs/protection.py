"""Verbs that protect: open a kept file, rotate keys, read the audit trail, erase a patient."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from config import settings as configuration
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.common.french import agreed, counted
from integration import audit
from integration.app import home_of, open_app, opened_house
from integration.cli import DONE, PARTIAL
from integration.database.engine import snapshot
from integration.inbox import NO_SUCH_PATH
from integration.keys import VARIABLE
from integration.verbs.outcome import complain, day_of, say, say_json


def show(arguments: argparse.Namespace) -> int:
    """Write the content of a kept file to standard output; the trail says who looked."""
    from integration.kept import opened

    path = Path(arguments.file)
    if not path.is_file():
        raise AnomaliesFound(Anomaly(NO_SUCH_PATH, values={"name": path.name}))
    with open_app(home_of(arguments.home)) as app:
        for block in opened(app.vault, path):
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
    return DONE


def rotate_keys(arguments: argparse.Namespace) -> int:
    """Seal persons and kept files with a new key, and retire the old one."""
    from integration.flows.rotation import rotate

    settings = configuration.load(home_of(arguments.home) / configuration.FILE_NAME)
    with opened_house(settings) as (copy, engine):
        done = rotate(engine, copy)
    for anomaly in done.anomalies:
        complain(str(anomaly))
    if arguments.json:
        counts = {"persons": done.persons, "files": done.files, "by_hand": done.by_hand}
        say_json("keys", {**counts, "anomalies": [str(one) for one in done.anomalies]})
        return PARTIAL if done.anomalies else DONE
    say(
        f"Rechiffrés : {counted(done.persons, 'identité(s)')}, {counted(done.files, 'fichier(s)')}."
    )
    if done.by_hand:
        say(f"Mettez la nouvelle clé dans {VARIABLE} (ou « persons.key »), retirez la suivante.")
    else:
        name = settings.person_key.name
        say(f"Nouvelle clé en service : {name}. Sauvegardez-la à part de la base.")
        say(f"L'ancienne ({name}.retired-…) n'ouvre plus que les sauvegardes d'avant.")
    return PARTIAL if done.anomalies else DONE


def list_audit(arguments: argparse.Namespace) -> int:
    """Print the audit trail."""
    with open_app(home_of(arguments.home)) as app, snapshot(app.engine) as connection:
        since = day_of(arguments.since, app.today()).isoformat() if arguments.since else ""
        own, subject = app.organisation_id, arguments.subject or ""
        found = list(audit.traces(connection, own, since=since, subject=subject))
    if arguments.json:
        say_json("audit", {"traces": [asdict(one) for one in found]})
        return DONE
    for one in found:
        why = f" — {one.reason}" if one.reason and one.verb != "settings" else ""
        say(f"{one.sequence:>6} {one.at} {one.who} {one.verb} {one.subject} : {one.outcome}{why}")
    say(counted(len(found), "ligne(s)."))
    return DONE


def erase_person(arguments: argparse.Namespace) -> int:
    """Erase a patient after the legal term."""
    from integration.flows.erasure import Eraser, erase

    with open_app(home_of(arguments.home)) as app:
        house = Eraser(
            app.engine, app.organisation_id, app.vault, app.settings.folders, app.today()
        )
        done = erase(house, arguments.patient)
    if arguments.json:
        say_json("erased", {"patient": arguments.patient, **asdict(done)})
    else:
        say(
            agreed(
                "Patient {patient} effacé : {persons} identité(s), {files} fichier(s) réécrit(s), "
                "{invoices} facture(s) imprimée(s) ôtée(s).",
                patient=arguments.patient,
                **asdict(done),
            )
        )
    return DONE

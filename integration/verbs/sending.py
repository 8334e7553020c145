"""Verbs about what leaves: send it, look at it, decide what no machine should, try a partner."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.common.french import counted
from integration.app import App, home_of, open_app
from integration.cli import DONE, PARTIAL, REFUSED, UNREACHABLE
from integration.outbox.by_hand import UNKNOWN_TARGET, Hand
from integration.outbox.retry import State
from integration.reporting.words import SENT
from integration.transport import protocol
from integration.transport.credentials import ABSENT, READABLE
from integration.transport.opened import transport_of
from integration.verbs.outcome import complain, say, say_done, say_json

STATES: Final = {
    State.TODO: "à envoyer",
    State.SENT: "envoyé",
    State.UNCERTAIN: "incertain",
    State.FAILED: "abandonné",
    State.HELD: "retenu",
}
_EVENTS: Final = {
    "begun": "essai commencé",
    "delivered": "remis",
    "refused": "refusé",
    "broken": "interrompu, non remis",
    "lost": "réponse perdue",
    "uncertain": "remise incertaine",
    "unbegun": "rien n'a pu commencer",
    "resent": "renvoi demandé",
    "marked": "dit remis",
    "held": "retenu",
    "resumed": "repris",
}
_DISTRUST: Final = {protocol.BARRED, READABLE, ABSENT}


def send(arguments: argparse.Namespace) -> int:
    """Deliver what waits in the outbox."""
    with open_app(home_of(arguments.home)) as app:
        if arguments.partner:
            _known(app, arguments.partner)
        refused: list[Anomaly] = []
        sent = app.outbox().send(refused=refused, only=arguments.partner)
        if arguments.json:
            say_json("sent", {"sent": sent, "anomalies": [str(anomaly) for anomaly in refused]})
        else:
            told = (counted(count, SENT[kind]) for kind, count in sent.items())
            say(", ".join(told) or ("Rien n'est parti." if refused else "Rien à envoyer."))
            for anomaly in refused:
                complain(str(anomaly))
        return _outcome(refused, nothing_left=not sent)


def _outcome(refused: Sequence[Anomaly], *, nothing_left: bool) -> int:
    codes = {anomaly.code for anomaly in refused}
    if codes & _DISTRUST:
        return REFUSED
    if nothing_left and codes == {protocol.UNREACHABLE}:
        return UNREACHABLE
    return PARTIAL if codes else DONE


def list_rows(arguments: argparse.Namespace) -> int:
    """Print rows: those that haven't left, or those of a state."""
    with _hand(arguments) as (_, hand):
        rows = hand.listed(arguments.state, arguments.partner, arguments.limit)
    if arguments.json:
        say_json("outbox", {"rows": rows})
        return DONE
    for row in rows:
        later = f", pas avant {row['next_try_at']}" if row["next_try_at"] else ""
        say(
            f"{row['id']:>8} {STATES[State(row['state'])]:10} {row['partner']:16} "
            f"{row['file_name']}{later}"
        )
    if not rows:
        say("Aucun envoi.")
    return DONE


def show(arguments: argparse.Namespace) -> int:
    """Print one row and everything that happened to it."""
    with _hand(arguments) as (_, hand):
        row = hand.shown(arguments.row)
    if arguments.json:
        say_json("outbox-row", {"row": row})
        return DONE
    say(f"Envoi {row['id']} : {row['file_name']} pour « {row['partner']} »")
    say(f"  état : {STATES[State(row['state'])]}")
    say(f"  empreinte : {row['sha256'] or 'pas encore faite'}")
    for event in row["events"]:
        detail = f" — {event['detail']}" if event["detail"] else ""
        say(f"  {event['at']}  {_EVENTS[event['event']]:22} {event['who']}{detail}")
    return DONE


def resend(arguments: argparse.Namespace) -> int:
    """Let a row leave again."""
    with _hand(arguments) as (_, hand):
        row = hand.resend(arguments.row, arguments.reason)
    french = f"Envoi {row} remis à envoyer : « echeance send » le fera partir."
    return say_done(arguments, "resend", {"row": row}, french)


def mark_sent(arguments: argparse.Namespace) -> int:
    """Note that a row arrived, on somebody's proof."""
    with _hand(arguments) as (_, hand):
        row = hand.mark_sent(arguments.row, arguments.proof)
    return say_done(arguments, "mark-sent", {"row": row}, f"Envoi {row} noté comme remis.")


def hold(arguments: argparse.Namespace) -> int:
    """Keep something from leaving."""
    with _hand(arguments) as (app, hand):
        count = hand.hold(arguments.target, arguments.reason, app.partners())
    french = f"Retenu : {arguments.target} ({counted(count, 'envoi(s)')} en attente)."
    return say_done(arguments, "hold", {"target": arguments.target, "rows": count}, french)


def resume(arguments: argparse.Namespace) -> int:
    """Let it go."""
    with _hand(arguments) as (app, hand):
        count = hand.resume(arguments.target, app.partners())
    french = f"Repris : {arguments.target} ({counted(count, 'envoi(s)')} à envoyer)."
    return say_done(arguments, "resume", {"target": arguments.target, "rows": count}, french)


def check_partners(arguments: argparse.Namespace) -> int:
    """Log in at each named partner, or at all, without sending anything."""
    with open_app(home_of(arguments.home)) as app:
        for name in arguments.names:
            _known(app, name)
        names = arguments.names or list(app.partners())
        found = {name: _checked(app, name) for name in names}
    wrong = [one for one in found.values() if isinstance(one, Anomaly)]
    if arguments.json:
        say_json("partners", {"partners": {name: str(one) for name, one in found.items()}})
        return _outcome(wrong, nothing_left=True)
    for name, one in found.items():
        if isinstance(one, Anomaly):
            complain(str(one))
        else:
            say(f"{name} : {one}")
    return _outcome(wrong, nothing_left=True)


def _checked(app: App, name: str) -> str | Anomaly:
    transport = transport_of(app.partners()[name], app.settings.folders.home)
    try:
        return transport.check()
    except protocol.TransportError as error:
        return error.anomaly(name, "l'essai de connexion")
    except AnomaliesFound as found:
        return found.anomalies[0]
    finally:
        transport.close()


def _known(app: App, name: str) -> None:
    if name not in app.partners():
        raise AnomaliesFound(Anomaly(UNKNOWN_TARGET, values={"wanted": name}))


@contextmanager
def _hand(arguments: argparse.Namespace) -> Iterator[tuple[App, Hand]]:
    with open_app(home_of(arguments.home)) as app, app.engine.begin() as connection:
        yield app, Hand(connection, app.organisation_id, app.clock())

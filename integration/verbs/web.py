"""The verb that answers over HTTP until it is told to stop."""

from __future__ import annotations

import argparse
import signal
from threading import Event

from integration.app import App, home_of, open_app
from integration.cli import DONE
from integration.doctor.ready import Readiness
from integration.flows.report import situation
from integration.http import Server, Site, Token
from integration.verbs.outcome import say


def http(arguments: argparse.Namespace) -> int:
    """Serve health, metrics and exports until SIGTERM or SIGINT."""
    stopped = Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stopped.set())
    with open_app(home_of(arguments.home), executor="serial") as app:
        chosen = app.settings.http
        server = Server(site_of(app), chosen.host, chosen.port)
        server.start()
        say(f"À l'écoute sur http://{chosen.host}:{server.port}, jusqu'à SIGTERM.")
        stopped.wait()
        server.stop()
    return DONE


def site_of(app: App) -> Site:
    """What the settings let out."""
    tokens = {
        name: Token(one.sha256, frozenset(one.scopes), one.until)
        for name, one in app.settings.http.tokens.items()
    }
    watch = Readiness(app)
    exports = app.settings.folders.exports
    return Site(exports, tokens, watch.wrong, lambda: metrics(app, watch), app.clock)


def metrics(app: App, watch: Readiness) -> str:
    """Figures of `status`, and what readiness rests on, as Prometheus text."""
    found = situation(app.engine, app.organisation_id)
    lines = [
        *(
            f'echeance_documents_total{{kind="{kind}"}} {count}'
            for kind, (count, _) in sorted(found.documents.items())
        ),
        *(f'echeance_outbox{{state="{s}"}} {n}' for s, n in sorted(found.outbox.items())),
        *(f'echeance_files_total{{result="{s}"}} {n}' for s, n in sorted(found.files.items())),
        *(f'echeance_well{{check="{name}"}} {int(well)}' for name, well in watch.checks()),
        f"echeance_due_cents {found.ledger['due_cents']}",
    ]
    if found.last_night:
        lines.append(f"echeance_last_closed_day {found.last_night.toordinal()}")
    return "".join(f"{line}\n" for line in lines)

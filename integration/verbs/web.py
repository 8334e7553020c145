"""Verbs for machines that watch or fetch: HTTP until it is told to stop, figures on a line."""

from __future__ import annotations

import argparse
import signal
from importlib.resources import files
from threading import Event
from typing import Final

from integration import audit
from integration.app import App, home_of, open_app
from integration.cli import DONE
from integration.doctor.ready import Readiness
from integration.http import Server, Site, Token
from integration.monitoring import page
from integration.verbs.outcome import say

FETCHED: Final = "fetched"
"""How the audit trail calls a file that was fetched."""


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
    """What the settings let out; what is fetched is written to the audit trail."""
    tokens = {
        name: Token(one.sha256, frozenset(one.scopes), one.until)
        for name, one in app.settings.http.tokens.items()
    }
    watch = Readiness(app)
    return Site(
        app.settings.folders.exports,
        tokens,
        watch.wrong,
        lambda: page(app, chain_ok=watch.books_sound()),
        app.clock,
        lambda token, name: _fetched(app, token, name),
    )


def metrics(arguments: argparse.Namespace) -> int:
    """Print the figures of the house, or the alerts that watch them."""
    if arguments.alerts:
        say((files("integration") / "monitoring" / "alerts.yml").read_text("utf-8").rstrip("\n"))
        return DONE
    with open_app(home_of(arguments.home), executor="serial") as app:
        say(page(app, chain_ok=Readiness(app).books_sound()).rstrip("\n"))
    return DONE


def _fetched(app: App, token: str, name: str) -> None:
    audit.write(app.engine, app.organisation_id, "http", FETCHED, subject=name, who=token)

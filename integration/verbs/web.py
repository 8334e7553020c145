"""Verbs for machines that watch or fetch: HTTP until it is told to stop, figures on a line."""

from __future__ import annotations

import argparse
import signal
import time
from dataclasses import dataclass
from importlib.resources import files
from threading import Event
from typing import Final

from integration import audit
from integration.app import App, home_of, open_app
from integration.cli import DONE
from integration.flows.verify import verify
from integration.http import Server, Site, Token
from integration.monitoring import page
from integration.verbs.outcome import say

FETCHED: Final = "fetched"
"""How the audit trail calls a file that was fetched."""
_HOUR_S: Final = 3600.0


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
    chain = Chain(app)
    return Site(
        app.settings.folders.exports,
        tokens,
        lambda: _ready(app),
        lambda: page(app, chain_ok=chain.sound()),
        app.clock,
        lambda token, name: _fetched(app, token, name),
    )


def metrics(arguments: argparse.Namespace) -> int:
    """Print the figures of the house, or the alerts that watch them."""
    if arguments.alerts:
        say((files("integration") / "monitoring" / "alerts.yml").read_text("utf-8").rstrip("\n"))
        return DONE
    with open_app(home_of(arguments.home), executor="serial") as app:
        say(page(app, chain_ok=Chain(app).sound()).rstrip("\n"))
    return DONE


@dataclass(slots=True)
class Chain:
    """Whether the books verify, looked at once an hour: it reads them whole."""

    app: App
    found: bool = True
    looked_at: float | None = None

    def sound(self) -> bool:
        """As the last look found them."""
        now = time.monotonic()
        if self.looked_at is None or now - self.looked_at > _HOUR_S:
            app, self.looked_at = self.app, now
            self.found = verify(app.engine, app.organisation_id, app.trust()).fault is None
        return self.found


def _fetched(app: App, token: str, name: str) -> None:
    with app.engine.begin() as connection:
        audit.note(connection, app.organisation_id, "http", FETCHED, subject=name, who=token)


def _ready(app: App) -> bool:
    """Whether the database answers."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with app.engine.connect() as connection:
            return bool(connection.scalar(text("SELECT 1")))
    except SQLAlchemyError:
        return False

"""Around each verb: whether this login may, and the audit trail before and after.

A verb that changes something leaves a row before it begins and one that says how it ended. What the
settings say differently since the last such row is noticed by section.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, select

from config import settings as configuration
from config.rights import Right, allowed
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration import audit, rehearsal
from integration.app import home_of, own_organisation
from integration.database.engine import make_engine
from integration.database.migrations import is_current
from integration.database.tables import audit as trail

NO_RIGHT: Final = Code(
    "RUN-521",
    "Le compte « {login} » n'a pas le droit « {right} », que demande « echeance {verb} ».",
    "Demandez à un compte habilité, ou complétez « habilitations » dans la configuration.",
)

SETTINGS: Final = "settings"
_SUBJECTS: Final = (
    *("row", "target", "invoice", "contract", "patient", "what", "date", "file", "paths", "code"),
    *("from_simulation", "partner", "names"),
)


@dataclass(frozen=True, slots=True)
class Act:
    """A verb as it was typed: its name, what it needs, about what and why."""

    verb: str
    right: Right
    subject: str
    reason: str


def act_of(arguments: argparse.Namespace) -> Act:
    """What the command line asks for; a file is told by its name alone."""
    verb = arguments.verb
    needed = [right for option, right in verb.options.items() if getattr(arguments, option)]
    told = [_told(getattr(arguments, name, None)) for name in _SUBJECTS]
    reason = getattr(arguments, "reason", "") or getattr(arguments, "proof", "")
    right = needed[0] if needed else verb.needs
    return Act(verb.name, right, " ".join(filter(None, told)), _told(reason))


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_told, value))
    text = "" if value is None else str(value)
    return Path(text).name if "/" in text and len(text.split()) == 1 else text


class Watched:
    """The trail of one verb that is allowed."""

    def __init__(self, engine: Engine, organisation_id: int, act: Act) -> None:
        self._engine, self._organisation_id, self._act = engine, organisation_id, act

    def note(self, outcome: str) -> None:
        """A row about the verb."""
        act, own = self._act, self._organisation_id
        audit.write(self._engine, own, act.verb, outcome, subject=act.subject, reason=act.reason)


@contextmanager
def watched(arguments: argparse.Namespace) -> Iterator[Watched | None]:
    """Refuse (AnomaliesFound, RUN-521) or let through; None where nothing is to be written.

    A folder that isn't ready lets through: the verb itself says so and stops.
    """
    act, settings = act_of(arguments), _settings(arguments)
    if settings is None or act.right is Right.NONE:
        yield None
        return
    right = allowed(settings.habilitations, act.right, audit.login())
    if right and (not act.right.changes or rehearsal.asked()):
        yield None
        return
    engine = make_engine(settings.database_url)
    try:
        yield _begun(engine, settings, act, right)
    finally:
        engine.dispose()


def _begun(engine: Engine, settings: Settings, act: Act, right: bool) -> Watched | None:
    trail = None
    if is_current(engine):
        organisation_id = own_organisation(engine, settings)
        trail = Watched(engine, organisation_id, act)
        with engine.begin() as connection:
            _notice_settings(connection, organisation_id, settings)
        trail.note(audit.BEGUN if right else audit.REFUSED)
    if not right:
        values = {"login": audit.login(), "right": act.right.value, "verb": act.verb}
        raise AnomaliesFound(Anomaly(NO_RIGHT, values=values))
    return trail


def _settings(arguments: argparse.Namespace) -> Settings | None:
    file = home_of(arguments.home) / configuration.FILE_NAME
    if not file.is_file():
        return None
    try:
        return configuration.load(file)
    except AnomaliesFound:
        return None  # the verb reads them too, and says all that is wrong


def _notice_settings(connection: Connection, organisation_id: int, settings: Settings) -> None:
    """One row when sections differ from those of the last row; values stay out of it."""
    now = {name: _digest(value) for name, value in settings.model_dump(mode="json").items()}
    query = (
        select(trail.c.reason)
        .where(trail.c.organisation_id == organisation_id, trail.c.verb == SETTINGS)
        .order_by(trail.c.sequence.desc())
        .limit(1)
    )
    found = connection.scalar(query)
    before = dict(pair.split(":") for pair in found.split()) if found else {}
    changed = sorted(name for name in now if now[name] != before.get(name))
    if changed:
        audit.note(
            connection,
            organisation_id,
            SETTINGS,
            audit.NOTICED,
            subject=" ".join(changed),
            reason=" ".join(f"{name}:{digest}" for name, digest in sorted(now.items())),
        )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]

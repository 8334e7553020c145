"""The rows of the outbox, as one sender takes, tries and gives them back."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, text

from config.partners import BUILT_IN, EVERYBODY, AnyPartner, taker
from integration.database.bulk import execute_many
from integration.database.sql import Queries
from integration.failpoints import reach
from integration.outbox.lease import NOW, free
from integration.outbox.retry import Decision, Event, State, Story, story

QUERIES: Final = Queries(Path(__file__).with_suffix(".sql"))
_PAGE: Final = 1000
_ADDRESSED: Final = ("invoice_pdf", "b2", "run_silence", "reading_request")

TAKE: Final = """
WITH chosen AS (
  SELECT id FROM outbox WHERE organisation_id = :organisation AND partner = :partner
  AND state = 'todo' AND recipient IS NOT NULL AND next_try_at <= :now AND id > :after AND {free}
  ORDER BY id LIMIT :many {skip})
UPDATE outbox SET lease_token = :token, lease_until = {now} + :seconds
WHERE id IN (SELECT id FROM chosen)
RETURNING id, key, kind, file_name, subject_id, recipient, address"""
RENEW: Final = """
UPDATE outbox SET lease_until = {now} + :seconds
WHERE id IN :ids AND lease_token = :token AND state = 'todo' RETURNING id"""
END: Final = """
UPDATE outbox SET state = ?, next_try_at = ?, sha256 = coalesce(?, sha256), sent_at = ?,
lease_token = NULL, lease_until = NULL WHERE id = ? AND lease_token = ?"""
EVENT: Final = """
INSERT INTO outbox_event (outbox_id, sequence, event, at, who, detail)
SELECT ?, coalesce(max(sequence), 0) + 1, ?, ?, ?, ? FROM outbox_event WHERE outbox_id = ?"""


class Taken(NamedTuple):
    """A row under lease, and what happened to it before."""

    id: int
    key: str
    kind: str
    file_name: str
    subject_id: int
    recipient: str
    address: str
    story: Story


class Ended(NamedTuple):
    """How a try of a row ended, and what follows. digest: of the bytes that were handed over."""

    row: Taken
    event: Event
    decision: Decision
    detail: str = ""
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What one sending does to the rows of an organisation. now: of the whole sending."""

    engine: Engine
    organisation_id: int
    token: int
    now: datetime

    def settle_partners(self, partners: Mapping[str, AnyPartner]) -> None:
        """Give each new row its recipient and the partner that takes it, once and for all."""
        while True:
            with self.engine.begin() as connection:
                rows = QUERIES.rows(
                    connection, "unrouted", organisation=self.organisation_id, many=_PAGE
                )
                _write_routes(connection, partners, rows)
            if len(rows) < _PAGE:
                return

    def apply_holds(self) -> None:
        """Rows of held partners wait as `held`, those that came after the hold too."""
        with self.engine.begin() as connection:
            holds = QUERIES.rows(connection, "holds", organisation=self.organisation_id)
            for partner, _, who, reason in holds:
                hold_rows(connection, self.organisation_id, partner, (self.now, who, reason))

    def due(self) -> list[str]:
        """Partners with something to do."""
        with self.engine.connect() as connection:
            values = {"organisation": self.organisation_id, "now": instant(self.now)}
            return [name for (name,) in QUERIES.rows(connection, "due", **values)]

    def take(self, partner: str, after: int, many: int, seconds: int) -> list[Taken]:
        """Lease the next rows to do, in order; no other sender takes them meanwhile."""
        dialect = self.engine.dialect.name
        skip = "" if dialect == "sqlite" else "FOR UPDATE SKIP LOCKED"
        sql = TAKE.format(now=NOW[dialect], free=free(dialect), skip=skip)
        values = {
            "token": self.token,
            "seconds": seconds,
            "organisation": self.organisation_id,
            "partner": partner,
            "now": instant(self.now),
            "after": after,
            "many": many,
        }
        with self.engine.begin() as connection:
            rows = sorted(connection.execute(text(sql), values).all())
            stories = _stories(connection, [row.id for row in rows])
        reach("outbox.taken")
        return [Taken._make((*row, stories.get(row.id, Story()))) for row in rows]

    def turn(self, ended: Sequence[Ended], begun: Sequence[Taken], seconds: int) -> set[int]:
        """Write down how tries ended and that others begin; which of those are still ours.

        A row somebody marked, held or took over meanwhile isn't begun.
        """
        with self.engine.begin() as connection:
            self._end(connection, ended)
            ours = self._renewed(connection, begun, seconds)
            tell(connection, ((row.id, Event.BEGUN, "") for row in begun if row.id in ours), self)
            reach("outbox.marking")
        reach("outbox.marked")
        return ours

    def release(self) -> None:
        """Give back what was taken and not tried."""
        sql = "UPDATE outbox SET lease_token = NULL, lease_until = NULL WHERE lease_token = :token"
        with self.engine.begin() as connection:
            connection.execute(text(sql), {"token": self.token})

    def _end(self, connection: Connection, ended: Sequence[Ended]) -> None:
        states = (
            (
                one.decision.state.value,
                instant(one.decision.next_try) if one.decision.next_try else "",
                one.digest,
                instant(self.now) if one.decision.state is State.SENT else "",
                one.row.id,
                self.token,
            )
            for one in ended
        )
        execute_many(connection, END, states)
        tell(connection, ((one.row.id, one.event, one.detail) for one in ended), self)

    def _renewed(self, connection: Connection, rows: Sequence[Taken], seconds: int) -> set[int]:
        sql = text(RENEW.format(now=NOW[self.engine.dialect.name]))
        ids = [row.id for row in rows]
        values = {"token": self.token, "seconds": seconds, "ids": ids}
        wanted = sql.bindparams(bindparam("ids", expanding=True))
        return set(connection.scalars(wanted, values)) if ids else set()


def instant(at: datetime) -> str:
    """UTC text; two of them compare as their moments do."""
    return at.isoformat(timespec="seconds")


def tell(connection: Connection, events: Iterable[tuple[int, Event, str]], desk: Desk) -> None:
    """Add events of this sender to the stories of rows."""
    who = f"{socket.gethostname()}:{os.getpid()}"[:128]
    add_events(connection, events, desk.now, who)


def add_events(
    connection: Connection, events: Iterable[tuple[int, Event, str]], at: datetime, who: str
) -> None:
    """Add events to the stories of rows: (row, event, detail)."""
    rows = ((id_, event.value, instant(at), who, detail, id_) for id_, event, detail in events)
    execute_many(connection, EVENT, rows)


def hold_rows(
    connection: Connection, organisation_id: int, partner: str, why: tuple[datetime, str, str]
) -> int:
    """Hold what is to do for a partner, or for all; how many rows. why: (when, who, reason)."""
    whose = "" if partner == EVERYBODY else "AND partner = :partner AND recipient IS NOT NULL"
    sql = f"""UPDATE outbox SET state = 'held', lease_token = NULL, lease_until = NULL
        WHERE organisation_id = :organisation AND state = 'todo' {whose} RETURNING id"""
    values = {"organisation": organisation_id}
    if partner != EVERYBODY:
        values |= {"partner": partner}  # type: ignore[dict-item]
    ids = sorted(connection.scalars(text(sql), values))
    at, who, reason = why
    add_events(connection, ((id_, Event.HELD, reason) for id_ in ids), at, who)
    return len(ids)


def _write_routes(
    connection: Connection, partners: Mapping[str, AnyPartner], rows: Sequence[tuple[Any, ...]]
) -> None:
    routes = []
    for kind in {kind for _, kind, _ in rows}:
        subjects = [subject for _, of, subject in rows if of == kind]
        known = {
            id_: (code, address)
            for id_, code, address in (
                QUERIES.rows(connection, kind, ids=subjects) if kind in _ADDRESSED else ()
            )
        }
        for id_, of, subject in rows:
            if of == kind:
                code, address = known.get(subject, ("", ""))
                partner = taker(partners, kind, code, address)
                routes.append((partner.name if partner else BUILT_IN, code, address, id_))
    sql = "UPDATE outbox SET partner = ?, recipient = ?, address = ? WHERE id = ?"
    execute_many(connection, sql, routes)


def _stories(connection: Connection, ids: list[int]) -> dict[int, Story]:
    told: dict[int, list[tuple[Event, datetime]]] = {}
    for id_, event, at, *_ in QUERIES.rows(connection, "events", ids=ids):
        told.setdefault(id_, []).append((Event(event), datetime.fromisoformat(at)))
    return {id_: story(events) for id_, events in told.items()}

"""What a person does to rows of the outbox, each act with its reason in the row's story."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from config.partners import EVERYBODY
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.tables import outbox, partner_hold
from integration.outbox.desk import QUERIES, add_events, hold_rows, instant
from integration.outbox.retry import Event, State

UNKNOWN_ROW: Final = Code(
    "OUT-121",
    "Aucun envoi ne porte le numéro ou le nom « {wanted} ».",
    "Cherchez-le avec « echeance outbox list ».",
)
WRONG_STATE: Final = Code(
    "OUT-122",
    "L'envoi {row} est dans l'état « {state} » : cet acte ne s'y applique pas.",
    "Regardez son histoire avec « echeance outbox show ».",
)
UNKNOWN_TARGET: Final = Code(
    "OUT-123",
    "« {wanted} » n'est ni un partenaire, ni un envoi, ni « all ».",
    "Nommez un fichier de « partners » sans .toml, un numéro d'envoi, ou all.",
)
NO_WORDS: Final = Code(
    "OUT-124", "Il faut une raison ou une preuve.", "Écrivez-la : elle reste dans l'histoire."
)

_RESENDABLE: Final = (State.FAILED, State.UNCERTAIN, State.SENT)
_MARKABLE: Final = (State.TODO, State.FAILED, State.UNCERTAIN, State.HELD)
_COLUMNS: Final = (
    "id", "kind", "partner", "recipient", "file_name", "state", "next_try_at", "sent_at", "sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hand:
    """A person at work on the outbox of an organisation, in one transaction."""

    connection: Connection
    organisation_id: int
    now: datetime

    def listed(self, state: str = "", partner: str = "", most: int = 0) -> list[dict[str, Any]]:
        """Rows in order: those of a state, else all that aren't sent; of a partner, or of all."""
        wanted = outbox.c.state == state if state else outbox.c.state != State.SENT
        query = self._rows().where(wanted)
        if partner:
            query = query.where(outbox.c.partner == partner)
        if most:
            query = query.limit(most)
        return [dict(row._mapping) for row in self.connection.execute(query)]

    def shown(self, wanted: str) -> dict[str, Any]:
        """One row with its story. Raises AnomaliesFound (OUT-121)."""
        row = self._row(wanted)
        events = QUERIES.rows(self.connection, "events", ids=[row.id])
        told = [
            {"event": event, "at": at, "who": who, "detail": detail}
            for _, event, at, who, detail in events
        ]
        return {**row._mapping, "events": told}

    def resend(self, wanted: str, reason: str) -> int:
        """Let a row leave again under its old identity; its count of tries begins anew.

        Raises AnomaliesFound (OUT-121, OUT-122, OUT-124).
        """
        return self._move(wanted, _RESENDABLE, State.TODO, Event.RESENT, reason)

    def mark_sent(self, wanted: str, proof: str) -> int:
        """A person knows that it arrived. proof: a text, or the path of a file."""
        return self._move(wanted, _MARKABLE, State.SENT, Event.MARKED, _proof(proof))

    def hold(self, target: str, reason: str, partners: Mapping[str, object]) -> int:
        """Keep a row, a partner's rows or all from leaving, those to come too; how many wait."""
        if target not in (EVERYBODY, *partners):
            self._known_row(target)
            self._move(target, (State.TODO,), State.HELD, Event.HELD, reason)
            return 1
        _said(reason)
        values = {"organisation_id": self.organisation_id, "partner": target}
        if not self._holds(target):
            since = self.now.isoformat()
            self.connection.execute(
                insert(partner_hold).values(**values, since=since, who=_who(), reason=reason)
            )
        return hold_rows(self.connection, self.organisation_id, target, (self.now, _who(), reason))

    def resume(self, target: str, partners: Mapping[str, object]) -> int:
        """Let go what `hold` keeps; how many rows may leave again. `all` ends every hold."""
        if target not in (EVERYBODY, *partners):
            self._known_row(target)
            self._move(target, (State.HELD,), State.TODO, Event.RESUMED, "repris")
            return 1
        ended = update(partner_hold).where(
            partner_hold.c.organisation_id == self.organisation_id, partner_hold.c.until == ""
        )
        rows = update(outbox).where(
            outbox.c.organisation_id == self.organisation_id, outbox.c.state == State.HELD
        )
        if target != EVERYBODY:
            ended = ended.where(partner_hold.c.partner == target)
            rows = rows.where(outbox.c.partner == target)
        self.connection.execute(ended.values(until=instant(self.now)))
        moved = rows.values(state=State.TODO.value).returning(outbox.c.id)
        ids = sorted(self.connection.scalars(moved))
        self._tell(ids, Event.RESUMED, target)
        return len(ids)

    def _move(
        self, wanted: str, before: tuple[State, ...], after: State, event: Event, words: str
    ) -> int:
        _said(words)
        row = self._row(wanted)
        values: dict[str, Any] = {"state": after.value, "lease_token": None, "lease_until": None}
        values |= {"next_try_at": "", "sent_at": instant(self.now) if after is State.SENT else ""}
        moved = self.connection.execute(
            update(outbox).where(outbox.c.id == row.id, outbox.c.state.in_(before)).values(values)
        )
        if not moved.rowcount:
            raise AnomaliesFound(Anomaly(WRONG_STATE, values={"row": row.id, "state": row.state}))
        self._tell([row.id], event, words)
        return int(row.id)

    def _rows(self) -> Any:
        columns = [outbox.c[name] for name in _COLUMNS]
        mine = outbox.c.organisation_id == self.organisation_id
        return select(*columns).where(mine).order_by(outbox.c.id)

    def _row(self, wanted: str) -> Row[Any]:
        by = outbox.c.id == int(wanted) if wanted.isdecimal() else outbox.c.file_name == wanted
        found: Row[Any] | None = self.connection.execute(self._rows().where(by)).first()
        if found is None:
            raise AnomaliesFound(Anomaly(UNKNOWN_ROW, values={"wanted": wanted}))
        return found

    def _known_row(self, target: str) -> None:
        try:
            self._row(target)
        except AnomaliesFound:
            raise AnomaliesFound(Anomaly(UNKNOWN_TARGET, values={"wanted": target})) from None

    def _holds(self, target: str) -> bool:
        holds = QUERIES.rows(self.connection, "holds", organisation=self.organisation_id)
        return any(partner == target for partner, *_ in holds)

    def _tell(self, ids: list[int], event: Event, words: str) -> None:
        add_events(self.connection, ((id_, event, words) for id_ in ids), self.now, _who())


def _who() -> str:
    return getpass.getuser()[:128]


def _said(words: str) -> None:
    if not words.strip():
        raise AnomaliesFound(Anomaly(NO_WORDS))


def _proof(proof: str) -> str:
    """The text, or what identifies the file: its name and digest."""
    file = Path(proof)
    if len(proof) > 255 or not file.is_file():
        return proof
    return f"fichier {file.name}, sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}"

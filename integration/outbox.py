"""The outbox: bytes are made from posted rows when they leave, the same each time.

A row is written with the posting it belongs to, under a key made before the first try. Delivery
makes the bytes, hands them to the transport, then marks the row: killed in between, it finds the
same bytes already there and only marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, select, update

from integration.database.alone import alone
from integration.database.tables import outbox
from integration.failpoints import reach
from integration.transport.folder import deliver

BATCH: Final = 100
SUBFOLDERS: Final = {"invoice_pdf": "factures", "b2": "b2", "report": "rapports"}


class Maker(Protocol):
    """Makes the bytes of many subjects at once, in the order asked."""

    def __call__(
        self, connection: Connection, subjects: list[int], executor: Executor, /
    ) -> Iterable[bytes]:
        """One content a subject."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where deliveries go and who makes them."""

    engine: Engine
    organisation_id: int
    folder: Path
    makers: Mapping[str, Maker]
    executor: Executor

    def send(self, clock: datetime | None = None) -> dict[str, int]:
        """Deliver everything to do, in order, one process at a time; how many of each kind."""
        sent: dict[str, int] = {}
        with alone(self.engine, f"outbox-{self.organisation_id}"):
            while batch := self._batch():
                for kind in dict.fromkeys(row.kind for row in batch):
                    rows = [row for row in batch if row.kind == kind]
                    self._deliver(kind, rows, clock or datetime.now(UTC))
                    sent[kind] = sent.get(kind, 0) + len(rows)
        return sent

    def _batch(self) -> list[Any]:
        query = (
            select(outbox)
            .where(outbox.c.state == "todo", outbox.c.organisation_id == self.organisation_id)
            .order_by(outbox.c.id)
            .limit(BATCH)
        )
        with self.engine.connect() as connection:
            return list(connection.execute(query))

    def _deliver(self, kind: str, rows: list[Any], now: datetime) -> None:
        folder = self.folder / SUBFOLDERS[kind]
        with self.engine.connect() as connection:
            subjects = [row.subject_id for row in rows]
            contents = list(self.makers[kind](connection, subjects, self.executor))
        reach("outbox.made")
        digests = [
            deliver(folder, row.file_name, content)
            for row, content in zip(rows, contents, strict=True)
        ]
        reach("outbox.delivered")
        with self.engine.begin() as connection:
            for row, digest in zip(rows, digests, strict=True):
                connection.execute(
                    update(outbox)
                    .where(outbox.c.id == row.id)
                    .values(state="sent", sha256=digest, sent_at=now.isoformat(timespec="seconds"))
                )
            reach("outbox.marking")
        reach("outbox.marked")

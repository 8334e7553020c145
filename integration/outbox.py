"""The outbox: bytes are made from posted rows when they leave, the same each time.

A row is written with the posting it belongs to, under a key made before the first try. Delivery
makes the bytes, hands them to the transport, then marks the row: killed in between, it finds the
same bytes already there and only marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine, bindparam, select, update

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.alone import alone
from integration.database.tables import outbox
from integration.executors import SerialExecutor
from integration.failpoints import reach
from integration.posting import BAD_DATA
from integration.transport.folder import deliver

BATCH: Final = 100
UNMADE: Final = Code(
    "RUN-120",
    "Le fichier « {name} » n'a pas pu être préparé ({error}).",
    "Les autres sont partis ; signalez-le à l'éditeur, puis relancez « echeance send ».",
)
SUBFOLDERS: Final = {"invoice_pdf": "factures", "b2": "b2", "report": "rapports"}


Made = tuple[Any, bytes]  # a row of the outbox and its content


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

    def send(
        self, clock: datetime | None = None, refused: list[Anomaly] | None = None
    ) -> dict[str, int]:
        """Deliver everything to do, in order, one process at a time; how many of each kind.

        What can't be made stays to do, stops nothing else and is told in `refused`; without that
        list AnomaliesFound carries it, once the rest has left.
        """
        sent: dict[str, int] = {}
        wrong = [] if refused is None else refused
        with alone(self.engine, f"outbox-{self.organisation_id}"):
            last = 0
            while batch := self._batch(last):
                for kind in dict.fromkeys(row.kind for row in batch):
                    made = self._made(kind, [row for row in batch if row.kind == kind], wrong)
                    if made:
                        self._deliver(kind, made, clock or datetime.now(UTC))
                        sent[kind] = sent.get(kind, 0) + len(made)
                last = batch[-1].id
        if wrong and refused is None:
            raise AnomaliesFound(*wrong)
        return sent

    def _batch(self, after: int) -> list[Any]:
        query = (
            select(outbox)
            .where(outbox.c.state == "todo", outbox.c.organisation_id == self.organisation_id)
            .where(outbox.c.id > after)
            .order_by(outbox.c.id)
            .limit(BATCH)
        )
        with self.engine.connect() as connection:
            return list(connection.execute(query))

    def _made(self, kind: str, rows: list[Any], refused: list[Anomaly]) -> list[Made]:
        """Rows with their bytes; when some can't be made they are tried one by one, here."""
        try:
            contents = self._contents(kind, rows, self.executor)
        except BAD_DATA:
            return [one for row in rows for one in self._made_alone(kind, row, refused)]
        return list(zip(rows, contents, strict=True))

    def _made_alone(self, kind: str, row: Any, refused: list[Anomaly]) -> list[Made]:
        try:
            (content,) = self._contents(kind, [row], SerialExecutor())
        except AnomaliesFound as found:
            refused += [one.at(replace(one.place, file=row.file_name)) for one in found.anomalies]
        except BAD_DATA as error:
            values = {"name": row.file_name, "error": type(error).__name__}
            refused.append(Anomaly(UNMADE, values=values))
        else:
            return [(row, content)]
        return []

    def _contents(self, kind: str, rows: list[Any], executor: Executor) -> list[bytes]:
        with self.engine.connect() as connection:
            subjects = [row.subject_id for row in rows]
            return list(self.makers[kind](connection, subjects, executor))

    def _deliver(self, kind: str, made: list[Made], now: datetime) -> None:
        folder = self.folder / SUBFOLDERS[kind]
        reach("outbox.made")
        digests = [(row, deliver(folder, row.file_name, content)) for row, content in made]
        reach("outbox.delivered")
        with self.engine.begin() as connection:
            sent = update(outbox).where(outbox.c.id == bindparam("row_id"))
            sent_at = now.isoformat(timespec="seconds")
            connection.execute(
                sent.values(state="sent", sha256=bindparam("digest"), sent_at=sent_at),
                [{"row_id": row.id, "digest": digest} for row, digest in digests],
            )
            reach("outbox.marking")
        reach("outbox.marked")

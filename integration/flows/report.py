"""`status`: what was made and what is owed, since the beginning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine

from integration.database.engine import snapshot
from integration.database.sql import Queries

_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Situation:
    """The house in figures, amounts in cents.

    documents: count and total by kind. ledger: debit, credit and what payers still owe.
    returns: shares by state (P paid, R rejected, D deferred). files: received by state.
    outbox: deliveries by state. last_night: the last day closed.
    """

    documents: Mapping[str, tuple[int, int]]
    ledger: Mapping[str, int]
    transmitted: tuple[int, int, int]
    returns: Mapping[str, tuple[int, int]]
    files: Mapping[str, int]
    outbox: Mapping[str, int]
    last_night: date | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "documents": {k: {"count": n, "cents": c} for k, (n, c) in self.documents.items()},
            "ledger": dict(self.ledger),
            "transmitted": dict(
                zip(("files", "invoices", "part_amo_cents"), self.transmitted, strict=True)
            ),
            "returns": {k: {"count": n, "cents": c} for k, (n, c) in self.returns.items()},
            "files": dict(self.files),
            "outbox": dict(self.outbox),
            "last_night": self.last_night and self.last_night.isoformat(),
        }


def situation(engine: Engine, organisation_id: int) -> Situation:
    """Everything in one snapshot, so that the figures agree with each other."""
    with snapshot(engine) as connection:

        def ask(name: str) -> list[tuple[Any, ...]]:
            return _SQL.rows(connection, name, organisation=organisation_id)

        debit, credit, due = (int(value or 0) for value in ask("ledger")[0])
        files, invoices, amo = (int(value or 0) for value in ask("transmitted")[0])
        closed = ask("closed")[0][0]
        return Situation(
            documents={kind: (count, int(cents)) for kind, count, cents in ask("documents")},
            ledger={"debit_cents": debit, "credit_cents": credit, "due_cents": due},
            transmitted=(files, invoices, amo),
            returns={state: (count, int(cents)) for state, count, cents in ask("returns")},
            files=dict(_SQL.rows(connection, "files")),
            outbox=dict(ask("outbox")),
            last_night=date.fromisoformat(str(closed)) if closed else None,
        )

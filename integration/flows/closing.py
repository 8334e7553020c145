"""Closings: a day, a month or a year is sealed, signed and anchored outside the database.

A closing holds the chain's head, the counts and sums of the period, running totals, and a digest
of each table that isn't in the chain, up to the last id committed. It names the closing before it
and is signed as a whole. Its anchor is a line of a text file that only grows: who restores an old
database, or cuts its end, contradicts the file. Nothing is dated in a closed period afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, Engine, func, select, update

from billing.closing import Period, ending_on
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.ed25519 import Signer
from integration.database.alone import alone
from integration.database.bulk import insert_rows
from integration.database.sql import Queries
from integration.database.tables import closing, json_text, organisation
from integration.durable import sync
from integration.failpoints import reach
from integration.posting import GENESIS, chain_head
from integration.signing import ensure_signing_key, open_signer

VERSION: Final = 1
SEALED: Final = ("rule_event", "rule_change", "return_line", "transmission", "transmission_item")
"""Posted tables that the chain of documents doesn't cover. Their ids are reserved under a lock
held until the commit, so they are committed in order: what is at or below the last one is all
there is, for ever."""
_WINDOW: Final = 5000  # ids hashed at a time
SQL: Final = Queries(Path(__file__).with_suffix(".sql"))

NOT_OVER: Final = Code(
    "LED-931",
    "La période du {since} au {last} n'est pas terminée.",
    "Clôturez-la à partir du lendemain de son dernier jour.",
)
ALREADY: Final = Code(
    "LED-932", "La période du {since} au {last} est déjà close.", "Il n'y a rien à faire."
)


class Closing(NamedTuple):
    """A row of `closing`; dates as ISO text."""

    organisation_id: int
    sequence: int
    version: int
    kind: str
    since: str
    until: str
    chain_sequence: int
    chain_link: str
    documents: int
    entries: int
    debit_cents: int
    credit_cents: int
    total_debit_cents: int
    total_credit_cents: int
    sealed: str
    previous: str
    closed_at: str
    public_key: str
    signature: str = ""

    @property
    def signed(self) -> bytes:
        """What the signature covers: every other column."""
        return orjson.dumps(self[:-1])

    @property
    def digest(self) -> str:
        """What the next closing calls `previous`."""
        return hashlib.sha256(self.signed + self.signature.encode()).hexdigest()

    @property
    def anchor(self) -> str:
        """The line kept outside the database."""
        period = f"{self.kind} {self.since}..{self.until}"
        return f"{self.sequence} {period} {self.chain_sequence} {self.chain_link} {self.digest}"

    @property
    def period(self) -> str:
        """For people."""
        last = date.fromordinal(date.fromisoformat(self.until).toordinal() - 1)
        since = date.fromisoformat(self.since)
        return f"{since:%d/%m/%Y}" if since == last else f"{since:%d/%m/%Y}-{last:%d/%m/%Y}"

    @property
    def seals(self) -> Mapping[str, list[Any]]:
        """table → [last id, rows, digest]."""
        found: dict[str, list[Any]] = orjson.loads(self.sealed)
        return found


def read_closings(
    connection: Connection, organisation_id: int, after: int = 0
) -> Iterator[Closing]:
    """Closings in order."""
    for row in SQL.rows(connection, "closings", organisation=organisation_id, after=after):
        yield Closing._make(v.isoformat() if isinstance(v, date) else v for v in row)


@dataclass(frozen=True, slots=True)
class Closer:
    """Who closes: the organisation, its key and its anchors."""

    engine: Engine
    organisation_id: int
    key: Path
    anchors: Path
    clock: Callable[[], datetime]

    def close(self, period: Period, today: date) -> Closing:
        """Close one period by hand. Raises AnomaliesFound (LED-931, LED-932, CFG-105)."""
        values = {"since": f"{period.since:%d/%m/%Y}", "last": f"{period.last_day:%d/%m/%Y}"}
        if period.last_day > today:
            raise AnomaliesFound(Anomaly(NOT_OVER, values=values))
        with self.engine.begin() as connection:
            made = self._sealed(connection, period)
        if made is None:
            raise AnomaliesFound(Anomaly(ALREADY, values=values))
        self.anchor()
        return made

    def close_day(self, connection: Connection, day: date) -> None:
        """Close the day, and the month and year it ends, in the caller's transaction."""
        for period in ending_on(day):
            self._sealed(connection, period)

    def anchor(self) -> int:
        """Write the lines of closings that have none yet; how many. Safe to repeat."""
        with alone(self.engine, f"anchors-{self.organisation_id}"):
            last = len(anchored(self.anchors))
            with self.engine.connect() as connection:
                lines = [
                    one.anchor for one in read_closings(connection, self.organisation_id, last)
                ]
            if lines:
                _append(self.anchors, lines)
        return len(lines)

    def _sealed(self, connection: Connection, period: Period) -> Closing | None:
        """The new row; None when the period is closed already. Posters wait meanwhile."""
        head = chain_head(connection, self.organisation_id, lock=True)
        before = list(read_closings(connection, self.organisation_id))
        if any(one.kind == period.kind and one.since == f"{period.since}" for one in before):
            return None
        if not before:
            ensure_signing_key(self.key)
        made = _signed(
            self._row(connection, period, head, before[-1] if before else None),
            open_signer(self.key),
        )
        insert_rows(connection, closing, Closing._fields, [made])
        reach("closing.written")
        refuse_entries(connection, self.organisation_id, period.last_day)
        return made

    def _row(
        self, connection: Connection, period: Period, head: tuple[int, str], last: Closing | None
    ) -> Closing:
        organisation_id = self.organisation_id
        bounds = {"organisation": organisation_id, "since": period.since, "until": period.until}
        ((documents, debit, credit),) = SQL.rows(connection, "period", **bounds)
        ((entries,),) = SQL.rows(connection, "period_entries", **bounds)
        ((more_debit, more_credit),) = SQL.rows(
            connection,
            "linked",
            organisation=organisation_id,
            after=last.chain_sequence if last else 0,
            upto=head[0],
        )
        return Closing(
            organisation_id,
            last.sequence + 1 if last else 1,
            VERSION,
            period.kind.value,
            period.since.isoformat(),
            period.until.isoformat(),
            *head,
            documents,
            entries,
            int(debit),
            int(credit),
            (last.total_debit_cents if last else 0) + int(more_debit),
            (last.total_credit_cents if last else 0) + int(more_credit),
            json_text(dict(_seals(connection, organisation_id, last))),
            last.digest if last else GENESIS,
            self.clock().isoformat(timespec="seconds"),
            "",
        )


def _signed(row: Closing, signer: Signer) -> Closing:
    row = row._replace(public_key=signer.public)
    return row._replace(signature=signer.sign(row.signed))


def _seals(
    connection: Connection, organisation_id: int, last: Closing | None
) -> Iterator[tuple[str, list[Any]]]:
    before = last.seals if last else {}
    for table in SEALED:
        ((upto,),) = SQL.rows(connection, f"last_of_{table}")
        after = before[table][0] if table in before else 0
        yield table, [upto, *seal(connection, organisation_id, table, after, upto)]


def seal(
    connection: Connection, organisation_id: int, table: str, after: int, upto: int
) -> tuple[int, str]:
    """Count and SHA-256 of the rows of a table with ids after one, up to another."""
    digest, count = hashlib.sha256(), 0
    for start in range(after, upto, _WINDOW):
        end = min(start + _WINDOW, upto)
        bounds = {"organisation": organisation_id, "after": start, "upto": end}
        for row in SQL.rows(connection, table, **bounds):
            digest.update(orjson.dumps(row))
            count += 1
    return count, digest.hexdigest()


def refuse_entries(connection: Connection, organisation_id: int, day: date) -> None:
    """No posting is dated on that day or before it any more."""
    connection.execute(
        update(organisation)
        .where(organisation.c.id == organisation_id)
        .where(func.coalesce(organisation.c.closed_until, date.min) < day)
        .values(closed_until=day)
    )


def anchored(path: Path) -> list[str]:
    """The lines of the anchor file, in order; none when there is no file.

    A last line without its end was cut while it was written: it doesn't count.
    """
    if not path.exists():
        return []
    return path.read_bytes().decode("ascii", "replace").split("\n")[:-1]


def _append(path: Path, lines: list[str]) -> None:
    """Add whole lines and make them survive a power cut; a line cut before is finished first."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with path.open("ab") as file:
        whole = sum(len(line) + 1 for line in anchored(path))
        file.truncate(whole)
        file.write("".join(f"{line}\n" for line in lines).encode())
        reach("anchor.part")
        file.flush()
        sync(file.fileno(), path)


def last_anchor(connection: Connection, organisation_id: int) -> str:
    """The anchor of the last closing, for reports; empty before the first."""
    last = connection.scalar(
        select(func.max(closing.c.sequence)).where(closing.c.organisation_id == organisation_id)
    )
    found = read_closings(connection, organisation_id, (last or 1) - 1)
    return next((one.anchor for one in found), "")

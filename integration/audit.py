"""The audit trail: who, when, why, what came of it; append-only, chained, without personal values.

Each row's link is a digest of the previous link and of the row, so that a row changed, removed or
slipped in is found; the head tells when the end was cut off. A row is written before a verb that
changes something and one after it: killed in between, the first still stands.
"""

from __future__ import annotations

import getpass
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, insert, select, text

from formats.common.anomaly import Anomaly, Code
from formats.common.privacy import without_nir
from integration.database.again import again
from integration.database.engine import give_way
from integration.database.tables import audit, audit_head, json_text

ALTERED: Final = Code(
    "LED-991",
    "La piste d'audit est rompue à la ligne {sequence} : elle a été modifiée, ôtée ou ajoutée.",
    "Restaurez une sauvegarde saine et cherchez qui a modifié la base.",
)
CUT: Final = Code(
    "LED-992",
    "La piste d'audit s'arrête à la ligne {found}, sa tête annonce {expected}.",
    "Restaurez une sauvegarde saine et cherchez qui a modifié la base.",
)

USER_VARIABLE: Final = "ECHEANCE_USER"
BEGUN, REFUSED, NOTICED = "begun", "refused", "noticed"
GENESIS: Final = "0" * 64
LONGEST: Final = 1000  # characters of a subject or a reason
_PAGE: Final = 2000


@dataclass(frozen=True, slots=True)
class Trace:
    """One row: at is UTC, who a login, outcome `begun`, `refused` or how the verb ended."""

    sequence: int
    at: str
    who: str
    verb: str
    subject: str
    reason: str
    outcome: str


def login(environment: Mapping[str, str] = os.environ) -> str:
    """Who acts: ECHEANCE_USER, or the account of the operating system."""
    named = environment.get(USER_VARIABLE, "").strip()
    try:
        return (named or getpass.getuser())[:64]
    except (KeyError, OSError):  # an account without a name
        return f"uid {os.getuid()}"


def note(
    connection: Connection,
    organisation_id: int,
    verb: str,
    outcome: str,
    *,
    subject: str = "",
    reason: str = "",
    who: str = "",
    at: datetime | None = None,
) -> None:
    """Add a row at the end of the chain, in the caller's transaction; NIRs are masked."""
    sequence, link = _head(connection, organisation_id)
    trace = Trace(
        sequence + 1,
        (at or datetime.now(UTC)).isoformat(timespec="seconds"),
        who or login(),
        verb,
        _plain(subject),
        _plain(reason),
        outcome,
    )
    chained = _chained(link, trace)
    columns = {name: getattr(trace, name) for name in Trace.__slots__}
    values = {"organisation_id": organisation_id, "link": chained, **columns}
    connection.execute(insert(audit).values(values))
    moved = audit_head.update().where(audit_head.c.organisation_id == organisation_id)
    connection.execute(moved.values(sequence=trace.sequence, link=chained))


def write(engine: Engine, organisation_id: int, verb: str, outcome: str, **told: Any) -> None:
    """`note` in a transaction of its own, done again when the database broke it off."""

    def once() -> None:
        with engine.begin() as connection:
            give_way(connection)
            note(connection, organisation_id, verb, outcome, **told)

    again(once)


def traces(
    connection: Connection, organisation_id: int, *, since: str = "", subject: str = ""
) -> Iterator[Trace]:
    """Rows in order; since: an ISO day or instant; subject: part of the subject or the verb."""
    query = select(*(audit.c[name] for name in Trace.__slots__)).where(
        audit.c.organisation_id == organisation_id, audit.c.at >= since
    )
    if subject:
        said = func.lower(audit.c.subject + " " + audit.c.verb)
        query = query.where(said.contains(subject.lower(), autoescape=True))
    for row in connection.execute(query.order_by(audit.c.sequence)):
        yield Trace(*row)


def faults(connection: Connection, organisation_id: int) -> Iterator[Anomaly]:
    """What is wrong with the chain, if anything."""
    sequence, link = 0, GENESIS
    for trace, stored in _chain(connection, organisation_id):
        link = _chained(link, trace)
        if trace.sequence != sequence + 1 or stored != link:
            yield Anomaly(ALTERED, values={"sequence": trace.sequence})
            return
        sequence = trace.sequence
    head = select(audit_head.c.sequence, audit_head.c.link).where(
        audit_head.c.organisation_id == organisation_id
    )
    found = connection.execute(head).first() or (0, GENESIS)
    if tuple(found) != (sequence, link):
        yield Anomaly(CUT, values={"found": sequence, "expected": found[0]})


def _chain(connection: Connection, organisation_id: int) -> Iterator[tuple[Trace, str]]:
    """Rows with their links in order, a page at a time."""
    query = (
        select(*(audit.c[name] for name in Trace.__slots__), audit.c.link)
        .where(audit.c.organisation_id == organisation_id)
        .order_by(audit.c.sequence)
        .limit(_PAGE)
    )
    after: int | None = None
    while True:
        page = query if after is None else query.where(audit.c.sequence > after)
        rows = connection.execute(page).all()
        yield from ((Trace(*values), stored) for *values, stored in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1].sequence


def _head(connection: Connection, organisation_id: int) -> tuple[int, str]:
    """The end of the chain, locked until the transaction ends."""
    values = {"organisation": organisation_id, "genesis": GENESIS}
    row = connection.execute(_LOCK, values).one()
    return row.sequence, row.link


_LOCK: Final = text(
    "INSERT INTO audit_head (organisation_id, sequence, link) VALUES (:organisation, 0, :genesis)"
    " ON CONFLICT (organisation_id) DO UPDATE SET sequence = audit_head.sequence"
    " RETURNING sequence, link"
)


def _chained(previous: str, trace: Trace) -> str:
    return hashlib.sha256(f"{previous}\n{json_text(astuple(trace))}".encode()).hexdigest()


def _plain(text: str) -> str:
    """One line, masked, not longer than it should be; a cut is shown."""
    line = " ".join(without_nir(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"

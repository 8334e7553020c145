"""`echeance verify`: names the first fault of the books, or says that there is none.

Checked, in this order: the chain (each document's content, each link, nothing missing or
inserted), the numbering (1..n in date order), the balance, each billed part on its line, and the
cached rule states against opening + events, the chain of the audit trail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine

from formats.common.anomaly import Anomaly, Code
from integration import audit
from integration.database.bulk import execute_many
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.flows.closing import read_closings
from integration.flows.closing_check import Trust, closing_faults
from integration.posting import CHAIN_VERSION, GENESIS, chain, chain_head, content_digest, reference
from integration.translate.rule_states import patched

PAGE: Final = 2000
_LAST: Final = 2**63 - 1
_SQL = Queries(Path(__file__).with_suffix(".sql"))
_RESTORE = "Restaurez une sauvegarde saine et cherchez qui a modifié la base."

ALTERED = Code("LED-901", "Le document {number} a été modifié après coup.", _RESTORE)
MISSING = Code("LED-902", "Il manque un document entre {before} et {after}.", _RESTORE)
UNLINKED = Code("LED-903", "Le document {number} n'est pas dans la chaîne.", _RESTORE)
BROKEN = Code("LED-904", "Le chaînage est rompu au document {number}.", _RESTORE)
CUT = Code("LED-905", "La chaîne s'arrête au rang {found}, la tête annonce {expected}.", _RESTORE)
GAP = Code("LED-906", "Trou ou désordre de numéros : {number} suit {previous}.", _RESTORE)
BACKDATED = Code("LED-907", "Le document {number} est daté avant le précédent.", _RESTORE)
UNBALANCED = Code("LED-908", "Le document {number} n'est pas équilibré.", _RESTORE)
LOST_PART = Code(
    "LED-909", "Une part facturée du document {number} ne correspond à aucune ligne.", _RESTORE
)
TWICE = Code("LED-910", "Une ligne du document {number} n'a pas sa part facturée.", _RESTORE)
DRIFT = Code(
    "LED-911",
    "L'état enregistré de la règle {rule} diffère de celui que donnent ses événements.",
    "Lancez « echeance verify --repair-cache » après avoir lu le journal.",
)


@dataclass(slots=True)
class Verified:
    """What was looked at, and the first fault or None."""

    documents: int = 0
    parts: int = 0
    rules: int = 0
    closings: int = 0
    fault: Anomaly | None = None


def verify(engine: Engine, organisation_id: int, trust: Trust | None = None) -> Verified:
    """Check everything over one snapshot; stops at the first fault.

    trust: the key and anchors of closings; without it closings aren't looked at.
    """
    found = Verified()

    def closings(connection: Connection, organisation: int, _: Verified) -> Iterator[Anomaly]:
        if trust:
            yield from closing_faults(connection, organisation, trust)
            found.closings = len(list(read_closings(connection, organisation)))

    with snapshot(engine) as connection:
        for check in (_chain, _numbering, _parts, _states, closings, _trail):
            found.fault = next(check(connection, organisation_id, found), None)
            if found.fault:
                break
    return found


def _chain(connection: Connection, organisation: int, found: Verified) -> Iterator[Anomaly]:
    link, sequence, last = GENESIS, 0, ""
    for document, *rows, stored in documents(connection, organisation):
        number = reference(document[2], document[3], document[4])
        if stored is None:
            yield Anomaly(UNLINKED, values={"number": number})
            return
        version, stored_sequence, digest, stored_link, debit, credit = stored
        if stored_sequence != sequence + 1:
            yield Anomaly(MISSING, values={"before": last, "after": number})
        if digest != content_digest(document, *rows):
            yield Anomaly(ALTERED, values={"number": number})
        link = chain(link, number, digest)
        if link != stored_link or version != CHAIN_VERSION:
            yield Anomaly(BROKEN, values={"number": number})
        entries = rows[2]
        if not debit == credit == sum(row[5] for row in entries) == sum(r[6] for r in entries):
            yield Anomaly(UNBALANCED, values={"number": number})
        sequence, last = stored_sequence, number
        found.documents += 1
    head = chain_head(connection, organisation, lock=False)
    links = _SQL.rows(connection, "count_links", organisation=organisation)[0][0]
    if head != (sequence, link) or links != sequence:
        yield Anomaly(CUT, values={"found": sequence, "expected": max(head[0], links)})


def documents(
    connection: Connection, organisation: int, after: int = 0, upto: int = _LAST
) -> Iterator[tuple[Any, ...]]:
    """Documents with their rows as they were hashed, in chain order, a page at a time."""
    while True:
        page = _SQL.rows(
            connection, "documents", organisation=organisation, after=after, upto=upto, limit=PAGE
        )
        if not page:
            return
        ids = [row[0] for row in page]
        children = [
            _by_document(_SQL.rows(connection, name, ids=ids), 5 if name == "parts" else 0)
            for name in ("lines", "care_lines", "entries", "parts")
        ]
        for row in page:
            *document, version, sequence, digest, link, debit, credit = map(_plain, row)
            stored = version and (version, sequence, digest, link, debit, credit)
            yield tuple(document), *(rows.get(row[0], []) for rows in children), stored
        after = ids[-1]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _by_document(rows: list[tuple[Any, ...]], column: int = 0) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(tuple(map(_plain, row)))
    return found


def _numbering(connection: Connection, organisation: int, _: Verified) -> Iterator[Anomaly]:
    """Each series is 1..n and its dates never go back."""
    for journal, year, number, previous, early in _SQL.rows(
        connection, "numbering", organisation=organisation
    ):
        name = reference(journal, year, number)
        before = reference(journal, year, previous or 0)
        if early:
            yield Anomaly(BACKDATED, values={"number": name})
        yield Anomaly(GAP, values={"number": name, "previous": before})


def _parts(connection: Connection, organisation: int, found: Verified) -> Iterator[Anomaly]:
    """Every billed part stands on a posted line, every line of a rule has its part."""
    for query, code in (("lost_parts", LOST_PART), ("lines_without_part", TWICE)):
        for journal, year, number in _SQL.rows(connection, query, organisation=organisation):
            yield Anomaly(code, values={"number": reference(journal, year, number)})
    found.parts = _SQL.rows(connection, "count_parts", organisation=organisation)[0][0]


def _states(connection: Connection, organisation: int, found: Verified) -> Iterator[Anomaly]:
    """Opening state + events = cached state, for every rule."""
    for rebuilt, row in _rebuilt(connection, organisation):
        _, code, _, next_theoretical, cached, count, last = row
        stored = (cached and json.loads(cached), _plain(next_theoretical), count, last)
        if (rebuilt.state, rebuilt.next_theoretical, rebuilt.events, rebuilt.document) != stored:
            yield Anomaly(DRIFT, values={"rule": code})
        found.rules += 1


def _trail(connection: Connection, organisation: int, found: Verified) -> Iterator[Anomaly]:
    """The audit trail's own chain."""
    del found
    yield from audit.faults(connection, organisation)


def repair_states(engine: Engine, organisation_id: int) -> None:
    """Write the cached states again, from opening states and events, which are the truth."""
    sql = (
        "UPDATE rule_state SET state = ?, next_theoretical = ?, events = ?, last_document_id = ?"
        " WHERE rule_id = ?"
    )
    with engine.begin() as connection:
        rows = [
            (json_text(one.state), one.next_theoretical, one.events, one.document, row[0])
            for one, row in _rebuilt(connection, organisation_id)
        ]
        execute_many(connection, sql, rows)


class _Rebuilt(NamedTuple):
    state: dict[str, Any]
    next_theoretical: str | None
    events: int
    document: int | None


def _rebuilt(
    connection: Connection, organisation: int
) -> Iterator[tuple[_Rebuilt, tuple[Any, ...]]]:
    """Each rule's state as its events give it, with its row; a page at a time."""
    after = 0
    while page := _SQL.rows(
        connection, "rules", organisation=organisation, after=after, limit=PAGE
    ):
        events = _by_document(_SQL.rows(connection, "events", ids=[row[0] for row in page]))
        for row in page:
            state, document = json.loads(row[2]), None
            for _, _, event_document, change in events.get(row[0], []):
                state = patched(state, json.loads(change))
                document = event_document or document
            count = len(events.get(row[0], []))
            yield _Rebuilt(state, state.get("next_theoretical"), count, document), row
        after = page[-1][0]

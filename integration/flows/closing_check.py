"""Closings against the books, against their key and against the anchors: the first fault named."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from formats.common.anomaly import Anomaly, Code
from formats.common.french import counted
from formats.signature.ed25519 import is_genuine
from integration.flows.closing import SEALED, SQL, Closing, anchored, read_closings, seal
from integration.posting import GENESIS, reference
from integration.signing import trusted_keys

_RESTORE: Final = "Restaurez une sauvegarde saine et cherchez qui a modifié la base."

FORGED: Final = Code(
    "LED-921",
    "La clôture n° {sequence} ({period}) a été modifiée, ou n'est pas signée par cette maison.",
    _RESTORE,
)
LOST: Final = Code("LED-922", "Il manque la clôture n° {sequence}.", _RESTORE)
REWRITTEN: Final = Code(
    "LED-923",
    "La clôture n° {sequence} ({period}) ne reconnaît plus la chaîne au document {number}.",
    _RESTORE,
)
OTHER_TOTALS: Final = Code(
    "LED-924",
    "Les totaux de la période close {period} ont changé : {found} au lieu de {expected}.",
    _RESTORE,
)
UNSEALED: Final = Code(
    "LED-925", "La table {table} a changé depuis la clôture n° {sequence} ({period}).", _RESTORE
)
OTHER_ANCHOR: Final = Code(
    "LED-926",
    "L'ancre de la clôture n° {sequence} ({period}) dit autre chose que la base.",
    _RESTORE,
)
CUT_OFF: Final = Code(
    "LED-927",
    "Les ancres vont jusqu'à la clôture n° {expected}, la base s'arrête au n° {found}.",
    _RESTORE,
)
NO_ANCHOR: Final = Code(
    "LED-928",
    "La clôture n° {sequence} ({period}) n'a pas d'ancre.",
    "Remettez le fichier des ancres de votre sauvegarde ; après une nuit coupée, rejouez-la.",
)
REOPENED: Final = Code(
    "LED-929", "La clôture n° {sequence} ({period}) a été rouverte dans la base.", _RESTORE
)
ORPHAN: Final = Code("LED-930", "La table {table} a une ligne qui ne se rattache à rien.", _RESTORE)


@dataclass(frozen=True, slots=True)
class Trust:
    """What lies outside the database: the key file, whose public keys count, and the anchors."""

    key: Path
    anchors: Path


def closing_faults(connection: Connection, organisation_id: int, trust: Trust) -> Iterator[Anomaly]:
    """Every fault, the oldest closing first."""
    closings = list(read_closings(connection, organisation_id))
    yield from _signatures(closings, trusted_keys(trust.key))
    yield from _anchors(closings, anchored(trust.anchors))
    yield from _heads(connection, organisation_id, closings)
    yield from _totals(connection, organisation_id, closings)
    yield from _seals(connection, organisation_id, closings)
    yield from _closed(connection, organisation_id, closings)
    for (table,) in SQL.rows(connection, "orphans"):
        yield Anomaly(ORPHAN, values={"table": table})


def _named(one: Closing, **more: object) -> dict[str, object]:
    return {"sequence": one.sequence, "period": one.period, **more}


def _signatures(closings: Sequence[Closing], trusted: frozenset[str]) -> Iterator[Anomaly]:
    previous = GENESIS
    for rank, one in enumerate(closings, 1):
        if one.sequence != rank:
            yield Anomaly(LOST, values={"sequence": rank})
            return
        genuine = one.public_key in trusted and is_genuine(
            one.public_key, one.signed, one.signature
        )
        if not genuine or one.previous != previous:
            yield Anomaly(FORGED, values=_named(one))
        previous = one.digest


def _anchors(closings: Sequence[Closing], lines: Sequence[str]) -> Iterator[Anomaly]:
    for one, line in zip_longest(closings, lines):
        if one is None:
            values = {"expected": len(lines), "found": len(closings)}
            yield Anomaly(CUT_OFF, values=values)
            return
        if line is None:
            yield Anomaly(NO_ANCHOR, values=_named(one))
        elif line != one.anchor:
            yield Anomaly(OTHER_ANCHOR, values=_named(one))


def _heads(
    connection: Connection, organisation_id: int, closings: Sequence[Closing]
) -> Iterator[Anomaly]:
    """The chain went through each head, with the sums that were running then."""
    after, debit, credit = 0, 0, 0
    for one in closings:
        links = SQL.rows(
            connection, "links", organisation=organisation_id, after=after, upto=one.chain_sequence
        )
        debit += sum(row[2] for row in links)
        credit += sum(row[3] for row in links)
        link = links[-1][1] if links else None
        moved = one.chain_sequence > after and link != one.chain_link
        if moved or (debit, credit) != (one.total_debit_cents, one.total_credit_cents):
            number = reference(*links[-1][4:]) if links and links[-1][4] else "manquant"
            yield Anomaly(REWRITTEN, values=_named(one, number=number))
        after = one.chain_sequence


Totals = tuple[int, int, int, int]


def _totals(
    connection: Connection, organisation_id: int, closings: Sequence[Closing]
) -> Iterator[Anomaly]:
    """Documents, entries, debit and credit dated in each closed period are still the same."""
    by_day = {
        _iso(day): (count, int(debit), int(credit))
        for day, count, debit, credit in SQL.rows(
            connection, "by_day", organisation=organisation_id
        )
    }
    rows = SQL.rows(connection, "entries_by_day", organisation=organisation_id)
    entries = Counter({_iso(day): count for day, count in rows})
    known = sorted(by_day)
    for one in closings:
        days = known[bisect_left(known, one.since) : bisect_left(known, one.until)]
        count, debit, credit = (sum(by_day[day][at] for day in days) for at in range(3))
        found = (count, sum(entries[day] for day in days), debit, credit)
        closed = (one.documents, one.entries, one.debit_cents, one.credit_cents)
        if found != closed:
            values = {"period": one.period, "found": _told(found), "expected": _told(closed)}
            yield Anomaly(OTHER_TOTALS, values=values)


def _told(totals: Totals) -> str:
    documents, entries, debit, _ = totals
    many = f"{counted(documents, 'document(s)')}, {counted(entries, 'écriture(s)')}"
    return f"{many}, {debit // 100},{debit % 100:02d} €"


def _seals(
    connection: Connection, organisation_id: int, closings: Sequence[Closing]
) -> Iterator[Anomaly]:
    after = dict.fromkeys(SEALED, 0)
    for one in closings:
        for table, (upto, *sealed) in one.seals.items():
            found = seal(connection, organisation_id, table, after[table], upto)
            if [*found] != sealed:
                yield Anomaly(UNSEALED, values=_named(one, table=table))
            after[table] = upto


def _closed(
    connection: Connection, organisation_id: int, closings: Sequence[Closing]
) -> Iterator[Anomaly]:
    ((until,),) = SQL.rows(connection, "closed_until", organisation=organisation_id)
    last = max(closings, key=lambda one: one.until, default=None)
    if last and (until is None or _iso(until) < _before(last.until)):
        yield Anomaly(REOPENED, values=_named(last))


def _before(day: str) -> str:
    return date.fromordinal(date.fromisoformat(day).toordinal() - 1).isoformat()


def _iso(day: Any) -> str:
    return day.isoformat() if isinstance(day, date) else str(day)

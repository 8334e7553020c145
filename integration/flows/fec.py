"""FEC of a year: opening balances, then every entry in order of validation, a page at a time.

The year's file ends on its last closed day and is named after it, so that the same name always
has the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine

from config.chart import JOURNALS, RETAINED
from formats.accounting import fec
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.exports import keep
from integration.posting import reference

PAGE: Final = 2000
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_BALANCE_SHEET: Final = "12345"  # first digits of accounts that are carried over
_KINDS: Final = {
    "contract": "Facture",
    "care": "Facture de soins",
    "credit": "Avoir",
    "payment": "Règlement",
    "rejection": "Rejet",
    "settlement": "Régularisation",
}

NOTHING_CLOSED: Final = Code(
    "LED-941",
    "Aucun jour de {year} n'est clos : le FEC ne porte que sur des jours clos.",
    "Jouez la nuit, ou clôturez avec « echeance close ».",
)
NO_SIREN: Final = Code(
    "LED-942", "Le SIREN de l'organisation manque.", "Renseignez organisation.siren."
)


class Books(NamedTuple):
    """Whose books: the organisation, its SIREN and the labels of its accounts."""

    engine: Engine
    organisation_id: int
    siren: str
    label: Callable[[str], str]


class Exported(NamedTuple):
    """A file written."""

    path: Path
    entries: int
    sha256: str


def export_fec(books: Books, year: int, folder: Path) -> Exported:
    """Write and judge the FEC of a year; nothing stays of a file that isn't sound.

    Raises AnomaliesFound (LED-941, LED-942, FMT-7xx).
    """
    if not books.siren:
        raise AnomaliesFound(Anomaly(NO_SIREN))
    with snapshot(books.engine) as connection:
        last = _last_day(connection, books, year)
        path = folder / fec.file_name(books.siren, last)
        counted = _Counted(_lines(connection, books, date(year, 1, 1), last + timedelta(1)))
        sha256 = keep(path, fec.written(counted), partial(_judge, path.name))
    return Exported(path, counted.count, sha256)


@dataclass
class _Counted:
    """Lines that pass, counted."""

    lines: Iterable[fec.Line]
    count: int = field(default=0)

    def __iter__(self) -> Iterator[fec.Line]:
        for line in self.lines:
            self.count += 1
            yield line


def _judge(name: str, part: Path) -> None:
    with part.open("rb") as stream:
        report = fec.check(stream, name, limit=100)
    if report.anomalies:
        raise AnomaliesFound(*report.anomalies)


def _last_day(connection: Connection, books: Books, year: int) -> date:
    ((closed,),) = _SQL.rows(connection, "closed_until", organisation=books.organisation_id)
    if closed is None or (last := _date(closed)) < date(year, 1, 1):
        raise AnomaliesFound(Anomaly(NOTHING_CLOSED, values={"year": year}))
    return min(last, date(year, 12, 31))


def _lines(connection: Connection, books: Books, since: date, until: date) -> Iterator[fec.Line]:
    number = 0
    opening = list(_opening(connection, books, since))
    if opening:
        yield from opening
        number = 1
    for document, entries in _documents(connection, books, since, until):
        number += 1
        _, day, journal, year, rank, kind = document
        dated = _date(day)
        piece = reference(journal, year, rank)
        for entry in entries:
            yield fec.Line(
                journal, JOURNALS.get(journal, journal), number, dated,
                entry.account, books.label(entry.account), entry.auxiliary, entry.name,
                piece, dated, f"{_KINDS.get(kind, kind)} {piece}",
                entry.debit_cents, entry.credit_cents, entry.lettering, entry.lettered_on,
            )  # fmt: skip


class _Entry(NamedTuple):
    account: str
    auxiliary: str
    name: str
    debit_cents: int
    credit_cents: int
    lettering: str
    lettered_on: date | None


def _documents(
    connection: Connection, books: Books, since: date, until: date
) -> Iterator[tuple[Any, list[_Entry]]]:
    """Documents that have entries, with them."""
    bounds = {"organisation": books.organisation_id, "since": since, "until": until}
    day, after = since, 0
    while page := _SQL.rows(connection, "documents", **bounds, day=day, after=after, limit=PAGE):
        entries = _entries(connection, books, [row[0] for row in page], until)
        yield from ((row, entries[row[0]]) for row in page if row[0] in entries)
        day, after = _date(page[-1][1]), page[-1][0]


def _entries(
    connection: Connection, books: Books, documents: list[int], until: date
) -> dict[int, list[_Entry]]:
    rows = _SQL.rows(connection, "entries", ids=documents)
    invoices = {row[5] for row in rows if row[5] is not None}
    settled = {
        tuple(row[:4]): _date(row[4])
        for row in _SQL.rows(connection, "lettered", ids=sorted(invoices), until=until)
    }
    names = _names(connection, books, {row[2] for row in rows if row[2]})
    found: dict[int, list[_Entry]] = {}
    for document, account, auxiliary, debit, credit, invoice, share in rows:
        since = settled.get((invoice, share, account, auxiliary))
        letters = _letters(invoice, share) if since else ""
        name = names.get(auxiliary, auxiliary)
        entry = _Entry(account, auxiliary, name, debit, credit, letters, since)
        found.setdefault(document, []).append(entry)
    return found


def _opening(connection: Connection, books: Books, since: date) -> Iterator[fec.Line]:
    """Balances of earlier years, the results among them carried to one account."""
    rows = _SQL.rows(connection, "opening", organisation=books.organisation_id, since=since)
    carried = [(*row[:2], int(row[2])) for row in rows if row[0][0] in _BALANCE_SHEET]
    results = -sum(cents for _, _, cents in carried)
    if results:
        carried.append((RETAINED, "", results))
    names = _names(connection, books, {row[1] for row in carried if row[1]})
    for account, auxiliary, cents in carried:
        yield fec.Line(
            fec.OPENING, JOURNALS[fec.OPENING], 1, since, account, books.label(account),
            auxiliary, names.get(auxiliary, auxiliary), f"{fec.OPENING}{since.year}", since,
            f"À nouveau {since.year}", max(cents, 0), max(-cents, 0),
        )  # fmt: skip


def _names(connection: Connection, books: Books, codes: set[str]) -> dict[str, str]:
    """Names of customers; funds and patients go by their number, which names nobody."""
    rows = _SQL.rows(
        connection, "customers", organisation=books.organisation_id, codes=sorted(codes)
    )
    return {code: name or code for code, name in rows}


def _letters(invoice: int, share: str) -> str:
    """A code of letters for one due of one invoice: `AAB-AMO`."""
    letters = ""
    while invoice:
        invoice, digit = divmod(invoice, 26)
        letters = chr(65 + digit) + letters
    return f"{letters:A>3}-{share}"


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)

"""Journals for accounting software: each entry leaves once, under a numbered export.

An export is a stretch of the chain of documents, from the end of the one before to the head: no
entry is left out or sent twice. Asked again by its number, an export makes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, insert

from formats.accounting import layouts
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.alone import alone
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.database.tables import ledger_export
from integration.exports import keep
from integration.failpoints import reach
from integration.posting import reference

_PAGE: Final = 2000  # links read at a time
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_KINDS: Final = {
    "contract": "Facture",
    "care": "Facture",
    "credit": "Avoir",
    "payment": "Règlement",
    "rejection": "Rejet",
    "settlement": "Régularisation",
}

NO_EXPORT: Final = Code(
    "LED-951", "Il n'y a pas d'export n° {number}.", "Voyez les numéros dans exports/ledger."
)


class Journals(NamedTuple):
    """Whose entries, how accounts are called, and where files go."""

    engine: Engine
    organisation_id: int
    label: Callable[[str], str]
    folder: Path


class Exported(NamedTuple):
    """One export: stretch of the chain, count, control total of debits. number 0: nothing new."""

    number: int
    layout: str
    since_sequence: int
    until_sequence: int
    entries: int = 0
    debit_cents: int = 0
    file_name: str = ""


def export_new(journals: Journals, layout: str) -> Exported:
    """Every entry not exported yet. The row is committed first, the file made from it; a file
    that a kill left unmade is made by the next run. Raises AnomaliesFound (FMT-7xx)."""
    shape = layouts.layout(layout)
    organisation = journals.organisation_id
    with alone(journals.engine, f"ledger-{organisation}"):
        with journals.engine.begin() as connection:
            made, before = _taken(connection, organisation, shape)
            _check(connection, journals, made)
        reach("ledger.taken")
        if before and not (journals.folder / before.file_name).exists():
            _write(journals, before)
        if made.number:
            _write(journals, made)
    return made


def export_again(journals: Journals, number: int) -> Exported:
    """The file of an earlier export once more, the same bytes. Raises AnomaliesFound (LED-951)."""
    with journals.engine.connect() as connection:
        found = _one(connection, journals.organisation_id, number)
    if found is None:
        raise AnomaliesFound(Anomaly(NO_EXPORT, values={"number": number}))
    _write(journals, found)
    return found


def _taken(
    connection: Connection, organisation: int, layout: layouts.Layout
) -> tuple[Exported, Exported | None]:
    """A new row for what is new, and the export before it."""
    last = _SQL.rows(connection, "last", organisation=organisation)
    number, after = last[0] if last else (0, 0)
    before = _one(connection, organisation, number)
    ((upto,),) = _SQL.rows(connection, "head", organisation=organisation)
    if upto == after:
        return Exported(0, layout.name, after, after), before
    ((entries, debit),) = _SQL.rows(
        connection, "totals", organisation=organisation, after=after, upto=upto
    )
    name = f"journal_{number + 1:06d}_{layout.name}{layout.suffix}"
    made = Exported(number + 1, layout.name, after, upto, entries, int(debit), name)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    row = {**made._asdict(), "organisation_id": organisation, "state": "made", "made_at": at}
    connection.execute(insert(ledger_export).values(row))
    return made, before


def _one(connection: Connection, organisation: int, number: int) -> Exported | None:
    rows = _SQL.rows(connection, "one", organisation=organisation, number=number)
    return Exported(*rows[0]) if rows else None


def _check(connection: Connection, journals: Journals, made: Exported) -> None:
    """Make the file once for nothing: what doesn't fit its layout takes no number."""
    for _ in _pieces(connection, journals, made):
        pass


def _write(journals: Journals, made: Exported) -> None:
    with snapshot(journals.engine) as connection:
        keep(journals.folder / made.file_name, _pieces(connection, journals, made))


def _pieces(connection: Connection, journals: Journals, made: Exported) -> Iterator[bytes]:
    lines = _lines(connection, journals, made) if made.number else ()
    return layouts.written(layouts.layout(made.layout), lines)


def _lines(connection: Connection, journals: Journals, made: Exported) -> Iterator[layouts.Line]:
    rank, before = 0, None
    for row in _entries(connection, journals.organisation_id, made):
        sequence, journal, year, number, kind, issued, due, account, auxiliary, debit, credit = row
        rank += sequence != before
        before = sequence
        piece = reference(journal, year, number)
        yield layouts.Line(
            rank, journal, _date(issued), piece, account, journals.label(account), auxiliary,
            f"{_KINDS.get(kind, kind)} {piece}", debit, credit, due and _date(due),
        )  # fmt: skip


def _entries(
    connection: Connection, organisation: int, made: Exported
) -> Iterator[tuple[Any, ...]]:
    for after in range(made.since_sequence, made.until_sequence, _PAGE):
        upto = min(after + _PAGE, made.until_sequence)
        yield from _SQL.rows(
            connection, "entries", organisation=organisation, after=after, upto=upto
        )


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)

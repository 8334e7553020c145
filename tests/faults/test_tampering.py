"""Whoever gets past the triggers is found: `verify` names the first document that was touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, String, Table, and_, select, text
from sqlalchemy.exc import IntegrityError

from billing.closing import Kind, period_of
from formats.common.anomaly import Anomaly
from integration.app import App
from integration.database import tables as t
from integration.database.engine import is_sqlite, make_engine
from integration.flows.closing_check import Trust
from integration.flows.rule_changes import RuleChange, Trail, write
from integration.flows.verify import verify
from integration.posting import reference
from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed

CHAINED = (t.document, t.document_line, t.care_line, t.entry, t.chain_link, t.billed_part)
SEALED = (
    t.rule_event,
    t.rule_change,
    t.return_line,
    t.transmission,
    t.transmission_item,
    t.closing,
)
TABLES = (*CHAINED, *SEALED)
ELSEWHERE = {
    "outbox_event": "what happened to a file after it was posted; not posted itself",
    "audit": "a chain of its own: tests/integration/protection",
}
"""Append-only tables that no closing covers, and why."""
NAMED = ("LED-911", "LED-921", "LED-922", "LED-923", "LED-925", "LED-930")
"""A rule's state, a closing, a table sealed by a closing: each names what was touched."""
LAST = date(2026, 4, 2)
NAMES = ("organisation_id", "journal", "fiscal_year", "number", "document_id")
Row = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """A database, and what lies outside it."""

    engine: Engine
    trust: Trust

    def fault(self) -> Anomaly | None:
        """The first fault."""
        return verify(self.engine, 1, self.trust).fault


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, reference: Undisturbed) -> Iterator[Books]:
    """Books after three nights, closed and sound, and nothing that protects them any more."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    with made.played(reference.arrivals) as home, home.app(LAST) as app:
        _change_by_hand(app)
        app.closer().close(period_of(Kind.DAY, LAST), LAST)
        found = Books(app.engine, app.trust())
        assert found.fault() is None
        with app.engine.begin() as connection:
            for sql in _unprotect(connection):
                connection.exec_driver_sql(sql)
        yield found


def _change_by_hand(app: App) -> None:
    """A manual event with its trail, so that no sealed table is empty."""
    change = RuleChange(1, "", "increase", "", (Trail("increase", "", "none"),), ())
    with app.engine.begin() as connection:
        write(connection, [change], "clerk", app.clock())


def _unprotect(connection: Connection) -> Iterator[str]:
    for name in t.APPEND_ONLY:
        if is_sqlite(connection):
            yield f"DROP TRIGGER keep_{name}_update"
            yield f"DROP TRIGGER keep_{name}_delete"
        else:
            yield f"DROP TRIGGER keep_{name} ON {name}"


@contextmanager
def intruder(engine: Engine) -> Iterator[Connection]:
    """A transaction that foreign keys don't hold back."""
    with engine.connect() as connection:
        if is_sqlite(connection):
            connection.connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[attr-defined]
        with connection.begin():
            if not is_sqlite(connection):
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield connection
        if is_sqlite(connection):
            connection.connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]


def rows(engine: Engine, table: Table) -> list[Row]:
    """Every row, in key order."""
    with engine.connect() as connection:
        query = table.select().order_by(*table.primary_key)
        return [dict(row._mapping) for row in connection.execute(query)]


def key(table: Table, row: Row) -> Any:
    """The condition that finds a row."""
    return and_(*(column == row[column.name] for column in table.primary_key))


def other(column: Column[Any], value: Any) -> Any:
    """A value of the same type that differs by little."""
    match value:
        case None:
            return date(2026, 1, 1) if "DATE" in str(column.type) else _first(column)
        case date():
            return value + timedelta(1)
        case int():
            return value + 1
        case _:
            length = column.type.length if isinstance(column.type, String) else None
            return value + " " if length is None else "~" + value[1:]


def _first(column: Column[Any]) -> Any:
    return "~" if isinstance(column.type, String) else 1


def number_of(engine: Engine, document_id: int) -> str:
    """As printed."""
    with engine.connect() as connection:
        found = connection.execute(
            select(t.document.c.journal, t.document.c.fiscal_year, t.document.c.number).where(
                t.document.c.id == document_id
            )
        ).one()
    return reference(*found)


def test_f23_every_append_only_table_is_tried_here() -> None:
    assert {table.name for table in TABLES} | set(ELSEWHERE) == set(t.APPEND_ONLY)


@pytest.mark.feature("X-TMP-01")
@pytest.mark.parametrize("table", CHAINED, ids=lambda table: table.name)
def test_f23_every_column_of_a_posted_row_is_watched(books: Books, table: Table) -> None:
    found = rows(books.engine, table)
    row = found[len(found) // 2]
    document_id = row["id" if table is t.document else "document_id"]
    number = number_of(books.engine, document_id)
    for column in table.columns:
        changed = other(column, row[column.name])
        fault = fault_after(books, table, row, {column.name: changed})
        assert fault, f"{table.name}.{column.name} changed unseen"
        if column.name in NAMES or column.primary_key:
            continue  # the document goes by another name now
        if isinstance(fault, Anomaly):
            assert number in fault.values.values(), f"{column.name}: {fault}"
    assert books.fault() is None


@pytest.mark.feature("X-TMP-01")
@pytest.mark.parametrize("table", SEALED, ids=lambda table: table.name)
@pytest.mark.parametrize("place", [0, 0.5, 1], ids=["first", "middle", "last"])
def test_f23_every_column_of_a_sealed_row_is_watched(
    books: Books, table: Table, place: float
) -> None:
    found = rows(books.engine, table)
    row = found[int(place * (len(found) - 1))]
    for column in table.columns:
        changed = other(column, row[column.name])
        fault = fault_after(books, table, row, {column.name: changed})
        assert fault, f"{table.name}.{column.name} changed unseen"
        if isinstance(fault, Anomaly) and not column.primary_key:
            assert fault.code.id in NAMED, f"{column.name}: {fault}"
    assert books.fault() is None


def fault_after(books: Books, table: Table, row: Row, changes: Row) -> Anomaly | str | None:
    """What is found after a change that is then taken back; the database may refuse it itself."""
    try:
        with intruder(books.engine) as connection:
            connection.execute(table.update().where(key(table, row)).values(changes))
    except IntegrityError as error:
        return type(error.orig).__name__
    fault = books.fault()
    with intruder(books.engine) as connection:
        connection.execute(table.update().where(key(table, row | changes)).values(row))
    return fault


@pytest.mark.feature("X-TMP-01")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("place", [0, 0.5, 1], ids=["first", "middle", "last"])
def test_f23_a_row_removed_is_missed(books: Books, table: Table, place: float) -> None:
    found = rows(books.engine, table)
    row = found[int(place * (len(found) - 1))]
    with intruder(books.engine) as connection:
        connection.execute(table.delete().where(key(table, row)))
    fault = books.fault()
    with intruder(books.engine) as connection:
        connection.execute(table.insert().values(row))
    assert fault, f"row removed from {table.name} unseen"
    assert books.fault() is None


MORE: dict[Table, Row] = {
    t.document: {"id": 9000, "number": 9000, "b2_number": None},
    t.document_line: {"position": 9000},
    t.care_line: {"position": 9000},
    t.entry: {"position": 9000},
    t.chain_link: {"sequence": 9000, "document_id": 9000},
    t.billed_part: {"subject_id": 9000},
    t.rule_event: {"sequence": 9000},
    t.rule_change: {"sequence": 9000},
    t.return_line: {"rank": 9000, "id": 0},
    t.transmission: {"file_identifier": "~", "id": 0},
    t.transmission_item: {"attempt": 9000},
    t.closing: {"sequence": 9000, "kind": "~"},
}


@pytest.mark.parametrize("table", MORE, ids=lambda table: table.name)
def test_f23_a_row_added_is_seen(books: Books, table: Table) -> None:
    row = rows(books.engine, table)[0] | MORE[table]
    with intruder(books.engine) as connection:
        connection.execute(table.insert().values(row))
    fault = books.fault()
    with intruder(books.engine) as connection:
        connection.execute(table.delete().where(key(table, row)))
    assert fault, f"row added to {table.name} unseen"
    assert books.fault() is None


def test_f23_the_last_document_cut_off_with_all_its_rows_is_missed(books: Books) -> None:
    last = rows(books.engine, t.chain_link)[-1]["document_id"]
    cut = [(table, table.c.id if table is t.document else table.c.document_id) for table in CHAINED]
    kept = {
        table: [row for row in rows(books.engine, table) if row[column.name] == last]
        for table, column in cut
    }
    with intruder(books.engine) as connection:
        for table, column in cut:
            connection.execute(table.delete().where(column == last))
    fault = books.fault()
    with intruder(books.engine) as connection:
        for table, found in kept.items():
            if found:
                connection.execute(table.insert(), found)
    assert fault
    assert fault.code.id == "LED-905"
    assert books.fault() is None


def test_f23_a_cached_state_that_drifts_is_found(stage: Stage, reference: Undisturbed) -> None:
    with stage.played(reference.arrivals) as home:
        engine = make_engine(home.url)
        for column in t.rule_state.columns:
            if column.primary_key:
                continue
            row = rows(engine, t.rule_state)[2]
            change = other(column, row[column.name])
            if column.name == "state":
                change = '{"occurrences": 99}'
            books = Books(engine, Trust(home.settings.signing_key, home.folder / "none"))
            fault = fault_after(books, t.rule_state, row, {column.name: change})
            assert isinstance(fault, Anomaly), f"{column.name} drifts unseen"
            assert fault.code.id == "LED-911"
        assert verify(engine, 1).fault is None
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM rule_state WHERE rule_id = 1"))
        fault = verify(engine, 1).fault
        engine.dispose()
        assert fault

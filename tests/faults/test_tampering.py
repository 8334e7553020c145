"""Whoever gets past the triggers is found: `verify` names the first document that was touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, String, Table, and_, select, text
from sqlalchemy.exc import IntegrityError

from formats.common.anomaly import Anomaly
from integration.database import tables as t
from integration.database.engine import is_sqlite, make_engine
from integration.flows.verify import verify
from integration.posting import reference
from tests.faults.killing import run
from tests.faults.scenario import play
from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed

TABLES = (t.document, t.document_line, t.care_line, t.entry, t.chain_link, t.billed_part)
NAMES = ("organisation_id", "journal", "fiscal_year", "number", "document_id")
Row = dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, reference: Undisturbed) -> Iterator[Engine]:
    """Books after three nights, sound, and nothing that protects them any more."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    with made.fresh() as home:
        run(lambda: play(home, reference.arrivals))
        engine = make_engine(home.url)
        assert verify(engine, 1).fault is None
        with engine.begin() as connection:
            for sql in _unprotect(connection):
                connection.exec_driver_sql(sql)
        yield engine
        engine.dispose()


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


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_of_a_posted_row_is_watched(books: Engine, table: Table) -> None:
    found = rows(books, table)
    row = found[len(found) // 2]
    document_id = row["id" if table is t.document else "document_id"]
    number = number_of(books, document_id)
    for column in table.columns:
        changed = other(column, row[column.name])
        fault = fault_after(books, table, row, {column.name: changed})
        assert fault, f"{table.name}.{column.name} changed unseen"
        if column.name in NAMES or column.primary_key:
            continue  # the document goes by another name now
        if isinstance(fault, Anomaly):
            assert number in fault.values.values(), f"{column.name}: {fault}"
    assert verify(books, 1).fault is None


def fault_after(engine: Engine, table: Table, row: Row, changes: Row) -> Anomaly | str | None:
    """What is found after a change that is then taken back; the database may refuse it itself."""
    try:
        with intruder(engine) as connection:
            connection.execute(table.update().where(key(table, row)).values(changes))
    except IntegrityError as error:
        return type(error.orig).__name__
    fault = verify(engine, 1).fault
    with intruder(engine) as connection:
        connection.execute(table.update().where(key(table, row | changes)).values(row))
    return fault


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("place", [0, 0.5, 1], ids=["first", "middle", "last"])
def test_a_row_removed_is_missed(books: Engine, table: Table, place: float) -> None:
    found = rows(books, table)
    row = found[int(place * (len(found) - 1))]
    with intruder(books) as connection:
        connection.execute(table.delete().where(key(table, row)))
    fault = verify(books, 1).fault
    with intruder(books) as connection:
        connection.execute(table.insert().values(row))
    assert fault, f"row removed from {table.name} unseen"
    assert verify(books, 1).fault is None


MORE: dict[Table, Row] = {
    t.document: {"id": 9000, "number": 9000, "b2_number": None},
    t.document_line: {"position": 9000},
    t.care_line: {"position": 9000},
    t.entry: {"position": 9000},
    t.chain_link: {"sequence": 9000, "document_id": 9000},
    t.billed_part: {"subject_id": 9000},
}


@pytest.mark.parametrize("table", MORE, ids=lambda table: table.name)
def test_a_row_added_is_seen(books: Engine, table: Table) -> None:
    row = rows(books, table)[0] | MORE[table]
    with intruder(books) as connection:
        connection.execute(table.insert().values(row))
    fault = verify(books, 1).fault
    with intruder(books) as connection:
        connection.execute(table.delete().where(key(table, row)))
    assert fault, f"row added to {table.name} unseen"
    assert verify(books, 1).fault is None


def test_the_last_document_cut_off_with_all_its_rows_is_missed(books: Engine) -> None:
    last = rows(books, t.chain_link)[-1]["document_id"]
    cut = [(table, table.c.id if table is t.document else table.c.document_id) for table in TABLES]
    kept = {
        table: [row for row in rows(books, table) if row[column.name] == last]
        for table, column in cut
    }
    with intruder(books) as connection:
        for table, column in cut:
            connection.execute(table.delete().where(column == last))
    fault = verify(books, 1).fault
    with intruder(books) as connection:
        for table, found in kept.items():
            if found:
                connection.execute(table.insert(), found)
    assert fault
    assert fault.code.id == "LED-905"
    assert verify(books, 1).fault is None


def test_a_cached_state_that_drifts_is_found(stage: Stage, reference: Undisturbed) -> None:
    with stage.fresh() as home:
        run(lambda: play(home, reference.arrivals))
        engine = make_engine(home.url)
        for column in t.rule_state.columns:
            if column.primary_key:
                continue
            row = rows(engine, t.rule_state)[2]
            change = other(column, row[column.name])
            if column.name == "state":
                change = '{"occurrences": 99}'
            fault = fault_after(engine, t.rule_state, row, {column.name: change})
            assert isinstance(fault, Anomaly), f"{column.name} drifts unseen"
            assert fault.code.id == "LED-911"
        assert verify(engine, 1).fault is None
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM rule_state WHERE rule_id = 1"))
        fault = verify(engine, 1).fault
        engine.dispose()
        assert fault

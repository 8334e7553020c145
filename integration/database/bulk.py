"""The one bulk writer: COPY on PostgreSQL, executemany on SQLite.

Rows are plain tuples of int, str, bytes and None in the order of the named columns; dates are
ISO text, which both databases read as dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Connection, Table

from integration.database.engine import is_sqlite, raw_cursor

Row = Sequence[object]


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Insert all rows, inside the connection's transaction, in one statement."""
    names = tuple(columns)
    with raw_cursor(connection) as raw:
        if is_sqlite(connection):
            raw.executemany(_insert_sql(table.name, names), rows)
            return
        with raw.copy(_copy_sql(table.name, names)) as copy:
            write = copy.write_row
            for row in rows:
                write(row)


def execute_many(connection: Connection, sql: str, rows: Iterable[Row]) -> None:
    """Run one statement with `?` placeholders for each row."""
    with raw_cursor(connection) as raw:
        raw.executemany(sql if is_sqlite(connection) else sql.replace("?", "%s"), rows)


def reserve_ids(connection: Connection, name: str, count: int) -> int:
    """Take `count` consecutive ids of a table; returns the first. Rolled back with the work."""
    sql = (
        "INSERT INTO id_block (name, last_id) VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET last_id = id_block.last_id + excluded.last_id "
        "RETURNING last_id"
    )
    with raw_cursor(connection) as raw:
        raw.execute(sql if is_sqlite(connection) else sql.replace("?", "%s"), (name, count))
        last: int = raw.fetchone()[0]
    return last - count + 1


@cache
def _insert_sql(table: str, columns: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"


@cache
def _copy_sql(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN"

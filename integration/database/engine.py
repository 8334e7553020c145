"""Engines: SQLite (one file, WAL, BEGIN IMMEDIATE) and PostgreSQL, told apart only here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

BUSY_TIMEOUT_MS = 10_000
_TIMEOUTS = {
    "statement_timeout": "30min",
    "lock_timeout": "5min",  # longer than a large file takes to import
    "idle_in_transaction_session_timeout": "30min",
}
_CONNECT_TIMEOUT_S = "10"
_GIVEN = re.compile(r"-c\s*(\w+)=(\S+)")
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a committed posting survives a power cut
    "foreign_keys=ON",
    "recursive_triggers=ON",  # else REPLACE removes a posted row behind its triggers
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)


def make_engine(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql+psycopg://…`; transactions are explicit."""
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url)
    return create_engine(url, pool_pre_ping=True, pool_size=4, connect_args=connecting(url))


def limits(url: str) -> dict[str, str]:
    """How long the database may keep us waiting; `options` of the URL change PostgreSQL's."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"busy_timeout": f"{BUSY_TIMEOUT_MS // 1000}s"}
    given = connecting(url)
    return {**dict(_GIVEN.findall(given["options"])), "connect_timeout": given["connect_timeout"]}


def connecting(url: str) -> dict[str, str]:
    """How PostgreSQL is asked for a connection; what the URL says comes last and wins."""
    query = make_url(url).query
    options = [f"-c {name}={value}" for name, value in _TIMEOUTS.items()]
    return {
        "options": " ".join([*options, str(query.get("options", ""))]).strip(),
        "connect_timeout": str(query.get("connect_timeout", _CONNECT_TIMEOUT_S)),
    }


def give_way(connection: Connection) -> None:
    """For a short transaction that everybody queues behind: who is frozen in it (SIGSTOP, a laptop
    closed) loses it after two seconds. SQLite's servers are alone."""
    if not is_sqlite(connection):
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '2s'")


def wait_for_ever(connection: Connection, *, local: bool = False) -> None:
    """Take the time-outs off this session, or (local) off its transaction."""
    if not is_sqlite(connection):
        for name in _TIMEOUTS:
            connection.exec_driver_sql(f"SET {'LOCAL ' if local else ''}{name} = 0")


def wait_no_longer(connection: Connection) -> None:
    """The session's time-outs again."""
    if not is_sqlite(connection):
        for name in _TIMEOUTS:
            connection.exec_driver_sql(f"RESET {name}")


def is_sqlite(connection: Connection) -> bool:
    """True on the embedded database."""
    return connection.dialect.name == "sqlite"


@contextmanager
def raw_cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor, for speed; its errors are SQLAlchemy's (IntegrityError…), so that
    nobody has to know two families of them."""
    driver: Any = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        yield cursor
    except driver.Error as error:
        raise DBAPIError.instance(None, None, error, driver.Error) from error
    finally:
        cursor.close()


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection whose reads all see one moment, and that never writes."""
    options = (
        {"sqlite_begin": "DEFERRED"}
        if engine.dialect.name == "sqlite"
        else {"isolation_level": "REPEATABLE READ"}
    )
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


_HOT = "document, document_line, care_line, entry, billed_part, rule_event, chain_link, rule_state"
_FEW_ROWS = 10_000


def refresh_statistics(engine: Engine) -> None:
    """Tell PostgreSQL that tables it knows as empty are filling up.

    Foreign-key checks and look-ups planned on an empty table scan it from end to end: the first
    20 000 invoices would take a minute instead of seconds (performance.md §5, trap).
    """
    if engine.dialect.name == "sqlite":
        return
    with engine.begin() as connection:
        known = connection.exec_driver_sql(
            "SELECT reltuples FROM pg_class WHERE oid = 'document'::regclass"
        ).scalar_one()
        if known < _FEW_ROWS:
            connection.exec_driver_sql(f"ANALYZE {_HOT}")


def configure_sqlite(dbapi: Any, _record: object) -> None:
    """What every connection to the embedded database is told first."""
    dbapi.isolation_level = None  # the driver must not open transactions behind our back
    for pragma in _PRAGMAS:
        dbapi.execute(f"PRAGMA {pragma}")


def _sqlite(url: str) -> Engine:
    engine = create_engine(url)
    event.listen(engine, "connect", configure_sqlite)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a reader that turns writer would fail with "database is locked".
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine

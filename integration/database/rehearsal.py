"""An engine that commits nothing: its transactions are savepoints of one that is never ended.

So a verb can be tried whole, on both databases: what its first step writes its next one reads, and
in the end all of it is gone. Meanwhile whoever else writes waits, as behind any long transaction.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine import make_url

from integration.database.engine import configure_sqlite, connecting, is_sqlite

_OPTION: Final = "rehearsal"


def rehearsal_engine(url: str) -> Engine:
    """An engine for the same URLs as `make_engine`, for one thread; dispose it to forget all."""
    embedded = make_url(url).get_backend_name() == "sqlite"
    engine = create_engine(
        url,
        poolclass=StaticPool,
        pool_reset_on_return=None,
        execution_options={_OPTION: True},
        connect_args={} if embedded else connecting(url),
    )
    if embedded:
        event.listen(engine, "connect", configure_sqlite)
        event.listen(engine, "connect", lambda dbapi, _: dbapi.execute("BEGIN IMMEDIATE"))
    dialect: Any = engine.dialect
    for name in ("do_commit", "do_rollback", "set_isolation_level", "reset_isolation_level"):
        setattr(dialect, name, _nothing)  # one connection, one transaction, one isolation
    savepoints = _Savepoints()
    event.listen(engine, "begin", savepoints.begin)
    event.listen(engine, "commit", savepoints.commit)
    event.listen(engine, "rollback", savepoints.roll_back)
    return engine


def is_rehearsal(engine: Engine) -> bool:
    """Whether nothing this engine is told will last."""
    return bool(engine.get_execution_options().get(_OPTION))


def _nothing(*_: object) -> None:
    """What is left of an act the one transaction doesn't know."""


class _Savepoints:
    """The transactions that are open, outermost first, each a savepoint named by its place."""

    def __init__(self) -> None:
        self._open: list[Connection] = []
        self._readers: set[int] = set()  # places over which another one was committed

    def begin(self, connection: Connection) -> None:
        """A transaction begins inside those that are open."""
        self._open.append(connection)
        self._readers.discard(len(self._open))
        _run(connection, f"SAVEPOINT rehearsal_{len(self._open)}")

    def commit(self, connection: Connection) -> None:
        """What it wrote is there for all to read."""
        if place := self._left(connection):
            _run(connection, f"RELEASE SAVEPOINT rehearsal_{place}")
            self._readers |= set(range(1, place))

    def roll_back(self, connection: Connection) -> None:
        """What it wrote is gone; what others committed meanwhile stays, as it would: a transaction
        that lets others commit beside it has only read."""
        if place := self._left(connection):
            if place not in self._readers or _broken(connection):
                _run(connection, f"ROLLBACK TO SAVEPOINT rehearsal_{place}")
            _run(connection, f"RELEASE SAVEPOINT rehearsal_{place}")

    def _left(self, connection: Connection) -> int:
        """The place it had, from 1; 0 when it ended with one it stood in."""
        for place, one in enumerate(self._open, 1):
            if one is connection:
                del self._open[place - 1 :]
                return place
        return 0


def _broken(connection: Connection) -> bool:
    """Whether PostgreSQL takes nothing more before a rollback."""
    driver: Any = connection.connection.driver_connection
    return not is_sqlite(connection) and driver.info.transaction_status.name == "INERROR"


def _run(connection: Connection, sql: str) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(sql)

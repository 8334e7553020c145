"""Who holds a row: a sender's token, and how others see that it is dead.

On SQLite one sender works at a time; whatever lease it finds is a dead one's. On PostgreSQL several
servers send at once: a sender holds an advisory lock on its token as long as it lives, and a lease
counts while that lock is held and its time isn't over. So a killed sender's rows are free at once,
a frozen one's after a while.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, text

from integration.database.alone import alone, let_go

_SPACE: Final = 4244  # of the tokens' advisory locks
_TOKENS: Final = 2**31 - 1

FREE: Final = {
    "sqlite": "(lease_token IS NULL OR lease_token <> :token)",
    "postgresql": f"""(lease_token IS NULL OR lease_until <= {{now}} OR NOT EXISTS (
        SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = {_SPACE}
        AND objid = lease_token AND database =
        (SELECT oid FROM pg_database WHERE datname = current_database())))""",
}
NOW: Final = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)",
}


@contextmanager
def sender(engine: Engine, organisation_id: int) -> Iterator[int]:
    """A token for one sending; on SQLite whoever comes second waits."""
    if engine.dialect.name == "sqlite":
        with alone(engine, f"outbox-{organisation_id}"), living_token(engine) as token:
            yield token
        return
    with living_token(engine) as token:
        yield token


@contextmanager
def living_token(engine: Engine) -> Iterator[int]:
    """A token that PostgreSQL knows to be alive till the end; on SQLite only a number."""
    token = 1 + secrets.randbelow(_TOKENS)
    if engine.dialect.name == "sqlite":
        yield token
        return
    values = {"space": _SPACE, "token": token}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:space, CAST(:token AS INTEGER))"), values)
        try:
            yield token
        finally:
            let_go(connection, "SELECT pg_advisory_unlock(:space, CAST(:token AS INTEGER))", values)


def free(dialect: str) -> str:
    """The SQL condition on a row that nobody alive holds."""
    return FREE[dialect].format(now=NOW[dialect])

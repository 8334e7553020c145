"""One process at a time: who comes second waits, then finds the work done.

Unique keys decide what is posted once; this only keeps two processes from doing the same work and
from writing the same file. A killed holder frees the place: the kernel or the server sees to it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.again import lost
from integration.database.engine import wait_for_ever, wait_no_longer

ALREADY_SERVED: Final = Code(
    "RUN-160",
    "Un serveur tourne déjà sur cette base (processus {pid}).",
    "Arrêtez-le d'abord ; pour en avoir plusieurs, passez à PostgreSQL.",
)
_SPACE: Final = 4243  # of our advisory locks on PostgreSQL


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[None]:
    """Hold `name` on this database; waits while another process holds it."""
    if engine.dialect.name == "sqlite":
        with Path(f"{engine.url.database}.{name}.lock").open("ab") as file:
            # Not flock: a forked worker would inherit it and hold it for us, for ever.
            fcntl.lockf(file, fcntl.LOCK_EX)
            yield
        return
    values = {"space": _SPACE, "name": name}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wait_for_ever(connection)
        connection.execute(text("SELECT pg_advisory_lock(:space, hashtext(:name))"), values)
        try:
            wait_no_longer(connection)
            yield
        finally:
            let_go(connection, "SELECT pg_advisory_unlock(:space, hashtext(:name))", values)


def let_go(connection: Connection, sql: str, values: Mapping[str, object]) -> None:
    """Free an advisory lock; a connection that was lost meanwhile has freed it already."""
    try:
        connection.execute(text(sql), values)
    except DBAPIError as error:
        if not lost(error):
            raise


@contextmanager
def only_server(engine: Engine) -> Iterator[None]:
    """Be the one server of an SQLite file; on PostgreSQL there may be several.

    Raises AnomaliesFound (RUN-160) at once, with the number of the process that is there.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    with Path(f"{engine.url.database}.serve.lock").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise AnomaliesFound(Anomaly(ALREADY_SERVED, values={"pid": file.read()})) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

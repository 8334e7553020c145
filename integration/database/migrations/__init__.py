"""Schema migrations: killable anywhere, rerunnable, one server at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.engine import is_sqlite, make_engine, wait_for_ever
from integration.database.tables import APPEND_ONLY
from integration.failpoints import reach

SCHEMA_NEW: Final = Code(
    "CFG-110",
    "La base est au schéma {found}, plus récent que ce programme, qui connaît le {known}.",
    "Installez la version qui a servi la dernière fois, ou restaurez une sauvegarde d'avant.",
)
_HERE = Path(__file__).parent
_LOCK = 4242  # advisory lock of PostgreSQL: two servers migrate one after the other


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema, in one transaction.

    Raises AnomaliesFound (CFG-110) when the database is newer than the program.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            wait_for_ever(connection, local=True)
            if not is_sqlite(connection):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            refuse_newer(_revision(connection))
            config.attributes["connection"] = connection
            reach("migration.begun")
            command.upgrade(config, "head")
            reach("migration.made")
            protect(connection)
            reach("migration.protected")
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema of this program, not an older one.

    Raises AnomaliesFound (CFG-110) for a newer one.
    """
    found = revision(engine)
    refuse_newer(found)
    return found == newest()


def newest() -> str:
    """The schema this program knows."""
    return max(path.name.partition("_")[0] for path in _HERE.glob("versions/[0-9]*.py"))


def revision(engine: Engine) -> str | None:
    """The schema of a database, None when it has none."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found) if found else None


def refuse_newer(found: str | None) -> None:
    """Raises AnomaliesFound (CFG-110) for a schema this program doesn't know yet."""
    if found is not None and found > newest():
        raise AnomaliesFound(Anomaly(SCHEMA_NEW, values={"found": found, "known": newest()}))


def protect(connection: Connection) -> None:
    """(Re)create the triggers that make posted tables append-only."""
    for sql in _sqlite_triggers() if is_sqlite(connection) else _postgresql_triggers():
        connection.exec_driver_sql(sql)


def _sqlite_triggers() -> list[str]:
    return [
        sql
        for table in APPEND_ONLY
        for verb in ("UPDATE", "DELETE")
        for sql in (
            f"DROP TRIGGER IF EXISTS keep_{table}_{verb.lower()}",
            f"CREATE TRIGGER keep_{table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'append only: {table}'); END",
        )
    ]


def _postgresql_triggers() -> list[str]:
    refuse = (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'append only: %%', TG_TABLE_NAME; END $$"
    )
    # A statement trigger costs nothing to COPY and also stops TRUNCATE.
    return [refuse] + [
        sql
        for table in APPEND_ONLY
        for sql in (
            f"DROP TRIGGER IF EXISTS keep_{table} ON {table}",
            f"CREATE TRIGGER keep_{table} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        )
    ]

"""Schema migrations: killable anywhere, rerunnable, one server at a time."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from integration.database.engine import is_sqlite, make_engine
from integration.database.tables import APPEND_ONLY

_HERE = Path(__file__).parent
_LOCK = 4242  # advisory lock of PostgreSQL: two servers migrate one after the other


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema, in one transaction.

    Raises alembic.util.CommandError when the database is newer than the program.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            if not is_sqlite(connection):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            protect(connection)
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema of this program, neither older nor newer."""
    newest = max(path.name.partition("_")[0] for path in _HERE.glob("versions/[0-9]*.py"))
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return bool(found == newest)


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

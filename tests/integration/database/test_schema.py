"""The migrated schema is the one of `tables.py`; migrating again changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from formats.common.anomaly import AnomaliesFound
from integration.database import migrations
from integration.database.tables import APPEND_ONLY, metadata


def test_the_migrated_schema_is_that_of_the_tables(shared_engine: Engine) -> None:
    with shared_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_missing_column_would_be_noticed(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE simulation DROP COLUMN summary"))
        context = MigrationContext.configure(connection)
        ((change, _, table, column),) = compare_metadata(context, metadata)
    assert (change, table, column.name) == ("add_column", "simulation", "summary")


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    before = _schema(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO organisation (id, code) VALUES (1, 'DEMO')"))
    migrations.upgrade(engine.url.render_as_string(hide_password=False))
    assert _schema(engine) == before
    with engine.connect() as connection:
        assert connection.execute(text("SELECT code FROM organisation")).all() == [("DEMO",)]


def test_a_newer_database_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(AnomaliesFound, match="CFG-110"):
        migrations.upgrade(engine.url.render_as_string(hide_password=False))


def test_one_head() -> None:
    from pathlib import Path

    folder = Path(migrations.__file__).parent
    assert len(ScriptDirectory(str(folder)).get_heads()) == 1


def test_posted_tables_keep_their_guards_after_a_migration(engine: Engine) -> None:
    migrations.upgrade(engine.url.render_as_string(hide_password=False))
    sqlite = engine.dialect.name == "sqlite"
    found = (
        "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if sqlite
        else "SELECT DISTINCT event_object_table FROM information_schema.triggers"
    )
    with engine.connect() as connection:
        assert set(connection.scalars(text(found))) == set(APPEND_ONLY)


def _schema(engine: Engine) -> dict[str, Any]:
    looked = inspect(engine)
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in looked.get_columns(name)],
            sorted((i["name"], i["unique"], *i["column_names"]) for i in looked.get_indexes(name)),
        )
        for name in sorted(looked.get_table_names())
    }

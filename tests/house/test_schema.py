"""The frozen migrations make the tables that the code knows."""

from __future__ import annotations

import pytest

from integration.database.migrations.ddl import DIALECTS, VERSIONS, schema_sql


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_migration_makes_the_tables_of_the_code(dialect: str) -> None:
    """A change of tables needs a migration of its own, then this test names that one."""
    frozen = (VERSIONS / f"0001_foundation.{dialect}.sql").read_text("utf-8")
    assert frozen == schema_sql(dialect)

"""The database fixtures: migrated, empty, and each test's own."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect


@pytest.mark.parametrize("run", [1, 2])
def test_each_test_has_a_migrated_database_of_its_own(engine: Engine, run: int) -> None:
    assert "left_over" not in inspect(engine).get_table_names()
    assert inspect(engine).get_table_names()
    with engine.begin() as connection:
        connection.exec_driver_sql("create table left_over (run integer)")

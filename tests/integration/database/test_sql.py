"""Every query of every .sql file is understood by both databases, with the columns of today."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

import integration
from integration.database import sql
from integration.database.engine import is_sqlite, raw_cursor

ROOT = Path(integration.__file__).parent
FILES = sorted(
    path for path in ROOT.rglob("*.sql") if "migrations" not in path.relative_to(ROOT).parts
)
QUERIES = [(path, name) for path in FILES for name in sql.Queries(path)._sql]


POSTGRESQL_ONLY = {"statistics"}


def _question(text: str, embedded: bool) -> tuple[str, dict[str, Any]]:
    """The query as asked on one database, every bind empty."""
    asked = sql._dialect(text, embedded)
    mark = r"(?<!:):(\w+)" if embedded else r"%\((\w+)\)s"
    return asked, dict.fromkeys(re.findall(mark, asked))


@pytest.mark.parametrize(
    ("path", "name"), QUERIES, ids=[f"{path.stem}-{name}" for path, name in QUERIES]
)
def test_a_query_is_understood(shared_engine: Engine, path: Path, name: str) -> None:
    if name in POSTGRESQL_ONLY and shared_engine.dialect.name == "sqlite":
        return  # it asks about the server itself
    with shared_engine.connect() as connection, connection.begin():
        asked, values = _question(sql.Queries(path)._sql[name], is_sqlite(connection))
        with raw_cursor(connection) as raw:
            raw.execute(f"EXPLAIN {asked}", values)
            assert raw.fetchall()


def test_there_is_something_to_ask() -> None:
    assert {path.stem for path in FILES} >= {"gather", "verify", "unpaid", "report"}
    assert len(QUERIES) > 40


def test_a_typo_is_found(shared_engine: Engine) -> None:
    with (
        pytest.raises(Exception, match="no_such_column"),
        shared_engine.connect() as connection,
        raw_cursor(connection) as raw,
    ):
        raw.execute("EXPLAIN SELECT no_such_column FROM document")


def test_sets_and_dates_bind_the_same(shared_engine: Engine, tmp_path: Path) -> None:
    from datetime import date

    file = tmp_path / "some.sql"
    file.write_text(
        "-- :sets\nSELECT n FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) t"
        " WHERE n {ids} ORDER BY n\n\n-- :cast\nSELECT count(*) FROM document"
        " WHERE issued_on <= :day\n"
    )
    queries = sql.Queries(file)
    with shared_engine.connect() as connection:
        assert queries.rows(connection, "sets", ids={1, 3}) == [(1,), (3,)]
        assert queries.rows(connection, "sets", ids=[]) == []
        assert queries.rows(connection, "cast", day=date(2026, 1, 1)) == [(0,)]

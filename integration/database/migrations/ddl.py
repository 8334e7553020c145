"""The schema as SQL, for a migration to freeze: `python -m integration.database.migrations.ddl`.

A migration executes the file that was written when it was made; it never asks today's tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_mock_engine

from integration.database.tables import metadata
from integration.failpoints import reach

VERSIONS: Final = Path(__file__).parent / "versions"
DIALECTS: Final = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
_BETWEEN: Final = ";\n\n"


def schema_sql(dialect: str) -> str:
    """The statements that make today's tables, as one text."""
    statements: list[str] = []

    def keep(statement: object, *_: object) -> None:
        text = str(statement.compile(dialect=engine.dialect))  # type: ignore[attr-defined]
        lines = (line.rstrip().replace("\t", "  ") for line in text.strip().splitlines())
        statements.append("\n".join(line for line in lines if line))

    engine = create_mock_engine(DIALECTS[dialect], keep)
    metadata.create_all(engine, checkfirst=False)
    # Tables in the order of their keys, then indexes by name: SQLAlchemy keeps those in a set.
    statements.sort(key=lambda sql: "" if sql.startswith("CREATE TABLE") else sql)
    return _BETWEEN.join(statements) + ";\n"


def execute(connection: Connection, revision: str) -> None:
    """Run the frozen SQL of a revision for the connection's dialect."""
    text = (VERSIONS / f"{revision}.{connection.dialect.name}.sql").read_text("utf-8")
    for statement in text.removesuffix(";\n").split(_BETWEEN):
        connection.exec_driver_sql(statement)
        reach("migration.statement")


if __name__ == "__main__":
    for name in DIALECTS:
        (VERSIONS / f"0001_foundation.{name}.sql").write_text(schema_sql(name), "utf-8")

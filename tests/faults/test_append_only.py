"""Posted tables are append only, on both databases, also after migrations ran again or were cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, inspect, text
from sqlalchemy.exc import DBAPIError

from formats.common.anomaly import AnomaliesFound
from integration.database.engine import make_engine
from integration.database.migrations import is_current, upgrade
from integration.database.tables import APPEND_ONLY, metadata, rule_change
from tests.faults.killing import run
from tests.faults.scenario import Home
from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed
from tests.plugins.postgresql import Cluster


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def posted(request: pytest.FixtureRequest, reference: Undisturbed) -> Iterator[Home]:
    """A home after its nights: every posted table holds rows. Nothing here may change them."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    with made.played(reference.arrivals) as home:
        run(lambda: change_by_hand(home))
        yield home


def change_by_hand(home: Home) -> None:
    """What no night does: a clerk changes the quantity of a rule."""
    engine = make_engine(home.url)
    with engine.begin() as connection:
        rule = connection.scalar(text("SELECT min(id) FROM rule"))
        values = {"rule_id": rule, "sequence": 1, "field": "quantity", "author": "clerk"}
        values |= {"changed_at": "2026-04-02T09:00:00Z", "before": "3", "after": "5"}
        connection.execute(insert(rule_change).values(values))
    engine.dispose()


WHOLESALE = {"sqlite": "REPLACE INTO {0} SELECT * FROM {0}", "postgresql": "TRUNCATE {0} CASCADE"}


def refusals(engine: Engine) -> dict[str, list[str]]:
    """By table, what the database says to a change and to a removal; empty where it obeys."""
    said: dict[str, list[str]] = {}
    for name in APPEND_ONLY:
        column = next(iter(metadata.tables[name].columns)).name
        for sql in (
            f"UPDATE {name} SET {column} = {column}",
            f"DELETE FROM {name}",
            WHOLESALE[engine.dialect.name].format(name),
        ):
            with engine.connect() as connection, connection.begin() as transaction:
                try:
                    connection.execute(text(sql))
                    transaction.rollback()
                except DBAPIError as error:
                    said.setdefault(name, []).append(str(error.orig).splitlines()[0])
    return said


def test_every_posted_table_refuses_changes_before_and_after_migrating_again(posted: Home) -> None:
    expected = {name: [f"append only: {name}"] * 3 for name in APPEND_ONLY}
    engine = make_engine(posted.url)
    with engine.connect() as connection:
        for name in APPEND_ONLY:
            assert connection.scalar(text(f"SELECT count(*) FROM {name}")), f"{name} is empty"
    assert refusals(engine) == expected
    upgrade(posted.url)
    assert refusals(engine) == expected
    engine.dispose()


def sampled(points: tuple[str, ...]) -> list[int]:
    """The first, the last and some statements between, and the steps after them."""
    statements = [at for at, name in enumerate(points, 1) if name == "migration.statement"]
    return [
        1,
        *statements[:: len(statements) // 3],
        statements[-1],
        *range(len(points) - 1, len(points) + 1),
    ]


@pytest.mark.feature("X-OPS-03")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_f37_a_migration_killed_in_the_middle_is_run_again(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, all_failpoints: bool
) -> None:
    """Failpoints in migrations on both databases (F37)."""
    whole = tmp_path / "whole.db"
    points = run(lambda: upgrade(f"sqlite:///{whole}")).points
    assert {"migration.begun", "migration.made", "migration.protected"} < set(points)
    url = empty_database(kind, tmp_path, request)
    for at in range(1, len(points) + 1) if all_failpoints else sampled(points):
        assert run(lambda: upgrade(url), at).killed
        assert tables(url) <= {"alembic_version"}
    assert run(lambda: upgrade(url)).points == points
    assert tables(url) == {*metadata.tables, "alembic_version"}
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO organisation (id, code) VALUES (1, 'X')"))
    engine.dispose()


def test_f37_a_database_newer_than_the_program_is_refused(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for look in (lambda: upgrade(database_url), lambda: is_current(engine)):
        with pytest.raises(AnomaliesFound, match="CFG-110"):
            look()
    engine.dispose()


def empty_database(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """A database without any table, of this test alone."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/empty.db"
    server: Cluster = request.getfixturevalue("postgresql_server")
    name = f"empty_{os.getpid()}"
    with server.connect() as admin:
        admin.execute(f"create database {name}")
    return server.url(name)


def tables(url: str) -> set[str]:
    """What is there once a killed migration is rolled back."""
    engine = make_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()

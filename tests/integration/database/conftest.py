"""One migrated, empty database of each kind for tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from integration.database import migrations
from integration.database.engine import make_engine


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """An engine that no test may write through."""
    url = f"sqlite:///{tmp_path_factory.mktemp('asked') / 'echeance.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        with server.connect() as admin:
            admin.execute("create database asked")
        url = server.url("asked")
    migrations.upgrade(url)
    engine = make_engine(url)
    yield engine
    engine.dispose()

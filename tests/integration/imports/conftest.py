"""An office with its folders and an empty database, at a fixed time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.settings import from_mapping
from integration.database import tables as t
from integration.inbox import Office, prepare
from integration.persons import Vault

VAULT = Vault(bytes(range(32)))
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    """Organisation 1 on the engine of this test, folders under `tmp_path/home`."""
    settings = from_mapping(
        {"organisation": {"code": "DEMO", "name": "Démo"}, "folders": {"home": "home"}},
        base=tmp_path,
    )
    prepare(settings)
    with engine.begin() as connection:
        connection.execute(t.organisation.insert().values(id=1, code="DEMO", name="Démo"))
    return Office(engine, 1, settings, lambda: NOON, VAULT)

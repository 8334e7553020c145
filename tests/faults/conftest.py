"""Stages and undisturbed runs, made once a session and only when a test asks."""

from __future__ import annotations

import pytest

from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed, undisturbed
from tests.plugins.postgresql import Cluster


@pytest.fixture(scope="session")
def sqlite_stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Homes with their database in a file."""
    return Stage(tmp_path_factory.mktemp("sqlite-stage")).build()


@pytest.fixture(scope="session")
def postgresql_stage(tmp_path_factory: pytest.TempPathFactory, postgresql_server: Cluster) -> Stage:
    """Homes with their database on the run's server."""
    return Stage(tmp_path_factory.mktemp("postgresql-stage"), postgresql_server).build()


@pytest.fixture(scope="session")
def reference(sqlite_stage: Stage) -> Undisturbed:
    """The run nobody disturbed; both databases must come to it."""
    return undisturbed(sqlite_stage)


@pytest.fixture(params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """The test runs once on each database."""
    made: Stage = request.getfixturevalue(f"{request.param}_stage")
    return made

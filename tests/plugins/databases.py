"""One freshly migrated database a test, on SQLite and on a real PostgreSQL.

The schema is migrated once a run into a template, then copied. Without PostgreSQL its half is
reported as *not run* and the run does not end well: a skipped half is never a green one.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.plugins import postgresql

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOT_RUN = "not run"
_REASON = f"{NOT_RUN}: no PostgreSQL server here (as root: apt-get install postgresql)"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Cluster]:
    """The run's own server, without durability: it only has to live as long as the tests."""
    if postgresql.binaries() is None:
        pytest.skip(_REASON)
    with postgresql.cluster() as server:
        yield server


@pytest.fixture(scope="session")
def _postgresql_template(postgresql_server: postgresql.Cluster) -> str:
    with postgresql_server.connect() as admin:
        admin.execute("create database template_echeance")
    _migrate(postgresql_server.url("template_echeance"))
    return "template_echeance"


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "echeance.db"
    _migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    return path


def _migrate(url: str) -> None:
    from integration.database import migrations

    migrations.upgrade(url)


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """URL of a migrated, empty SQLite file of this test alone."""
    return f"sqlite:///{shutil.copyfile(_sqlite_template, tmp_path / 'echeance.db')}"


@pytest.fixture
def postgresql_url(
    postgresql_server: postgresql.Cluster, _postgresql_template: str
) -> Iterator[str]:
    """URL of a migrated, empty PostgreSQL database of this test alone."""
    name = f"test_{next(_NUMBERS)}"
    with postgresql_server.connect() as admin:
        admin.execute(f"create database {name} template {_postgresql_template} strategy file_copy")
    yield postgresql_server.url(name)
    with postgresql_server.connect() as admin:
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a migrated, empty database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The product's own engine on `database_url`, disposed of at the end."""
    from integration.database.engine import make_engine

    made = make_engine(database_url)
    yield made
    made.dispose()


def pytest_report_teststatus(
    report: pytest.TestReport,
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Show what could not run as such, apart from skips."""
    if report.skipped and isinstance(report.longrepr, tuple) and NOT_RUN in report.longrepr[2]:
        return NOT_RUN, "n", ("NOT RUN", {"yellow": True})
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that left tests out is not a success."""
    if _left_out(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests did not run, and why."""
    if left_out := _left_out(terminalreporter.config):
        terminalreporter.section(NOT_RUN)
        for reason, count in Counter(left_out).items():
            terminalreporter.line(f"{count} tests {reason}")


def _left_out(config: pytest.Config) -> list[str]:
    """The reason of each test that did not run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reports = reporter.stats.get(NOT_RUN, ()) if reporter else ()
    return [report.longrepr[2].removeprefix("Skipped: ") for report in reports]

"""Servers to send to, and an outbox with rows in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.integration.outbox.post import Post, opened
from tests.plugins.sftp_server import NOT_HERE, PROGRAM, SftpServer, sftp_server
from tests.plugins.smtp_server import SmtpServer, smtp_server


@pytest.fixture(scope="session")
def running_sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """The run's own server."""
    if not PROGRAM.exists():
        pytest.skip(NOT_HERE)
    with sftp_server(tmp_path_factory.mktemp("sftp") / "server") as server:
        yield server


@pytest.fixture
def sftp(running_sftp_server: SftpServer) -> SftpServer:
    """The server with an empty folder."""
    for path in running_sftp_server.root.iterdir():
        path.unlink()
    return running_sftp_server


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpServer]:
    """A server of this test alone."""
    with smtp_server(tmp_path / "smtp") as server:
        yield server


@pytest.fixture
def post(sqlite_url: str, tmp_path: Path) -> Iterator[Post]:
    """An outbox on SQLite."""
    with opened(sqlite_url, tmp_path / "home") as made:
        yield made


@pytest.fixture
def each_post(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[Post]:
    """An outbox on each database."""
    with opened(database_url, tmp_path / "home") as made:
        yield made

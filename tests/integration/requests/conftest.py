"""A desk with one customer, and a mail server that takes the requests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration import cli
from tests.integration.outbox.post import toml
from tests.integration.requests.desk import Clerk
from tests.plugins.smtp_server import Script, SmtpServer, smtp_server


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """The run's own server."""
    with smtp_server(tmp_path_factory.mktemp("requests") / "smtp") as server:
        yield server


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `init` makes."""
    home = tmp_path_factory.mktemp("requests") / "atelier"
    assert cli.main(["init", str(home)]) == cli.DONE
    return home


@pytest.fixture
def clerk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mail_server: SmtpServer, empty_home: Path
) -> Clerk:
    """Customer C1, reached by mail; a partner that takes reading requests."""
    vars(mail_server.script).update(vars(Script()))
    made = Clerk(tmp_path / "atelier", capsys, mail_server)
    shutil.copytree(empty_home, made.home)
    content = mail_server.partner(takes=[{"kind": "reading_request"}])
    lines = "".join(f"{key} = {toml(value)}\n" for key, value in content.items())
    (made.home / "partners" / "courriel.toml").write_text(lines)
    made.bring(
        "customers", "code;nom;adresse;email", "C1;Imprimerie Martin;2 rue Basse;c1@client.example"
    )
    return made

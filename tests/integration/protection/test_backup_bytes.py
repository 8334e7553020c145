"""P13: an identity is nowhere in clear, neither in the database's own bytes nor in a backup's."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.cli import DONE, main
from tests.integration.care.practice import encoded, patient, person
from tests.integration.protection.test_canary import GIVEN, NAME, NIR, WHO
from tests.plugins.postgresql import Cluster
from tests.plugins.programs import program

HIDDEN = (NIR.encode(), NAME.encode(), NAME.upper().encode(), GIVEN.encode())
CLEAR = b"PATIENT-CANARI"
"""A code is no identity: the search does find what is in clear."""


def below(folder: Path) -> Iterator[bytes]:
    """The bytes of every file."""
    yield from (path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def members(file: Path) -> Iterator[bytes]:
    """What a backup holds; of a compressed dump, also what it is once restored."""
    with tarfile.open(file) as tar:
        for one in tar.getmembers():
            content = tar.extractfile(one)
            if content is None:
                continue
            data = content.read()
            yield data
            if data.startswith(b"PGDMP"):
                restore = [program("pg_restore", "postgresql-client"), "-f", "-"]
                yield subprocess.run(restore, input=data, capture_output=True, check=True).stdout


def test_p13_no_identity_in_the_bytes_of_database_journal_and_backup(
    request: pytest.FixtureRequest,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, backup = tmp_path / "maison", tmp_path / "sauvegarde.tar"
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", database_url)
    words = ["--home", str(home)]
    assert main([*words, "init"]) == DONE
    file = tmp_path / "patients.jsonl"
    file.write_bytes(encoded([patient("PATIENT-CANARI", personne=person(**WHO))]))
    assert main([*words, "import", str(file), "--flow", "patients"]) == DONE
    file.unlink()
    assert main([*words, "backup", str(backup), "--with-keys"]) == DONE
    places = [*below(home), *members(backup)]
    if database_url.startswith("sqlite"):
        places += [path.read_bytes() for path in tmp_path.glob("echeance.db*")]
    else:
        server: Cluster = request.getfixturevalue("postgresql_server")
        with server.connect() as admin:
            admin.execute("checkpoint")
        places += below(server.folder / "data")
    assert sum(CLEAR in place for place in places) >= 2  # the database's bytes and the backup's
    for place in places:
        assert [word for word in HIDDEN if word in place] == []

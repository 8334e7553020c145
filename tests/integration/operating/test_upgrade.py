"""`echeance upgrade`: a backup, the migration, a look at the books; killed anywhere, run again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from integration.cli import BAD_CONFIG, DONE, main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working folder at the schema of the program."""
    assert main(["--home", str(tmp_path / "maison"), "init"]) == DONE
    return tmp_path / "maison"


def schema(home: Path, version: str | None = None) -> str:
    """The schema the database says it has; changed first when a version is given."""
    with sqlite3.connect(home / "state" / "echeance.db") as raw:
        if version:
            raw.execute("UPDATE alembic_version SET version_num = ?", (version,))
        (found,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    raw.close()
    return str(found)


def test_there_is_nothing_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home), "upgrade"]) == DONE
    assert "déjà au schéma" in capsys.readouterr().out
    assert not (home / "backup").exists()


def test_a_base_without_schema_is_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "state" / "echeance.db").unlink()
    assert main(["--home", str(home), "upgrade", "--dry-run"]) == DONE
    assert "passerait du schéma vide au schéma" in capsys.readouterr().out
    assert main(["--home", str(home), "upgrade"]) == DONE
    assert "Livres sains." in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["upgrade", "status", "init"])
def test_f37_a_newer_database_is_refused_in_french(
    home: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    known = schema(home)
    schema(home, "9999")
    capsys.readouterr()
    assert main(["--home", str(home), verb]) == BAD_CONFIG == 78
    assert capsys.readouterr().err == (
        "CFG-110 La base est au schéma 9999, plus récent que ce programme, qui connaît le"
        f" {known}. Installez la version qui a servi la dernière fois, ou restaurez une"
        " sauvegarde d'avant.\n"
    )
    assert schema(home) == "9999"

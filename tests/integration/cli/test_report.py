"""`echeance report night`: the account of a night, on the terminal or in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integration import cli
from integration.cli import BAD_INPUT, DONE


def test_the_account_of_a_night_is_shown_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "maison")]
    assert cli.main([*home, "init"]) == DONE
    assert cli.main([*home, "report", "night"]) == BAD_INPUT
    assert capsys.readouterr().err.startswith("RUN-190 Il n'y a pas de compte rendu")
    assert cli.main([*home, "run", "night", "--date", "2026-02-02"]) == DONE
    told = capsys.readouterr().out
    assert "Compte rendu             Nuit du 02/02/2026 : rien à faire" in told
    assert "Compte rendu envoyé      comptes rendus : 1" in told
    assert cli.main([*home, "report", "night"]) == DONE
    assert "Rien : tout s'est fait tout seul." in capsys.readouterr().out
    assert cli.main([*home, "report", "night", "--date", "02/02/2026", "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert (document["schema_version"], document["day"]) == (1, "2026-02-02")
    page = tmp_path / "nuit.html"
    assert cli.main([*home, "report", "night", "--output", str(page)]) == DONE
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert cli.main([*home, "report", "night", "--output", str(tmp_path / "nuit.doc")]) == BAD_INPUT
    assert "RUN-191 « nuit.doc »" in capsys.readouterr().err

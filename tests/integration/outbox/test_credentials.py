"""Secrets: where they may lie, and that nothing ever quotes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.partners import Secret
from formats.common.anomaly import AnomaliesFound
from integration.transport.credentials import secret


def refused(source: Secret, home: Path, **environment: str) -> str:
    """What is said."""
    with pytest.raises(AnomaliesFound) as found:
        secret(source, home, environment)
    return str(found.value.anomalies[0])


def test_f36_a_file_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "smtp"
    file.write_text("canari\n")
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        said = refused(Secret(file="smtp"), tmp_path)
        assert said.startswith(
            f"OUT-110 Le fichier secret « smtp » est lisible par d'autres (droits {mode:04o})"
        )
        assert "canari" not in said
    file.chmod(0o600)
    assert secret(Secret(file="smtp"), tmp_path) == "canari"


def test_a_link_a_folder_and_an_empty_file_are_no_secret(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("canari")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "folder").mkdir(0o700)
    (tmp_path / "empty").touch(0o600)
    for name in ("link", "folder", "empty", "absent"):
        assert refused(Secret(file=name), tmp_path).startswith("OUT-111")


def test_environment_and_systemd_give_secrets_too(tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("canari\n")
    folder = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert secret(Secret(credential="smtp"), tmp_path, folder) == "canari"
    assert secret(Secret(environment="X"), tmp_path, {"X": "canari"}) == "canari"
    assert refused(Secret(credential="smtp"), tmp_path).startswith("OUT-111")
    assert refused(Secret(environment="X"), tmp_path).startswith("OUT-111")

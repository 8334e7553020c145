"""Settings: every key checked, named in French, environment on top."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from config.rights import Right
from config.settings import FILE_NAME, Settings, default_text, load, write_default
from formats.common.anomaly import AnomaliesFound

MINIMAL = '[organisation]\ncode = "DEMO"\nname = "Démo"\n'


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / FILE_NAME
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def refused(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(AnomaliesFound) as caught:
        load(path, environment or {})
    return [str(one) for one in caught.value.anomalies]


def test_defaults_are_under_the_file_s_own_folder(tmp_path: Path) -> None:
    settings = load(written(tmp_path, MINIMAL), {})
    assert settings.folders.inbox == tmp_path / "inbox"
    assert settings.database_url == f"sqlite:///{tmp_path}/state/echeance.db"
    assert settings.person_key == tmp_path / "state" / "persons.key"
    assert settings.parameters.NB_JOURS_RELEVE_PRFACTU == 20


def test_environment_wins(tmp_path: Path) -> None:
    environment = {
        "ECHEANCE_PARAMETERS__SEUIL_FACTURATION": "10",
        "ECHEANCE_DATABASE__URL": "postgresql+psycopg://u:p@h/b",
        "ECHEANCE_HOME": "ignored: it names no section",
    }
    settings = load(written(tmp_path, MINIMAL), environment)
    assert Decimal(10) == settings.parameters.SEUIL_FACTURATION
    assert settings.database_url == "postgresql+psycopg://u:p@h/b"


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = '[organisation]\ncode = "DEMO"\nzone = "Lune"\n[folder]\nx = 1\n'
    assert refused(written(tmp_path, text)) == [
        "CFG-004 echeance.toml : La clé « organisation.name » manque. Renseignez-la.",
        "CFG-005 echeance.toml : La valeur de la clé « organisation.zone » n'est pas admise. "
        "Lisez le commentaire de la clé dans le fichier écrit par « echeance init ».",
        "CFG-003 echeance.toml : La clé « folder » est inconnue (la plus proche : « folders »). "
        "Retirez-la ou corrigez son nom.",
    ]


def test_allowed_words_are_listed(tmp_path: Path) -> None:
    text = MINIMAL + '[parameters]\nCOUT_FACTU_AUTORISE = "TOUS"\n'
    (sentence,) = refused(written(tmp_path, text))
    assert "'POSITIF', 'POSITIF_OU_ZERO', 'POSITIF_OU_ZERO_OU_NEGATIF'" in sentence


def test_broken_toml_has_a_place(tmp_path: Path) -> None:
    (sentence,) = refused(written(tmp_path, MINIMAL + "[oops\n"))
    assert sentence.startswith("CFG-002 echeance.toml, ligne 4, colonne 6 : ")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / FILE_NAME)[0].startswith("CFG-001 ")


def test_a_password_needs_a_private_file(tmp_path: Path) -> None:
    text = MINIMAL + '[database]\nurl = "postgresql+psycopg://u:secret@h/b"\n'
    (sentence,) = refused(written(tmp_path, text, 0o640))
    assert sentence.startswith("CFG-006 ")
    assert "secret" not in sentence
    assert load(written(tmp_path, text, 0o600), {})


def test_kept_files_are_encrypted_unless_file_or_environment_says_clear(tmp_path: Path) -> None:
    assert load(written(tmp_path, MINIMAL), {}).kept_files == "encrypted"
    clear = written(tmp_path, 'kept_files = "clear"\n' + MINIMAL)
    assert load(clear, {}).kept_files == "clear"
    assert load(clear, {"ECHEANCE_KEPT_FILES": "encrypted"}).kept_files == "encrypted"
    (sentence,) = refused(clear, {"ECHEANCE_KEPT_FILES": "clair"})
    assert sentence.startswith("CFG-005 ")
    assert "encrypted" in sentence


def test_the_key_of_persons_may_be_named_by_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL)
    named = load(path, {"ECHEANCE_PERSON_KEY_FILE": "/etc/cle"})
    assert named.person_key == Path("/etc/cle")


def test_rights_are_rows_of_the_table(tmp_path: Path) -> None:
    rows = (
        'habilitations = [{screen = "Modification statut SSC", right = "reouverture",'
        ' logins = ["chef"]}]\n'
    )
    (row,) = load(written(tmp_path, rows + MINIMAL), {}).habilitations
    assert (row.right, row.logins) == (Right.REOPENING, ("chef",))
    (sentence,) = refused(written(tmp_path, rows.replace("reouverture", "tout") + MINIMAL))
    assert "habilitations.0.right" in sentence


def test_the_written_default_loads_and_shows_every_key(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    write_default(path, code="ACME", name='A "quoted" name')
    assert path.stat().st_mode & 0o777 == 0o600
    settings = load(path, {})
    assert settings.organisation.name == 'A "quoted" name'
    text = path.read_text("utf-8")
    for name in ("NB_JOURS_RELEVE_PRFACTU = 20", 'customer = "411000"', 'version = "062007"'):
        assert f"# {name}\n" in text
    with pytest.raises(FileExistsError):
        write_default(path)


def test_the_commented_defaults_are_the_defaults() -> None:
    text = default_text({"code": "A", "name": "B"})
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    active = "\n".join(line for line in lines if re.match(r"\[|\w+ = ", line))
    read = tomllib.loads(active)
    assert Settings.model_validate(read) == Settings.model_validate(
        {"organisation": {"code": "A", "name": "B"}}
    )

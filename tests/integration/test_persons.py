"""The vault: what it keeps, what it refuses, and what it never shows."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine

from formats.common.anomaly import AnomaliesFound
from integration.database.bulk import insert_rows
from integration.database.tables import organisation, person
from integration.keys import create_key
from integration.persons import PersonalFields, Vault, commitment, open_vault

ADELE = PersonalFields(
    "160017505600", "22", "Éxemple", "Adèle", "19600031", ("3 rue du Test", "75005 PARIS")
)
VAULT = Vault(bytes(range(32)))


def test_what_is_sealed_opens_again_lunar_date_included() -> None:
    assert VAULT.open(7, VAULT.seal(7, ADELE)) == ADELE


def test_a_sealed_value_begins_with_its_key_version_and_is_never_twice_the_same() -> None:
    sealed = VAULT.seal(7, ADELE)
    assert sealed[:5] == VAULT.head == b"\x01" + VAULT.ids[0]
    assert sealed != VAULT.seal(7, ADELE)


@pytest.mark.parametrize("broken", [b"\x01", b"\x01short", b"\x02" + bytes(60)])
def test_what_was_not_sealed_here_does_not_open(broken: bytes) -> None:
    with pytest.raises(AnomaliesFound) as found:
        VAULT.open(7, broken)
    assert found.value.anomalies[0].code.id == "RUN-501"


def test_ciphertext_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(AnomaliesFound):
        VAULT.open(8, VAULT.seal(7, ADELE))


def test_another_key_opens_nothing_and_indexes_otherwise() -> None:
    other = Vault(bytes(32))
    with pytest.raises(AnomaliesFound):
        other.open(7, VAULT.seal(7, ADELE))
    assert other.nir_index(ADELE.nir) != VAULT.nir_index(ADELE.nir)


def test_the_index_finds_one_nir_and_never_two_persons_without() -> None:
    assert VAULT.nir_index(ADELE.nir) == VAULT.nir_index(ADELE.nir)
    assert VAULT.nir_index("") != VAULT.nir_index("")


def test_nothing_personal_is_printed() -> None:
    shown = f"{ADELE!r} {ADELE} {VAULT!r}"
    assert not any(word in shown for word in ("1600175", "xemple", "Ad", "rue", "19600031"))


def test_a_commitment_needs_its_salt() -> None:
    assert commitment(ADELE, b"a" * 16) == commitment(ADELE, b"a" * 16)
    assert commitment(ADELE, b"a" * 16) != commitment(ADELE, b"b" * 16)


def test_a_created_key_is_private_and_never_overwritten(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (tmp_path / "key").stat().st_size == 32
    with pytest.raises(FileExistsError):
        create_key(tmp_path / "key")
    assert open_vault(tmp_path / "key").open(7, open_vault(tmp_path / "key").seal(7, ADELE))


def test_keys_others_can_read_are_refused(tmp_path: Path) -> None:
    create_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    assert _refusal(tmp_path / "key") == (
        "CFG-501 Le fichier de clé « key » n'est pas utilisable : droits 0640 au lieu de 0600."
        " Rétablissez la sauvegarde de la clé : droits 0600, 32 octets, jamais un lien."
    )


def test_missing_short_and_linked_keys_are_refused(tmp_path: Path) -> None:
    create_key(tmp_path / "key")
    (tmp_path / "short").write_bytes(b"x" * 31)
    (tmp_path / "short").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    for name in ("absent", "short", "link"):
        assert _refusal(tmp_path / name).startswith(f"CFG-501 Le fichier de clé « {name} »")


def _refusal(path: Path) -> str:
    with pytest.raises(AnomaliesFound) as found:
        open_vault(path)
    return str(found.value.anomalies[0])


def test_many_persons_are_opened_by_id(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_rows(connection, organisation, ("id", "code"), [(1, "ORG")])
        insert_rows(
            connection,
            person,
            ("id", "organisation_id", "sealed", "nir_index", "salt"),
            [(n, 1, VAULT.seal(n, ADELE), VAULT.nir_index(ADELE.nir), bytes(16)) for n in (1, 2)],
        )
        assert VAULT.load(connection, [2, 1, 2]) == {1: ADELE, 2: ADELE}
        with pytest.raises(KeyError):
            VAULT.load(connection, [2, 3])

"""Keys: from a file, the environment or systemd, refused otherwise; changed without a gap."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.settings import Settings, from_mapping
from formats.common.anomaly import AnomaliesFound
from integration import failpoints
from integration.database.bulk import insert_rows
from integration.database.tables import organisation, person
from integration.doctor.machine import person_key as looked_at
from integration.flows import rotation
from integration.flows.rotation import key_ids, rotate
from integration.kept import keep, opened
from integration.keys import create_key, next_file, read_keys
from integration.persons import PersonalFields, Vault, new_salt, open_vault

HEX = "ab" * 32
ADELE = PersonalFields("2600175056001", "22", "Exemple", "Adèle", "19600131")
CHILD = PersonalFields("", "", "Exemple", "Zoé", "20200131")

PEOPLE = {n: CHILD if n == 3 else ADELE for n in range(1, 6)}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    raw = {"organisation": {"code": "D", "name": "Démo"}, "folders": {"home": "home"}}
    made = from_mapping(raw, base=tmp_path)
    made.folders.state.mkdir(parents=True)
    create_key(made.person_key)
    return made


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ECHEANCE_PERSON_KEY", "ECHEANCE_PERSON_KEY_NEXT", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def test_systemd_comes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    create_key(tmp_path / "key")
    (tmp_path / "persons.key").write_bytes(b"s" * 32)  # systemd's own rights: 0440, read-only
    given = {"ECHEANCE_PERSON_KEY": HEX}
    assert read_keys(tmp_path / "key", {}).current == (tmp_path / "key").read_bytes()
    assert read_keys(tmp_path / "key", given).current == bytes.fromhex(HEX)
    both = given | {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert read_keys(tmp_path / "key", both).current == b"s" * 32


@pytest.mark.parametrize("text", ["", "secret-canary", HEX + "a", "xy" * 32])
def test_f36_a_text_that_is_no_key_is_refused_and_never_quoted(tmp_path: Path, text: str) -> None:
    with pytest.raises(AnomaliesFound) as found:
        read_keys(tmp_path / "key", {"ECHEANCE_PERSON_KEY": text})
    assert str(found.value.anomalies[0]) == (
        "CFG-502 La variable ECHEANCE_PERSON_KEY ne contient pas une clé."
        " Donnez 64 chiffres hexadécimaux, ou retirez-la pour employer un fichier de clé."
    )
    assert HEX not in repr(read_keys(tmp_path, {"ECHEANCE_PERSON_KEY": HEX}))


def found_house(engine: Engine, settings: Settings) -> Vault:
    """Five persons and two kept files under the first key."""
    vault = open_vault(settings.person_key)
    rows = [
        (n, 1, vault.seal(n, one), vault.nir_index(one.nir), new_salt())
        for n, one in PEOPLE.items()
    ]
    with engine.begin() as connection:
        insert_rows(connection, organisation, ("id", "code"), [(1, "D")])
        insert_rows(connection, person, [c.name for c in person.c], rows)
        vault.digest(connection, b"content")
    for folder, name in ((settings.folders.done, "p.jsonl"), (settings.folders.outbox, "l.b2")):
        folder.mkdir(exist_ok=True)
        keep(vault, BytesIO(b"2600175056001"), folder, name, name)
    return vault


def whole(engine: Engine, settings: Settings) -> Iterator[str]:
    """What isn't as it should be after a rotation."""
    vault = open_vault(settings.person_key)
    with engine.begin() as connection:
        if vault.load(connection, PEOPLE) != PEOPLE:
            yield "a person doesn't open"
        if key_ids(connection).keys() != {vault.ids[0]}:
            yield "a person is still under another key"
        found = connection.scalars(
            select(person.c.id).where(person.c.nir_index == vault.nir_index(ADELE.nir))
        )
        if sorted(found) != [1, 2, 4, 5]:
            yield "the index doesn't find them"
    for path in (settings.folders.done / "p.jsonl.enc", settings.folders.outbox / "l.b2.enc"):
        if b"".join(opened(vault, path)) != b"2600175056001":
            yield f"{path.name} doesn't open"
    if next_file(settings.person_key).exists() or list(settings.folders.home.rglob("*.part")):
        yield "something was left behind"


def test_everything_is_under_the_new_key_and_digests_stay(
    engine: Engine, settings: Settings
) -> None:
    old = found_house(engine, settings)
    with engine.begin() as connection:
        before = old.digest(connection, b"content")
    done = rotate(engine, settings)
    assert (done.persons, done.files, done.anomalies) == (5, 2, [])
    assert list(whole(engine, settings)) == []
    new = open_vault(settings.person_key)
    assert new.ids[0] != old.ids[0]
    with engine.begin() as connection:
        assert new.digest(connection, b"content") == before  # a file is still known again
        with pytest.raises(AnomaliesFound) as found:
            old.digest(connection, b"content")
        assert found.value.anomalies[0].code.id == "RUN-502"
        with pytest.raises(AnomaliesFound):
            old.load(connection, [1])
    (retired,) = settings.folders.state.glob("*.retired-*")
    assert retired.stat().st_mode & 0o777 == 0o600
    assert open_vault(retired).ids == old.ids


def test_killed_at_every_step_and_run_again_it_is_whole(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "CHUNK", 2)
    first = found_house(engine, settings)
    at = 0
    while True:
        at += 1
        stop = _Stop(at)
        monkeypatch.setattr(failpoints, "_reached", stop)
        try:
            rotate(engine, settings)
        except KeyboardInterrupt:
            monkeypatch.setattr(failpoints, "_reached", None)
            vault = open_vault(settings.person_key)
            with engine.begin() as connection:
                assert len(vault.load(connection, range(1, 6))) == 5  # readable half-way too
                indices = vault.nir_indices(ADELE.nir)
                some = select(person.c.id).where(person.c.nir_index.in_(indices))
                assert sorted(connection.scalars(some)) == [1, 2, 4, 5]
            for path in (*settings.folders.done.iterdir(), *settings.folders.outbox.iterdir()):
                if path.suffix == ".enc":
                    assert b"".join(opened(vault, path)) == b"2600175056001"
            continue
        break
    monkeypatch.setattr(failpoints, "_reached", None)
    assert at > 10
    assert list(whole(engine, settings)) == []
    assert open_vault(settings.person_key).ids != first.ids


class _Stop(list[str]):
    """Stands for the kill: raises at the n-th failpoint, in the middle of whatever is open."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def append(self, name: str) -> None:
        super().append(name)
        if len(self) == self.at:
            raise KeyboardInterrupt


def test_doctor_tells_of_a_rotation_that_is_not_done(engine: Engine, settings: Settings) -> None:
    found_house(engine, settings)
    assert looked_at(settings).well
    create_key(next_file(settings.person_key))
    found = looked_at(settings)
    assert (found.well, found.found, found.mend) == (
        False,
        "rotation inachevée",
        "echeance keys rotate",
    )
    next_file(settings.person_key).replace(settings.person_key)  # no rotation: a key too early
    assert looked_at(settings).found == "2 fichiers chiffrés avec une autre clé"


def test_a_key_of_the_environment_is_changed_by_hand(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHEANCE_PERSON_KEY", settings.person_key.read_bytes().hex())
    found_house(engine, settings)
    with pytest.raises(AnomaliesFound) as found:
        rotate(engine, settings)
    assert found.value.anomalies[0].code.id == "CFG-503"
    monkeypatch.setenv("ECHEANCE_PERSON_KEY_NEXT", HEX)
    assert rotate(engine, settings).by_hand
    monkeypatch.setenv("ECHEANCE_PERSON_KEY", HEX)
    monkeypatch.delenv("ECHEANCE_PERSON_KEY_NEXT")
    assert list(whole(engine, settings)) == []


def test_a_file_of_a_lost_key_is_told_and_stops_nothing(engine: Engine, settings: Settings) -> None:
    found_house(engine, settings)
    keep(Vault(b"x" * 32), BytesIO(b"?"), settings.folders.done, "perdu", "c")
    done = rotate(engine, settings)
    assert [one.code.id for one in done.anomalies] == ["RUN-512"]
    shutil.rmtree(settings.folders.error, ignore_errors=True)
    assert (done.persons, done.files) == (5, 2)

"""Backup and restore: the same books, and nothing leaves before a person says so (P17)."""

from __future__ import annotations

import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from formats.common.anomaly import AnomaliesFound
from integration import nights
from integration.app import open_app
from integration.backup import Backup, back_up, heads, restore
from integration.cli import BAD_CONFIG, DONE, main
from tests.faults.killing import run
from tests.integration.billing.house import House, contract, fee, house_at
from tests.plugins.postgresql import Cluster
from tests.plugins.programs import program

NOW = datetime(2026, 2, 3, tzinfo=UTC)
TOML = """[organisation]
code = "DEMO"
name = "Démo"
address = ["1 rue Neuve", "59000 Lille"]
siren = "732829320"
vat_number = "FR44732829320"
{database}
"""


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database_url: str) -> str:
    """Where a restored house keeps its database: "" for its own file, else an empty database."""
    if database_url.startswith("sqlite"):
        return ""
    program("pg_dump", "postgresql-client")
    server: Cluster = request.getfixturevalue("postgresql_server")
    name = f"restored_{os.getpid()}_{database_url.rpartition('_')[2]}"
    with server.connect() as admin:
        admin.execute(f"create database {name}")
    return server.url(name)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """Three customers billed; nothing has left yet."""
    with house_at(database_url, tmp_path) as made:
        database = f'[database]\nurl = "{database_url}"'
        (tmp_path / "home" / "echeance.toml").write_text(TOML.format(database=database), "utf-8")
        made.customers("C1", "C2", "C3")
        made.contracts(*(contract(f"K{n}", f"C{n}", fee("MF", "25.00")) for n in (1, 2, 3)))
        made.bill("2026-02-02")
        yield made


def saved(house: House, file: Path, *, keys: bool = True) -> Backup:
    """The house as it stands; restored houses find their database by the environment."""
    return back_up(house.folder / "home", house.app.settings, file, NOW, keys=keys)


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch, empty_url: str, tmp_path: Path) -> Path:
    """Where to restore; the environment says which database."""
    home = tmp_path / "ailleurs"
    url = empty_url or f"sqlite:///{tmp_path / 'restored.db'}"
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", url)
    return home


@pytest.mark.feature("X-OPS-02")
def test_f38_a_restored_house_holds_its_outbox_and_resume_sends_the_rest_once(
    house: House, moved: Path, tmp_path: Path
) -> None:
    """Restore: outbox held; `resume` sends the rest once."""
    told = saved(house, tmp_path / "s.tar")
    house.app.outbox().send()
    assert main(["--home", str(moved), "restore", str(tmp_path / "s.tar")]) == DONE
    with open_app(moved, "serial") as app:
        assert heads(app.engine) == heads(house.engine) == told.heads
        assert states(app.engine) == [("held", 3)]
        nights.play_night(app, date(2026, 2, 3))
        assert states(app.engine) == [("held", 4)]
    assert not (moved / "outbox").exists() or not list((moved / "outbox").rglob("*.*"))
    home = ["--home", str(moved)]
    assert main([*home, "mark-sent", "VT2026-000001.pdf", "--proof", "reçu au téléphone"]) == DONE
    assert main([*home, "resume", "all"]) == DONE
    assert main([*home, "send"]) == DONE
    left = sorted(path.name for path in (moved / "outbox" / "factures").iterdir())
    assert left == ["VT2026-000002.pdf", "VT2026-000003.pdf"]
    assert main([*home, "send"]) == DONE
    with open_app(moved, "serial") as app:
        assert states(app.engine) == [("sent", 4)]
        delivered = text("SELECT count(*) FROM outbox_event WHERE event = 'delivered'")
        with app.engine.connect() as connection:
            assert connection.scalar(delivered) == 3


def states(engine: object) -> list[tuple[str, int]]:
    """Rows of the outbox by state."""
    sql = text("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state")
    with engine.connect() as connection:  # type: ignore[attr-defined]
        return [tuple(row) for row in connection.execute(sql)]


def test_keys_stay_out_unless_asked(house: House, tmp_path: Path) -> None:
    assert "state/persons.key" not in saved(house, tmp_path / "sans.tar", keys=False).members
    assert "state/persons.key" in saved(house, tmp_path / "avec.tar").members
    assert oct((tmp_path / "avec.tar").stat().st_mode)[-3:] == "600"
    with pytest.raises(FileExistsError):
        saved(house, tmp_path / "avec.tar")


def test_f38_a_backup_under_load_is_of_one_moment(house: House, tmp_path: Path) -> None:
    """A writer goes on meanwhile (F38): the chain in the backup is whole."""
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            house.execute(f"INSERT INTO id_block (name, last_id) VALUES ('load{n}', {n})")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        told = saved(house, tmp_path / "s.tar")
    finally:
        stop.set()
        writer.join()
    assert told.heads == heads(house.engine)


@pytest.mark.parametrize("point", range(1, 4))
def test_f38_a_restore_killed_anywhere_leaves_nothing_and_is_run_again(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    with house_at(sqlite_url, tmp_path) as house:
        (tmp_path / "home" / "echeance.toml").write_text(TOML.format(database=""), "utf-8")
        house.customers("C1")
        saved(house, tmp_path / "s.tar")
    home = tmp_path / "ailleurs"
    assert run(lambda: restore(tmp_path / "s.tar", home, NOW), point).killed
    assert not home.exists()
    restore(tmp_path / "s.tar", home, NOW)
    with open_app(home, "serial") as app:
        assert heads(app.engine) == {}


@pytest.mark.parametrize("point", [1, 2])
def test_f38_a_backup_killed_on_the_way_leaves_no_backup(
    sqlite_url: str, tmp_path: Path, point: int
) -> None:
    with house_at(sqlite_url, tmp_path) as house:
        assert run(lambda: saved(house, tmp_path / "s.tar"), point).killed
        assert not (tmp_path / "s.tar").exists()
        saved(house, tmp_path / "s.tar")


def flip(file: Path) -> None:
    """Change one byte in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def flip_alone(file: Path) -> None:
    """The same, and nobody has the sum."""
    flip(file)
    file.with_name(f"{file.name}.sha256").unlink()


def cut(file: Path) -> None:
    """Lose the end."""
    file.with_name(f"{file.name}.sha256").unlink()
    os.truncate(file, 4096)


def climb(file: Path) -> None:
    """A member that would leave its folder."""
    file.with_name(f"{file.name}.sha256").unlink()
    (file.parent / "x").write_text("x")
    with tarfile.open(file, "a") as tar:
        tar.add(file.parent / "x", "../../x")


@pytest.mark.parametrize("harm", [flip, flip_alone, cut, climb])
def test_f38_a_damaged_backup_is_refused(
    sqlite_url: str, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    with house_at(sqlite_url, tmp_path) as house:
        (tmp_path / "home" / "echeance.toml").write_text(TOML.format(database=""), "utf-8")
        house.customers(*(f"C{n}" for n in range(50)))
        saved(house, tmp_path / "s.tar")
    harm(tmp_path / "s.tar")
    with pytest.raises(AnomaliesFound) as found:
        restore(tmp_path / "s.tar", tmp_path / "ailleurs", NOW)
    assert found.value.anomalies[0].code.id == "CFG-113"
    assert not (tmp_path / "ailleurs").exists()


def test_a_backup_is_restored_into_a_new_place_only(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "maison")]
    assert main([*home, "init"]) == DONE
    assert main([*home, "backup", str(tmp_path / "s.tar"), "--json"]) == DONE
    document = json.loads(capsys.readouterr().out.partition("status » dit où vous en êtes\n")[2])
    assert (document["schema_version"], document["kind"]) == (1, "backup")
    assert main([*home, "restore", str(tmp_path / "s.tar")]) == BAD_CONFIG
    assert "CFG-112 « maison » n'est pas vide" in capsys.readouterr().err
    assert main(["restore", "--dry-run", str(tmp_path / "s.tar")]) == DONE
    assert "Sauvegarde saine" in capsys.readouterr().out


def test_without_pg_dump_the_refusal_is_clear(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with house_at(postgresql_url, tmp_path) as house, pytest.raises(AnomaliesFound) as found:
        saved(house, tmp_path / "s.tar")
    assert "CFG-111 Le programme « pg_dump » de PostgreSQL manque" in str(found.value.anomalies[0])

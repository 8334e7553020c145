"""F3 and F4: disks that take no more, disks that fail: nothing half, and the next run ends it.

A limit on the size of files (EFBIG) stands for a disk that refuses anyone, `/dev/full` in the place
of a part (ENOSPC) for a full one. The database of the limited runs is a server's: it goes on.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.settings import from_mapping
from integration import durable
from integration.cli import DONE, IO_ERROR, PARTIAL, TRY_LATER, main
from integration.database.tables import organisation
from integration.durable import BrokenDiskError, write_whole
from integration.inbox import Office, Outcome, import_waiting, prepare
from integration.transport.folder import Folder
from integration.transport.protocol import Item
from integration.verbs.setup import make_home
from tests.faults.scenario import CUSTOMERS
from tests.integration.imports.conftest import NOON, VAULT
from tests.integration.serving.clockwork import clockwork, jobs_of

ROOT = Path(__file__).parents[2]
LIMIT = 700  # bytes of a file: less than each of those below
DAY = "2026-02-02"
TOML = """[organisation]
code = "DEMO"
name = "Démo"
address = ["1 rue Neuve", "59000 Lille"]
siren = "732829320"
vat_number = "FR44732829320"
[database]
url = "{url}"
"""
CONTRACT = (
    '{"code": "K1", "client": "C1", "modules": [{"code": "M1", "debut": "2026-01-01", "regles":'
    ' [{"code": "MF", "type": "flat_fee", "terme": "a_echoir", "periodicite": {"nombre": 1,'
    ' "unite": "mois"}, "couts": [{"article": "MAINT", "prix": "25,00", "tva": 20}]}]}]}\n'
)
PATIENT = CUSTOMERS + "".join(f"D{n};Garage 1850578006084;;;\n" for n in range(40))
"""Anything with a number of that shape is kept encrypted, and so is written anew."""
WRONG = "code;nom;siren\n" + "".join(f"E{n};Nom;7328293{n}\n" for n in range(30, 60))


@dataclass(frozen=True)
class Work:
    """A working folder and the verbs run in it."""

    home: Path

    def verb(self, *words: str, limit: int = 0) -> subprocess.CompletedProcess[str]:
        """A verb in a process of its own, under a limit on the size of files."""

        def bounded() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.run(
            [sys.executable, "-m", "integration.cli", "--home", str(self.home), *words],
            cwd=ROOT,
            preexec_fn=bounded,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def files(self, *folders: str) -> list[str]:
        """What lies in these folders, without the explanations."""
        found = (path for name in folders for path in (self.home / name).rglob("*"))
        names = [str(path.relative_to(self.home)) for path in found if path.is_file()]
        return sorted(name for name in names if not name.endswith("README.txt"))


def house(folder: Path, url: str) -> Work:
    """One invoice that hasn't left yet."""
    folder.mkdir()
    (folder / "echeance.toml").write_text(TOML.format(url=url), "utf-8")
    (folder / "echeance.toml").chmod(0o600)
    make_home(folder)
    (folder / "c.csv").write_text(CUSTOMERS, "utf-8")
    (folder / "k.json").write_text(CONTRACT, "utf-8")
    for flow, name in (("customers", "c.csv"), ("contracts", "k.json")):
        words = ["--home", str(folder), "import", str(folder / name), "--flow", flow]
        assert main(words) == DONE
    assert main(["--home", str(folder), "bill", "--date", DAY]) == DONE
    return Work(folder)


@pytest.fixture
def limited(tmp_path: Path, postgresql_url: str) -> Work:
    """Its database is a server's, which no limit of ours touches."""
    return house(tmp_path / "maison", postgresql_url)


Put = Callable[[Path], list[str]]


def by_hand(home: Path) -> list[str]:
    """A file that is copied into `processing/`."""
    (home / "gros.csv").write_text(PATIENT, "utf-8")
    return ["import", str(home / "gros.csv"), "--flow", "customers"]


def to_be_sealed(home: Path) -> list[str]:
    """A file whose kept copy is written into `done/`."""
    (home / "inbox" / "customers" / "gros.csv").write_text(PATIENT, "utf-8")
    return ["run", "night", "--date", DAY]


def to_be_explained(home: Path) -> list[str]:
    """A file whose reasons are written into `error/`."""
    (home / "inbox" / "customers" / "faux.csv").write_text(WRONG, "utf-8")
    return ["run", "night", "--date", DAY]


CASES: list[tuple[str, Put, int, str]] = [
    ("processing", by_hand, DONE, "done/customers"),
    ("done", to_be_sealed, DONE, "done/customers"),
    ("error", to_be_explained, PARTIAL, "error/customers/faux.csv.err.txt"),
    ("outbox", lambda _: ["send"], DONE, "outbox/factures/VT2026-000001.pdf"),
    ("reports", lambda _: ["run", "night", "--date", DAY], DONE, f"reports/nuit-{DAY}.html"),
    ("exports", lambda _: ["export", "ledger"], DONE, "exports/ledger/journal_000001_"),
]


@pytest.mark.parametrize(("folder", "put", "code", "made"), CASES, ids=[c[0] for c in CASES])
def test_f3_a_disk_that_takes_no_file_leaves_none_half_and_the_next_run_ends_it(
    limited: Work, folder: str, put: Put, code: int, made: str
) -> None:
    words = put(limited.home)
    if folder == "reports":
        assert limited.verb("send").returncode == DONE
    before = limited.files(folder)
    bounded = limited.verb(*words, limit=LIMIT if folder != "exports" else 100)
    assert bounded.returncode == IO_ERROR, bounded.stderr
    assert str(limited.home / folder) in bounded.stderr
    assert "octets libres" in bounded.stderr
    assert "1850578006084" not in bounded.stderr
    after = [name for name in limited.files(folder) if name not in before]
    assert [name for name in after if not name.endswith((".csv", ".json"))] == []
    done = limited.verb(*words)
    assert done.returncode == code, done.stderr
    assert any(name.startswith(made) for name in limited.files(made.partition("/")[0]))
    assert limited.files("processing") == []
    assert limited.verb("verify").returncode == DONE


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("outbox/factures/.VT2026-000001.pdf.part", ["send"]),
        (f"reports/.nuit-{DAY}.html.part", ["run", "night", "--date", DAY]),
        ("exports/ledger/.journal_000001_csv.csv.part", ["export", "ledger"]),
    ],
    ids=["outbox", "reports", "exports"],
)
def test_f3_a_full_disk_ends_with_75_says_where_and_the_next_run_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sqlite_url: str, part: str, words: list[str]
) -> None:
    work = house(tmp_path / "maison", sqlite_url)
    full = work.home / part
    full.parent.mkdir(parents=True, exist_ok=True)
    full.symlink_to("/dev/full")
    capsys.readouterr()
    assert main(["--home", str(work.home), *words]) == TRY_LATER
    told = capsys.readouterr().err
    final = str(full.with_name(full.name[1:].removesuffix(".part")))
    assert told.startswith(f"Disque plein en écrivant {final} (")
    assert not full.is_symlink()
    assert not Path(final).exists()
    assert main(["--home", str(work.home), *words]) == DONE
    assert Path(final).stat().st_size
    assert main(["--home", str(work.home), "verify"]) == DONE


# --- F4: a disk that fails --------------------------------------------------------------------


@dataclass
class Disk:
    """Counts what is synced and fails the n-th time; from then on nobody may ask again."""

    fail_at: int = 0
    calls: int = 0

    def fsync(self, handle: int) -> None:
        """In the place of os.fsync."""
        self.calls += 1
        if self.fail_at and self.calls >= self.fail_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Every fsync of ours."""
    made = Disk()
    monkeypatch.setattr(durable.os, "fsync", made.fsync)
    yield made


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    """Folders and an empty database."""
    own = {"code": "DEMO", "name": "Démo"}
    settings = from_mapping({"organisation": own, "folders": {"home": "home"}}, base=tmp_path)
    prepare(settings)
    with engine.begin() as connection:
        connection.execute(organisation.insert().values(id=1, **own))
    return Office(engine, 1, settings, lambda: NOON, VAULT)


def test_f4_a_failed_fsync_stops_an_import_and_is_never_tried_again(
    office: Office, disk: Disk
) -> None:
    """At each of its calls in turn; the next process finds everything and files it away once."""
    inbox, failed = office.settings.folders.inbox / "customers", 0
    while True:
        for name, content in (("a", CUSTOMERS), ("b", PATIENT), ("c", WRONG)):
            changed = content.replace("Martin", f"M{failed}").replace("Garage", f"G{failed}")
            (inbox / f"{name}{failed}.csv").write_text(changed, "utf-8")
        disk.calls, disk.fail_at = 0, failed + 1
        try:
            import_waiting(office, settle_s=0)
        except BrokenDiskError:
            assert disk.calls == disk.fail_at
        else:
            break
        disk.fail_at, failed = 0, failed + 1
        left = import_waiting(office, settle_s=0)
        assert all(one.outcome is not Outcome.DUPLICATE for one in left)
        assert not list(office.settings.folders.processing.rglob("*.csv"))
    assert failed >= 6  # link and folder, sealed copy and folder, link, folder and reasons


def test_f4_a_delivery_stops_whatever_the_folder(tmp_path: Path, disk: Disk) -> None:
    item = Item("k", "f.pdf", b"content", "invoice_pdf", "", {}, datetime(2026, 1, 1, tzinfo=UTC))
    for fail_at in (1, 2):
        disk.calls, disk.fail_at = 0, fail_at
        with pytest.raises(BrokenDiskError):
            Folder(tmp_path / f"out{fail_at}").deliver(item)
        assert disk.calls == fail_at


def test_f4_nothing_stays_of_a_file_whose_fsync_failed(tmp_path: Path, disk: Disk) -> None:
    disk.fail_at = 1
    with pytest.raises(BrokenDiskError):
        write_whole(tmp_path / "x", b"content")
    assert list(tmp_path.iterdir()) == []


def test_f4_the_verb_ends_with_74(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sqlite_url: str, disk: Disk
) -> None:
    work = house(tmp_path / "maison", sqlite_url)
    disk.fail_at, disk.calls = 1, 0
    assert main(["--home", str(work.home), "send"]) == IO_ERROR
    assert disk.calls == 1
    assert "VT2026-000001.pdf" in capsys.readouterr().err
    disk.fail_at = 0
    assert main(["--home", str(work.home), "send"]) == DONE
    with_factures = work.files("outbox")
    assert with_factures == ["outbox/factures/VT2026-000001.pdf"]


def test_f4_a_server_stops_instead_of_trying_the_job_again(engine: Engine) -> None:
    clock = clockwork(engine, "2026-02-02T06:00")
    clock.trouble = [BrokenDiskError(errno.EIO, "Input/output error")]
    with clock.server(jobs_of(matin={"at": "06:15"})) as server:
        clock.advance(hours=1)
        with pytest.raises(BrokenDiskError):
            server.tick()
    assert clock.states() == {"running": 1}  # the next server takes it up


def test_f4_the_database_s_own_failure_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from sqlalchemy.exc import OperationalError

    from integration.verbs import health

    def fails(_: object) -> int:
        raise OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))

    make_home(tmp_path / "maison")
    monkeypatch.setattr(health, "status", fails)
    assert main(["--home", str(tmp_path / "maison"), "status"]) == IO_ERROR
    assert "en panne" in capsys.readouterr().err

"""What the world drops into the inbox: the catalogue's faults F12 to F21, one name each."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from formats.common.anomaly import AnomaliesFound
from integration import inbox
from integration.database import tables as t
from integration.inbox import (
    Imported,
    Office,
    Outcome,
    Watch,
    import_paths,
    import_waiting,
    strangers,
)
from integration.translate import tabular
from integration.translate.flow import FLOWS, load
from tests.integration.imports.samples import CUSTOMERS, bring_in, drop, rows

LATIN = "code;nom\nC1;Hélène Œuvrard, 5 €\n"


def places(office: Office) -> Counter[str]:
    """Files by the folder of home they lie in."""
    home = office.settings.folders.home
    files = (path.relative_to(home) for path in home.rglob("*") if path.is_file())
    return Counter(path.parts[0] for path in files)


def refused(office: Office, content: bytes, name: str = "c.csv") -> str:
    """Drop a file of customers that must be refused whole; the first anomaly."""
    (office.settings.folders.inbox / "customers" / name).write_bytes(content)
    (one,) = import_waiting(office, settle_s=0)
    assert one.outcome is Outcome.REFUSED
    assert rows(office, t.customer) == 0
    return str(one.anomalies[0])


def test_f12_two_importers_at_once_import_a_content_once(office: Office) -> None:
    """Two processes, six names, three contents: three imports, six files kept."""
    for n in range(3):
        for name in ("a", "b"):
            drop(office, "customers", f"{name}{n}.csv", f"code;nom\nC{n};Un\n")
    office.engine.dispose()
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            try:
                import_waiting(office, settle_s=0.05)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert import_waiting(office, settle_s=0) == []
    with office.engine.connect() as connection:
        states = Counter(connection.scalars(select(t.received_file.c.state)))
    assert states["imported"] == 3
    assert (rows(office, t.customer), places(office)) == (3, {"done": 6})


def during_import(monkeypatch: pytest.MonkeyPatch, at: str, act: Callable[[], None]) -> None:
    """Let something happen once, in the middle of an import."""
    todo = [act]

    def reach(name: str) -> None:
        if name == at and todo:
            todo.pop()()

    monkeypatch.setattr(inbox, "reach", reach)


@pytest.mark.parametrize("at", ["inbox.claimed", "inbox.recorded", "inbox.applied"])
def test_f15_a_writer_that_goes_on_after_a_pause_gets_its_file_back(
    office: Office, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """It paused longer than two looks, in the middle of a line; nothing is imported of half."""
    path = office.settings.folders.inbox / "customers" / "c.csv"
    writer = path.open("a", encoding="utf-8")
    writer.write("code;nom\nC1;Un\n")
    writer.flush()
    during_import(monkeypatch, at, lambda: print("C2;Deux", file=writer, flush=True))
    done = import_waiting(office, settle_s=0)
    if at != "inbox.claimed":
        assert (done, rows(office, t.customer)) == ([], 0)
        assert places(office) == {"inbox": 1}
        (one,) = import_waiting(office, settle_s=0)
        assert one.outcome is Outcome.IMPORTED
    writer.close()
    assert rows(office, t.customer) == 2
    assert places(office) == {"done": 1}


def test_f15_half_a_file_is_not_refused_while_it_grows(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = office.settings.folders.inbox / "customers" / "c.csv"
    writer = path.open("a", encoding="utf-8")
    writer.write('code;nom\nC1;"Un')
    writer.flush()
    real = inbox._read

    def read(path: Path) -> bytes:
        found = real(path)
        if not writer.closed:
            writer.write('"\n')
            writer.close()
        return found

    monkeypatch.setattr(inbox, "_read", read)
    assert import_waiting(office, settle_s=0) == []
    (one,) = import_waiting(office, settle_s=0)
    assert (one.outcome, places(office)) == (Outcome.IMPORTED, {"done": 1})


def test_f15_a_file_replaced_between_two_looks_waits(office: Office, tmp_path: Path) -> None:
    watch = Watch(office)
    drop(office, "customers", "c.csv", "code;nom\nC1;Un\n")
    assert watch.step() == []
    other = tmp_path / "other"
    other.write_text("code;nom\nC9;Neuf\n", "utf-8")
    os.utime(other, ns=(time.time_ns(), time.time_ns() + 1))
    other.replace(office.settings.folders.inbox / "customers" / "c.csv")
    assert watch.step() == []
    assert [one.outcome for one in watch.step()] == [Outcome.IMPORTED]


def test_f16_what_is_no_regular_file_is_left_alone(office: Office, tmp_path: Path) -> None:
    folder = office.settings.folders.inbox / "customers"
    (folder / "dossier.csv").mkdir()
    os.mkfifo(folder / "tube.csv")
    (folder / "lien.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "secret.csv").write_text(CUSTOMERS, "utf-8")
    for name in ("c.csv.part", "c.tmp", "~$c.xlsx", "c.csv~"):
        drop(office, "customers", name, CUSTOMERS)
    assert import_waiting(office, settle_s=0) == []
    assert rows(office, t.customer) == 0


def test_f16_an_empty_file_is_refused_with_its_reason(office: Office) -> None:
    assert refused(office, b"").startswith("IMP-121 c.csv : Le fichier est vide")
    assert places(office) == {"error": 2}


@pytest.mark.parametrize(
    "name",
    [
        b"deux\nlignes.csv",
        b"latin-\xe9\xff.csv",
        b"x" * 251 + b".csv",
        b"a..csv..csv",
        b"CON",
        "\u202egpj.csv".encode(),
    ],
)
def test_f16_odd_names_are_kept_plain_and_stay_in_their_folder(office: Office, name: bytes) -> None:
    folder = office.settings.folders.inbox / "customers"
    (folder / os.fsdecode(name)).write_bytes(CUSTOMERS.encode())
    (one,) = import_waiting(office, settle_s=0)
    assert one.outcome is Outcome.IMPORTED
    assert one.kept
    assert one.kept.name.isascii()
    assert "\n" not in one.kept.name
    assert places(office) == {"done": 1}


def test_f16_a_file_we_may_not_read_is_told_once_and_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read anything: the refusal itself is played."""
    drop(office, "customers", "c.csv", CUSTOMERS)
    drop(office, "customers", "d.csv", "code;nom\nC9;Neuf\n")
    real = os.access
    barred = lambda path, mode: Path(path).name != "c.csv" and real(path, mode)  # noqa: E731
    monkeypatch.setattr(os, "access", barred)
    watch = Watch(office)
    watch.look()
    first, second = watch.step()
    assert (first.name, first.outcome) == ("d.csv", Outcome.IMPORTED)
    assert str(second.anomalies[0]).startswith("IMP-014 c.csv : Le serveur n'a pas le droit")
    assert watch.step() == []
    assert places(office) == {"inbox": 1, "done": 1}
    monkeypatch.setattr(os, "access", real)
    assert [one.outcome for one in watch.step()] == [Outcome.IMPORTED]


def test_f16_a_folder_no_flow_reads_is_told(office: Office) -> None:
    inboxes = office.settings.folders.inbox
    (inboxes / "factures").mkdir()
    (inboxes / "readings@kpax").mkdir()
    (inboxes / ".cache").mkdir()
    assert [str(one) for one in strangers(office.settings)] == [
        "IMP-013 Le dossier « inbox/factures » n'est celui d'aucun flux : rien n'y est lu. "
        "Déplacez ses fichiers dans « inbox » ou dans le dossier d'un flux, puis supprimez-le."
    ]


SAMPLES = {
    name: load(name).schema().partition("\n{")[0].encode()
    for name in FLOWS
    if not load(name).schema().startswith("{")
}


@pytest.mark.parametrize("name", SAMPLES)
def test_f17_damaged_tables_end_in_anomalies_never_in_a_crash(name: str) -> None:
    """Cut, flipped, doubled, emptied: a flow reads it or says where it is wrong."""
    flow, sample = load(name), SAMPLES[name]
    damaged = [sample[:n] for n in range(0, len(sample), 7)]
    damaged += [
        sample[:n] + bytes([sample[n] ^ 0x91]) + sample[n + 1 :]
        for n in range(0, min(200, len(sample)), 5)
    ]
    damaged += [sample * 2, sample.replace(b";", b""), sample.replace(b"\n", b"\r"), b";" * 99]
    for content in damaged:
        try:
            flow.read(content, "f.csv")
        except AnomaliesFound as found:
            assert all(one.code.id != "IMP-011" for one in found.anomalies)
            assert all(one.place.file == "f.csv" for one in found.anomalies)


def test_f18_a_file_too_large_is_refused_unread(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_BYTES", 2**20)
    said = refused(office, b"code;nom\n" + b"x" * 2**20)
    assert said.startswith("IMP-010 c.csv : Le fichier dépasse 1 Mo.")


def zipped(**parts: bytes) -> bytes:
    """A ZIP of these parts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def test_f18_a_workbook_that_swells_is_refused_quickly(office: Office) -> None:
    bomb = zipped(**{"xl/worksheets/sheet1.xml": bytes(tabular.MOST_UNZIPPED + 1)})
    assert len(bomb) < 300_000
    began = time.process_time()
    said = refused(office, bomb, "c.xlsx")
    assert time.process_time() - began < 3
    assert said.startswith("IMP-129 c.xlsx : Le classeur Excel dépasse 256 Mo")


@pytest.mark.parametrize(
    "content",
    [
        zipped(**{"../../dehors": b"x"}),
        zipped(inner=zipped(inner=b"x")),
        zipped(a=b"abc" * 99)[:-30],
        zipped(a=b"abc" * 99).replace(
            b"\x50\x4b\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
        ),
    ],
    ids=["outside", "nested", "cut", "encrypted"],
)
def test_f18_other_archives_are_no_workbooks_and_write_nothing(
    office: Office, content: bytes
) -> None:
    assert refused(office, content, "c.xlsx").startswith("IMP-127 c.xlsx")
    assert places(office) == {"error": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LATIN.encode("cp1252"), "IMP-120 c.csv, ligne 2, colonne 5"),
        (LATIN.encode("utf-16"), "IMP-120 c.csv, ligne 1, colonne 1"),
        ("code;nom\nC1;Un\n".encode("cp500"), "IMP-120 c.csv, ligne 1"),
    ],
    ids=["cp1252", "utf-16", "ebcdic"],
)
def test_f20_another_encoding_is_told_with_its_place(
    office: Office, content: bytes, said: str
) -> None:
    assert refused(office, content).startswith(said)


@pytest.mark.parametrize("content", [LATIN.encode("utf-8-sig"), LATIN.replace("\n", "\r").encode()])
def test_f20_a_mark_or_lone_carriage_returns_change_nothing(office: Office, content: bytes) -> None:
    (office.settings.folders.inbox / "customers" / "c.csv").write_bytes(content)
    assert [one.outcome for one in import_waiting(office, settle_s=0)] == [Outcome.IMPORTED]
    with office.engine.connect() as connection:
        assert connection.scalar(select(t.customer.c.name)) == "Hélène Œuvrard, 5 €"


def test_f21_decomposed_accents_are_put_together(office: Office) -> None:
    bring_in(office, "customers", "code;nom\nC1;He\u0301le\u0300ne\n")
    with office.engine.connect() as connection:
        assert connection.scalar(select(t.customer.c.name)) == "H\u00e9l\u00e8ne"


@pytest.mark.parametrize("letter", ["\u202e", "\u200f", "\x07", "\x1b", "\ufeff"])
def test_f21_control_and_direction_marks_are_refused_by_name(office: Office, letter: str) -> None:
    said = refused(office, f"code;nom\nC1;Un{letter}Deux\n".encode())
    assert said.startswith("IMP-103 c.csv, ligne 2, colonne 2")


def test_paths_given_by_hand_pass_the_same_checks(office: Office, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(LATIN.encode("cp1252"))
    found: list[Imported] = import_paths(office, [tmp_path], "customers")
    assert found[0].outcome is Outcome.REFUSED

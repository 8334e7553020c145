"""The archive of a closed month: checked without the database, one flipped byte is found."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from billing.closing import Kind, Period, period_of
from formats.archive import Member, write
from formats.common.anomaly import AnomaliesFound
from integration.flows.archive import Archivist, check_archive, export_archive, period_named
from integration.flows.closing import Closer
from integration.signing import ensure_signing_key, open_signer
from tests.integration.posting.books import open_books, posted, sale

DAY = date(2026, 1, 5)
MONTH = period_of(Kind.MONTH, DAY)


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Archivist:
    """Two sales in January 2026 and one in December, with a PDF, all closed."""
    open_books(engine, 1)
    pdf = ("invoice_pdf", "", ".pdf")
    posted(engine, sale(date(2025, 12, 30), 700))
    posted(engine, sale(DAY, deliveries=(pdf,)), sale(DAY, 800))
    (tmp_path / "VT2026-000001.pdf").write_bytes(b"%PDF-1.7 invoice")
    clock = lambda: datetime(2026, 2, 1, tzinfo=UTC)  # noqa: E731
    closer = Closer(engine, 1, tmp_path / "signing.key", tmp_path / "A.anchors", clock)
    closer.close(MONTH, date(2026, 2, 1))
    return Archivist(engine, 1, "A", open_signer(closer.key), tmp_path)


@pytest.fixture
def archive(house: Archivist, tmp_path: Path) -> Path:
    """The archive of January."""
    return export_archive(house, MONTH, tmp_path / "archives")


def code_of(path: Path, *trusted: str) -> str:
    """What is wrong with an archive, or nothing."""
    try:
        check_archive(path, trusted)
    except AnomaliesFound as found:
        return str(found.anomalies[0])
    return ""


def test_it_is_checked_without_the_database_and_read_with_any_tool(
    archive: Path, house: Archivist
) -> None:
    found = check_archive(archive, [house.signer.public])
    assert (archive.name, found.documents, found.organisation) == ("A-month-2026-01-01.zip", 2, "A")
    with zipfile.ZipFile(archive) as zip_:
        assert zip_.namelist() == [
            "documents.jsonl",
            "links.jsonl",
            "closings.jsonl",
            "factures/VT2026-000001.pdf",
            "manifest.json",
            "manifest.sig",
            "public_key.pem",
        ]
        assert zip_.testzip() is None


@pytest.mark.feature("X-ARC-01")
def test_one_flipped_byte_anywhere_is_found(archive: Path, tmp_path: Path) -> None:
    content, damaged = archive.read_bytes(), tmp_path / "damaged.zip"
    unseen = []
    for at in sorted({*range(0, len(content), 23), *_regions(content)}):
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        told = code_of(damaged)
        if not told.startswith(("FMT-761", "FMT-762", "FMT-763")):
            unseen.append((at, told))
    assert unseen == []


def _regions(content: bytes) -> Iterator[int]:
    """Headers and data of each member, the directory, its end and the seal."""
    with zipfile.ZipFile(io.BytesIO(content)) as zip_:
        for info in zip_.infolist():
            data = info.header_offset + 30 + len(info.filename) + 20
            yield from (info.header_offset, info.header_offset + 10, data, data + 5)
        yield from (zip_.start_dir, zip_.start_dir + 12, zip_.start_dir + 40)
    yield from (len(content) - 1, len(content) - 150, len(content) - 215, len(content) - 222)


def test_an_altered_member_is_named(archive: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    with zipfile.ZipFile(archive) as zip_:
        info = zip_.getinfo("links.jsonl")
    at = info.header_offset + 30 + len(info.filename) + 20 + 30
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    assert "L'archive est altérée : links.jsonl" in code_of(damaged)
    damaged.write_bytes(content[:-1])
    assert code_of(damaged).startswith("FMT-761")
    damaged.write_bytes(b"")
    assert code_of(damaged).startswith("FMT-761")


def test_another_key_is_a_stranger(archive: Path) -> None:
    assert code_of(archive, "00" * 32).startswith("FMT-763")


def test_documents_forged_before_signing_contradict_their_chain(
    archive: Path, house: Archivist, tmp_path: Path
) -> None:
    """Whoever holds the key still can't make rows that the chain doesn't know."""
    import json

    with zipfile.ZipFile(archive) as zip_:
        about = json.loads(zip_.read("manifest.json"))
        members = [
            Member(name, [zip_.read(name).replace(b"Vente", b"Rente")])
            for name in about.pop("members")
        ]
    forged = tmp_path / "forged.zip"
    with forged.open("w+b") as stream:
        write(stream, members, about, house.signer)
    assert code_of(forged).startswith("LED-963 Dans l'archive, VT2026-000001 ne suit pas")


def test_the_same_content_keeps_its_name_another_takes_a_new_one(
    archive: Path, house: Archivist, tmp_path: Path
) -> None:
    assert export_archive(house, MONTH, archive.parent) == archive
    (tmp_path / "VT2026-000001.pdf").unlink()
    assert export_archive(house, MONTH, archive.parent).name == "A-month-2026-01-01-2.zip"


def test_an_open_period_is_refused(house: Archivist, tmp_path: Path) -> None:
    with pytest.raises(AnomaliesFound, match="LED-961"):
        export_archive(house, period_of(Kind.YEAR, DAY), tmp_path / "archives")
    assert list((tmp_path / "archives").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "kind"), [("2026", Kind.YEAR), ("2026-01", Kind.MONTH), ("2026-01-05", Kind.DAY)]
)
def test_periods_by_name(text: str, kind: Kind) -> None:
    assert period_named(text) == period_of(kind, DAY)
    assert isinstance(period_named(text), Period)


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-1", "janvier", "2026-02-30"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(AnomaliesFound, match="LED-962"):
        period_named(text)


def test_a_key_made_once(tmp_path: Path) -> None:
    ensure_signing_key(tmp_path / "signing.key")
    public = open_signer(tmp_path / "signing.key").public
    ensure_signing_key(tmp_path / "signing.key")
    assert open_signer(tmp_path / "signing.key").public == public

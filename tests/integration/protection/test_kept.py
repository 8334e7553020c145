"""Kept files: what opens, what doesn't, in bounded memory, whatever is killed."""

from __future__ import annotations

import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest

from formats.common.anomaly import AnomaliesFound
from integration import kept
from integration.kept import BLOCK, deliver_kept, header_of, keep, opened, reseal
from integration.persons import Vault
from tests.faults.killing import run

VAULT = Vault(bytes(range(32)))
NIR = b"1800175056001"


def read(path: Path, vault: Vault = VAULT) -> bytes:
    return b"".join(opened(vault, path))


def refusal(path: Path, vault: Vault = VAULT) -> str:
    with pytest.raises(AnomaliesFound) as found:
        read(path, vault)
    return found.value.anomalies[0].code.id


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_what_is_kept_opens_again_and_shows_nothing(tmp_path: Path, size: int) -> None:
    content = (NIR * (size // len(NIR) + 1))[:size]
    path = keep(VAULT, BytesIO(content), tmp_path, "r.noe", "claim")
    assert path.name == "r.noe.enc"
    assert read(path) == content
    assert NIR not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["r.noe.enc"]


def test_cut_reordered_changed_or_renamed_it_does_not_open(tmp_path: Path) -> None:
    path = keep(VAULT, BytesIO(bytes(3 * BLOCK)), tmp_path, "a.b2", "claim")
    whole = path.read_bytes()
    size = BLOCK + 16
    head, first, second, last = whole[:44], *(whole[44 + n * size :][:size] for n in range(3))
    spoiled = {
        "cut": head + first + second,
        "reordered": head + second + first + last,
        "changed": whole[:-1] + bytes([whole[-1] ^ 1]),
        "empty": head,
    }
    for content in spoiled.values():
        path.write_bytes(content)
        assert refusal(path) == "RUN-513"
    path.write_bytes(whole)
    assert refusal(path.rename(tmp_path / "b.b2.enc")) == "RUN-513"


def test_another_key_or_another_file_is_told(tmp_path: Path) -> None:
    path = keep(VAULT, BytesIO(NIR), tmp_path, "a.b2", "claim")
    assert refusal(path, Vault(bytes(32))) == "RUN-512"
    (tmp_path / "b.enc").write_bytes(NIR)
    assert refusal(tmp_path / "b.enc") == "RUN-511"


def test_nothing_is_overwritten_and_a_second_time_finds_the_first(tmp_path: Path) -> None:
    first = keep(VAULT, BytesIO(NIR), tmp_path, "a.b2", "claim 1")
    before = first.stat().st_ino
    assert keep(VAULT, BytesIO(NIR), tmp_path, "a.b2", "claim 1").stat().st_ino == before
    with pytest.raises(FileExistsError):
        keep(VAULT, BytesIO(NIR), tmp_path, "a.b2", "claim 2")


def test_what_we_made_is_delivered_once(tmp_path: Path) -> None:
    deliver_kept(VAULT, tmp_path / "b2", "lot.b2", NIR)
    before = (tmp_path / "b2" / "lot.b2.enc").stat().st_mtime_ns
    deliver_kept(VAULT, tmp_path / "b2", "lot.b2", NIR)
    assert (tmp_path / "b2" / "lot.b2.enc").stat().st_mtime_ns == before
    with pytest.raises(FileExistsError):
        deliver_kept(VAULT, tmp_path / "b2", "lot.b2", NIR + b"!")


def test_a_file_of_another_key_is_sealed_anew_and_keeps_name_and_origin(tmp_path: Path) -> None:
    path = keep(VAULT, BytesIO(NIR), tmp_path, "a.b2", "claim")
    both = Vault(bytes(32), bytes(range(32)))
    assert reseal(both, path)
    assert not reseal(both, path)
    assert read(path, Vault(bytes(32))) == NIR
    found = header_of(path)
    assert found is not None
    assert found.origin == kept.origin_of("claim")


def test_memory_stays_bounded_whatever_the_size(tmp_path: Path) -> None:
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    with source.open("rb") as file:
        path = keep(VAULT, file, tmp_path, "large", "claim")
    for _ in opened(VAULT, path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_killed_at_each_step_and_done_again_one_whole_file_is_there(tmp_path: Path) -> None:
    for point in (1, 2):
        folder = tmp_path / str(point)
        folder.mkdir()
        work = lambda folder=folder: keep(VAULT, BytesIO(NIR), folder, "a", "c")  # noqa: E731
        assert run(work, point).killed
        work()
        assert [one.name for one in folder.iterdir()] == ["a.enc"]
        assert read(folder / "a.enc") == NIR

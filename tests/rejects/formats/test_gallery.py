"""The error gallery of the norms: what `echeance format check` says of each bad file, exactly."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from formats.catalogue import dialect, dialects
from integration.cli import BAD_INPUT, main
from tests.rejects.formats.cases import CASES, SOUND, written

HERE = Path(__file__).parent


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether `--update-golden` was asked: then files and messages are written again."""
    return bool(request.config.getoption("--update-golden"))


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_gets_its_exact_message(
    name: str, update: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = HERE / name
    if update:
        path.write_bytes(CASES[name])
    assert path.read_bytes() == CASES[name], f"{name} changed; --update-golden rewrites it"
    assert main(["format", "check", str(path)]) == BAD_INPUT
    told = capsys.readouterr().out
    kept = path.with_name(f"{name}.txt")
    if update:
        kept.write_text(told, "utf-8")
    assert told == kept.read_text("utf-8")
    assert f"  {name.partition('.')[0]} {name}" in told


def test_nothing_else_is_kept_here() -> None:
    ours = {path.name.removesuffix(".txt") for path in HERE.glob("[A-Z][A-Z][A-Z]-*")}
    assert ours == set(CASES)
    assert {name.partition(".")[2] for name in CASES} - {"any"} == set(SOUND)
    assert set(SOUND) == {one.name for one in dialects()}


@pytest.mark.parametrize("name", SOUND)
def test_the_file_they_are_made_from_is_sound(name: str) -> None:
    assert dialect(name).check(BytesIO(written(SOUND[name]))).anomalies == ()

"""F43: nobody reads any more, or never did: the work goes on, and no traceback is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from integration.cli import DONE, TRY_LATER, main

DAY = "2026-02-02"
ECHEANCE = f'"{sys.executable}" -m integration.cli --home "$1"'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A working folder."""
    assert main(["--home", str(tmp_path / "maison"), "init"]) == DONE
    return tmp_path / "maison"


def shell(home: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, with the home as its first argument."""
    words = ["bash", "-o", "pipefail", "-c", line.replace("echeance", ECHEANCE), "bash", str(home)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "ending",
    ["| head -1", "| true", ">&-", "<&- >&- 2>&-"],
)
def test_f43_a_night_nobody_listens_to_is_played_whole(home: Path, ending: str) -> None:
    done = shell(home, f"echeance run night --date {DAY} {ending}")
    assert done.returncode == DONE, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert json.loads((home / "reports" / f"nuit-{DAY}.json").read_text("utf-8"))["day"] == DAY
    again = shell(home, f"echeance run night --date {DAY}")
    assert "déjà fait" in again.stdout


def test_f43_a_long_result_cut_by_its_reader_is_no_error(home: Path) -> None:
    done = shell(home, "echeance schema contracts | head -1")
    assert (done.returncode, done.stderr) == (DONE, "")
    assert done.stdout.count("\n") == 1


def test_f43_a_result_that_could_not_be_written_is_one(home: Path) -> None:
    done = shell(home, "echeance config show >/dev/full")
    assert done.returncode == TRY_LATER
    assert done.stderr.startswith("Disque plein en écrivant la sortie")
    assert done.stderr.count("\n") == 1


def test_f43_a_server_whose_journal_is_gone_goes_on(home: Path) -> None:
    """Its first line meets a closed pipe; it takes a file all the same."""
    (home / "jobs.toml").write_text("", "utf-8")
    (home / "inbox" / "customers" / "c.csv").write_text("code;nom\nC1;Un\n", "utf-8")
    settings = home / "echeance.toml"
    settings.write_text(settings.read_text("utf-8").replace("# poll_s = 5", "poll_s = 1"))
    taken = "until ls $1/done/customers/*/*/*/c.csv >/dev/null 2>&1; do sleep 0.2; done"
    line = f"echeance serve > >(true) 2>&1 & {taken}; sleep 1; kill $! && wait $!; echo $?"
    done = shell(home, line)
    assert done.stdout.splitlines()[-1] == str(DONE), done.stderr

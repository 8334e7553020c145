"""Units systemd accepts, a manual page groff accepts, a completion bash really makes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from integration.cli import CODES, DONE, VERBS, main
from integration.verbs.completing import SHELLS
from integration.verbs.manual import page
from integration.verbs.shell import UNITS, units
from tests.plugins.programs import program


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The units as an administrator writes them, for a home and a program that are there."""
    home = tmp_path / "home"
    home.mkdir()
    assert main(["--home", str(home), "systemd", "--output", str(tmp_path)]) == DONE
    return tmp_path


def test_systemd_accepts_the_units(written: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *(str(written / name) for name in UNITS)],
        capture_output=True,
        text=True,
    )
    ours = [line for line in checked.stderr.splitlines() if "echeance" in line]
    assert (checked.returncode, ours) == (0, [])


def test_services_are_hardened(written: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    for name in UNITS[:2]:
        checked = subprocess.run(
            [analyze, "security", "--offline=true", str(written / name)],
            capture_output=True,
            text=True,
            env={"SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
        )
        exposure = re.search(r"exposure level for .*: (\d+\.\d+) OK", checked.stdout)
        assert exposure, checked.stdout[-500:] + checked.stderr
        assert float(exposure[1]) <= 2.5


def test_the_night_is_outside_the_hour_that_changes(tmp_path: Path) -> None:
    made = units(tmp_path)
    assert "OnCalendar=*-*-* 04:15:00 Europe/Paris" in made["echeance-night.timer"]
    assert "RestartPreventExitStatus=64 65 77 78" in made["echeance.service"]
    for line in ("Type=notify", "WatchdogSec=120", "ExecReload=/bin/kill -HUP $MAINPID"):
        assert line in made["echeance.service"].splitlines()  # what `serve` answers to
    assert not [name for name, text in made.items() if "@" + "HOME" in text or "@PROGRAM" in text]


def test_the_manual_page_is_whole() -> None:
    groff = program("groff", "groff")
    shown = subprocess.run(
        [groff, "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou"],
        input=page(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    text = " ".join(shown.stdout.split())
    for verb in VERBS:
        assert f" {verb.name}" in text
    for code in CODES:
        assert f" {code} " in text
    assert "schema_version" in text


def completed(*words: str) -> list[str]:
    """What bash proposes for a command line."""
    bash = program("bash", "bash")
    typed = " ".join(f"'{word}'" for word in words)
    script = (
        f"{SHELLS['bash']()}\nCOMP_WORDS=(echeance {typed})\nCOMP_CWORD={len(words)}\n"
        '_echeance\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (("do",), ["doctor"]),
        (("card", ""), ["status", "read", "unblock"]),
        (("--home", "ici", "card", "re"), ["read"]),
        (("card", "read", "--a"), ["--ask"]),
        (("run", "ni"), ["night"]),
        (("completion", ""), ["bash", "zsh", "fish", "--help"]),
        (("restore", "--d"), ["--dry-run"]),
        (("licorne", "--"), []),
    ],
)
def test_bash_completes(words: tuple[str, ...], proposed: list[str]) -> None:
    assert completed(*words) == proposed


def test_an_old_terminal_is_told_everything_in_its_letters(tmp_path: Path) -> None:
    """ISO-8859-1 has no € and no narrow space: they are written plainly, and the act is told."""
    home, program_ = tmp_path / "maison", [sys.executable, "-m", "integration.cli"]
    environment = {**os.environ, "PYTHONIOENCODING": "iso8859-1", "ECHEANCE_HOME": str(home)}
    subprocess.run([*program_, "init"], check=True, capture_output=True, env=environment)

    def said(*words: str) -> str:
        done = subprocess.run([*program_, *words], capture_output=True, check=True, env=environment)
        return done.stdout.decode("iso8859-1")

    assert "total HT : 0,00\u00a0EUR" in said("bill", "--date", "2026-01-01")
    assert json.loads(said("check", "--json"))["anomalies"] == []


@pytest.mark.parametrize(("shell", "script"), [
    ("zsh", "source <(echo \"$COMPLETION\") 2>&1; whence -w _echeance; echo $_comps[echeance]"),
    ("fish", "echo $COMPLETION | source; complete -C 'echeance persons erase --d';"
     " complete -C 'echeance outbox '"),
])  # fmt: skip
def test_the_other_shells_take_it(shell: str, script: str, tmp_path: Path) -> None:
    """bash is tried above; zsh runs bash's words, fish has its own."""
    found = program(shell, shell)
    environment = {**os.environ, "COMPLETION": SHELLS[shell](), "HOME": str(tmp_path)}
    done = subprocess.run([found, "-c", script], capture_output=True, text=True, env=environment)
    if shell == "zsh":
        assert done.stdout.splitlines()[0] == "_echeance: function"
        assert "not found" not in done.stdout
    else:
        lines = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert lines == ["--dry-run", "list", "show"]


def test_every_verb_and_option_stands_in_every_shell() -> None:
    for make in SHELLS.values():
        text = make()
        for verb in VERBS:
            assert all(word in text for word in verb.name.split())
            for one in verb.arguments:
                assert all(name.lstrip("-") in text for name in one.names if name.startswith("-"))

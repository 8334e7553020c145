"""The tools are rules too: formatting, lint, types and import contracts are clean."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "format", "--check", "--quiet", "."],
        ["ruff", "check", "--quiet", "--output-format", "concise", "."],
        ["mypy", "--no-error-summary"],
        ["lint-imports"],
    ],
    ids=["format", "lint", "types", "imports"],
)
def test_clean(command: list[str]) -> None:
    environment = {**os.environ, "NO_COLOR": "1"}
    program = [str(BIN / command[0]), *command[1:]]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"

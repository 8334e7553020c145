"""Programs of the machine that some tests look through: a browser, systemd, a shell."""

from __future__ import annotations

import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program; without it the test is reported as not run."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"not run: no {name} here (as root: apt-get install {package})")
    return found

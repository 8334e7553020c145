"""A small sandbox: twelve customers, ten patients, sixteen nights."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.demo.drops import Scale

SMALL = Scale(customers=12, contracts=20, patients=10, nights=16)


@pytest.fixture
def sandbox_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sandbox opened from now on lives in this test's database."""
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", database_url)
    return database_url


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the sandbox goes."""
    return tmp_path / "bac"

"""One house a test, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.billing.house import House, house_at


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A house without parameters of its own."""
    with house_at(database_url, tmp_path) as made:
        yield made

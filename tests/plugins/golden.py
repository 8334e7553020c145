"""Golden files: expected bytes kept under `tests/data`, rewritten only on demand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"

Golden = Callable[[str, bytes], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden`."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files, then review the diff",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare bytes with a file kept under tests/data."""
    update = request.config.getoption("--update-golden")

    def check(name: str, actual: bytes) -> None:
        path = DATA / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(actual)
        assert path.exists(), f"{name} is missing; --update-golden writes it"
        assert actual == path.read_bytes(), f"{name} changed; --update-golden rewrites it"

    return check

"""What every test may use; the fixtures themselves live in `tests/plugins`."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.plugins.databases",
    "tests.plugins.features",
    "tests.plugins.golden",
]

# The same examples on every machine and no deadline: a red run is never the machine's mood.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all-failpoints`: the whole sweep instead of its sample."""
    parser.addoption(
        "--all-failpoints",
        action="store_true",
        help="kill at every failpoint, not only at a sample (make sweep)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker `make sweep` selects."""
    config.addinivalue_line("markers", "sweep: kills a run at failpoints and runs it again")


def pytest_collection_finish() -> None:
    """Thousands of tests and modules stay till the end: no collection looks at them again.

    Each billing run collects garbage first; that took longer than most runs.
    """
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Nor at what the tests of a file left behind for good: caches, strategies, reports."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def all_failpoints(pytestconfig: pytest.Config) -> bool:
    """Whether a sweep visits every failpoint."""
    return bool(pytestconfig.getoption("--all-failpoints"))

"""The catalogue of faults is whole, and the tests it names are there."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import FAULTS, HERE, brought_about, page
from tests.house.source import refuse

UNTRIED = {11}
"""Faults of what isn't there yet."""


def test_the_page_is_the_catalogue_s(request: pytest.FixtureRequest) -> None:
    path = HERE / "README.md"
    if request.config.getoption("--update-golden"):
        path.write_text(page(), "utf-8")
    assert path.read_text("utf-8") == page(), "--update-golden rewrites it"


def test_all_47_faults_are_there_in_order() -> None:
    assert list(FAULTS) == list(range(1, 48))


def test_each_fault_has_tests_or_says_why_not() -> None:
    tried = brought_about()
    assert set(tried) == set(FAULTS) - UNTRIED
    refuse(f"F{number} is untried without a reason" for number in UNTRIED if not FAULTS[number][1])

"""A practice on each kind of database."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.integration.care.practice import Practice


@pytest.fixture
def practice(engine: Engine) -> Practice:
    """A provider with the embedded nomenclature, and nobody in it yet."""
    return Practice(engine).found()

"""Fixtures of teletransmission."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.integration.teletransmission.provider import Provider


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """A provider with nothing posted yet, on both databases."""
    return Provider(engine).found()

"""Every anomaly code: one room, one French sentence, one remedy, declared once."""

from __future__ import annotations

import importlib
import re

import pytest

from formats.common.anomaly import Code, catalogue
from tests.house.source import modules, refuse

ROOMS = ("FMT", "RAT", "CAR", "IMP", "TEL", "LED", "CFG", "RUN", "OUT", "STK")
ENGLISH = re.compile(
    r"\b(the|is|are|must|should|not|with|of|and|file|unknown|missing|expected|please|check)\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def codes() -> list[Code]:
    """Every code of the house; a code declared twice stops its module's import."""
    for module in modules():
        if not module.within("integration.database.migrations"):
            importlib.import_module(module.name)
    return list(catalogue().values())


def test_codes_are_named_after_their_room(codes: list[Code]) -> None:
    refuse(code.id for code in codes if not re.fullmatch(rf"({'|'.join(ROOMS)})-\d{{3}}", code.id))


def test_sentences_and_remedies_are_whole_french_sentences(codes: list[Code]) -> None:
    refuse(
        f"{code.id}: {text!r}"
        for code in codes
        for text in (code.sentence, code.remedy)
        if not re.fullmatch(r"[^a-z\s].*[^\s.]\.", text)
        or ENGLISH.search(re.sub(r"\{.*?\}|«.*?»", "", text))
    )

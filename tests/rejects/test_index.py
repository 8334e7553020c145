"""The published list of errors: every code of the house, its sentence, its remedy, its example."""

from __future__ import annotations

import re

import pytest

from tests.rejects.index import HERE, ROOMS, STATED, codes, examples, page, unshown

RECORDS = re.compile(r"FMT-[01245]\d\d")  # what is read in a file of a norm


def test_the_published_list_is_the_code_s(request: pytest.FixtureRequest) -> None:
    path = HERE / "README.md"
    if request.config.getoption("--update-golden"):
        path.write_text(page(), "utf-8")
    assert path.read_text("utf-8") == page(), "--update-golden rewrites it"


@pytest.mark.feature("X-FMT-03")
def test_every_code_has_a_file_a_test_or_a_stated_reason() -> None:
    assert list(unshown()) == []
    shown = examples()
    readable = {code.id for code in codes() if RECORDS.fullmatch(code.id)}
    assert readable - set(shown) - set(STATED) == set()
    for files in shown.values():
        for file in files:
            assert (HERE / f"{file}.txt").read_text("utf-8").strip()


def test_reasons_and_files_are_of_codes_that_exist() -> None:
    known = {code.id for code in codes()}
    assert set(STATED) | set(examples()) <= known
    assert set(STATED) & set(examples()) == set()
    assert {code[:3] for code in known} <= set(ROOMS)


def test_remedies_have_no_slots() -> None:
    """Only the sentence is filled with values."""
    assert [code.id for code in codes() if "{" in code.remedy] == []


def test_remedies_say_vous() -> None:
    """« Corrigez », never « Corriger » : one politeness for the whole house."""
    infinitive = re.compile(r"(Ne pas |L[ea] (?!premier)|L')?\w+([ei]r|re) ")
    assert [code.id for code in codes() if infinitive.match(code.remedy)] == []

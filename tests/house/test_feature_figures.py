"""The figure check behind `make features` must find and must miss."""

from __future__ import annotations

import pytest

from tests.plugins.figures import missing_figures


@pytest.mark.parametrize(
    ("acceptance", "body"),
    [
        ("12 600 copies", "assert x == 12_600"),
        ("12 600 copies", "assert x == '12 600'"),
        ("0.01 patient share", "assert x == '0,01'"),
        ("12 x 8.00 = 96.00", "assert 12 * 8 == Decimal('96')"),
        ("billed 01/04", "assert x == date(2018, 4, 1)"),
        ("billed 01/04", "assert x == '2018-04-01'"),
        ("created 01/01/2018 refused", "assert x == date(2018, 1, 1)"),
        ("Revision takes 07/2014 = 162.591", "assert x['2014-07'] == '162.591'"),
        ("150.00: +10 160.00", "assert 150 + 10 == 160"),
        ("Quarter Q1, P24, see C9", "assert x"),
        ("exactly 2/3/4", "assert x == (2, 3, 4)"),
        ("Weeks 50-57: 10:00, 55 000...", "assert x == (50, 57, 10, 0, 55000)"),
    ],
)
def test_figures_are_found_however_written(acceptance: str, body: str) -> None:
    assert missing_figures(acceptance, f"def test_it():\n    {body}") == []


@pytest.mark.parametrize(
    ("acceptance", "source", "missing"),
    [
        ("12 x 8.00 = 96.00", "def test_12_8():\n    '96.00'\n    assert 8  # 96", ["12", "96.00"]),
        ("1 fee", '@pytest.mark.feature("A-FEE-01")\ndef test_it():\n    assert x', ["1"]),
        ("billed 01/04", "def test_it():\n    assert date(2018, 1, 4)", ["01/04"]),
        ("date 31/12/2017", "def test_it():\n    assert date(2018, 12, 31)", ["31/12/2017"]),
        ("12 500", "def test_it():\n    assert 12 == 500", ["12 500"]),
    ],
)
def test_names_docstrings_and_comments_show_nothing(
    acceptance: str, source: str, missing: list[str]
) -> None:
    assert missing_figures(acceptance, source) == missing

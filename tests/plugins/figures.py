"""The figures of an acceptance, looked for in the source of the test that claims it.

A figure is a number or a date written in digits; part of a name (`P24`, `Q1`) is none. Writings
are levelled: 12 600 = 12600 = 12_600, 0,01 = 0.01, 1.00 = 1; what is added stands apart from what
it makes (+10 160.00); the date 01/04 is found as `…-04-01`, `date(…, 4, 1)` or 01/04.
"""

from __future__ import annotations

import ast
import re
from decimal import Decimal

_DATE = re.compile(r"(?<![\d/])(\d\d)/(\d\d)(?:/(\d{4}))?(?![\d/])")
_MONTH = re.compile(r"(?<![\d/])(\d\d)/(\d{4})(?![\d/])")
_NUMBER = re.compile(r"(?<![\w.,])(?:(?<!\+)\d{1,3}(?: \d{3})+|\d+)(?:[.,]\d+)?(?!\w|[.,]\d)")
_DIGITS = re.compile(r"\d{1,3}(?:[ _\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?|\d+")
_LOOSE = re.compile(r"\d+(?:\.\d+)?")


def missing_figures(acceptance: str, source: str) -> list[str]:
    """The figures of `acceptance` that `source` (one test function) doesn't hold."""
    text = _without_claims(source)
    missing = []
    for pattern, present in ((_DATE, _has_date), (_MONTH, _has_month)):
        missing += [m[0] for m in pattern.finditer(acceptance) if not present(m, text)]
        acceptance = pattern.sub(" ; ", acceptance)
    held = {_value(token) for p in (_DIGITS, _LOOSE) for token in p.findall(text)}
    return missing + [token for token in _NUMBER.findall(acceptance) if _value(token) not in held]


def _without_claims(source: str) -> str:
    """The function as code: no comment, no docstring, no own name, no feature id."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    function.name = "_"
    if ast.get_docstring(function) is not None:
        function.body[0] = ast.Pass()
    function.decorator_list = [
        mark for mark in function.decorator_list if "mark.feature(" not in ast.unparse(mark)
    ]
    return ast.unparse(function)


def _value(token: str) -> Decimal:
    return Decimal(re.sub(r"[ _\u00a0\u202f]", "", token).replace(",", "."))


def _has_date(date: re.Match[str], text: str) -> bool:
    day, month, year = date.groups()
    written = f"{day}/{month}" + (f"/{year}" if year else "")
    iso = (year or r"\d{4}") + rf"-?{month}-?{day}(?!\d)"
    call = (year or r"\w+") + rf", {int(month)}, {int(day)}\)"
    return written in text or bool(re.search(f"{iso}|{call}", text))


def _has_month(date: re.Match[str], text: str) -> bool:
    month, year = date.groups()
    return bool(re.search(rf"{year}-{month}|{year}, {int(month)}\b|{month}/{year}", text))

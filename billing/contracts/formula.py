"""Formulas of calculated meters: `NB / 1000`, `[A4-NB] + 2 × A3` (contracts.md §3; 004, "Facturer
au mille").

A formula is read into a tree and the tree is computed on values given by name, in exact fractions:
nothing is ever evaluated as code. Signs are + - * / and their printed forms − × ÷; constants take a
point or a comma; a code that isn't a plain word stands in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, TypeAlias

from billing.money import Rounding
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

BAD_FORMULA: Final = Code(
    "RAT-140",
    "La formule « {formula} » est illisible au caractère {position} : {reason}.",
    "Écrivez par exemple « NB / 1000 » : codes de grandeurs, constantes, + - × ÷, parenthèses.",
)

MAX_LENGTH: Final = 500
MAX_DEPTH: Final = 50  # parentheses and signs inside one another
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:[.,]\d+)?)|(?P<name>[^\W\d]\w*)|\[(?P<code>[^][]+)\]|(?P<sign>[-+*/()]))"
)
_PRINTED: Final = str.maketrans("−–×÷", "--*/")
_WORD: Final = re.compile(r"[^\W\d]\w*")
_RANK: Final = {"+": 1, "-": 1, "*": 2, "/": 2}


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, never negative."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    """The code of another meter of the asset."""

    code: str


@dataclass(frozen=True, slots=True)
class Negative:
    """A sign in front."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Operation:
    """left sign right; sign is one of + - * /."""

    sign: str
    left: Formula
    right: Formula


Formula: TypeAlias = Number | Name | Negative | Operation


def parse(text: str) -> Formula:
    """The tree of a formula. Raises AnomaliesFound with the column (1-based) of the fault."""
    if len(text) > MAX_LENGTH:
        raise _wrong(text, MAX_LENGTH + 1, f"plus de {MAX_LENGTH} caractères")
    reader = _Reader(text)
    found = reader.sum(0)
    if reader.kind:
        raise reader.wrong("un signe est attendu")
    return found


def text_of(formula: Formula) -> str:
    """The formula as `parse` reads it back to the same tree, with no needless parenthesis."""
    match formula:
        case Number(value):
            return f"{value:f}"
        case Name(code):
            return code if _WORD.fullmatch(code) else f"[{code}]"
        case Negative(of):
            return f"-{_inside(of, 3)}"
        case Operation(sign, left, right):
            rank = _RANK[sign]
            return f"{_inside(left, rank)} {sign} {_inside(right, rank + 1)}"


def names(formula: Formula) -> frozenset[str]:
    """Codes of the meters a formula is computed from."""
    return frozenset(_names(formula))


def value_of(formula: Formula, values: Mapping[str, int]) -> Fraction:
    """The exact value of a formula. Raises ZeroDivisionError, and KeyError for a missing name."""
    match formula:
        case Number(value):
            return Fraction(value)
        case Name(code):
            return Fraction(values[code])
        case Negative(of):
            return -value_of(of, values)
        case Operation(sign, left, right):
            return _apply(sign, value_of(left, values), value_of(right, values))


def rounded(value: Fraction, rounding: Rounding) -> int:
    """A counter has no decimals: to the nearest unit (half-up), the upper or the lower one."""
    if rounding is Rounding.DOWN:
        return value.__floor__()
    return value.__ceil__() if rounding is Rounding.UP else (value + Fraction(1, 2)).__floor__()


def _apply(sign: str, left: Fraction, right: Fraction) -> Fraction:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _names(formula: Formula) -> Iterator[str]:
    match formula:
        case Name(code):
            yield code
        case Negative(of):
            yield from _names(of)
        case Operation(_, left, right):
            yield from _names(left)
            yield from _names(right)


def _inside(formula: Formula, rank: int) -> str:
    weak = isinstance(formula, Operation) and _RANK[formula.sign] < rank
    return f"({text_of(formula)})" if weak else text_of(formula)


def _wrong(text: str, position: int, reason: str) -> AnomaliesFound:
    shown = text if len(text) <= MAX_LENGTH else text[:MAX_LENGTH] + "…"
    values = {"formula": shown, "position": position, "reason": reason}
    return AnomaliesFound(Anomaly(BAD_FORMULA, Place(start=position), values))


class _Reader:
    """Reads a formula from left to right: sums of products of signed values.

    kind and value are those of the token at hand; both are empty behind the last.
    """

    def __init__(self, text: str) -> None:
        self.text, self.plain = text, text.translate(_PRINTED)
        self.start = self.end = 0
        self.kind, self.value = "", ""
        self._next()

    def sum(self, depth: int) -> Formula:
        """Products added and subtracted."""
        left = self._product(depth)
        while self.kind == "sign" and self.value in "+-":
            left = Operation(self._taken(), left, self._product(depth))
        return left

    def wrong(self, reason: str) -> AnomaliesFound:
        """The fault of the token at hand."""
        return _wrong(self.text, self.start + 1, reason)

    def _product(self, depth: int) -> Formula:
        left = self._factor(depth)
        while self.kind == "sign" and self.value in "*/":
            left = Operation(self._taken(), left, self._factor(depth))
        return left

    def _factor(self, depth: int) -> Formula:
        if depth > MAX_DEPTH:
            raise self.wrong(f"plus de {MAX_DEPTH} niveaux")
        if self.kind == "number":
            return Number(Decimal(self._taken().replace(",", ".")))
        if self.kind in ("name", "code"):
            return Name(self._taken().strip())
        if self.value == "-":
            self._next()
            return Negative(self._factor(depth + 1))
        if self.value != "(":
            raise self.wrong("une grandeur, une constante ou « ( » est attendue")
        self._next()
        found = self.sum(depth + 1)
        if self.value != ")":
            raise self.wrong("« ) » est attendue")
        self._next()
        return found

    def _taken(self) -> str:
        value = self.value
        self._next()
        return value

    def _next(self) -> None:
        match = _TOKEN.match(self.plain, self.end)
        rest = self.plain[self.end :]
        self.start = self.end + len(rest) - len(rest.lstrip())
        if match is None and rest.strip():
            raise self.wrong("ce caractère n'a pas de sens ici")
        self.kind = (match and match.lastgroup) or ""
        self.value = match[self.kind] if match else ""
        self.end = match.end() if match else len(self.plain)

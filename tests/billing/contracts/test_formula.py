"""Formulas of calculated meters: what is read, what is refused and where, what they come to."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.contracts.formula import (
    MAX_DEPTH,
    MAX_LENGTH,
    Formula,
    Name,
    Negative,
    Number,
    Operation,
    names,
    parse,
    rounded,
    text_of,
    value_of,
)
from billing.money import Rounding
from formats.common.anomaly import AnomaliesFound

COUNTERS = {"NB": 17_500, "CO": 1_200, "A3": 4, "A4-NB": 10, "zéro": 0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NB / 1000", "17.5"),
        ("NB ÷ 1000", "17.5"),
        ("NB + CO", "18700"),
        ("NB − CO - A3", "16296"),
        ("NB - (CO - A3)", "16304"),
        ("2 × A3 * 1,5", "12"),
        ("2+3*A3", "14"),
        ("(2 + 3) * A3", "20"),
        ("-A3 + 5", "1"),
        ("2 - -A3", "6"),
        ("12 / A3 / 3", "1"),
        ("12 / (A3 / 2)", "6"),
        ("[A4-NB] * 0.5", "5"),
        ("  NB  ", "17500"),
    ],
)
def test_what_a_formula_comes_to(text: str, value: str) -> None:
    assert value_of(parse(text), COUNTERS) == Fraction(value)


EXPECTED = "une grandeur, une constante ou « ( » est attendue"


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, EXPECTED),
        ("NB +", 5, EXPECTED),
        ("NB * / 2", 6, EXPECTED),
        ("NB 1000", 4, "un signe est attendu"),
        ("(NB + CO", 9, "« ) » est attendue"),
        ("NB + CO)", 8, "un signe est attendu"),
        ("NB ; CO", 4, "ce caractère n'a pas de sens ici"),
        ("NB ** 2", 5, EXPECTED),
        ("[A4-NB", 1, "ce caractère n'a pas de sens ici"),
        ("__import__('os')", 11, "un signe est attendu"),
        ("NB.real", 3, "ce caractère n'a pas de sens ici"),
        ("1e3", 2, "un signe est attendu"),
        ("(" * (MAX_DEPTH + 2) + "1", MAX_DEPTH + 2, "plus de 50 niveaux"),
        ("1" * (MAX_LENGTH + 1), MAX_LENGTH + 1, "plus de 500 caractères"),
    ],
)
def test_a_fault_is_told_with_its_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(AnomaliesFound) as found:
        parse(text)
    (anomaly,) = found.value.anomalies
    assert (anomaly.code.id, anomaly.place.start) == ("RAT-140", column)
    assert anomaly.sentence.endswith(f"est illisible au caractère {column} : {reason}.")


def test_names_are_only_looked_up() -> None:
    code = "__import__"
    assert names(parse(f"{code} + NB * NB")) == {code, "NB"}
    assert value_of(parse(code), {code: 7}) == 7
    with pytest.raises(KeyError):
        value_of(parse("exec"), {})


@pytest.mark.parametrize(
    ("value", "nearest", "up", "down"),
    [("17.4", 17, 18, 17), ("17.5", 18, 18, 17), ("17", 17, 17, 17), ("0.001", 0, 1, 0)],
)
def test_roundings(value: str, nearest: int, up: int, down: int) -> None:
    given = Fraction(value)
    assert [rounded(given, one) for one in Rounding] == [nearest, up, down]


def test_a_third_three_times_is_one_even_rounded_down() -> None:
    assert rounded(value_of(parse("1 / 3 * 3"), {}), Rounding.DOWN) == 1


NUMBERS = st.decimals(0, 10**6, places=3).map(Number)
NAMES = st.sampled_from(sorted(COUNTERS)).map(Name)
FORMULAS = st.recursive(
    NUMBERS | NAMES,
    lambda inner: (
        st.builds(Negative, inner) | st.builds(Operation, st.sampled_from("+-*/"), inner, inner)
    ),
    max_leaves=12,
)


@given(FORMULAS)
def test_a_formula_is_read_back_as_it_is_written(formula: Formula) -> None:
    assert parse(text_of(formula)) == formula


def in_decimal(formula: Formula) -> Decimal:
    """The same sum in Decimal, which divides to as many digits as its context."""
    match formula:
        case Number(value):
            return value
        case Name(code):
            return Decimal(COUNTERS[code])
        case Negative(of):
            return -in_decimal(of)
    left, right = in_decimal(formula.left), in_decimal(formula.right)
    if formula.sign == "/":
        return left / right
    return {"+": left + right, "-": left - right, "*": left * right}[formula.sign]


@given(FORMULAS)
def test_it_agrees_with_decimal_arithmetic(formula: Formula) -> None:
    with localcontext(prec=400):
        try:
            exact = value_of(formula, COUNTERS)
        except ZeroDivisionError:
            return
        close = Fraction(in_decimal(formula))
    assert abs(exact - close) <= abs(exact) / 10**100  # equal, but for endless decimals
    assert exact == close or "/" in text_of(formula)


@given(st.text(max_size=40))
def test_any_text_is_a_formula_or_an_anomaly(text: str) -> None:
    try:
        assert parse(text_of(parse(text))) == parse(text)
    except AnomaliesFound as found:
        assert 1 <= found.anomalies[0].place.start <= len(text) + 1

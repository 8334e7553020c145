"""Decision tables: the first row that fits decides; useless, contradictory, missing rows are told.

The five rows are the seed's own table of estimate fees (004, "Table de décision").
"""

from __future__ import annotations

from config.decisions import ANY, Condition, Decision, DecisionTable, doubts

CONDITIONS = (
    Condition("organisation"),
    Condition("agence"),
    Condition("classe", ("SOUMIS", "EXONERE")),
)
SEED = (
    ("*", "*", "EXONERE", ""),
    ("03", "*", "SOUMIS", "FRAIS500"),
    ("04", "CHATEAUVALLON", "*", "FRAIS500"),
    ("04", "VILLENEUVE D'ORIENT", "SOUMIS", "FRAIS500"),
    ("05", "*", "*", "FRAIS500"),
)


def table(*rows: tuple[str, str, str, str]) -> DecisionTable[str]:
    """Rows from line 2 on, conditions in columns 1 to 3."""
    decisions = (Decision(row[:3], row[3], n, (1, 2, 3)) for n, row in enumerate(rows, 2))
    return DecisionTable("TD_FRAIS_ESTIMATION", CONDITIONS, "t.csv", tuple(decisions))


def told(*rows: tuple[str, str, str, str]) -> list[tuple[str, int, int]]:
    return [(a.code.id, a.place.line, a.place.start) for a in doubts(table(*rows))]


def test_the_first_row_that_fits_decides() -> None:
    def decided(*facts: str) -> str | None:
        row = table(*SEED).decide(*facts)
        return row.outcome if row else None

    assert decided("05", "LENS", "EXONERE") == ""
    assert decided("05", "LENS", "SOUMIS") == decided("05", "LENS", "") == "FRAIS500"
    assert decided("04", "Villeneuve d’Orient", "SOUMIS") == "FRAIS500"
    assert decided("04", "LENS", "SOUMIS") is None


def test_a_row_behind_a_wider_one_never_serves() -> None:
    wide, narrow = ("03", "*", "*", "A"), ("03", "LENS", "*", "B")
    rest = ("*", "*", "*", "")
    assert told(wide, narrow, rest) == [("CFG-021", 3, 1)]
    assert told(narrow, wide, rest) == []


def test_a_row_behind_all_the_words_of_a_class_never_serves() -> None:
    rows = (("*", "*", "SOUMIS", "A"), ("*", "*", "EXONERE", ""), ("*", "*", "*", "B"))
    assert told(*rows) == [("CFG-021", 4, 1)]


def test_rows_that_contradict_each_other_are_told_with_the_case() -> None:
    rows = (("03", "*", "*", "A"), ("*", "LENS", "*", "B"), ("*", "*", "*", ""))
    (anomaly,) = doubts(table(*rows))
    assert (anomaly.code.id, anomaly.place.line, anomaly.place.start) == ("CFG-022", 3, 1)
    assert anomaly.sentence == (
        "TD_FRAIS_ESTIMATION : cette ligne et la ligne 2 répondent autrement au cas "
        "organisation « 03 », agence « LENS », classe « * » ; la première l'emporte."
    )
    assert told(("03", "*", "*", "A"), ("*", "LENS", "*", "A"), ("*", "*", "*", "")) == []


def test_cases_without_a_row_are_told() -> None:
    sentences = [a.sentence for a in doubts(table(*SEED)) if a.code.id == "CFG-023"]
    assert sentences == [
        "TD_FRAIS_ESTIMATION : aucune ligne ne répond au cas "
        "organisation « 04 », agence « autre », classe « SOUMIS ».",
        "TD_FRAIS_ESTIMATION : aucune ligne ne répond au cas "
        "organisation « autre », agence « * », classe « SOUMIS ».",
    ]
    assert told(*SEED, (ANY, ANY, ANY, "")) == [("CFG-022", 4, 3), ("CFG-022", 6, 3)]


def test_an_empty_table_is_beyond_doubt() -> None:
    assert doubts(table()) == []

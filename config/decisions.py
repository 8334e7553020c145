"""Decision tables: rows of conditions, the first that fits decides; and what is wrong with one.

Pure. A condition is a word or `*` (any). Case and the shape of apostrophes don't count, so that
`VILLENEUVE D'ASCQ` is the agency of a customer whose file says `Villeneuve d’Ascq`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final, Generic, NamedTuple, TypeVar

from formats.common.anomaly import Anomaly, Code, Place

UNREACHABLE: Final = Code(
    "CFG-021",
    "{table} : cette ligne ne sert jamais, celles d'avant décident de tous ses cas.",
    "Remontez la ligne au-dessus des plus générales, ou retirez-la.",
)
OVERLAP: Final = Code(
    "CFG-022",
    "{table} : cette ligne et la ligne {line} répondent autrement au cas {case} ; la première"
    " l'emporte.",
    "Vérifiez leur ordre, ou distinguez leurs conditions.",
)
MISSING_CASE: Final = Code(
    "CFG-023",
    "{table} : aucune ligne ne répond au cas {case}.",
    "Ajoutez une ligne, avec « * » pour tout le reste.",
)

ANY: Final = "*"
_OTHER: Final = ""

T = TypeVar("T")


class Condition(NamedTuple):
    """A column of conditions; `words` are all the words it may hold, empty when it is open."""

    name: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision(Generic[T]):
    """One row: its conditions, what it decides, and where it stands in the file.

    columns: the number of each condition's column.
    """

    conditions: tuple[str, ...]
    outcome: T
    line: int
    columns: tuple[int, ...]
    comment: str = ""

    def fits(self, facts: Sequence[str]) -> bool:
        """Whether every condition is `*` or the fact itself."""
        pairs = zip(self.conditions, facts, strict=True)
        return all(cell == ANY or _folded(cell) == _folded(fact) for cell, fact in pairs)


@dataclass(frozen=True, slots=True)
class DecisionTable(Generic[T]):
    """Rows in the order of their file."""

    name: str
    conditions: tuple[Condition, ...]
    file: str = ""
    rows: tuple[Decision[T], ...] = ()

    def decide(self, *facts: str) -> Decision[T] | None:
        """The first row that fits; None when none does. One fact a condition, in their order."""
        return next((row for row in self.rows if row.fits(facts)), None)


def doubts(table: DecisionTable[T]) -> list[Anomaly]:
    """Rows that never serve, rows that contradict each other, cases without a row.

    A row that is narrower than a later one is its exception, not a contradiction.
    """
    if not table.rows:
        return []
    cases = list(_cases(table.conditions, table.rows))
    serving = {row.line for _, row in cases if row}
    found = [
        Anomaly(UNREACHABLE, _place(table, row), {"table": table.name})
        for row in table.rows
        if row.line not in serving
    ]
    found += _overlaps(table, serving)
    for case, row in cases:
        if row is None:
            values = {"table": table.name, "case": case_of(table.conditions, case)}
            found.append(Anomaly(MISSING_CASE, _place(table, table.rows[-1]), values))
    return found


def _cases(
    conditions: Sequence[Condition], rows: Sequence[Decision[T]], case: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Decision[T] | None]]:
    """Every case that a table tells apart, with the row that decides it: no case twice."""
    depth = len(case)
    rest = (ANY,) * (len(conditions) - depth)
    if not rows or set(rows[0].conditions[depth:]) <= {ANY}:
        yield (*case, *rest), rows[0] if rows else None
        return
    cells = {_folded(row.conditions[depth]): row.conditions[depth] for row in rows}
    named = [word for word in cells.values() if word != ANY]
    for word in conditions[depth].words or ([*named, _OTHER] if named else [ANY]):
        cell = (ANY, _folded(word))
        some = [row for row in rows if _folded(row.conditions[depth]) in cell]
        yield from _cases(conditions, some, (*case, word))


def _overlaps(table: DecisionTable[T], serving: set[int]) -> Iterator[Anomaly]:
    for first, second in combinations((row for row in table.rows if row.line in serving), 2):
        both = _common(first, second)
        if both is None or both == second.conditions or both == first.conditions:
            continue
        if first.outcome != second.outcome:
            case = case_of(table.conditions, both)
            values = {"table": table.name, "line": first.line, "case": case}
            differ = zip(second.conditions, both, second.columns, strict=True)
            column = next(column for cell, word, column in differ if cell != word)
            yield Anomaly(OVERLAP, Place(table.file, second.line, column), values)


def _common(first: Decision[T], second: Decision[T]) -> tuple[str, ...] | None:
    """The conditions of the cases that both rows fit; None when there is none."""
    found = []
    for one, other in zip(first.conditions, second.conditions, strict=True):
        if ANY not in (one, other) and _folded(one) != _folded(other):
            return None
        found.append(one if other == ANY else other)
    return tuple(found)


def _place(table: DecisionTable[T], row: Decision[T]) -> Place:
    return Place(table.file, row.line, row.columns[0])


def case_of(conditions: Sequence[Condition], case: Sequence[str]) -> str:
    """A case in French: `organisation « 041 », agence « * »`."""
    pairs = zip(conditions, case, strict=True)
    return ", ".join(f"{condition.name} « {word or 'autre'} »" for condition, word in pairs)


@lru_cache(maxsize=4096)
def _folded(word: str) -> str:
    return word.casefold().replace("’", "'")

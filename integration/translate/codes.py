"""Codes of files → ids of rows, a whole file at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Table, select

SLICE: Final = 5_000  # values a query: below the variable limit of both databases

T = TypeVar("T")


def slices(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """The values in slices a query can take."""
    held = list(values)
    return (held[start : start + SLICE] for start in range(0, len(held), SLICE))


def rows_by_code(
    connection: Connection, table: Table, organisation_id: int, codes: Iterable[str]
) -> dict[str, Any]:
    """Rows of the organisation that have these codes, by code; unknown codes are left out."""
    query = select(table).where(table.c.organisation_id == organisation_id)
    return {
        row.code: row
        for some in slices(sorted(set(codes)))
        for row in connection.execute(query.where(table.c.code.in_(some)))
    }


def ids_by_code(
    connection: Connection, table: Table, organisation_id: int, codes: Iterable[str]
) -> dict[str, int]:
    """Ids of the organisation's rows that have these codes; unknown codes are left out."""
    query = select(table.c.code, table.c.id).where(table.c.organisation_id == organisation_id)
    return {
        code: id_
        for some in slices(sorted(set(codes)))
        for code, id_ in connection.execute(query.where(table.c.code.in_(some)))
    }

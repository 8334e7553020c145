"""Master records kept up to date: new ones inserted in bulk, changed ones updated, others left.

Posted documents hold their own snapshot of a customer or an asset: an update never reaches them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Table

from billing.money import scaled
from formats.common.anomaly import Anomaly, Code, Place
from integration.database.bulk import execute_many, insert_rows, reserve_ids

TOO_PRECISE: Final = Code(
    "IMP-113",
    "« {field} » ne tient pas dans la base : {value}.",
    "Réduisez le nombre de décimales ou l'ordre de grandeur ; rien n'est jamais arrondi.",
)

K = TypeVar("K", bound=Hashable)


class Stored(NamedTuple):
    """Ids of the wanted rows by key, and how many were new or changed."""

    ids: dict[Any, int]
    created: int
    changed: int


def upsert(
    connection: Connection,
    table: Table,
    wanted: Mapping[K, Mapping[str, object]],
    known: Mapping[K, Any],
    defaults: Mapping[str, object],
) -> Stored:
    """Make the table say `wanted`: the given columns by key; `known` are its rows as they are.

    A new row takes the rest from `defaults`, a known one keeps it.
    """
    new = {key: {**defaults, **row} for key, row in wanted.items() if key not in known}
    changed = [
        (row, known[key])
        for key, row in wanted.items()
        if key in known and any(getattr(known[key], name) != v for name, v in row.items())
    ]
    first = reserve_ids(connection, table.name, len(new)) if new else 0
    ids = {key: known[key].id for key in wanted if key in known}
    ids |= {key: first + n for n, key in enumerate(new)}
    if new:
        names = tuple(next(iter(new.values())))
        rows = ((ids[key], *(plain(row[name]) for name in names)) for key, row in new.items())
        insert_rows(connection, table, ("id", *names), rows)
    _update(connection, table, changed)
    return Stored(ids, len(new), len(changed))


def _update(
    connection: Connection, table: Table, changed: Sequence[tuple[Mapping[str, object], Any]]
) -> None:
    if not changed:
        return
    names = sorted({name for row, _ in changed for name in row})
    sets = ", ".join(f"{name} = ?" for name in names)
    sql = f"UPDATE {table.name} SET {sets} WHERE id = ?"
    updates = (
        (*(plain(row.get(name, getattr(old, name))) for name in names), old.id)
        for row, old in changed
    )
    execute_many(connection, sql, updates)


def plain(value: object) -> object:
    """A value as the bulk writer takes it."""
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


def to_scale(
    value: Decimal, scale: int, where: Callable[[], tuple[str, Place]], found: list[Anomaly]
) -> int:
    """A decimal at the database's scale; what doesn't fit is added to `found`.

    where gives the field's name and place; finding a place costs, so it is asked only then.
    """
    try:
        return scaled(value, scale)
    except ValueError:
        name, place = where()
        found.append(Anomaly(TOO_PRECISE, place, {"field": name, "value": value}))
        return 0

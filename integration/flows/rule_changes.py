"""Rules changed by hand: shown first, then all or none, each with its trail.

A change is a manual event of its rule, so that a billing planned before it is planned again, and
a row of `rule_change`: what was there before, who changed it and when (A-RFC-24, A-ACT-07).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from integration.database.bulk import execute_many, insert_rows, reserve_ids
from integration.database.tables import rule_change, rule_event, rule_state
from integration.translate.codes import slices

COLUMNS: Final = frozenset({"increase", "terms"})
"""Columns of `rule` that a change may write."""


class Shown(NamedTuple):
    """One value of a change as a clerk reads it."""

    label: str
    before: str
    after: str


class Trail(NamedTuple):
    """One field of a rule before and after, as the trail keeps it."""

    field: str
    before: str
    after: str


class RuleChange(NamedTuple):
    """What a file changes of one rule.

    name: contract, module and rule. column: of `rule`, which will hold `text`. shown: the values
    that change, as a clerk reads them.
    """

    rule_id: int
    name: str
    column: str
    text: str
    trail: tuple[Trail, ...]
    shown: tuple[Shown, ...]


def hold(connection: Connection, rules: Iterable[int]) -> dict[int, int]:
    """Event counts of these rules; no billing moves them until the transaction ends."""
    query = select(rule_state.c.rule_id, rule_state.c.events)
    return {
        row.rule_id: row.events
        for some in slices(sorted(set(rules)))
        for row in connection.execute(query.where(rule_state.c.rule_id.in_(some)).with_for_update())
    }


def write(
    connection: Connection, changes: Sequence[RuleChange], author: str, now: datetime
) -> None:
    """Write every change in the caller's transaction."""
    events = hold(connection, (one.rule_id for one in changes))
    for column in sorted({one.column for one in changes} & COLUMNS):
        sql = f"UPDATE rule SET {column} = ? WHERE id = ?"
        some = [(one.text, one.rule_id) for one in changes if one.column == column]
        execute_many(connection, sql, some)
    moved = [(id_, count + 1) for id_, count in sorted(events.items())]
    columns = ("rule_id", "sequence", "id", "kind", "state")
    first = reserve_ids(connection, "rule_event", len(moved))
    rows = [(*one, first + rank, "manual", "{}") for rank, one in enumerate(moved)]
    insert_rows(connection, rule_event, columns, rows)
    execute_many(
        connection,
        "UPDATE rule_state SET events = ? WHERE rule_id = ?",
        [(sequence, id_) for id_, sequence in moved],
    )
    at = now.isoformat(timespec="seconds")
    insert_rows(
        connection,
        rule_change,
        ("rule_id", "sequence", "field", "changed_at", "author", "before", "after"),
        [
            (one.rule_id, events[one.rule_id] + 1, field, at, author, before, after)
            for one in changes
            for field, before, after in one.trail
        ],
    )

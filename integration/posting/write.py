"""The other half: write a plan in bulk, each row once, in the caller's transaction."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError

from integration.database.bulk import execute_many, insert_rows
from integration.database.engine import is_sqlite, raw_cursor
from integration.failpoints import reach
from integration.posting.rows import CHAIN_VERSION, Plan, Row, Rows, number_rows
from integration.posting.slots import take_slots

BAD_DATA: Final = (
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    DataError,
    IntegrityError,
)
"""What one subject's facts may raise, whatever our mistake: it is left out and named, the others
post. A database out of reach isn't among them: it stops the run."""


class Overtaken(RuntimeError):  # noqa: N818 - an outcome: somebody moved the rule first
    """The facts a plan rests on changed since they were read; plan again."""


def post(connection: Connection, organisation_id: int, plan: Plan) -> Rows:
    """Number and write a plan in the caller's transaction; all of it or, on any error, nothing.

    Raises Overtaken when a rule moved since it was read, IntegrityError when a part is already
    billed or a document doesn't balance, DataError when a value doesn't fit its column.
    """
    if not plan.postings and not plan.moves:
        return Rows()
    rows = number_rows(plan, take_slots(connection, organisation_id, plan))
    reach("post.numbered")
    _move_rules(connection, rows.states)
    for table, columns, content in rows.tables():
        if content:
            insert_rows(connection, table, columns, content)
            reach(f"post.{table.name}")
    if rows.links:
        _insert_links(connection, rows)
        reach("post.chain_link")
        _set_head(connection, organisation_id, rows)
    reach("post.written")
    return rows


_BALANCE: Final = (
    "SELECT document_id, sum(debit_cents) AS debit, sum(credit_cents) AS credit FROM entry "
    "WHERE document_id BETWEEN {first} AND {last} GROUP BY document_id"
)


def _insert_links(connection: Connection, rows: Rows) -> None:
    """Each link takes its sums from the entries just written, under CHECK (debit = credit)."""
    if is_sqlite(connection):
        execute_many(
            connection,
            "INSERT INTO chain_link (organisation_id, sequence, document_id, version, digest, link,"
            f" debit_cents, credit_cents) SELECT ?, ?, document_id, {CHAIN_VERSION}, ?, ?,"
            " sum(debit_cents), sum(credit_cents) FROM entry WHERE document_id = ?",
            [(org, seq, digest, link, doc) for org, seq, doc, digest, link in rows.links],
        )
        return
    balance = _BALANCE.format(first=rows.links[0][2], last=rows.links[-1][2])
    with raw_cursor(connection) as raw:
        raw.execute(
            "INSERT INTO chain_link SELECT v.organisation_id, v.sequence, v.document_id,"
            f" {CHAIN_VERSION}, v.digest, v.link, b.debit, b.credit FROM unnest("
            "%b::bigint[], %b::bigint[], %b::bigint[], %b::text[], %b::text[])"
            " AS v(organisation_id, sequence, document_id, digest, link)"
            f" LEFT JOIN ({balance}) b ON b.document_id = v.document_id",
            [list(column) for column in zip(*rows.links, strict=True)],
        )
        inserted = raw.rowcount
    if inserted != len(rows.links):
        raise AssertionError("a document lost its chain link")


def _move_rules(connection: Connection, states: list[Row]) -> None:
    """Move the cached states, each only from the event count it was planned on.

    Before anything else is written: who was overtaken must not be told that a key exists.
    """
    if not states:
        return
    with raw_cursor(connection) as raw:
        if is_sqlite(connection):
            raw.executemany(
                "UPDATE rule_state SET next_theoretical = ?, state = ?, events = ?,"
                " last_document_id = coalesce(?, last_document_id)"
                " WHERE rule_id = ? AND events = ?",
                [(n, state, e, doc, rule, e - 1) for rule, n, state, e, doc in states],
            )
        else:
            raw.execute(  # %b: arrays in binary, for the driver quotes text items one by one
                "UPDATE rule_state SET next_theoretical = v.n, state = v.s, events = v.e,"
                " last_document_id = coalesce(v.d, last_document_id) FROM unnest(%b::bigint[],"
                " %b::date[], %b::text[], %b::bigint[], %b::bigint[]) AS v(r, n, s, e, d)"
                " WHERE rule_state.rule_id = v.r AND rule_state.events = v.e - 1",
                [list(column) for column in zip(*states, strict=True)],
            )
        moved = raw.rowcount
    if moved != len(states):
        raise Overtaken(f"{len(states) - moved} rule(s) moved since they were read")


def _set_head(connection: Connection, organisation_id: int, rows: Rows) -> None:
    connection.execute(
        text(
            "INSERT INTO chain_head (organisation_id, sequence, link) VALUES (:org, :seq, :link) "
            "ON CONFLICT (organisation_id) DO UPDATE SET sequence = excluded.sequence, "
            "link = excluded.link"
        ),
        {"org": organisation_id, "seq": rows.sequence, "link": rows.link},
    )

"""What the database refuses by itself, whatever the code above believes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError

from integration.database import tables as t
from integration.flows.verify import verify
from integration.posting import DOCUMENT, ENTRY, LINE
from integration.posting.rows import CARE_LINE, PART, content_digest
from tests.integration.posting.books import open_books, posted, sale

DAY = date(2026, 1, 1)
ENTRIES = {
    "debit too high": [("411", "", 1200, 0, None, None), ("706", "", 0, 1199, None, None)],
    "one side only": [("411", "", 1200, 0, None, None)],
    "nothing": [],
}


@pytest.fixture(autouse=True)
def books(engine: Engine) -> Iterator[None]:
    """Organisation 1."""
    open_books(engine, 1)
    yield


def _documents(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(t.document)).scalar_one()


@pytest.mark.parametrize("entries", ENTRIES.values(), ids=ENTRIES)
def test_an_unbalanced_document(engine: Engine, entries: list[tuple[object, ...]]) -> None:
    with pytest.raises(IntegrityError):
        posted(engine, sale(DAY), sale(DAY, entries=entries))
    assert _documents(engine) == 0


@pytest.mark.parametrize("sides", [(-5, -5), (5, 5), (-5, 0)])
def test_an_entry_has_one_positive_side(engine: Engine, sides: tuple[int, int]) -> None:
    with pytest.raises(IntegrityError):
        posted(engine, sale(DAY, entries=[("411", "", *sides, None, None)] * 2))


def test_the_same_part_twice(engine: Engine) -> None:
    part = ("rule", 7, "standard/1", DAY.toordinal(), 0, 1)
    posted(engine, sale(DAY, parts=[part]))
    with pytest.raises(IntegrityError):
        posted(engine, sale(DAY, parts=[part]))
    posted(engine, sale(DAY, parts=[(*part[:4], 1, 1)]))  # after a credit: the next revision
    assert _documents(engine) == 2


@pytest.mark.parametrize("cents", [2**63, -(2**63) - 1])
def test_an_amount_that_fits_no_column(engine: Engine, cents: int) -> None:
    with pytest.raises((DataError, OverflowError, TypeError)):
        posted(engine, sale(DAY, net_cents=cents))
    assert _documents(engine) == 0


def test_the_digest_covers_every_column(engine: Engine) -> None:
    """Any cell of a document and of its rows changes the digest."""
    care = (*["1234567", "DOS", "A"], *range(3, 10), "0", "0", None)
    part = ("rule", 7, "standard/1", 1, 0, 1)
    document = posted(engine, sale(DAY, care_lines=[care], parts=[part]))
    groups = [
        document.documents,
        document.lines,
        document.care_lines,
        document.entries,
        document.parts,
    ]
    columns = (DOCUMENT, LINE, CARE_LINE, ENTRY, PART)
    assert [len(rows[0]) for rows in groups] == [*map(len, columns)]
    right = content_digest(document.documents[0], *groups[1:])
    assert right == document.links[0][3]
    digests = {right}
    for rank, rows in enumerate(groups):
        for column in range(len(rows[0])):
            changed = [list(map(tuple, group)) for group in groups]
            cells = list(changed[rank][0])
            cells[column] = "other"
            changed[rank][0] = tuple(cells)
            digests.add(content_digest(changed[0][0], *changed[1:]))
    assert len(digests) == 1 + sum(len(rows[0]) for rows in groups)


@pytest.mark.parametrize("table", t.APPEND_ONLY)
def test_posted_tables_are_append_only(engine: Engine, table: str) -> None:
    """Statements that touch no row are refused on PostgreSQL too; on SQLite each row is."""
    posted(engine, sale(DAY, parts=[("rule", 7, "standard/1", 1, 0, 1)]))
    column = next(iter(t.metadata.tables[table].columns)).name
    with engine.connect() as connection:
        empty = connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    if empty and engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            kept = connection.scalar(
                text(
                    "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"
                    f" AND tbl_name = '{table}'"
                )
            )
        assert kept == 2
        return
    for sql in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError, match="append only"), engine.begin() as connection:
            connection.execute(text(sql))


@pytest.mark.parametrize(
    ("table", "change", "code"),
    [
        ("document", "gross_cents = gross_cents + 1", "LED-901"),
        ("document", "snapshot = '[]'", "LED-901"),
        ("document_line", "label = 'autre'", "LED-901"),
        ("entry", "account = '999'", "LED-901"),
        ("chain_link", "link = digest", "LED-904"),
        ("chain_link", "sequence = sequence + 5", "LED-902"),
    ],
)
def test_verification_names_what_was_changed(
    engine: Engine, table: str, change: str, code: str
) -> None:
    posted(engine, sale(DAY), sale(DAY, 700), sale(DAY, 900))
    key = "id" if table == "document" else "document_id"
    _behind_the_back(engine, table, f"UPDATE {table} SET {change} WHERE {key} = 2")
    fault = verify(engine, 1).fault
    assert fault is not None
    assert (fault.code.id, "VT2026-000002" in str(fault)) == (code, True)


def test_verification_names_a_missing_document(engine: Engine) -> None:
    posted(engine, sale(DAY), sale(DAY, 700), sale(DAY, 900))
    for table, key in (("chain_link", "document_id"), ("entry", "document_id")):
        _behind_the_back(engine, table, f"DELETE FROM {table} WHERE {key} = 2")
    _behind_the_back(engine, "document_line", "DELETE FROM document_line WHERE document_id = 2")
    _behind_the_back(engine, "document", "DELETE FROM document WHERE id = 2")
    fault = verify(engine, 1).fault
    assert fault is not None
    assert fault.code.id == "LED-902"
    assert fault.values == {"before": "VT2026-000001", "after": "VT2026-000003"}


def test_verification_notices_a_cut_end(engine: Engine) -> None:
    posted(engine, sale(DAY), sale(DAY, 700))
    for table in ("chain_link", "entry", "document_line"):
        _behind_the_back(engine, table, f"DELETE FROM {table} WHERE document_id = 2")
    _behind_the_back(engine, "document", "DELETE FROM document WHERE id = 2")
    fault = verify(engine, 1).fault
    assert fault is not None
    assert (fault.code.id, fault.values) == ("LED-905", {"found": 1, "expected": 2})


def _behind_the_back(engine: Engine, table: str, sql: str) -> None:
    """What an intruder with the rights of the database's owner could do."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for verb in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS keep_{table}_{verb}"))
        else:
            connection.execute(text(f"DROP TRIGGER IF EXISTS keep_{table} ON {table}"))
        connection.execute(text(sql))

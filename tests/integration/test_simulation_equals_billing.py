"""What a simulation plans is, row by row and byte by byte, what billing then posts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Table, select

from integration.app import App, open_app
from integration.database import tables
from integration.demo import sandbox, scenario
from integration.demo.drops import FIRST_DAY, Scale
from integration.flows.billing.run import bill, simulate
from integration.inbox import import_waiting
from integration.posting import Rows

WHOLE = Scale(patients=1)
LINK = ("organisation_id", "sequence", "document_id", "digest", "link")
STATE = ("rule_id", "next_theoretical", "state", "events", "last_document_id")


@pytest.fixture
def app(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """The demo's 600 contracts on its first day: imported, nothing billed yet."""
    monkeypatch.setenv("ECHEANCE_DATABASE__URL", database_url)
    home = tmp_path / "bac"
    sandbox.ready(home, WHOLE, fresh=False)
    with open_app(home, "serial") as opened:
        app = scenario.at_night(opened, FIRST_DAY)
        for drop in scenario.invented(WHOLE)[FIRST_DAY]:
            sandbox.put(home, drop)
        import_waiting(app.office(), settle_s=0)
        yield app


@pytest.mark.feature("X-SIM-01")
def test_planned_rows_are_posted_rows(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte between plan and posting, then against what the tables hold."""
    seen = _recorded(monkeypatch)
    run = app.billing(app.options(FIRST_DAY))
    before = _digest_of_everything(app)
    planned, _ = simulate(run)
    assert _digest_of_everything(app) == before  # a simulation writes nothing
    simulated, posted = seen.copy(), hashlib.sha256()
    seen.clear()
    done = bill(run, posted)

    assert (done.invoices, done.gross_cents) == (planned.invoices, planned.gross_cents)
    assert done.invoices > 450
    assert posted.hexdigest() == planned.rows_digest
    assert list(map(_bytes, seen)) == list(map(_bytes, simulated))
    for table, columns, rows in _by_table(simulated):
        held = _held(app, table, columns, rows)
        assert held == sorted(map(_plain, rows)), table.name


def test_a_second_simulation_plans_nothing(app: App) -> None:
    run = app.billing(app.options(FIRST_DAY))
    bill(run)
    again, shapes = simulate(run)
    assert (again.invoices, again.lines) == (0, 0)
    assert not any(shaped.invoices for shaped in shapes)


def test_a_later_day_from_posted_state(app: App) -> None:
    """States, counters and numbers that billing moved are those the next simulation starts from."""
    bill(app.billing(app.options(FIRST_DAY)))
    run = app.billing(app.options(date(2026, 2, 1), force_estimate=True))
    planned, _ = simulate(run)
    posted = hashlib.sha256()
    bill(run, posted)
    assert planned.invoices > 450
    assert posted.hexdigest() == planned.rows_digest


def _recorded(monkeypatch: pytest.MonkeyPatch) -> list[Rows]:
    """Every chunk of rows that is planned or posted from now on."""
    seen: list[Rows] = []
    original = Rows.digest

    def digest(self: Rows) -> bytes:
        seen.append(self)
        return original(self)

    monkeypatch.setattr(Rows, "digest", digest)
    return seen


def _bytes(rows: Rows) -> bytes:
    lists = {str(table.name): content for table, _, content in rows.tables()}
    return orjson.dumps((lists, rows.states, rows.links, rows.sequence, rows.link))


def _by_table(
    chunks: Sequence[Rows],
) -> Iterator[tuple[Table, Sequence[str], list[tuple[Any, ...]]]]:
    """Rows of all chunks, table by table, with the links and states written beside."""
    found: dict[str, tuple[Table, Sequence[str], list[tuple[Any, ...]]]] = {}
    for chunk in chunks:
        beside = (
            (tables.chain_link, LINK, chunk.links),
            (tables.rule_state, STATE, chunk.states),
        )
        for table, columns, rows in (*chunk.tables(), *beside):
            found.setdefault(table.name, (table, columns, []))[2].extend(rows)
    yield from found.values()


def _held(
    app: App, table: Table, columns: Sequence[str], wanted: Sequence[tuple[Any, ...]]
) -> list[str]:
    """Rows of a table as the database gives them back; of those that were there before billing
    (readings taken in, states that don't move) only the ones meant."""
    shared = table in (tables.reading, tables.rule_state)
    keys = {row[0] for row in wanted}
    with app.engine.connect() as connection:
        rows = connection.execute(select(*(table.c[name] for name in columns)))
        return sorted(_plain(row) for row in rows if not shared or row[0] in keys)


def _plain(row: Sequence[Any]) -> str:
    return repr(tuple(one.isoformat() if isinstance(one, date) else one for one in row))


def _digest_of_everything(app: App) -> Mapping[str, str]:
    with app.engine.connect() as connection:
        return {
            table.name: hashlib.sha256(
                repr(sorted(map(repr, connection.execute(select(table))))).encode()
            ).hexdigest()
            for table in tables.metadata.sorted_tables
        }

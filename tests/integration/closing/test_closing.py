"""Closings: what they count, what they refuse afterwards, what they notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from billing.closing import Kind, period_of
from formats.common.anomaly import AnomaliesFound
from integration.database import tables as t
from integration.database.engine import make_engine
from integration.database.migrations import upgrade
from integration.flows.closing import Closer, Closing, anchored, read_closings
from integration.flows.closing_check import Trust
from integration.flows.verify import verify
from tests.integration.posting.books import days, open_books, posted, sale

DAY = date(2026, 1, 30)
LAST = date(2026, 1, 31)
TODAY = date(2026, 2, 15)


@pytest.fixture
def closer(engine: Engine, tmp_path: Path) -> Closer:
    """Who closes the books of organisation 1, which sold for 12.00 and 8.00 € on 30 January."""
    open_books(engine, 1)
    posted(
        engine, *(sale(DAY, cents, parts=[part(rank)]) for rank, cents in enumerate((1200, 800)))
    )
    clock = lambda: datetime(2026, 2, 1, 1, 15, tzinfo=UTC)  # noqa: E731
    return Closer(engine, 1, tmp_path / "signing.key", tmp_path / "closings" / "A.anchors", clock)


def part(rank: int) -> tuple[object, ...]:
    """What a line bills, so that the books are sound."""
    return ("run", rank, "part", 0, 0, 1)


def trust(closer: Closer) -> Trust:
    """What lies outside the database."""
    return Trust(closer.key, closer.anchors)


def fault_of(closer: Closer) -> str:
    """The code of the first fault and its sentence, or nothing."""
    fault = verify(closer.engine, 1, trust(closer)).fault
    return f"{fault.code.id} {fault.sentence}" if fault else ""


def closed(closer: Closer, kind: Kind, day: date) -> Closing:
    """A period closed by hand."""
    return closer.close(period_of(kind, day), TODAY)


def test_a_closing_counts_sums_and_runs_on(closer: Closer) -> None:
    first = closed(closer, Kind.DAY, DAY)
    assert (first.documents, first.entries, first.debit_cents, first.credit_cents) == (
        2,
        4,
        2000,
        2000,
    )
    posted(closer.engine, sale(DAY, 500, parts=[part(9)]))
    assert days(closer.engine)[-1] == "2026-01-31"  # dated on the next open day
    second = closed(closer, Kind.DAY, LAST)
    assert (second.documents, second.debit_cents, second.total_debit_cents) == (1, 500, 2500)
    assert (second.chain_sequence, second.previous) == (3, first.digest)
    month = closed(closer, Kind.MONTH, DAY)
    assert (month.period, month.documents, month.debit_cents) == ("01/01/2026-31/01/2026", 3, 2500)
    assert anchored(closer.anchors) == [first.anchor, second.anchor, month.anchor]
    found = verify(closer.engine, 1, trust(closer))
    assert (found.fault, found.closings) == (None, 3)


def test_the_last_day_of_a_year_closes_month_and_year(closer: Closer) -> None:
    with closer.engine.begin() as connection:
        closer.close_day(connection, date(2026, 12, 31))
        closer.close_day(connection, date(2026, 12, 31))  # again: nothing more
        kinds = [one.kind for one in read_closings(connection, 1)]
    assert kinds == ["day", "month", "year"]
    assert fault_of(closer).startswith("LED-928 La clôture n° 1 (31/12/2026) n'a pas d'ancre")
    assert closer.anchor() == 3
    assert closer.anchor() == 0
    assert fault_of(closer) == ""


def test_a_period_is_closed_once_and_never_before_its_end(closer: Closer) -> None:
    closed(closer, Kind.MONTH, DAY)
    for kind, day, code in ((Kind.MONTH, DAY, "LED-932"), (Kind.MONTH, TODAY, "LED-931")):
        with pytest.raises(AnomaliesFound) as found:
            closed(closer, kind, day)
        assert found.value.anomalies[0].code.id == code


def test_the_key_is_made_once_private_and_a_lost_one_is_not_replaced(closer: Closer) -> None:
    made = closed(closer, Kind.DAY, DAY)
    assert closer.key.stat().st_mode & 0o777 == 0o600
    assert closer.key.with_suffix(".pub").read_text() == f"{made.public_key}\n"
    closer.key.chmod(0o644)
    with pytest.raises(AnomaliesFound, match="CFG-105"):
        closed(closer, Kind.DAY, LAST)
    closer.key.unlink()
    with pytest.raises(AnomaliesFound, match="CFG-105"):
        closed(closer, Kind.DAY, LAST)
    assert fault_of(closer) == ""  # the public half still verifies


def _unprotect(engine: Engine, *tables: str) -> None:
    with engine.begin() as connection:
        for table in tables:
            if engine.dialect.name == "sqlite":
                for verb in ("update", "delete"):
                    connection.execute(text(f"DROP TRIGGER keep_{table}_{verb}"))
            else:
                connection.execute(text(f"DROP TRIGGER keep_{table} ON {table}"))


def _execute(closer: Closer, *statements: str) -> None:
    _unprotect(closer.engine, "closing", "chain_link", "document", "entry", "billed_part")
    with closer.engine.begin() as connection:
        for sql in statements:
            connection.execute(text(sql))


FORGERIES = {
    "totals": (
        "UPDATE closing SET debit_cents = 1, credit_cents = 1 WHERE sequence = 1",
        "LED-921",
    ),
    "first removed": ("DELETE FROM closing WHERE sequence = 1", "LED-922"),
    "last removed": ("DELETE FROM closing WHERE sequence = 2", "LED-927"),
    "reopened": ("UPDATE organisation SET closed_until = '2026-01-01'", "LED-929"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_f23_a_forgery_is_named(closer: Closer, forgery: str) -> None:
    closed(closer, Kind.DAY, DAY)
    closed(closer, Kind.DAY, LAST)
    sql, code = FORGERIES[forgery]
    _execute(closer, sql)
    assert fault_of(closer).startswith(code)


def test_an_entry_slipped_into_a_closed_day_is_seen(closer: Closer) -> None:
    closed(closer, Kind.DAY, DAY)
    _execute(closer, "UPDATE organisation SET closed_until = NULL")
    posted(closer.engine, sale(DAY, 300, parts=[part(9)]))
    _execute_again(closer, "UPDATE organisation SET closed_until = '2026-01-30'")
    assert fault_of(closer) == (
        "LED-924 Les totaux de la période close 30/01/2026 ont changé : "
        "3 documents, 6 écritures, 23,00 € au lieu de 2 documents, 4 écritures, 20,00 €."
    )


def _execute_again(closer: Closer, sql: str) -> None:
    with closer.engine.begin() as connection:
        connection.execute(text(sql))


def _rewritten(closer: Closer, tmp_path: Path, **changes: Any) -> Closer:
    """The same books from scratch with other amounts, all chained and closed anew."""
    url = f"sqlite:///{tmp_path}/rewritten.db"
    upgrade(url)
    engine = make_engine(url)
    open_books(engine, 1)
    posted(engine, sale(DAY, 999, parts=[part(0)]), sale(DAY, 800, parts=[part(1)]))
    return Closer(
        engine,
        1,
        changes.get("key", closer.key),
        tmp_path / "other.anchors",
        closer.clock,
    )


@pytest.mark.parametrize(("own_key", "code"), [(False, "LED-921"), (True, "LED-926")])
def test_f23_a_chain_written_anew_contradicts_key_or_anchors(
    closer: Closer, tmp_path: Path, own_key: bool, code: str
) -> None:
    """With a key of one's own the signature isn't ours; with ours, the anchors are others."""
    closed(closer, Kind.DAY, DAY)
    key = closer.key if own_key else tmp_path / "thief.key"
    other = _rewritten(closer, tmp_path, key=key)
    closed(other, Kind.DAY, DAY)
    fault = verify(other.engine, 1, trust(closer)).fault
    other.engine.dispose()
    assert fault is not None
    assert fault.code.id == code


def test_f23_documents_rewritten_under_the_old_closings_are_named(
    closer: Closer, tmp_path: Path
) -> None:
    closed(closer, Kind.DAY, DAY)
    other = _rewritten(closer, tmp_path)
    with closer.engine.connect() as source, other.engine.begin() as target:
        target.execute(t.closing.insert(), [r._asdict() for r in source.execute(select(t.closing))])
        target.execute(text("UPDATE organisation SET closed_until = '2026-01-30'"))
    fault = verify(other.engine, 1, trust(closer)).fault
    other.engine.dispose()
    assert fault is not None
    assert (fault.code.id, fault.values["number"]) == ("LED-923", "VT2026-000002")


def test_an_anchor_cut_by_a_power_loss_is_finished(closer: Closer) -> None:
    made = closed(closer, Kind.DAY, DAY)
    closer.anchors.write_bytes(made.anchor.encode()[:20])
    assert fault_of(closer).startswith("LED-928")
    assert closer.anchor() == 1
    assert anchored(closer.anchors) == [made.anchor]


Lines = Callable[[list[str]], list[str]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda lines: [lines[0].replace("2026", "2025")], "LED-926"),
        (lambda lines: lines[:0], "LED-928"),
        (lambda lines: [*lines, *lines], "LED-927"),
    ],
    ids=["changed", "emptied", "ahead"],
)
def test_f23_anchors_and_database_must_agree(closer: Closer, change: Lines, code: str) -> None:
    closed(closer, Kind.DAY, DAY)
    lines = change(anchored(closer.anchors))
    closer.anchors.write_text("".join(f"{line}\n" for line in lines))
    assert fault_of(closer).startswith(code)

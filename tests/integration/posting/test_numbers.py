"""Numbers without gap, dates that never go back, the chain: in one process and in several."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Engine, func, select, text

from integration.database import migrations
from integration.database import tables as t
from integration.database.engine import make_engine, snapshot
from integration.flows.closing import refuse_entries
from integration.flows.verify import verify
from integration.posting import GENESIS, Plan, Preview, chain, chain_head, number_rows, post
from tests.integration.posting.books import days, numbers, open_books, posted, sale

NEW_YEAR = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def books(request: pytest.FixtureRequest) -> Iterator[None]:
    """Two organisations on the engine of the test."""
    if "engine" in request.fixturenames:
        open_books(request.getfixturevalue("engine"), 1, 2)
    yield


def test_f22_numbers_by_organisation_journal_and_year(engine: Engine) -> None:
    posted(engine, sale(date(2026, 12, 30)), sale(date(2026, 12, 31)), sale(date(2027, 1, 1)))
    posted(engine, sale(date(2027, 1, 2)), sale(date(2027, 1, 2), journal="BQ"))
    posted(engine, sale(NEW_YEAR), organisation=2)
    assert numbers(engine) == {("VT", 2026): [1, 2], ("VT", 2027): [1, 2], ("BQ", 2027): [1]}
    assert numbers(engine, 2) == {("VT", 2026): [1]}
    assert verify(engine, 1).fault is None
    assert verify(engine, 2).fault is None


def test_f22_never_dated_before_the_last_of_its_series(engine: Engine) -> None:
    posted(engine, sale(date(2026, 3, 10)))
    posted(engine, sale(date(2026, 3, 1)), sale(date(2026, 3, 12)), sale(date(2026, 3, 11)))
    posted(engine, sale(date(2026, 3, 1), journal="BQ"))
    assert days(engine) == ["2026-03-10", "2026-03-10", "2026-03-12", "2026-03-12", "2026-03-01"]


def test_f22_last_year_is_over_once_the_new_one_has_begun(engine: Engine) -> None:
    posted(engine, sale(date(2027, 1, 5)))
    posted(engine, sale(date(2026, 12, 31)))
    assert numbers(engine) == {("VT", 2027): [1, 2]}


def test_a_closed_day_pushes_to_the_next_open_one(engine: Engine) -> None:
    with engine.begin() as connection:
        refuse_entries(connection, 1, date(2026, 12, 31))
        refuse_entries(connection, 1, date(2026, 6, 30))  # a closing is never taken back
    posted(engine, sale(date(2026, 12, 30), due_days=30))
    assert days(engine) == ["2027-01-01"]
    assert numbers(engine) == {("VT", 2027): [1]}
    with engine.connect() as connection:
        assert connection.scalar(select(t.document.c.due_on)) == date(2027, 1, 31)


def test_f22_a_rollback_leaves_no_gap(engine: Engine) -> None:
    posted(engine, sale(NEW_YEAR))
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        post(connection, 1, Plan([sale(NEW_YEAR), sale(NEW_YEAR)]))
        raise ZeroDivisionError
    posted(engine, sale(NEW_YEAR))
    assert numbers(engine) == {("VT", 2026): [1, 2]}
    with engine.connect() as connection:
        assert connection.scalar(select(func.max(t.document.c.id))) == 2


def test_links_follow_each_other_from_nothing_to_the_head(engine: Engine) -> None:
    rows = posted(engine, sale(NEW_YEAR), sale(NEW_YEAR, 500))
    (_, _, _, first, link1), (_, _, _, second, link2) = rows.links
    assert link1 == chain(GENESIS, "VT2026-000001", first)
    assert link2 == chain(link1, "VT2026-000002", second)
    with engine.begin() as connection:
        assert chain_head(connection, 1) == (2, link2) == (rows.sequence, rows.link)
    with snapshot(engine) as connection:
        assert chain_head(connection, 2, lock=False) == (0, GENESIS)


def test_a_preview_is_what_posting_writes(engine: Engine) -> None:
    posted(engine, sale(date(2026, 12, 30)))
    plans = [
        Plan([sale(date(2026, 12, 31)), sale(NEW_YEAR + timedelta(365))]),
        Plan([sale(NEW_YEAR)]),
    ]
    planned = []
    with snapshot(engine) as connection:
        preview = Preview(connection, 1)
        for plan in plans:
            rows = number_rows(plan, preview.slots(plan))
            preview.advance(rows)
            planned.append(rows)
    assert planned == [posted(engine, *plan.postings) for plan in plans]


@pytest.mark.parametrize("journals", [("VT", "VT"), ("VT", "BQ")])
def test_f22_two_posters_at_once_leave_no_gap(
    postgresql_url: str, journals: tuple[str, str]
) -> None:
    """Each posts 20 times, the second with older dates: no gap, dates in order, one chain."""
    engine = make_engine(postgresql_url)
    open_books(engine, 1)
    start, errors = threading.Barrier(2), list[BaseException]()

    def work(journal: str, first: date) -> None:
        start.wait()
        try:
            for n in range(20):
                posted(engine, sale(first + timedelta(n % 5), journal=journal))
        except BaseException as error:
            errors.append(error)

    works = [
        threading.Thread(target=work, args=(journal, date(2026, 1, 10 - 9 * rank)))
        for rank, journal in enumerate(journals)
    ]
    for thread in works:
        thread.start()
    for thread in works:
        thread.join()
    assert errors == []
    found = numbers(engine)
    assert all(ranks == list(range(1, len(ranks) + 1)) for ranks in found.values())
    assert sum(map(len, found.values())) == 40
    assert verify(engine, 1).fault is None
    engine.dispose()


def test_who_looks_does_not_wait_for_who_posts(postgresql_url: str) -> None:
    """Verification and preview read while a posting is open, and a posting while they look."""
    engine = make_engine(postgresql_url)
    open_books(engine, 1)
    posted(engine, sale(NEW_YEAR))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '2s'"))
        post(connection, 1, Plan([sale(NEW_YEAR)]))
        assert verify(engine, 1).documents == 1
        with snapshot(engine) as other:
            Preview(other, 1)
    with snapshot(engine) as other:
        Preview(other, 1)
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            post(connection, 1, Plan([sale(NEW_YEAR)]))
        assert chain_head(other, 1, lock=False)[0] == 2
    assert verify(engine, 1).documents == 3
    engine.dispose()


class Books(RuleBasedStateMachine):
    """Postings of any date and journal, rollbacks, closings: the series stay whole."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.engine = make_engine(self.url)
        self.expected = 0
        with self.engine.begin() as connection:
            self.organisation = (connection.scalar(select(func.max(t.organisation.c.id))) or 0) + 1
        open_books(self.engine, self.organisation)

    def teardown(self) -> None:
        """Close the file."""
        self.engine.dispose()

    @rule(
        offsets=st.lists(st.integers(-40, 400), max_size=3),
        journal=st.sampled_from(["VT", "BQ"]),
        kept=st.booleans(),
    )
    def post_some(self, offsets: list[int], journal: str, kept: bool) -> None:
        """Post, and take it back now and then."""
        sales = [sale(NEW_YEAR + timedelta(offset), journal=journal) for offset in offsets]
        connection = self.engine.connect()
        transaction = connection.begin()
        post(connection, self.organisation, Plan(sales))
        transaction.commit() if kept else transaction.rollback()
        connection.close()
        self.expected += len(sales) if kept else 0

    @rule(offset=st.integers(-40, 200))
    def close(self, offset: int) -> None:
        """Close a day, maybe one that is closed already."""
        with self.engine.begin() as connection:
            refuse_entries(connection, self.organisation, NEW_YEAR + timedelta(offset))

    @invariant()
    def whole(self) -> None:
        """Every number once, in order of date, nothing lost."""
        found = numbers(self.engine, self.organisation)
        assert sum(map(len, found.values())) == self.expected
        assert all(ranks == list(range(1, len(ranks) + 1)) for ranks in found.values())
        verified = verify(self.engine, self.organisation)
        assert (verified.fault, verified.documents) == (None, self.expected)


def test_f22_series_under_any_story(tmp_path: Path) -> None:
    Books.url = f"sqlite:///{tmp_path / 'books.db'}"
    migrations.upgrade(Books.url)
    machine = Books.TestCase
    machine.settings = settings(max_examples=15, stateful_step_count=8, deadline=None)
    machine().runTest()


@pytest.mark.parametrize(
    ("forgery", "code"),
    [("last_number = last_number + 1", "LED-906"), ("last_date = '2026-01-01'", "LED-907")],
)
def test_f22_verify_finds_a_planted_gap_and_a_date_that_goes_back(
    engine: Engine, forgery: str, code: str
) -> None:
    """The series was changed behind the program's back; what is posted next is chained soundly."""
    posted(engine, sale(date(2026, 2, 3)))
    assert verify(engine, 1).fault is None
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE series SET {forgery}"))
    posted(engine, sale(date(2026, 1, 31)))
    fault = verify(engine, 1).fault
    assert fault is not None
    assert fault.code.id == code

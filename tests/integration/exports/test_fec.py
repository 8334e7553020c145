"""The FEC of a year, from posted documents: openings, numbers, lettering, the day it ends on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.chart import account_labels
from config.settings import Accounts
from formats.accounting import fec
from formats.common.anomaly import AnomaliesFound
from integration.database import tables as t
from integration.flows.closing import refuse_entries
from integration.flows.fec import Books, export_fec
from tests.integration.posting.books import open_books, posted, sale


@pytest.fixture
def books(engine: Engine) -> Books:
    """Sales of 12.00 € in 2025 and 8.00 € in 2026, the second paid."""
    open_books(engine, 1)
    with engine.begin() as connection:
        connection.execute(
            t.customer.insert().values(id=1, organisation_id=1, code="C1", name="Café Zoé")
        )
    posted(engine, sale(date(2025, 12, 30)), sale(date(2026, 1, 5), 800))
    paid = [("512000", "", 800, 0, None, None), ("411000", "C1", 0, 800, 2, "CUSTOMER")]
    posted(engine, sale(date(2026, 2, 1), journal="BQ", kind="payment", entries=paid, lines=[]))
    return Books(engine, 1, "732829320", account_labels(Accounts()))


def close(books: Books, day: date) -> None:
    """Nothing is dated on that day or before any more."""
    with books.engine.begin() as connection:
        refuse_entries(connection, 1, day)


def test_openings_first_then_entries_numbered_without_gap(books: Books, tmp_path: Path) -> None:
    close(books, date(2026, 12, 31))
    made = export_fec(books, 2026, tmp_path)
    assert (made.path.name, made.entries) == ("732829320FEC20261231.txt", 6)
    with made.path.open("rb") as stream:
        lines = list(fec.read(stream))
    assert [(one.number, one.journal, one.account, one.auxiliary_label) for one in lines] == [
        (1, "AN", "411000", "Café Zoé"),
        (1, "AN", "110000", ""),
        (2, "VT", "411000", "Café Zoé"),
        (2, "VT", "706", ""),
        (3, "BQ", "512000", ""),
        (3, "BQ", "411000", "Café Zoé"),
    ]
    assert [one.debit_cents - one.credit_cents for one in lines] == [
        1200, -1200, 800, -800, 800, -800,
    ]  # fmt: skip
    assert [(one.lettering, one.lettered_on) for one in lines if one.lettering] == [
        ("AAC-CUSTOMER", date(2026, 2, 1))
    ] * 2
    assert lines[2].label == "Facture VT2026-000001"
    assert lines[3].account_label == "Prestations de services"
    assert export_fec(books, 2026, tmp_path) == made  # again: the same bytes


def test_an_open_year_ends_on_its_last_closed_day(books: Books, tmp_path: Path) -> None:
    close(books, date(2026, 1, 31))
    made = export_fec(books, 2026, tmp_path)
    assert (made.path.name, made.entries) == ("732829320FEC20260131.txt", 4)
    with made.path.open("rb") as stream:
        assert not any(line.lettering for line in fec.read(stream))


def test_nothing_is_written_of_an_open_year_or_without_siren(books: Books, tmp_path: Path) -> None:
    with pytest.raises(AnomaliesFound, match="LED-941"):
        export_fec(books, 2026, tmp_path / "fec")
    with pytest.raises(AnomaliesFound, match="LED-942"):
        export_fec(books._replace(siren=""), 2026, tmp_path / "fec")
    close(books, date(2026, 1, 31))
    with pytest.raises(AnomaliesFound, match="FMT-702"):
        export_fec(books._replace(siren="732829321"), 2026, tmp_path / "fec")
    assert list((tmp_path / "fec").iterdir()) == []


def test_a_file_the_checker_refuses_never_gets_its_name(books: Books, tmp_path: Path) -> None:
    """It is judged whole before it is renamed; corrected, the same export writes it."""
    close(books, date(2026, 1, 31))
    with pytest.raises(AnomaliesFound, match="FMT-710"):
        export_fec(books._replace(label=lambda _: ""), 2026, tmp_path / "fec")
    assert list((tmp_path / "fec").iterdir()) == []
    assert export_fec(books, 2026, tmp_path / "fec").path.is_file()


def test_another_content_under_the_same_name_is_refused(books: Books, tmp_path: Path) -> None:
    close(books, date(2026, 1, 31))
    (tmp_path / "732829320FEC20260131.txt").write_bytes(b"old")
    with pytest.raises(AnomaliesFound, match="LED-943"):
        export_fec(books, 2026, tmp_path)
    assert (tmp_path / "732829320FEC20260131.txt").read_bytes() == b"old"

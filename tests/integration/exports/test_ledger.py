"""Journals leave once, under a number; asked again they are the same bytes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from config.chart import account_labels
from config.settings import Accounts
from formats.common.anomaly import AnomaliesFound
from integration import failpoints
from integration.flows import ledger_export
from integration.flows.ledger_export import Journals, export_again, export_new
from integration.inbox import Outcome, import_paths
from tests.integration.billing.house import House, house_at
from tests.integration.posting.books import open_books, posted, sale

DAY = date(2026, 1, 5)


@pytest.fixture
def journals(engine: Engine, tmp_path: Path) -> Journals:
    """Two sales."""
    open_books(engine, 1)
    posted(engine, sale(DAY), sale(DAY, 800))
    return Journals(engine, 1, account_labels(Accounts()), tmp_path / "ledger")


@pytest.mark.feature("X-ACC-01")
def test_once_exported_never_twice(journals: Journals) -> None:
    first = export_new(journals, "quadra")
    assert (first.number, first.entries, first.debit_cents) == (1, 4, 2000)
    assert export_new(journals, "csv").number == 0
    posted(journals.engine, sale(DAY, 500))
    second = export_new(journals, "csv")
    assert (second.number, second.entries, second.debit_cents) == (2, 2, 500)
    text = (journals.folder / second.file_name).read_text("utf-8")
    assert text.splitlines()[1:] == [
        "VT;2026-01-05;VT2026-000003;411000;C1;Facture VT2026-000003;5,00;0,00;",
        "VT;2026-01-05;VT2026-000003;706;;Facture VT2026-000003;0,00;5,00;",
    ]


def test_again_when_asked_with_the_same_bytes(journals: Journals) -> None:
    made = export_new(journals, "sage")
    path = journals.folder / made.file_name
    content = path.read_bytes()
    path.unlink()
    posted(journals.engine, sale(DAY, 500))
    assert export_again(journals, 1) == made
    assert path.read_bytes() == content
    with pytest.raises(AnomaliesFound, match="LED-951"):
        export_again(journals, 7)


def test_killed_before_the_file_the_next_export_makes_it(
    journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The power goes."""

    def dies(name: str) -> None:
        if name == "ledger.taken":
            raise Killed

    monkeypatch.setattr(ledger_export, "reach", dies)
    with pytest.raises(Killed):
        export_new(journals, "ebp")
    monkeypatch.setattr(ledger_export, "reach", failpoints.reach)
    assert export_new(journals, "ebp").number == 0
    assert [path.name for path in journals.folder.iterdir()] == ["journal_000001_ebp.txt"]


def test_what_does_not_fit_takes_no_number(journals: Journals) -> None:
    long = [("411000", "CLIENT-0001", 500, 0, 0, "CUSTOMER"), ("706", "", 0, 500, None, None)]
    posted(journals.engine, sale(DAY, 500, entries=long))
    with pytest.raises(AnomaliesFound, match="FMT-751"):
        export_new(journals, "quadra")
    assert export_new(journals, "csv").number == 1


def test_an_acknowledgement_marks_its_export(database_url: str, tmp_path: Path) -> None:
    with house_at(database_url, tmp_path) as house:
        posted(house.engine, sale(DAY))
        export_new(Journals(house.engine, 1, str, tmp_path / "ledger"), "csv")
        house.bring("acknowledgements", "export;ecritures;total_debit\n1;2;12,00\n")
        assert house.rows("SELECT state FROM ledger_export") == [("acknowledged",)]
        assert _refused(house, tmp_path, "1;2;12,01") == ["IMP-901"]
        assert _refused(house, tmp_path, "2;2;12,00") == ["IMP-901"]


def _refused(house: House, folder: Path, row: str) -> list[str]:
    path = folder / "wrong.csv"
    path.write_text(f"export;ecritures;total_debit\n{row}\n", "utf-8")
    (one,) = import_paths(house.app.office(), [path], "acknowledgements")
    assert one.outcome is Outcome.REFUSED
    return [anomaly.code.id for anomaly in one.anomalies]

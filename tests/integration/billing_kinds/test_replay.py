"""Every kind through many months: one process or one a night give the same bytes, and each posted
line is found again from what it kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from billing.contracts.contract import RunOptions
from billing.contracts.rules import KINDS
from billing.ledger import DEFAULT_ACCOUNTS
from integration.database.engine import make_engine
from integration.flows.billing.gather import Selection
from integration.flows.billing.run import Billing, bill
from integration.flows.explain import explain
from integration.flows.verify import verify
from integration.posting import reference
from tests.bench import kinds
from tests.bench.portfolio import ORGANISATION, fill

SAMPLE, YEAR, WHOLE = 2, 13, 24
CONTRACTS = 2 * len(kinds.RULES)
KINDS_OF_INVOICES = """
    SELECT DISTINCT d.journal, d.fiscal_year, d.number, r.kind FROM document_line l
    JOIN document d ON d.id = l.document_id JOIN rule r ON r.id = l.rule_id"""


def digests(url: str, days: list[date]) -> list[str]:
    """What is posted on each day, in one process."""
    engine, found = make_engine(url), []
    for day in days:
        digest = hashlib.sha256()
        order = Billing(engine, Selection(ORGANISATION), RunOptions(day), DEFAULT_ACCOUNTS)
        report = bill(order, digest)
        assert (report.anomalies, report.failed) == ([], [])
        found.append(digest.hexdigest())
    engine.dispose()
    return found


def own_process(url: str, day: date) -> str:
    """The same on one day, in a process of its own."""
    command = [sys.executable, "-m", __name__, url, day.isoformat()]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.sweep
def test_one_process_or_one_a_night_give_the_same_bytes(
    sqlite_url: str, tmp_path: Path, all_failpoints: bool
) -> None:
    days = kinds.work_dates(WHOLE if all_failpoints else SAMPLE)
    engine = make_engine(sqlite_url)
    fill(engine, CONTRACTS, kinds.mixed)
    engine.dispose()
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(sqlite_url.removeprefix("sqlite:///")).read_bytes())
    apart = [own_process(f"sqlite:///{copy}", day) for day in days]
    assert digests(sqlite_url, days) == apart
    assert len(set(apart)) == len(days)


def test_every_kind_is_found_again(sqlite_url: str) -> None:
    """A year and a month of all kinds: a kind without a recomputed line fails here."""
    engine = make_engine(sqlite_url)
    fill(engine, CONTRACTS, kinds.mixed)
    digests(sqlite_url, kinds.work_dates(YEAR))
    found = Counter[str]()
    with engine.connect() as connection:
        for *name, kind in connection.execute(text(KINDS_OF_INVOICES)).fetchall():
            for one in explain(connection, ORGANISATION, reference(*name)):
                assert one.anomaly is None
                assert "how" in one.kept["explain"], kind
                found[kind] += one.recomputed == one.posted
    assert found.keys() == KINDS.keys() == kinds.RULES.keys()
    assert min(found.values()) >= YEAR, found
    assert verify(engine, ORGANISATION).fault is None


if __name__ == "__main__":
    url, day = sys.argv[1:]
    print(*digests(url, [date.fromisoformat(day)]))

"""A group larger than a chunk: in parts from drafts, and not a row differs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.database.migrations import upgrade
from integration.database.rehearsal import rehearsal_engine
from integration.database.tables import metadata
from integration.flows.billing import gather, plan
from integration.flows.billing.run import bill
from integration.flows.verify import verify
from tests.integration.billing.house import House, contract, copies, fee, house_at

CONTRACTS = 8
DAYS = ("2026-02-01", "2026-03-01")


def _lessor(house: House, *, grouped: bool) -> None:
    """One lessor who pays for eight customers: fees, copies partly estimated, cents below the
    threshold, one fee that another customer pays, one contract with an anomaly."""
    house.customers("LOUEUR", grouped=grouped)
    house.customers(*(f"C{n}" for n in range(CONTRACTS)))
    paid = {"payeur": "LOUEUR"}
    for n in range(CONTRACTS):
        house.machine(f"B{n}", f"C{n}", "NB")
        house.readings(
            (f"B{n}", "NB", "2026-01-01", 1000, "pose"),
            (f"B{n}", "NB", "2026-01-15", 1100 + n, "client"),
        )
        price = "0.10" if n == 2 else f"{10 + n}.00"
        rules = [
            fee(f"MF{n}", price, cout=paid),
            copies(f"UC{n}", "0.01", [(f"B{n}", "NB")], cout=paid, position=1),
        ]
        if n == 4:
            rules.append(fee(f"AUTRE{n}", "3.00", cout={"payeur": "C4"}))
        house.contracts(contract(f"K{CONTRACTS - n}", f"C{n}", *rules))
    house.execute("UPDATE rule_state SET next_theoretical = NULL, state = '{}' WHERE rule_id = 3")
    house.execute("UPDATE rule SET opening = '{}' WHERE id = 3")


def _posted(folder: Path, url: str, *, grouped: bool) -> dict[str, list[tuple[Any, ...]]]:
    upgrade(url)
    with house_at(url, folder, SEUIL_FACTURATION="2") as house:
        _lessor(house, grouped=grouped)
        for day in DAYS:
            planned, shapes = house.simulate(day)
            digest = hashlib.sha256()
            report = bill(house.run(day), digest)
            assert digest.hexdigest() == planned.rows_digest
            assert report.invoices == planned.invoices > 0
            assert sum(len(one.invoices) for one in shapes) == report.invoices
            assert [one.code.id for one in report.anomalies] == ["RAT-206"]
        assert verify(house.engine, 1).fault is None
        return {
            table.name: house.rows(f"SELECT * FROM {table.name} ORDER BY 1, 2, 3")
            for table in metadata.sorted_tables
            if table.name not in {"simulation", "received_file", "run"} and len(table.columns) > 2
        }


@pytest.mark.parametrize("grouped", [False, True])
def test_a_large_group_gives_the_rows_of_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, grouped: bool
) -> None:
    whole = _posted(tmp_path / "whole", f"sqlite:///{tmp_path}/whole.db", grouped=grouped)
    monkeypatch.setattr(gather, "LARGE", 3)
    monkeypatch.setattr(plan, "LARGE", 3)
    parts = _posted(tmp_path / "parts", f"sqlite:///{tmp_path}/parts.db", grouped=grouped)
    assert len(whole["document"]) > (0 if grouped else CONTRACTS)
    for table, rows in whole.items():
        assert parts[table] == rows, table


def test_a_large_group_posts_whole_or_not_at_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of its parts fails: those before it are taken back, with their numbers."""
    _lessor(house, grouped=False)
    monkeypatch.setattr(gather, "LARGE", 3)
    monkeypatch.setattr(plan, "LARGE", 3)
    sound, calls = plan._lay_out, []

    def lay_out(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        sound(*given)

    monkeypatch.setattr(plan, "_lay_out", lay_out)
    with pytest.raises(KeyboardInterrupt):
        bill(house.run(DAYS[0]))
    assert house.rows("SELECT * FROM document") == house.rows("SELECT * FROM series") == []
    monkeypatch.setattr(plan, "_lay_out", sound)
    assert house.bill(DAYS[0]).invoices == CONTRACTS


def test_a_large_group_is_rehearsed_as_it_is_billed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its slices are read between the postings of those before: on one connection in a rehearsal,
    on another in earnest. The same rows either way, and of the rehearsal nothing stays."""
    _lessor(house, grouped=True)
    monkeypatch.setattr(gather, "LARGE", 3)
    monkeypatch.setattr(plan, "LARGE", 3)
    tried, done = hashlib.sha256(), hashlib.sha256()
    engine = rehearsal_engine(house.app.settings.database_url)
    rehearsed = bill(replace(house.run(DAYS[0]), engine=engine), tried)
    engine.dispose()
    assert house.rows("SELECT * FROM document") == []
    report = bill(house.run(DAYS[0]), done)
    assert (tried.digest(), rehearsed.invoices) == (done.digest(), report.invoices)
    assert report.invoices > 0

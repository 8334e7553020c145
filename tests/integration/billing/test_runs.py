"""Simulations, chunks and colliding runs: the same rows however they are made."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from formats.common.anomaly import AnomaliesFound
from integration.cli import parser
from integration.flows.billing import gather, run
from integration.flows.billing.kept import keep, kept_simulation
from integration.flows.verify import verify
from integration.posting import Plan
from integration.verbs import billing as verbs
from tests.integration.billing.house import House, contract, copies, fee, house_at

POSTED = "document document_line entry billed_part rule_event rule_state reading outbox chain_link"


def _portfolio(house: House) -> None:
    """Six customers; C1 and C2 share the lessor LOUEUR, C3 is grouped, C4 has no reading."""
    house.customers("C1", "C2", "C4", "C5", "C6", "LOUEUR")
    house.customers("C3", grouped=True)
    documents = []
    for n in range(1, 7):
        house.machine(f"B{n}", f"C{n}", "NB")
        paid = {"payeur": "LOUEUR"} if n <= 2 else {}
        documents += [
            contract(f"K{n}A", f"C{n}", fee(f"MF{n}", "25.00", str(n), cout=paid)),
            contract(f"K{n}B", f"C{n}", copies(f"UC{n}", "0.01", [(f"B{n}", "NB")])),
        ]
        if n != 4:
            house.readings(
                (f"B{n}", "NB", "2026-01-01", 100, "pose"),
                (f"B{n}", "NB", "2026-01-11", 100 + 37 * n, "client"),
            )
    house.contracts(*documents)


def _posted(house: House) -> list[object]:
    return [sorted(house.rows(f"SELECT * FROM {name}"), key=repr) for name in POSTED.split()]


@pytest.mark.parametrize("size", [1, 3])
def test_chunks_of_any_size_post_the_same_rows(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Groups of two and four contracts: never split, whatever the size of a chunk."""
    from integration.database import migrations

    found = {}
    urls = {500: f"sqlite:///{tmp_path / 'other.db'}", size: database_url}
    for chunk, url in urls.items():
        migrations.upgrade(url)
        monkeypatch.setattr(gather, "CHUNK", chunk)
        with house_at(url, tmp_path / str(chunk)) as house:
            _portfolio(house)
            before = house.simulate("2026-02-01")[0]
            digest = hashlib.sha256()
            report = run.bill(house.run("2026-02-01"), digest)
            assert digest.hexdigest() == before.rows_digest or chunk != 500
            found[chunk] = (report.invoices, sorted(report.blocked), _posted(house))
    assert found[size] == found[500]
    assert found[500][0] == 10


@pytest.mark.feature("A-RFC-05")
def test_a_simulation_leaves_the_state_as_it_is(house: House) -> None:
    _portfolio(house)
    before = _posted(house)
    report, _ = house.simulate("2026-02-01")
    assert report.invoices == 10
    assert _posted(house) == before
    assert house.state("MF1") == {"next_theoretical": "2026-01-01"}
    assert house.rows("SELECT last_document_id FROM rule_state WHERE last_document_id > 0") == []


@pytest.mark.feature("A-REL-13")
def test_days_of_a_reading_for_one_simulation(house: House) -> None:
    """30 days old: estimated with 20 days, billed as it is with 40; the parameter stays 20."""
    house.customers("C1")
    house.machine("B1", "C1", "NB")
    house.contracts(contract("K1", "C1", copies("UC", "0.01", [("B1", "NB")])))
    house.readings(("B1", "NB", "2026-01-01", 0, "pose"), ("B1", "NB", "2026-01-02", 10, "client"))
    assert _origins(house) == ["estimate"]
    assert _origins(house, reading_days=40) == []
    assert house.app.settings.parameters.NB_JOURS_RELEVE_PRFACTU == 20
    assert _origins(house) == ["estimate"]


def _origins(house: House, **overrides: Any) -> list[str]:
    """Origins of the readings a simulation would store."""
    _, shapes = house.simulate("2026-02-01", **overrides)
    return [reading.origin.value for shaped in shapes for _, reading in shaped.estimates]


CHANGES = {
    "reading": lambda house: house.readings(("B1", "NB", "2026-01-31", 900, "client")),
    "price": lambda house: house.execute("UPDATE cost_line SET price_e8 = price_e8 + 1"),
    "rule": lambda house: house.execute("UPDATE rule SET decimals = 4 WHERE code = 'UC1'"),
    "state": lambda house: house.bill("2026-01-01"),
    "contract": lambda house: house.contracts(contract("K9", "C6", fee("NEW", "1.00"))),
    "customer": lambda house: house.execute("UPDATE customer SET address = '' WHERE code = 'C5'"),
}


@pytest.mark.feature("A-SIM-11")
@pytest.mark.parametrize("change", CHANGES)
def test_billing_from_a_simulation_refuses_changed_facts(house: House, change: str) -> None:
    _portfolio(house)
    number = _kept(house)
    CHANGES[change](house)
    with pytest.raises(AnomaliesFound) as refused:
        verbs._checked(house.app, number)
    assert [anomaly.code.id for anomaly in refused.value.anomalies] == ["RUN-110"]


@pytest.mark.feature("A-SIM-11")
def test_billing_from_a_simulation_posts_what_was_simulated(house: House) -> None:
    _portfolio(house)
    order = house.run("2026-02-01", threshold=26)
    planned, _ = run.simulate(order)
    number = keep(order, planned)
    kept = kept_simulation(house.engine, 1, number)
    assert kept is not None
    assert kept.options == order.options
    posted = hashlib.sha256()
    done = run.bill(verbs._checked(house.app, number), posted)
    assert done.invoices == planned.invoices > 0
    assert [d.contract for d in done.deferred] == [d.contract for d in planned.deferred] != []
    assert posted.hexdigest() == planned.rows_digest


def test_an_unknown_simulation(house: House) -> None:
    with pytest.raises(AnomaliesFound, match="RUN-111"):
        verbs._checked(house.app, 42)


def _kept(house: House) -> int:
    order = house.run("2026-02-01")
    return keep(order, run.simulate(order)[0])


def test_a_plan_that_was_overtaken_is_made_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run moves MF1 between plan and posting: its month isn't billed twice."""
    house.customers("C1")
    house.contracts(contract("K1", "C1", fee("MF1", "25.00"), fee("MF2", "5.00")))
    real, calls = run.post, []

    def posting(connection: Any, organisation: int, plan: Plan) -> Any:
        calls.append(len(plan.moves))
        return real(connection, organisation, plan)

    def planning(*arguments: Any) -> Any:
        planned = real_plan(*arguments)
        if not calls:
            skipped = '{"next_theoretical":"2026-02-01"}'
            move = (1, 0, skipped, skipped, "2026-02-01", None)
            with house.engine.begin() as connection:
                real(connection, 1, Plan(moves=[move]))
        return planned

    real_plan = run.planned
    monkeypatch.setattr(run, "planned", planning)
    monkeypatch.setattr(run, "post", posting)
    report = house.bill("2026-01-01")
    assert calls == [2, 1]
    assert (report.invoices, report.failed) == (1, [])
    assert house.lines() == [("MF2", "2026-01-01", "2026-02-01", 1, 500)]


def test_two_runs_at_once_bill_everything_once(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both start on the same facts, a contract at a time: who comes second plans again."""
    monkeypatch.setattr(gather, "CHUNK", 1)
    with house_at(postgresql_url, tmp_path) as house:
        _portfolio(house)
        start = threading.Barrier(2)

        def billed(_: int) -> run.BillingReport:
            order = house.run("2026-02-01")
            start.wait()
            return run.bill(order)

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(billed, range(2))
        assert (first.failed, second.failed) == ([], [])
        assert [row[0] for row in house.invoices()] == list(range(1, 10 + 1))
        assert verify(house.engine, 1).fault is None


def test_two_processes_post_what_one_posts(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather, "CHUNK", 2)
    with house_at(database_url, tmp_path) as house:
        _portfolio(house)
        alone = house.simulate("2026-02-01")[0]
        posted = hashlib.sha256()
        order = replace(house.run("2026-02-01"), ahead=True)
        report = run.bill(order, posted)
        assert (report.invoices, posted.hexdigest()) == (alone.invoices, alone.rows_digest)


def test_options_of_the_command_line_reach_the_run(house: House) -> None:
    arguments = parser().parse_args(
        [
            *("bill", "--date", "01/02/2026", "--threshold", "12,50", "--reading-days", "40"),
            *("--no-estimate", "--force-estimate"),
        ]
    )
    options = verbs._options(house.app, arguments)
    assert f"{options.work_date:%d/%m/%Y}" == "01/02/2026"
    assert (str(options.threshold), options.reading_days) == ("12.50", 40)
    assert options.no_estimate
    assert options.force_estimate
    assert house.app.options(options.work_date + timedelta(1)).reading_days == 20


def test_every_executor_draws_the_same_pages(sqlite_url: str, tmp_path: Path) -> None:
    digests = {}
    for executor in ("serial", "threads", "processes"):
        with house_at(sqlite_url, tmp_path / executor, executor=executor) as house:
            if not digests:
                house.customers("C1", "C2", "C3")
                rules = [(f"C{n}", fee("MF", "25.00")) for n in (1, 2, 3)]
                house.contracts(*(contract(f"K{code}", code, rule) for code, rule in rules))
                house.bill("2026-01-01")
            house.execute("UPDATE outbox SET state = 'todo', sha256 = NULL")
            assert house.app.outbox().send(house.app.clock()) == {"invoice_pdf": 3}
            folder = house.app.settings.folders.outbox / "factures"
            found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
            assert dict(house.rows("SELECT file_name, sha256 FROM outbox")) == found
            digests[executor] = found
    assert digests["serial"] == digests["threads"] == digests["processes"]
    assert sorted(digests["serial"]) == [f"VT2026-00000{n}.pdf" for n in (1, 2, 3)]

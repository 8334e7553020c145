"""Contract billing on an empty database, beside a bare load of the very same rows.

20 000 contracts of 1 to 3 rules (mean 2): readings → posted invoices with lines, entries, chain,
rule events and outbox. The bare load puts the rows that the run posted into the same tables, with
the same keys and triggers, in the same minute: COPY on PostgreSQL, executemany on SQLite.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.plugins.postgresql import Cluster

CONTRACTS: Final = 20_000
LARGE: Final = 200_000
ROUNDS: Final = 5
_OURS: Final = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def run() -> dict[str, object]:
    """Rates of both databases, ratio to the bare load, peak memory of all our processes."""
    from tests.plugins import postgresql  # not above: the children on SQLite load no driver of it

    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        found["sqlite"] = _measured(lambda name: sqlite_url(folder, name))
        found["memory"] = _memory(folder)
    with postgresql.cluster(durable=True) as server:
        found["postgresql"] = _measured(lambda name: _created(server, name))
    return found


def _measured(database: Callable[[str], str]) -> dict[str, object]:
    """Medians of ROUNDS rounds, each a billing and a bare load one after the other."""
    rates, bare_rates, peaks = [], [], []
    for number in range(ROUNDS):
        url = filled(database(f"billed{number}"), CONTRACTS)
        billed = in_child("bill", url, CONTRACTS)
        bare_url = filled(database(f"bare{number}"), CONTRACTS)
        bare = in_child("bare", bare_url, CONTRACTS, url)
        rates.append(round(billed["invoices"] / billed["seconds"]))
        bare_rates.append(round(billed["invoices"] / bare["seconds"]))
        peaks.append(billed["peak_mb"])
    ratios = [ours / bare for ours, bare in zip(rates, bare_rates, strict=True)]
    return {
        "invoices": CONTRACTS,
        "invoices_per_s": median(rates),
        "invoices_per_s_of_each_round": rates,
        "bare_invoices_per_s": median(bare_rates),
        "ratio_to_bare": round(median(ratios), 2),
        "peak_memory_mb": max(peaks),
    }


def _memory(folder: str) -> dict[str, object]:
    """Peak memory at ten times the size, from a run of its own."""
    large, small = (
        in_child("bill", filled(sqlite_url(folder, name), contracts), contracts)
        for name, contracts in (("large", LARGE), ("again", CONTRACTS))
    )
    return {
        "contracts": [CONTRACTS, LARGE],
        "peak_mb": [small["peak_mb"], large["peak_mb"]],
        "growth": round(large["peak_mb"] / small["peak_mb"] - 1, 3),
        "large_invoices_per_s": round(large["invoices"] / large["seconds"]),
        **_one_group(folder),
    }


def _one_group(folder: str) -> dict[str, object]:
    """All the contracts paid by one lessor, in a single transaction."""
    url = filled(sqlite_url(folder, "group"), CONTRACTS)
    in_child("join", url, CONTRACTS)
    billed = in_child("bill", url, CONTRACTS)
    return {
        "one_group_peak_mb": billed["peak_mb"],
        "one_group_invoices_per_s": round(billed["invoices"] / billed["seconds"]),
    }


def sqlite_url(folder: str, name: str) -> str:
    """A database file of that name."""
    return f"sqlite:///{Path(folder) / name}.db"


def _created(server: Cluster, name: str) -> str:
    with server.connect() as admin:
        admin.execute(f"create database {name}")
    return server.url(name)


def filled(url: str, contracts: int, portfolio: str = "plain") -> str:
    """Schema and portfolio, by a process of their own: they don't count as billing's memory."""
    in_child("fill", url, contracts, portfolio)
    return url


def in_child(what: str, *arguments: object) -> dict[str, Any]:
    """Measure in a process of its own: memory is a high-water mark of the whole process."""
    command = [sys.executable, "-m", "tests.bench.billing_bench", what, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


# --- in the children --------------------------------------------------------------------------


def _fill(url: str, contracts: int, portfolio: str) -> dict[str, object]:
    from integration.database.engine import make_engine
    from integration.database.migrations import upgrade
    from tests.bench.kinds import mixed, of_kind
    from tests.bench.portfolio import fill, plain

    known = {"plain": plain, "mixed": mixed}
    upgrade(url)
    fill(make_engine(url), contracts, known.get(portfolio) or of_kind(portfolio))
    return {}


def _join(url: str, contracts: int) -> dict[str, object]:
    from integration.database.engine import make_engine

    with make_engine(url).begin() as connection:
        connection.exec_driver_sql("UPDATE contract SET group_id = 1")
    return {}


def _bill(url: str, contracts: int) -> dict[str, object]:
    from billing.contracts.contract import RunOptions
    from billing.ledger import DEFAULT_ACCOUNTS
    from integration.database.engine import make_engine
    from integration.flows.billing.gather import Selection
    from integration.flows.billing.run import Billing, bill
    from tests.bench.portfolio import ORGANISATION, WORK_DATE

    run = Billing(
        make_engine(url),
        Selection(ORGANISATION),
        RunOptions(WORK_DATE),
        DEFAULT_ACCOUNTS,
        ahead=True,
    )
    started, imports = time.perf_counter(), time.process_time()
    report = bill(run)
    seconds = time.perf_counter() - started
    assert report.invoices == contracts, report
    planner = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "invoices": report.invoices,
        "seconds": seconds,
        "cpu_seconds": sum(sum(resource.getrusage(who)[:2]) for who in _OURS) - imports,
        "peak_mb": round((_own_peak_kib() + planner) / 1024),
    }


def _own_peak_kib() -> int:
    """Our own high-water mark: `ru_maxrss` would count the parent whose place we took."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _bare(url: str, contracts: int, source: str) -> dict[str, object]:
    """The posted rows of `source` into a portfolio of the same size."""
    from integration.database import tables as t
    from integration.database.bulk import insert_rows
    from integration.database.engine import make_engine, snapshot

    posted = (
        t.document,
        t.document_line,
        t.entry,
        t.billed_part,
        t.rule_event,
        t.chain_link,
        t.outbox,
    )
    rows = {}
    with snapshot(make_engine(source)) as connection:
        for table in posted:
            cursor = connection.connection.cursor()
            cursor.execute(f"SELECT {', '.join(table.c.keys())} FROM {table.name}")
            rows[table] = cursor.fetchall()
    engine = make_engine(url)
    started = time.perf_counter()
    for table in posted:
        with engine.begin() as connection:
            insert_rows(connection, table, table.c.keys(), rows[table])
    return {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    verb, url, contracts, *rest = sys.argv[1:]
    verbs = {"fill": _fill, "join": _join, "bill": _bill, "bare": _bare}
    print(json.dumps(verbs[verb](url, int(contracts), *rest)))

"""P15, F44, F45: the same bytes whatever does the work and where; its death; more of it."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from integration.flows.billing import gather
from integration.flows.billing.run import BillingReport, bill
from integration.translate import invoice_pages
from tests.faults.invariants import books, differences
from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed
from tests.integration.billing.house import House, contract, fee, house_at

ROOT = Path(__file__).parents[2]
PLAY = """
import pickle, sys
from pathlib import Path
from integration import app
from tests.faults import killing, scenario
folder, url, arrivals, executor = sys.argv[1:]
killing.small()
killing.same_randomness()
if executor == "processes":
    app.AHEAD_FROM = 0
make = scenario.make_executor
scenario.make_executor = lambda _: make(executor, 2)
scenario.play(scenario.Home(Path(folder), url), pickle.loads(Path(arrivals).read_bytes()))
"""
PLACES = {
    "serial": {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
    "threads": {"PYTHONHASHSEED": "2", "TZ": "America/Anchorage", "LC_ALL": "C.UTF-8"},
    "processes": {"PYTHONHASHSEED": "3", "TZ": "Asia/Kathmandu", "LC_ALL": "POSIX"},
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("executor", PLACES)
def test_p15_the_same_bytes_whatever_the_engine_zone_locale_and_hash_seed(
    sqlite_stage: Stage, reference: Undisturbed, tmp_path: Path, executor: str
) -> None:
    """Three nights in another process, elsewhere: books and files are the reference's."""
    arrivals = tmp_path / "arrivals"
    arrivals.write_bytes(pickle.dumps(dict(reference.arrivals)))
    with sqlite_stage.fresh() as home:
        words = [str(home.folder), home.url, str(arrivals), executor]
        place = {**os.environ, "PYTHONPATH": str(ROOT), **PLACES[executor]}
        subprocess.run([sys.executable, "-c", PLAY, *words], cwd=ROOT, env=place, check=True)
        assert list(differences(reference.books, books(home))) == []


# --- F45: a worker is killed ------------------------------------------------------------------

OURSELVES = os.getpid()
DRAWN = invoice_pages.drawn


def fatal(page: invoice_pages.InvoicePage) -> bytes:
    """Draws in this process; a worker dies of it, as of a lack of memory."""
    if os.getpid() != OURSELVES:
        os.kill(os.getpid(), signal.SIGKILL)
    return DRAWN(page)


def sent(house: House) -> dict[str, bytes]:
    """What left, after everything was sent."""
    assert house.app.outbox().send() == {"invoice_pdf": 3}
    assert house.app.outbox().send() == {}
    folder = house.app.settings.folders.outbox / "factures"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def billed(house: House) -> House:
    house.customers("C1", "C2", "C3")
    house.contracts(*(contract(f"K{n}", f"C{n}", fee("MF", "25.00")) for n in (1, 2, 3)))
    house.bill("2026-01-01")
    return house


def test_f45_a_killed_worker_s_pages_are_drawn_here_and_leave_once(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is dead for good; the files leave all the same, also those of the next month."""
    with house_at(sqlite_url, tmp_path, executor="processes") as house:
        monkeypatch.setattr(invoice_pages, "drawn", fatal)
        first = sent(billed(house))
        house.bill("2026-02-01")
        both = sent(house)
        delivered = house.rows("SELECT outbox_id FROM outbox_event WHERE event = 'delivered'")
    assert len(first) == 3
    assert len(both) == 6
    assert first.items() <= both.items()
    assert len(delivered) == len(set(delivered)) == 6


# --- F44: more of it --------------------------------------------------------------------------


def peak(house: House, month: int) -> tuple[int, BillingReport]:
    """Bytes of memory a billing run needs above what was there."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        report = bill(house.run(f"2026-{month:02d}-01"))
        return tracemalloc.get_traced_memory()[1] - before, report
    finally:
        tracemalloc.stop()


@pytest.mark.timeout(120)
def test_f44_memory_of_a_billing_run_is_that_of_a_chunk(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times the contracts, in chunks of as many: not four times the memory."""
    monkeypatch.setattr(gather, "CHUNK", 50)
    with house_at(sqlite_url, tmp_path) as house:

        def grow(since: int, until: int) -> None:
            house.customers(*(f"C{n}" for n in range(since, until)))
            house.contracts(
                *(contract(f"K{n}", f"C{n}", fee("MF", "9.00")) for n in range(since, until))
            )

        grow(0, 100)
        house.bill("2026-01-01")
        small, of_small = peak(house, 2)
        grow(100, 400)
        house.bill("2026-02-01")
        large, of_large = peak(house, 3)
    assert (of_small.invoices, of_large.invoices) == (100, 400)
    assert large < 1.5 * small

"""Random small portfolios: simulated = billed, lines = document, documents = ledger."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.flows.billing import run
from tests.integration.billing.house import House, contract, copies, fee, house_at

PRICES = st.decimals("0.01", "900", places=2).map(str)
CUSTOMERS = ("C1", "C2", "C3", "LOUEUR")
COSTS = st.fixed_dictionaries(
    {"tva": st.sampled_from(["20", "5,5", "0"]), "compte": st.sampled_from(["706", "707"])},
    optional={"payeur": st.sampled_from(CUSTOMERS)},
)
FEES = st.tuples(PRICES, st.integers(1, 9).map(str), st.sampled_from(["", "M1"]), COSTS)
METERS = st.tuples(
    st.decimals("0.001", "0.09", places=5).map(str),
    COSTS,
    st.lists(st.tuples(st.integers(2, 57), st.integers(0, 900)), max_size=3),
)
CONTRACTS = st.lists(
    st.tuples(st.sampled_from(CUSTOMERS), st.lists(FEES, max_size=2), st.lists(METERS, max_size=1))
    .filter(lambda one: bool(one[1] or one[2])),
    min_size=1,
    max_size=4,
)  # fmt: skip
_FILES = itertools.count(1)


def _fill(house: House, portfolio: list[Any], grouped: bool) -> None:
    house.customers(*CUSTOMERS[:2], grouped=grouped)
    house.customers(*CUSTOMERS[2:])
    documents, rank = [], itertools.count(1)
    for n, (customer, fees, meters) in enumerate(portfolio, 1):
        rules = [
            fee(f"MF{next(rank)}", price, quantity, marche=market, cout=cost)
            for price, quantity, market, cost in fees
        ]
        for price, cost, readings in meters:
            asset = f"B{n}"
            house.machine(asset, customer, "NB")
            rules.append(copies(f"UC{next(rank)}", price, [(asset, "NB")], cout=cost))
            house.readings((asset, "NB", "2026-01-01", 1000, "pose"), *_rising(asset, readings))
        documents.append(contract(f"K{n}", customer, *rules))
    house.contracts(*documents)


def _rising(asset: str, readings: list[tuple[int, int]]) -> list[tuple[str, str, str, int, str]]:
    found, value = [], 1000
    for day, more in sorted({day: more for day, more in readings}.items()):
        value += more
        month, rest = divmod(day - 1, 28)
        found.append((asset, "NB", f"2026-{month + 1:02d}-{rest + 1:02d}", value, "client"))
    return found


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(CONTRACTS, st.booleans(), st.sampled_from(["0", "50"]))
def test_simulated_billed_and_posted_agree(
    sqlite_url: str, tmp_path: Path, portfolio: list[Any], grouped: bool, threshold: str
) -> None:
    folder = tmp_path / str(next(_FILES))
    folder.mkdir()
    file = shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), folder / "e.db")
    with house_at(f"sqlite:///{file}", folder, SEUIL_FACTURATION=threshold) as house:
        _fill(house, portfolio, grouped)
        for day in ("2026-01-15", "2026-02-01", "2026-04-01"):
            planned, _ = house.simulate(day)
            posted = hashlib.sha256()
            done = run.bill(house.run(day), posted)
            assert posted.hexdigest() == planned.rows_digest
            assert (done.invoices, done.net_cents) == (planned.invoices, planned.net_cents)
            assert house.bill(day).invoices == 0
        _sums_agree(house)


def _sums_agree(house: House) -> None:
    """Line nets make the document, VAT once a rate, documents make the ledger."""
    lines = "SELECT document_id, vat_ppm, sum(net_cents) FROM document_line GROUP BY 1, 2"
    nets, vats = Counter[int](), Counter[int]()
    for document, ppm, net in house.rows(lines):
        nets[document] += net
        exact = Decimal(net) * ppm / 1_000_000
        vats[document] += int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    documents = house.rows("SELECT id, net_cents, vat_cents, gross_cents FROM document")
    for id_, net, vat, gross in documents:
        assert (net, vat, gross) == (nets[id_], vats[id_], nets[id_] + vats[id_])
    entries = house.rows("SELECT account, sum(debit_cents - credit_cents) FROM entry GROUP BY 1")
    ledger = {account: int(balance) for account, balance in entries if balance}
    expected = {
        "411000": sum(gross for *_, gross in documents),
        "445710": -sum(vat for _, _, vat, _ in documents),
    }
    sales = ledger.pop("706", 0) + ledger.pop("707", 0)
    assert ledger == {account: balance for account, balance in expected.items() if balance}
    assert sales == -sum(nets.values())


@settings(
    max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(FEES, min_size=1, max_size=3), st.integers(1, 6))
def test_a_catch_up_bills_what_month_after_month_would_have(
    sqlite_url: str, tmp_path: Path, fees: list[Any], months: int
) -> None:
    totals = []
    for days in (
        [f"2026-{month:02d}-01" for month in range(1, months + 1)],
        [f"2026-{months:02d}-01"],
    ):
        folder = tmp_path / str(next(_FILES))
        folder.mkdir()
        file = shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), folder / "e.db")
        with house_at(f"sqlite:///{file}", folder) as house:
            _fill(house, [("C1", fees, [])], grouped=True)
            for day in days:
                house.bill(day)
            totals.append(sorted(house.lines()))
    assert totals[0] == totals[1]

"""Contracts of every rule kind, one kind a contract, on the machine of `tests.bench.portfolio`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from integration.database import tables as t
from tests.bench.portfolio import (
    ORGANISATION,
    SINCE,
    WORK_DATE,
    Rows,
    meter_of,
    metered,
    rule,
    signed,
)

FEE: Final = 29_90000000
COPY: Final = 485000
MONTH: Final = {"count": 1, "unit": "month"}
YEAR: Final = {"count": 12, "unit": "month"}
BOTH: Final = ("standard", "overrun")
EVENTS: Final = 25  # deliveries or runs of a contract, one every 30 days


def _flat_fee(n: int) -> Rows:
    yield from rule(n * 3, n, "MF", "flat_fee", "advance", FEE, {"quantity": "1"})


def _consumed_units(n: int) -> Rows:
    yield from _on_meters(n, 1)
    yield from rule(n * 3, n, "UC", "consumed_units", "arrears", COPY, {"offered": 100})


def _cost_share(n: int) -> Rows:
    yield from _flat_fee(n)
    yield from rule(n * 3 + 1, n, "PP", "cost_share", "arrears", 5_00000000, {}, due=None)


def _block(n: int) -> Rows:
    terms = {"units": 500, "renewal": YEAR, "overrun": "priced" if n % 2 else "blocks"}
    yield from _on_meters(n, 1)
    yield from rule(n * 3, n, "TR", "block", "advance", COPY, terms, families=BOTH)


def _meter_fee(n: int) -> Rows:
    yield from _on_meters(n, 2)
    yield from rule(n * 3, n, "XG", "meter_fee", "advance", FEE, {})


def _bundle(n: int) -> Rows:
    """Two bundles are due with a true-up between them."""
    terms = {"units": 1000, "true_up": MONTH}
    yield from _on_meters(n, 1)
    yield from rule(n * 3, n, "FR", "bundle", "advance", COPY, terms, due=SINCE, families=BOTH)


def _kit(n: int) -> Rows:
    yield t.module_asset, (n, n)
    for rank in range(EVENTS):
        line = (n * EVENTS + rank, ORGANISATION, f"L{n}-{rank}", 1, _day(rank).isoformat(), n)
        yield t.delivery, (*line, "TN", "TONER", 1 + rank % 2)
    yield from rule(n * 3, n, "KT", "kit", "arrears", FEE, {"classes": ["TONER"]})


def _run(n: int) -> Rows:
    yield t.module_asset, (n, n)
    yield t.person, (n, ORGANISATION, b"-", b"-", b"-")
    for rank in range(EVENTS):
        at = datetime.combine(_day(rank), time(12), UTC)
        id_ = n * EVENTS + rank
        when = (int(at.timestamp()) * 1000, at.isoformat(), at.date().isoformat())
        yield t.analysis, (id_, ORGANISATION, str(id_).encode(), n, *when, "patient", n, "sang")
    yield from rule(n * 3, n, "RN", "run", "arrears", FEE, {})


def _day(rank: int) -> date:
    return date.fromisoformat(SINCE) + timedelta(days=9 + 30 * rank)


def _on_meters(n: int, count: int) -> Rows:
    for rank in range(1, count + 1):
        yield from metered(n, rank)
        yield t.rule_meter, (n * 3, meter_of(n, rank))


RULES: Final[Mapping[str, Callable[[int], Rows]]] = {
    "flat_fee": _flat_fee,
    "consumed_units": _consumed_units,
    "cost_share": _cost_share,
    "block": _block,
    "meter_fee": _meter_fee,
    "bundle": _bundle,
    "kit": _kit,
    "run": _run,
}
"""Every kind: the rules of contract n."""


def of_kind(kind: str) -> Callable[[int], Rows]:
    """Contracts of one kind."""

    def contract(n: int) -> Rows:
        yield from signed(n)
        yield from RULES[kind](n)

    return contract


def mixed(n: int) -> Rows:
    """Contract n of all kinds in turn."""
    yield from signed(n)
    yield from tuple(RULES.values())[n % len(RULES)](n)


def work_dates(months: int) -> list[date]:
    """The first of so many months, from the portfolio's own work date."""
    first = WORK_DATE.year * 12 + WORK_DATE.month - 1
    return [date(m // 12, m % 12 + 1, 1) for m in range(first, first + months)]

"""A synthetic portfolio written straight into the tables: the benches measure billing, not import.

Each contract has its own customer, site, machine and 1 to 3 rules (mean 2): a flat fee, then
black-and-white and colour copies on their meters. Readings: installation, last month, this month.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Engine, Table

from integration.database import tables as t
from integration.database.bulk import insert_rows

ORGANISATION = 1
WORK_DATE = date(2026, 11, 1)
_MONTHLY = json.dumps({"anchor": "2026-10-01", "count": 1, "unit": "month"})
SINCE = "2026-10-01"
_BATCH = 5000
_APART = 1_000_000_000  # between the ids of a rule's cost lines
Row = tuple[Any, ...]
Rows = Iterator[tuple[Table, Row]]

COLUMNS: dict[Table, tuple[str, ...]] = {
    t.customer: ("id", "organisation_id", "code", "name", "address", "siren"),
    t.site: ("id", "customer_id", "code", "name", "address"),
    t.asset: (
        *("id", "organisation_id", "code", "customer_id", "site_id", "label", "serial"),
        "installed_on",
    ),
    t.meter: ("id", "asset_id", "code", "label"),
    t.reading: ("id", "meter_id", "read_on", "value", "origin"),
    t.contract: ("id", "organisation_id", "code", "label", "customer_id", "group_id", "status"),
    t.module: ("id", "contract_id", "code", "since", "until"),
    t.rule: (
        "id",
        "module_id",
        "contract_id",
        "code",
        "label",
        "kind",
        "term",
        "periodicity",
        "decimals",
        "position",
        "since",
        "terms",
        "opening",
    ),
    t.rule_meter: ("rule_id", "meter_id"),
    t.cost_line: (
        "id",
        "rule_id",
        "position",
        "family",
        "article",
        "label",
        "price_e8",
        "vat_ppm",
        "account",
        "payer_id",
        "site_id",
        "payment_mode",
        "payment_days",
    ),
    t.rule_state: ("rule_id", "next_theoretical", "state", "events"),
    t.module_asset: ("module_id", "asset_id"),
    t.person: ("id", "organisation_id", "sealed", "nir_index", "salt"),
    t.analysis: (
        *("id", "organisation_id", "event_key", "asset_id", "ran_at_ms", "ran_at", "ran_on"),
        *("kind", "person_id", "sample_type"),
    ),
    t.delivery: (
        "id",
        "organisation_id",
        "number",
        "line",
        "delivered_on",
        "asset_id",
        "article",
        "article_class",
        "quantity",
    ),
}


def plain(n: int) -> Rows:
    """A contract of a fee and up to two metered rules."""
    yield from signed(n)
    yield from rule(n * 3, n, "MF", "flat_fee", "advance", 29_90000000, {"quantity": "1"})
    for rank in range(1, n % 3 + 1):
        price = (485000, 4500000)[rank - 1]
        yield from metered(n, rank)
        yield from rule(n * 3 + rank, n, "UC", "consumed_units", "arrears", price, {})
        yield t.rule_meter, (n * 3 + rank, meter_of(n, rank))


def fill(engine: Engine, contracts: int, contract: Callable[[int], Rows] = plain) -> None:
    """Write `contract(1)`, `contract(2)`…; the database must be migrated and empty."""
    with engine.begin() as connection:
        connection.execute(t.organisation.insert().values(id=ORGANISATION, code="BENCH"))
    for first in range(1, contracts + 1, _BATCH):
        rows: dict[Table, list[Row]] = {table: [] for table in COLUMNS}
        for number in range(first, min(first + _BATCH, contracts + 1)):
            for table, row in contract(number):
                rows[table].append(row)
        with engine.begin() as connection:
            for table, columns in COLUMNS.items():
                if rows[table]:
                    insert_rows(connection, table, columns, rows[table])
    with engine.begin() as connection:
        blocks = {"reading": contracts * 6 + 6, "document": 0, "outbox": 0}
        for name, last in blocks.items():
            connection.execute(t.id_block.insert().values(name=name, last_id=last))
        connection.exec_driver_sql("ANALYZE")


def signed(n: int) -> Rows:
    """Customer, site, machine, contract and module."""
    yield t.customer, (n, ORGANISATION, f"C{n:06d}", f"Client {n}", f"{n} rue des Lilas", "")
    yield t.site, (n, n, "S1", f"Site {n}", f"{n} rue des Lilas\n59000 Lille")
    yield t.asset, (n, ORGANISATION, f"B{n:06d}", n, n, "Copieur", f"SN{n:08d}", SINCE)
    yield t.contract, (n, ORGANISATION, f"K{n:06d}", "Contrat copies", n, n, "validated")
    yield t.module, (n, n, "M1", SINCE, "2029-10-01")


def meter_of(n: int, rank: int) -> int:
    """The id of the first or second meter of a contract's machine."""
    return n * 2 + rank - 1


def metered(n: int, rank: int) -> Rows:
    """A meter with its readings."""
    meter, start = meter_of(n, rank), 1000 * rank
    yield t.meter, (meter, n, ("NB", "CL")[rank - 1], "Compteur")
    for index, (day, value, origin) in enumerate(
        (
            (SINCE, start, "installation"),
            ("2026-10-15", start + 500 + n % 97, "customer"),
            ("2026-10-30", start + 1000 + n % 977, "provider"),
        )
    ):
        yield t.reading, (meter * 3 + index - 3, meter, day, value, origin)


def rule(
    id_: int,
    n: int,
    code: str,
    kind: str,
    term: str,
    price: int,
    terms: Mapping[str, object],
    *,
    due: str | None = "2026-11-01",
    families: tuple[str, ...] = ("standard",),
) -> Rows:
    """A rule of contract n, never billed, with its cost lines; aperiodic without `due`."""
    opening = json.dumps({"next_theoretical": due} if due else {}, separators=(",", ":"))
    yield (
        t.rule,
        (
            id_,
            n,
            n,
            f"{code}{id_ % 3}",
            "Abonnement" if code == "MF" else "Copies",
            kind,
            term,
            _MONTHLY if due else "",
            2 if kind == "flat_fee" else 5,
            id_ % 3,
            SINCE,
            json.dumps(terms),
            opening,
        ),
    )
    for rank, family in enumerate(families):
        line = (id_ + rank * _APART, id_, rank + 1, family, f"ART{code}", "Copies", price)
        yield t.cost_line, (*line, 200000, "706", n, n, "virement", 30)
    yield t.rule_state, (id_, due, opening, 0)

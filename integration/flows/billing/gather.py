"""Gather: the facts of whole groups, a query a table, never a query a contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from billing.contracts.claims import Claimable, Claims
from billing.contracts.contract import Contract
from billing.contracts.delivery import DELIVERY
from billing.contracts.engine import claimed
from billing.contracts.extra import ExtraLines
from billing.contracts.fees import Fee
from billing.contracts.grouping import Payer
from billing.contracts.increase import IncreaseKind
from billing.contracts.reading import Origin, Reading, Regime
from billing.contracts.rules import KINDS
from billing.contracts.runs import RERUN, RUN, Run
from billing.contracts.syntec import NO_INDICES, Indices
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.flows.billing.fees import fees_of
from integration.flows.billing.order import Selection as Selection
from integration.translate.contracts_rows import (
    ContractRows,
    Policies,
    contracts_of,
    deliveries_of,
    extra_lines_of,
    readings_of,
    runs_of,
)
from integration.translate.decided import READINGS, Decisions
from integration.translate.increases_rows import indices_of
from integration.translate.meter_rows import CALCULATED, Row, day
from integration.translate.places import places_of

CHUNK: Final = 500  # contracts a transaction (performance.md §10: 500 to 2000)
LARGE: Final = 250  # contracts of one group: from there on it is drafted, so many at a time
READING_FLOOR_DAYS: Final = 400  # a year for volumes, and the longest reading window
_ESTIMATE: Final = Origin.ESTIMATE.value
_INSTALLATION: Final = Origin.INSTALLATION.value
DELIVERED: Final = frozenset(kind.code for kind in KINDS.values() if kind.events == DELIVERY)
RUNNING: Final = frozenset(kind.code for kind in KINDS.values() if kind.events == RUN)
_KEPT: Final = frozenset({_INSTALLATION, Origin.TAKEOVER.value})  # read whatever their age
_SQL = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Scope:
    """Which contracts to plan: those of whole groups.

    only: a part of a group, to find what is wrong with it. broken: contracts that can't be
    planned, with the class of the error they cause.
    """

    groups: list[int]
    only: frozenset[int] | None = None
    broken: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """What laying out postings looks up, of a slice.

    snapshots: customer and site as they are, by payer and site. states: cached state and event
    count by rule. estimated: meters and values of the estimates that are already stored for the
    work date. names: what a rule is called, to be kept with its lines.
    """

    payers: dict[int, Payer] = field(default_factory=dict)
    snapshots: dict[tuple[int, int | None], str] = field(default_factory=dict)
    states: dict[int, tuple[Mapping[str, Any], int]] = field(default_factory=dict)
    estimated: set[tuple[int, int]] = field(default_factory=set)
    names: dict[int, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slice:
    """The facts of at most CHUNK contracts, read in a few set-based queries."""

    contracts: list[Contract]
    readings: Mapping[int, Sequence[Reading]]
    claims: Claims
    extra_lines: ExtraLines
    book: Book
    rows: ContractRows
    indices: Indices


def customer_ids(
    connection: Connection, organisation_id: int, codes: Iterable[str]
) -> tuple[int, ...]:
    """Ids of customers by code; an unknown code is nobody."""
    rows = _SQL.rows(connection, "customer_ids", organisation=organisation_id, codes=list(codes))
    return tuple(row[0] for row in rows)


def contracts_due(connection: Connection, organisation_id: int, work_date: date, limit: int) -> int:
    """How many contracts are due, counted up to a limit."""
    values = {"organisation": organisation_id, "work_date": work_date, "limit": limit}
    count: int = _SQL.rows(connection, "due", **values)[0][0]
    return count


def group_chunks(
    connection: Connection, choice: Selection, work_date: date, after: int = 0
) -> Iterator[list[int]]:
    """Ids of groups with something due, in order, whole groups of about CHUNK contracts."""
    while True:
        found = _SQL.rows(
            connection,
            "groups",
            organisation=choice.organisation_id,
            excluded=choice.excluded,
            after=after,
            work_date=work_date,
            limit=CHUNK,
        )
        groups: list[int] = []
        size = 0
        for group_id, contracts in found:
            if groups and size + contracts > CHUNK:
                break
            groups.append(group_id)
            size += contracts
        if not groups:
            return
        yield groups
        after = groups[-1]


def is_large(connection: Connection, choice: Selection, scope: Scope) -> bool:
    """Whether it is a single group too large to hold: of a big lessor, of a town."""
    return len(scope.groups) == 1 and len(_contracts(connection, choice, scope, 0)) == LARGE


def gather(
    connection: Connection, choice: Selection, scope: Scope, on: date, decisions: Decisions
) -> Iterator[Slice]:
    """Everything rating needs about these contracts, one query a table.

    One slice, unless it is a single large group: then its contracts come LARGE at a time, so
    that memory doesn't follow the size of the group.
    """
    settled: list[Run] = []
    for page in _pages(connection, choice, scope):
        rows = ContractRows(page)
        _read(connection, rows, scope.broken, on)
        fees = fees_of(connection, rows, on, decisions)
        one = _slice(rows, on, fees, _policies(rows, decisions), settled)
        settled += (run for some in one.claims.values() for run in some if isinstance(run, Run))
        yield one


def contract_ids(connection: Connection, choice: Selection, scope: Scope) -> list[int]:
    """Ids of the contracts of a scope, in the order they are rated."""
    return [row[0] for page in _pages(connection, choice, scope) for row in page]


def _pages(connection: Connection, choice: Selection, scope: Scope) -> Iterator[list[Row]]:
    """Contracts of a large group, LARGE at a time. Several groups are one page: chosen so."""
    after = 0
    while page := _contracts(connection, choice, scope, after):
        wanted = [row for row in page if scope.only is None or row[0] in scope.only]
        if wanted:
            yield wanted
        if len(page) < LARGE or len(scope.groups) > 1:
            return
        after = page[-1][0]


def _contracts(connection: Connection, choice: Selection, scope: Scope, after: int) -> list[Row]:
    return _SQL.rows(
        connection,
        "contracts",
        organisation=choice.organisation_id,
        excluded=choice.excluded,
        groups=scope.groups,
        after=after,
        limit=LARGE if len(scope.groups) == 1 else CHUNK,
    )


def facts_of(connection: Connection, contracts: list[Row], on: date) -> Iterator[Slice]:
    """The facts of these contracts, given as rows of the query `contracts`, in slices."""
    for first in range(0, len(contracts), CHUNK):
        rows = ContractRows(contracts[first : first + CHUNK])
        _read(connection, rows, {}, on)
        yield _slice(rows, on, {}, {})


def _read(connection: Connection, rows: ContractRows, broken: Mapping[int, str], on: date) -> None:
    """The rows below some contracts; of broken ones nothing but their names."""
    ask, contracts = _SQL.rows, rows.contracts
    ids = [row[0] for row in contracts if row[0] not in broken]
    rows.modules = ask(connection, "modules", contracts=ids)
    rows.rules = ask(connection, "rules", contracts=ids)
    rules = [row[0] for row in rows.rules]
    rows.cost_lines = ask(connection, "cost_lines", rules=rules)
    rows.rule_meters = ask(connection, "rule_meters", rules=rules)
    rows.rule_assets = ask(connection, "rule_assets", rules=rules)
    rows.module_assets = ask(connection, "module_assets", modules=[row[0] for row in rows.modules])
    rows.operands = _operands(connection, rows)
    rows.readings = _readings(connection, rows, on)
    rows.deliveries = _deliveries(connection, rows, on)
    _read_runs(connection, rows, on)
    rows.extra_lines = ask(connection, "extra_lines", contracts=ids)
    payers = {row[8] for row in rows.cost_lines} | {row[3] for row in contracts}
    if any(IncreaseKind.SYNTEC in row[19] for row in rows.rules):
        rows.indices = ask(connection, "indices")
    rows.customers = ask(connection, "customers", customers=sorted(payers))
    sites = sorted({row[9] for row in rows.cost_lines if row[9] is not None})
    rows.sites = ask(connection, "sites", sites=sites) if sites else []


def _slice(
    rows: ContractRows,
    on: date,
    fees: Mapping[int, tuple[Fee, ...]],
    policies: Policies,
    settled: Sequence[Run] = (),
) -> Slice:
    """settled: runs that slices of the same group bill already."""
    book = Book(
        {
            row[0]: Payer(row[0], row[1], bool(row[5]), fees.get(row[0], ()))
            for row in rows.customers
        },
        _snapshots(rows),
        {row[0]: (orjson.loads(row[16]), row[18]) for row in rows.rules},
        {(row[1], row[3]) for row in rows.readings if row[4] == _ESTIMATE and day(row[2]) == on},
        dict(_names(rows)),
    )
    signed = contracts_of(rows, book.states, policies)
    events: list[Claimable] = [*deliveries_of(rows.deliveries), *runs_of(rows.runs, rows.places)]
    claims = claimed(signed, events, (*settled, *runs_of(rows.billed_runs, rows.places)))
    indices = NO_INDICES if rows.indices is None else indices_of(rows.indices)
    extra = extra_lines_of(rows.extra_lines)
    return Slice(signed, readings_of(rows.readings), claims, extra, book, rows, indices)


def _deliveries(connection: Connection, rows: ContractRows, on: date) -> list[Row]:
    """Unbilled delivery lines for the assets of the rules that bill some; mostly none has such."""
    assets = _assets_of(rows, DELIVERED)
    return _SQL.rows(connection, "deliveries", assets=assets, work_date=on) if assets else []


def _assets_of(rows: ContractRows, kinds: frozenset[str]) -> list[int]:
    """Ids of the assets of the rules of these kinds, and of their modules."""
    rules = {row[0]: row[1] for row in rows.rules if row[4] in kinds}
    modules = set(rules.values())
    assets = {row[1] for row in rows.rule_assets if row[0] in rules}
    assets |= {row[1] for row in rows.module_assets if row[0] in modules}
    return sorted(assets)


def _read_runs(connection: Connection, rows: ContractRows, on: date) -> None:
    """Unbilled runs of the analysers of rules that bill some, and the billed ones beside them."""
    assets = _assets_of(rows, RUNNING)
    if not assets:
        return
    rows.runs = _SQL.rows(connection, "runs", assets=assets, work_date=on)
    rows.heard = _SQL.rows(connection, "heard", assets=assets, work_date=on)
    if rows.runs:
        times, reach_ms = [row[5] for row in rows.runs], RERUN // timedelta(milliseconds=1)
        rows.billed_runs = _SQL.rows(
            connection,
            "billed_runs",
            persons=sorted({row[3] for row in rows.runs}),
            after=min(times) - reach_ms,
            before=max(times) + reach_ms,
        )
    everywhere = sorted({*assets, *(row[1] for row in rows.billed_runs)})
    rows.places = places_of(connection, everywhere)


def _policies(rows: ContractRows, decisions: Decisions) -> Policies:
    """What TD_FACTURATION_RELEVES_REEL says of rules at actual readings, by rule id."""
    if READINGS not in decisions.tables:
        return {}
    agencies = {row[0]: row[6] for row in rows.customers}
    of_contract = {row[0]: agencies[row[3]] for row in rows.contracts}
    of_module = {row[0]: of_contract[row[1]] for row in rows.modules}
    found = {
        row[0]: decisions.reading_policy(of_module[row[1]], row[20])
        for row in rows.rules
        if row[8] == Regime.ACTUAL
    }
    return {rule: policy for rule, policy in found.items() if policy}


def _operands(connection: Connection, rows: ContractRows) -> list[Row]:
    """All the meters of assets that have a calculated one on a rule; mostly none has."""
    assets = {row[2] for row in rows.rule_meters if row[CALCULATED]}
    return _SQL.rows(connection, "operands", assets=sorted(assets)) if assets else []


def _readings(connection: Connection, rows: ContractRows, on: date) -> list[Row]:
    """Readings of the meters of rules, and of what calculated ones come from."""
    calculated = {row[1] for row in rows.rule_meters if row[CALCULATED]}
    meters = {row[1] for row in rows.rule_meters} | {row[0] for row in rows.operands}
    if not meters:
        return []
    floor = on - timedelta(READING_FLOOR_DAYS)
    values = {"meters": sorted(meters), "work_date": on, "floor": floor}
    recent = _SQL.rows(connection, "readings", **values)
    short = _short_of_readings(recent, meters - calculated, floor)
    if not short:
        return recent
    old = _SQL.rows(connection, "old_readings", meters=sorted(short), floor=floor)
    return sorted(recent + old, key=lambda row: (row[1], str(row[2]), row[0]))


def _names(rows: ContractRows) -> Iterator[tuple[int, Mapping[str, str]]]:
    """What a rule, its module and contract are called today; a line tells it for good."""
    contracts = {row[0]: row[1] for row in rows.contracts}
    modules = {row[0]: (contracts[row[1]], row[2]) for row in rows.modules}
    for id_, module_id, code, label, kind, term, *_ in rows.rules:
        contract, module = modules[module_id]
        yield (
            id_,
            {
                "contract": contract,
                "module": module,
                "rule": code,
                "label": label,
                "kind": kind,
                "term": term,
            },
        )


def _short_of_readings(recent: Sequence[Row], meters: set[int], floor: date) -> set[int]:
    """Meters whose last two actual readings may lie before the floor.

    An installation or takeover before the floor doesn't count: later readings may hide there too.
    """
    complete: set[int] = set()
    actual: dict[int, int] = {}
    for _, meter_id, read_on, _, origin in recent:
        if origin == _ESTIMATE or (origin in _KEPT and day(read_on) < floor):
            continue
        actual[meter_id] = actual.get(meter_id, 0) + 1
        if actual[meter_id] >= 2 or origin == _INSTALLATION:
            complete.add(meter_id)
    return meters - complete


def _snapshots(rows: ContractRows) -> dict[tuple[int, int | None], str]:
    """Customer and site as they are today, written on the posted document."""
    sites = {id_: {"code": code, "name": name, "address": a} for id_, code, name, a in rows.sites}
    customers = {
        id_: {"code": code, "name": name, "address": address, "siren": siren, "agency": agency}
        for id_, code, name, address, siren, _, agency, *_ in rows.customers
    }
    wanted = {(row[8], row[9]) for row in rows.cost_lines}
    return {
        (payer, site): json_text({"customer": customers[payer], "site": sites.get(site or 0)})
        for payer, site in wanted
    }

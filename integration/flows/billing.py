"""Contract billing: gather → rate and shape (pure) → post, a chunk of whole groups at a time.

`simulate` and `bill` share `plan_of`, the one planning function; a simulation stops before
posting, inside one repeatable snapshot, and keeps the digests that `bill` can compare.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from billing.contracts.contract import Contract, Line, RunOptions
from billing.contracts.engine import rate_contract
from billing.contracts.grouping import Deferred, InvoiceDraft, Payer, Shaped, shape
from billing.contracts.reading import Origin, Reading
from billing.ledger import Accounts, Due, Entry, Share, invoice_entries
from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE, scaled
from formats.common.anomaly import Anomaly
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.failpoints import reach
from integration.posting import (
    Hash,
    Overtaken,
    Plan,
    Posting,
    Preview,
    Rows,
    RuleMove,
    number_rows,
    post,
)
from integration.translate.contracts_rows import (
    ContractRows,
    Row,
    contracts_of,
    day,
    patch,
    readings_of,
    state_fields,
)

CHUNK: Final = 1000  # contracts a transaction (performance.md §10: 500 to 2000)
READING_FLOOR_DAYS: Final = 400  # a year for volumes, and the longest reading window
ATTEMPTS: Final = 3
JOURNAL: Final = "VT"
_BAD_DATA: Final = (ValueError, ArithmeticError, LookupError, TypeError, IntegrityError)
_SQL = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """The facts of whole groups, read in a few set-based queries."""

    contracts: list[Contract]
    readings: Mapping[int, Sequence[Reading]]
    payers: Mapping[int, Payer]
    snapshots: Mapping[tuple[int, int | None], str]
    states: Mapping[int, tuple[str, int]]  # cached state text and event count, by rule
    rule_of: Mapping[int, int]  # a rule by meter
    rows: ContractRows


@dataclass(slots=True)
class BillingReport:
    """What a run did, or would do; amounts in cents."""

    work_date: date
    contracts: int = 0
    invoices: int = 0
    lines: int = 0
    net_cents: int = 0
    gross_cents: int = 0
    blocked: list[int] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)  # contract id, exception class
    shaped: list[Shaped] = field(default_factory=list)
    rows_digest: str = ""


# --- gather -----------------------------------------------------------------------------------


def group_chunks(
    connection: Connection, organisation_id: int, work_date: date, after: int = 0
) -> Iterator[list[int]]:
    """Ids of groups with something due, in order, whole groups of about CHUNK contracts."""
    while True:
        found = _SQL.rows(
            connection,
            "groups",
            organisation=organisation_id,
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


def gather(connection: Connection, organisation_id: int, groups: Sequence[int], on: date) -> Chunk:
    """Everything rating needs about these groups, one query a table."""
    rows = ContractRows()
    ask = _SQL.rows
    rows.contracts = ask(connection, "contracts", organisation=organisation_id, groups=groups)
    contracts = [row[0] for row in rows.contracts]
    rows.modules = ask(connection, "modules", contracts=contracts)
    rows.rules = ask(connection, "rules", contracts=contracts)
    rules = [row[0] for row in rows.rules]
    rows.cost_lines = ask(connection, "cost_lines", rules=rules)
    rows.rule_meters = ask(connection, "rule_meters", rules=rules)
    rows.rule_assets = ask(connection, "rule_assets", rules=rules)
    rows.module_assets = ask(connection, "module_assets", modules=[row[0] for row in rows.modules])
    rows.readings = _readings(connection, {row[1] for row in rows.rule_meters}, on)
    payers = {row[8] for row in rows.cost_lines} | {row[3] for row in rows.contracts}
    rows.customers = ask(connection, "customers", customers=sorted(payers))
    sites = sorted({row[9] for row in rows.cost_lines if row[9] is not None})
    rows.sites = ask(connection, "sites", sites=sites) if sites else []
    return Chunk(
        contracts=contracts_of(rows),
        readings=readings_of(rows.readings),
        payers={row[0]: Payer(row[0], row[1], bool(row[5])) for row in rows.customers},
        snapshots=_snapshots(rows),
        states={row[0]: (row[16], row[18]) for row in rows.rules},
        rule_of={row[1]: row[0] for row in rows.rule_meters},
        rows=rows,
    )


def _readings(connection: Connection, meters: set[int], on: date) -> list[Row]:
    if not meters:
        return []
    floor = on - timedelta(READING_FLOOR_DAYS)
    values = {"meters": sorted(meters), "work_date": on, "floor": floor}
    recent = _SQL.rows(connection, "readings", **values)
    short = _short_of_readings(recent, meters, floor)
    if not short:
        return recent
    old = _SQL.rows(connection, "old_readings", meters=sorted(short), floor=floor)
    return sorted(recent + old, key=lambda row: (row[1], str(row[2]), row[0]))


def _short_of_readings(recent: Sequence[Row], meters: set[int], floor: date) -> set[int]:
    """Meters whose last two actual readings may lie before the floor."""
    complete: set[int] = set()
    actual: dict[int, int] = {}
    for _, meter_id, read_on, _, origin in recent:
        if origin == Origin.ESTIMATE.value:
            continue
        actual[meter_id] = actual.get(meter_id, 0) + 1
        if actual[meter_id] >= 2 or (origin == Origin.INSTALLATION.value and day(read_on) >= floor):
            complete.add(meter_id)
    return meters - complete


def _snapshots(rows: ContractRows) -> dict[tuple[int, int | None], str]:
    """Customer and site as they are today, written on the posted document."""
    sites = {id_: {"code": code, "name": name, "address": a} for id_, code, name, a in rows.sites}
    customers = {
        id_: {"code": code, "name": name, "address": address, "siren": siren, "agency": agency}
        for id_, code, name, address, siren, _, agency in rows.customers
    }
    wanted = {(row[8], row[9]) for row in rows.cost_lines}
    return {
        (payer, site): json_text({"customer": customers[payer], "site": sites.get(site or 0)})
        for payer, site in wanted
    }


# --- decide (pure) ----------------------------------------------------------------------------


def plan_of(chunk: Chunk, options: RunOptions, accounts: Accounts) -> tuple[Plan, list[Shaped]]:
    """Rate, shape and lay out the postings of a chunk, group by group. Reads nothing, writes
    nothing: simulation and billing can't differ."""
    plan, shapes = Plan(), []
    ratings = ((c.group_id, rate_contract(c, chunk.readings, options)) for c in chunk.contracts)
    for _, group in groupby(ratings, key=itemgetter(0)):
        shaped = shape([rating for _, rating in group], chunk.payers, options)
        _lay_out(plan, shaped, chunk, options.work_date, accounts)
        shapes.append(shaped)
    return plan, shapes


def _lay_out(plan: Plan, shaped: Shaped, chunk: Chunk, work_date: date, accounts: Accounts) -> None:
    """One group's postings, rule moves and estimates, behind those of the groups before it."""
    ranks: dict[int, int] = {}
    for draft in shaped.invoices:
        for line in draft.lines:
            ranks.setdefault(line.rule_id, len(plan.postings))
        plan.postings.append(_posting(draft, chunk, work_date, accounts))
    for rule_id, state in shaped.moved:
        plan.moves.append(_move(rule_id, state, chunk.states[rule_id], ranks.get(rule_id)))
    for e in shaped.estimates:
        rank = ranks.get(chunk.rule_of[e.meter_id])
        plan.estimates.append((e.meter_id, e.read_on.isoformat(), e.value, rank))


def _posting(draft: InvoiceDraft, chunk: Chunk, work_date: date, accounts: Accounts) -> Posting:
    payer = chunk.payers[draft.payer_id]
    due = Due(Share.CUSTOMER, payer.code, draft.gross)
    sales = ((line.cost_line.account, line.amount) for line in draft.lines)
    entries = invoice_entries((due,), sales, draft.vat_total, accounts)
    return Posting(
        JOURNAL,
        "contract",
        work_date,
        due_days=draft.payment_days,
        customer_id=draft.payer_id,
        site_id=draft.site_id,
        market=draft.market,
        net_cents=scaled(draft.net, 2),
        vat_cents=scaled(draft.vat_total, 2),
        gross_cents=scaled(draft.gross, 2),
        snapshot=chunk.snapshots[draft.payer_id, draft.site_id],
        lines=[line_row(line) for line in draft.lines],
        entries=[entry_row(entry) for entry in entries],
        parts=[
            ("rule", line.rule_id, line.part, line.since.toordinal(), 0, rank)
            for rank, line in enumerate(draft.lines, 1)
        ],
        deliveries=(("invoice_pdf", "folder", ".pdf"),),
    )


def line_row(line: Line) -> Row:
    """A rated line as a row of document_line, after document and position."""
    return (
        line.rule_id,
        None,
        line.cost_line.article,
        line.label,
        line.since.isoformat(),
        line.until.isoformat(),
        scaled(line.quantity, QUANTITY_SCALE),
        scaled(line.unit_price, PRICE_SCALE),
        scaled(line.amount, 2),
        scaled(line.cost_line.vat_rate, RATE_SCALE),
        _details(line),
    )


def _details(line: Line) -> str:
    """The small print and the figures, kept so that the line can be explained years later."""
    story = {"details": line.details, "explain": line.explain}
    return orjson.dumps(story, default=str).decode()


def entry_row(entry: Entry) -> Row:
    """A ledger entry as a row of entry, after document, position and date."""
    return (
        entry.account,
        entry.auxiliary,
        scaled(entry.debit, 2),
        scaled(entry.credit, 2),
        entry.invoice_id if entry.share else None,
        entry.share.value if entry.share else None,
    )


def _move(rule_id: int, state: Any, cached: tuple[str, int], rank: int | None) -> RuleMove:
    text, events = cached
    before = orjson.loads(text)
    after = state_fields(state)
    return RuleMove(
        rule_id,
        events,
        json_text(patch(before, after)),
        json_text(after),
        after.get("next_theoretical"),
        rank,
    )


# --- act --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Billing:
    """What a billing run needs, in one hand."""

    engine: Engine
    organisation_id: int
    options: RunOptions
    accounts: Accounts
    run_id: int | None = None


def bill(run: Billing) -> BillingReport:
    """Post everything due on the work date, a chunk a transaction.

    Killed anywhere and run again it goes on where it stopped: a posted group is no longer due.
    """
    report = BillingReport(run.options.work_date)
    digest = hashlib.sha256()
    after = 0
    with few_collections():
        while groups := _next_groups(run, after):
            _bill_groups(run, groups, report, digest)
            after = groups[-1]
            reach("bill.chunk")
    report.rows_digest = digest.hexdigest()
    return report


@contextmanager
def few_collections() -> Iterator[None]:
    """Chunks make no cycles: the collector would only walk their million objects in vain."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _next_groups(run: Billing, after: int) -> list[int]:
    with run.engine.connect() as connection:
        chunks = group_chunks(connection, run.organisation_id, run.options.work_date, after)
        return next(chunks, [])


def _bill_groups(run: Billing, groups: list[int], report: BillingReport, digest: Hash) -> None:
    """One chunk; when it fails for a reason of its data, its groups one by one."""
    try:
        plan, shaped, rows = _attempt(run, groups)
    except _BAD_DATA as error:
        if len(groups) == 1:
            report.failed.append((groups[0], type(error).__name__))
            return
        for group in groups:
            _bill_groups(run, [group], report, digest)
        return
    rows.add_to(digest)
    _tell(report, plan, shaped)


def _attempt(run: Billing, groups: list[int]) -> tuple[Plan, list[Shaped], Rows]:
    """Plan and post a chunk; plan again when somebody moved a rule in between."""
    for attempt in range(ATTEMPTS):
        try:
            with run.engine.begin() as connection:
                chunk = gather(connection, run.organisation_id, groups, run.options.work_date)
                plan, shaped = plan_of(chunk, run.options, run.accounts)
                plan.run_id = run.run_id
                return plan, shaped, post(connection, run.organisation_id, plan)
        except Overtaken:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def simulate(run: Billing) -> tuple[BillingReport, str]:
    """Exactly what `bill` would post, over one repeatable snapshot; writes nothing.

    Returns the report and the digest of the facts it rests on.
    """
    report = BillingReport(run.options.work_date)
    digest, inputs = hashlib.sha256(), hashlib.sha256()
    with snapshot(run.engine) as connection:
        preview = Preview(connection, run.organisation_id)
        on = run.options.work_date
        for groups in group_chunks(connection, run.organisation_id, on):
            chunk = gather(connection, run.organisation_id, groups, on)
            inputs.update(repr(chunk.rows).encode())
            plan, shaped = plan_of(chunk, run.options, run.accounts)
            plan.run_id = run.run_id
            rows = number_rows(plan, preview.slots(plan))
            preview.advance(rows)
            rows.add_to(digest)
            _tell(report, plan, shaped)
            report.shaped += shaped
    report.rows_digest = digest.hexdigest()
    return report, inputs.hexdigest()


def _tell(report: BillingReport, plan: Plan, shapes: Sequence[Shaped]) -> None:
    report.invoices += len(plan.postings)
    report.lines += sum(len(posting.lines) for posting in plan.postings)
    report.net_cents += sum(posting.net_cents for posting in plan.postings)
    report.gross_cents += sum(posting.gross_cents for posting in plan.postings)
    for shaped in shapes:
        report.blocked += shaped.blocked
        report.deferred += shaped.deferred
        report.anomalies += shaped.anomalies

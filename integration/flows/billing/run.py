"""Act: post what is due, a chunk a transaction; or plan it all and write nothing."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from billing.contracts.grouping import Deferred, Shaped
from formats.common.anomaly import Anomaly
from integration.database.engine import refresh_statistics, snapshot
from integration.failpoints import reach
from integration.flows.billing.gather import Slice, gather, group_chunks
from integration.flows.billing.order import Billing as Billing
from integration.flows.billing.order import opened, previewed
from integration.flows.billing.plan import plan_of
from integration.posting import BAD_DATA, Hash, Overtaken, Plan, Preview, Rows, number_rows, post


@dataclass(slots=True)
class BillingReport:
    """What a run did, or would do; amounts in cents.

    blocked: contracts an anomaly stops. failed: group ids with the class of what went wrong.
    rows_digest, inputs_digest: of a simulation.
    """

    work_date: date
    invoices: int = 0
    lines: int = 0
    net_cents: int = 0
    gross_cents: int = 0
    blocked: list[int] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)
    rows_digest: str = ""
    inputs_digest: str = ""

    def add(self, chunk: Planned) -> None:
        """Count a chunk in."""
        postings = chunk.plan.postings
        self.invoices += len(postings)
        self.lines += sum(len(posting.lines) for posting in postings)
        self.net_cents += sum(posting.net_cents for posting in postings)
        self.gross_cents += sum(posting.gross_cents for posting in postings)
        self.blocked += chunk.blocked
        self.deferred += chunk.deferred
        self.anomalies += chunk.anomalies
        if chunk.error:
            self.failed.append((chunk.groups[0], type(chunk.error).__name__))


@dataclass(frozen=True, slots=True)
class Planned:
    """A chunk ready to post, or the error its data caused."""

    groups: list[int]
    plan: Plan
    blocked: list[int] = field(default_factory=list)
    deferred: list[Deferred] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    error: Exception | None = None


def bill(run: Billing, digest: Hash | None = None) -> BillingReport:
    """Post everything due on the work date.

    Killed anywhere and run again it goes on where it stopped: a posted group is no longer due.
    Every row posted is added to `digest` when one is given.
    """
    report, run = BillingReport(run.options.work_date), opened(run)
    with no_collections(), closing(_chunks(run)) as chunks:
        for rank, chunk in enumerate(chunks):
            _post(run, chunk, report, digest)
            if rank == 0:
                refresh_statistics(run.engine)
    return report


def _chunks(run: Billing) -> Generator[Planned, None, None]:
    if not run.ahead:
        return planned_chunks(run)
    from integration.flows.billing.ahead import planned_ahead

    return planned_ahead(run)


def planned_chunks(run: Billing, after: int = 0) -> Generator[Planned, None, None]:
    """Every chunk with something due, in group order, planned when it is asked for."""
    while True:
        with snapshot(run.engine) as connection:
            groups = next_groups(connection, run, after)
            if not groups:
                return
            chunk = planned(connection, run, groups)
        yield chunk
        after = groups[-1]


def next_groups(connection: Connection, run: Billing, after: int) -> list[int]:
    """Whole groups with something due behind a group, about a chunk of contracts."""
    chunks = group_chunks(connection, run.choice, run.options.work_date, after)
    return next(chunks, [])


def planned(connection: Connection, run: Billing, groups: list[int]) -> Planned:
    """These groups, planned; or the error their data causes."""
    try:
        facts = gather(connection, run.choice, groups, run.options.work_date)
        plan, shapes = plan_of(facts, run.options, run.accounts)
    except BAD_DATA as error:
        return Planned(groups, Plan(), error=error)
    plan.run_id = run.run_id
    return _told(groups, plan, shapes)


def _tried(
    connection: Connection, run: Billing, groups: list[int], inputs: Hash
) -> Iterator[tuple[Planned, list[Shaped]]]:
    """These groups for a simulation; when their data fails one by one, as `_post` does."""
    slices = gather(connection, run.choice, groups, run.options.work_date)
    try:
        plan, shapes = plan_of(_digested(slices, inputs), run.options, run.accounts)
    except BAD_DATA as error:
        if len(groups) == 1:
            yield Planned(groups, Plan(), error=error), []
            return
        for group in groups:
            yield from _tried(connection, run, [group], inputs)
        return
    yield _told(groups, plan, shapes), shapes


def _told(groups: list[int], plan: Plan, shapes: Iterable[Shaped]) -> Planned:
    told = Planned(groups, plan)
    for shaped in shapes:
        told.blocked.extend(shaped.blocked)
        told.deferred.extend(shaped.deferred)
        told.anomalies.extend(shaped.anomalies)
    return told


def _post(run: Billing, chunk: Planned, report: BillingReport, digest: Hash | None) -> None:
    """Write a chunk; when its data fails, its groups one by one, each planned anew."""
    try:
        rows = _written(run, chunk)
    except BAD_DATA as error:
        if len(chunk.groups) == 1 and not isinstance(error, Overtaken):
            report.failed.append((chunk.groups[0], type(error).__name__))
            return
        for group in chunk.groups:
            with snapshot(run.engine) as connection:
                again = planned(connection, run, [group])
            _post(run, again, report, digest)
        return
    if digest:
        rows.add_to(digest)
    report.add(chunk)


def _written(run: Billing, chunk: Planned) -> Rows:
    if chunk.error:
        raise chunk.error
    with run.engine.begin() as connection:
        rows = post(connection, run.choice.organisation_id, chunk.plan)
    reach("bill.chunk")
    return rows


def simulate(run: Billing) -> tuple[BillingReport, list[Shaped]]:
    """Exactly what `bill` would post, over one repeatable snapshot; writes nothing.

    The report carries the digests of the rows and of the facts they rest on.
    """
    report = BillingReport(run.options.work_date)
    rows_digest, inputs, everything = hashlib.sha256(), hashlib.sha256(), []
    with no_collections(), snapshot(run.engine) as connection:
        preview, run_id = (
            Preview(connection, run.choice.organisation_id),
            previewed(connection, run),
        )
        on = run.options.work_date
        for groups in group_chunks(connection, run.choice, on):
            for chunk, shapes in _tried(connection, run, groups, inputs):
                report.add(chunk)
                everything += shapes
                if chunk.error:
                    continue
                chunk.plan.run_id = run_id
                rows = number_rows(chunk.plan, preview.slots(chunk.plan))
                preview.advance(rows)
                rows.add_to(rows_digest)
    report.rows_digest, report.inputs_digest = rows_digest.hexdigest(), inputs.hexdigest()
    return report, everything


def _digested(slices: Iterable[Slice], digest: Hash) -> Iterator[Slice]:
    for one in slices:
        digest.update(repr(one.rows).encode())
        yield one


@contextmanager
def no_collections() -> Iterator[None]:
    """Chunks make no cycles: the collector would only walk their million objects in vain."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

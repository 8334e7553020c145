"""Act: post what is due, a chunk a transaction; or plan it all and write nothing."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from sqlalchemy import Connection

from billing.contracts.grouping import Deferred, Shaped
from formats.common.anomaly import Anomaly
from integration.database.again import again
from integration.database.engine import refresh_statistics, snapshot
from integration.failpoints import reach
from integration.flows.billing.culprits import mended
from integration.flows.billing.gather import Scope, Slice, gather, group_chunks, is_large
from integration.flows.billing.order import Billing as Billing
from integration.flows.billing.order import opened, previewed
from integration.flows.billing.plan import plan_of, plans_of_large
from integration.posting import BAD_DATA, Hash, Plan, Preview, number_rows, post


@dataclass(slots=True)
class BillingReport:
    """What a run did, or would do; amounts in cents.

    blocked: contracts an anomaly stops, or that of another the customer pays with them.
    failed: contracts that can't be planned or posted, with the class of what went wrong.
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

    def add(self, plan: Plan, shapes: Iterable[Shaped]) -> None:
        """Count postings in, and what the groups they come from have to say."""
        self.invoices += len(plan.postings)
        self.lines += sum(len(posting.lines) for posting in plan.postings)
        self.net_cents += sum(posting.net_cents for posting in plan.postings)
        self.gross_cents += sum(posting.gross_cents for posting in plan.postings)
        for found in shapes:
            self.blocked += found.blocked
            self.deferred += found.deferred
            self.anomalies += found.anomalies

    def add_all(self, other: BillingReport) -> None:
        """Count another report in."""
        for name in ("invoices", "lines", "net_cents", "gross_cents"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("blocked", "deferred", "anomalies", "failed"):
            getattr(self, name).extend(getattr(other, name))


@dataclass(frozen=True, slots=True)
class Planned:
    """A chunk ready to post; or the error its data causes; or one group too large for memory,
    which is planned while it is posted."""

    scope: Scope
    plan: Plan = field(default_factory=Plan)
    shapes: list[Shaped] = field(default_factory=list)
    error: Exception | None = None
    large: bool = False


def bill(run: Billing, digest: Hash | None = None) -> BillingReport:
    """Post everything due on the work date.

    Killed anywhere and run again it goes on where it stopped: a posted group is no longer due.
    What is posted is added to `digest` when one is given.
    """
    report, run = BillingReport(run.options.work_date), again(partial(opened, run))
    with no_collections(), closing(_chunks(run)) as chunks:
        for rank, chunk in enumerate(chunks):
            _post(run, chunk, report, digest)
            if rank == 0:
                again(partial(refresh_statistics, run.engine))
    return report


def _chunks(run: Billing) -> Generator[Planned, None, None]:
    if not run.ahead:
        return planned_chunks(run)
    from integration.flows.billing.ahead import planned_ahead

    return planned_ahead(run)


def planned_chunks(run: Billing, after: int = 0) -> Generator[Planned, None, None]:
    """Every chunk with something due, in group order, planned when it is asked for."""
    while True:
        chunk = again(partial(_planned_behind, run, after))
        if chunk is None:
            return
        yield chunk
        after = chunk.scope.groups[-1]


def _planned_behind(run: Billing, after: int) -> Planned | None:
    with snapshot(run.engine) as connection:
        groups = next_groups(connection, run, after)
        return planned(connection, run, Scope(groups)) if groups else None


def next_groups(connection: Connection, run: Billing, after: int) -> list[int]:
    """Whole groups with something due behind a group, about a chunk of contracts."""
    chunks = group_chunks(connection, run.choice, run.options.work_date, after)
    return next(chunks, [])


def planned(connection: Connection, run: Billing, scope: Scope) -> Planned:
    """These contracts, planned as far as memory should hold them; what they say, without more."""
    try:
        if is_large(connection, run.choice, scope):
            return Planned(scope, large=True)
        ((plan, shapes),) = _plans(connection, run, scope)
    except BAD_DATA as error:
        return Planned(scope, error=error)
    said = [found for found in shapes if found.blocked or found.deferred or found.anomalies]
    return Planned(scope, plan, [one._replace(invoices=(), moved=(), estimates=()) for one in said])


def _plans(
    connection: Connection, run: Billing, scope: Scope, inputs: Hash | None = None
) -> Iterator[tuple[Plan, list[Shaped]]]:
    """The plan of these contracts; of a large group its plans, one after the other."""
    facts = gather(connection, run.choice, scope, run.options.work_date, run.decisions)
    slices = _digested(facts, inputs) if inputs else facts
    given = run.options, run.accounts, scope.broken
    if is_large(connection, run.choice, scope):
        found = ((plan, [one]) for plan, one in plans_of_large(slices, *given))
    else:
        found = (one for one in [plan_of(slices, *given)])
    for plan, shapes in found:
        plan.run_id = run.run_id
        yield plan, shapes


def _post(run: Billing, chunk: Planned, report: BillingReport, digest: Hash | None) -> None:
    """Write a chunk; when its data fails, what can be posted of it, planned anew."""
    try:
        done, digests = again(lambda: _written(run, chunk, digest))
    except BAD_DATA as error:
        for part in _anew(run, chunk.scope, error):
            _post(run, part, report, digest)
        return
    reach("bill.chunk")
    report.add_all(done)
    if digest:
        digest.update(b"".join(digests))


def _written(
    run: Billing, chunk: Planned, digest: Hash | None
) -> tuple[BillingReport, list[bytes]]:
    """One transaction; what it posted, and the digests of its rows when they are asked for."""
    done, digests = BillingReport(run.options.work_date), []
    done.failed += sorted(chunk.scope.broken.items())
    with run.engine.begin() as connection:
        for plan, shapes in _to_write(run, chunk):
            rows = post(connection, run.choice.organisation_id, plan)
            done.add(plan, shapes)
            if digest:
                digests.append(rows.digest())
    return done, digests


def _to_write(run: Billing, chunk: Planned) -> Iterator[tuple[Plan, list[Shaped]]]:
    """What a chunk posts. Raises what its data caused."""
    if chunk.error:
        raise chunk.error
    if not chunk.large:
        yield chunk.plan, chunk.shapes
        return
    with snapshot(run.engine) as facts:
        yield from _plans(facts, run, chunk.scope)


def _anew(run: Billing, scope: Scope, error: Exception) -> Iterator[Planned]:
    with snapshot(run.engine) as facts:
        scopes = mended(facts, run, scope, error, lambda part: _trial(run, part))
    for one in scopes:
        with snapshot(run.engine) as facts:
            chunk = planned(facts, run, one)
        yield chunk


def _trial(run: Billing, scope: Scope) -> Exception | None:
    """The error that posting these contracts causes; posts nothing."""
    with snapshot(run.engine) as facts:
        chunk = planned(facts, run, scope)
    try:
        again(lambda: _rehearsed(run, chunk))
    except BAD_DATA as error:
        return error
    return None


def _rehearsed(run: Billing, chunk: Planned) -> None:
    with run.engine.connect() as connection, connection.begin() as transaction:
        for plan, _ in _to_write(run, chunk):
            post(connection, run.choice.organisation_id, plan)
        transaction.rollback()


def simulate(run: Billing) -> tuple[BillingReport, list[Shaped]]:
    """Exactly what `bill` would post, over one repeatable snapshot; writes nothing.

    The report carries the digests of the rows and of the facts they rest on.
    """
    report, everything = BillingReport(run.options.work_date), []
    rows_digest, inputs = hashlib.sha256(), hashlib.sha256(run.decisions.digest.encode())
    with no_collections(), snapshot(run.engine) as facts:
        run = replace(run, run_id=previewed(facts, run))
        preview = Preview(facts, run.choice.organisation_id)
        for groups in group_chunks(facts, run.choice, run.options.work_date):
            for plan, shapes in _tried(facts, run, Scope(groups), inputs, report):
                rows = number_rows(plan, preview.slots(plan))
                preview.advance(rows)
                rows_digest.update(rows.digest())
                report.add(plan, shapes)
                everything += shapes
    report.rows_digest, report.inputs_digest = rows_digest.hexdigest(), inputs.hexdigest()
    return report, everything


def _tried(
    facts: Connection, run: Billing, scope: Scope, inputs: Hash, report: BillingReport
) -> Iterator[tuple[Plan, list[Shaped]]]:
    """The plans of a scope for a simulation; when its data fails, as `_post` mends it."""
    try:
        plans = list(_plans(facts, run, scope, inputs))
    except BAD_DATA as error:
        for one in mended(facts, run, scope, error, lambda part: _planning(facts, run, part)):
            yield from _tried(facts, run, one, inputs, report)
        return
    report.failed += sorted(scope.broken.items())
    yield from plans


def _planning(facts: Connection, run: Billing, scope: Scope) -> Exception | None:
    """The error that planning these contracts causes."""
    try:
        for _ in _plans(facts, run, scope):
            pass
    except BAD_DATA as error:
        return error
    return None


def _digested(slices: Iterable[Slice], digest: Hash) -> Iterator[Slice]:
    for one in slices:
        digest.update(repr(one.rows).encode())
        yield one


@contextmanager
def no_collections() -> Iterator[None]:
    """Chunks make no cycles: the collector would only walk their million objects in vain."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

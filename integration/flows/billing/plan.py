"""Decide: from the facts of a chunk to its postings. Pure: simulation and billing can't differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

import orjson

from billing.contracts.contract import Line, RunOptions
from billing.contracts.engine import ContractRating, rate_contract
from billing.contracts.grouping import InvoiceDraft, Shaped, shape
from billing.ledger import Accounts, Due, Entry, Share, invoice_entries
from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE, scaled
from integration.database.tables import json_text
from integration.flows.billing.gather import Book, Slice
from integration.posting import Plan, Posting, RuleMove
from integration.translate.contracts_rows import Row, patch, state_fields

JOURNAL: Final = "VT"


def plan_of(
    slices: Iterable[Slice], options: RunOptions, accounts: Accounts
) -> tuple[Plan, list[Shaped]]:
    """Rate, shape and lay out the postings of a chunk, group by group. Writes nothing."""
    plan, shapes, book = Plan(), [], Book()
    ratings = _rated(slices, options, book)
    for _, group in groupby(ratings, key=lambda rating: rating.contract.group_id):
        shaped = shape(list(group), book.payers, options)
        _lay_out(plan, shaped, book, options.work_date, accounts)
        shapes.append(shaped)
    return plan, shapes


def _rated(slices: Iterable[Slice], options: RunOptions, book: Book) -> Iterator[ContractRating]:
    """Ratings in group order. A rating keeps its lines and lets go of the facts of its contract:
    what a large group holds in memory is what it bills."""
    for one in slices:
        book.add(one.book)
        for contract in one.contracts:
            rating = rate_contract(contract, one.readings, options, one.deliveries, one.indices)
            yield rating._replace(contract=contract._replace(modules=()))


def _lay_out(plan: Plan, shaped: Shaped, book: Book, work_date: date, accounts: Accounts) -> None:
    """One group's postings, rule moves and estimates, behind those of the groups before it."""
    ranks: dict[int, int] = {}
    for draft in shaped.invoices:
        for line in draft.lines:
            ranks.setdefault(line.rule_id, len(plan.postings))
        plan.postings.append(_posting(draft, book, work_date, accounts))
    for rule_id, state in shaped.moved:
        plan.moves.append(_move(rule_id, state, book.states[rule_id], ranks.get(rule_id)))
    for e in shaped.estimates:
        if (e.meter_id, e.value) in book.estimated:
            continue  # another rule of the meter billed it earlier the same day
        billed = (ranks[rule] for rule in book.rules_of[e.meter_id] if rule in ranks)
        plan.estimates.append((e.meter_id, e.read_on.isoformat(), e.value, next(billed, None)))


def _posting(draft: InvoiceDraft, book: Book, work_date: date, accounts: Accounts) -> Posting:
    payer = book.payers[draft.payer_id]
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
        snapshot=book.snapshots[draft.payer_id, draft.site_id],
        lines=[line_row(line, book.names[line.rule_id]) for line in draft.lines],
        entries=[entry_row(entry) for entry in entries],
        parts=[part for rank, line in enumerate(draft.lines, 1) for part in _parts(line, rank)],
        deliveries=(("invoice_pdf", "folder", ".pdf"),),
    )


def _parts(line: Line, rank: int) -> list[Row]:
    """What the line bills once: a part of its rule, and the event it rests on."""
    rule = ("rule", line.rule_id, line.part, line.since.toordinal(), 0, rank)
    return [rule, (*line.event, 0, 0, rank)] if line.event else [rule]


@lru_cache(maxsize=64)
def _ppm(rate: Decimal) -> int:
    return scaled(rate, RATE_SCALE)


def line_row(line: Line, names: Mapping[str, str]) -> Row:
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
        _ppm(line.cost_line.vat_rate),
        _details(line, names),
    )


def _details(line: Line, names: Mapping[str, str]) -> str:
    """The small print, the rule and the figures: the line can be explained years later."""
    story = {"details": line.details, "rule": names, "explain": line.explain}
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


def _move(
    rule_id: int, state: Any, cached: tuple[Mapping[str, Any], int], rank: int | None
) -> RuleMove:
    before, events = cached
    after = state_fields(state)
    return RuleMove(
        rule_id,
        events,
        json_text(patch(before, after)),
        json_text(after),
        after.get("next_theoretical"),
        rank,
    )

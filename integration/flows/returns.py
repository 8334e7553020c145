"""What organisms answer, posted share by share, each answer once.

A line is matched by sender number and invoice number; a lot that contradicts what was sent is
reported. One payment document a transfer, so that the bank line is found whole; one rejection
document a file. Source: spec of teletransmission, "Return processing" and "Decisions".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from billing.ledger import Accounts, Entry, Share, balanced, side
from billing.money import ZERO, scaled
from billing.settlement import Answer, BankTransfer, Outcome, Standing, refuse, settle
from formats.common.anomaly import Anomaly, Code
from integration.database import tables
from integration.database.bulk import insert_rows, reserve_ids
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.failpoints import reach
from integration.flows.settlement import (
    BANK_JOURNAL,
    GENERAL_JOURNAL,
    Standings,
    entry_rows,
    find_invoices,
    standings,
)
from integration.posting import Plan, Posting, Row, post

NOT_OURS: Final = Code(
    "TEL-202",
    "Le virement du {made_on:%d/%m/%Y} est adressé au n° {payee}, qui n'est pas le nôtre.",
    "Vérifiez le n° de facturant ; les lignes attendent en compte d'attente.",
)
OTHER_LOT: Final = Code(
    "TEL-203",
    "La facture {number} est rendue dans le lot {lot}, où elle n'a pas été envoyée.",
    "Vérifiez le retour auprès de l'organisme.",
)
NO_INVOICE: Final = Code(
    "TEL-204",
    "La ligne de la facture {number} ({share}, {amount} €) ne correspond à aucune facture.",
    "Affectez la ligne depuis le compte d'attente.",
)

RETURN_LINE: Final = (
    "id", "organisation_id", "transfer", "return_type", "invoice_number", "share", "rank", "sign",
    "state", "asked_cents", "paid_cents", "reasons", "dated", "invoice_id", "document_id",
    "received_file_id",
)  # fmt: skip
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(slots=True)
class ReturnReport:
    """What a return file did; amounts in €. `ignored`: lines already taken from another file."""

    transfers: int = 0
    paid: Decimal = ZERO
    rejected: Decimal = ZERO
    suspense: Decimal = ZERO
    lines: int = 0
    refused: int = 0
    deferred: int = 0
    unmatched: int = 0
    ignored: int = 0
    anomalies: list[Anomaly] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    """The file on its way to the ledger."""

    accounts: Accounts
    invoices: Mapping[str, int]
    held: Standings
    report: ReturnReport
    plan: Plan = field(default_factory=Plan)
    lines: list[tuple[BankTransfer, Outcome, int | None, int | None]] = field(default_factory=list)
    """Transfer, outcome, invoice id, rank of the posting."""


def take_returns(
    connection: Connection,
    organisation_id: int,
    transfers: Sequence[BankTransfer],
    accounts: Accounts,
    received_file_id: int | None = None,
) -> ReturnReport:
    """Post the transfers of one file in the caller's transaction; what is known is left out.

    Two files with the same lines at once: the unique key refuses the second (IntegrityError).
    """
    report = ReturnReport()
    ours, new = _new_lines(connection, organisation_id, transfers, report)
    numbers = {o.number for transfer in new if ours(transfer) for o in transfer.outcomes}
    invoices = find_invoices(connection, organisation_id, numbers)
    report.anomalies += _other_lots(connection, invoices, new)
    held = standings(connection, organisation_id, invoices.values(), accounts)
    work = _Work(accounts, invoices, held, report)
    for transfer in new:
        _pay(work, transfer, matched=ours(transfer))
    _reject(work)
    rows = post(connection, organisation_id, work.plan)
    _insert_lines(
        connection, organisation_id, work, [row[0] for row in rows.documents], received_file_id
    )
    return report


# --- which lines are new, and whose -----------------------------------------------------------


class _Ours:
    """Whether a transfer is made to one of our numbers."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self._numbers = {number.lstrip("0") for number in numbers} - {""}

    def __call__(self, transfer: BankTransfer) -> bool:
        return transfer.payee.strip().lstrip("0") in self._numbers


def _new_lines(
    connection: Connection,
    organisation_id: int,
    transfers: Sequence[BankTransfer],
    report: ReturnReport,
) -> tuple[_Ours, list[BankTransfer]]:
    (numbers,) = _SQL.rows(connection, "senders", organisation=organisation_id)
    ours = _Ours(numbers)
    keys = [transfer.key for transfer in transfers]
    known = set(_SQL.rows(connection, "known", organisation=organisation_id, transfers=keys))
    new = []
    for transfer in transfers:
        outcomes = tuple(o for o in transfer.outcomes if _identity(transfer, o) not in known)
        report.ignored += len(transfer.outcomes) - len(outcomes)
        if outcomes:
            new.append(replace(transfer, outcomes=outcomes))
        if outcomes and not ours(transfer):
            values = {"made_on": transfer.made_on, "payee": transfer.payee}
            report.anomalies.append(Anomaly(NOT_OURS, values=values))
    return ours, new


def _identity(transfer: BankTransfer, o: Outcome) -> tuple[object, ...]:
    return (transfer.key, o.return_type, o.number, o.share.value, o.rank, o.sign)


def _other_lots(
    connection: Connection, invoices: Mapping[str, int], transfers: Iterable[BankTransfer]
) -> Iterator[Anomaly]:
    if not invoices:
        return
    sent: dict[int, set[str]] = {}
    for document_id, lot in _SQL.rows(connection, "lots", documents=sorted(invoices.values())):
        sent.setdefault(document_id, set()).add(f"{lot:03d}")
    said = {(o.number, o.lot) for transfer in transfers for o in transfer.outcomes if o.lot}
    for number, lot in sorted(said):
        lots = sent.get(invoices.get(number, 0), {lot})
        if lot not in lots:
            yield Anomaly(OTHER_LOT, values={"number": number, "lot": lot})


# --- to the ledger ----------------------------------------------------------------------------


def _pay(work: _Work, transfer: BankTransfer, *, matched: bool) -> None:
    """One payment document for the transfer: bank in one line, each share in its own."""
    entries: list[Entry] = []
    rank = len(work.plan.postings)
    for outcome in transfer.outcomes:
        invoice_id = work.invoices.get(outcome.number) if matched else None
        entries += _credits(work, transfer, outcome, invoice_id)
        paid = rank if outcome.paid else None
        work.lines.append((transfer, outcome, invoice_id, paid))
        work.report.deferred += outcome.answer is Answer.DEFERRED
        work.report.refused += outcome.answer is Answer.REJECTED
        work.report.unmatched += invoice_id is None
    work.report.lines += len(transfer.outcomes)
    if not entries:
        return
    work.report.transfers += 1
    work.report.paid += transfer.total
    bank = (side(work.accounts.bank, transfer.total),) if transfer.total else ()
    told = {"transfer": transfer.key, "payer": transfer.payer, "label": transfer.label}
    work.plan.postings.append(
        Posting(
            BANK_JOURNAL,
            "payment",
            transfer.made_on,
            gross_cents=scaled(transfer.total, 2),
            snapshot=json_text(told),
            entries=entry_rows(balanced((*bank, *entries))),
        )
    )


def _credits(
    work: _Work, transfer: BankTransfer, outcome: Outcome, invoice_id: int | None
) -> tuple[Entry, ...]:
    if invoice_id is None:
        if outcome.number:
            amount = f"{outcome.paid:.2f}".replace(".", ",")
            values = {"number": outcome.number, "share": outcome.share, "amount": amount}
            work.report.anomalies.append(Anomaly(NO_INVOICE, values=values))
        work.report.suspense += outcome.paid
        entry = side(work.accounts.suspense, -outcome.paid, transfer.payer)
        return (entry,) if outcome.paid else ()
    standing = _standing(work, invoice_id, outcome.share, transfer.payer)
    moved, work.held[invoice_id, outcome.share] = settle(standing, outcome.paid, work.accounts)
    return moved


def _standing(work: _Work, invoice_id: int, share: Share, payer: str) -> Standing:
    """The share as it stands; one the invoice never had is overpaid by whoever pays it."""
    return work.held.get((invoice_id, share)) or Standing(invoice_id, share, payer)


def _reject(work: _Work) -> None:
    """One document for all the refusals of the file, dated as the last of them."""
    entries: list[Entry] = []
    rank = len(work.plan.postings)
    dates: list[date] = []
    for place, (transfer, outcome, invoice_id, _) in enumerate(work.lines):
        if outcome.answer is not Answer.REJECTED or invoice_id is None:
            continue
        standing = _standing(work, invoice_id, outcome.share, transfer.payer)
        moved, after = refuse(standing, outcome.asked or standing.due, work.accounts)
        work.held[invoice_id, outcome.share] = after
        if moved:
            entries += moved
            dates.append(transfer.made_on)
            work.report.rejected += after.rejected - standing.rejected
            work.lines[place] = (transfer, outcome, invoice_id, rank)
    if entries:
        work.plan.postings.append(
            Posting(GENERAL_JOURNAL, "rejection", max(dates), entries=entry_rows(balanced(entries)))
        )


def _insert_lines(
    connection: Connection,
    organisation_id: int,
    work: _Work,
    documents: Sequence[int],
    received_file_id: int | None,
) -> None:
    first = reserve_ids(connection, "return_line", len(work.lines))
    rows: list[Row] = [
        (
            first + place,
            organisation_id,
            *_identity(transfer, o),
            o.answer.value,
            scaled(o.asked, 2),
            scaled(o.paid, 2),
            json_text([{"code": code, "label": label} for code, label in o.reasons]),
            transfer.made_on.isoformat(),
            invoice_id,
            None if posting is None else documents[posting],
            received_file_id,
        )
        for place, (transfer, o, invoice_id, posting) in enumerate(work.lines)
    ]
    insert_rows(connection, tables.return_line, RETURN_LINE, rows)
    reach("returns.return_line")

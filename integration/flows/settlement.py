"""Payments of invoices, share by share: one document a payment, in journal BQ, or OD when the
internal profit-and-loss account pays.

Source: spec of the ledger, "Unpaid list"; seed "Gestion des impayés" (trop perçu).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from billing.ledger import Accounts, Entry, Share, balanced
from billing.money import scaled, unscaled
from billing.settlement import Standing, counterpart, settle
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.posting import Plan, Posting, Row, Rows, chain_head, post, reference

UNKNOWN_INVOICE: Final = Code(
    "LED-101",
    "La facture « {reference} » n'existe pas.",
    "Vérifiez le numéro : celui de la facture (VT2026-000042) ou son numéro B2 (9 chiffres).",
)
UNKNOWN_SHARE: Final = Code(
    "LED-102",
    "La facture « {reference} » n'a pas de part {share}.",
    "Affectez le règlement à une part de la facture.",
)

BANK_JOURNAL: Final = "BQ"
GENERAL_JOURNAL: Final = "OD"
PROFIT_AND_LOSS: Final = "PERTE/PROFIT"
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))

Standings = dict[tuple[int, Share], Standing]


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of one share, in € signed: negative gives an overpayment back.

    invoice: printed number or B2 number.
    payer:   the organism's number, or PERTE/PROFIT for the internal account.
    """

    invoice: str
    share: Share
    payer: str
    paid_on: date
    amount: Decimal
    method: str = ""
    label: str = ""
    place: Place = field(default_factory=Place)

    @property
    def internal(self) -> bool:
        """Whether the profit-and-loss account pays."""
        return self.payer == PROFIT_AND_LOSS


def record_payments(
    connection: Connection, organisation_id: int, payments: Sequence[Payment], accounts: Accounts
) -> Rows:
    """Post every payment in the caller's transaction.

    Raises AnomaliesFound with every payment of an unknown invoice (LED-101) or share (LED-102).
    """
    invoices = find_invoices(connection, organisation_id, {p.invoice for p in payments})
    held = standings(connection, organisation_id, invoices.values(), accounts)
    anomalies = [a for p in payments for a in _faults(p, invoices, held)]
    if anomalies:
        raise AnomaliesFound(*anomalies)
    plan = Plan()
    for payment in sorted(payments, key=lambda payment: payment.paid_on):
        key = invoices[payment.invoice], payment.share
        moved, held[key] = settle(held[key], payment.amount, accounts)
        other = counterpart(payment.amount, accounts, internal=payment.internal)
        plan.postings.append(_posting(payment, balanced((other, *moved))))
    return post(connection, organisation_id, plan)


def _faults(
    payment: Payment, invoices: Mapping[str, int], held: Mapping[tuple[int, Share], Standing]
) -> Iterable[Anomaly]:
    invoice_id = invoices.get(payment.invoice)
    if invoice_id is None:
        yield Anomaly(UNKNOWN_INVOICE, payment.place, {"reference": payment.invoice})
    elif (invoice_id, payment.share) not in held:
        values = {"reference": payment.invoice, "share": payment.share.value}
        yield Anomaly(UNKNOWN_SHARE, payment.place, values)


def _posting(payment: Payment, entries: Iterable[Entry]) -> Posting:
    told = {"method": payment.method}
    if payment.share is not Share.PATIENT:  # a patient's payer and bank label name a person
        told |= {"payer": payment.payer, "label": payment.label}
    return Posting(
        GENERAL_JOURNAL if payment.internal else BANK_JOURNAL,
        "settlement" if payment.internal else "payment",
        payment.paid_on,
        gross_cents=scaled(payment.amount, 2),
        snapshot=json_text(told),
        entries=entry_rows(entries),
    )


def entry_rows(entries: Iterable[Entry]) -> list[Row]:
    """Entries as the poster takes them; only entries of a share move an invoice's due."""
    return [
        (
            entry.account,
            entry.auxiliary,
            scaled(entry.debit, 2),
            scaled(entry.credit, 2),
            entry.invoice_id if entry.share else None,
            entry.share.value if entry.share else None,
        )
        for entry in entries
    ]


def standings(
    connection: Connection, organisation_id: int, invoices: Iterable[int], accounts: Accounts
) -> Standings:
    """How every share of these invoices stands, and stays until the transaction ends: whoever
    posts for the organisation waits for the head of its chain."""
    chain_head(connection, organisation_id)
    wanted = sorted(set(invoices))
    if not wanted:
        return {}
    rows = _SQL.rows(
        connection,
        "standings",
        invoices=wanted,
        receivable=list(accounts.receivable.values()),
        rejected=list(accounts.rejected.values()),
    )
    return {(row[0], Share(row[1])): _standing(row) for row in rows}


def _standing(row: tuple[Any, ...]) -> Standing:
    invoice_id, share, auxiliary, receivable, rejected = row
    return Standing(
        invoice_id,
        Share(share),
        auxiliary,
        unscaled(int(receivable), 2),
        unscaled(int(rejected), 2),
    )


def find_invoices(
    connection: Connection, organisation_id: int, references: Iterable[str]
) -> dict[str, int]:
    """Ids of the invoices known under these printed or B2 numbers; unknown ones are left out."""
    wanted = set(references)
    by_b2 = {int(text): text for text in wanted if _is_b2_number(text)}
    printed = {parts: text for text in wanted if (parts := _parts(text))}
    found: dict[str, int] = {}
    if by_b2:
        rows = _SQL.rows(
            connection, "by_b2_number", organisation=organisation_id, numbers=sorted(by_b2)
        )
        found |= {by_b2[number]: document_id for number, document_id in rows}
    if printed:
        rows = _SQL.rows(
            connection,
            "by_reference",
            organisation=organisation_id,
            years=sorted({year for _, year, _ in printed}),
            numbers=sorted({number for _, _, number in printed}),
        )
        found |= {printed[tuple(row[:3])]: row[3] for row in rows if tuple(row[:3]) in printed}
    return found


def _is_b2_number(text: str) -> bool:
    return len(text) == 9 and text.isascii() and text.isdigit()


def _parts(text: str) -> tuple[str, int, int] | None:
    """Journal, year and rank of a printed number, or None when it isn't one."""
    head, _, rank = text.partition("-")
    journal, year = head[:-4], head[-4:]
    if not (year.isdigit() and rank.isdigit()):
        return None
    parts = journal, int(year), int(rank)
    return parts if reference(*parts) == text else None

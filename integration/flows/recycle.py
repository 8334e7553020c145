"""A rejected invoice, billed again: the old one is credited, the new one carries what was paid.

Source: spec of teletransmission, "Reject handling"; seed "Gestion des impayés" (montant rejeté).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from billing.ledger import Accounts, Entry, Share, balanced, side
from billing.money import unscaled
from billing.settlement import Standing, settle
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.sql import Queries
from integration.flows.care import take_b2_numbers
from integration.flows.settlement import entry_rows, find_invoices, standings
from integration.posting import Plan, Posting, Row, post, reference

NOT_RECYCLABLE: Final = Code(
    "TEL-301",
    "La facture « {reference} » n'est pas une facture de soins en cours : elle ne se recycle pas.",
    "Vérifiez le numéro ; une facture déjà créditée ne se recycle pas une seconde fois.",
)

JOURNAL: Final = "VT"
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Recycled:
    """The numbers of the credit note and of the new invoice, and what the new one carries, €."""

    credit: str
    invoice: str
    b2_number: int
    paid: Mapping[Share, Decimal]


@dataclass(frozen=True, slots=True)
class _Old:
    """The rejected invoice with all its rows, and how its shares stand."""

    id: int
    document: Row
    lines: Sequence[Row]
    care_lines: Sequence[Row]
    sales: Sequence[Entry]
    parts: Sequence[Row]
    held: Mapping[Share, Standing]

    @property
    def shares(self) -> Mapping[Share, Decimal]:
        """What it was posted for, by share, €; empty shares left out."""
        amounts = zip((Share.AMO, Share.AMC, Share.PATIENT), self.document[6:9], strict=True)
        return {share: unscaled(cents, 2) for share, cents in amounts if cents}


def recycle(
    connection: Connection,
    organisation_id: int,
    invoice: str,
    on: date,
    accounts: Accounts,
    *,
    snapshot: str | None = None,
) -> Recycled:
    """Credit the invoice and post it again under a new number, in the caller's transaction.

    snapshot: corrected rights, when the refusal was about them. What was paid on the old invoice
    is carried over, share by share. Raises AnomaliesFound (TEL-301).
    """
    old = _old(connection, organisation_id, invoice, accounts)
    credit, left = _credit(old, on, accounts)
    b2_number = take_b2_numbers(connection, organisation_id, 1)
    carried = {share: -standing.due for share, standing in left.items() if standing.due}
    again = _again(old, on, b2_number, snapshot, accounts)
    paid = entry_rows(balanced(_carried(carried, left, accounts)))
    again = again._replace(entries=[*again.entries, *paid])
    rows = post(connection, organisation_id, Plan([credit, again]))
    numbers = [reference(*row[2:5]) for row in rows.documents]
    return Recycled(numbers[0], numbers[1], b2_number, carried)


def _old(connection: Connection, organisation_id: int, invoice: str, accounts: Accounts) -> _Old:
    found = find_invoices(connection, organisation_id, [invoice])
    id_ = found.get(invoice, 0)
    rows = _SQL.rows(connection, "document", organisation=organisation_id, id=id_)
    if not rows or rows[0][1] != "care" or rows[0][-1]:
        raise AnomaliesFound(Anomaly(NOT_RECYCLABLE, values={"reference": invoice}))
    held = standings(connection, organisation_id, [id_], accounts)
    return _Old(
        id_,
        rows[0],
        [_texts(row) for row in _SQL.rows(connection, "lines", id=id_)],
        [_texts(row) for row in _SQL.rows(connection, "care_lines", id=id_)],
        [_sale(row) for row in _SQL.rows(connection, "sales", id=id_)],
        _SQL.rows(connection, "parts", id=id_),
        {share: standing for (_, share), standing in held.items()},
    )


def _texts(row: Row) -> Row:
    """Dates as ISO text, as the poster takes them."""
    return tuple(value.isoformat() if isinstance(value, date) else value for value in row)


def _sale(row: Sequence[Any]) -> Entry:
    account, auxiliary, debit, credit = row
    return side(account, unscaled(debit - credit, 2), auxiliary)


def _like(old: _Old, kind: str, on: date, sign: int) -> Posting:
    """A document of the same patient and amounts, or of their opposites."""
    net, vat, gross, amo, amc, patient = (sign * cents for cents in old.document[3:9])
    return Posting(
        JOURNAL,
        kind,
        on,
        patient_id=old.document[2],
        net_cents=net,
        vat_cents=vat,
        gross_cents=gross,
        part_amo_cents=amo,
        part_amc_cents=amc,
        part_patient_cents=patient,
        snapshot=old.document[9],
        person_commitment=old.document[10],
    )


def _credit(old: _Old, on: date, accounts: Accounts) -> tuple[Posting, dict[Share, Standing]]:
    """The credit note of everything, and how the old invoice's shares stand after it."""
    left = dict(old.held)
    entries = [side(sale.account, sale.credit - sale.debit, sale.auxiliary) for sale in old.sales]
    for share, amount in old.shares.items():
        moved, left[share] = settle(left[share], amount, accounts)
        entries += moved
    posting = _like(old, "credit", on, -1)._replace(
        credits_id=old.id,
        lines=[_credited(row, (6, 8)) for row in old.lines],
        care_lines=[_credited(row, (3, 5, 7, 8, 9)) for row in old.care_lines],
        entries=entry_rows(balanced(entries)),
    )
    return posting, left


def _credited(row: Row, places: Sequence[int]) -> Row:
    """The row with quantities or amounts at these places made negative."""
    return tuple(-value if place in places else value for place, value in enumerate(row))


def _carried(
    carried: Mapping[Share, Decimal], left: Mapping[Share, Standing], accounts: Accounts
) -> Iterable[Entry]:
    """What was paid leaves the old invoice (now credited) for the new one."""
    for share, paid in carried.items():
        moved, _ = settle(left[share], -paid, accounts)
        yield from moved
        yield side(accounts.receivable[share], -paid, left[share].auxiliary, share)


def _again(
    old: _Old, on: date, b2_number: int, snapshot: str | None, accounts: Accounts
) -> Posting:
    """The same care under a new number; each part is billed at its next revision."""
    same = _like(old, "care", on, 1)
    dues = [
        side(accounts.receivable[share], amount, old.held[share].auxiliary, share)
        for share, amount in old.shares.items()
    ]
    return same._replace(
        b2_number=b2_number,
        snapshot=snapshot or same.snapshot,
        lines=old.lines,
        care_lines=old.care_lines,
        entries=entry_rows(balanced((*dues, *old.sales))),
        parts=[(*row[:4], row[4] + 1, row[5]) for row in old.parts],
    )

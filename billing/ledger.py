"""Double entry: what each kind of document posts. Always balanced, in euros.

Source: spec/ledger.md, "Double entry, append only". Account numbers come from configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from billing.money import ZERO


class Share(StrEnum):
    """Who owes a part of an invoice."""

    AMO = "AMO"  # dû caisse, RO
    AMC = "AMC"  # dû mutuelle, RC
    PATIENT = "PATIENT"
    CUSTOMER = "CUSTOMER"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts of the organisation, by role (French chart)."""

    receivable: Mapping[Share, str]
    rejected: Mapping[Share, str]
    sales_care: str = "706100"
    vat_collected: str = "445710"
    bank: str = "512000"
    suspense: str = "471000"
    losses: str = "658000"
    gains: str = "758000"


DEFAULT_ACCOUNTS = Accounts(
    receivable={
        Share.AMO: "411100",
        Share.AMC: "411200",
        Share.PATIENT: "411300",
        Share.CUSTOMER: "411000",
    },
    rejected={
        Share.AMO: "416100",
        Share.AMC: "416200",
        Share.PATIENT: "416300",
        Share.CUSTOMER: "416000",
    },
)


class Entry(NamedTuple):
    """One side of a posting, € on exactly one side.

    share: set when the entry moves what somebody owes on an invoice.
    invoice_id: the invoice whose due moves; 0 = the document being posted.
    """

    account: str
    auxiliary: str
    debit: Decimal
    credit: Decimal
    share: Share | None = None
    invoice_id: int = 0


def side(
    account: str,
    amount: Decimal,
    auxiliary: str = "",
    share: Share | None = None,
    invoice_id: int = 0,
) -> Entry:
    """An entry of a signed amount: debit when positive, credit when negative."""
    if amount >= 0:
        return Entry(account, auxiliary, amount, ZERO, share, invoice_id)
    return Entry(account, auxiliary, ZERO, -amount, share, invoice_id)


class Due(NamedTuple):
    """What one payer owes on one invoice; `auxiliary` is the payer's own account."""

    share: Share
    auxiliary: str
    amount: Decimal


def invoice_entries(
    dues: Iterable[Due],
    sales: Iterable[tuple[str, Decimal]],
    vat: Decimal,
    accounts: Accounts,
) -> tuple[Entry, ...]:
    """Dues to debit, sales by account (€ excl. VAT) and VAT to credit; a credit note mirrors it.

    An invoice of 0.00 € keeps its dues: every document has an entry.
    Raises ValueError when dues don't equal sales + VAT: nothing unbalanced leaves this room.
    """
    by_account: dict[str, Decimal] = {}
    for account, net in sales:
        by_account[account] = by_account.get(account, ZERO) + net
    owed = list(dues)
    entries = [
        side(accounts.receivable[due.share], due.amount, due.auxiliary, due.share)
        for due in [due for due in owed if due.amount] or owed
    ]
    entries += [side(account, -net) for account, net in sorted(by_account.items()) if net]
    if vat:
        entries.append(side(accounts.vat_collected, -vat))
    return balanced(entries)


def balanced(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries as they are, or ValueError naming both sums."""
    kept = tuple(entries)
    debit = sum([entry.debit for entry in kept], ZERO)
    credit = sum([entry.credit for entry in kept], ZERO)
    if debit != credit:
        raise ValueError(f"écritures déséquilibrées : débit {debit}, crédit {credit}")
    return kept

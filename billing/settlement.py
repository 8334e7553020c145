"""What a payment or a refusal moves on the shares of an invoice. Amounts in €, signed.

A payment settles what was refused first: the payer who pays after all has changed its mind. More
than is owed makes a negative due, which only a negative payment clears (spec of the ledger,
"Unpaid list").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from billing.ledger import Accounts, Entry, Share, side
from billing.money import ZERO


class Answer(StrEnum):
    """What an organism decided of one share, as returns print it."""

    PAID = "P"
    REJECTED = "R"
    DEFERRED = "D"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an organism says of one share of one invoice; amounts in €, `paid` signed.

    rank:   from 1, among the same invoice, share and sign of a transfer and return type.
    number: empty for money outside invoices (lump sums, recoveries), which `reasons` name.
    reasons: code and label.
    """

    return_type: str
    number: str
    share: Share
    rank: int
    answer: Answer
    asked: Decimal
    paid: Decimal
    reasons: tuple[tuple[str, str], ...] = ()
    lot: str = ""

    @property
    def sign(self) -> str:
        """`N` when money is taken back, else `P`."""
        return "N" if self.paid < 0 else "P"


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """One transfer of an organism and all it pays.

    key:   payer, date and label; payer and accounting date when there is no transfer reference.
    payee: the sender number it was made to, ours unless the file went astray.
    """

    key: str
    payer: str
    payee: str
    made_on: date
    label: str
    outcomes: tuple[Outcome, ...]

    @property
    def total(self) -> Decimal:
        """What reached the bank, €."""
        return sum((outcome.paid for outcome in self.outcomes), ZERO)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one share of one invoice stands: € still receivable, € refused, on whose account."""

    invoice_id: int
    share: Share
    auxiliary: str = ""
    receivable: Decimal = ZERO
    rejected: Decimal = ZERO

    @property
    def due(self) -> Decimal:
        """What is owed, refused or not; negative when overpaid."""
        return self.receivable + self.rejected


Step = tuple[tuple[Entry, ...], Standing]


def settle(standing: Standing, amount: Decimal, accounts: Accounts) -> Step:
    """Credit `amount` (debit when negative) to the share: its entries, and how it stands then."""
    refused = min(max(amount, ZERO), max(standing.rejected, ZERO))
    after = replace(
        standing,
        rejected=standing.rejected - refused,
        receivable=standing.receivable - (amount - refused),
    )
    return _moved(standing, after, accounts), after


def refuse(standing: Standing, asked: Decimal, accounts: Accounts) -> Step:
    """Move what was asked, as far as it is still owed, from receivable to rejected."""
    refused = min(asked, max(standing.receivable, ZERO))
    after = replace(
        standing,
        receivable=standing.receivable - refused,
        rejected=standing.rejected + refused,
    )
    return _moved(standing, after, accounts), after


def counterpart(amount: Decimal, accounts: Accounts, *, internal: bool) -> Entry:
    """The other side of a payment: the bank, or losses and gains when nobody moves money."""
    if not internal:
        return side(accounts.bank, amount)
    return side(accounts.losses if amount > 0 else accounts.gains, amount)


def _moved(before: Standing, after: Standing, accounts: Accounts) -> tuple[Entry, ...]:
    moves = (
        (accounts.receivable, after.receivable - before.receivable),
        (accounts.rejected, after.rejected - before.rejected),
    )
    return tuple(
        side(by_share[before.share], change, before.auxiliary, before.share, before.invoice_id)
        for by_share, change in moves
        if change
    )

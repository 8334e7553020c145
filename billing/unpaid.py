"""The unpaid list: any invoice with a non-zero balance in any share, as of a date.

Source: spec of the ledger, "Unpaid list"; seed "Gestion des impayés". A negative due is money to
give back. Amounts in €, ages in days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.ledger import Share
from billing.money import ZERO


class State(StrEnum):
    """Why the invoice is on the list; the first that holds, in this order."""

    OVERPAID = "trop perçu"
    REJECTED = "rejetée"
    PART_PAID = "payée en partie"
    SENT = "télétransmise"
    OPEN = "à encaisser"


@dataclass(frozen=True, slots=True)
class Balance:
    """What the entries up to a date say of one invoice.

    dues:     € owed by share, rejected amounts included.
    rejected: € of these that an organism refused and that nobody settled yet.
    """

    invoice_id: int
    number: str
    issued_on: date
    total: Decimal
    dues: Mapping[Share, Decimal]
    rejected: Decimal = ZERO
    sent: bool = False
    holder: str = ""
    fund: str = ""
    amc: str = ""
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """One row of the list. `holder` is the patient or the customer; no fund = counter sale."""

    holder: str
    fund: str
    amc: str
    number: str
    issued_on: date
    total: Decimal
    due_amo: Decimal
    due_amc: Decimal
    due_patient: Decimal
    due_customer: Decimal
    agency: str
    state: State
    age_days: int

    @property
    def due(self) -> Decimal:
        """All shares together, €."""
        return self.due_amo + self.due_amc + self.due_patient + self.due_customer

    @property
    def bucket(self) -> str:
        """Age bucket: 0–30, 31–60, 61–90 or 90+ days."""
        return next((name for name, last in BUCKETS if self.age_days <= last), OLDEST)


BUCKETS: Final = (("0–30", 30), ("31–60", 60), ("61–90", 90))
OLDEST: Final = "90+"
BUCKET_NAMES: Final = (*(name for name, _ in BUCKETS), OLDEST)
AMOUNTS: Final = ("total", "due_amo", "due_amc", "due_patient", "due_customer")


def unpaid_rows(balances: Iterable[Balance], as_of: date) -> tuple[Unpaid, ...]:
    """The rows of the list; an invoice whose shares are all at zero isn't on it."""
    return tuple(_row(balance, as_of) for balance in balances if any(balance.dues.values()))


def _row(balance: Balance, as_of: date) -> Unpaid:
    due = balance.dues.get
    return Unpaid(
        holder=balance.holder,
        fund=balance.fund,
        amc=balance.amc,
        number=balance.number,
        issued_on=balance.issued_on,
        total=balance.total,
        due_amo=due(Share.AMO, ZERO),
        due_amc=due(Share.AMC, ZERO),
        due_patient=due(Share.PATIENT, ZERO),
        due_customer=due(Share.CUSTOMER, ZERO),
        agency=balance.agency,
        state=_state(balance),
        age_days=(as_of - balance.issued_on).days,
    )


def _state(balance: Balance) -> State:
    if any(due < 0 for due in balance.dues.values()):
        return State.OVERPAID
    if balance.rejected > 0:
        return State.REJECTED
    if sum(balance.dues.values(), ZERO) < balance.total:
        return State.PART_PAID
    return State.SENT if balance.sent else State.OPEN


@dataclass(frozen=True, slots=True)
class Bounds:
    """Amounts between two ends, both included; None = no end."""

    low: Decimal | None = None
    high: Decimal | None = None

    def hold(self, amount: Decimal) -> bool:
        """Whether the amount lies between them."""
        return (self.low is None or amount >= self.low) and (
            self.high is None or amount <= self.high
        )


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show. Texts match in part, whatever their case; the agency matches whole.

    amounts: bounds by column of AMOUNTS.
    sort:    a column of SORTS; `-` before it sorts downwards.
    size:    rows a page; 0 = all on one page. Pages count from 1.
    """

    number: str = ""
    holder: str = ""
    fund: str = ""
    amc: str = ""
    agency: str = ""
    issued_from: date | None = None
    issued_to: date | None = None
    amounts: Mapping[str, Bounds] = field(default_factory=dict)
    state: State | None = None
    sort: str = "issued_on"
    page: int = 1
    size: int = 0

    def __post_init__(self) -> None:
        unknown = {*self.amounts} - {*AMOUNTS} | {self.sort.lstrip("-")} - {*SORTS}
        if unknown or self.page < 1 or self.size < 0:
            raise ValueError(f"critère inconnu : {', '.join(sorted(unknown)) or 'page'}")


SORTS: Final = (*AMOUNTS, "holder", "fund", "amc", "number", "issued_on", "agency", "age_days")


def keep(row: Unpaid, filters: Filters) -> bool:
    """Whether a row passes every criterion."""
    return (
        filters.number.lower() in row.number.lower()
        and filters.holder.lower() in row.holder.lower()
        and filters.fund.lower() in row.fund.lower()
        and filters.amc.lower() in row.amc.lower()
        and filters.agency in ("", row.agency)
        and filters.state in (None, row.state)
        and (filters.issued_from is None or row.issued_on >= filters.issued_from)
        and (filters.issued_to is None or row.issued_on <= filters.issued_to)
        and all(bounds.hold(getattr(row, name)) for name, bounds in filters.amounts.items())
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums in € over all the pages: by column, and of the dues by age bucket."""

    invoices: int
    amounts: Mapping[str, Decimal]
    by_age: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list, and the totals of all its pages."""

    as_of: date
    rows: tuple[Unpaid, ...]
    totals: Totals
    page: int
    pages: int


def listing(balances: Iterable[Balance], as_of: date, filters: Filters) -> Listing:
    """Filter, sort, sum and cut: equal keys fall back on number, so pages never overlap."""
    rows = [row for row in unpaid_rows(balances, as_of) if keep(row, filters)]
    column = filters.sort.lstrip("-")
    rows.sort(key=lambda row: row.number)
    rows.sort(key=lambda row: getattr(row, column), reverse=filters.sort.startswith("-"))
    size = filters.size or max(len(rows), 1)
    first = (filters.page - 1) * size
    pages = max(-(-len(rows) // size), 1)
    return Listing(as_of, tuple(rows[first : first + size]), totals(rows), filters.page, pages)


def totals(rows: Sequence[Unpaid]) -> Totals:
    """Sums of the rows."""
    by_age: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        by_age[row.bucket] += row.due
    amounts = {name: sum((getattr(row, name) for row in rows), ZERO) for name in AMOUNTS}
    return Totals(len(rows), amounts, {name: by_age[name] for name in BUCKET_NAMES})

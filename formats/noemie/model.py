"""What a NOEMIE return says: transfer → invoice → share → outcome and reasons.

Amounts are signed cents. Source: NOEMIE PS, reference page §2; the hierarchy is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from formats.common.anomaly import Anomaly


class State(StrEnum):
    """Outcome of one share (198 and 199, column 14)."""

    PAID = "P"
    REJECTED = "R"
    DEFERRED = "D"
    UNTREATED = ""


class Share(StrEnum):
    """Who pays: obligatory (AMO) or complementary (AMC) insurance."""

    AMO = "AMO"
    AMC = "AMC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareReturn:
    """What was asked for one share, and what became of it (198 or 199)."""

    requested_cents: int
    state: State
    paid_cents: int  # signed: negative when taken back
    amc: str = ""  # recipient AMC (199 only)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionReason:
    """Why (294, or 290 of the older dialect). `code` as printed, e.g. `0250`."""

    code: str
    label: str
    level: str  # F facture, L ligne, A affiné
    share: Share
    act: str = ""
    done_on: date | None = None
    line: int = 0
    rank: int = 0
    complement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceReturn:
    """One invoice (102 or 100) and its outcome. `nir` is personal: 13 characters, no key."""

    number: str  # 9 characters
    lot: str
    lot_date: date | None
    invoice_date: date | None
    kind: str  # B flux B2, F FSE, D DRE, P papier…
    nir: str
    amo: ShareReturn | None
    amc: ShareReturn | None
    rejections: tuple[RejectionReason, ...]
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Money taken back or owed (250)."""

    reference: str
    recorded_on: date | None
    nature: str  # IND indu, ACC acompte…
    operation: str  # RPR retenue, CIN constat…
    amount_cents: int  # signed
    balance_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LumpSum:
    """A payment that belongs to no invoice (261)."""

    code: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One bank transfer (071, or 070) and what it pays, for one return type (081).

    A file without 071 has one transfer whose `made_on` is None.
    """

    made_on: date | None
    label: str  # lines 1 and 2, joined by a space
    payer: str
    payee: str  # 040
    return_type: str  # 01 electronic, 02 paper, 03 lump sums, 04 reminders, 05 recoveries
    invoices: tuple[InvoiceReturn, ...]
    recoveries: tuple[Recovery, ...] = ()
    lump_sums: tuple[LumpSum, ...] = ()
    comments: tuple[str, ...] = ()  # those that belong to no invoice

    @property
    def paid_cents(self) -> int:
        """Sum of the paid shares, signed; recoveries and lump sums are apart."""
        shares = (s for i in self.invoices for s in (i.amo, i.amc) if s)
        return sum(share.paid_cents for share in shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A whole return file. Anomalies are reported beside the content, never instead of it."""

    sender: str
    recipient: str
    file_id: str
    created_on: date | None
    transfers: tuple[Transfer, ...]
    anomalies: tuple[Anomaly, ...]

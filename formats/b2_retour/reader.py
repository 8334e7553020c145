"""Notices checked, and gathered into transfers: one for each organism and accounting day."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any, BinaryIO, Final

from formats.b2_retour.layout import Notice
from formats.common.anomaly import Anomaly, Code
from formats.common.identifiers import nir
from formats.fixedwidth import Layout, layout
from formats.judge import Judge
from formats.noemie.model import (
    InvoiceReturn,
    Recovery,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
)
from formats.report import LIMIT, Report
from formats.runon import records_in

UNKNOWN_OUTCOME = Code(
    "FMT-221",
    "Le type de retour « {value} » est inconnu : la part est tenue pour non traitée.",
    "Demandez sa signification au concentrateur.",
)
PAID_REJECTION = Code(
    "FMT-222",
    "La facture {invoice} est rejetée, mais {value} centimes sont annoncés payés.",
    "Vérifiez le virement reçu avec le concentrateur.",
)
REPEATED = Code(
    "FMT-223",
    "La part {share} de la facture {invoice} revient deux fois dans le même règlement.",
    "Seul le premier avis est retenu ; vérifiez le virement reçu.",
)

PAYMENT, REJECTION, RECOVERY, DISPUTE = "1236"
"""First digit of the type of return. Reference §2.5."""
STATES: Final = {
    PAYMENT: State.PAID,
    REJECTION: State.REJECTED,
    DISPUTE: State.DEFERRED,
}
"""What each outcome means for a share; a dispute is pending, hence deferred (guess)."""
SHARES: Final = {"1": (Share.AMO,), "2": (Share.AMC,), "3": (Share.AMO, Share.AMC)}
"""Second digit of the type of return."""

SHARES_REMEMBERED: Final = 50_000
"""Shares that a check compares with those to come, so that its memory stays flat."""

_TABLE: Final[Layout[Any]] = layout(Notice)
_FIRST: Final = ord("2")


def detect(head: bytes) -> bool:
    """Does a file that begins so look like notices? B2 and NOEMIE begin otherwise."""
    return head[:1] == b"2" and head[13:14] in b"1236" and head[14:15] in b"123"


def notices_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[Any]:
    """Every notice in order, None for one that can't be read; anomalies are added to `found`."""
    return records_in(stream, _table_of, found, file)


def _table_of(raw: bytes) -> Layout[Any] | None:
    return _TABLE if raw[0] == _FIRST else None


def check(stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
    """Every broken rule of a stream, in flat memory; never raises on its content."""
    checker = _Checker(file, limit)
    checker.take_all(notices_in(stream, checker.found, file))
    return checker.report()


def read(stream: BinaryIO, file: str = "") -> Return:
    """The whole return; what is wrong in it is in its `anomalies`, and never refuses the rest."""
    checker = _Checker(file, LIMIT, remembered=sys.maxsize)
    gathered: dict[tuple[str, date | None], _Gathered] = {}
    for notice in notices_in(stream, checker.found, file):
        checker.take(notice)
        if notice is not None:
            key = (notice.organism, notice.accounted_on)
            gathered.setdefault(key, _Gathered(notice)).add(notice)
    transfers = tuple(one.transfer() for one in gathered.values())
    return Return(
        sender=transfers[0].payer if transfers else "",
        recipient="",
        file_id="",
        created_on=None,
        transfers=transfers,
        anomalies=checker.report().anomalies,
    )


class _Checker(Judge):
    followers = {None: {Notice}, Notice: {Notice}}  # noqa: RUF012 - never changed
    end = None

    def __init__(
        self, file: str = "", limit: int = LIMIT, remembered: int = SHARES_REMEMBERED
    ) -> None:
        super().__init__(file, limit)
        self._remembered = remembered
        self._shares: set[tuple[object, ...]] = set()

    def _notice(self, item: Notice) -> None:
        if item.outcome not in (*STATES, RECOVERY):
            self._says(UNKNOWN_OUTCOME, "outcome")
        if item.share not in SHARES:
            self._says(UNKNOWN_OUTCOME, "share")
        paid = item.paid_amo_cents + item.paid_amc_cents
        if item.outcome == REJECTION and paid:
            zone, place = self._where("paid_amo_cents")
            values = {"record": "2", "zone": zone.shown, "invoice": item.invoice, "value": paid}
            self.found.append(Anomaly(PAID_REJECTION, place, values))
        if item.insured:
            self._key(nir, "insured", item.insured)
        if item.outcome != RECOVERY:
            self._once(item)

    def _once(self, item: Notice) -> None:
        """A share of an invoice has one notice for each transfer."""
        transfer = (item.organism, item.accounted_on)
        for share in SHARES.get(item.share, ()):
            key = (*transfer, *_invoice_key(item), share)
            if key in self._shares:
                values = {"record": "2", "invoice": item.invoice, "share": share.value}
                values |= {"zone": self._where("invoice")[0].shown, "value": item.invoice}
                self.found.append(Anomaly(REPEATED, self._where("invoice")[1], values))
            elif len(self._shares) < self._remembered:
                self._shares.add(key)

    handlers = {Notice: _notice}  # noqa: RUF012 - never changed


class _Gathered:
    """What one organism accounted on one day."""

    def __init__(self, first: Notice) -> None:
        self._first = first
        self._invoices: dict[tuple[object, ...], dict[str, Any]] = {}
        self._recoveries: list[Recovery] = []

    def add(self, item: Notice) -> None:
        if item.outcome == RECOVERY:
            self._recoveries.append(_recovery(item))
            return
        invoice = self._invoices.setdefault(_invoice_key(item), _opened(item))
        for share in SHARES.get(item.share, ()):
            if invoice[share.name.lower()] is not None:
                continue  # the first notice counts; the checker reports the second
            invoice[share.name.lower()] = _share(item, share)
            if item.code or item.label:
                invoice["rejections"] += (_reason(item, share),)

    def transfer(self) -> Transfer:
        invoices = tuple(InvoiceReturn(**values) for values in self._invoices.values())
        return Transfer(
            made_on=self._first.accounted_on,
            label="",
            payer=self._first.organism,
            payee="",
            return_type="",
            invoices=invoices,
            recoveries=tuple(self._recoveries),
        )


def _invoice_key(item: Notice) -> tuple[object, ...]:
    return (item.invoice, item.lot, item.invoice_date, item.insured)


def _opened(item: Notice) -> dict[str, Any]:
    return {
        "number": item.invoice,
        "lot": item.lot,
        "lot_date": None,
        "invoice_date": item.invoice_date,
        "kind": "",
        "nir": item.insured[:13],
        "amo": None,
        "amc": None,
        "rejections": (),
        "comments": (),
    }


def _share(item: Notice, share: Share) -> ShareReturn:
    asked, paid = item.amo_cents, item.paid_amo_cents
    if share is Share.AMC:
        asked, paid = item.amc_cents, item.paid_amc_cents
    state = STATES.get(item.outcome, State.UNTREATED)
    return ShareReturn(requested_cents=asked, state=state, paid_cents=paid)


def _reason(item: Notice, share: Share) -> RejectionReason:
    return RejectionReason(code=item.code, label=item.label, level="F", share=share)


def _recovery(item: Notice) -> Recovery:
    """Money taken back on an invoice: negative, and referred to by its number."""
    return Recovery(
        reference=item.invoice,
        recorded_on=item.invoice_date,
        nature="IND",
        operation="RPR",
        amount_cents=-(item.paid_amo_cents + item.paid_amc_cents),
        balance_cents=0,
    )

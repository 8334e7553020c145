"""Entities, in whatever order they come, gathered into transfers and invoices.

The hierarchy is a guess (reference §2.1), so nothing depends on levels: an entity joins the last
invoice or transfer begun. Controls (990, 999) are compared and reported, never obeyed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from formats.common.anomaly import Anomaly, Code, Place
from formats.noemie import entities as e
from formats.noemie.model import (
    InvoiceReturn,
    LumpSum,
    Recovery,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
)

CONTROL = Code(
    "FMT-211",
    "L'entité {entity} annonce {announced} pour « {what} », le fichier contient {found}.",
    "Le retour est pris en compte ; vérifiez le virement reçu.",
)
NO_HEAD = Code(
    "FMT-212",
    "Le retour ne commence pas par une entité 000.",
    "Vérifiez que le fichier est bien un retour NOEMIE entier.",
)
NO_END = Code(
    "FMT-213",
    "Le retour ne se termine pas par une entité 999.",
    "Demandez une nouvelle copie du retour : la fin manque.",
)
STRAY = Code(
    "FMT-214",
    "L'entité {entity} arrive avant toute facture : elle n'est rattachée à rien.",
    "Vérifiez le retour avec l'organisme payeur.",
)

STATE = Code(
    "FMT-215",
    "L'entité {entity} porte l'état inconnu « {state} » : la part est tenue pour non traitée.",
    "Signalez-le : la norme du retour est peut-être plus récente que la nôtre.",
)


class Builder:
    """What has been understood of a return so far; without `keep` only anomalies are."""

    def __init__(self, found: list[Anomaly], file: str, *, keep: bool = True) -> None:
        self._found = found
        self._file = file
        self._keep = keep
        self._rank = 0
        self._start: e.FileStart | None = None
        self._ended = False
        self._payee = ""
        self._lot: e.Lot | None = None
        self._transfers: list[Transfer] = []
        self._transfer: dict[str, Any] | None = None
        self._invoice: dict[str, Any] | None = None
        self._seen = _Seen()

    def take(self, entity: object) -> None:
        """Place one entity; what we can't read has been reported and is skipped."""
        self._rank += 1
        self._ended = False  # what follows a 999 isn't its file's
        handler = _HANDLERS.get(type(entity))
        if handler:
            handler(self, entity)

    def result(self) -> Return:
        """The whole return, once its entities are exhausted."""
        self._close_transfer()
        if self._start is None:
            self._report(NO_HEAD, 1)
        if not self._ended:
            self._report(NO_END, max(self._rank, 1))
        start = self._start
        return Return(
            sender=start.sender if start else "",
            recipient=start.recipient if start else "",
            file_id=start.file_id if start else "",
            created_on=start.created_on if start else None,
            transfers=tuple(self._transfers),
            anomalies=tuple(self._found),
        )

    def _report(self, code: Code, line: int, **values: object) -> None:
        self._found.append(Anomaly(code, Place(self._file, line), values))

    # Transfers

    def _file_start(self, entity: e.FileStart) -> None:
        self._start = entity

    def _take_payee(self, entity: e.Payee) -> None:
        self._close_transfer()
        self._payee = entity.payee

    def _transfer_start(self, entity: e.TransferStart) -> None:
        self._open_transfer()
        label = f"{entity.label} {entity.label_2}".strip()
        self._current().update(made_on=entity.made_on, label=label, payer=entity.payer)
        self._seen.open("071")

    def _accounting_day(self, entity: e.AccountingDay) -> None:
        self._open_transfer()
        payer = self._start.sender if self._start else ""
        self._current().update(made_on=entity.made_on, payer=payer)
        self._seen.open("070")

    def _return_type(self, entity: e.ReturnType) -> None:
        """A transfer that pays a second type of return is told apart, with the same label."""
        self._close_invoice()
        current = self._current()
        if current["return_type"] not in ("", entity.code):
            again = {name: current[name] for name in ("made_on", "label", "payer")}
            self._open_transfer()
            self._current().update(again)
        self._current()["return_type"] = entity.code

    def _take_lot(self, entity: e.Lot) -> None:
        self._lot = entity

    def _debt_movement(self, entity: e.DebtMovement) -> None:
        amount = _signed(entity.amount_cents, entity.sign)
        self._seen.other(amount)
        self._keep_in(
            "recoveries",
            Recovery(
                reference=entity.reference,
                recorded_on=entity.recorded_on,
                nature=entity.nature,
                operation=entity.operation,
                amount_cents=amount,
                balance_cents=entity.balance_cents,
            ),
        )

    def _lump_payment(self, entity: e.LumpPayment) -> None:
        self._seen.other(entity.amount_cents)
        lump = LumpSum(code=entity.code, amount_cents=entity.amount_cents)
        self._keep_in("lump_sums", lump)

    def _keep_in(self, kind: str, item: object) -> None:
        """Add to the current transfer; a check keeps nothing, so that memory stays flat."""
        current = self._current()
        if self._keep:
            current[kind].append(item)

    def _current(self) -> dict[str, Any]:
        if self._transfer is None:
            self._open_transfer()
        assert self._transfer is not None
        return self._transfer

    def _open_transfer(self) -> None:
        self._close_transfer()
        self._transfer = {"made_on": None, "label": "", "payer": "", "return_type": ""}
        self._transfer |= {"invoices": [], "recoveries": [], "lump_sums": [], "comments": []}

    def _close_transfer(self) -> None:
        self._close_invoice()
        if self._transfer is not None and self._keep:
            lists = {k: tuple(v) for k, v in self._transfer.items() if isinstance(v, list)}
            self._transfers.append(Transfer(**(self._transfer | lists), payee=self._payee))
        self._transfer = None

    # Invoices

    def _invoice_start(self, entity: e.InvoiceStart) -> None:
        self._open_invoice(
            number=entity.number,
            lot=entity.lot,
            lot_date=entity.lot_date,
            invoice_date=entity.invoice_date,
            kind=entity.kind,
        )

    def _old_invoice(self, entity: e.OldInvoice) -> None:
        lot = self._lot
        self._open_invoice(
            number=entity.number,
            lot=lot.number if lot else "",
            lot_date=lot.created_on if lot else None,
            invoice_date=None,
            kind="",
        )

    def _open_invoice(self, **known: Any) -> None:
        self._close_invoice()
        self._current()
        self._invoice = known | {"nir": "", "amo": None, "amc": None}
        self._invoice |= {"rejections": [], "comments": []}
        self._seen.open_invoice()

    def _close_invoice(self) -> None:
        if self._invoice is not None and self._keep:
            lists = {k: tuple(v) for k, v in self._invoice.items() if isinstance(v, list)}
            self._current()["invoices"].append(InvoiceReturn(**(self._invoice | lists)))
        self._invoice = None

    def _person(self, entity: e.Person | e.Insured) -> None:
        self._seen.persons += 1
        if invoice := self._owner(entity):
            invoice["nir"] = entity.nir

    def _amo_share(self, entity: e.AmoShare) -> None:
        self._share(entity, "amo", amc="")

    def _amc_share(self, entity: e.AmcShare) -> None:
        self._share(entity, "amc", amc=entity.amc)

    def _share(self, entity: e.AmoShare | e.AmcShare, share: str, amc: str) -> None:
        paid = _signed(entity.paid_cents, entity.sign)
        self._seen.share(paid)
        invoice = self._owner(entity)
        if invoice is None:
            return
        if entity.state not in _STATES:
            name = _NAMES[type(entity)]
            self._report(STATE, self._rank, entity=name, state=entity.state)
        invoice[share] = ShareReturn(
            requested_cents=entity.requested_cents,
            state=_STATES.get(entity.state, State.UNTREATED),
            paid_cents=paid,
            amc=amc,
        )

    def _rejection(self, entity: e.Rejection) -> None:
        if invoice := self._owner(entity):
            invoice["rejections"].append(
                RejectionReason(
                    code=entity.code,
                    label=entity.label,
                    level=entity.rejection_level,
                    share=Share.AMC if entity.share == "C" else Share.AMO,
                    act=entity.act,
                    done_on=entity.done_on,
                    line=entity.line,
                    rank=entity.rank,
                    complement=entity.complement,
                )
            )

    def _old_rejection(self, entity: e.OldRejection) -> None:
        level = "L" if entity.line else "F"
        if invoice := self._owner(entity):
            invoice["rejections"].append(
                RejectionReason(
                    code=entity.code,
                    label=entity.label,
                    level=level,
                    share=Share.AMO,
                    line=entity.line,
                )
            )

    def _comment(self, entity: e.Comment) -> None:
        if self._invoice is None:
            self._keep_in("comments", entity.comment)
        else:
            self._invoice["comments"].append(entity.comment)

    def _owner(self, entity: object) -> dict[str, Any] | None:
        """The invoice an entity belongs to; without one it is reported."""
        if self._invoice is None:
            self._report(STRAY, self._rank, entity=_NAMES[type(entity)])
        return self._invoice

    # Controls

    def _control(self, entity: e.Control) -> None:
        """Compare a 990 with what it closes; only invoices and transfers are understood."""
        counts, amounts = self._seen.close(entity.closed[:3])
        if not counts:
            return
        self._close_invoice()
        self._compare("990", "compteur", entity.count, counts)
        self._compare("990", "cumul", _signed(entity.amount_cents, entity.sign), amounts)

    def _file_end(self, entity: e.FileEnd) -> None:
        self._ended = True
        self._compare("999", "nombre d'enregistrements", entity.records, {self._rank})
        amount = _signed(entity.amount_cents, entity.sign)
        self._compare("999", "cumul", amount, self._seen.file_amounts())

    def _compare(self, entity: str, what: str, announced: int, found: set[int]) -> None:
        if announced not in found:
            shown = " ou ".join(map(str, sorted(found)))
            self._report(
                CONTROL, self._rank, entity=entity, what=what, announced=announced, found=shown
            )


class _Seen:
    """Running counts and sums of the open invoice, the open transfer and the file."""

    def __init__(self) -> None:
        self.persons = 0
        self._shares = self._invoice_paid = 0
        self._invoices = self._paid = self._others = 0
        self._file_paid = self._file_others = 0
        self._closing = ""

    def open(self, closing: str) -> None:
        self._closing = closing
        self._invoices = self._paid = self._others = 0

    def open_invoice(self) -> None:
        self._invoices += 1
        self.persons = self._shares = self._invoice_paid = 0

    def share(self, paid: int) -> None:
        self._shares += 1
        self._invoice_paid += paid
        self._paid += paid
        self._file_paid += paid

    def other(self, amount: int) -> None:
        self._others += amount
        self._file_others += amount

    def close(self, closed: str) -> tuple[set[int], set[int]]:
        """Counters and amounts that a 990 closing this entity may announce (guess)."""
        if closed in ("100", "102"):
            return {self.persons, self._shares}, {self._invoice_paid}
        if closed == self._closing and closed:
            return {self._invoices}, {self._paid, self._paid + self._others}
        return set(), set()

    def file_amounts(self) -> set[int]:
        """Total of the file, with and without recoveries and lump sums (guess)."""
        return {self._file_paid, self._file_paid + self._file_others}


_STATES: Final = {state.value: state for state in State}
_NAMES: Final = {cls: number for number, cls in e.ENTITIES.items()}

_HANDLERS: Final[dict[type, Callable[[Builder, Any], None]]] = {
    e.FileStart: Builder._file_start,
    e.Payee: Builder._take_payee,
    e.AccountingDay: Builder._accounting_day,
    e.TransferStart: Builder._transfer_start,
    e.Lot: Builder._take_lot,
    e.ReturnType: Builder._return_type,
    e.OldInvoice: Builder._old_invoice,
    e.InvoiceStart: Builder._invoice_start,
    e.Person: Builder._person,
    e.Insured: Builder._person,
    e.AmoShare: Builder._amo_share,
    e.AmcShare: Builder._amc_share,
    e.DebtMovement: Builder._debt_movement,
    e.LumpPayment: Builder._lump_payment,
    e.OldRejection: Builder._old_rejection,
    e.Rejection: Builder._rejection,
    e.Comment: Builder._comment,
    e.Control: Builder._control,
    e.FileEnd: Builder._file_end,
}


def _signed(amount: int, sign: str) -> int:
    return -amount if sign == "N" else amount

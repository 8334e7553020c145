"""Entities, in whatever order they come, gathered into transfers and invoices.

The hierarchy is a guess (reference §2.1), so nothing depends on levels: an entity joins the last
invoice or transfer begun. Controls (990, 999), keys and tables of values are compared and reported,
never obeyed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from formats.common.anomaly import MASKED, Anomaly, Code, Place
from formats.common.identifiers import nir
from formats.fixedwidth import Zone, layout
from formats.judge import DIFFERS, KEYS_REMEMBERED
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
    "L'entité {record} annonce {value} pour « {zone} », le fichier contient {expected}.",
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
    "L'entité {record} arrive avant toute facture : elle n'est rattachée à rien.",
    "Vérifiez le retour avec l'organisme payeur.",
)

STATE = Code(
    "FMT-215",
    "L'entité {record} porte l'état inconnu « {value} » : la part est tenue pour non traitée.",
    "Signalez-le : la norme du retour est peut-être plus récente que la nôtre.",
)

SIGN = Code(
    "FMT-216",
    "L'entité {record} porte le signe « {value} », ni P ni N : on ne sait qui doit la somme.",
    "Demandez une nouvelle copie du retour à l'organisme.",
)
VALUE = Code(
    "FMT-217",
    "Entité {record}, zone « {zone} » : « {value} » n'est pas dans la table de la norme"
    " ({expected}).",
    "Signalez-la : la norme du retour est peut-être plus récente que la nôtre.",
)


class Builder:
    """What has been understood of a return so far; without `keep` only anomalies are."""

    def __init__(self, found: list[Anomaly], file: str, *, keep: bool = True) -> None:
        self._found = found
        self._file = file
        self._keep = keep
        self._rank = self._offset = 0
        self._item: Any = None
        self._first: tuple[str, Place] = ("", Place(file, 1, 1, 3, _octet(0)))
        self._keys: set[str] = set()  # NIRs whose key is right
        self._start: e.FileStart | None = None
        self._ended = False
        self._payee = ""
        self._lot: e.Lot | None = None
        self._transfers: list[Transfer] = []
        self._transfer: dict[str, Any] | None = None
        self._invoice: dict[str, Any] | None = None
        self._seen = _Seen()

    def take(self, entity: object, offset: int) -> None:
        """Place one entity, that begins at a byte; what we can't read has been reported."""
        self._rank += 1
        self._offset, self._item = offset, entity
        self._ended = False  # what follows a 999 isn't its file's
        if self._rank == 1:
            self._first = (_NAMES.get(type(entity), ""), self._place(_TYPE))
        kind = type(entity)
        for field, code, allowed in _ALLOWED.get(kind, ()):
            if getattr(entity, field) not in allowed:
                self._says(code, field, ", ".join(allowed))
        handler = _HANDLERS.get(kind)
        if handler:
            handler(self, entity)

    def result(self) -> Return:
        """The whole return, once its entities are exhausted."""
        self._close_transfer()
        if self._start is None:
            self._report(NO_HEAD, self._first[1], "000", _TYPE.shown, self._first[0])
        if not self._ended:
            last = _NAMES.get(type(self._item), "")
            self._report(NO_END, self._place(_TYPE), "999", _TYPE.shown, last)
        start = self._start
        return Return(
            sender=start.sender if start else "",
            recipient=start.recipient if start else "",
            file_id=start.file_id if start else "",
            created_on=start.created_on if start else None,
            transfers=tuple(self._transfers),
            anomalies=tuple(self._found),
        )

    # What is said, and where

    def _place(self, zone: Zone) -> Place:
        return Place(self._file, max(self._rank, 1), zone.start, zone.end, _octet(self._offset))

    def _says(self, code: Code, field: str, expected: object = "", reference: str = "") -> None:
        """An anomaly on one field of the current entity."""
        zone = _zone(type(self._item), field)
        value = getattr(self._item, field)
        if zone.personal:
            value = expected = MASKED
        name = _NAMES[type(self._item)]
        self._report(code, self._place(zone), name, zone.shown, value, expected, reference)

    def _report(
        self,
        code: Code,
        place: Place,
        record: str,
        zone: str,
        value: object,
        expected: object = "",
        reference: str = "",
    ) -> None:
        values = {"record": record, "zone": zone, "value": value, "expected": expected}
        self._found.append(Anomaly(code, place, values | {"reference": reference}))

    def _nir_key(self, number: str, key: str, field: str) -> None:
        """The key of a NIR of the current entity; a blank or zero number is unknown."""
        whole = number + key
        if whole in self._keys or not number.strip("0"):
            return
        if wrong := nir.check(whole):
            zone = _zone(type(self._item), field)
            named = {"record": _NAMES[type(self._item)], "zone": zone.shown, "value": MASKED}
            self._found.append(Anomaly(wrong.code, self._place(zone), {**wrong.values, **named}))
        elif len(self._keys) < KEYS_REMEMBERED:
            self._keys.add(whole)

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
        self._seen.open_transfer("071")

    def _accounting_day(self, entity: e.AccountingDay) -> None:
        self._open_transfer()
        payer = self._start.sender if self._start else ""
        self._current().update(made_on=entity.made_on, payer=payer)
        self._seen.open_transfer("070")

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
        self._seen.lots += 1

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

    def _lump_detail(self, entity: e.LumpDetail) -> None:
        self._nir_key(entity.nir, entity.nir_key, "nir")

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
        self._seen.parts += 1
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
        self._seen.lots_named.add(entity.lot)
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

    def _person(self, entity: e.Person) -> None:
        self._insured(entity)
        self._nir_key(entity.own_nir, entity.own_nir_key, "own_nir")

    def _insured(self, entity: e.Person | e.Insured) -> None:
        self._seen.persons += 1
        self._nir_key(entity.nir, entity.nir_key, "nir")
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
            self._says(STATE, "state")
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
            name = _NAMES[type(entity)]
            self._report(STRAY, self._place(_TYPE), name, _TYPE.shown, name)
        return self._invoice

    # Controls

    def _control(self, entity: e.Control) -> None:
        """Compare a 990 with what it closes; only invoices and transfers are understood."""
        counts, amounts = self._seen.close(entity.closed[:3])
        if not counts:
            return
        self._close_invoice()
        self._compare("count", entity.count, counts)
        self._compare("amount_cents", _signed(entity.amount_cents, entity.sign), amounts)

    def _file_end(self, entity: e.FileEnd) -> None:
        """What the file adds up to, and the addresses of its 000 (§1.4, rule 1)."""
        self._ended = True
        self._compare("records", entity.records, {self._rank})
        self._compare("batches", entity.batches, self._seen.batches())
        amount = _signed(entity.amount_cents, entity.sign)
        self._compare("amount_cents", amount, self._seen.file_amounts())
        for field in _REPEATED if self._start else ():
            said, expected = getattr(entity, field), getattr(self._start, field)
            if said and said != expected:
                self._says(DIFFERS, field, expected, "entité 000")

    def _compare(self, field: str, announced: int, found: set[int]) -> None:
        """What a control says, signed, against what was counted (some guesses leave a choice)."""
        if announced not in found:
            zone = _zone(type(self._item), field)
            shown = " ou ".join(map(str, sorted(found)))
            name = _NAMES[type(self._item)]
            self._report(CONTROL, self._place(zone), name, zone.shown, announced, shown)


class _Seen:
    """Running counts and sums of the open invoice, the open transfer and the file."""

    def __init__(self) -> None:
        self.persons = self.lots = 0
        self.parts = 0  # transfers told apart by type of return, one without 070 or 071 included
        self.lots_named: set[str] = set()  # of 102: three characters, so it stays small
        self._transfers = 0
        self._shares = self._invoice_paid = 0
        self._invoices = self._paid = self._others = 0
        self._file_paid = self._file_others = 0
        self._closing = ""

    def open_transfer(self, closing: str) -> None:
        self._transfers += 1
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

    def batches(self) -> set[int]:
        """What a 999 may count as lots: transfers, lots of 080, or those 102 names (guess)."""
        counted = {self._transfers, self.parts, self.lots, len(self.lots_named)}
        return counted - {0} or {0}

    def file_amounts(self) -> set[int]:
        """Total of the file, with and without recoveries and lump sums (guess)."""
        return {self._file_paid, self._file_paid + self._file_others}


_STATES: Final = {state.value: state for state in State}
_NAMES: Final = {cls: number for number, cls in e.ENTITIES.items()}
_TYPE: Final = layout(e.FileStart).zones[0]
"""The number of an entity, columns 1-3 of each."""
_REPEATED: Final = (
    "sender_type",
    "sender",
    "sender_program",
    "recipient_type",
    "recipient",
    "recipient_program",
    "application",
    "file_id",
)
"""Columns 4-55 of 000, the same in 999 unless left blank there. Reference §1.4, rule 1."""
_SIGNED: Final = ("sign", SIGN, ("P", "N", ""))
_ALLOWED: Final[Mapping[type, tuple[tuple[str, Code, tuple[str, ...]], ...]]] = {
    e.ReturnType: (("code", VALUE, ("01", "02", "03", "04", "05", "00")),),
    e.InvoiceStart: (("kind", VALUE, tuple("ABCDEFLPR")),),
    e.AmoShare: (_SIGNED,),
    e.AmcShare: (_SIGNED,),
    e.DebtMovement: (_SIGNED,),
    e.Rejection: (("share", VALUE, ("O", "C")), ("rejection_level", VALUE, ("A", "L", "F"))),
    e.Control: (_SIGNED,),
    e.FileEnd: (_SIGNED,),
}
"""Values of the columns a result is made from. Reference §2.3; a blank sign is positive."""

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
    e.Insured: Builder._insured,
    e.AmoShare: Builder._amo_share,
    e.AmcShare: Builder._amc_share,
    e.DebtMovement: Builder._debt_movement,
    e.LumpPayment: Builder._lump_payment,
    e.LumpDetail: Builder._lump_detail,
    e.OldRejection: Builder._old_rejection,
    e.Rejection: Builder._rejection,
    e.Comment: Builder._comment,
    e.Control: Builder._control,
    e.FileEnd: Builder._file_end,
}


def _signed(amount: int, sign: str) -> int:
    return -amount if sign == "N" else amount


def _zone(kind: type, field: str) -> Zone:
    return next(zone for zone in layout(kind).fields if zone.name == field)


def _octet(offset: int) -> str:
    return f"octet {offset}"

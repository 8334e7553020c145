"""NOEMIE returns → outcomes by transfer and share, in the words of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from billing.ledger import Share
from billing.money import unscaled
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.noemie.model import InvoiceReturn, Return, ShareReturn, State, Transfer

UNDATED: Final = Code(
    "TEL-201",
    "Le retour {file_id} ne porte ni date comptable ni date de création.",
    "Demander un nouvel envoi du retour à l'organisme.",
)

WITHHELD: Final = "RPR"
"""The operation of a 250 that lowers the transfer; others only tell of a debt (guess)."""
INVOICE_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an organism says of one share of one invoice; amounts in €, `paid` signed.

    rank: from 1, among the same invoice, share and sign of a transfer and return type.
    number: empty for a lump sum (261) or a recovery (250), which `reasons` name.
    """

    return_type: str
    number: str
    share: Share
    rank: int
    state: State
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
    """One transfer: payer, date and label, or payer and accounting date when 071 is missing.

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
        return sum((outcome.paid for outcome in self.outcomes), Decimal(0))


def transfers_of(file: Return) -> tuple[BankTransfer, ...]:
    """The transfers of a file in date order, each once, whatever its return types.

    Raises AnomaliesFound (TEL-201) when neither the transfer nor the file is dated.
    """
    by_key: dict[str, list[tuple[Transfer, date]]] = {}
    for transfer in file.transfers:
        made_on = transfer.made_on or file.created_on
        if made_on is None:
            raise AnomaliesFound(Anomaly(UNDATED, values={"file_id": file.file_id}))
        by_key.setdefault(_key(transfer, file, made_on), []).append((transfer, made_on))
    made = (_bank_transfer(key, parts, file) for key, parts in by_key.items())
    return tuple(sorted(made, key=lambda transfer: transfer.made_on))


def _key(transfer: Transfer, file: Return, made_on: date) -> str:
    payer = transfer.payer or file.sender.lstrip("0")
    return "|".join((payer, made_on.isoformat(), transfer.label)).rstrip("|")


def _bank_transfer(key: str, parts: list[tuple[Transfer, date]], file: Return) -> BankTransfer:
    first, made_on = parts[0]
    ranks: Counter[tuple[str, str, Share, str]] = Counter()
    outcomes = []
    for transfer, _ in parts:
        for said in _said(transfer):
            place = (said.return_type, said.number, said.share, said.sign)
            ranks[place] += 1
            outcomes.append(replace(said, rank=ranks[place]))
    payer = first.payer or file.sender.lstrip("0")
    payee = first.payee or file.recipient
    return BankTransfer(key, payer, payee, made_on, first.label, tuple(outcomes))


def _said(transfer: Transfer) -> Iterator[Outcome]:
    for invoice in transfer.invoices:
        for share, returned in ((Share.AMO, invoice.amo), (Share.AMC, invoice.amc)):
            if returned and returned.state is not State.UNTREATED:
                yield _outcome(transfer.return_type, invoice, share, returned)
    for lump in transfer.lump_sums:
        yield _loose(transfer, ("261", lump.code), lump.amount_cents)
    for recovery in transfer.recoveries:
        taken = recovery.amount_cents if recovery.operation == WITHHELD else 0
        yield _loose(transfer, ("250", recovery.reference.strip()), taken)


def _outcome(
    return_type: str, invoice: InvoiceReturn, share: Share, returned: ShareReturn
) -> Outcome:
    return Outcome(
        return_type=return_type,
        number=invoice.number.strip(),
        share=share,
        rank=0,
        state=returned.state,
        asked=unscaled(returned.requested_cents, 2),
        paid=unscaled(returned.paid_cents, 2),
        reasons=tuple((r.code, r.label) for r in invoice.rejections if r.share.value == share),
        lot=invoice.lot.strip(),
    )


def _loose(transfer: Transfer, reason: tuple[str, str], cents: int) -> Outcome:
    """Money outside invoices; a recovery whose reference is an invoice number finds it."""
    number = reason[1] if len(reason[1]) == INVOICE_DIGITS and reason[1].isdigit() else ""
    return Outcome(
        return_type=transfer.return_type,
        number=number,
        share=Share.AMO,
        rank=0,
        state=State.PAID,
        asked=Decimal(0),
        paid=unscaled(cents, 2),
        reasons=(reason,),
    )

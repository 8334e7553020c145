"""From entities, or from a whole result, to the bytes of a return.

Funds write returns; we do it for tests and for the simulated fund of the demo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from formats.common import identifiers
from formats.common.anomaly import AnomaliesFound
from formats.fixedwidth import encode_all
from formats.noemie import entities as e
from formats.noemie.model import (
    InvoiceReturn,
    LumpSum,
    Recovery,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    Transfer,
)
from formats.noemie.reader import read

_LABEL = 32  # columns of one line of the label of a transfer (071)


def write(entities: Iterable[object]) -> bytes:
    """Entities run on, as they are; raises AnomaliesFound with every value that doesn't fit."""
    return encode_all(entities)


def write_return(result: Return, *, norm: str = "0578") -> bytes:
    """A return that reads back the same and in which the reader finds nothing.

    Raises AnomaliesFound with what doesn't fit, or with what the reader would report.
    """
    content = write(entities_of(result, norm=norm))
    back = read(BytesIO(content))
    if back.anomalies:
        raise AnomaliesFound(*back.anomalies)
    if back != result:
        raise AssertionError("a return doesn't read back as it was written")
    return content


def entities_of(result: Return, *, norm: str = "0578") -> list[object]:
    """The entities that read back as `result`, with their controls 990 and 999 computed.

    A transfer without date has no 071. Levels of break follow the constructed sample (guess).
    """
    addresses: dict[str, Any] = {
        "sender_type": "CT",
        "sender": result.sender,
        "recipient_type": "TP",
        "recipient": result.recipient,
        "application": "NO",
        "file_id": result.file_id,
    }
    start = e.FileStart(
        **addresses, norm=norm, created_on=result.created_on, currency="U", length="128"
    )
    body = [entity for transfer in result.transfers for entity in _transfer(transfer)]
    total = sum(_total(transfer) for transfer in result.transfers)
    end = e.FileEnd(
        **addresses,
        records=len(body) + 2,
        batches=len(result.transfers),
        amount_cents=abs(total),
        sign=_sign(total),
    )
    return [start, *body, end]


def _transfer(transfer: Transfer) -> Iterator[object]:
    if transfer.payee:
        yield e.Payee(level="02", payee=transfer.payee)
    if transfer.made_on:
        first, second = _two_lines(transfer.label)
        yield e.TransferStart(
            level="02",
            made_on=transfer.made_on,
            label=first,
            label_2=second,
            payer=transfer.payer,
        )
    if transfer.return_type:
        yield e.ReturnType(level="03", code=transfer.return_type)
    yield from (_comment(text) for text in transfer.comments)
    for invoice in transfer.invoices:
        yield from _invoice(invoice)
    yield from map(_recovery, transfer.recoveries)
    yield from map(_lump_sum, transfer.lump_sums)
    if transfer.made_on:
        yield _control("071", len(transfer.invoices), _total(transfer))


def _two_lines(label: str) -> tuple[str, str]:
    """Cut at a blank, so that it reads back; a first word that is too long won't fit."""
    if len(label) <= _LABEL:
        return label, ""
    first, _, second = label[: _LABEL + 1].rpartition(" ")
    return first or label, second + label[_LABEL + 1 :] if first else ""


def _invoice(invoice: InvoiceReturn) -> Iterator[object]:
    yield e.InvoiceStart(
        level="04",
        number=invoice.number,
        lot=invoice.lot,
        lot_date=invoice.lot_date,
        kind=invoice.kind,
        invoice_date=invoice.invoice_date,
    )
    if invoice.nir:
        key = identifiers.nir.key(invoice.nir)
        yield e.Person(level="05", nir=invoice.nir, nir_key=key)
    if invoice.amo:
        yield e.AmoShare(level="06", **_share(invoice.amo))
    if invoice.amc:
        yield e.AmcShare(level="06", **_share(invoice.amc), amc=invoice.amc.amc or "0" * 10)
    yield from map(_rejection, invoice.rejections)
    yield from (_comment(text) for text in invoice.comments)
    shares = [share for share in (invoice.amo, invoice.amc) if share]
    yield _control("102", len(shares), sum(share.paid_cents for share in shares))


def _share(share: ShareReturn) -> dict[str, Any]:
    return {
        "requested_cents": share.requested_cents,
        "state": share.state.value,
        "paid_cents": abs(share.paid_cents),
        "sign": _sign(share.paid_cents),
    }


def _rejection(reason: RejectionReason) -> object:
    return e.Rejection(
        level="07",
        code=reason.code,
        label=reason.label,
        rejection_level=reason.level,
        share="C" if reason.share is Share.AMC else "O",
        act=reason.act,
        done_on=reason.done_on,
        line=reason.line,
        rank=reason.rank,
        complement=reason.complement,
    )


def _comment(text: str) -> object:
    return e.Comment(level="07", comment=text)


def _recovery(recovery: Recovery) -> object:
    return e.DebtMovement(
        level="04",
        reference=recovery.reference,
        recorded_on=recovery.recorded_on,
        nature=recovery.nature,
        operation=recovery.operation,
        amount_cents=abs(recovery.amount_cents),
        sign=_sign(recovery.amount_cents),
        balance_cents=recovery.balance_cents,
    )


def _lump_sum(lump: LumpSum) -> object:
    return e.LumpPayment(level="04", code=lump.code, amount_cents=lump.amount_cents)


def _control(closed: str, count: int, amount: int) -> object:
    return e.Control(
        level="99", closed=closed, count=count, amount_cents=abs(amount), sign=_sign(amount)
    )


def _total(transfer: Transfer) -> int:
    """What the transfer moves: shares, lump sums and recoveries."""
    others = sum(item.amount_cents for item in transfer.recoveries + transfer.lump_sums)
    return transfer.paid_cents + others


def _sign(amount: int) -> str:
    return "N" if amount < 0 else "P"

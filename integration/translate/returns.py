"""NOEMIE returns → outcomes by transfer and share, in the words of the ledger.

A damaged file is refused whole. Controls that don't add up, wrong keys of persons, entities and
values newer than our tables are reported and never a reason to refuse (spec of teletransmission,
"Decisions"); a sign that is neither P nor N is, since it says who owes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Final

from billing.ledger import Share
from billing.money import unscaled
from billing.settlement import Answer, BankTransfer, Outcome
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.common.identifiers import KEY, SHAPE
from formats.judge import DIFFERS
from formats.noemie import InvoiceReturn, Return, ShareReturn, State, Transfer, read
from formats.noemie.reader import UNKNOWN
from formats.noemie.tree import CONTROL, STATE, VALUE
from integration.flows.returns import take_returns
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse

UNDATED: Final = Code(
    "TEL-201",
    "Le retour {file_id} ne porte ni date comptable ni date de création.",
    "Demandez un nouvel envoi du retour à l'organisme.",
)

WITHHELD: Final = "RPR"
"""The operation of a 250 that lowers the transfer; others only tell of a debt (guess)."""
INVOICE_DIGITS: Final = 9
TOLERATED: Final = (CONTROL, DIFFERS, KEY, SHAPE, STATE, UNKNOWN, VALUE)


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
        answer=Answer(returned.state.value),
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
        answer=Answer.PAID,
        asked=Decimal(0),
        paid=unscaled(cents, 2),
        reasons=(reason,),
    )


# --- the flow ---------------------------------------------------------------------------------


def _detect(data: bytes, file: str) -> bool:
    """A header 000 of application `NO` (entity 000, columns 48-49)."""
    del file
    return data[:3] == b"000" and data[47:49] == b"NO"


def _read(data: bytes, file: str) -> Records[BankTransfer]:
    result = read(BytesIO(data), file)
    refuse([anomaly for anomaly in result.anomalies if anomaly.code not in TOLERATED])
    items = [Record(transfer, lambda path: Place(file)) for transfer in transfers_of(result)]
    return Records(items, result.anomalies, _identity(result))


def _identity(file: Return) -> str:
    """Who numbered the file, for whom and when; none for a file without number or day."""
    if not file.file_id.strip(" 0") or file.created_on is None:
        return ""
    return "|".join((file.sender, file.recipient, file.file_id, file.created_on.isoformat()))


def _apply(intake: Intake, records: Records[BankTransfer]) -> Applied:
    report = take_returns(
        intake.connection,
        intake.organisation_id,
        [record.value for record in records],
        intake.settings.accounts.plan(),
        intake.received_file_id,
    )
    counts = {
        "virements": report.transfers,
        "lignes prises": report.lines,
        "lignes rejetées": report.refused,
        "lignes différées": report.deferred,
        "lignes déjà connues": report.ignored,
        "lignes en attente": report.unmatched,
    }
    return Applied(counts, (*records.notices, *report.anomalies))


def _schema() -> str:
    return "NOEMIE PS, entités 000 à 999 : « echeance format show noemie »\n"


FLOW: Final = Flow("returns", "retours NOEMIE", _detect, _read, _apply, _schema, personal=True)

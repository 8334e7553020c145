"""Payments typed or exported elsewhere: one line a payment of one share of one invoice."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from billing.ledger import Share
from integration.flows.settlement import PROFIT_AND_LOSS, Payment, record_payments
from integration.translate.fields import Day, Key, Number, Row, Text, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records
from integration.translate.tabular import csv_schema, read_rows, recognises

INTERNAL: Final = frozenset(("perte/profit", "pertes/profits", "perte", "profit"))

ShareWord = Annotated[
    Share,
    words(
        {
            "amo": Share.AMO,
            "amc": Share.AMC,
            "patient": Share.PATIENT,
            "client": Share.CUSTOMER,
            "customer": Share.CUSTOMER,
        }
    ),
]
Cents = Annotated[Number, Field(decimal_places=2, max_digits=15)]


class PaymentRow(Row):
    """One payment. `montant` is negative to give an overpayment back; `payeur` is the organism's
    number, or PERTE/PROFIT for the internal account."""

    invoice: Key = Field(alias="facture")
    share: ShareWord = Field(alias="part")
    payer: Text = Field("", alias="payeur")
    paid_on: Day = Field(alias="date")
    amount: Cents = Field(alias="montant")
    method: Text = Field("", alias="mode")
    label: Text = Field("", alias="libelle")


def _apply(intake: Intake, records: Records[PaymentRow]) -> Applied:
    payments = [_payment(record) for record in records]
    accounts = intake.settings.accounts.plan()
    record_payments(intake.connection, intake.organisation_id, payments, accounts)
    return Applied({"règlements": len(payments)})


def _payment(record: Record[PaymentRow]) -> Payment:
    row = record.value
    internal = row.payer.casefold() in INTERNAL
    return Payment(
        invoice=row.invoice,
        share=row.share,
        payer=PROFIT_AND_LOSS if internal else row.payer,
        paid_on=row.paid_on,
        amount=row.amount,
        method=row.method,
        label=row.label,
        place=record.at("facture"),
    )


def _read(data: bytes, file: str) -> Records[PaymentRow]:
    return read_rows(data, file, PaymentRow)


def _schema() -> str:
    return csv_schema(
        PaymentRow,
        ("VT2026-000042", "AMO", "01422", "20/01/2026", "259,12", "virement", "VIR CPAM 0000123"),
        ("000000042", "AMO", "PERTE/PROFIT", "31/03/2026", "-421,12", "", "trop perçu"),
    )


FLOW: Final = Flow("payments", "règlements", recognises(PaymentRow), _read, _apply, _schema)

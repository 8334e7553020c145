"""A rejected invoice billed again with what was already paid on it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from sqlalchemy import Engine, select

from billing.ledger import Share
from config.teletransmission import B2Choices
from formats.b2 import read
from formats.common.anomaly import AnomaliesFound
from integration.database.tables import document, entry, json_text
from integration.flows.recycle import Recycled, recycle
from integration.flows.teletransmission import Teletransmitter, b2_bytes, teletransmit
from tests.integration.teletransmission.provider import (
    ACCOUNTS,
    LOIRE,
    MUTUAL,
    VAULT,
    CareLine,
    Provider,
    told,
)

DAY = date(2026, 1, 15)
MARCH = date(2026, 3, 31)


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """A provider with nothing posted yet, on both databases."""
    return Provider(engine).found()


def recycled(provider: Provider, invoice: str, snapshot: str | None = None) -> Recycled:
    with provider.engine.begin() as connection:
        return recycle(connection, 1, invoice, MARCH, ACCOUNTS, snapshot=snapshot)


@pytest.mark.feature("Q-IMP-08")
def test_the_new_invoice_carries_what_was_paid(provider: Provider) -> None:
    old = provider.care(CareLine(amo="259.12", amc="172.74", patient="0.01"), on=DAY)
    provider.pay(old, "AMO", "259.12", on=DAY)
    provider.pay(old, "PATIENT", "0.01", on=DAY)
    provider.reject(old, "AMC", "172.74")
    again = recycled(provider, old)
    assert again.paid == {Share.AMO: Decimal("259.12"), Share.PATIENT: Decimal("0.01")}
    (row,) = provider.unpaid(MARCH)
    assert row.number == again.invoice
    assert (row.total, row.due_amo, row.due_amc) == (
        Decimal("431.87"),
        Decimal("0.00"),
        Decimal("172.74"),
    )
    assert row.state.value == "payée en partie"


def test_the_old_invoice_is_credited_and_linked(provider: Provider) -> None:
    old = provider.care(CareLine(amo="60.00", amc="40.00"), on=DAY)
    provider.reject(old, "AMO", "60.00")
    again = recycled(provider, old)
    with provider.engine.connect() as connection:
        credit = connection.execute(select(document).where(document.c.kind == "credit")).one()
        sums: dict[str, int] = {}
        for line in connection.execute(select(entry)):
            sums[line.account] = sums.get(line.account, 0) + line.debit_cents - line.credit_cents
    assert (credit.credits_id, credit.gross_cents, credit.b2_number) == (1, -10000, None)
    assert {account: cents for account, cents in sums.items() if cents} == {
        ACCOUNTS.receivable[Share.AMO]: 6000,
        ACCOUNTS.receivable[Share.AMC]: 4000,
        ACCOUNTS.sales_care: -10000,
    }
    assert again.b2_number == 43
    with pytest.raises(AnomaliesFound, match="TEL-301"):
        recycled(provider, old)
    with pytest.raises(AnomaliesFound, match="TEL-301"):
        recycled(provider, again.credit)


@pytest.mark.feature("Q-TEL-01")
def test_a_corrected_invoice_leaves_under_a_new_number(provider: Provider) -> None:
    old = provider.care(CareLine(amo="15.00", amc="10.00", base="25.00"), on=DAY)
    house = Teletransmitter(provider.engine, VAULT, 1, B2Choices())
    teletransmit(house, DAY)
    provider.pay(old, "AMC", "10.00", on=DAY)
    provider.reject(old, "AMO", "15.00")
    again = recycled(provider, old, json_text(told(LOIRE | {"fund": "691"}, MUTUAL)))
    assert [row.number for row in provider.unpaid(MARCH)] == [again.invoice]
    assert teletransmit(house, MARCH).invoices == 1
    with provider.engine.connect() as connection:
        first, second = (
            read(BytesIO(b2_bytes(connection, VAULT, B2Choices(), id_))).batches[0].invoices[0]
            for id_ in (1, 2)
        )
    assert (first.number, first.fund, first.lines[0].amc_cents) == ("000000042", "422", 1000)
    assert (second.number, second.fund, second.lines[0].amo_cents) == ("000000043", "691", 1500)
    assert (second.amc, second.lines[0].amc_cents) == ("", 0)

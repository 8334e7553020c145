"""Ninety days with a fund that rejects, delays and doubles: ledger, fund and bank agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from sqlalchemy import func, select

from config.teletransmission import B2Choices
from integration.database.engine import make_engine
from integration.database.tables import document, entry, transmission
from integration.flows.recycle import recycle
from integration.flows.teletransmission import Teletransmitter, b2_bytes, teletransmit
from integration.flows.verify import verify
from integration.translate.flow import Intake
from integration.translate.returns import FLOW
from tests.integration.teletransmission.fund import Fund
from tests.integration.teletransmission.provider import (
    ACCOUNTS,
    SETTINGS,
    VAULT,
    CareLine,
    Provider,
)

FIRST_DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LINES = (
    CareLine(amo="15.00", amc="10.00", base="25.00"),
    CareLine(amo="151.56", amc="101.04", base="252.60"),
    CareLine(amo="175.00", base="175.00", rate=100),
)


def send(provider: Provider, fund: Fund, day: date, sent: int) -> int:
    """Teletransmit, and let the fund read what is new; how many files there are now."""
    report = teletransmit(Teletransmitter(provider.engine, VAULT, 1, B2Choices()), day)
    assert report.anomalies == []
    with provider.engine.connect() as connection:
        ids = connection.scalars(select(transmission.c.id).where(transmission.c.id > sent)).all()
        for id_ in sorted(ids):
            fund.receive(b2_bytes(connection, VAULT, B2Choices(), id_), day)
    return sent + len(ids)


def take(provider: Provider, content: bytes, day: date) -> None:
    records = FLOW.read(content, "retour.noe")
    with provider.engine.begin() as connection:
        applied = FLOW.apply(
            Intake(connection, 1, day, NOON, "retour.noe", 1, SETTINGS, VAULT), records
        )
    assert applied.notices == ()


def recycle_all(provider: Provider, fund: Fund, day: date) -> None:
    """Every rejected invoice is billed again under a new number."""
    for number in sorted(fund.rejected):
        with provider.engine.begin() as connection:
            again = recycle(connection, 1, number, day, ACCOUNTS)
        fund.forget(number, f"{again.b2_number:09d}")
    fund.rejected.clear()


def ledger(provider: Provider) -> dict[tuple[str, str], int]:
    """Dues in cents by B2 number and share, from the entries."""
    owed = func.sum(entry.c.debit_cents - entry.c.credit_cents)
    query = (
        select(document.c.b2_number, entry.c.share, owed)
        .join(document, document.c.id == entry.c.invoice_id)
        .group_by(document.c.b2_number, entry.c.share)
    )
    with provider.engine.connect() as connection:
        return {(f"{n:09d}", share): int(cents) for n, share, cents in connection.execute(query)}


def bank(provider: Provider) -> int:
    owed = func.sum(entry.c.debit_cents - entry.c.credit_cents)
    with provider.engine.connect() as connection:
        return int(connection.scalar(select(owed).where(entry.c.account == ACCOUNTS.bank)) or 0)


@pytest.mark.feature("X-SOK-01")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ledger_fund_and_bank_agree(seed: int, sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    provider, chance = Provider(engine).found(), Random(seed)
    fund = Fund(chance)
    sent = 0
    for day in (FIRST_DAY + timedelta(rank) for rank in range(90)):
        recycle_all(provider, fund, day)
        for line in chance.sample(LINES, chance.randrange(len(LINES))):
            provider.care(line, on=day)
        sent = send(provider, fund, day, sent)
        for content in fund.answer(day):
            take(provider, content, day)
    fund_says = {key: cents for key, cents in fund.owed.items() if cents}
    we_say = {key: cents for key, cents in ledger(provider).items() if cents}
    differences = {
        key: Decimal(we_say.get(key, 0) - fund_says.get(key, 0)) / 100
        for key in we_say.keys() | fund_says.keys()
    }
    assert fund.seen > 30
    assert any(cents < 0 for cents in we_say.values())
    assert all(difference == Decimal("0.00") for difference in differences.values())
    assert bank(provider) == fund.paid_to_bank
    assert verify(engine, 1).fault is None
    engine.dispose()

"""Killed anywhere, teletransmission goes on where it stopped: each invoice in one file."""

from __future__ import annotations

import os
import signal
from datetime import date

import pytest
from sqlalchemy import func, select

from config.teletransmission import B2Choices
from integration.database.engine import make_engine
from integration.database.tables import document, outbox, transmission, transmission_item
from integration.failpoints import arm
from integration.flows import teletransmission
from tests.integration.teletransmission.provider import LOIRE, VAULT, CareLine, Provider

DAY = date(2026, 1, 15)
INVOICES = 6


def send(url: str) -> None:
    engine = make_engine(url)
    house = teletransmission.Teletransmitter(engine, VAULT, 1, B2Choices())
    teletransmission.teletransmit(house, DAY)
    engine.dispose()


def killed(url: str, at: int) -> bool:
    """Run in a child that dies at the `at`-th point it reaches; False when it reached the end."""
    child = os.fork()
    if not child:
        arm(at)
        send(url)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


@pytest.mark.sweep
def test_every_invoice_leaves_once(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teletransmission, "CHUNK", 2)
    engine = make_engine(database_url)
    provider = Provider(engine).found()
    for rank in range(INVOICES):
        fund = "422" if rank % 2 else "691"
        provider.care(
            CareLine(amo="15.00", base="25.00", patient="10.00"), on=DAY, amo=LOIRE | {"fund": fund}
        )
    engine.dispose()
    kills = 0
    while killed(database_url, 1 + kills % 3):
        kills += 1
    assert kills > INVOICES // 2
    engine = make_engine(database_url)
    with engine.connect() as connection:
        sent = connection.scalars(select(transmission_item.c.document_id)).all()
        lots = connection.execute(select(transmission.c.recipient, transmission.c.lot)).all()
        assert sorted(sent) == sorted(connection.scalars(select(document.c.id)))
        assert len(set(lots)) == len(lots) == connection.scalar(select(func.count(outbox.c.id)))
    engine.dispose()

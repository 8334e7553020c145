"""F13, F31, F32: returns that come twice, changed, in any order; a rejected invoice done again."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from config.settings import from_mapping
from config.teletransmission import B2Choices
from formats.common.anomaly import AnomaliesFound
from formats.noemie import entities_of, write
from formats.noemie.model import Return, State, Transfer
from integration.database.engine import make_engine
from integration.database.tables import document, received_file, return_line
from integration.flows.recycle import recycle
from integration.flows.teletransmission import Teletransmitter, teletransmit
from integration.flows.verify import verify
from integration.inbox import Imported, Office, Outcome, import_waiting, prepare
from integration.posting import reference
from tests.integration.imports.conftest import NOON
from tests.integration.teletransmission.provider import ACCOUNTS, SENDER, VAULT, CareLine, Provider
from tests.integration.teletransmission.test_returns import (
    answer,
    balances,
    share,
    taken,
    transfer,
)

DAY, MARCH = date(2026, 1, 15), date(2026, 3, 31)


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """One invoice, 000000042, of 20,00 for the fund."""
    made = Provider(engine).found()
    made.care(CareLine(amo="20.00"), on=DAY)
    return made


@pytest.fixture
def office(provider: Provider, tmp_path: Path) -> Office:
    """Its inbox."""
    settings = from_mapping(
        {"organisation": {"code": "DSL", "name": "DSL"}, "folders": {"home": "home"}}, base=tmp_path
    )
    prepare(settings)
    return Office(provider.engine, 1, settings, lambda: NOON, VAULT)


# --- F13: the sender's number twice -----------------------------------------------------------


def said(cents: int, file_id: str = "R00042", created_on: date | None = DAY) -> bytes:
    """A return that pays the invoice so much."""
    file = Return(
        sender="00000001016422", recipient="00000" + SENDER, file_id=file_id,
        created_on=created_on, transfers=(transfer(answer(42, share(2000, cents))),), anomalies=(),
    )  # fmt: skip
    return write(entities_of(file))


def brought(office: Office, name: str, content: bytes) -> Imported:
    (office.settings.folders.inbox / "returns" / name).write_bytes(content)
    (one,) = import_waiting(office, settle_s=0)
    return one


def test_f13_other_content_under_a_number_already_taken_is_refused_and_the_first_is_kept(
    office: Office, provider: Provider
) -> None:
    assert brought(office, "a.noe", said(1500)).outcome is Outcome.IMPORTED
    other = brought(office, "b.noe", said(2000))
    assert [one.code.id for one in other.anomalies] == ["IMP-015"]
    assert "« a.noe »" in other.anomalies[0].sentence
    assert other.kept is not None
    assert other.kept.parent == office.settings.folders.error / "returns"
    (row,) = provider.unpaid(MARCH)
    assert row.due_amo == 5
    assert brought(office, "c.noe", said(1500)).outcome is Outcome.DUPLICATE


def test_f13_a_refused_file_leaves_its_number_free(office: Office) -> None:
    assert brought(office, "a.noe", said(1500)[:-150]).outcome is Outcome.REFUSED
    assert brought(office, "b.noe", said(1500)).outcome is Outcome.IMPORTED


@pytest.mark.parametrize(
    "other", [{"file_id": "R00043"}, {"created_on": date(2026, 1, 16)}, {"file_id": "000000"}]
)
def test_f13_another_number_day_or_none_is_another_file(
    office: Office, other: dict[str, str]
) -> None:
    assert brought(office, "a.noe", said(1500, **other)).outcome is Outcome.IMPORTED  # type: ignore[arg-type]
    for content in (said(1500), said(2000, **other)):  # type: ignore[arg-type]
        one = brought(office, "b.noe", content)
        unnumbered = other.get("file_id") == "000000"
        expected = content == said(1500) or unnumbered
        assert (one.outcome is Outcome.IMPORTED) is expected


def test_f13_of_two_at_once_the_key_lets_one_in(office: Office) -> None:
    """The second's row meets the first's, though neither had seen the other."""
    brought(office, "a.noe", said(1500))
    with office.engine.begin() as connection:
        row = connection.execute(select(received_file)).one()
        assert row.identity == f"00000001016422|00000{SENDER}|R00042|2026-01-15"
        with pytest.raises(IntegrityError):
            other = row._asdict() | {"id": 99, "digest": "other"}
            connection.execute(received_file.insert().values(**other))
        connection.rollback()


# --- F31: rejected, corrected, sent again -----------------------------------------------------


def test_f31_a_rejected_invoice_done_again_twice_is_done_once(engine: Engine) -> None:
    provider = Provider(engine).found()
    house = Teletransmitter(engine, VAULT, 1, B2Choices())
    old = provider.care(CareLine(amo="15.00", amc="10.00", base="25.00"), on=DAY)
    assert teletransmit(house, DAY).invoices == 1
    provider.reject(old, "AMO", "15.00")
    with provider.engine.begin() as connection:
        again = recycle(connection, 1, old, MARCH, ACCOUNTS)
    for _ in range(2):
        with provider.engine.begin() as connection, pytest.raises(AnomaliesFound, match="TEL-301"):
            recycle(connection, 1, old, MARCH, ACCOUNTS)
    assert [teletransmit(house, MARCH).invoices for _ in range(2)] == [1, 0]
    with provider.engine.connect() as connection:
        rows = connection.execute(select(document).order_by(document.c.id)).all()
    told = {row.kind: row for row in rows}
    assert [row.kind for row in rows] == ["care", "rejection", "credit", "care"]
    assert told["credit"].credits_id == rows[0].id  # the way back to the first
    assert reference(*rows[3][2:5]) == again.invoice
    assert [row.number for row in provider.unpaid(MARCH)] == [again.invoice]
    assert verify(provider.engine, 1).fault is None


# --- F32: any order ---------------------------------------------------------------------------

RETURNS: tuple[Transfer, ...] = (
    transfer(answer(42, share(2000, 0, state=State.DEFERRED)), label="UN"),
    transfer(answer(42, share(2000, 1500)), answer(43, share(3000)), label="DEUX"),
    transfer(
        answer(43, amc=share(500, 0, state=State.REJECTED)),
        answer("999999999", share(700), lot="088"),
        label="TROIS",
    ),
    transfer(
        answer(42, share(500)), answer(44, share(900, 0, state=State.REJECTED)), label="QUATRE"
    ),
)
"""Deferred then paid in two parts; a share rejected; an invoice and a lot nobody knows."""

ORDERS = list(itertools.permutations(range(4)))


def state(provider: Provider) -> tuple[object, ...]:
    """What must not depend on the order: who owes what, the ledger, every answer kept."""
    with provider.engine.connect() as connection:
        lines = connection.execute(
            select(
                return_line.c.transfer, return_line.c.invoice_number, return_line.c.share,
                return_line.c.state, return_line.c.asked_cents, return_line.c.paid_cents,
                return_line.c.invoice_id,
            )
        ).all()  # fmt: skip
    unpaid = [replace(row, number=row.number) for row in provider.unpaid(MARCH)]
    assert verify(provider.engine, 1).fault is None
    return sorted(map(repr, lines)), sorted(map(repr, unpaid)), sorted(balances(provider).items())


def providers(url: str, folder: Path, count: int) -> Iterator[Provider]:
    """So many alike, each in a file of its own: three invoices, two of them with a mutual."""
    for n in range(count):
        copy = shutil.copyfile(url.removeprefix("sqlite:///"), folder / f"{n}.db")
        engine = make_engine(f"sqlite:///{copy}")
        made = Provider(engine).found()
        made.care(CareLine(amo="20.00"), on=DAY)
        made.care(CareLine(amo="30.00", amc="5.00"), on=DAY)
        made.care(CareLine(amo="9.00", amc="1.00"), on=DAY)
        yield made
        engine.dispose()


@pytest.mark.timeout(120)
def test_f32_four_returns_in_any_order_and_twice_come_to_the_same(
    sqlite_url: str, tmp_path: Path
) -> None:
    """All 24 orders; each return comes again behind the next one."""
    found = set()
    houses = providers(sqlite_url, tmp_path, len(ORDERS))
    for order, house in zip(ORDERS, houses, strict=True):
        before: list[Transfer] = []
        for n in order:
            taken(house, RETURNS[n])
            if before:
                assert taken(house, before[-1]).lines == 0
            before.append(RETURNS[n])
        found.add(repr(state(house)))
    assert len(found) == 1, "\n\n".join(sorted(found)[:2])


def test_f32_the_other_database_comes_to_it_too(engine: Engine) -> None:
    house = Provider(engine).found()
    for _ in range(3):
        house.care(CareLine(amo="20.00", amc="5.00"), on=DAY)
    for one in (*reversed(RETURNS), *RETURNS):
        taken(house, one)
    with engine.connect() as connection:
        assert len(connection.execute(select(return_line)).all()) == 7
    assert verify(engine, 1).fault is None

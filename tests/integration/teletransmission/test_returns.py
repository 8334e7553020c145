"""NOEMIE returns posted share by share, each line once, whatever arrives twice or late."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from billing.ledger import Share as Owed
from billing.unpaid import State as UnpaidState
from formats.common.anomaly import AnomaliesFound
from formats.fixedwidth import changed
from formats.noemie import write
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
from integration.database.tables import document, entry, return_line
from integration.flows.returns import ReturnReport, take_returns
from integration.translate.returns import FLOW, transfers_of
from tests.formats.test_noemie import CONSTRUCTED
from tests.integration.teletransmission.provider import ACCOUNTS, SENDER, CareLine, Provider

JANUARY = date(2026, 1, 15)
TRANSFER_DAY = date(2026, 1, 20)
MARCH = date(2026, 3, 31)
REASON = RejectionReason(code="0250", label="L'ASSURE EST ABSENT", level="F", share=Share.AMO)


@pytest.fixture
def provider(engine: Engine) -> Provider:
    """A provider with nothing posted yet, on both databases."""
    return Provider(engine).found()


def share(
    asked: int, paid: int | None = None, *, state: State = State.PAID, amc: str = ""
) -> ShareReturn:
    paid_cents = asked if paid is None else paid
    return ShareReturn(requested_cents=asked, state=state, paid_cents=paid_cents, amc=amc)


def answer(
    number: int | str,
    amo: ShareReturn | None = None,
    amc: ShareReturn | None = None,
    *,
    lot: str = "",
) -> InvoiceReturn:
    return InvoiceReturn(
        number=f"{number:>09}", lot=lot, lot_date=None, invoice_date=None, kind="B",
        nir="1800175056001", amo=amo, amc=amc, rejections=(REASON,), comments=(),
    )  # fmt: skip


def transfer(
    *invoices: InvoiceReturn, label: str = "VIR CPAM LOIRE 0000123", **other: object
) -> Transfer:
    fields: dict[str, object] = {
        "made_on": TRANSFER_DAY, "label": label, "payer": "01422", "payee": SENDER,
        "return_type": "01", "invoices": invoices,
    }  # fmt: skip
    return Transfer(**(fields | other))  # type: ignore[arg-type]


def taken(provider: Provider, *transfers: Transfer, created_on: date | None = None) -> ReturnReport:
    file = Return(
        sender="00000001016422", recipient="00000" + SENDER, file_id="000422",
        created_on=created_on, transfers=transfers, anomalies=(),
    )  # fmt: skip
    with provider.engine.begin() as connection:
        return take_returns(connection, 1, transfers_of(file), ACCOUNTS)


def balances(provider: Provider) -> dict[str, int]:
    """Debit minus credit by account, in cents."""
    sums: dict[str, int] = {}
    with provider.engine.connect() as connection:
        for row in connection.execute(select(entry)):
            sums[row.account] = sums.get(row.account, 0) + row.debit_cents - row.credit_cents
    return {account: cents for account, cents in sums.items() if cents}


def test_one_payment_document_a_transfer_settles_each_share(provider: Provider) -> None:
    provider.care(CareLine(amo="259.12", amc="172.74"), on=JANUARY)  # 000000042
    provider.care(CareLine(amo="18.20"), on=JANUARY)  # 000000043
    report = taken(
        provider, transfer(answer(42, share(25912), share(17274)), answer(43, share(1820)))
    )
    assert (report.transfers, report.paid) == (1, Decimal("450.06"))
    assert provider.unpaid(MARCH) == ()
    assert balances(provider) == {ACCOUNTS.bank: 45006, ACCOUNTS.sales_care: -45006}
    with provider.engine.connect() as connection:
        kinds = connection.execute(select(document.c.kind, document.c.gross_cents)).all()
    assert kinds[2:] == [("payment", 45006)]


def test_a_rejection_moves_what_is_owed_to_the_rejected_account(provider: Provider) -> None:
    number = provider.care(CareLine(amo="259.12", amc="172.74"), on=JANUARY)
    report = taken(
        provider, transfer(answer(42, share(25912), share(17274, 0, state=State.REJECTED)))
    )
    assert (report.paid, report.rejected) == (Decimal("259.12"), Decimal("172.74"))
    assert balances(provider)[ACCOUNTS.rejected[Owed.AMC]] == 17274
    assert ACCOUNTS.receivable[Owed.AMC] not in balances(provider)
    (row,) = provider.unpaid(MARCH)
    assert (row.due_amo, row.due_amc) == (0, Decimal("172.74"))
    assert row.state is UnpaidState.REJECTED
    provider.pay(number, "AMC", "172.74", on=MARCH)
    assert ACCOUNTS.rejected[Owed.AMC] not in balances(provider)
    assert provider.unpaid(MARCH) == ()


def test_the_same_lines_in_another_file_are_ignored(provider: Provider) -> None:
    provider.care(CareLine(amo="259.12"), on=JANUARY)
    sent = transfer(answer(42, share(25912)))
    taken(provider, sent)
    again = taken(provider, sent, transfer(answer(42, share(100)), label="AUTRE VIREMENT"))
    assert (again.ignored, again.transfers, again.paid) == (1, 1, Decimal("1.00"))
    (row,) = provider.unpaid(MARCH)
    assert row.due_amo == Decimal("-1.00")


def test_a_line_told_twice_in_one_file_counts_twice_and_once_in_the_next(
    provider: Provider,
) -> None:
    provider.care(CareLine(amo="20.00"), on=JANUARY)
    half = answer(42, share(1000))
    assert taken(provider, transfer(half, half)).paid == 20
    assert taken(provider, transfer(half, half)).ignored == 2


def test_unmatched_lines_wait_in_suspense_and_the_bank_agrees(provider: Provider) -> None:
    provider.care(CareLine(amo="10.00"), on=JANUARY)
    report = taken(
        provider,
        transfer(
            answer(42, share(1000)),
            answer("999999999", share(700)),
            answer("PAPIER01", share(50)),
            lump_sums=(LumpSum(code="00001", amount_cents=300),),
        ),
    )
    assert report.suspense == Decimal("10.50")
    assert [a.code.id for a in report.anomalies] == ["TEL-204", "TEL-204"]
    assert balances(provider) == {
        ACCOUNTS.bank: 2050,
        ACCOUNTS.suspense: -1050,
        ACCOUNTS.sales_care: -1000,
    }


def test_a_recovery_gives_an_overpayment_back(provider: Provider) -> None:
    number = provider.care(CareLine(amo="1078.88"), on=JANUARY)
    provider.pay(number, "AMO", "1500.00", on=JANUARY)
    provider.care(CareLine(amo="500.00"), on=JANUARY)
    withheld = Recovery(
        reference="000000042", recorded_on=None, nature="IND", operation="RPR",
        amount_cents=-42112, balance_cents=0,
    )  # fmt: skip
    report = taken(provider, transfer(answer(43, share(50000)), recoveries=(withheld,)))
    assert report.paid == Decimal("78.88")
    assert provider.unpaid(MARCH) == ()


def test_a_part_payment_leaves_the_rest_due(provider: Provider) -> None:
    provider.care(CareLine(amo="100.00"), on=JANUARY)
    taken(provider, transfer(answer(42, share(10000, 6000))))
    (row,) = provider.unpaid(MARCH)
    assert (row.due_amo, row.state) == (Decimal("40.00"), UnpaidState.PART_PAID)


def test_deferred_is_recorded_and_moves_nothing(provider: Provider) -> None:
    provider.care(CareLine(amo="100.00"), on=JANUARY)
    report = taken(provider, transfer(answer(42, share(10000, 0, state=State.DEFERRED))))
    assert (report.deferred, report.transfers) == (1, 0)
    with provider.engine.connect() as connection:
        (line,) = connection.execute(select(return_line)).all()
    assert (line.state, line.invoice_number, line.asked_cents) == ("D", "000000042", 10000)
    assert line.document_id is None
    assert provider.unpaid(MARCH)[0].due_amo == 100


def test_a_transfer_to_somebody_else_stays_in_suspense(provider: Provider) -> None:
    provider.care(CareLine(amo="10.00"), on=JANUARY)
    report = taken(provider, transfer(answer(42, share(1000)), payee="111111111"))
    assert [a.code.id for a in report.anomalies] == ["TEL-202", "TEL-204"]
    assert provider.unpaid(MARCH)[0].due_amo == 10


def test_without_071_payer_and_accounting_date_make_the_transfer(provider: Provider) -> None:
    provider.care(CareLine(amo="10.00"), on=JANUARY)
    loose = transfer(answer(42, share(1000)), made_on=None, label="", payer="")
    taken(provider, loose, created_on=TRANSFER_DAY)
    with provider.engine.connect() as connection:
        assert connection.scalar(select(return_line.c.transfer)) == "1016422|2026-01-20"
    with pytest.raises(AnomaliesFound, match="TEL-201"):
        taken(provider, loose)


def test_two_files_at_once_can_not_both_post(provider: Provider) -> None:
    """The key decides even when neither file saw the other's lines."""
    provider.care(CareLine(amo="10.00"), on=JANUARY)
    taken(provider, transfer(answer(42, share(1000))))
    with provider.engine.begin() as connection, pytest.raises(IntegrityError):
        row = connection.execute(select(return_line)).one()
        connection.execute(return_line.insert().values(**(row._asdict() | {"id": 99})))
        connection.rollback()


@pytest.mark.parametrize(
    ("at", "fields", "code"),
    [
        (4, {"nir_key": "04"}, "FMT-022"),
        (3, {"kind": "Z"}, "FMT-217"),
        (13, {"file_id": "R00043"}, "FMT-111"),
        (13, {"batches": 4}, "FMT-211"),
    ],
)
def test_what_does_not_change_who_owes_what_is_told_and_taken(
    at: int, fields: dict[str, object], code: str
) -> None:
    entities = list(CONSTRUCTED)
    entities[at] = changed(entities[at], **fields)
    records = FLOW.read(write(entities), "r.noe")
    assert len(records) == 1
    assert [notice.code.id for notice in records.notices] == [code]


def test_a_sign_that_is_no_sign_refuses_the_return() -> None:
    entities = list(CONSTRUCTED)
    entities[5] = changed(entities[5], sign="X")
    with pytest.raises(AnomaliesFound, match="FMT-216"):
        FLOW.read(write(entities), "r.noe")

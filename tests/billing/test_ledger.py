"""What documents post: balanced, on the right side, or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.ledger import (
    DEFAULT_ACCOUNTS,
    Due,
    Entry,
    Share,
    balanced,
    invoice_entries,
    side,
)
from billing.money import ZERO
from billing.settlement import Standing, counterpart, refuse, settle

AMOUNTS = st.decimals(Decimal("-9999"), Decimal("9999"), places=2)
PART = Standing(7, Share.AMO, "01422", Decimal("60.00"))


def test_an_invoice_debits_its_payers_and_credits_sales_and_vat() -> None:
    dues = (
        Due(Share.AMO, "01422", Decimal("63.30")),
        Due(Share.AMC, "0123456789", Decimal("42.20")),
        Due(Share.PATIENT, "P1", ZERO),
    )
    sales = (("706100", Decimal("60")), ("706100", Decimal("40")))
    assert invoice_entries(dues, sales, Decimal("5.50"), DEFAULT_ACCOUNTS) == (
        Entry("411100", "01422", Decimal("63.30"), ZERO, Share.AMO),
        Entry("411200", "0123456789", Decimal("42.20"), ZERO, Share.AMC),
        Entry("706100", "", ZERO, Decimal("100")),
        Entry("445710", "", ZERO, Decimal("5.50")),
    )


def test_an_invoice_of_nothing_keeps_its_dues() -> None:
    """A block of 10.00 and as much of its deposit given back: nobody owes, the document stands."""
    due, sales = Due(Share.CUSTOMER, "C1", ZERO), (("706", Decimal(10)), ("706", Decimal(-10)))
    entry = Entry("411000", "C1", ZERO, ZERO, Share.CUSTOMER)
    assert invoice_entries([due], sales, ZERO, DEFAULT_ACCOUNTS) == (entry,)


def test_a_credit_note_mirrors_its_invoice() -> None:
    due = Due(Share.CUSTOMER, "C1", Decimal("-120"))
    entries = invoice_entries(
        (due,), (("706000", Decimal("-100")),), Decimal("-20"), DEFAULT_ACCOUNTS
    )
    assert [(e.account, e.debit, e.credit) for e in entries] == [
        ("411000", 0, 120),
        ("706000", 100, 0),
        ("445710", 20, 0),
    ]


def test_what_does_not_balance_is_refused_with_both_sums() -> None:
    with pytest.raises(ValueError, match=r"débit 10, crédit 9"):
        balanced((side("512000", Decimal(10)), side("411000", Decimal(-9))))


def test_a_payment_settles_what_was_refused_first() -> None:
    _, held = refuse(PART, Decimal("25.00"), DEFAULT_ACCOUNTS)
    entries, after = settle(held, Decimal("40.00"), DEFAULT_ACCOUNTS)
    assert [(e.account, e.credit) for e in entries] == [
        ("411100", Decimal("15.00")),
        ("416100", Decimal("25.00")),
    ]
    assert (after.receivable, after.rejected, after.due) == (20, 0, 20)


def test_only_what_is_still_owed_can_be_refused() -> None:
    entries, after = refuse(PART, Decimal("100.00"), DEFAULT_ACCOUNTS)
    assert (after.receivable, after.rejected) == (0, 60)
    assert sum(e.debit - e.credit for e in entries) == 0
    assert refuse(after, Decimal("60.00"), DEFAULT_ACCOUNTS) == ((), after)


@pytest.mark.parametrize(
    ("amount", "internal", "account"),
    [("5", False, "512000"), ("5", True, "658000"), ("-5", True, "758000")],
)
def test_the_other_side_is_the_bank_or_losses_and_gains(
    amount: str, internal: bool, account: str
) -> None:
    assert counterpart(Decimal(amount), DEFAULT_ACCOUNTS, internal=internal).account == account


@given(st.lists(st.tuples(st.booleans(), AMOUNTS), max_size=8))
def test_whatever_happens_entries_add_up_to_how_the_share_stands(
    moves: list[tuple[bool, Decimal]],
) -> None:
    held, posted, paid = PART, ZERO, ZERO
    for pays, amount in moves:
        step = settle if pays else refuse
        entries, held = step(held, amount if pays else abs(amount), DEFAULT_ACCOUNTS)
        posted += sum((e.debit - e.credit for e in entries), ZERO)
        paid += amount if pays else ZERO
        assert all(e.share is Share.AMO and e.invoice_id == 7 for e in entries)
    assert held.due == PART.due + posted == PART.due - paid

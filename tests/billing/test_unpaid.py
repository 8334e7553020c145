"""The unpaid list from balances: what is on it, in which state, order, page and age."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.ledger import Share
from billing.unpaid import Balance, Bounds, Filters, State, listing, unpaid_rows

AS_OF = date(2026, 3, 31)


def balance(rank: int = 1, amo: str = "10", *, days: int = 0, **more: object) -> Balance:
    fields: dict[str, object] = {
        "invoice_id": rank,
        "number": f"VT2026-{rank:06d}",
        "issued_on": AS_OF - timedelta(days),
        "total": Decimal("10"),
        "dues": {Share.AMO: Decimal(amo)},
    }
    return Balance(**(fields | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "state"),
    [
        (balance(), State.OPEN),
        (balance(sent=True), State.SENT),
        (balance(amo="4", sent=True), State.PART_PAID),
        (balance(rejected=Decimal("10"), sent=True), State.REJECTED),
        (balance(amo="-1", rejected=Decimal("10")), State.OVERPAID),
    ],
)
def test_the_state_says_why_it_is_unpaid(made: Balance, state: State) -> None:
    (row,) = unpaid_rows([made], AS_OF)
    assert row.state is state


def test_a_share_overpaid_and_one_owed_do_not_settle_each_other() -> None:
    dues = {Share.AMO: Decimal("-5"), Share.AMC: Decimal("5")}
    assert len(unpaid_rows([balance(dues=dues)], AS_OF)) == 1
    assert unpaid_rows([balance(amo="0")], AS_OF) == ()


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (0, "0–30"),
        (30, "0–30"),
        (31, "31–60"),
        (60, "31–60"),
        (61, "61–90"),
        (90, "61–90"),
        (91, "90+"),
    ],
)
def test_ages_fall_into_buckets(days: int, bucket: str) -> None:
    page = listing([balance(days=days)], AS_OF, Filters())
    assert page.rows[0].age_days == days
    assert {name for name, due in page.totals.by_age.items() if due} == {bucket}


def test_pages_follow_each_other_and_totals_span_them() -> None:
    balances = [balance(rank, amo=str(rank % 3 + 1)) for rank in range(1, 8)]
    pages = [
        listing(balances, AS_OF, Filters(sort="-due_amo", page=page, size=3)) for page in (1, 2, 3)
    ]
    numbers = [row.number[-1] for page in pages for row in page.rows]
    assert numbers == ["2", "5", "1", "4", "7", "3", "6"]
    assert {page.pages for page in pages} == {3}
    assert {page.totals.amounts["due_amo"] for page in pages} == {Decimal(14)}
    assert listing(balances, AS_OF, Filters(page=4, size=3)).rows == ()


def test_each_criterion_leaves_out_what_it_says() -> None:
    kept = balance(
        1, holder="DUPONT MARIE", fund="CPAM (01 422)", amc="MUTUELLE (0123456789)", agency="PARIS"
    )
    other = balance(2, days=40, total=Decimal("99"), sent=True)
    for criteria in (
        Filters(number="000001"),
        Filters(holder="dupont"),
        Filters(fund="01 422"),
        Filters(amc="0123456789"),
        Filters(agency="PARIS"),
        Filters(state=State.OPEN),
        Filters(issued_from=AS_OF),
        Filters(amounts={"total": Bounds(high=Decimal("10"))}),
    ):
        assert [row.number for row in listing([kept, other], AS_OF, criteria).rows] == [kept.number]


@pytest.mark.parametrize(
    "wrong", [{"sort": "colour"}, {"page": 0}, {"size": -1}, {"amounts": {"colour": Bounds()}}]
)
def test_unknown_criteria_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="critère"):
        Filters(**wrong)  # type: ignore[arg-type]

"""The seed's own list (001, "Comment interpréter les lignes de factures"), as printed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from billing.care.cover import FULL_TM
from billing.care.split import ShareTerms, SplitRounding, split
from billing.ledger import Share
from billing.unpaid import Balance, Filters, State, listing

DAY = date(2022, 3, 31)


def balance(rank: int, total: str, amo: str, amc: str, patient: str) -> Balance:
    dues = {
        Share.AMO: Decimal(amo),
        Share.AMC: Decimal(amc),
        Share.PATIENT: Decimal(patient),
    }
    return Balance(rank, f"VT2022-{rank:06d}", DAY, Decimal(total), dues)


SEED = (
    balance(1, "431.87", "259.12", "172.74", "0.00"),
    balance(2, "427.60", "0.00", "101.04", "0.00"),
    balance(3, "12600", "0.00", "0.00", "12600"),
    balance(4, "1078.88", "-421.12", "0.00", "0.00"),
)


def test_the_four_invoices_of_the_seed_are_on_the_list() -> None:
    page = listing(SEED, DAY, Filters(sort="number"))
    assert [row.state for row in page.rows] == [
        State.PART_PAID,
        State.PART_PAID,
        State.OPEN,
        State.OVERPAID,
    ]
    assert page.totals.amounts == {
        "total": Decimal("14538.35"),
        "due_amo": Decimal("-162.00"),
        "due_amc": Decimal("273.78"),
        "due_patient": Decimal("12600.00"),
        "due_customer": Decimal("0"),
    }
    assert page.totals.by_age["0–30"] == Decimal("12711.78")


def test_the_dues_of_the_seed_are_shares_at_60_percent() -> None:
    truncated = ShareTerms(Decimal(60), FULL_TM, rounding=SplitRounding.TRUNCATE)
    total = Decimal("431.87")
    bed = split(total, Decimal(1), total, truncated)
    assert (bed.part_amo, bed.part_amc, bed.part_patient) == (
        Decimal("259.12"),
        Decimal("172.74"),
        Decimal("0.01"),
    )
    at_60 = split(
        Decimal("252.60"), Decimal(1), Decimal("252.60"), ShareTerms(Decimal(60), FULL_TM)
    )
    at_100 = split(Decimal("175.00"), Decimal(1), Decimal("175"), ShareTerms(Decimal(100), FULL_TM))
    assert at_60.total + at_100.total == Decimal("427.60")
    assert at_60.part_amc + at_100.part_amc == Decimal("101.04")

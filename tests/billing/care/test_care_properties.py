"""Invariants of homecare.md, "Split, to the cent", for any prices, rates and formulas."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.care import engines
from billing.care.cover import CoverAMC, CoverAMO, Formula, FormulaCode, InsuranceNature, Situation
from billing.care.dossier import rate_all
from billing.care.invoice import shape
from billing.care.pricing import CareLine, CareRules, ExcessRule
from billing.care.split import ShareTerms, SplitRounding, split
from billing.care.story import recompute
from tests.billing.care.samples import (
    BED,
    BED_DELIVERY,
    INSTALLED,
    D,
    amc,
    amo,
    entry,
    facts,
    item,
    prescription,
)

prices = st.decimals("0.00", "9999.99", places=2)
quantities = st.integers(1, 200).map(D)
percents = st.sampled_from([D(n) for n in (0, 15, 35, 60, 65, 90, 100)])
formulas = st.builds(
    Formula,
    st.sampled_from(FormulaCode),
    st.integers(0, 400).map(D),
    st.decimals("0.00", "500.00", places=2),
)
terms = st.builds(
    ShareTerms, percents, formulas, st.sampled_from([D(0), D(50)]), st.sampled_from(SplitRounding)
)
covers_amo = st.builds(
    amo,
    exemption=st.sampled_from(["", "LIS", "L324", "MAT"]),
    situations=st.frozensets(st.sampled_from(Situation)),
    nature=st.sampled_from(InsuranceNature),
)
covers_amc = st.one_of(
    st.just(()), st.builds(lambda f: (amc(f.code, percent=f.percent, fixed=f.fixed),), formulas)
)
weeks = st.integers(0, 40)


@given(prices, quantities, prices, terms)
def test_shares_sum_to_the_line_and_none_is_negative(
    price: Decimal, quantity: Decimal, tariff: Decimal, given_terms: ShareTerms
) -> None:
    s = split(price, quantity, tariff, given_terms)
    assert s.part_amo + s.complement + s.part_amc + s.part_patient == s.total
    assert min(s.part_amo, s.complement, s.part_amc, s.part_patient) >= 0
    assert s.part_amo <= s.base <= s.total


@given(prices, prices, covers_amo, covers_amc, st.booleans())
def test_every_line_balances_whatever_the_cover(
    price: Decimal,
    tariff: Decimal,
    fund: CoverAMO,
    complementary: tuple[CoverAMC, ...],
    exempted: bool,
) -> None:
    of = entry(str(tariff))
    rated = engines.rate(
        item(of, price_ttc=price, exempted=exempted),
        facts(
            of,
            amo=(fund,),
            amc=complementary,
            prescriptions=(prescription(nature=fund.nature),),
            rules=CareRules(excess=ExcessRule.CAPPED),
        ),
    )
    assert rated.lines
    for line in rated.lines:
        assert line.part_amo + line.part_amc + line.part_patient == line.total
        assert line.total_ht + line.vat == line.total
        assert 0 <= line.part_amo <= line.base <= line.total
        assert min(line.part_amc, line.part_patient) >= 0
        again = recompute(json.loads(json.dumps(line.explain)), line.quantity)
        assert (again.total, again.part_amo) == (line.total, line.part_amo)
        assert (again.part_amc, again.part_patient) == (line.part_amc, line.part_patient)


def _runs(ends: list[int], until: int | None) -> list[CareLine]:
    """Lines of a bed billed at several dates, each run told what the others billed."""
    bed = item(until=None if until is None else INSTALLED + timedelta(days=until))
    billed: set[int] = set()
    lines: list[CareLine] = []
    for end in ends:
        rated = engines.rate(bed, facts(as_of=INSTALLED + timedelta(days=end), billed=billed))
        billed.update(unit for line in rated.lines for unit in line.units)
        lines += rated.lines
    return lines


@given(weeks, st.none() | st.integers(0, 300))
def test_weekly_or_monthly_the_same_quantities_and_bases(count: int, until: int | None) -> None:
    last = 7 * count
    weekly = _runs(list(range(0, last + 1, 7)), until)
    monthly = _runs([*range(0, last, 30), last], until)
    at_once = _runs([last], until)
    for other in (weekly, monthly):
        for amount in ("quantity", "base", "total"):
            assert _sum(other, amount) == _sum(at_once, amount)
        assert sorted(u for line in other for u in line.units) == sorted(
            u for line in at_once for u in line.units
        )


def _sum(lines: list[CareLine], amount: str) -> Decimal:
    return sum((getattr(line, amount) for line in lines), D(0))


@given(st.lists(st.integers(0, 300), max_size=8), st.none() | st.integers(0, 300))
def test_running_again_bills_nothing_twice(ends: list[int], until: int | None) -> None:
    units = [unit for line in _runs([*ends, *ends], until) for unit in line.units]
    assert len(units) == len(set(units))


@given(st.permutations(range(6)))
def test_order_of_items_and_lines_does_not_matter(order: list[int]) -> None:
    due = [(item(id=n, patient_id=n % 2, since=INSTALLED), facts()) for n in range(4)]
    due += [(item(BED_DELIVERY, id=n, patient_id=n % 2), facts(BED_DELIVERY)) for n in (4, 5)]
    straight, shuffled = rate_all(due), rate_all([due[n] for n in order])
    assert shape(straight.lines) == shape(reversed(shuffled.lines))
    assert straight.anomalies == shuffled.anomalies


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_no_day_of_a_code_is_billed_twice_to_a_patient(first: int, second: int, end: int) -> None:
    starts = (INSTALLED + timedelta(days=first), INSTALLED + timedelta(days=second))
    due = [
        (
            item(BED, id=n, since=since),
            facts(as_of=INSTALLED + timedelta(days=end), prescriptions=(prescription(INSTALLED),)),
        )
        for n, since in enumerate(starts)
    ]
    lines = rate_all(due).lines
    days = [
        line.since + timedelta(days=n)
        for line in lines
        for n in range((line.until - line.since).days)
    ]
    assert len(days) == len(set(days))

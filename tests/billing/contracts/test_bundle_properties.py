"""What holds of bundles, blocks and shares whatever the counters and the days of the runs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from billing.contracts.contract import Family, Line, RuleState
from billing.contracts.terms import Rhythm
from billing.period import Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    Readings,
    block,
    bundle,
    contract,
    cost,
    fee,
    installed,
    replace,
    run,
    run_after_run,
)

MONTHS = [date(2026 + month // 12, month % 12 + 1, 1) for month in range(25)]
STEPS = st.lists(st.integers(0, 3000), min_size=24, max_size=24)
RUNS = st.sets(st.integers(1, 23)).map(lambda some: [MONTHS[n] for n in sorted({*some, 24})])
TERMS = st.sampled_from(Term)


def read_monthly(steps: list[int]) -> Readings:
    """A counter from 0, read on the first of each month from February."""
    return installed(0, *zip(MONTHS[1:], accumulate(steps), strict=True))


def units(lines: list[Line], family: Family = Family.STANDARD) -> Decimal:
    return sum((line.quantity for line in lines if line.cost_line.family is family), Decimal(0))


@given(STEPS, RUNS, st.sampled_from((1, 3, 6, 12)), TERMS)
def test_bundles_and_extras_are_the_consumption(
    steps: list[int], days: list[date], every: int, term: Term
) -> None:
    """With refunds, whatever the rhythm of the runs: bundled before the last true-up + extras."""
    state = RuleState(JANUARY if term is Term.ADVANCE else MONTHS[1])
    rule = bundle("1000", Rhythm(every, Unit.MONTH), refund=True, term=term, state=state)
    found = run_after_run(rule, days, read_monthly(steps))
    lines = [line for _, some in found for line in some]
    last = found[-1][0]
    bundled = units([line for line in lines if line.since < MONTHS[24]])
    assert bundled == 24 * 1000
    assert bundled + units(lines, Family.OVERRUN) == sum(steps)
    assert last.state.own["counter"] == str(sum(steps))
    assert len({(line.part, line.since) for line in lines}) == len(lines)


@given(STEPS, RUNS, st.sampled_from((1, 3)))
def test_without_refund_nothing_is_credited_and_no_bundle_is_lost(
    steps: list[int], days: list[date], every: int
) -> None:
    rule = bundle("1000", Rhythm(every, Unit.MONTH), floating=every == 3)
    found = run_after_run(rule, days, read_monthly(steps))
    lines = [line for _, some in found for line in some]
    assert all(line.quantity > 0 for line in lines)
    assert [line.since for line in lines if line.cost_line.family is Family.STANDARD] == MONTHS


@given(STEPS, RUNS, st.booleans(), st.booleans())
def test_blocks_always_cover_the_counter(
    steps: list[int], days: list[date], priced: bool, limited: bool
) -> None:
    renewal = Rhythm(12, Unit.MONTH) if limited else None
    rule = block("4000", renewal, priced=priced)
    lines = []
    for after, some in run_after_run(rule, days, read_monthly(steps)):
        lines += some
        total, bound = (Decimal(after.state.own[name]) for name in ("total", "bound"))
        assert total <= bound
        assert bound == units(lines) + units(lines, Family.OVERRUN)
    assert total == sum(steps)
    assert len({(line.part, line.since) for line in lines}) == len(lines)


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=4), st.integers(1, 30))
def test_a_share_is_its_percentage_of_all_the_others(cents: list[int], percentage: int) -> None:
    fees = [fee(str(Decimal(one) / 100), id=n) for n, one in enumerate(cents, 1)]
    share = replace(
        fee(str(percentage), id=9),
        kind="cost_share",
        periodicity=None,
        terms=None,
        term=Term.ARREARS,
    )
    other = replace(share, id=10, cost_lines=(cost("1", id=10),))
    rated = run(contract(*fees, share, other), JANUARY).rules
    amounts = {one.rule.id: one.rated.lines[0].amount for one in rated}
    exact = Decimal(sum(cents)) * percentage / 10_000
    assert abs(amounts[9] - exact) <= Decimal("0.005")
    assert abs(amounts[10] - Decimal(sum(cents)) / 10_000) <= Decimal("0.005")

"""What holds whatever the readings and the days of the runs."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing.contracts.contract import Rule, RuleState, RunOptions
from billing.contracts.engine import rate_contract
from billing.contracts.grouping import Payer, shape
from billing.contracts.reading import Meter, Origin, Reading
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.money import vat_of
from billing.period import Periodicity, ProrataBase, Proration, Term, Unit, first_theoretical
from tests.billing.contracts.build import (
    JANUARY,
    Readings,
    billed,
    contract,
    copies,
    cost,
    fee,
    replace,
    run,
)

RUN_DAYS = st.lists(st.dates(JANUARY, date(2028, 6, 30)), min_size=1, max_size=8).map(sorted)
PERIODICITIES = st.builds(
    Periodicity,
    count=st.integers(1, 4),
    unit=st.sampled_from((Unit.WEEK, Unit.MONTH)),
    anchor=st.dates(JANUARY, date(2026, 3, 31)),
    civil=st.booleans(),
    excluded_months=st.sampled_from((frozenset[int](), frozenset({8}))),
)


def fee_on(p: Periodicity, term: Term, proration: Proration) -> Rule:
    state = RuleState(first_theoretical(p, term, p.anchor))
    return fee(term=term, periodicity=p, since=p.anchor, state=state, proration=proration)


def lines_over(rule: Rule, days: list[date], known: Readings | None = None) -> list[tuple]:  # type: ignore[type-arg]
    """(part, since, until, quantity, amount) of every line of successive runs."""
    found = []
    for day in days:
        for one in run(rule, day, known).rules:
            found += [
                (line.part, line.since, line.until, line.quantity, line.amount)
                for line in one.rated.lines
            ]
            rule = billed(rule, one.rated)
    return found


@given(PERIODICITIES, st.sampled_from(Term), RUN_DAYS, st.booleans())
def test_fees_caught_up_equal_fees_billed_as_they_come(
    p: Periodicity, term: Term, days: list[date], prorated: bool
) -> None:
    rule = fee_on(p, term, Proration(first=prorated))
    assert lines_over(rule, days) == lines_over(rule, days[-1:])


@given(PERIODICITIES, st.sampled_from(Term), RUN_DAYS)
def test_nothing_is_billed_twice_and_no_day_is_left_out(
    p: Periodicity, term: Term, days: list[date]
) -> None:
    found = lines_over(fee_on(p, term, Proration(first=True)), sorted(days + days))
    for before, after in pairwise(found):
        assert before[2] == after[1]
    if found:
        assert found[0][1] >= p.anchor


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Meter, list[int]]]:
    """Up to four meters with monthly counters that may fall (a wrong estimate before)."""
    steps = st.lists(st.integers(-50, 500), min_size=6, max_size=6)
    return [(Meter(n, n, "NB", f"M{n}"), draw(steps)) for n in range(1, draw(st.integers(2, 5)))]


def monthly_readings(meters: list[tuple[Meter, list[int]]]) -> tuple[Readings, list[date]]:
    days = [date(2026, month, 1) for month in range(2, 8)]
    known = {}
    for meter, steps in meters:
        value, rows = 1000, [Reading(meter.id, JANUARY, 1000, Origin.INSTALLATION, 1)]
        for number, (day, step) in enumerate(zip(days, steps, strict=True), 2):
            value += step
            rows.append(Reading(meter.id, day, value, Origin.CUSTOMER, number))
        known[meter.id] = rows
    return known, days


@given(histories())
def test_grouped_consumption_sums_to_the_counters_difference(
    meters: list[tuple[Meter, list[int]]],
) -> None:
    known, days = monthly_readings(meters)
    rule = copies(units=ConsumedUnits(grouped=True), meters=tuple(m for m, _ in meters))
    total = sum(known[m.id][-1].value - 1000 for m, _ in meters)
    assert sum(line[3] for line in lines_over(rule, days, known)) == total
    assert sum(line[3] for line in lines_over(rule, days[-1:], known)) == total


@given(histories())
def test_not_grouped_bills_each_asset_its_highest_counter(
    meters: list[tuple[Meter, list[int]]],
) -> None:
    known, days = monthly_readings(meters)
    rule = copies(meters=tuple(m for m, _ in meters))
    found = lines_over(rule, days, known)
    assert all(line[3] > 0 for line in found)
    assert sum(line[3] for line in found) == sum(
        max(r.value for r in known[m.id]) - 1000 for m, _ in meters
    )


@given(histories(), st.integers(0, 3000))
def test_offered_units_are_given_once_at_most(
    meters: list[tuple[Meter, list[int]]], offered: int
) -> None:
    known, days = monthly_readings(meters)
    attached = tuple(m for m, _ in meters)
    whole = sum(line[3] for line in lines_over(copies(meters=attached), days, known))
    rule = copies(units=ConsumedUnits(offered=offered), meters=attached)
    assert sum(line[3] for line in lines_over(rule, days, known)) == max(0, whole - offered)


@given(
    st.dates(JANUARY, date(2026, 12, 31)),
    st.integers(1, 400),
    st.sampled_from(ProrataBase),
    st.integers(1, 7),
)
def test_a_prorated_line_multiplies_to_its_amount(
    start: date, days: int, base: ProrataBase, quantity: int
) -> None:
    p = Periodicity(1, Unit.MONTH, start, civil=True)
    rule = fee_on(p, Term.ADVANCE, Proration(True, True, base))
    rule = replace(rule, until=start + timedelta(days=days))
    rule = replace(rule, terms=replace(rule.terms, quantity=Decimal(quantity)))  # type: ignore[type-var]
    for one in run(rule, rule.until - timedelta(days=1)).rules:  # type: ignore[operator]
        for line in one.rated.lines:
            assert round(line.quantity * line.unit_price, 2) == line.amount
            assert 0 < line.amount <= 25 * quantity


@given(
    st.lists(st.tuples(st.integers(1, 4000), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 60),
    st.booleans(),
)
def test_every_rule_is_posted_whole_or_waits_whole(
    rules: list[tuple[int, bool]], threshold: int, grouped: bool
) -> None:
    signed = contract(
        *(
            fee(
                id=n,
                code=f"R{n}",
                cost_lines=(
                    cost(str(Decimal(cents) / 100), id=2 * n),
                    *((cost("1", id=2 * n + 1, payer_id=2),) if two else ()),
                ),
            )
            for n, (cents, two) in enumerate(rules, 1)
        )
    )
    options = RunOptions(JANUARY, threshold=Decimal(threshold))
    payers = {n: Payer(n, f"P{n}", grouped) for n in (1, 2)}
    rating = rate_contract(signed, {}, options)
    result = shape([rating], payers, options)
    moved = {rule_id for rule_id, _ in result.moved}
    posted = [line for invoice in result.invoices for line in invoice.lines]
    expected = [line for one in rating.rules for line in one.rated.lines if one.rule.id in moved]
    assert sorted(line.part for line in posted) == sorted(line.part for line in expected)
    for invoice in result.invoices:
        assert invoice.net >= threshold
        assert invoice.net == sum(line.amount for line in invoice.lines)
        assert invoice.gross == invoice.net + vat_of(invoice.net, Decimal("0.20"))

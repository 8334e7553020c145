"""Whatever the terms of a rule and its counters, each line tells its amount again: every kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from billing.contracts.contract import Family, Line, Rule, RunOptions
from billing.contracts.delivery import DELIVERY, Delivery
from billing.contracts.engine import claimed, rate_contract, rate_contracts
from billing.contracts.rules import KINDS
from billing.contracts.runs import RUN, Run
from billing.contracts.story import quantity_of, recompute
from billing.period import Term
from tests.billing.contracts.build import (
    JANUARY,
    asset,
    billed,
    block,
    bundle,
    contract,
    copies,
    cost,
    fee,
    installed,
    replace,
    story_of,
)

DAYS = [date(2026, month, 1) for month in range(2, 8)]
UNITS = st.integers(1, 5000)
GIVEN = {"offered": st.integers(0, 3000), "financed": st.integers(0, 3000)}
MONTHS = st.builds(lambda count: {"count": count, "unit": "month"}, st.sampled_from((1, 2, 3)))
SLICES = st.builds(
    lambda low, more: [{"above": low, "price": "0.008"}, {"above": low + more, "price": "0.006"}],
    UNITS,
    UNITS,
)
CHEAPER = {"degressive": SLICES, "harmonise": st.just(True)}

# Terms as a file writes them: those that are mandatory, and those that may be there.
TERMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "flat_fee": ({}, {"quantity": st.decimals("0.01", "99", places=2).map(str)}),
    "consumed_units": (
        {},
        {
            "grouped": st.booleans(),
            "degressive_per": st.sampled_from(("bill", "year")),
            **GIVEN,
            **CHEAPER,
        },
    ),
    "cost_share": ({}, {}),
    "block": (
        {"units": UNITS},
        {
            "renewal": MONTHS,
            "overrun": st.sampled_from(("blocks", "priced")),
            "renew_from": st.sampled_from(("bound", "counter")),
            "deposit": UNITS,
            **GIVEN,
        },
    ),
    "meter_fee": ({}, {}),
    "bundle": (
        {"units": UNITS, "true_up": MONTHS},
        {
            **{name: st.booleans() for name in ("refund", "floating", "same_invoice")},
            **GIVEN,
            **CHEAPER,
        },
    ),
    "kit": (
        {"classes": st.just(["TONER"])},
        {name: st.integers(1, 4) for name in ("billing_unit", "offered", "kit_contents")},
    ),
    "run": ({}, {"free_days": st.integers(0, 30)}),
}
DEPOSIT = cost("0.01", id=7, family=Family.DEPOSIT)
RULES: dict[str, Callable[[], Rule]] = {
    "flat_fee": fee,
    "consumed_units": copies,
    "cost_share": lambda: fee(id=9, kind="cost_share", term=Term.ARREARS, periodicity=None),
    "block": lambda: replace(made := block(), cost_lines=(*made.cost_lines, DEPOSIT)),
    "meter_fee": lambda: fee(kind="meter_fee", meters=copies().meters),
    "bundle": bundle,
    "kit": lambda: copies(kind="kit", price="5.00", meters=()),
    "run": lambda: copies(kind="run", price="6.00", meters=()),
}
TONERS = [
    Delivery(rank, "L", rank, JANUARY + timedelta(days=11 * rank), "TN", "Toner", "TONER", 2, 1)
    for rank in range(1, 16)
]

RUNS = [
    Run(rank, 1, datetime(2026, 1 + rank % 6, rank, 12, tzinfo=UTC), rank, "sang", 1)
    for rank in range(1, 16)
]

EVENTS: dict[type, str] = {Delivery: DELIVERY, Run: RUN}


def lines_of(rule: Rule, steps: list[int]) -> list[Line]:
    """Half a year of a rule beside a fee, its counter read on each work date."""
    found, waiting = list[Line](), [*TONERS, *RUNS]
    known = installed(0, *zip(DAYS, accumulate(steps), strict=True))
    for day in DAYS:
        signed = contract(fee(id=8), rule, assets=(asset(1, installed_on=JANUARY, heard_on=day),))
        options = RunOptions(day, bundle_check=False, zero_bundle_allowed=True)
        rating = rate_contract(signed, known, options, claimed([signed], waiting))
        assert not rating.anomalies, rating.anomalies
        for one in rating.rules:
            if one.rule.id == rule.id:
                rule = billed(rule, one.rated)
                found += one.rated.lines
        events = {line.event.id for line in found if line.event}
        waiting = [
            one
            for one in waiting
            if one.id not in events or isinstance(one, Run) != (rule.kind == "run")
        ]
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_every_line_tells_its_amount_again(kind: str, data: st.DataObject) -> None:
    mandatory, optional = TERMS[kind]
    raw = data.draw(st.fixed_dictionaries(mandatory, optional=optional))
    steps = data.draw(st.lists(st.integers(0, 6000), min_size=len(DAYS), max_size=len(DAYS)))
    rule = RULES[kind]()
    try:
        rule = replace(rule, terms=KINDS[kind].terms(raw))
    except ValueError:
        assume(False)
    for line in lines_of(rule, steps):
        story = story_of(line)
        assert "how" in story.figures
        assert (quantity_of(story), recompute(story)) == (line.quantity, line.amount)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_rule_of_every_kind_has_a_line(kind: str) -> None:
    """What the property looks at is never nothing."""
    rule = _plain(kind, 1)
    assert sum((line.amount for line in lines_of(rule, [300] * len(DAYS))), Decimal(0)) > 0


PLAIN = {"units": 100, "true_up": {"unit": "month"}, "classes": ["TONER"]}
SOME_KINDS = st.lists(st.sampled_from([*KINDS, "nobody's"]), min_size=1, max_size=3)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(SOME_KINDS, st.booleans()), min_size=1, max_size=4), st.sampled_from(DAYS)
)
def test_contracts_rated_together_are_what_each_is_alone(
    portfolio: list[tuple[list[str], bool]], day: date
) -> None:
    signed = [
        contract(
            *(_plain(kind, 10 * rank + n) for n, kind in enumerate(kinds)),
            id=rank,
            suspended=suspended,
            assets=(asset(1, installed_on=JANUARY, heard_on=day),),
        )
        for rank, (kinds, suspended) in enumerate(portfolio, 1)
    ]
    options, known = RunOptions(day, bundle_check=False), installed(0, (day, 500))
    claims = claimed(signed, [*TONERS, *RUNS])
    alone = [rate_contract(one, known, options, claims) for one in signed]
    assert rate_contracts(signed, known, options, claims) == alone
    assert [one.contract for one in alone] == signed


def _plain(kind: str, id_: int) -> Rule:
    if kind not in KINDS:
        return fee(id=id_, code=f"R{id_}", kind=kind)
    terms = KINDS[kind].terms({name: PLAIN[name] for name in TERMS[kind][0]})
    return replace(RULES[kind](), id=id_, code=f"R{id_}", terms=terms)

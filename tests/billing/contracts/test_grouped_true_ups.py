"""Edges of true-ups weighed together on a module: who belongs, what just counts, which price.

3000 black copies at 0.005 (15.00) and 2000 colour at 0.05 (100.00), monthly, in arrears.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Family, Rule, RuleState
from billing.contracts.engine import ContractRating
from billing.contracts.increase import Change, Increase, IncreaseKind, Mode, OneOff
from billing.contracts.terms import Rhythm
from billing.contracts.true_up import Grouping
from billing.period import Term, Unit
from tests.billing.contracts.build import (
    JANUARY,
    NB,
    bundle,
    codes,
    contract,
    cost,
    fee,
    installed,
    replace,
    run,
)

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
COLOUR = replace(NB, id=2, code="CO", label="Couleur")
PRICE, QUANTITY = Grouping.PRICE, Grouping.QUANTITY


def pair(how: Grouping, **changes: Any) -> tuple[Rule, Rule]:
    """Both rules; changes are those of the colour one."""
    black, colour = (
        bundle(
            units, Rhythm(1, Unit.MONTH), id=meter.id, code=meter.code, meters=(meter,),
            grouping=how, refund=True, term=Term.ARREARS, state=RuleState(FEBRUARY),
            cost_lines=(
                cost(price, id=2 * meter.id),
                cost(price, id=2 * meter.id + 1, family=Family.OVERRUN),
            ),
        )
        for units, price, meter in (("3000", "0.005", NB), ("2000", "0.05", COLOUR))
    )  # fmt: skip
    return black, replace(colour, **changes)


def weighed(*rules: Rule, black: int, colour: int, **options: Any) -> ContractRating:
    """The rules of one module, read on 1 February."""
    known = {
        meter: installed(0, (FEBRUARY, units), meter=meter)[meter]
        for meter, units in ((1, black), (2, colour))
    }
    return run(contract(*rules), FEBRUARY, known, **options)


def extras(rating: ContractRating) -> list[str]:
    """Amounts of the true-ups, none when the group bills nothing."""
    assert rating.anomalies == ()
    return [
        str(line.amount)
        for one in rating.rules
        for line in one.rated.lines
        if line.cost_line.family is Family.OVERRUN
    ]


@pytest.mark.parametrize(
    ("how", "black", "colour", "found"),
    [
        (PRICE, 3500, 1950, []),  # 17.50 + 97.50: 115.00 exactly
        (PRICE, 3100, 2000, ["0.50"]),  # 115.50
        (QUANTITY, 2500, 2500, []),  # 5000 copies exactly
        (QUANTITY, 2501, 2500, ["-2.50", "25.00"]),  # one more: -499 × 0.005 = -2.495
        (QUANTITY, 4000, 1900, ["5.00", "-5.00"]),  # worth 0.00 together: not below zero
        (QUANTITY, 4000, 1950, ["5.00", "-2.50"]),
        (QUANTITY, 4000, 1850, []),  # -2.50 together
    ],
)
def test_what_just_counts(how: Grouping, black: int, colour: int, found: list[str]) -> None:
    assert extras(weighed(*pair(how), black=black, colour=colour)) == found


def test_other_rules_of_the_module_are_not_weighed() -> None:
    """A fee, a bundle on its own and a grouped one that is over stand between them."""
    black, colour = pair(QUANTITY)
    alone = replace(bundle("9000", id=7, code="SEUL", state=RuleState(date(2026, 4, 1))))
    over = replace(colour, id=8, code="FINI", until=FEBRUARY)
    rules = (fee(id=9), alone, over, black, colour)
    assert extras(weighed(*rules, black=3500, colour=2100)) == ["2.50", "5.00"]
    gone = replace(colour, until=FEBRUARY)  # the black one alone: 500 more than its 3000
    assert extras(weighed(black, gone, black=3500, colour=0)) == ["2.50"]


def test_a_rule_without_next_date_stops_its_group() -> None:
    rating = weighed(*pair(QUANTITY, state=RuleState(None)), black=3500, colour=2100)
    assert codes(rating) == ["RAT-213", "RAT-206"]


def test_a_group_is_weighed_at_the_prices_of_the_true_ups_start() -> None:
    """+1 € from 15 January moves neither the decision, nor the gap, nor what is told."""
    later = Increase(
        one_offs=(OneOff(date(2026, 1, 15), Change(IncreaseKind.CUSTOM, Mode.ADDED, Decimal(1))),)
    )
    first = weighed(*pair(PRICE, increase=later), black=3500, colour=1950)
    assert extras(first) == []
    dear = cost("0.06", id=5, family=Family.OVERRUN)
    costs = (cost("0.05", id=4), dear)
    rating = weighed(
        *pair(PRICE, increase=later, cost_lines=costs, decimals=4), black=3000, colour=2100
    )
    assert extras(rating) == ["6.00", "20.00"]  # 100 × 0.06, and 2000 × (0.06 - 0.05)
    extra, gap = (
        line for line in rating.rules[1].rated.lines if line.cost_line.family is Family.OVERRUN
    )
    assert (extra.part, gap.part) == ("overrun/5", "overrun/5/bundle")
    assert gap.unit_price == Decimal("0.01")
    (_, colour) = extra.explain["group"]  # type: ignore[misc]
    assert (colour["true_up_price"], colour["bundle_price"]) == ("0.06", "0.05")
    by_copies = weighed(*pair(QUANTITY, increase=later), black=4000, colour=1900)
    assert extras(by_copies) == ["5.00", "-5.00"]  # at 1.05 they would be below zero
    assert rating.rules[1].rated.lines[0].since == JANUARY

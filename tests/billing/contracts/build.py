"""Short names for the contracts the tests rate: one module, rules from 1 January, one payer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from billing.contracts.contract import (
    Asset,
    Contract,
    CostLine,
    Family,
    Line,
    Module,
    Rule,
    RuleState,
    RunOptions,
)
from billing.contracts.engine import ContractRating, rate_contract
from billing.contracts.rating import Rated
from billing.contracts.reading import Meter, Origin, Reading
from billing.contracts.rules.block import Block
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.contracts.rules.flat_fee import FlatFee
from billing.contracts.story import Story, quantity_of, recompute
from billing.contracts.terms import Rhythm
from billing.contracts.true_up import Bundle
from billing.period import Periodicity, Term, Unit

T = TypeVar("T")
Readings = Mapping[int, Sequence[Reading]]

JANUARY = date(2026, 1, 1)
MONTHLY = Periodicity(1, Unit.MONTH, JANUARY)
QUARTERLY = Periodicity(3, Unit.MONTH, JANUARY)
YEARLY_BLOCK = Rhythm(12, Unit.MONTH)
NB = Meter(1, 1, "NB", "Noir et blanc")


def cost(price: str, **changes: Any) -> CostLine:
    """A standard cost line of payer 1 at 20 %."""
    line = CostLine(1, Family.STANDARD, "ART", "Prestation", Decimal(price), Decimal("0.20"), 1)
    return replace(line, **changes)


def fee(price: str = "25.00", quantity: str = "1", **changes: Any) -> Rule:
    """A monthly flat fee in advance, never billed."""
    rule = Rule(
        1, "MF", "Forfait", "flat_fee", Term.ADVANCE, MONTHLY, JANUARY,
        FlatFee(Decimal(quantity)), (cost(price),), RuleState(JANUARY),
    )  # fmt: skip
    return replace(rule, **changes)


def copies(price: str = "0.01", units: ConsumedUnits | None = None, **changes: Any) -> Rule:
    """Monthly consumed units of the meter NB, first due on 1 February, never billed."""
    rule = Rule(
        2, "UC", "Copies", "consumed_units", Term.ARREARS, MONTHLY, JANUARY,
        units or ConsumedUnits(), (cost(price, id=2),), RuleState(date(2026, 2, 1)), meters=(NB,),
    )  # fmt: skip
    return replace(rule, **changes)


def bundle(units: str = "1000", true_up: Rhythm | None = None, **changes: Any) -> Rule:
    """A monthly bundle in advance at 0.01, trued up each quarter at 0.02, never billed.

    Fields of Bundle and of Rule may be changed.
    """
    own = {name: changes.pop(name) for name in Bundle.__slots__ if name in changes}
    terms = Bundle(Decimal(units), true_up or Rhythm(3, Unit.MONTH), **own)
    costs = (cost("0.01", id=3), cost("0.02", id=4, family=Family.OVERRUN))
    rule = Rule(
        3, "FR", "Forfait", "bundle", Term.ADVANCE, MONTHLY, JANUARY,
        terms, costs, RuleState(JANUARY), meters=(NB,),
    )  # fmt: skip
    return replace(rule, **changes)


def block(units: str = "5000", renewal: Rhythm | None = YEARLY_BLOCK, **changes: Any) -> Rule:
    """A block in advance at 0.01 (overrun at 0.02), checked each month, never billed.

    Fields of Block and of Rule may be changed.
    """
    own = {name: changes.pop(name) for name in Block.__slots__ if name in changes}
    costs = (cost("0.01", id=5), cost("0.02", id=6, family=Family.OVERRUN))
    rule = Rule(
        4, "TR", "Tranche", "block", Term.ADVANCE, MONTHLY, JANUARY,
        Block(Decimal(units), renewal, **own), costs, RuleState(JANUARY), meters=(NB,),
    )  # fmt: skip
    return replace(rule, **changes)


def contract(*rules: Rule, assets: tuple[Asset, ...] = (), **changes: Any) -> Contract:
    """Contract C1 of customer 1: one open-ended module with these rules and assets.

    It starts in January, or with an older rule.
    """
    since = min([JANUARY, *(rule.since for rule in rules)])
    module = Module(1, "M1", since, None, rules, assets)
    return replace(Contract(1, "C1", "Contrat", 1, (module,)), **changes)


def asset(number: int, **changes: Any) -> Asset:
    """Asset B<number>."""
    return replace(Asset(number, f"B{number}", f"Machine {number}"), **changes)


def readings(*values: tuple[date, int, Origin], meter: int = 1) -> list[Reading]:
    """Stored readings of a meter, ids 1, 2, 3…"""
    return [
        Reading(meter, day, value, origin, meter * 100 + n)
        for n, (day, value, origin) in enumerate(values, 1)
    ]


def installed(value: int, *later: tuple[date, int], meter: int = 1) -> Readings:
    """A meter installed on 1 January at a value, then read by the customer."""
    first = (JANUARY, value, Origin.INSTALLATION)
    return {meter: readings(first, *((d, v, Origin.CUSTOMER) for d, v in later), meter=meter)}


def run(
    signed: Contract | Rule, work_date: date, known: Readings | None = None, **options: Any
) -> ContractRating:
    """Rates a contract, or a rule alone on one, at a work date; each line tells its amount."""
    whole = contract(signed) if isinstance(signed, Rule) else signed
    rating = rate_contract(whole, known or {}, RunOptions(work_date, **options))
    for line in (line for one in rating.rules for line in one.rated.lines):
        assert "how" in line.explain
        assert recompute(story_of(line)) == line.amount, line
        assert quantity_of(story_of(line)) == line.quantity, line
    return rating


def story_of(line: Line) -> Story:
    """A line's story as it is kept: JSON, without the line."""
    figures = orjson.loads(orjson.dumps(line.explain, default=str))
    return Story(line.quantity, line.unit_price, figures)


def only(rating: ContractRating) -> Rated:
    """What the only rule that had something to say gave."""
    (one,) = rating.rules
    return one.rated


def billed(rule: Rule, rated: Rated) -> Rule:
    """The rule as the posting leaves it."""
    assert rated.state is not None
    return replace(rule, state=replace(rated.state, last_invoice="F1" if rated.lines else ""))


def run_after_run(
    rule: Rule, days: Sequence[date], known: Readings | None = None, **options: Any
) -> list[tuple[Rule, list[Line]]]:
    """The rule after each run, with the lines of the run; what a run leaves alone stays."""
    found = []
    for day in days:
        rating = run(rule, day, known, **options)
        assert rating.anomalies == (), rating.anomalies
        lines = [line for one in rating.rules for line in one.rated.lines]
        for one in rating.rules:
            rule = billed(rule, one.rated)
        found.append((rule, lines))
    return found


def quantities(lines: Sequence[Line]) -> list[tuple[str, int]]:
    """(cost family, whole quantity) of each line."""
    return [(line.cost_line.family.value, int(line.quantity)) for line in lines]


def amounts(rating: ContractRating) -> list[str]:
    """Every amount, in the order rated."""
    return [str(line.amount) for one in rating.rules for line in one.rated.lines]


def codes(rating: ContractRating) -> list[str]:
    """The ids of the anomalies."""
    return [anomaly.code.id for anomaly in rating.anomalies]


def replace(value: T, /, **changes: object) -> T:
    """The value with these fields changed, be it a tuple or a dataclass."""
    made: T
    if isinstance(value, tuple):
        made = value._replace(**changes)  # type: ignore[attr-defined]
    else:
        made = dataclasses.replace(value, **changes)  # type: ignore[type-var]
    return made

"""Increases that are due, applied to a rule before it is rated; the history that they leave.

The history lives in the rule's state: entries by date (`2027-01-01`, `2027-07-01+1` for the first
one-off increase of a day), each with the prices before and after. It moves with the billing that
applies it and goes back with the credit note that restores the state. Past periods find their own
price in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from billing.contracts.contract import (
    Contract,
    CostLine,
    Family,
    Module,
    Rule,
    RuleState,
    RunOptions,
)
from billing.contracts.increase import (
    Change,
    Increase,
    IncreaseKind,
    Moved,
    OneOff,
    PriceName,
    Step,
    changed,
    next_yearly,
    price_at,
)
from billing.contracts.pricing import FLAT
from billing.contracts.syntec import Indices, Ratio, ratio
from billing.money import round_price
from formats.common.anomaly import Anomaly, Code

NO_COEFFICIENT = Code(
    "RAT-242",
    "La règle « {rule} » suit la majoration société, qui n'a ni coefficient ni pourcentage.",
    "Renseignez COEFF_UNITAIRE_MAJORATIONSOCIETE ou POURC_UNITAIRE_MAJORATIONSOCIETE.",
)
LATE_INDEX: Final = "Indice Syntec non encore publié au {day:%d/%m/%Y} : dernier connu, {month}"
_SHOWN: Final = 10  # decimals of an unrounded price that the history keeps


class Due(NamedTuple):
    """One increase to apply: its key in the history, and what it changes."""

    key: str
    on: date
    change: Change
    prices: tuple[PriceName, ...]
    families: tuple[str, ...] = ()


def revised(contract: Contract, options: RunOptions, indices: Indices) -> Contract:
    """The contract with every price as its history and the increases due make it.

    A rule whose increase can't be worked out carries the anomaly. Nothing else changes; a
    contract without increases comes back as it is.
    """
    for module in contract.modules:
        if any(map(_concerned, module.rules)):
            break
    else:
        return contract
    modules = (
        module._replace(
            rules=tuple(
                _revised(rule, module, options, indices) if _concerned(rule) else rule
                for rule in module.rules
            )
        )
        for module in contract.modules
    )
    return contract._replace(modules=tuple(modules))


def _concerned(rule: Rule) -> bool:
    return rule.increase is not None or bool(rule.state.increases)


def _revised(rule: Rule, module: Module, options: RunOptions, indices: Indices) -> Rule:
    rule = with_history(rule)
    for due in increases_due(rule, module, options):
        found = _measured(rule, module, due, options, indices)
        if isinstance(found, Anomaly):
            values = {**found.values, "rule": rule.code}
            return rule._replace(unpriced=Anomaly(found.code, values=values))
        rule = _applied(rule, due, found)
    return rule


def with_history(rule: Rule) -> Rule:
    """The rule with the steps of its cost lines, each line at its last price."""
    entries = sorted(rule.state.increases.items())
    costs = tuple(_stepped(cost, entries) for cost in rule.cost_lines) if entries else ()
    return rule._replace(cost_lines=costs) if entries else rule


def _stepped(cost: CostLine, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> CostLine:
    steps = []
    for key, entry in entries:
        prices = entry["prices"].get(str(cost.id))
        if prices:
            moved = {name: Moved(*map(Decimal, three)) for name, three in prices.items()}
            steps.append(Step(_day_of(key), moved, _told(entry)))
    return _at_last_step(cost, tuple(steps)) if steps else cost


def _told(entry: Mapping[str, Any]) -> dict[str, object]:
    return {name: value for name, value in entry.items() if name != "prices"}


def _at_last_step(cost: CostLine, steps: tuple[Step, ...]) -> CostLine:
    return cost._replace(price=price_at(steps, date.max, cost.price), steps=steps)


# --- when -------------------------------------------------------------------------------------


def increases_due(rule: Rule, module: Module, options: RunOptions) -> list[Due]:
    """One-off increases not applied yet, and recurring ones when they are active, by date."""
    agreed = rule.increase
    if agreed is None:
        return []
    found = [
        Due(key, one.on, one.change, one.prices, one.families)
        for key, one in pending(agreed, rule.state)
        if one.on <= options.work_date
    ]
    if options.increases and agreed.recurring is not None:
        found += [
            Due(day.isoformat(), day, agreed.recurring, agreed.prices)
            for day in _recurring(agreed, rule, module, options.work_date)
        ]
    return sorted(found)


def pending(agreed: Increase, state: RuleState) -> list[tuple[str, OneOff]]:
    """The one-off increases not applied yet, each with its key in the history."""
    rank: dict[date, int] = {}
    keyed = []
    for one in agreed.one_offs:
        rank[one.on] = rank.get(one.on, 0) + 1
        keyed.append((f"{one.on}+{rank[one.on]}", one))
    return [(key, one) for key, one in keyed if key not in state.increases]


def next_increase(
    agreed: Increase, module_since: date, since: date, state: RuleState
) -> date | None:
    """The next recurring date; None when the rule isn't revised.

    A date that a billing has already passed without an increase is missed, never made up for,
    unless a clerk fixed it (`following`).
    """
    if agreed.recurring is None:
        return None
    last = last_recurring(state)
    if agreed.following is not None and (last is None or agreed.following > last):
        return agreed.following
    passed = (module_since, since, state.last_theoretical, state.last_actual, last)
    return _following(agreed, module_since, max(day for day in passed if day is not None))


def last_recurring(state: RuleState) -> date | None:
    """The last recurring increase applied."""
    return max((_day_of(key) for key in state.increases if "+" not in key), default=None)


def last_applied(state: RuleState) -> date | None:
    """The last increase applied, of whatever sort."""
    return max(map(_day_of, state.increases), default=None)


def _recurring(agreed: Increase, rule: Rule, module: Module, work_date: date) -> Iterator[date]:
    day = next_increase(agreed, module.since, rule.since, rule.state)
    while day is not None and day <= work_date:
        yield day
        day = _following(agreed, module.since, day)


def _following(agreed: Increase, module_since: date, after: date) -> date:
    return next_yearly(agreed.yearly or (module_since.month, module_since.day), after)


def _day_of(key: str) -> date:
    return date.fromisoformat(key.partition("+")[0])


# --- how much ---------------------------------------------------------------------------------


class _Measure(NamedTuple):
    """A change whose figures are known; ratio and the day its prices are of for Syntec."""

    change: Change
    told: Mapping[str, object]
    ratio: Ratio | None = None
    reference: date | None = None
    note: str = ""


def _measured(
    rule: Rule, module: Module, due: Due, options: RunOptions, indices: Indices
) -> _Measure | Anomaly:
    """The change with its figures, or the anomaly that stops it."""
    kind, change = due.change.kind, due.change
    if kind is IncreaseKind.SYNTEC:
        return _syntec(rule, module, due, options, indices)
    if kind is IncreaseKind.COMPANY:
        if options.company_factor is None:
            return Anomaly(NO_COEFFICIENT)
        change = Change(kind, value=options.company_factor)
    told = {"kind": kind.value, "mode": change.mode.value, "value": str(change.value)}
    return _Measure(change, told)


def _syntec(
    rule: Rule, module: Module, due: Due, options: RunOptions, indices: Indices
) -> _Measure | Anomaly:
    """From the origin: P0 and S0 are those of the day a price was last set otherwise than by
    Syntec, so that a one-off increase isn't undone. `n-1`: from the current price and the index
    of the same month one year before."""
    reference = None
    since = due.on.replace(year=due.on.year - 1, day=1)
    if options.syntec_base == "origin":
        reference = since = _reference(rule, module)
    found = ratio(indices, since, due.on)
    if isinstance(found, Anomaly):
        return found
    told = {
        "kind": due.change.kind.value,
        **{name: str(value) for name, value in found._asdict().items() if name != "late"},
    }
    note = LATE_INDEX.format(day=due.on, month=found.s1_month) if found.late else ""
    return _Measure(due.change, told, found, reference, note)


def _reference(rule: Rule, module: Module) -> date:
    """The day the last price set otherwise than by Syntec is of."""
    others = [
        _day_of(key)
        for key, entry in rule.state.increases.items()
        if entry["kind"] != IncreaseKind.SYNTEC
    ]
    agreed = rule.increase
    return max(others, default=(agreed and agreed.origin) or module.since)


def _applied(rule: Rule, due: Due, measure: _Measure) -> Rule:
    """The rule with its history one entry longer; the rental part never moves (A-AUG-08)."""
    assert rule.increase is not None
    told = {**measure.told, "rounding": rule.increase.rounding.value, "decimals": rule.decimals}
    kept: dict[str, dict[str, list[str]]] = {}
    costs = []
    for cost in rule.cost_lines:
        prices = _moved(rule, cost, due, measure)
        if prices:
            kept[str(cost.id)] = {
                str(name): [_plain(price) for price in p] for name, p in prices.items()
            }
            cost = _at_last_step(cost, (*cost.steps, Step(due.on, prices, told, measure.note)))
        costs.append(cost)
    increases = {**rule.state.increases, due.key: {**told, "prices": kept}}
    state = rule.state._replace(increases=increases)
    return rule._replace(cost_lines=tuple(costs), state=state)


def _moved(rule: Rule, cost: CostLine, due: Due, measure: _Measure) -> dict[str, Moved]:
    """Every ticked price of a cost line before and after."""
    if cost.family is Family.RENTAL or (due.families and cost.family not in due.families):
        return {}
    agreed = rule.increase
    assert agreed is not None
    moved = {}
    for name, base in _prices(rule, cost, due.prices):
        before = price_at(cost.steps, due.on, base, name)
        if measure.ratio is None:
            exact = changed(measure.change, before)
        elif measure.reference is None:
            exact = measure.ratio.exact(before)
        else:
            exact = measure.ratio.exact(price_at(cost.steps, measure.reference, base, name))
        after = round_price(exact, rule.decimals, agreed.rounding)
        moved[name] = Moved(before, round(exact, _SHOWN), after)
    return moved


def _plain(price: Decimal) -> str:
    return f"{price.normalize():f}"


def _prices(
    rule: Rule, cost: CostLine, ticked: Sequence[PriceName]
) -> Iterator[tuple[str, Decimal]]:
    """The ticked prices by name, as they were before any increase (cost line and slices)."""
    first = price_at(cost.steps, date.min, cost.price)
    slices = getattr(rule.terms, "degressive", FLAT)
    own = {PriceName.CUTOFF: cost.cutoff_price, PriceName.PROFIT: cost.profit_price}
    for name in ticked:
        if name is PriceName.BILLED:
            yield name, first
        elif name is not PriceName.COST:
            price = own[name]
            yield name, first if price is None else price
        elif cost.cost_price is not None:
            yield name, cost.cost_price
        for one in getattr(slices, name):
            yield f"{name}/{one.above}", one.price

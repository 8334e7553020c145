"""Delivery kit (*kits de livraison*, contracts.md §4.8): a fee for each consumable delivered.

Built: the fee at the rule's own price, so also shipping fees (A-FEE-07). Not built, and refused as
unknown parameters: minimum commitment, price of the article, life-time check, subscription part,
choice of documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from billing.contracts.claims import Claimable
from billing.contracts.contract import CostLine, Event, Line, Module, Rule, RuleState
from billing.contracts.delivery import DELIVERY, Delivery
from billing.contracts.pricing import cost_anomaly, costs_of, priced
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.schedule import Period, advanced, end_of, passed_over, start_of
from billing.contracts.terms import only, whole
from billing.period import Term

_GIVEN: Final = "given"


@dataclass(frozen=True, slots=True)
class Kit:
    """Terms of a kit.

    classes:      classes of the articles it covers.
    billing_unit: delivery lines are billed by so many, the rest waits; 1 = each.
    offered:      consumables given first. kit_contents: those included next (24 for 6 kits of 4).
    """

    classes: frozenset[str]
    billing_unit: int = 1
    offered: int = 0
    kit_contents: int = 0


def terms(raw: Mapping[str, object]) -> Kit:
    """Reads `{"classes": ["TONER"], "billing_unit": 1, "offered": 0, "kit_contents": 0}`.

    Only the classes are mandatory. Raises ValueError with a French reason.
    """
    only(raw, ("classes", "billing_unit", "offered", "kit_contents"))
    classes = raw.get("classes")
    if not isinstance(classes, Sequence) or isinstance(classes, str) or not classes:
        raise ValueError("« classes » est la liste des classes d'articles couvertes")
    if not all(isinstance(one, str) and one for one in classes):
        raise ValueError("une classe d'articles est un texte")
    unit = whole(raw, "billing_unit", 1)
    if not unit:
        raise ValueError("l'unité de facturation compte au moins une livraison")
    return Kit(frozenset(classes), unit, whole(raw, "offered"), whole(raw, "kit_contents"))


def claims(rule: Rule, module: Module, delivery: Claimable) -> bool:
    """Whether a delivery line is the rule's: its class, its asset, and the rule's validity.

    A rule without assets of its own stands for all those of its module.
    """
    end = end_of(rule, module)
    return (
        isinstance(delivery, Delivery)
        and delivery.article_class in _kit(rule).classes
        and any(asset.id == delivery.asset_id for asset in rule.assets or module.assets)
        and start_of(rule) <= delivery.delivered_on
        and (end is None or delivery.delivered_on < end)
    )


def rate(rule: Rule, facts: Facts) -> Rated:
    """One line a delivery line and cost line: 1 and 2 toners at 5.00 are 5.00 and 10.00.

    All that isn't billed yet and was delivered before the end of the last period due; what comes
    to be known late goes with the next bill.
    """
    costs = costs_of(rule)
    wrong = cost_anomaly(rule, costs, facts.options)
    if wrong is not None:
        return Rated(anomalies=(wrong,))
    kit, lines, given = _kit(rule), list[Line](), list[Delivery]()
    free = left = max(0, kit.offered + kit.kit_contents - rule.state.offered_used)
    for one in _waiting(rule, facts):
        billed = max(0, one.quantity - left)
        left -= one.quantity - billed
        if billed:
            lines += _lines(rule, costs, one, billed)
        else:
            given.append(one)
    return Rated(tuple(lines), _after(rule, facts, given, free - left, bool(lines)))


def _waiting(rule: Rule, facts: Facts) -> Sequence[Delivery]:
    """The rule's lines delivered before the last period's end, whole groups of them."""
    until, given = facts.periods[-1].until, rule.state.own.get(_GIVEN, "").split()
    found = [
        one
        for one in facts.claimed
        if isinstance(one, Delivery) and one.delivered_on < until and str(one.id) not in given
    ]
    return found[: len(found) - len(found) % _kit(rule).billing_unit]


def _lines(rule: Rule, costs: Sequence[CostLine], one: Delivery, billed: int) -> list[Line]:
    """A delivery line is billed but once, whatever the rule: its id is the lines' event."""
    dates = (one.delivered_on, one.delivered_on + timedelta(days=1))
    details: tuple[str, ...] = (rule.label or rule.code, f"{one.shown}, quantité {one.quantity}")
    given = one.quantity - billed
    if given:
        details = (*details, f"dont comprises ou offertes : {given}")
    told = {"how": "delivered", "delivered": one.quantity, "given": given, "delivery": one.key}
    return [
        priced(rule, cost, dates, Decimal(billed), details, told)._replace(
            part=f"{DELIVERY}/{one.id}/{rank}", event=Event(DELIVERY, one.id, str(rank))
        )
        for rank, cost in enumerate(costs, 1)
    ]


def _after(
    rule: Rule, facts: Facts, given: Sequence[Delivery], offered: int, billed: bool
) -> RuleState:
    """Lines given whole leave nothing posted: the rule remembers their ids."""
    periods: Sequence[Period] = facts.periods
    if billed:
        state = advanced(rule.state, periods, facts.options.work_date)
    else:
        state = passed_over(rule.state, periods)
    own = dict(state.own)
    if given:
        own[_GIVEN] = " ".join((own.get(_GIVEN, ""), *(str(one.id) for one in given))).strip()
    return state._replace(offered_used=state.offered_used + offered, own=own)


def _kit(rule: Rule) -> Kit:
    kit = rule.terms
    assert isinstance(kit, Kit)
    return kit


KIT: Final = Kind(
    "kit",
    "kits de livraison",
    terms,
    rate,
    forced_term=Term.ARREARS,
    events=DELIVERY,
    claims=claims,
)

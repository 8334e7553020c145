"""Variants of the unit block, GTB and SF1 (contracts.md §4, "GTB and SF1"; A-TR-08, A-TR-09).

[G]: guessed from the columns BJ–BM and BN–BO of the seed's table, until a user confirms them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from billing.contracts.contract import Family, Line, Rule
from billing.contracts.pricing import costs_of, priced
from billing.money import ZERO

_STEPS, _THRESHOLDS = "steps", "thresholds"
_LEFT, _ON = "deposit_left", "deposit_on"


def stepped(own: Mapping[str, str], blocks: int, size: Decimal, volume: Decimal) -> dict[str, str]:
    """GTB: steps of the cadence and thresholds of the yearly volume billed so far.

    A step is a block of the cadence: the next is billed when the counter passes steps × cadence.
    """
    if not volume:
        return {}
    steps = int(own.get(_STEPS, 0)) + blocks
    return {_STEPS: str(steps), _THRESHOLDS: str(int(steps * size // volume))}


def deposited(
    rule: Rule, units: Decimal, dates: tuple[date, date], billed: Decimal, today: date
) -> tuple[list[Line], dict[str, str]]:
    """SF1: a deposit of so many units billed first, given back by the blocks billed after it.

    billed: units of the blocks on this bill. Gives the lines, and what the rule remembers.
    """
    own, costs = rule.state.own, costs_of(rule, Family.DEPOSIT)
    if not units:
        return [], {}
    if _ON not in own:
        told = {"how": "fee", "quantity": str(units)}
        lines = [priced(rule, cost, dates, units, ("Acompte",), told) for cost in costs]
        return lines, {_ON: today.isoformat(), _LEFT: str(units)}
    back = min(Decimal(own[_LEFT]), billed)
    told = {"how": "fee", "quantity": str(-back)}
    lines = [priced(rule, cost, dates, -back, ("Acompte déduit",), told) for cost in costs]
    return lines if back > ZERO else [], {_ON: own[_ON], _LEFT: str(Decimal(own[_LEFT]) - back)}

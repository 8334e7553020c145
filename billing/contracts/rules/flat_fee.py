"""Flat fee (*montant forfaitaire*): quantity × price each period (contracts.md §4.2, §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from billing.contracts.contract import RENT, CostLine, Rule
from billing.contracts.pricing import (
    ZERO_QUANTITY,
    cost_anomaly,
    costs_of,
    numbered,
    priced,
    prorated,
)
from billing.contracts.rating import NOTHING, Facts, Kind, Rated
from billing.contracts.schedule import advanced
from billing.money import QUANTITY_SCALE
from formats.common.anomaly import Anomaly

BRIDGING_RENT: Final = "Loyer intercalaire"


@dataclass(frozen=True, slots=True)
class FlatFee:
    """Terms of a flat fee. quantity: units billed each period."""

    quantity: Decimal = Decimal(1)


def terms(raw: Mapping[str, object]) -> FlatFee:
    """Reads `{"quantity": 3}`. Raises ValueError with a French reason."""
    unknown = raw.keys() - {"quantity"}
    if unknown:
        raise ValueError(f"paramètres inconnus : {', '.join(sorted(unknown))}")
    try:
        quantity = Decimal(str(raw.get("quantity", 1)))
    except InvalidOperation:
        raise ValueError("la quantité d'un forfait est un nombre") from None
    if not quantity.is_finite() or round(quantity, QUANTITY_SCALE) != quantity:
        raise ValueError(f"la quantité d'un forfait a {QUANTITY_SCALE} décimales au plus")
    return FlatFee(quantity)


def rate(rule: Rule, facts: Facts) -> Rated:
    """One line a period and cost line; an aperiodic fee goes with its contract's other rules."""
    fee = rule.terms
    assert isinstance(fee, FlatFee)
    costs = costs_of(rule)
    wrong = cost_anomaly(rule, costs, facts.options)
    if wrong is None and fee.quantity == 0 and not facts.options.zero_bundle_allowed:
        wrong = Anomaly(ZERO_QUANTITY, values={"rule": rule.code})
    if wrong is not None:
        return Rated(anomalies=(wrong,))
    if rule.periodicity is None:
        return _aperiodic(rule, fee, costs, facts)
    return _periodic(rule, fee, costs, facts)


def _periodic(rule: Rule, fee: FlatFee, costs: Sequence[CostLine], facts: Facts) -> Rated:
    """Attached assets don't change the amount (A-MF-02)."""
    if _bridging(rule, facts.options.bridging_rent_article):
        costs = [_bridged(cost, facts.options.bridging_rent_article) for cost in costs]
    explain = {"how": "fee", "quantity": str(fee.quantity)}
    lines = [
        line
        for period in facts.periods
        for cost in costs
        for line in prorated(rule, cost, period, fee.quantity, explain=explain)
    ]
    return Rated(tuple(lines), advanced(rule.state, facts.periods, facts.options.work_date))


def _aperiodic(rule: Rule, fee: FlatFee, costs: Sequence[CostLine], facts: Facts) -> Rated:
    """Price × assets of the rule, else of its module, × quantity, when a companion bills."""
    assets = len(rule.assets or facts.module.assets)
    if not facts.companions or not assets:
        return NOTHING
    today = facts.options.work_date
    dates = (today, today + timedelta(days=1))
    explain = {"how": "fee", "assets": assets, "quantity": str(fee.quantity)}
    bills, quantity = rule.state.occurrences, fee.quantity * assets
    lines = tuple(
        numbered(priced(rule, cost, dates, quantity, explain=explain), bills) for cost in costs
    )
    return Rated(lines, rule.state._replace(last_actual=today, occurrences=bills + 1))


def _bridging(rule: Rule, article: str) -> bool:
    """Periodic, on an asset, never billed, and a *pré-échéance* on it (contracts.md §4.2)."""
    if not article or not rule.assets or not rule.state.never_billed:
        return False
    return any(asset.financed_in_advance for asset in rule.assets)


def _bridged(cost: CostLine, article: str) -> CostLine:
    """The bridging-rent article in place of a rent; the amount is the same."""
    if cost.article_class.casefold() != RENT:
        return cost
    return cost._replace(article=article, label=BRIDGING_RENT)


FLAT_FEE: Final = Kind("flat_fee", "montant forfaitaire", terms, rate, aperiodic=True)

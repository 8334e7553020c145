"""Delivery package: one per placement, whatever the number of pieces (facts §1.5)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from billing.care.engines.purchase import once
from billing.care.prescription import CareItem, ItemKind
from billing.care.pricing import CareFacts, CareRated, Engine


def rate(item: CareItem, facts: CareFacts) -> CareRated:
    """One package on the day of the placement; its quantity is always one."""
    return once(replace(item, quantity=Decimal(1)), facts, ENGINE.code)


ENGINE: Final = Engine("delivery", "Forfait de livraison", ItemKind.DELIVERY, rate)

"""Purchase, repair, uncoded item: billed once, on the day it is handed over."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from billing.care.prescription import CareItem, ItemKind
from billing.care.pricing import CareFacts, CareRated, Engine, Slot, price_slots


def rate(item: CareItem, facts: CareFacts) -> CareRated:
    """One line for the whole quantity, at the tariff of the day it is handed over."""
    return once(item, facts, ENGINE.code)


def once(item: CareItem, facts: CareFacts, part: str) -> CareRated:
    """A single slot on the item's first day, due from that day on."""
    if facts.as_of < item.since:
        return CareRated()
    return price_slots(item, facts, part, [Slot(1, item.since, item.since + timedelta(days=1))])


ENGINE: Final = Engine("purchase", "Achat", ItemKind.PURCHASE, rate)

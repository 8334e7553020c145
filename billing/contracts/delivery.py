"""Delivered consumables, and the rule each delivery line belongs to (contracts.md §4.8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple

DELIVERY: Final = "kit"  # kind of the event a line bills


class Delivery(NamedTuple):
    """One line of a delivery note. `quantity` counts whole consumables.

    asset_id: the machine it was ordered for; without one no rule bills it (A-FEE-10).
    contract_id: the only contract it may be billed on; None for any.
    """

    id: int
    number: str
    line: int
    delivered_on: date
    article: str
    label: str
    article_class: str
    quantity: int
    asset_id: int | None = None
    contract_id: int | None = None

    @property
    def key(self) -> str:
        """Number and line: `L1/1`."""
        return f"{self.number}/{self.line}"

    @property
    def shown(self) -> str:
        """As printed under an invoice line."""
        what = f"{self.article} {self.label}".strip()
        return f"Livraison {self.number} du {self.delivered_on:%d/%m/%Y} : {what}"


Deliveries = Mapping[int, Sequence[Delivery]]
NO_DELIVERIES: Final[Deliveries] = {}


def by_asset(deliveries: Iterable[Delivery]) -> dict[int, list[Delivery]]:
    """Delivery lines by the id of their asset, in their order; those without one left out."""
    found: dict[int, list[Delivery]] = defaultdict(list)
    for one in deliveries:
        if one.asset_id is not None:
            found[one.asset_id].append(one)
    return found

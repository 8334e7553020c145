"""Delivered consumables, and the rule each delivery line belongs to (contracts.md §4.8)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, NamedTuple

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

    @property
    def order(self) -> tuple[Any, ...]:
        """Lines are billed as they were delivered."""
        return self.delivered_on, self.number, self.line

    def belongs(self, contract_id: int, customer_id: int) -> bool:
        """Whether a contract may bill it."""
        return self.contract_id in (None, contract_id)

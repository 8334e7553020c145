"""Units that aren't billed: offered ones first, then those paid elsewhere (contracts.md §3)."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from billing.contracts.counting import printed
from billing.contracts.terms import Raw, day, whole


class Gift(NamedTuple):
    """Units of one bill that it leaves out: two quantities, never mixed (A-OFF-08)."""

    offered: int = 0
    financed: int = 0

    def __bool__(self) -> bool:
        return self.offered > 0 or self.financed > 0

    @property
    def units(self) -> int:
        """Both together."""
        return self.offered + self.financed

    @property
    def figures(self) -> dict[str, int]:
        """What a line tells of them, as `billing.contracts.story` names it."""
        return {name: units for name, units in self._asdict().items() if units} if self else {}

    def details(self, scale: int = 1) -> tuple[str, ...]:
        """What the invoice prints of them, at the scale of its counters."""
        if not self:
            return ()
        told = (("offertes", self.offered), ("financées", self.financed))
        return tuple(
            f"Unités {name} déduites : {printed(units, scale)}" for name, units in told if units
        )


NOTHING_GIVEN: Final = Gift()


def gift(units: int, offered: int, financed: int) -> Gift:
    """What is left out of so many units, given what is left of each quantity."""
    if offered <= 0 and financed <= 0:
        return NOTHING_GIVEN
    first = max(0, min(units, offered))
    return Gift(first, max(0, min(units - first, financed)))


class Offer(NamedTuple):
    """Units a rule gives before its first bill; 0 offered with an end date is without limit.

    until: last day of the offer, included. financed: given next, without end date.
    """

    offered: int = 0
    until: date | None = None
    financed: int = 0

    def given(self, consumed: int, kept: int, day: date) -> tuple[Gift, bool]:
        """What is given of all the units consumed, and whether the rule still waits to be billed.

        day: the last one consumed. kept: offered units at the check before; what is used behind
        the offer's end isn't given.
        """
        holds = bool(self.offered or self.until) and (self.until is None or day <= self.until)
        if holds:
            kept = min(consumed, self.offered) if self.offered else consumed
        gift = Gift(kept, min(consumed - kept, self.financed))
        left = holds or consumed - kept < self.financed
        return gift, left and consumed == gift.units


NO_OFFER: Final = Offer()
CUMULATIVE_ONLY: Final = "les unités offertes demandent des grandeurs cumulatives"


def offer(raw: Raw) -> Offer:
    """Reads `offered`, `offered_until` and `financed`. Raises ValueError with a French reason."""
    return Offer(whole(raw, "offered"), day(raw, "offered_until"), whole(raw, "financed"))

"""Units that aren't billed: offered ones first, then those paid elsewhere (contracts.md §3)."""

from __future__ import annotations

from typing import Final, NamedTuple


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

    @property
    def details(self) -> tuple[str, ...]:
        """What the invoice prints of them."""
        if not self:
            return ()
        told = (("offertes", self.offered), ("financées", self.financed))
        return tuple(f"Unités {name} déduites : {units}" for name, units in told if units)


NOTHING_GIVEN: Final = Gift()


def gift(units: int, offered: int, financed: int) -> Gift:
    """What is left out of so many units, given what is left of each quantity."""
    if offered <= 0 and financed <= 0:
        return NOTHING_GIVEN
    first = max(0, min(units, offered))
    return Gift(first, max(0, min(units - first, financed)))

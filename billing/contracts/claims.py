"""Events a rule bills once for all, whatever its period: delivery lines, runs of analysers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from billing.contracts.delivery import Delivery
from billing.contracts.runs import Run

Claimable = Delivery | Run
Claims = Mapping[int, Sequence[Claimable]]
"""What each rule bills, in order, by rule id."""

NO_CLAIMS: Final[Claims] = {}


def by_asset(events: Iterable[Claimable]) -> dict[int, list[Claimable]]:
    """Events by the id of their asset, in their order; those without one left out."""
    found: dict[int, list[Claimable]] = defaultdict(list)
    for one in events:
        if one.asset_id is not None:
            found[one.asset_id].append(one)
    return found

"""What a check of a file says, whatever its dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from formats.common.anomaly import Anomaly, Code

LIMIT: Final = 10_000
"""Anomalies kept by default: a file of garbage must not fill the memory."""

STOPPED = Code(
    "FMT-115",
    "Plus de {limit} anomalies : les suivantes ne sont pas listées.",
    "Corrigez les premières, puis contrôlez de nouveau.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a checker saw. `anomalies` is complete up to the check's limit, in file order.

    Past the limit, the last anomaly is `STOPPED` (FMT-115), so that a bounded report says so.
    """

    records: int
    anomalies: tuple[Anomaly, ...]

    @property
    def sound(self) -> bool:
        """True when no rule is broken."""
        return not self.anomalies


def bounded(found: list[Anomaly], limit: int) -> tuple[Anomaly, ...]:
    """The first `limit` anomalies, and `STOPPED` when there were more."""
    kept = found[:limit]
    if len(found) > limit:
        kept.append(Anomaly(STOPPED, values={"limit": limit}))
    return tuple(kept)

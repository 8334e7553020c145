"""What the decision tables of an installation decide; how they are read is beside, and heavier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final

from billing.contracts.fees import FeeKind
from billing.contracts.reading import ReadingPolicy
from config.decisions import DecisionTable

READINGS: Final = "TD_FACTURATION_RELEVES_REEL"
REQUESTS: Final = "TD_DEMANDES_RELEVES"
FEES: Final[Mapping[FeeKind, str]] = MappingProxyType(
    {FeeKind.ESTIMATE: "TD_FRAIS_ESTIMATION", FeeKind.INVOICE: "TD_FRAIS_FACTURE"}
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every table of the installation, asked for one organisation; digest is of their files."""

    organisation: str = ""
    tables: Mapping[str, DecisionTable[Any]] = field(default_factory=dict)
    digest: str = ""

    def reading_policy(self, agency: str, template: str) -> ReadingPolicy | None:
        """Which readings a rule at actual readings bills; None leaves it its regime's choice."""
        found: ReadingPolicy | None = self._decided(READINGS, agency, template)
        return found

    @property
    def name_fees(self) -> bool:
        """Whether any table may give an invoice a fee."""
        return not self.tables.keys().isdisjoint(FEES.values())

    def fee_articles(self, agency: str, classes: Mapping[FeeKind, str]) -> dict[FeeKind, str]:
        """The articles of the fees that an invoice may bear, by kind of fee."""
        found = {kind: self._decided(FEES[kind], agency, word) for kind, word in classes.items()}
        return {kind: article for kind, article in found.items() if article}

    def asks_on(self, day: date, agency: str, classification: str, kind: str) -> bool:
        """Whether requests leave by themselves that day (A-DEM-11); without a row they do.

        The last day of a month also stands for those it hasn't.
        """
        days: frozenset[int] | None = self._decided(
            REQUESTS, agency, classification, kind, str(day.month)
        )
        is_last = (day + timedelta(1)).day == 1
        return days is None or day.day in days or (is_last and max(days, default=0) > day.day)

    def named_articles(self) -> dict[str, str]:
        """Every fee article that the tables name, with the first table that does."""
        return {
            row.outcome: name
            for name in FEES.values()
            for row in (self.tables[name].rows if name in self.tables else ())
            if row.outcome
        }

    def _decided(self, name: str, *facts: str) -> Any:
        table = self.tables.get(name)
        row = table.decide(self.organisation, *facts) if table else None
        return row.outcome if row else None


NOTHING_DECIDED: Final = Decisions()

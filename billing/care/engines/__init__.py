"""One file a pricing engine; the engine a code needs is data (`LppEntry.engine`).

To add one: write its file with an `ENGINE`, add it to the table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from billing.care.engines import delivery, purchase, rental
from billing.care.prescription import CareItem
from billing.care.pricing import CareFacts, CareRated, Engine
from formats.common.anomaly import Anomaly, Code

NO_ENGINE: Final = Code(
    "CAR-060",
    "Moteur absent : le code {code} demande le moteur « {engine} ».",
    "Rien n'est facturé : retirer le code ou installer une version qui a ce moteur.",
)

ENGINES: Final[Mapping[str, Engine]] = MappingProxyType(
    {engine.code: engine for engine in (rental.ENGINE, purchase.ENGINE, delivery.ENGINE)}
)


def rate(item: CareItem, facts: CareFacts) -> CareRated:
    """The lines due for an item, by the engine of its code; CAR-060 when there is none."""
    name = facts.entry.engine
    engine = ENGINES.get(name) if name else None
    if engine is None:
        values = {"code": facts.entry.code, "engine": name or "inconnu"}
        return CareRated(anomalies=(Anomaly(NO_ENGINE, values=values),))
    return engine.rate(item, facts)

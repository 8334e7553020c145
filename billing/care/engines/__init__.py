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
    "Rien n'est facturé : retirez le code ou installez une version qui a ce moteur.",
)
WRONG_ITEM: Final = Code(
    "CAR-061",
    "L'élément {item} ne correspond pas au code {code}, qui se facture ainsi : {french}.",
    "Corrigez le code LPP ou le genre de l'élément (location, achat, livraison).",
)

ENGINES: Final[Mapping[str, Engine]] = MappingProxyType(
    {engine.code: engine for engine in (rental.ENGINE, purchase.ENGINE, delivery.ENGINE)}
)


def rate(item: CareItem, facts: CareFacts) -> CareRated:
    """The lines due for an item, by the engine of its code.

    CAR-060 when there is none, CAR-061 when the item isn't what the code is for.
    """
    name = facts.entry.engine
    engine = ENGINES.get(name) if name else None
    if engine is None:
        return _refused(NO_ENGINE, code=facts.entry.code, engine=name or "inconnu")
    if item.kind is not engine.kind or item.lpp_code != facts.entry.code:
        return _refused(WRONG_ITEM, item=item.id, code=facts.entry.code, french=engine.french)
    return engine.rate(item, facts)


def _refused(code: Code, /, **values: object) -> CareRated:
    return CareRated(anomalies=(Anomaly(code, values=values),))

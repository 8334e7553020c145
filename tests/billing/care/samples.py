"""A bed, its delivery and an invented patient, to vary in one place."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.care import engines
from billing.care.cover import CoverAMC, CoverAMO, Formula, FormulaCode, Proof, ProofKind
from billing.care.nomenclature import LppEntry, engine_for
from billing.care.prescription import CareItem, Duration, ItemKind, Prescriber, Prescription
from billing.care.pricing import CareFacts, CareRated
from billing.period import Unit
from billing.tariff import Dated, DatedValues, always

D = Decimal
INSTALLED = date(2025, 3, 3)
PROOF = Proof(ProofKind.CARD, date(2025, 3, 1))
PRESCRIBER = Prescriber("10000000000", "991000000", "01")
VAT_20 = always(D("0.20"), date(2014, 1, 1), "CGI 278")

BED = LppEntry(
    code="1241763",
    label="Lit médical standard, location hebdomadaire",
    type_letter="L",
    nature="MAD",
    unit="SEMAINE",
    engine=engine_for("L", "SEMAINE", "LIT"),
    tariffs=DatedValues(
        (
            Dated(date(2010, 5, 27), D("14.00"), "IR_LPP_V", until=date(2018, 1, 1)),
            Dated(date(2018, 1, 1), D("13.20"), "pharmaciens13", until=date(2019, 7, 1)),
            Dated(date(2019, 7, 1), D("12.60"), "pharmaciens13"),
        )
    ),
)
BED_DELIVERY = LppEntry(
    code="1274047",
    label="Lit médical, forfait de livraison",
    type_letter="V",
    nature="MAD",
    unit="FORFAIT",
    engine=engine_for("V", "FORFAIT", "LIT"),
    tariffs=always(D("230.00"), date(2010, 5, 27), "IR_LPP_V"),
)


def entry(tariff: str, engine: str | None = "purchase", **changes: Any) -> LppEntry:
    """A code at one tariff, billed once unless told otherwise."""
    given: dict[str, Any] = {
        "code": "1243302",
        "label": "Article d'essai",
        "type_letter": "A",
        "nature": "MAD",
        "unit": "UNITE",
        "tariffs": always(D(tariff), date(2015, 1, 1), "essai"),
    }
    return LppEntry(engine=engine, **(given | changes))


def amo(**changes: Any) -> CoverAMO:
    """General scheme, no exemption."""
    given: dict[str, Any] = {
        "scheme": "01",
        "fund": "422",
        "centre": "0000",
        "since": date(2015, 1, 1),
        "proof": PROOF,
    }
    return CoverAMO(**(given | changes))


def amc(code: FormulaCode = FormulaCode.FULL_TM, **changes: Any) -> CoverAMC:
    """A complementary contract in third-party payment; `percent` and `fixed` as strings."""
    percent, fixed = D(changes.pop("percent", "0")), D(changes.pop("fixed", "0"))
    given: dict[str, Any] = {
        "number": "75000000",
        "member": "0001",
        "formula": Formula(code, percent, fixed),
        "since": date(2015, 1, 1),
        "proof": PROOF,
    }
    return CoverAMC(**(given | changes))


def prescription(dated_on: date = INSTALLED, **changes: Any) -> Prescription:
    """Twelve months unless told otherwise."""
    given: dict[str, Any] = {"id": 1, "duration": Duration(12, Unit.MONTH)}
    return Prescription(prescriber=PRESCRIBER, dated_on=dated_on, **(given | changes))


def item(of: LppEntry = BED, **changes: Any) -> CareItem:
    """One piece of that code, given on INSTALLED."""
    kinds = {"L": ItemKind.RENTAL, "V": ItemKind.DELIVERY}
    given: dict[str, Any] = {
        "id": 1,
        "patient_id": 7,
        "kind": kinds.get(of.type_letter, ItemKind.PURCHASE),
        "lpp_code": of.code,
        "since": INSTALLED,
    }
    return CareItem(**(given | changes))


def facts(of: LppEntry = BED, weeks: int = 4, **changes: Any) -> CareFacts:
    """The general case, seen that many weeks after INSTALLED."""
    given: dict[str, Any] = {
        "as_of": INSTALLED + timedelta(weeks=weeks),
        "prescriptions": (prescription(),),
        "amo": (amo(),),
        "amc": (amc(),),
        "vat": VAT_20,
    }
    return CareFacts(entry=of, **(given | changes))


def bed_and_delivery(**changes: Any) -> CareRated:
    """Four weeks of bed and its delivery, rated together."""
    exempted = changes.pop("exempted", False)
    bed = engines.rate(item(BED, exempted=exempted), facts(BED, **changes))
    delivery = engines.rate(
        item(BED_DELIVERY, id=2, exempted=exempted), facts(BED_DELIVERY, **changes)
    )
    return CareRated(bed.lines + delivery.lines, bed.anomalies + delivery.anomalies)


def codes(rated: CareRated) -> list[str]:
    """The anomaly codes, in order."""
    return [anomaly.code.id for anomaly in rated.anomalies]

"""From the units an engine finds due to priced lines: what all engines share.

An engine says *which* units of an item are due; this module says *on which terms* each unit is
billed on its first day, and joins consecutive units of equal terms into one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.care.cover import (
    FULL_TM,
    NO_FORMULA,
    CoverAMC,
    CoverAMO,
    Formula,
    Situation,
    amc_on,
    amo_on,
)
from billing.care.nomenclature import LppEntry
from billing.care.prescription import (
    Agreement,
    AgreementState,
    CareItem,
    ItemKind,
    Prescription,
    prescribed_on,
)
from billing.care.split import (
    COMPLEMENT_NATURE,
    COMPLEMENTS,
    HUNDRED,
    NO_EXCESS,
    RATES,
    RateTable,
    ShareTerms,
    Split,
    SplitRounding,
    complement_on,
    grounds,
    rate_on,
    split,
)
from billing.care.story import COMPLEMENT, figures_of
from billing.money import ZERO, net_of
from billing.tariff import DatedValues
from formats.common.anomaly import Anomaly, Code

OVER_LIMIT: Final = Code(
    "CAR-041",
    "Le prix {price} € de l'élément {item} dépasse le prix limite {limit} € du code {code}.",
    "Ramenez le prix au prix limite de vente (PLV).",
)
EXCESS: Final = Code(
    "CAR-042",
    "Le prix {price} € de l'élément {item} dépasse le tarif {tariff} € : la C2S et l'AME"
    " l'interdisent.",
    "Ramenez le prix au tarif, ou choisissez le plafonnement automatique.",
)
NO_VAT: Final = Code(
    "CAR-043",
    "Aucun taux de TVA n'est connu le {day:%d/%m/%Y} pour l'élément {item}.",
    "Complétez les taux de TVA de l'article.",
)
AGREEMENT_MISSING: Final = Code(
    "CAR-050",
    "L'élément {item} demande un accord préalable, qui n'est pas demandé.",
    "Envoyez la demande d'accord préalable à la caisse.",
)
AGREEMENT_AWAITED: Final = Code(
    "CAR-051",
    "L'élément {item} attend l'accord préalable demandé le {asked_on:%d/%m/%Y}.",
    "Rien à faire : il sera facturé à la réponse ou après le délai d'accord tacite.",
)
AGREEMENT_REFUSED: Final = Code(
    "CAR-052",
    "L'accord préalable de l'élément {item} est refusé.",
    "Facturez au patient avec son consentement, ou reprenez le matériel.",
)
BEFORE_REQUEST: Final = Code(
    "CAR-053",
    "L'élément {item} est en service le {day:%d/%m/%Y}, avant la demande d'accord du"
    " {asked_on:%d/%m/%Y}.",
    "Ces périodes ne sont pas facturables à la caisse.",
)

BILLED_ELSEWHERE: Final = Code(
    "CAR-054",
    "La période du {day:%d/%m/%Y} de l'élément {item} (code {code}) est déjà facturée à ce patient"
    " par un autre élément.",
    "Vérifiez les deux dossiers : une semaine, ou une livraison, n'est facturée qu'une fois.",
)


class Due(StrEnum):
    """When a unit is billed: the day after its last day, or as soon as it starts."""

    OVER = "over"
    STARTED = "started"


class ExcessRule(StrEnum):
    """A price above the tariff under C2S or AME: refused, or brought down to the tariff."""

    REFUSED = "refused"
    CAPPED = "capped"


class RefusalRule(StrEnum):
    """After a refused agreement: nothing is billed, or the patient pays all of it."""

    NOTHING = "nothing"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class CareRules:
    """The organisation's choices (homecare.md, "Decisions where sources are silent")."""

    due: Due = Due.OVER
    excess: ExcessRule = ExcessRule.REFUSED
    refusal: RefusalRule = RefusalRule.NOTHING
    rounding: SplitRounding = SplitRounding.HALF_UP
    rates: RateTable = field(default_factory=lambda: RATES)
    complements: RateTable = field(default_factory=lambda: COMPLEMENTS)


@dataclass(frozen=True, slots=True)
class CareFacts:
    """All an engine may look at besides the item.

    billed: indices of the units already billed, or not due (hospital stay): never billed again.
    vat:    VAT rates of the article as fractions (0.055).
    taken:  half-open periods that another item bills in this one's place (`dossier.claim_of`).
    """

    as_of: date
    entry: LppEntry
    prescriptions: Sequence[Prescription]
    amo: Sequence[CoverAMO]
    amc: Sequence[CoverAMC]
    vat: DatedValues[Decimal]
    billed: Set[int] = frozenset()
    taken: Sequence[tuple[date, date]] = ()
    rules: CareRules = field(default_factory=CareRules)


@dataclass(frozen=True, slots=True)
class Slot:
    """One billable unit of an item on [since, until); the first is number 1."""

    index: int
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a unit is billed, known from its first day alone."""

    price: Decimal
    tariff: Decimal
    shares: ShareTerms
    vat_rate: Decimal
    prescription: Prescription
    agreement: Agreement
    amo: CoverAMO
    amc: CoverAMC | None


@dataclass(frozen=True, slots=True)
class _Run:
    terms: Terms
    slots: list[Slot]


@dataclass(frozen=True, slots=True)
class CareLine:
    """A line with its shares, in € VAT included unless named `_ht`; dates half-open.

    total = part_amo + part_amc + part_patient. It is unit price × quantity, less what the
    line of nature ATL next to it carries (part "complement"). `rate_pct` is a percentage of
    the base, `vat_rate` a fraction. Each (item_id, part, unit) is billed once. `explain` holds
    the figures the shares come from (`billing.care.story`).
    """

    patient_id: int
    prescription_id: int
    item_id: int
    part: str
    units: tuple[int, ...]
    since: date
    until: date
    lpp_code: str
    nature: str
    type_letter: str
    label: str
    quantity: Decimal
    unit_price: Decimal
    tariff: Decimal
    total: Decimal
    base: Decimal
    rate_pct: Decimal
    part_amo: Decimal
    part_amc: Decimal
    part_patient: Decimal
    vat_rate: Decimal
    total_ht: Decimal
    vat: Decimal
    agreement: AgreementState
    agreement_on: date | None
    amo: CoverAMO
    amc: CoverAMC | None
    explain: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CareRated:
    """What an engine hands back: lines to post, and every reason why others are missing."""

    lines: tuple[CareLine, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """A pricing engine: its code in data, its French name, the items it bills, its signature."""

    code: str
    french: str
    kind: ItemKind
    rate: Callable[[CareItem, CareFacts], CareRated]


def price_slots(item: CareItem, facts: CareFacts, part: str, slots: Iterable[Slot]) -> CareRated:
    """Lines of the slots not yet billed; consecutive slots of equal terms make one line.

    An anomaly that holds for several slots is reported once, at the first of them.
    """
    runs: list[_Run] = []
    found: dict[str, Anomaly] = {}
    for slot in slots:
        if slot.index in facts.billed:
            continue
        terms = _taken(item, facts, slot) or terms_on(item, facts, slot.since)
        if isinstance(terms, Terms):
            _join(runs, terms, slot)
        else:
            for anomaly in terms:
                found.setdefault(anomaly.code.id, anomaly)
    lines = (line for run in runs for line in _lines(item, facts.entry, part, run))
    return CareRated(tuple(lines), tuple(found.values()))


def terms_on(item: CareItem, facts: CareFacts, day: date) -> Terms | tuple[Anomaly, ...]:
    """The terms of a unit that starts on `day`, or everything that stands against it."""
    prescription = prescribed_on(item, facts.prescriptions, day)
    tariff = facts.entry.tariff_on(day)
    vat_rate = _vat_on(item, facts, day)
    amc = amc_on(facts.amc, day)
    if isinstance(prescription, Anomaly):
        return _anomalies(prescription, tariff, vat_rate, amc)
    amo = amo_on(facts.amo, day, prescription.nature)
    agreement = _agreement_on(item, facts, prescription, day)
    if (
        isinstance(tariff, Anomaly)
        or isinstance(vat_rate, Anomaly)
        or isinstance(amc, Anomaly)
        or isinstance(amo, Anomaly)
        or isinstance(agreement, Anomaly)
    ):
        return _anomalies(tariff, vat_rate, amc, amo, agreement)
    price = _price_on(item, facts, day, tariff, amo)
    who_pays = _shares_on(item, facts, day, agreement, amo, amc)
    if isinstance(price, Anomaly) or isinstance(who_pays, Anomaly):
        return _anomalies(price, who_pays)
    return Terms(price, tariff, who_pays, vat_rate, prescription, agreement, amo, amc)


def _taken(item: CareItem, facts: CareFacts, slot: Slot) -> tuple[Anomaly, ...]:
    if not any(slot.since < until and since < slot.until for since, until in facts.taken):
        return ()
    values = {"code": facts.entry.code, "day": slot.since, "item": item.id}
    return (Anomaly(BILLED_ELSEWHERE, values=values),)


def _anomalies(*values: object) -> tuple[Anomaly, ...]:
    return tuple(value for value in values if isinstance(value, Anomaly))


def _vat_on(item: CareItem, facts: CareFacts, day: date) -> Decimal | Anomaly:
    step = facts.vat.on(day)
    return step.value if step else Anomaly(NO_VAT, values={"item": item.id, "day": day})


def _agreement_on(
    item: CareItem, facts: CareFacts, prescription: Prescription, day: date
) -> Agreement | Anomaly:
    if not facts.entry.prior_agreement:
        return Agreement()
    seen = prescription.agreement.seen_on(facts.as_of, facts.entry.silence)
    values = {"item": item.id, "day": day, "asked_on": seen.asked_on}
    if seen.asked_on is None:
        return Anomaly(AGREEMENT_MISSING, values=values)
    if seen.state is AgreementState.ASKED:
        return Anomaly(AGREEMENT_AWAITED, values=values)
    if seen.state is AgreementState.REFUSED:
        to_patient = facts.rules.refusal is RefusalRule.PATIENT
        return seen if to_patient else Anomaly(AGREEMENT_REFUSED, values=values)
    return seen if day >= seen.asked_on else Anomaly(BEFORE_REQUEST, values=values)


def _price_on(
    item: CareItem, facts: CareFacts, day: date, tariff: Decimal, amo: CoverAMO
) -> Decimal | Anomaly:
    price = tariff if item.price_ttc is None else item.price_ttc
    limit = facts.entry.limit_on(day)
    values = {"item": item.id, "code": facts.entry.code, "price": price, "tariff": tariff}
    if limit is not None and price > limit:
        return Anomaly(OVER_LIMIT, values={**values, "limit": limit})
    if price <= tariff or not amo.situations & NO_EXCESS:
        return price
    return tariff if facts.rules.excess is ExcessRule.CAPPED else Anomaly(EXCESS, values=values)


def _shares_on(
    item: CareItem,
    facts: CareFacts,
    day: date,
    agreement: Agreement,
    amo: CoverAMO,
    amc: CoverAMC | None,
) -> ShareTerms | Anomaly:
    rules = facts.rules
    if agreement.state is AgreementState.REFUSED:
        return ShareTerms(ZERO, NO_FORMULA, rounding=rules.rounding)
    holding = grounds(amo, facts.entry.nature, item.exempted)
    rate = rate_on(rules.rates, holding, amo, day)
    if isinstance(rate, Anomaly):
        return rate
    complement = complement_on(rules.complements, holding, day)
    return ShareTerms(rate, _formula(amo, amc), complement, rules.rounding)


def _formula(amo: CoverAMO, amc: CoverAMC | None) -> Formula:
    if amc is not None:
        return amc.formula
    # Without an organism of its own, C2S pays the TM through the AMO (gestion RO).
    return FULL_TM if Situation.C2S in amo.situations else NO_FORMULA


def _join(runs: list[_Run], terms: Terms, slot: Slot) -> None:
    if runs and runs[-1].terms == terms and runs[-1].slots[-1].index + 1 == slot.index:
        runs[-1].slots.append(slot)
    else:
        runs.append(_Run(terms, [slot]))


def _lines(item: CareItem, entry: LppEntry, part: str, run: _Run) -> Iterator[CareLine]:
    terms = run.terms
    quantity = item.quantity * len(run.slots)
    parts = split(terms.price, quantity, terms.tariff, terms.shares)
    line = _line(item, entry, part, run, parts)
    yield line
    if parts.complement:
        yield _complement(line, parts.complement)


def _line(item: CareItem, entry: LppEntry, part: str, run: _Run, parts: Split) -> CareLine:
    terms = run.terms
    total = parts.total - parts.complement
    total_ht = net_of(total, terms.vat_rate)
    return CareLine(
        patient_id=item.patient_id,
        prescription_id=terms.prescription.id,
        item_id=item.id,
        part=part,
        units=tuple(slot.index for slot in run.slots),
        since=run.slots[0].since,
        until=run.slots[-1].until,
        lpp_code=entry.code,
        nature=entry.nature,
        type_letter=entry.type_letter,
        label=entry.label,
        quantity=item.quantity * len(run.slots),
        unit_price=terms.price,
        tariff=terms.tariff,
        total=total,
        base=parts.base,
        rate_pct=terms.shares.rate_pct,
        part_amo=parts.part_amo,
        part_amc=parts.part_amc,
        part_patient=parts.part_patient,
        vat_rate=terms.vat_rate,
        total_ht=total_ht,
        vat=total - total_ht,
        agreement=terms.agreement.state,
        agreement_on=terms.agreement.answered_on or terms.agreement.asked_on,
        amo=terms.amo,
        amc=terms.amc,
        explain=_told(entry, run),
    )


def _told(entry: LppEntry, run: _Run) -> Mapping[str, object]:
    terms, first = run.terms, run.slots[0].since
    figures = figures_of(terms.price, terms.tariff, terms.shares)
    step = entry.tariffs.on(first)
    if step is None:
        return figures
    return {**figures, "tariff_since": step.since.isoformat(), "source": step.source}


def _complement(line: CareLine, amount: Decimal) -> CareLine:
    total_ht = net_of(amount, line.vat_rate)
    return replace(
        line,
        part=COMPLEMENT,
        explain={**line.explain, "part": COMPLEMENT, "quantity": str(line.quantity)},
        nature=COMPLEMENT_NATURE,
        quantity=Decimal(1),
        unit_price=amount,
        tariff=amount,
        total=amount,
        base=amount,
        rate_pct=HUNDRED,
        part_amo=amount,
        part_amc=ZERO,
        part_patient=ZERO,
        total_ht=total_ht,
        vat=amount - total_ht,
    )

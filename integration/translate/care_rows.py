"""Rows of the care tables ↔ the care domain. The only place that knows both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final, TypeVar

from billing.care.cover import (
    CoverAMC,
    CoverAMO,
    Formula,
    FormulaCode,
    InsuranceNature,
    Proof,
    ProofKind,
    Situation,
)
from billing.care.dossier import Claim, claim_of
from billing.care.nomenclature import LppEntry
from billing.care.prescription import (
    FIFTEEN_DAYS,
    TWO_MONTHS,
    Agreement,
    AgreementState,
    CareItem,
    Duration,
    ItemKind,
    Prescriber,
    Prescription,
)
from billing.care.pricing import CareFacts, CareLine, CareRules
from billing.care.split import HUNDRED
from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE, scaled, unscaled
from billing.period import Unit
from billing.tariff import Dated, DatedValues, always
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.database.tables import json_text
from integration.translate.contracts_rows import day, day_or_none

Row = tuple[Any, ...]
T = TypeVar("T")

UNKNOWN_CODE: Final = Code(
    "CAR-062",
    "Le code LPP {code} de l'élément {item} n'est pas dans la nomenclature.",
    "Importez la base LPP officielle, ou corrigez le code sur l'ordonnance.",
)
# Justification d'exonération of B2, table 6.5: which of its digits says why the rate is higher.
# LIS, EXC and EXP are 4 [S]; the others follow the wording of the table [M].
B2_EXEMPTIONS: Final[Mapping[str, str]] = {
    "LIS": "4",
    "EXC": "4",
    "EXP": "4",
    Situation.ALD: "4",
    "STE": "3",
    "EDS": "3",
    "MAT": "5",
    "13": "5",
    "A115": "5",
}
NO_EXEMPTION: Final = "0"

# Accord préalable of B2, table 6.8: 4 agreed [S], 7 tacit [M], 0 without object or no answer [S].
B2_AGREEMENTS: Final[Mapping[AgreementState, str]] = {
    AgreementState.NONE: "0",
    AgreementState.ASKED: "0",
    AgreementState.REFUSED: "0",
    AgreementState.ACCEPTED: "4",
    AgreementState.TACIT: "7",
}


@dataclass(slots=True)
class CareRows:
    """Raw rows of one chunk of patients, as the queries of `flows/care.sql` name their columns."""

    patients: list[Row] = field(default_factory=list)
    covers_amo: list[Row] = field(default_factory=list)
    covers_amc: list[Row] = field(default_factory=list)
    prescriptions: list[Row] = field(default_factory=list)
    items: list[Row] = field(default_factory=list)
    billed: list[Row] = field(default_factory=list)
    lpp: list[Row] = field(default_factory=list)
    tariffs: list[Row] = field(default_factory=list)


FREE: Final = Decimal("Infinity")  # no price limit
WHEELCHAIR: Final = "VEH"  # nature of VPH: its tacit agreement takes two months

Part = tuple[int, str, int]  # item, part, unit


@dataclass(slots=True)
class Dossier:
    """All that one patient's care rests on. `anomalies`: items that can't be priced at all."""

    patient_id: int
    due: list[tuple[CareItem, CareFacts]] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)


@dataclass(slots=True)
class CareChunk:
    """Dossiers in patient order, and what posting needs besides: codes, names, revisions."""

    dossiers: list[Dossier]
    patients: Mapping[int, Row]
    prescriptions: Mapping[int, Row]
    organisms: Mapping[tuple[int, str], str]  # AMC names by patient and number
    revisions: Mapping[Part, int]  # credits so far; absent = never billed
    commitments: Mapping[int, str]  # by patient


def dossiers_of(rows: CareRows, work_date: date, rules: CareRules) -> list[Dossier]:
    """The patients' items with their facts, in patient order."""
    reader = _Reader(rows, work_date, rules)
    return [reader.dossier(row[0]) for row in rows.patients]


def revisions_of(rows: CareRows) -> dict[Part, int]:
    """How many times each part was credited, which is the revision it is billed with next."""
    return {
        (item, part, unit): revision + 1
        for item, part, unit, revision, _, _, credited in rows.billed
        if credited
    }


class _Reader:
    """Indexes a chunk's rows once, then reads patient by patient."""

    def __init__(self, rows: CareRows, work_date: date, rules: CareRules) -> None:
        self._work_date, self._rules = work_date, rules
        self._amo = _grouped(rows.covers_amo, 0, _amo)
        self._amc = _grouped(rows.covers_amc, 0, _amc)
        self._prescriptions = {row[0]: row for row in rows.prescriptions}
        self._items = _grouped(rows.items, 2, tuple)
        self._billed = _standing(rows.billed)
        self._tariffs = _grouped(rows.tariffs, 0, tuple)
        self._lpp = {row[0]: row for row in rows.lpp}
        self._entries: dict[str, LppEntry] = {}

    def dossier(self, patient_id: int) -> Dossier:
        dossier = Dossier(patient_id)
        for rows in _renewed(self._items.get(patient_id, ())):
            try:
                dossier.due.append(self._due(rows))
            except AnomaliesFound as found:
                dossier.anomalies.extend(found.anomalies)
        _share_claims(dossier, self._billed)
        return dossier

    def _due(self, rows: Sequence[Row]) -> tuple[CareItem, CareFacts]:
        item = _item(rows)
        facts = CareFacts(
            as_of=self._work_date,
            entry=self._entry(item),
            prescriptions=[_prescription(self._prescriptions[row[1]]) for row in rows],
            amo=self._amo.get(item.patient_id, ()),
            amc=self._amc.get(item.patient_id, ()),
            vat=always(unscaled(rows[-1][12], RATE_SCALE), item.since, "élément de soin"),
            billed=frozenset(unit for unit, _, _ in self._billed.get(item.id, ())),
            rules=self._rules,
        )
        return item, facts

    def _entry(self, item: CareItem) -> LppEntry:
        code = item.lpp_code
        if code not in self._lpp:
            raise AnomaliesFound(Anomaly(UNKNOWN_CODE, values={"code": code, "item": item.id}))
        if code not in self._entries:
            self._entries[code] = _entry(self._lpp[code], self._tariffs.get(code, ()))
        return self._entries[code]


def _grouped(rows: Iterable[Row], rank: int, made: Callable[[Row], T]) -> dict[Any, list[T]]:
    groups: dict[Any, list[T]] = defaultdict(list)
    for row in rows:
        groups[row[rank]].append(made(row))
    return groups


def _standing(rows: Iterable[Row]) -> dict[int, list[tuple[int, date, date]]]:
    """Units billed and not credited since, with the period of their line, by item."""
    last = {row[:3]: row for row in rows}  # rows come in revision order
    found: dict[int, list[tuple[int, date, date]]] = defaultdict(list)
    for item, _, unit, _, since, until, credited in last.values():
        if not credited:
            found[item].append((unit, day(since), day(until)))
    return found


def _renewed(items: Iterable[Row]) -> Iterable[list[Row]]:
    """The same item (code, LPP code, first day) on a later prescription is its renewal."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in items:
        groups[row[3], row[5], str(row[9])].append(row)
    return groups.values()


def _share_claims(dossier: Dossier, billed: Mapping[int, Sequence[tuple[int, date, date]]]) -> None:
    """What earlier runs billed for one item is taken for those that share its claim."""
    claims: dict[Claim, list[CareItem]] = defaultdict(list)
    for item, facts in dossier.due:
        if claim := claim_of(item, facts):
            claims[claim].append(item)
    for rank, (item, facts) in enumerate(dossier.due):
        claim = claim_of(item, facts)
        others = [other for other in claims.get(claim, ()) if other is not item] if claim else []
        taken = [(since, until) for other in others for _, since, until in billed.get(other.id, ())]
        if taken:
            dossier.due[rank] = item, replace(facts, taken=taken)


def _amo(row: Row) -> CoverAMO:
    _, since, until, scheme, fund, centre, nature, exemption, situation, proof, proof_on = row
    return CoverAMO(
        scheme,
        fund,
        centre,
        day(since),
        Proof(ProofKind(proof), day(proof_on)),
        day_or_none(until),
        InsuranceNature(nature),
        "" if exemption == NO_EXEMPTION else exemption,
        frozenset(Situation(word) for word in situation.split()),
    )


def _amc(row: Row) -> CoverAMC:
    _, since, until, number, _, member, formula, percent_ppm, fixed_cents, *rest = row
    third_party, proof_kind, proof_on = rest
    terms = Formula(
        FormulaCode(formula), unscaled(percent_ppm, RATE_SCALE - 2), unscaled(fixed_cents, 2)
    )
    proof = Proof(ProofKind(proof_kind), day(proof_on))
    return CoverAMC(number, member, terms, day(since), proof, day_or_none(until), bool(third_party))


def _prescription(row: Row) -> Prescription:
    id_, _, _, rpps, am_number, speciality, dated_on, until, agreement, agreement_on = row
    length = (day(until) - day(dated_on)).days
    state = AgreementState(agreement)
    return Prescription(
        id_,
        Prescriber(rpps, am_number, speciality),
        day(dated_on),
        Duration(length, Unit.DAY),
        agreement=Agreement(state, day_or_none(agreement_on)),
    )


def _item(rows: Sequence[Row]) -> CareItem:
    """The first row gives the item its identity, the last renewal its price and end."""
    _, _, patient_id, _, kind, lpp, _, price, quantity, since, until, weeks, _, exempted = rows[-1]
    return CareItem(
        id=rows[0][0],
        patient_id=patient_id,
        kind=ItemKind(kind),
        lpp_code=lpp,
        since=day(since),
        quantity=Decimal(quantity),
        price_ttc=unscaled(price, 2),
        until=day_or_none(until),
        carry_over_weeks=weeks,
        exempted=bool(exempted),
    )


def _entry(row: Row, tariffs: Sequence[Row]) -> LppEntry:
    code, label, type_letter, nature, unit, engine, ends_on = row
    steps = _in_force(tariffs, day_or_none(ends_on))
    limits = [
        replace(step, value=FREE if limit is None else unscaled(limit, 2)) for step, limit in steps
    ]
    return LppEntry(
        code,
        label,
        type_letter,
        nature,
        unit,
        engine or None,
        DatedValues(tuple(step for step, _ in steps)),
        DatedValues(tuple(limits)),
        prior_agreement=bool(tariffs and tariffs[-1][5]),
        silence=TWO_MONTHS if nature == WHEELCHAIR else FIFTEEN_DAYS,
    )


Step = tuple[Dated[Decimal], int | None]


def _in_force(tariffs: Sequence[Row], ends_on: date | None) -> list[Step]:
    """Tariffs without overlap since their last gap: a row ends where the next begins.

    A day before the gap has then no tariff, which is reported; it is never guessed.
    """
    after_end = ends_on + timedelta(1) if ends_on else None
    bounds = [day(row[1]) for row in tariffs[1:]]
    steps: list[Step] = []
    for row, following in zip_longest(tariffs, bounds):
        since = day(row[1])
        until = min((d for d in (day_or_none(row[2]), following, after_end) if d), default=None)
        if until is not None and until <= since:
            continue
        if steps and steps[-1][0].until != since:
            steps.clear()
        steps.append((Dated(since, unscaled(row[3], 2), row[6], until), row[4]))
    return steps


def line_row(line: CareLine) -> Row:
    """A care line as a row of document_line, after document and position; net is excl. VAT."""
    return (
        None,
        line.item_id,
        line.lpp_code,
        line.label,
        line.since.isoformat(),
        line.until.isoformat(),
        scaled(line.quantity, QUANTITY_SCALE),
        scaled(line.unit_price, PRICE_SCALE),
        scaled(line.total_ht, 2),
        scaled(line.vat_rate, RATE_SCALE),
        json_text({"details": [], "part": line.part, "units": line.units, "explain": line.explain}),
    )


def care_line_row(line: CareLine) -> Row:
    """A care line as a row of care_line, after document and position; amounts incl. VAT."""
    return (
        line.lpp_code,
        line.nature,
        line.type_letter,
        scaled(line.total, 2),
        scaled(line.tariff, 2),
        scaled(line.base, 2),
        scaled(line.rate_pct, 0),
        scaled(line.part_amo, 2),
        scaled(line.part_amc, 2),
        scaled(line.part_patient, 2),
        b2_exemption(line),
        B2_AGREEMENTS[line.agreement],
        line.agreement_on.isoformat() if line.agreement_on else None,
    )


def b2_exemption(line: CareLine) -> str:
    """Table 6.5 digit of a line: zero unless an exemption gives it its 100 %."""
    reasons = (line.amo.exemption, *sorted(line.amo.situations))
    coded = [B2_EXEMPTIONS[reason] for reason in reasons if reason in B2_EXEMPTIONS]
    return coded[0] if coded and line.rate_pct == HUNDRED else NO_EXEMPTION


def placed(anomaly: Anomaly, patient_code: str) -> Anomaly:
    """The same anomaly, at the patient's code, which identifies nobody outside the house."""
    return anomaly.at(Place(pointer=f"/patients/{patient_code}"))

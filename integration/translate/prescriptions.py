"""Prescriptions and what they order, as JSON: one object a prescription. Ends are included.

The same line (code, LPP code and first day) on a later prescription of the patient is its renewal:
weeks go on, nothing is billed twice. Lines absent from a new version of a prescription are kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field
from sqlalchemy import Connection, select

from billing.care.prescription import (
    TOO_LONG,
    Agreement,
    AgreementState,
    CareItem,
    Duration,
    ItemKind,
    Prescriber,
    Prescription,
    prescribed_on,
)
from billing.money import scaled
from billing.period import Unit
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.identifiers import lpp, rpps
from integration.database.bulk import execute_many, insert_rows, reserve_ids
from integration.database.tables import billed_part, care_item, lpp_code, patient, prescription
from integration.translate.care_rows import UNKNOWN_CODE
from integration.translate.documents import json_schema, looks_like, read_documents
from integration.translate.fields import (
    REFUSED,
    Day,
    Key,
    Number,
    Row,
    Text,
    Whole,
    YesNo,
    words,
    wrong,
)
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse

UNKNOWN_PATIENT: Final = Code(
    "IMP-421",
    "Le patient {patient} n'existe pas.",
    "Importez d'abord le patient, ou corrigez son code.",
)
ALREADY_BILLED: Final = Code(
    "IMP-422",
    "La ligne {item} est déjà facturée : son code LPP, son genre et son début ne changent plus.",
    "Terminez la ligne et créez-en une autre, après avoir crédité s'il y a lieu.",
)
DOUBLE: Final = Code("IMP-423", "Le code {code} est présent deux fois.", "Gardez-en un seul.")
OTHER_PATIENT: Final = Code(
    "IMP-424",
    "L'ordonnance {code} est déjà celle d'un autre patient.",
    "Donnez un autre code à l'ordonnance.",
)
NO_END: Final = Code(
    "IMP-425",
    "L'ordonnance {code} doit avoir une durée en mois ou une fin, et une seule des deux.",
    "Renseignez « duree_mois » ou « fin ».",
)

_ONE_DAY: Final = timedelta(days=1)
_CHUNK: Final = 500


def _checked_lpp(value: object) -> str:
    text = str(value).strip()
    if found := lpp.check(text):
        raise wrong(REFUSED, text, reason=found.sentence.rstrip("."))
    return text


def _checked_rpps(value: object) -> str:
    text = str(value).strip()
    if text and (found := rpps.check(text)):
        raise wrong(REFUSED, text, reason=found.sentence.rstrip("."))
    return text


LppNumber = Annotated[str, BeforeValidator(_checked_lpp, json_schema_input_type=str)]
Rpps = Annotated[str, BeforeValidator(_checked_rpps, json_schema_input_type=str)]
Price = Annotated[Number, Field(gt=0, decimal_places=2, max_digits=9)]
VatPercent = Annotated[Number, Field(ge=0, le=100, decimal_places=4)]
StateWord = Annotated[
    AgreementState,
    words(
        {
            "aucun": AgreementState.NONE,
            "demandé": AgreementState.ASKED,
            "accepté": AgreementState.ACCEPTED,
            "refusé": AgreementState.REFUSED,
            "tacite": AgreementState.TACIT,
        }
    ),
]
KindWord = Annotated[
    ItemKind,
    words(
        {"location": ItemKind.RENTAL, "achat": ItemKind.PURCHASE, "livraison": ItemKind.DELIVERY}
    ),
]


class PrescriberDocument(Row):
    """Who prescribed; the RPPS key is checked when it is given."""

    name: Text = Field("", alias="nom_complet")
    rpps: Rpps = ""
    am_number: Text = Field("", alias="numero_am", pattern=r"^(\d{9})?$")
    speciality: Text = Field("", alias="specialite", pattern=r"^(\d{2})?$")


class AgreementDocument(Row):
    """Prior agreement. `date`: the day the fund received the request."""

    state: StateWord = Field(alias="etat")
    on: Day | None = Field(None, alias="date")


class ItemDocument(Row):
    """One thing ordered. `prix` is € a unit, VAT included; `tva` a percentage.

    `lie_ald`: what a long illness needs, hence exempt when the cover says so; `non` for other care.
    """

    code: Key
    kind: KindWord = Field(alias="genre")
    lpp: LppNumber
    label: Text = Field("", alias="libelle")
    price: Price = Field(alias="prix")
    quantity: Whole = Field(1, alias="quantite", ge=1, le=9999)
    since: Day = Field(alias="debut")
    until: Day | None = Field(None, alias="fin")
    carry_over_weeks: Whole = Field(0, alias="reprise_semaines", ge=0, le=999)
    vat: VatPercent = Field(alias="tva")
    exempted: YesNo = Field(True, alias="lie_ald")


class PrescriptionDocument(Row):
    """A prescription of `duree_mois` months, or until `fin`; twelve months at most."""

    code: Key
    patient: Key
    prescriber: PrescriberDocument = Field(alias="prescripteur")
    dated_on: Day = Field(alias="date")
    months: Whole | None = Field(None, alias="duree_mois", ge=1, le=120)
    until: Day | None = Field(None, alias="fin")
    agreement: AgreementDocument = Field(
        AgreementDocument.model_validate({"etat": "aucun"}), alias="accord"
    )
    items: tuple[ItemDocument, ...] = Field(alias="lignes", min_length=1)

    def prescription(self, id_: int = 0) -> Prescription:
        """The same, half-open. Raises AnomaliesFound (CAR-020, CAR-024)."""
        return Prescription(
            id_,
            Prescriber(self.prescriber.rpps, self.prescriber.am_number, self.prescriber.speciality),
            self.dated_on,
            self._duration(),
            agreement=Agreement(self.agreement.state, self.agreement.on),
        )

    def _duration(self) -> Duration:
        if self.months is not None:
            return Duration(self.months, Unit.MONTH)
        assert self.until is not None
        return Duration((self.until + _ONE_DAY - self.dated_on).days, Unit.DAY)


# --- read: what the file alone shows ----------------------------------------------------------


def _read(data: bytes, file: str) -> Records[PrescriptionDocument]:
    records = read_documents(data, file, PrescriptionDocument)
    seen = Counter(record.value.code for record in records)
    refuse([anomaly for record in records for anomaly in _faults(record, seen)])
    return records


def _faults(record: Record[PrescriptionDocument], seen: Counter[str]) -> Iterator[Anomaly]:
    one = record.value
    if seen[one.code] > 1:
        yield Anomaly(DOUBLE, record.at("code"), {"code": one.code})
    if (one.months is None) == (one.until is None):
        yield Anomaly(NO_END, record.at("duree_mois"), {"code": one.code})
    else:
        yield from _rule_faults(record)
    codes = Counter(item.code for item in one.items)
    for rank, item in enumerate(one.items):
        if codes[item.code] > 1:
            yield Anomaly(DOUBLE, record.at("lignes", rank, "code"), {"code": item.code})
        yield from _item_faults(record, rank, item)


def _rule_faults(record: Record[PrescriptionDocument]) -> Iterator[Anomaly]:
    """What the care rules say, in the words of the file: codes instead of row ids."""
    try:
        record.value.prescription()
    except AnomaliesFound as found:
        for anomaly in found.anomalies:
            name = "duree_mois" if anomaly.code is TOO_LONG else "accord"
            values = {**anomaly.values, "prescription": record.value.code}
            yield Anomaly(anomaly.code, record.at(name), values)


def _item_faults(
    record: Record[PrescriptionDocument], rank: int, item: ItemDocument
) -> Iterator[Anomaly]:
    try:
        _care_item(item)
    except AnomaliesFound as found:
        for anomaly in found.anomalies:
            yield Anomaly(anomaly.code, record.at("lignes", rank), {"item": item.code})


def _care_item(item: ItemDocument, id_: int = 0) -> CareItem:
    return CareItem(
        id_,
        0,
        item.kind,
        item.lpp,
        item.since,
        Decimal(item.quantity),
        item.price,
        _after(item.until),
        item.carry_over_weeks,
    )


def _after(last_day: date | None) -> date | None:
    return last_day + _ONE_DAY if last_day else None


# --- apply: what we already know --------------------------------------------------------------


def _apply(intake: Intake, records: Records[PrescriptionDocument]) -> Applied:
    return store(intake.connection, intake.organisation_id, records)


@dataclass(frozen=True, slots=True)
class _Item:
    """A line we have: its row, its prescription, and whether anything of it is billed."""

    id: int
    prescription_id: int
    kind: str
    lpp: str
    since: date
    billed: bool


_Thing = tuple[int, str, str, date]  # patient, line code, LPP code, first day
_Dates = tuple[date, date]


@dataclass(slots=True)
class _Known:
    """What the database holds about the patients of a file."""

    patients: Mapping[str, int]
    prescriptions: Mapping[str, tuple[int, int]]  # id and patient
    items: Mapping[tuple[int, str], _Item]  # by prescription and code
    earlier: Mapping[_Thing, Sequence[Prescription]]  # prescriptions of a line, renewals included
    codes: frozenset[str]


def store(
    connection: Connection, organisation_id: int, records: Records[PrescriptionDocument]
) -> Applied:
    """Write prescriptions and their lines. Raises AnomaliesFound with all it found (IMP-421,
    IMP-422, IMP-424, CAR-021, CAR-022); a code our nomenclature lacks is a notice."""
    known = _known(connection, organisation_id, records)
    refuse([anomaly for record in records for anomaly in _conflicts(record, known)])
    ids = _write_prescriptions(connection, organisation_id, records, known)
    created = _write_items(connection, records, ids, known)
    lines = sum(len(record.value.items) for record in records)
    counts = {
        "ordonnances créées": sum(r.value.code not in known.prescriptions for r in records),
        "ordonnances mises à jour": sum(r.value.code in known.prescriptions for r in records),
        "lignes créées": created,
        "lignes mises à jour": lines - created,
    }
    return Applied(counts, tuple(_unknown_codes(records, known.codes)))


def _unknown_codes(
    records: Records[PrescriptionDocument], codes: frozenset[str]
) -> Iterator[Anomaly]:
    for record in records:
        for rank, item in enumerate(record.value.items):
            if item.lpp not in codes:
                values = {"code": item.lpp, "item": item.code}
                yield Anomaly(UNKNOWN_CODE, record.at("lignes", rank, "lpp"), values)


def _conflicts(record: Record[PrescriptionDocument], known: _Known) -> Iterator[Anomaly]:
    one = record.value
    patient_id = known.patients.get(one.patient)
    if patient_id is None:
        yield Anomaly(UNKNOWN_PATIENT, record.at("patient"), {"patient": one.patient})
        return
    prescription_id, owner = known.prescriptions.get(one.code, (0, patient_id))
    if owner != patient_id:
        yield Anomaly(OTHER_PATIENT, record.at("code"), {"code": one.code})
    for rank, item in enumerate(one.items):
        held = known.items.get((prescription_id, item.code))
        if held and held.billed and (held.kind, held.lpp, held.since) != _identity(item):
            yield Anomaly(ALREADY_BILLED, record.at("lignes", rank), {"item": item.code})
        thing = (patient_id, item.code, item.lpp, item.since)
        prescribed = prescribed_on(_care_item(item), known.earlier[thing], item.since)
        if isinstance(prescribed, Anomaly):
            values = {**prescribed.values, "item": item.code}
            yield Anomaly(prescribed.code, record.at("lignes", rank, "debut"), values)


def _identity(item: ItemDocument) -> tuple[str, str, date]:
    return item.kind.value, item.lpp, item.since


def _known(
    connection: Connection, organisation_id: int, records: Records[PrescriptionDocument]
) -> _Known:
    documents = [record.value for record in records]
    patients = _by_code(connection, patient, organisation_id, {x.patient for x in documents})
    patient_ids = {code: row[1] for code, row in patients.items()}
    held = _by_code(connection, prescription, organisation_id, {x.code for x in documents})
    rows = list(_lines(connection, patient_ids.values()))
    billed = _billed(connection, [row.id for row in rows])
    wanted = {item.lpp for x in documents for item in x.items}
    return _Known(
        patient_ids,
        {code: (row[1], row[2]) for code, row in held.items()},
        {
            (r.prescription_id, r.code): _Item(
                r.id, r.prescription_id, r.kind, r.lpp, r.since, r.id in billed
            )
            for r in rows
        },
        _earlier(rows, documents, patient_ids),
        frozenset(_present(connection, lpp_code.c.code, wanted)),
    )


def _earlier(
    rows: Iterable[Any], documents: Iterable[PrescriptionDocument], patients: Mapping[str, int]
) -> Mapping[_Thing, Sequence[Prescription]]:
    """Every prescription that orders a line: those of the file, and those we have."""
    found: dict[_Thing, list[Prescription]] = defaultdict(list)
    for one in documents:
        if one.patient in patients:
            for item in one.items:
                thing = (patients[one.patient], item.code, item.lpp, item.since)
                found[thing].append(one.prescription())
    rewritten = {one.code for one in documents}
    for row in rows:
        if row.ordered_by not in rewritten:
            days = Duration((row.ends - row.dated_on).days, Unit.DAY)
            before = Prescription(0, Prescriber("", "", ""), row.dated_on, days)
            found[row.patient_id, row.code, row.lpp, row.since].append(before)
    return found


def _lines(connection: Connection, patients: Iterable[int]) -> Iterator[Any]:
    item, order = care_item.c, prescription.c
    for chunk in _chunks(sorted(patients)):
        yield from connection.execute(
            select(
                item.id,
                item.prescription_id,
                item.patient_id,
                item.code,
                item.kind,
                item.lpp,
                item.since,
                order.code.label("ordered_by"),
                order.dated_on,
                order.until.label("ends"),
            )
            .join_from(care_item, prescription, order.id == item.prescription_id)
            .where(item.patient_id.in_(chunk))
        )


def _billed(connection: Connection, items: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for chunk in _chunks(items):
        query = select(billed_part.c.subject_id).where(
            billed_part.c.subject_kind == "care", billed_part.c.subject_id.in_(chunk)
        )
        found.update(connection.scalars(query))
    return found


def _by_code(
    connection: Connection, table: Any, organisation_id: int, codes: Iterable[str]
) -> dict[str, tuple[Any, ...]]:
    """(code, id, patient when there is one) by external code."""
    owner = table.c.get("patient_id", table.c.id)
    found: dict[str, tuple[Any, ...]] = {}
    for chunk in _chunks(sorted(codes)):
        query = select(table.c.code, table.c.id, owner).where(
            table.c.organisation_id == organisation_id, table.c.code.in_(chunk)
        )
        found.update((row[0], tuple(row)) for row in connection.execute(query))
    return found


def _present(connection: Connection, column: Any, values: Iterable[str]) -> Iterator[str]:
    for chunk in _chunks(sorted(values)):
        yield from connection.scalars(select(column).where(column.in_(chunk)))


# --- write ------------------------------------------------------------------------------------

_PRESCRIPTION: Final = (
    "patient_id", "prescriber_name", "prescriber_rpps", "prescriber_am_number",
    "prescriber_speciality", "dated_on", "until", "agreement", "agreement_on",
)  # fmt: skip
_ITEM: Final = (
    "patient_id", "kind", "lpp", "label", "price_cents", "quantity", "since", "until",
    "carry_over_weeks", "vat_ppm", "exempted",
)  # fmt: skip


def _write_prescriptions(
    connection: Connection,
    organisation_id: int,
    records: Records[PrescriptionDocument],
    known: _Known,
) -> dict[str, int]:
    ids = {code: id_ for code, (id_, _) in known.prescriptions.items()}
    rows = [(r.value.code, _prescription_row(r.value, known.patients)) for r in records]
    moved = [(*row, ids[code]) for code, row in rows if code in ids]
    new = [(code, row) for code, row in rows if code not in ids]
    first = reserve_ids(connection, "prescription", len(new))
    ids |= {code: first + rank for rank, (code, _) in enumerate(new)}
    fresh = [(ids[code], organisation_id, code, *row) for code, row in new]
    columns = ("id", "organisation_id", "code", *_PRESCRIPTION)
    insert_rows(connection, prescription, columns, fresh)
    execute_many(connection, _update("prescription", _PRESCRIPTION), moved)
    return ids


def _prescription_row(one: PrescriptionDocument, patients: Mapping[str, int]) -> tuple[object, ...]:
    return (
        patients[one.patient],
        one.prescriber.name,
        one.prescriber.rpps,
        one.prescriber.am_number,
        one.prescriber.speciality,
        one.dated_on.isoformat(),
        one.prescription().until.isoformat(),
        one.agreement.state.value,
        one.agreement.on.isoformat() if one.agreement.on else None,
    )


def _write_items(
    connection: Connection,
    records: Records[PrescriptionDocument],
    ids: Mapping[str, int],
    known: _Known,
) -> int:
    fresh: list[tuple[Any, ...]] = []
    moved: list[tuple[Any, ...]] = []
    for record in records:
        one = record.value
        for item in one.items:
            row = _item_row(item, known.patients[one.patient])
            held = known.items.get((ids[one.code], item.code))
            if held:
                moved.append((*row, held.id))
            else:
                fresh.append((ids[one.code], item.code, *row))
    first = reserve_ids(connection, "care_item", len(fresh))
    rows = [(first + rank, *row) for rank, row in enumerate(fresh)]
    insert_rows(connection, care_item, ("id", "prescription_id", "code", *_ITEM), rows)
    execute_many(connection, _update("care_item", _ITEM), moved)
    return len(fresh)


def _item_row(item: ItemDocument, patient_id: int) -> tuple[object, ...]:
    until = _after(item.until)
    return (
        patient_id,
        item.kind.value,
        item.lpp,
        item.label,
        scaled(item.price, 2),
        item.quantity,
        item.since.isoformat(),
        until.isoformat() if until else None,
        item.carry_over_weeks,
        scaled(item.vat, 4),
        int(item.exempted),
    )


def _update(table: str, columns: Sequence[str]) -> str:
    settings = ", ".join(f"{name} = ?" for name in columns)
    return f"UPDATE {table} SET {settings} WHERE id = ?"


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[first : first + _CHUNK] for first in range(0, len(values), _CHUNK))


def _schema() -> str:
    return json_schema(PrescriptionDocument)


FLOW: Final = Flow(
    "prescriptions",
    "ordonnances",
    looks_like("prescripteur", "lignes"),
    _read,
    _apply,
    _schema,
    personal=True,
)

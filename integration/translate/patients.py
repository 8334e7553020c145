"""Patients, their insured persons and their covers, as JSON: one object a patient.

A file says all there is of a patient: its covers replace those we had. A person is found again by
NIR; who has none of their own (a child) is found again by the patient's code. Ends are included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field
from sqlalchemy import Connection, Table, delete, select

from billing.care.cover import (
    CoverAMC,
    CoverAMO,
    Formula,
    FormulaCode,
    InsuranceNature,
    Proof,
    ProofKind,
    Situation,
    amc_on,
    amo_on,
)
from billing.money import RATE_SCALE, scaled
from formats.common.anomaly import Anomaly, Code
from formats.common.identifiers import nir
from integration.database.bulk import execute_many, insert_rows, reserve_ids
from integration.database.tables import cover_amc, cover_amo, patient, person
from integration.persons import PersonalFields, Vault, new_salt
from integration.translate.documents import json_schema, looks_like, read_documents
from integration.translate.fields import MISSING, Day, Key, Number, Row, Text, YesNo, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse

BACKWARDS: Final = Code(
    "IMP-411",
    "La couverture finit le {until:%d/%m/%Y}, avant son début le {since:%d/%m/%Y}.",
    "Corrigez les dates : la fin est le dernier jour couvert.",
)
OTHER_PERSON: Final = Code(
    "IMP-412",
    "Ce NIR est déjà celui d'une personne née à une autre date.",
    "Vérifiez le NIR et la naissance ; le NIR d'un parent se met dans « assure ».",
)
DOUBLE_PATIENT: Final = Code(
    "IMP-413", "Le patient {code} est présent deux fois dans le fichier.", "Gardez-en un."
)

_ONE_DAY: Final = timedelta(days=1)
_CHUNK: Final = 500

Digits2 = Annotated[Text, Field(pattern=r"^\d{2}$")]
Digits3 = Annotated[Text, Field(pattern=r"^\d{3}$")]
Digits4 = Annotated[Text, Field(pattern=r"^\d{4}$")]
NatureWord = Annotated[
    InsuranceNature,
    words(
        {
            "maladie": InsuranceNature.SICKNESS,
            "maternité": InsuranceNature.MATERNITY,
            "at": InsuranceNature.WORK_ACCIDENT,
            "prévention": InsuranceNature.PREVENTION,
        }
    ),
]
SituationWord = Annotated[
    Situation,
    words(
        {
            "ald": Situation.ALD,
            "alsace-moselle": Situation.LOCAL_SCHEME,
            "c2s": Situation.C2S,
            "ame": Situation.AME,
        }
    ),
]
ProofWord = Annotated[ProofKind, words({kind.value: kind for kind in ProofKind})]
FormulaWord = Annotated[FormulaCode, words({code.value.lower(): code for code in FormulaCode})]
Percent = Annotated[Number, Field(ge=0, le=1000, decimal_places=2)]
Euros = Annotated[Number, Field(ge=0, decimal_places=2, max_digits=9)]


class PersonDocument(Row):
    """Identity. `naissance` is AAAAMMJJ as text: lunar dates exist (month or day 00)."""

    nir: Text = Field("", pattern=r"^([1-478]\d{4}(\d{2}|2[AB])\d{6})?$")
    key: Text = Field("", alias="cle", pattern=r"^(\d{2})?$")
    family_name: Text = Field(alias="nom_famille", min_length=1)
    given_name: Text = Field(alias="prenom", min_length=1)
    birth_date: Text = Field(alias="naissance", pattern=r"^\d{8}$")
    address: tuple[Text, ...] = Field((), alias="adresse", max_length=6)

    def fields(self) -> PersonalFields:
        """What the vault seals."""
        return PersonalFields(
            self.nir, self.key, self.family_name, self.given_name, self.birth_date, self.address
        )


class AmoDocument(Row):
    """Compulsory cover, with what proves it."""

    scheme: Digits2 = Field(alias="regime")
    fund: Digits3 = Field(alias="caisse")
    centre: Digits4 = "0000"
    since: Day = Field(alias="debut")
    until: Day | None = Field(None, alias="fin")
    nature: NatureWord = InsuranceNature.SICKNESS
    exemption: Text = Field("", alias="exoneration", pattern=r"^[A-Z0-9]{0,4}$")
    situations: tuple[SituationWord, ...] = ()
    proof: ProofWord = Field(alias="preuve")
    proof_on: Day = Field(alias="preuve_date")

    def cover(self) -> CoverAMO:
        """The same, half-open."""
        return CoverAMO(
            self.scheme,
            self.fund,
            self.centre,
            self.since,
            Proof(self.proof, self.proof_on),
            _after(self.until),
            self.nature,
            self.exemption,
            frozenset(self.situations),
        )


class AmcDocument(Row):
    """Complementary contract: `pourcentage` for F2 to F4, `fixe` (€ a line) for F5 and F6."""

    number: Text = Field(alias="numero", pattern=r"^\d{8,10}$")
    name: Text = Field("", alias="libelle")
    member: Text = Field("", alias="adherent")
    formula: FormulaWord = Field(alias="formule")
    percent: Percent = Field(Decimal(0), alias="pourcentage")
    fixed: Euros = Field(Decimal(0), alias="fixe")
    since: Day = Field(alias="debut")
    until: Day | None = Field(None, alias="fin")
    third_party: YesNo = Field(True, alias="tiers_payant")
    proof: ProofWord = Field(ProofKind.CERTIFICATE, alias="preuve")
    proof_on: Day | None = Field(None, alias="preuve_date")

    def cover(self) -> CoverAMC:
        """The same, half-open; a proof without date counts from the contract's first day."""
        return CoverAMC(
            self.number,
            self.member,
            Formula(self.formula, self.percent, self.fixed),
            self.since,
            Proof(self.proof, self.proof_on or self.since),
            _after(self.until),
            self.third_party,
        )


class PatientDocument(Row):
    """A patient. Without `assure` the patient is the insured person and needs a NIR."""

    personal: ClassVar[frozenset[str]] = frozenset({"personne", "assure", "adherent"})

    code: Key
    person: PersonDocument = Field(alias="personne")
    insured: PersonDocument | None = Field(None, alias="assure")
    agency: Text = Field("", alias="agence")
    quality: Text = Field("0", alias="qualite", pattern=r"^\d$")
    birth_rank: Text = Field("1", alias="rang", pattern=r"^\d$")
    amo: tuple[AmoDocument, ...] = ()
    amc: tuple[AmcDocument, ...] = ()


# --- read: what the file alone shows ----------------------------------------------------------


def _read(data: bytes, file: str) -> Records[PatientDocument]:
    records = read_documents(data, file, PatientDocument)
    seen = Counter(record.value.code for record in records)
    refuse([anomaly for record in records for anomaly in _faults(record, seen)])
    return records


def _faults(record: Record[PatientDocument], seen: Counter[str]) -> Iterator[Anomaly]:
    document = record.value
    if seen[document.code] > 1:
        yield Anomaly(DOUBLE_PATIENT, record.at("code"), {"code": document.code})
    if not (document.insured or document.person).nir:
        name = "assure" if document.insured else "personne"
        yield Anomaly(MISSING, record.at(name, "nir"), {"field": "nir"})
    for name, one in (("personne", document.person), ("assure", document.insured)):
        if one and one.nir and (found := nir.check(one.nir + one.key, record.at(name, "nir"))):
            yield found
    yield from _cover_faults(record, "amo", document.amo)
    yield from _cover_faults(record, "amc", document.amc)
    yield from _overlaps(record)


def _cover_faults(
    record: Record[PatientDocument], name: str, covers: Sequence[AmoDocument | AmcDocument]
) -> Iterator[Anomaly]:
    for rank, one in enumerate(covers):
        if one.until is not None and one.until < one.since:
            values = {"since": one.since, "until": one.until}
            yield Anomaly(BACKWARDS, record.at(name, rank, "fin"), values)


def _overlaps(record: Record[PatientDocument]) -> Iterator[Anomaly]:
    """Two covers overlap when one begins inside the other: asked of the rule that bills."""
    amo = [one.cover() for one in record.value.amo]
    amc = [one.cover() for one in record.value.amc]
    for rank, cover in enumerate(amo):
        found = amo_on(amo, cover.since, cover.nature)
        if isinstance(found, Anomaly) and not _empty(cover):
            yield found.at(record.at("amo", rank))
    for rank, contract in enumerate(amc):
        paid = amc_on(amc, contract.since)
        if isinstance(paid, Anomaly) and contract.third_party and not _empty(contract):
            yield paid.at(record.at("amc", rank))


def _empty(cover: CoverAMO | CoverAMC) -> bool:
    return cover.until is not None and cover.until <= cover.since


def _after(last_day: date | None) -> date | None:
    return last_day + _ONE_DAY if last_day else None


# --- apply: what we already know --------------------------------------------------------------


def _apply(intake: Intake, records: Records[PatientDocument]) -> Applied:
    return store(intake.connection, intake.organisation_id, intake.vault, records)


def store(
    connection: Connection, organisation_id: int, vault: Vault, records: Records[PatientDocument]
) -> Applied:
    """Write patients, persons and covers. Raises AnomaliesFound (IMP-412)."""
    register = _Register(connection, organisation_id, vault, records)
    refuse(register.anomalies)
    counts = register.write()
    known = _patients(connection, organisation_id, [record.value.code for record in records])
    _replace_covers(connection, cover_amo, _AMO, _amo_rows, known, records)
    _replace_covers(connection, cover_amc, _AMC, _amc_rows, known, records)
    covers = sum(len(record.value.amo) + len(record.value.amc) for record in records)
    return Applied({**counts, "couvertures": covers})


@dataclass(frozen=True, slots=True)
class _Known:
    """A patient we have: row id, person, insured person."""

    id: int
    person_id: int
    insured_id: int


class _Register:
    """Finds each person of a file among ours, by NIR or by patient, then writes what is new."""

    def __init__(
        self,
        connection: Connection,
        organisation_id: int,
        vault: Vault,
        records: Records[PatientDocument],
    ) -> None:
        self._connection, self._organisation_id, self._vault = connection, organisation_id, vault
        self._records = records
        self._known = _patients(connection, organisation_id, [r.value.code for r in records])
        self._by_nir = self._persons_by_nir()
        held = {*self._by_nir.values(), *(one.person_id for one in self._known.values())}
        self._held = vault.load(connection, held)
        self._new: dict[int, tuple[PersonalFields, bytes]] = {}
        self._changed: dict[int, PersonalFields] = {}
        self._next = reserve_ids(connection, "person", 2 * len(records))
        self.anomalies: list[Anomaly] = []
        self._pairs = [self._pair(record) for record in records]

    def _persons_by_nir(self) -> dict[bytes, int]:
        documents = (record.value for record in self._records)
        people = [one for x in documents for one in (x.person, x.insured) if one and one.nir]
        indices = sorted({index for one in people for index in self._vault.nir_indices(one.nir)})
        found: dict[bytes, int] = {}
        for chunk in _chunks(indices):
            query = select(person.c.nir_index, person.c.id).where(
                person.c.organisation_id == self._organisation_id, person.c.nir_index.in_(chunk)
            )
            found.update((bytes(row.nir_index), row.id) for row in self._connection.execute(query))
        return found

    def _pair(self, record: Record[PatientDocument]) -> tuple[int, int]:
        """Person and insured person of a patient."""
        document, known = record.value, self._known.get(record.value.code)
        own = self._person(record, "personne", document.person, known)
        if document.insured is None:
            return own, own
        return own, self._person(record, "assure", document.insured, None)

    def _person(
        self,
        record: Record[PatientDocument],
        name: str,
        given: PersonDocument,
        known: _Known | None,
    ) -> int:
        fields, indices = given.fields(), self._vault.nir_indices(given.nir)
        found = next((self._by_nir[one] for one in indices if one in self._by_nir), None)
        if found is None and known and not given.nir and not self._held[known.person_id].nir:
            found = known.person_id
        if found is None:
            return self._add(fields, indices[0])
        held = self._changed.get(found) or self._held[found]
        if held.birth_date != fields.birth_date and given.nir:
            self.anomalies.append(Anomaly(OTHER_PERSON, record.at(name, "naissance")))
        if held != fields and found not in self._new:
            self._changed[found] = fields
        return found

    def _add(self, fields: PersonalFields, index: bytes) -> int:
        id_, self._next = self._next, self._next + 1
        self._new[id_] = fields, index
        self._held[id_] = fields
        self._by_nir[index] = id_
        return id_

    def write(self) -> dict[str, int]:
        """Insert and update persons, then patients."""
        insert_rows(
            self._connection,
            person,
            ("id", "organisation_id", "sealed", "nir_index", "salt"),
            [
                (id_, self._organisation_id, self._vault.seal(id_, fields), index, new_salt())
                for id_, (fields, index) in self._new.items()
            ],
        )
        update = "UPDATE person SET sealed = ? WHERE id = ?"
        changed = [(self._vault.seal(id_, new), id_) for id_, new in self._changed.items()]
        execute_many(self._connection, update, changed)
        created = self._write_patients()
        return {
            "patients créés": created,
            "patients mis à jour": len(self._records) - created,
            "personnes créées": len(self._new),
        }

    def _write_patients(self) -> int:
        created = len(self._records) - len(self._known)
        first = reserve_ids(self._connection, "patient", created)
        fresh: list[tuple[Any, ...]] = []
        moved: list[tuple[Any, ...]] = []
        for record, pair in zip(self._records, self._pairs, strict=True):
            one, known = record.value, self._known.get(record.value.code)
            values = (*pair, one.agency, one.quality, one.birth_rank)
            if known:
                moved.append((*values, known.id))
            else:
                fresh.append((first + len(fresh), self._organisation_id, one.code, *values))
        insert_rows(self._connection, patient, _PATIENT, fresh)
        execute_many(self._connection, _MOVE_PATIENT, moved)
        return created


_PATIENT: Final = (
    "id", "organisation_id", "code", "person_id", "insured_person_id", "agency", "quality",
    "birth_rank",
)  # fmt: skip
_MOVE_PATIENT: Final = (
    "UPDATE patient SET person_id = ?, insured_person_id = ?, agency = ?, quality = ?,"
    " birth_rank = ? WHERE id = ?"
)
_AMO: Final = (
    "id", "patient_id", "since", "until", "scheme", "fund", "centre", "nature", "exemption",
    "situation", "proof", "proof_on",
)  # fmt: skip
_AMC: Final = (
    "id", "patient_id", "since", "until", "number", "name", "member", "formula", "percent_ppm",
    "fixed_cents", "third_party", "proof", "proof_on",
)  # fmt: skip


def _patients(
    connection: Connection, organisation_id: int, codes: Iterable[str]
) -> dict[str, _Known]:
    table = patient.c
    found: dict[str, _Known] = {}
    for chunk in _chunks(sorted(set(codes))):
        query = select(table.code, table.id, table.person_id, table.insured_person_id).where(
            table.organisation_id == organisation_id, table.code.in_(chunk)
        )
        found.update((code, _Known(*ids)) for code, *ids in connection.execute(query))
    return found


def _replace_covers(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows_of: Callable[[PatientDocument], list[tuple[Any, ...]]],
    known: dict[str, _Known],
    records: Records[PatientDocument],
) -> None:
    for chunk in _chunks(sorted(one.id for one in known.values())):
        connection.execute(delete(table).where(table.c.patient_id.in_(chunk)))
    rows = [
        (known[record.value.code].id, *row) for record in records for row in rows_of(record.value)
    ]
    first = reserve_ids(connection, table.name, len(rows))
    insert_rows(connection, table, columns, [(first + rank, *row) for rank, row in enumerate(rows)])


def _amo_rows(document: PatientDocument) -> list[tuple[Any, ...]]:
    return [
        (
            one.since.isoformat(),
            _iso(_after(one.until)),
            one.scheme,
            one.fund,
            one.centre,
            one.nature.value,
            one.exemption or "0",
            " ".join(sorted(one.situations)),
            one.proof.value,
            one.proof_on.isoformat(),
        )
        for one in document.amo
    ]


def _amc_rows(document: PatientDocument) -> list[tuple[Any, ...]]:
    return [
        (
            one.since.isoformat(),
            _iso(_after(one.until)),
            one.number,
            one.name,
            one.member,
            one.formula.value,
            scaled(one.percent, RATE_SCALE - 2),
            scaled(one.fixed, 2),
            int(one.third_party),
            one.proof.value,
            (one.proof_on or one.since).isoformat(),
        )
        for one in document.amc
    ]


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (values[first : first + _CHUNK] for first in range(0, len(values), _CHUNK))


def _schema() -> str:
    return json_schema(PatientDocument)


FLOW: Final = Flow(
    "patients", "patients", looks_like("personne", "code"), _read, _apply, _schema, personal=True
)

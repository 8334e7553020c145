"""Flow `runs`: what analysers say of the samples they ran (contracts.md §10), each kept once.

An analyser that was off line sends everything at once, and again: a run is known by its analyser,
instant, patient, sample type and kind. Patients' names go to the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Connection, Table, select

from billing.contracts.runs import place_on
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.persons import Index, PersonalFields, Vault, new_salt
from integration.translate.codes import slices
from integration.translate.fields import MISSING, Instant, Key, Row, Text, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.machines import Machines, Named, machines
from integration.translate.places import Places, places_of
from integration.translate.tabular import csv_schema, read_rows, recognises

DOUBLED_HOUR: Final = Code(
    "IMP-231",
    "L'heure {at:%d/%m/%Y %H:%M} existe deux fois (passage à l'heure d'hiver) : prise en heure"
    " d'été.",
    "Faites émettre l'analyseur avec son décalage, par exemple +02:00.",
)
SKIPPED_HOUR: Final = Code(
    "IMP-232",
    "L'heure {at:%d/%m/%Y %H:%M} n'existe pas (passage à l'heure d'été).",
    "Réglez l'horloge de l'analyseur, puis corrigez l'heure.",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_COLUMNS: Final = (
    *("id", "organisation_id", "event_key", "asset_id", "ran_at_ms", "ran_at", "ran_on", "kind"),
    *("person_id", "species", "sample_type"),
)
_PERSON: Final = ("id", "organisation_id", "sealed", "nir_index", "salt")
_KINDS: Final = {"patient": "patient", "qc": "qc", "controle": "qc", "contrôle": "qc"}


class RunRow(Row):
    """One line of the feed; its analyser by serial number or by code. `qc` is quality control."""

    personal: ClassVar[frozenset[str]] = frozenset({"patient"})

    serial: Key | None = Field(None, alias="serie")
    asset: Key | None = Field(None, alias="bien")
    ran_at: Instant = Field(alias="horodatage")
    patient: Text = Field("", alias="patient")
    species: Text = Field("", alias="espece")
    sample_type: Text = Field("", alias="prelevement")
    kind: Annotated[str, words(_KINDS)] = Field(alias="type")


class _Run(NamedTuple):
    """A run of the file: its key in the database, its patient's (QC has none), its time."""

    key: bytes
    name_key: bytes | None
    ran_at: datetime
    asset_id: int
    row: RunRow


def read(data: bytes, file: str) -> Records[RunRow]:
    """Runs of a CSV or XLSX file. Raises AnomaliesFound."""
    records = read_rows(data, file, RunRow)
    refuse([wrong for record in records for wrong in _missing(record)])
    return records


def _missing(record: Record[RunRow]) -> Iterator[Anomaly]:
    row = record.value
    wanted = {"patient": row.patient, "prelevement": row.sample_type}
    for name, value in wanted.items():
        if row.kind == "patient" and not value:
            yield Anomaly(MISSING, record.at(name), {"field": name})


def apply(intake: Intake, records: Records[RunRow]) -> Applied:
    """Stores each run once; one that is known is passed over. Refused: an unknown analyser."""
    found, notices = list[Anomaly](), list[Anomaly]()
    known = machines(intake, map(_named, records))
    clock = Clock.of(intake, known)
    index = intake.vault.index(intake.connection)
    runs: dict[bytes, _Run] = {}
    for record in records:
        asset_id = known.one(_named(record), found)
        at = clock.at(asset_id, record.value.ran_at, record, found, notices)
        run = _run(index, asset_id, at, record.value)
        runs.setdefault(run.key, run)
    refuse(found)
    old = _held(intake, t.analysis, "event_key", runs)
    fresh = [run for key, run in runs.items() if key not in old]
    _insert(intake, intake.vault, fresh)
    counts = {
        "analyses enregistrées": len(fresh),
        "analyses déjà connues": len(records) - len(fresh),
    }
    return Applied(counts, tuple(notices))


def _named(record: Record[RunRow]) -> Named:
    return Named(record.value.asset, record.value.serial, record)


class Clock(NamedTuple):
    """The zone of each device: its site's, by where it stood."""

    places: Places
    sites: Mapping[int, str]
    zone: str

    @classmethod
    def of(cls, intake: Intake, known: Machines) -> Clock:
        """The clock of the devices a file names."""
        places = places_of(intake.connection, known.ids)
        sites = {one.site_id for some in places.values() for one in some if one.site_id}
        query = select(t.site.c.id, t.site.c.zone).where(t.site.c.zone != "")
        zones: dict[int, str] = {}
        for some in slices(sorted(sites)):
            rows = intake.connection.execute(query.where(t.site.c.id.in_(some)))
            zones.update((id_, zone) for id_, zone in rows)
        return cls(places, zones, intake.settings.organisation.zone)

    def at(
        self,
        asset_id: int,
        said: datetime,
        record: Record[Any],
        found: list[Anomaly],
        notices: list[Anomaly],
    ) -> datetime:
        """The instant in the zone of the site. The doubled hour of autumn is told, the hour that
        spring skips refused."""
        zone = self._zone(asset_id, said.date())
        if said.tzinfo:
            return said.astimezone(zone)
        at = said.replace(tzinfo=zone)
        if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != said:
            found.append(Anomaly(SKIPPED_HOUR, record.at("horodatage"), {"at": said}))
        elif at.utcoffset() != at.replace(fold=1).utcoffset():
            notices.append(Anomaly(DOUBLED_HOUR, record.at("horodatage"), {"at": said}))
        return at

    def _zone(self, asset_id: int, day: date) -> ZoneInfo:
        if asset_id not in self.places:
            return ZoneInfo(self.zone)
        site = place_on(self.places[asset_id], day).site_id
        return ZoneInfo(self.sites.get(site or 0, self.zone))


def milliseconds(at: datetime) -> int:
    """Since 1970, UTC."""
    return (at - _EPOCH) // _MS


def _run(index: Index, asset_id: int, at: datetime, row: RunRow) -> _Run:
    name = index.name(row.patient) if row.patient else None
    said = (str(asset_id), str(milliseconds(at)), name.hex() if name else "", row.sample_type)
    return _Run(index.of("run", *said, row.kind), name, at, asset_id, row)


def _held(intake: Intake, table: Table, column: str, keys: Iterable[bytes]) -> dict[bytes, int]:
    """Ids of the organisation's rows that have these keys."""
    query = select(table.c[column], table.c.id)
    query = query.where(table.c.organisation_id == intake.organisation_id)
    return {
        bytes(key): id_
        for some in slices(sorted(set(keys)))
        for key, id_ in intake.connection.execute(query.where(table.c[column].in_(some)))
    }


def _insert(intake: Intake, vault: Vault, runs: list[_Run]) -> None:
    names = {run.name_key: run.row.patient for run in runs if run.name_key}
    persons = _held(intake, t.person, "nir_index", names)
    persons |= _new_persons(intake.connection, intake.organisation_id, vault, names, persons)
    first = reserve_ids(intake.connection, "analysis", len(runs))
    rows = (
        (
            *(id_, intake.organisation_id, run.key, run.asset_id, milliseconds(run.ran_at)),
            *(run.ran_at.isoformat(), run.ran_at.date().isoformat(), run.row.kind),
            *(persons[run.name_key] if run.name_key else None, run.row.species),
            run.row.sample_type,
        )
        for id_, run in enumerate(runs, first)
    )
    insert_rows(intake.connection, t.analysis, _COLUMNS, rows)


def _new_persons(
    connection: Connection,
    organisation_id: int,
    vault: Vault,
    names: Mapping[bytes, str],
    known: Mapping[bytes, int],
) -> dict[bytes, int]:
    """A person a name we don't know yet; nothing but the name is sealed."""
    new = {key: name for key, name in names.items() if key not in known}
    first = reserve_ids(connection, "person", len(new))
    ids = {key: first + rank for rank, key in enumerate(new)}
    rows = (
        (ids[key], organisation_id, _sealed(vault, ids[key], name), key, new_salt())
        for key, name in new.items()
    )
    insert_rows(connection, t.person, _PERSON, rows)
    return ids


def _sealed(vault: Vault, id_: int, name: str) -> bytes:
    return vault.seal(id_, PersonalFields("", "", name, "", ""))


def schema() -> str:
    """CSV layout."""
    return csv_schema(
        RunRow,
        ("PC1-0042", "", "2026-05-10T10:00:00", "Rex", "chien", "sang", "patient"),
        ("PC1-0042", "", "10/05/2026 18:30:00", "", "", "", "qc"),
    )


FLOW: Final = Flow("runs", "analyses", recognises(RunRow), read, apply, schema, personal=True)

"""Flow `readings`: dated values of meters, in bulk (contracts.md §3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, NamedTuple

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.sql.expression import literal

from billing.contracts.reading import Origin
from config.settings import Settings
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.translate.codes import slices
from integration.translate.fields import Day, Key, Row, Whole, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.tabular import csv_schema, read_rows, recognises

UNKNOWN_METER: Final = Code(
    "IMP-160",
    "Le compteur « {meter} » du bien « {asset} » est inconnu.",
    "Importez d'abord le bien et ses compteurs.",
)
FUTURE: Final = Code(
    "IMP-161",
    "Le relevé du {day} est dans le futur.",
    "Corrigez la date, ou redéposez le fichier ce jour-là.",
)
BELOW: Final = Code(
    "IMP-162",
    "Le compteur « {meter} » du bien « {asset} » recule : {value} le {day}, {before} le {since}.",
    "Corrigez la valeur ; compteur remplacé : donnez la reprise de l'ancien et la pose du nouveau.",
)
TWO_VALUES: Final = Code(
    "IMP-163",
    "Deux valeurs le {day} pour le compteur « {meter} » du bien « {asset} » : {before} et {value}.",
    "Gardez la bonne valeur.",
)

CALCULATED: Final = Code(
    "IMP-164",
    "Le compteur « {meter} » du bien « {asset} » est calculé : il n'a pas de relevé à lui.",
    "Retirez la ligne ; donnez les relevés des compteurs de sa formule.",
)
LEFT_OUT: Final = Code(
    "IMP-165",
    "Le compteur « {meter} » du bien « {asset} », de saisie obligatoire, n'est pas relevé le {day}"
    " avec les autres.",
    "Ajoutez son relevé à la même date.",
)

ORIGINS: Final = {
    "pose": Origin.INSTALLATION,
    "client": Origin.CUSTOMER,
    "prestataire": Origin.PROVIDER,
    "reprise": Origin.TAKEOVER,
    "estimation": Origin.ESTIMATE,
}
_COLUMNS: Final = ("id", "meter_id", "read_on", "value", "origin")
_MAX_VALUE: Final = 10**15
_RANK: Final = {Origin.TAKEOVER: 1, Origin.INSTALLATION: 2}  # on one day: old one, then new one


class ReadingRow(Row):
    """One line of the table."""

    asset: Key = Field(alias="bien")
    meter: Key = Field(alias="compteur")
    read_on: Day = Field(alias="date")
    value: Whole = Field(alias="valeur", ge=0, lt=_MAX_VALUE)
    origin: Annotated[Origin, words(ORIGINS)] = Field(Origin.PROVIDER, alias="origine")


class _Point(NamedTuple):
    """A reading in its meter's story, in the order the story is told."""

    read_on: date
    rank: int
    value: int
    origin: Origin


class KnownMeter(NamedTuple):
    """What an import of readings knows of a stored meter."""

    id: int
    cumulative: bool
    calculated: bool
    mandatory: bool


_Story = dict[_Point, Record[ReadingRow] | None]  # a stored reading has no record


def read(data: bytes, file: str) -> Records[ReadingRow]:
    """Readings of a CSV or XLSX file. Raises AnomaliesFound."""
    return read_rows(data, file, ReadingRow)


def apply(intake: Intake, records: Records[ReadingRow]) -> Applied:
    """Stores each reading once; those already known are counted, none is changed.

    Refused: an unknown meter, a future date, a value below the previous one unless the meter was
    replaced (takeover of the old one, installation of the new one).
    """
    if not records:
        return Applied({"relevés enregistrés": 0, "relevés déjà connus": 0})
    meters = meters_of(intake, {row.value.asset for row in records})
    anomalies = list(_misplaced(intake.today, records, meters))
    refuse(anomalies)
    first = min(row.value.read_on for row in records)
    wanted = {meters[_key(row)].id for row in records}
    stories = _stored(intake, wanted | {m.id for m in meters.values() if m.mandatory}, first)
    fresh = list(_fresh(records, meters, stories))
    refuse(list(_contradictions(stories, meters)))
    start = reserve_ids(intake.connection, "reading", len(fresh)) if fresh else 0
    rows = (
        (id_, meter, row.read_on.isoformat(), row.value, row.origin.value)
        for id_, (meter, row) in enumerate(fresh, start)
    )
    insert_rows(intake.connection, t.reading, _COLUMNS, rows)
    return Applied(
        {"relevés enregistrés": len(fresh), "relevés déjà connus": len(records) - len(fresh)},
        tuple(_left_out(records, meters, stories)),
    )


def _key(record: Record[ReadingRow]) -> tuple[str, str]:
    return record.value.asset, record.value.meter


def meters_of(intake: Intake, assets: set[str]) -> dict[tuple[str, str], KnownMeter]:
    """Stored meters of these assets, by asset and meter code."""
    m = t.meter.c
    query = (
        select(t.asset.c.code, m.code, m.id, m.cumulative, m.calculated, m.entry_mandatory)
        .join(t.meter, m.asset_id == t.asset.c.id)
        .where(t.asset.c.organisation_id == intake.organisation_id)
    )
    return {
        (asset, meter): KnownMeter(id_, *map(bool, flags))
        for some in slices(sorted(assets))
        for asset, meter, id_, *flags in intake.connection.execute(
            query.where(t.asset.c.code.in_(some))
        )
    }


def _misplaced(
    today: date, records: Records[ReadingRow], meters: Mapping[tuple[str, str], KnownMeter]
) -> Iterator[Anomaly]:
    for record in records:
        row = record.value
        if _key(record) not in meters:
            values = {"meter": row.meter, "asset": row.asset}
            yield Anomaly(UNKNOWN_METER, record.at("compteur"), values)
        elif meters[_key(record)].calculated:
            values = {"meter": row.meter, "asset": row.asset}
            yield Anomaly(CALCULATED, record.at("compteur"), values)
        if row.read_on > today:
            yield Anomaly(FUTURE, record.at("date"), {"day": f"{row.read_on:%d/%m/%Y}"})


def _stored(intake: Intake, meters: set[int], first: date) -> dict[int, _Story]:
    """Stored readings of these meters from the last actual one before `first` on, by meter."""
    r, before = t.reading, t.reading.alias()
    floor = (
        select(func.max(before.c.read_on))
        .where(before.c.meter_id == t.meter.c.id, before.c.read_on < first)
        .where(before.c.origin != Origin.ESTIMATE)
        .correlate(t.meter)
        .scalar_subquery()
    )
    since = func.coalesce(floor, literal(first))
    query = (
        select(r.c.meter_id, r.c.read_on, r.c.value, r.c.origin)
        .select_from(t.meter)
        .join(r, (r.c.meter_id == t.meter.c.id) & (r.c.read_on >= since))
    )
    stories: dict[int, _Story] = defaultdict(dict)
    for some in slices(sorted(meters)):
        for meter, read_on, value, origin in intake.connection.execute(
            query.where(t.meter.c.id.in_(some))
        ):
            point = _Point(read_on, _RANK.get(origin, 0), value, Origin(origin))
            stories[meter][point] = None
    return stories


def _fresh(
    records: Records[ReadingRow],
    meters: Mapping[tuple[str, str], KnownMeter],
    stories: dict[int, _Story],
) -> Iterator[tuple[int, ReadingRow]]:
    """Readings not stored yet, each once; they join their meter's story."""
    for record in records:
        row, meter = record.value, meters[_key(record)].id
        point = _Point(row.read_on, _RANK.get(row.origin, 0), row.value, row.origin)
        if point not in stories[meter]:
            stories[meter][point] = record
            yield meter, row


def _left_out(
    records: Records[ReadingRow],
    meters: Mapping[tuple[str, str], KnownMeter],
    stories: Mapping[int, _Story],
) -> Iterator[Anomaly]:
    """Meters of mandatory entry that a visit of their asset left out; told, nothing is refused."""
    mandatory: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (asset, code), meter in meters.items():
        if meter.mandatory and not meter.calculated:
            mandatory[asset].append((code, meter.id))
    visits = {(one.value.asset, one.value.read_on): one for one in records} if mandatory else {}
    for (asset, day), record in visits.items():
        for code, id_ in mandatory[asset]:
            if not any(point.read_on == day for point in stories.get(id_, ())):
                values = {"asset": asset, "meter": code, "day": f"{day:%d/%m/%Y}"}
                yield Anomaly(LEFT_OUT, record.at(), values)


def _contradictions(
    stories: Mapping[int, _Story], meters: Mapping[tuple[str, str], KnownMeter]
) -> Iterator[Anomaly]:
    """New readings that can't be true beside their neighbours; estimates prove nothing."""
    cumulative = {meter.id for meter in meters.values() if meter.cumulative}
    for meter, story in stories.items():
        points = sorted(point for point in story if point.origin is not Origin.ESTIMATE)
        for before, after in pairwise(points):
            record = story[after] or story[before]
            if record and (code := _fault(before, after, meter in cumulative)):
                yield Anomaly(code, record.at("valeur"), _values(record, before, after))


def _fault(before: _Point, after: _Point, cumulative: bool) -> Code | None:
    if before[:2] == after[:2] and before.value != after.value:
        return TWO_VALUES
    replaced = before.origin is Origin.TAKEOVER and after.origin is Origin.INSTALLATION
    return BELOW if cumulative and after.value < before.value and not replaced else None


def _values(record: Record[ReadingRow], before: _Point, after: _Point) -> dict[str, object]:
    return {
        "asset": record.value.asset,
        "meter": record.value.meter,
        "value": after.value,
        "day": f"{after.read_on:%d/%m/%Y}",
        "before": before.value,
        "since": f"{before.read_on:%d/%m/%Y}",
    }


def schema() -> str:
    """CSV layout."""
    return csv_schema(ReadingRow, ("BIEN001", "NB", "30/06/2026", "12345", "prestataire"))


def bind(settings: Settings | None, layout: str) -> Flow:
    """The flow with the mappings of an installation, or with one of them."""
    from integration.translate.mapped_readings import bound

    return bound(replace(FLOW, bind=None), settings, layout)


FLOW: Final = Flow("readings", "relevés", recognises(ReadingRow), read, apply, schema, bind)

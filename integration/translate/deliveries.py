"""Flow `deliveries`: lines of delivery notes, which kit rules bill (contracts.md §4.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import Field
from sqlalchemy import select

from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.translate.codes import ids_by_code, slices
from integration.translate.families import TWICE
from integration.translate.fields import Day, Key, Row, Text, Whole
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.machines import Machines, Named, machines
from integration.translate.tabular import csv_schema, read_rows, recognises

UNKNOWN_CONTRACT: Final = Code(
    "IMP-185", "Le contrat « {code} » est inconnu.", "Importez d'abord le contrat."
)
KNOWN_DELIVERY: Final = Code(
    "IMP-186",
    "La ligne {line} de la livraison « {number} » existe déjà avec un autre contenu.",
    "Une livraison importée ne change plus : donnez un autre numéro à la correction.",
)
_COLUMNS: Final = (
    *("organisation_id", "number", "line", "delivered_on", "asset_id", "contract_id"),
    *("article", "label", "article_class", "quantity"),
)


class DeliveryRow(Row):
    """One line of the table. Without `bien` nor `serie` it is kept and never billed (A-FEE-10)."""

    number: Key = Field(alias="livraison")
    line: Whole = Field(1, alias="ligne", ge=1)
    delivered_on: Day = Field(alias="date")
    asset: Key | None = Field(None, alias="bien")
    serial: Key | None = Field(None, alias="serie")
    contract: Key | None = Field(None, alias="contrat")
    article: Key = Field(alias="article")
    label: Text = Field("", alias="libelle")
    article_class: Key = Field(alias="classe")
    quantity: Whole = Field(alias="quantite", ge=1)


class _Ids(NamedTuple):
    machines: Machines
    contracts: Mapping[str, int]


def read(data: bytes, file: str) -> Records[DeliveryRow]:
    """Delivery lines of a CSV or XLSX file. Raises AnomaliesFound."""
    return read_rows(data, file, DeliveryRow)


def apply(intake: Intake, records: Records[DeliveryRow]) -> Applied:
    """Stores each line once, by delivery number and line; a known one must say the same.

    Refused: an unknown asset, serial number or contract, a line that stands twice.
    """
    ids, found = _resolved(intake, records), list[Anomaly]()
    rows = [(record, _values(intake, record, ids, found)) for record in records]
    known = _stored(intake, {record.value.number for record in records})
    found += _contradictions(rows, known)
    refuse(found)
    fresh = [values for _, values in rows if values[1:3] not in known]
    if fresh:
        first = reserve_ids(intake.connection, "delivery", len(fresh))
        made = ((id_, *values) for id_, values in enumerate(fresh, first))
        insert_rows(intake.connection, t.delivery, ("id", *_COLUMNS), made)
    old = len(rows) - len(fresh)
    return Applied({"livraisons enregistrées": len(fresh), "livraisons déjà connues": old})


def _resolved(intake: Intake, records: Records[DeliveryRow]) -> _Ids:
    contracts = {record.value.contract for record in records if record.value.contract}
    return _Ids(
        machines(intake, map(_named, records)),
        ids_by_code(intake.connection, t.contract, intake.organisation_id, contracts),
    )


def _named(record: Record[DeliveryRow]) -> Named:
    return Named(record.value.asset, record.value.serial, record)


def _values(
    intake: Intake, record: Record[DeliveryRow], ids: _Ids, found: list[Anomaly]
) -> tuple[Any, ...]:
    row = record.value
    contract = ids.contracts.get(row.contract) if row.contract else None
    if row.contract and contract is None:
        found.append(Anomaly(UNKNOWN_CONTRACT, record.at("contrat"), {"code": row.contract}))
    return (
        *(intake.organisation_id, row.number, row.line, row.delivered_on.isoformat()),
        *(ids.machines.id_of(_named(record), found), contract),
        *(row.article, row.label, row.article_class, row.quantity),
    )


def _stored(intake: Intake, numbers: set[str]) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Lines of these deliveries that are stored, by number and line."""
    d = t.delivery
    query = select(*(d.c[name] for name in _COLUMNS))
    query = query.where(d.c.organisation_id == intake.organisation_id)
    return {
        (row.number, row.line): (*row[:3], row.delivered_on.isoformat(), *row[4:])
        for some in slices(sorted(numbers))
        for row in intake.connection.execute(query.where(d.c.number.in_(some)))
    }


def _contradictions(
    rows: list[tuple[Record[DeliveryRow], tuple[Any, ...]]],
    known: Mapping[tuple[str, int], tuple[Any, ...]],
) -> Iterator[Anomaly]:
    seen: set[tuple[str, int]] = set()
    for record, values in rows:
        number, line = key = record.value.number, record.value.line
        if key in seen:
            yield Anomaly(TWICE, record.at("livraison"), {"code": f"{number}, ligne {line}"})
        elif key in known and known[key] != values:
            told = {"number": number, "line": line}
            yield Anomaly(KNOWN_DELIVERY, record.at("livraison"), told)
        seen.add(key)


def schema() -> str:
    """CSV layout."""
    article = ("TN-NB", "Toner noir", "CONSO NB")
    return csv_schema(
        DeliveryRow,
        ("BL0001", "1", "30/10/2026", "BIEN001", "", "", *article, "1"),
        ("BL0002", "1", "10/11/2026", "", "SER123", "CTR001", *article, "2"),
    )


FLOW: Final = Flow("deliveries", "livraisons", recognises(DeliveryRow), read, apply, schema)

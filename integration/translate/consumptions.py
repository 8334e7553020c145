"""Flow `consumptions`: consumables that devices say they used (I-RUN-07), each use kept once."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field
from sqlalchemy import select

from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.translate.codes import slices
from integration.translate.fields import Instant, Key, Row, Whole
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.machines import Named, machines
from integration.translate.runs import Clock, milliseconds
from integration.translate.tabular import csv_schema, read_rows, recognises

OTHER_QUANTITY: Final = Code(
    "IMP-233",
    "Cette consommation de « {article} » existe déjà avec une autre quantité.",
    "Une consommation importée ne change plus ; vérifiez l'envoi de l'appareil.",
)
_COLUMNS: Final = ("id", "asset_id", "used_at_ms", "used_on", "article", "quantity")


class UseRow(Row):
    """One line of the feed; the device by serial number or by code."""

    serial: Key | None = Field(None, alias="serie")
    asset: Key | None = Field(None, alias="bien")
    used_at: Instant = Field(alias="horodatage")
    article: Key = Field(alias="article")
    quantity: Whole = Field(alias="consomme", ge=1)


def read(data: bytes, file: str) -> Records[UseRow]:
    """Uses of a CSV or XLSX file. Raises AnomaliesFound."""
    return read_rows(data, file, UseRow)


def apply(intake: Intake, records: Records[UseRow]) -> Applied:
    """Stores each use once, by device, instant and article. Refused: an unknown device."""
    found, notices = list[Anomaly](), list[Anomaly]()
    known = machines(intake, map(_named, records))
    clock, uses = Clock.of(intake, known), dict[tuple[Any, ...], tuple[Any, ...]]()
    held = _held(intake, known.ids)
    for record in records:
        row, asset = record.value, known.one(_named(record), found)
        at = clock.at(asset, row.used_at, record, found, notices)
        key = (asset, milliseconds(at), row.article)
        said = held.get(key) or (uses[key][1] if key in uses else row.quantity)
        if said != row.quantity:
            found.append(Anomaly(OTHER_QUANTITY, record.at("consomme"), {"article": row.article}))
        uses[key] = at.date().isoformat(), row.quantity
    refuse(found)
    fresh = {key: told for key, told in uses.items() if key not in held}
    first = reserve_ids(intake.connection, "consumable_use", len(fresh))
    rows = (
        (id_, asset, ms, day, article, quantity)
        for id_, ((asset, ms, article), (day, quantity)) in enumerate(fresh.items(), first)
    )
    insert_rows(intake.connection, t.consumable_use, _COLUMNS, rows)
    counts = {"consommations enregistrées": len(fresh)}
    return Applied(
        {**counts, "consommations déjà connues": len(records) - len(fresh)}, tuple(notices)
    )


def _named(record: Record[UseRow]) -> Named:
    return Named(record.value.asset, record.value.serial, record)


def _held(intake: Intake, assets: set[int]) -> dict[tuple[Any, ...], int]:
    """Quantities known of these devices, by device, instant and article."""
    u = t.consumable_use.c
    query = select(u.asset_id, u.used_at_ms, u.article, u.quantity)
    return {
        (asset, ms, article): quantity
        for some in slices(sorted(assets))
        for asset, ms, article, quantity in intake.connection.execute(
            query.where(u.asset_id.in_(some))
        )
    }


def schema() -> str:
    """CSV layout."""
    return csv_schema(UseRow, ("PC1-0042", "", "2026-05-10T10:00:00", "REACTIF", "1"))


FLOW: Final = Flow("consumptions", "consommations", recognises(UseRow), read, apply, schema)

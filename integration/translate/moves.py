"""Flow `moves`: devices that went to another structure, with the day they did (I-RUN-09)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pydantic import Field
from sqlalchemy import select

from formats.common.anomaly import Anomaly
from integration.database import tables as t
from integration.translate.assets import UNKNOWN_CUSTOMER, UNKNOWN_SITE, site_ids
from integration.translate.codes import ids_by_code, slices
from integration.translate.fields import Day, Key, Row
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.machines import Named, machines
from integration.translate.places import places_of
from integration.translate.tabular import csv_schema, read_rows, recognises
from integration.translate.upsert import upsert


class MoveRow(Row):
    """One line of the table: from that day on, included, the device stands there."""

    serial: Key | None = Field(None, alias="serie")
    asset: Key | None = Field(None, alias="bien")
    since: Day = Field(alias="depuis")
    customer: Key = Field(alias="client")
    site: Key | None = Field(None, alias="site")


def read(data: bytes, file: str) -> Records[MoveRow]:
    """Moves of a CSV or XLSX file. Raises AnomaliesFound."""
    return read_rows(data, file, MoveRow)


def apply(intake: Intake, records: Records[MoveRow]) -> Applied:
    """A dated attachment a move; one said again for the same day replaces it.

    What is posted stays; what isn't billed yet follows. Before its first move a device stands
    where it was until then. Refused: an unknown device, customer or site.
    """
    found = list[Anomaly]()
    wanted = _wanted(intake, records, found)
    refuse(found)
    moved = sorted({asset for asset, _ in wanted})
    for asset, (origin, *_) in places_of(intake.connection, moved).items():
        stood = {"customer_id": origin.customer_id, "site_id": origin.site_id}
        wanted.setdefault((asset, date.min), _values(asset, date.min, stood))
    stored = upsert(intake.connection, t.placement, wanted, _known(intake, moved), {})
    return Applied({"déplacements": len(records), "lieux enregistrés": stored.created})


def _wanted(
    intake: Intake, records: Records[MoveRow], found: list[Anomaly]
) -> dict[tuple[int, date], dict[str, Any]]:
    named = machines(intake, map(_named, records))
    codes = {record.value.customer for record in records}
    customers = ids_by_code(intake.connection, t.customer, intake.organisation_id, codes)
    sites = site_ids(intake, customers.values())
    wanted = {}
    for record in records:
        row, asset = record.value, named.one(_named(record), found)
        customer = customers.get(row.customer, 0)
        site = sites.get((customer, row.site)) if row.site else None
        told = {"code": row.site or row.customer, "customer": row.customer}
        if not customer:
            found.append(Anomaly(UNKNOWN_CUSTOMER, record.at("client"), told))
        elif row.site and site is None:
            found.append(Anomaly(UNKNOWN_SITE, record.at("site"), told))
        where = {"customer_id": customer, "site_id": site}
        wanted[asset, row.since] = _values(asset, row.since, where)
    return wanted


def _named(record: Record[MoveRow]) -> Named:
    return Named(record.value.asset, record.value.serial, record)


def _values(asset: int, since: date, where: dict[str, Any]) -> dict[str, Any]:
    return {"asset_id": asset, "since": since, **where}


def _known(intake: Intake, assets: list[int]) -> dict[tuple[int, date], Any]:
    query = select(t.placement)
    return {
        (row.asset_id, row.since): row
        for some in slices(assets)
        for row in intake.connection.execute(query.where(t.placement.c.asset_id.in_(some)))
    }


def schema() -> str:
    """CSV layout."""
    return csv_schema(
        MoveRow,
        ("PC1-0042", "", "15/05/2026", "CLI002", ""),
        ("", "BIEN001", "01/06/2026", "CLI003", "CLINIQUE"),
    )


FLOW: Final = Flow("moves", "déplacements de biens", recognises(MoveRow), read, apply, schema)

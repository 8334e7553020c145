"""Flow `indices`: Syntec indices by month, over those shipped with the program (A-SYN-03)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from sqlalchemy import select

from billing.contracts.syntec import Month, written
from billing.money import QUANTITY_SCALE, scaled
from config.nomenclatures import syntec_index
from formats.common.anomaly import Anomaly, Code
from integration.database.bulk import execute_many
from integration.database.tables import syntec_index as table
from integration.translate.families import TWICE
from integration.translate.fields import Number, Row, Whole
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.increases_rows import indices_of
from integration.translate.tabular import csv_schema, read_rows, recognises

CORRECTED: Final = Code(
    "IMP-182",
    "L'indice Syntec de {month} change : {before} devient {after}.",
    "Les prix déjà révisés gardent l'ancien ; vérifiez la valeur publiée.",
)
MONTHS: Final = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_UNACCENTED: Final = str.maketrans("éèû", "eeu")
_RANKS: Final = {name.translate(_UNACCENTED): rank for rank, name in enumerate(MONTHS, 1)}
_INDEX: Final = re.compile(r"\d{1,4}(?:[.,]\d{1,6})?", re.ASCII)
_UPSERT: Final = (
    "INSERT INTO syntec_index (year, month, index_e6) VALUES (?, ?, ?)"
    " ON CONFLICT (year, month) DO UPDATE SET index_e6 = excluded.index_e6"
)


def _rank(value: object) -> object:
    """A month's French name as its rank; anything else as it is."""
    name = str(value).strip().casefold().translate(_UNACCENTED)
    return _RANKS.get(name, value)


MonthNumber = Annotated[
    Whole, BeforeValidator(_rank, json_schema_input_type=str), Field(ge=1, le=12)
]


def _index(value: object) -> object:
    """An index has units and three decimals: « 162,591 » can't be a thousand."""
    text = str(value).strip()
    return Decimal(text.replace(",", ".")) if _INDEX.fullmatch(text) else value


Index = Annotated[
    Number,
    BeforeValidator(_index, json_schema_input_type=str),
    Field(gt=0, lt=10_000, decimal_places=QUANTITY_SCALE),
]


class IndexRow(Row):
    """One month: year, month (1 to 12 or its name) and index."""

    year: Whole = Field(alias="annee", ge=1961, le=2999)
    month: MonthNumber = Field(alias="mois")
    index: Index = Field(alias="indice")


def _read(data: bytes, file: str) -> Records[IndexRow]:
    return read_rows(data, file, IndexRow)


def _apply(intake: Intake, records: Records[IndexRow]) -> Applied:
    """New months are added, a corrected one is told."""
    rows = intake.connection.execute(select(table.c.year, table.c.month, table.c.index_e6))
    known = indices_of([(row.year, row.month, row.index_e6) for row in rows])
    seen: dict[Month, Record[IndexRow]] = {}
    refuse([a for record in records for a in _twice(record, seen)])
    changed = {month: one for month, one in seen.items() if known.get(month) != one.value.index}
    execute_many(
        intake.connection,
        _UPSERT,
        [(*month, scaled(one.value.index, QUANTITY_SCALE)) for month, one in changed.items()],
    )
    notices = (_corrected(one, month, known.get(month)) for month, one in changed.items())
    counts = {"indices": len(seen), "mois connus": len(known.keys() | seen.keys())}
    return Applied(counts, tuple(notice for notice in notices if notice))


def _twice(record: Record[IndexRow], seen: dict[Month, Record[IndexRow]]) -> list[Anomaly]:
    month = (record.value.year, record.value.month)
    if month in seen:
        return [Anomaly(TWICE, record.at("mois"), {"code": written(month)})]
    seen[month] = record
    return []


def _corrected(record: Record[IndexRow], month: Month, before: Decimal | None) -> Anomaly | None:
    if before is None:
        return None
    values = {"month": written(month), "before": before, "after": record.value.index}
    return Anomaly(CORRECTED, record.at("indice"), values)


def _schema() -> str:
    year, month = max(syntec_index())
    return csv_schema(IndexRow, (str(year), MONTHS[month], "162,877"))


FLOW: Final = Flow("indices", "indices Syntec", recognises(IndexRow), _read, _apply, _schema)

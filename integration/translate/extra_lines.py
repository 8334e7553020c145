"""Flow `extra_lines`: lines by hand on the next invoice of a contract, each billed once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import Field

from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.translate.codes import ids_by_code, rows_by_code
from integration.translate.deliveries import UNKNOWN_CONTRACT
from integration.translate.families import TWICE
from integration.translate.fields import Key, Number, Row, Text
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.tabular import csv_schema, read_rows, recognises
from integration.translate.upsert import to_scale

KNOWN_LINE: Final = Code(
    "IMP-188",
    "La ligne « {code} » existe déjà avec un autre contenu.",
    "Une ligne importée ne change plus : donnez un autre code à la correction.",
)
_COLUMNS: Final = (
    *("organisation_id", "code", "contract_id", "article", "label", "quantity_e6", "price_e8"),
    *("vat_ppm", "account", "reason"),
)


class ExtraLineRow(Row):
    """One line of the table; a deduction has a negative quantity or price. `tva` is in %."""

    code: Key = Field(alias="code")
    contract: Key = Field(alias="contrat")
    article: Key = Field(alias="article")
    label: Text = Field("", alias="libelle")
    quantity: Number = Field(alias="quantite")
    price: Number = Field(alias="prix")
    vat_pct: Number = Field(alias="tva", ge=0, le=100)
    account: Key = Field("706", alias="compte", max_length=16)
    reason: Key = Field(alias="motif")


def read(data: bytes, file: str) -> Records[ExtraLineRow]:
    """Lines of a CSV or XLSX file. Raises AnomaliesFound."""
    return read_rows(data, file, ExtraLineRow)


def apply(intake: Intake, records: Records[ExtraLineRow]) -> Applied:
    """Stores each line once by its code; a known one must say the same.

    Refused: an unknown contract, a code that stands twice.
    """
    connection, ours = intake.connection, intake.organisation_id
    contracts = ids_by_code(connection, t.contract, ours, (one.value.contract for one in records))
    known = rows_by_code(connection, t.extra_line, ours, (one.value.code for one in records))
    found = list[Anomaly]()
    rows = [(record, _values(ours, record, contracts, found)) for record in records]
    found += _contradictions(rows, known)
    refuse(found)
    fresh = [values for record, values in rows if record.value.code not in known]
    if fresh:
        first = reserve_ids(connection, "extra_line", len(fresh))
        made = ((id_, *values) for id_, values in enumerate(fresh, first))
        insert_rows(connection, t.extra_line, ("id", *_COLUMNS), made)
    old = len(rows) - len(fresh)
    return Applied({"lignes enregistrées": len(fresh), "lignes déjà connues": old})


def _values(
    organisation_id: int,
    record: Record[ExtraLineRow],
    contracts: Mapping[str, int],
    found: list[Anomaly],
) -> tuple[Any, ...]:
    row = record.value
    if row.contract not in contracts:
        found.append(Anomaly(UNKNOWN_CONTRACT, record.at("contrat"), {"code": row.contract}))
    scales = (
        ("quantite", row.quantity, QUANTITY_SCALE),
        ("prix", row.price, PRICE_SCALE),
        ("tva", row.vat_pct / 100, RATE_SCALE),
    )
    amounts = [
        to_scale(value, scale, lambda name=name: (name, record.at(name)), found)  # type: ignore[misc]
        for name, value, scale in scales
    ]
    return (
        *(organisation_id, row.code, contracts.get(row.contract), row.article, row.label),
        *(*amounts, row.account, row.reason),
    )


def _contradictions(
    rows: list[tuple[Record[ExtraLineRow], tuple[Any, ...]]], known: Mapping[str, Any]
) -> Iterator[Anomaly]:
    seen: set[str] = set()
    for record, values in rows:
        code = record.value.code
        if code in seen:
            yield Anomaly(TWICE, record.at("code"), {"code": code})
        elif code in known and tuple(getattr(known[code], name) for name in _COLUMNS) != values:
            yield Anomaly(KNOWN_LINE, record.at("code"), {"code": code})
        seen.add(code)


def schema() -> str:
    """CSV layout."""
    offered = ("COPIES", "Copies offertes", "-1000", "0,01", "20", "706")
    return csv_schema(ExtraLineRow, ("GESTE-1", "CTR001", *offered, "Geste à la signature"))


FLOW: Final = Flow("extra_lines", "lignes à la main", recognises(ExtraLineRow), read, apply, schema)

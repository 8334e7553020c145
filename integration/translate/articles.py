"""Flow `articles`: what is sold; prices of fees come from the flow `price_lists`."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from billing.money import RATE_SCALE
from formats.common.anomaly import Anomaly
from integration.database import tables as t
from integration.translate.codes import rows_by_code
from integration.translate.families import TWICE, defaults
from integration.translate.fields import Key, Number, Row, Text, words
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.tabular import csv_schema, read_rows, recognises
from integration.translate.upsert import to_scale, upsert

NATURES: Final = {"incorporel": True, "stocké": False, "stocke": False}


class Article(Row):
    """An article; only an intangible one (`incorporel`) may be a fee (A-FEE-03). `tva` in %."""

    code: Key = Field(alias="article")
    label: Text = Field("", alias="libelle")
    intangible: Annotated[bool, words(NATURES)] = Field(alias="nature")
    article_class: Text = Field("", alias="classe")
    vat_pct: Number = Field(alias="tva", ge=0, le=100)
    account: Key = Field("706", alias="compte", max_length=16)


def read(data: bytes, file: str) -> Records[Article]:
    """Articles of a CSV or XLSX file. Raises AnomaliesFound."""
    records = read_rows(data, file, Article)
    seen: set[str] = set()
    twice = []
    for record in records:
        if record.value.code in seen:
            twice.append(Anomaly(TWICE, record.at("article"), {"code": record.value.code}))
        seen.add(record.value.code)
    refuse(twice)
    return records


def apply(intake: Intake, records: Records[Article]) -> Applied:
    """New articles are added, changed ones updated; none is ever removed."""
    anomalies: list[Anomaly] = []
    wanted = {record.value.code: _row(intake, record, anomalies) for record in records}
    refuse(anomalies)
    known = rows_by_code(intake.connection, t.article, intake.organisation_id, wanted)
    stored = upsert(intake.connection, t.article, wanted, known, _DEFAULTS)
    return Applied({"articles créés": stored.created, "articles modifiés": stored.changed})


def _row(intake: Intake, record: Record[Article], anomalies: list[Anomaly]) -> dict[str, Any]:
    values = record.value.model_dump(exclude_unset=True)
    vat = to_scale(
        values.pop("vat_pct") / 100, RATE_SCALE, lambda: ("tva", record.at("tva")), anomalies
    )
    return {"organisation_id": intake.organisation_id, "vat_ppm": vat, **values}


_DEFAULTS: Final = defaults(Article)


def schema() -> str:
    """CSV layout."""
    return csv_schema(
        Article, ("FRAIS500", "Frais d'estimation", "incorporel", "frais", "20", "708500")
    )


FLOW: Final = Flow("articles", "articles", recognises(Article), read, apply, schema)

"""Flow `price_lists`: public and net price lists, their articles and attached customers.

One row a price, a customer, or both; the columns of the list repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import Field, model_validator
from sqlalchemy import Table, select

from billing.money import PRICE_SCALE
from formats.common.anomaly import Anomaly, Code, Place
from integration.database import tables as t
from integration.translate.assets import UNKNOWN_CUSTOMER
from integration.translate.codes import ids_by_code, rows_by_code, slices
from integration.translate.families import Family, Values, defaults, from_rows
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
from integration.translate.tabular import csv_schema, read_rows, recognises
from integration.translate.upsert import to_scale, upsert

UNKNOWN_ARTICLE: Final = Code(
    "IMP-180", "L'article « {code} » est inconnu.", "Importez d'abord l'article."
)

KINDS: Final = {"public": True, "net": False}


class ListFields(Row):
    """A price list: public, for everybody, or net, for the customers attached.

    Among the lists in force on a day the highest `precedence` gives the price of an article; at
    the same precedence the one that began last.
    """

    code: Key = Field(alias="tarif")
    label: Text = Field("", alias="libelle")
    public: Annotated[bool, words(KINDS)] = Field(alias="genre")
    since: Day = Field(alias="debut")
    until: Day | None = Field(None, alias="fin")
    in_force: YesNo = Field(True, alias="en_vigueur")
    precedence: Whole = Field(0, alias="precedence", ge=0, le=1000)


class ListRow(ListFields):
    """One line of the table: a list, at most one of its prices and one of its customers."""

    article_code: Key | None = Field(None, alias="article")
    article_price: Number | None = Field(None, alias="prix", ge=0)
    customer_code: Key | None = Field(None, alias="client")
    customer_attached: YesNo = Field(True, alias="rattache")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.article_code and self.article_price is None:
            raise wrong(REFUSED, reason=f"l'article « {self.article_code} » est sans prix")
        if self.public and self.customer_code:
            raise wrong(REFUSED, reason="un tarif public vaut pour tous : pas de client rattaché")
        if self.until and self.until < self.since:
            raise wrong(REFUSED, reason="la fin précède le début")
        return self


class Lists(NamedTuple):
    """The lists of a file with their prices, and again with their customers."""

    prices: Records[Family]
    customers: Records[Family]


def read(data: bytes, file: str) -> Records[Lists]:
    """Price lists of a CSV or XLSX file. Raises AnomaliesFound."""
    rows = read_rows(data, file, ListRow)
    lists = Lists(from_rows(rows, ListFields, "article_"), from_rows(rows, ListFields, "customer_"))
    return Records([Record(lists, rows.items[0].locate)])


def apply(intake: Intake, records: Records[Lists]) -> Applied:
    """New lists, prices and customers are added, changed ones updated; none is ever removed."""
    ((prices, customers),) = (record.value for record in records)
    anomalies: list[Anomaly] = []
    wanted = {one.value.parent["code"]: _list(intake, one.value.parent) for one in prices}
    known = rows_by_code(intake.connection, t.price_list, intake.organisation_id, wanted)
    sold = _children(intake, t.article, prices, ("article", UNKNOWN_ARTICLE), anomalies)
    attached = _children(intake, t.customer, customers, ("client", UNKNOWN_CUSTOMER), anomalies)
    costs = {key: _price(child, anomalies) for key, child in sold.items()}
    refuse(anomalies)
    lists = upsert(intake.connection, t.price_list, wanted, known, _DEFAULTS)
    stored = _store(intake, t.price, "article_id", lists.ids, costs)
    flags = {key: {"attached": one.value.get("attached", True)} for key, one in attached.items()}
    _store(intake, t.price_list_customer, "customer_id", lists.ids, flags)
    return Applied(
        {"tarifs créés": lists.created, "tarifs modifiés": lists.changed, "prix": stored}
    )


def _list(intake: Intake, parent: Values) -> dict[str, Any]:
    values = dict(parent)
    if values.get("until"):
        values["until"] += timedelta(days=1)  # files include the last day, tables exclude it
    return {"organisation_id": intake.organisation_id, **values}


_DEFAULTS: Final = defaults(ListFields)
Children = dict[tuple[str, int], Record[Values]]


def _children(
    intake: Intake,
    table: Table,
    families: Records[Family],
    unknown: tuple[str, Code],
    anomalies: list[Anomaly],
) -> Children:
    """Children by list code and id of what they name; unknown codes go to `anomalies`."""
    column, code = unknown
    pairs = [(one.value.parent["code"], child) for one in families for child in one.value.children]
    named = {child.value["code"] for _, child in pairs}
    ids = ids_by_code(intake.connection, table, intake.organisation_id, named)
    for _, child in pairs:
        if child.value["code"] not in ids:
            anomalies.append(Anomaly(code, child.at(column), {"code": child.value["code"]}))
    return {
        (name, ids[child.value["code"]]): child
        for name, child in pairs
        if child.value["code"] in ids
    }


def _price(child: Record[Values], anomalies: list[Anomaly]) -> dict[str, Any]:
    where = partial(_named, child, "prix")
    return {"price_e8": to_scale(child.value["price"], PRICE_SCALE, where, anomalies)}


def _named(record: Record[Values], name: str) -> tuple[str, Place]:
    return name, record.at(name)


def _store(
    intake: Intake,
    table: Table,
    column: str,
    lists: Mapping[str, int],
    rows: Mapping[tuple[str, int], Mapping[str, Any]],
) -> int:
    """Rows below lists, by list and what `column` names; how many are new or changed."""
    wanted = {
        (lists[code], id_): {"price_list_id": lists[code], column: id_, **row}
        for (code, id_), row in rows.items()
    }
    known = dict(_known(intake, table, column, lists))
    stored = upsert(intake.connection, table, wanted, known, {})
    return stored.created + stored.changed


def _known(
    intake: Intake, table: Table, column: str, lists: Mapping[str, int]
) -> Iterator[tuple[tuple[int, int], Any]]:
    for some in slices(lists.values()):
        query = select(table).where(table.c.price_list_id.in_(some))
        for row in intake.connection.execute(query):
            yield (row.price_list_id, getattr(row, column)), row


def schema() -> str:
    """CSV layout: a public list, then a net one with a customer."""
    public = ("PUB", "Tarif public", "public", "01/01/2026", "", "oui", "0", "FRAIS500", "5,00")
    net = ("NET3", "Frais à 3 €", "net", "01/01/2026", "", "oui", "10", "FRAIS500", "3,00")
    return csv_schema(ListRow, (*public, "", ""), (*net, "CLI001", "oui"))


FLOW: Final = Flow(
    "price_lists", "articles et prix des tarifs", recognises(ListRow), read, apply, schema
)

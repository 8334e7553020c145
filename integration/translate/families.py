"""Customers with their sites, assets with their meters: one shape out of tables and documents.

In a table each row is a child and repeats its parent; in a document the children are a list. Only
what a file says is kept: an absent column or an empty cell changes nothing already stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from formats.common.anomaly import Anomaly, Code, Place
from integration.translate.fields import Row
from integration.translate.flow import Record, Records, refuse

CONTRADICTION: Final = Code(
    "IMP-140",
    "Cette ligne contredit la ligne {line} pour « {code} ».",
    "Donnez les mêmes valeurs sur toutes les lignes d'un même code.",
)
TWICE: Final = Code("IMP-141", "« {code} » est présent deux fois.", "Gardez une seule occurrence.")
CHILD_WITHOUT_CODE: Final = Code(
    "IMP-142",
    "La ligne décrit un élément sans code (« {field} » manque).",
    "Renseignez le code, ou videz les colonnes de l'élément.",
)

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """A parent and its children: the values given, by English field name."""

    parent: Values
    children: tuple[Record[Values], ...]


def from_rows(rows: Records[Any], parent: type[Row], prefix: str) -> Records[Family]:
    """Families of a table: fields of `parent` repeat, those that begin with `prefix` are a child's.

    Raises AnomaliesFound when two rows of one parent contradict each other.
    """
    names, anomalies = set(parent.model_fields), list[Anomaly]()
    first: dict[str, tuple[Record[Any], dict[str, Any], list[Record[Values]]]] = {}
    for row in rows:
        values = row.value.model_dump(include=names, exclude_unset=True)
        held = first.setdefault(values["code"], (row, {}, []))
        if any(held[1].get(name, value) != value for name, value in values.items()):
            where = {"line": held[0].at().line, "code": values["code"]}
            anomalies.append(Anomaly(CONTRADICTION, row.at(), where))
        held[1].update(values)
        held[2].extend(_child(row, prefix, anomalies))
    refuse(anomalies)
    families = [
        Record(Family(values, tuple(children)), row.locate)
        for row, values, children in first.values()
    ]
    return _once(families)


def from_documents(records: Records[Any], parent: type[Row], key: str) -> Records[Family]:
    """Families of documents whose children stand in the list `children`, `key` in French."""
    names = set(parent.model_fields)
    families = []
    for record in records:
        children = tuple(
            Record(child.model_dump(exclude_unset=True), partial(_inside, record, key, n))
            for n, child in enumerate(record.value.children)
        )
        parents = record.value.model_dump(include=names, exclude_unset=True)
        families.append(Record(Family(parents, children), record.locate))
    return _once(families)


def _inside(record: Record[Any], key: str, index: int, path: tuple[str | int, ...]) -> Place:
    return record.at(key, index, *path)


def _child(row: Record[Any], prefix: str, anomalies: list[Anomaly]) -> Iterator[Record[Values]]:
    model, given = type(row.value), row.value.model_fields_set
    child = {n.removeprefix(prefix): getattr(row.value, n) for n in given if n.startswith(prefix)}
    if "code" in child:
        yield Record(child, row.locate)
    elif child:
        alias = model.model_fields[prefix + "code"].alias
        anomalies.append(Anomaly(CHILD_WITHOUT_CODE, row.at(), {"field": alias}))


def defaults(model: type[Row]) -> dict[str, Any]:
    """What a new row holds where the file says nothing, by field name."""
    fields = model.model_fields.items()
    return {name: info.default for name, info in fields if not info.is_required()}


def _once(families: list[Record[Family]]) -> Records[Family]:
    """Refuses a code that stands twice: among parents, or among the children of one parent."""
    anomalies = list(_doubles((one.value.parent["code"], one) for one in families))
    for one in families:
        anomalies += _doubles((child.value["code"], child) for child in one.value.children)
    refuse(anomalies)
    return Records(families)


def _doubles(coded: Iterable[tuple[str, Record[Any]]]) -> Iterator[Anomaly]:
    seen: set[str] = set()
    for code, record in coded:
        if code in seen:
            yield Anomaly(TWICE, record.at(), {"code": code})
        seen.add(code)

"""Fields of rules changed by a file: the table of them, the differences, all or nothing.

A row names its rule by contract, module and rule; an empty cell changes nothing. A new field is
one line of FIELDS (contracts.md, "Bulk change of rule fields").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple, cast

from pydantic import Field, create_model
from sqlalchemy import Connection, select

from billing.contracts.rules import KINDS
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.flows.rule_changes import RuleChange, Shown, Trail
from integration.translate.codes import slices
from integration.translate.fields import Key, Number, Row
from integration.translate.flow import Record, Records, refuse
from integration.translate.sheet import number
from integration.translate.tabular import read_rows

UNKNOWN_RULE: Final = Code(
    "IMP-201",
    "La règle « {rule} » n'existe pas.",
    "Vérifiez les codes du contrat, du module et de la règle.",
)
REFUSED: Final = Code(
    "IMP-202", "Règle « {rule} » : {reason}.", "Corrigez la ligne ; rien n'a été enregistré."
)
TWICE: Final = Code(
    "IMP-203", "La règle « {rule} » est présente deux fois.", "Gardez une seule ligne."
)


class RuleField(NamedTuple):
    """A field that a file may change: its column there, its key in the rule's terms, its rules."""

    label: str
    key: str
    kinds: frozenset[str]
    type: Any


FIELDS: Final = (RuleField("quantite", "quantity", frozenset({"flat_fee"}), Number | None),)


class RuleName(Row):
    """Which rule."""

    contract: Key = Field(alias="contrat")
    module: Key = Field(alias="module")
    rule: Key = Field(alias="regle")

    @property
    def name(self) -> str:
        """As a clerk reads it."""
        return f"{self.contract} / {self.module} / {self.rule}"


_ASKED: Final[dict[str, Any]] = {
    one.key: (one.type, Field(None, alias=one.label)) for one in FIELDS
}
RuleRow: Final = cast("type[RuleName]", create_model("RuleRow", __base__=RuleName, **_ASKED))
"""A row of the file: the rule, and every field of FIELDS."""


def read(data: bytes, file: str) -> Records[RuleName]:
    """The rows of a CSV or XLSX file. Raises AnomaliesFound with all that is wrong."""
    return read_rows(data, file, RuleRow)


def changes_of(
    connection: Connection, organisation_id: int, records: Records[RuleName]
) -> list[RuleChange]:
    """What the file changes of the rules as they are; writes nothing.

    Raises AnomaliesFound with all that is wrong.
    """
    anomalies, seen, found = list[Anomaly](), set[str](), list[RuleChange]()
    codes = {record.value.contract for record in records}
    known = dict(_rules(connection, organisation_id, codes))
    for record in records:
        name = record.value.name
        if name in seen or name not in known:
            code = TWICE if name in seen else UNKNOWN_RULE
            anomalies.append(Anomaly(code, record.at(), {"rule": name}))
            continue
        seen.add(name)
        found += _change(record, *known[name], anomalies)
    refuse(anomalies)
    return found


def _rules(
    connection: Connection, organisation_id: int, codes: set[str]
) -> Iterator[tuple[str, tuple[int, str, str]]]:
    """Id, kind and terms of the rules of these contracts, by name."""
    query = (
        select(t.contract.c.code, t.module.c.code, t.rule.c.code, t.rule.c.id, t.rule.c.kind)
        .add_columns(t.rule.c.terms)
        .join_from(t.rule, t.contract, t.rule.c.contract_id == t.contract.c.id)
        .join(t.module, t.rule.c.module_id == t.module.c.id)
        .where(t.contract.c.organisation_id == organisation_id)
    )
    for some in slices(sorted(codes)):
        rows = connection.execute(query.where(t.contract.c.code.in_(some)))
        for contract, module, rule, id_, kind, terms in rows:
            yield f"{contract} / {module} / {rule}", (id_, kind, terms)


def _change(
    record: Record[RuleName], rule_id: int, kind: str, terms: str, anomalies: list[Anomaly]
) -> Iterator[RuleChange]:
    before, name = json.loads(terms), record.value.name
    after, trail, shown = dict(before), list[Trail](), list[Shown]()
    for one in FIELDS:
        wanted = getattr(record.value, one.key)
        if wanted is None or (one.key in before and Decimal(str(before[one.key])) == wanted):
            continue
        if kind not in one.kinds:
            values = {"rule": name, "reason": f"« {one.label} » ne va pas avec ce type de règle"}
            anomalies.append(Anomaly(REFUSED, record.at(one.label), values))
            continue
        old, text = str(before.get(one.key, "")), f"{wanted:f}"
        after[one.key] = text
        trail.append(Trail(one.key, old, text))
        shown.append(Shown(one.label, number(Decimal(old)) if old else "", number(wanted)))
    try:
        KINDS[kind].terms(after)
    except ValueError as error:
        anomalies.append(Anomaly(REFUSED, record.at(), {"rule": name, "reason": str(error)}))
        return
    if trail:
        yield RuleChange(rule_id, name, "terms", t.json_text(after), tuple(trail), tuple(shown))

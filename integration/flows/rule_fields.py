"""Fields of rules changed by a file: the table of them, the differences, all or nothing.

A row names its rule by contract, module and rule; an empty cell changes nothing. A new field is
one line of FIELDS (contracts.md, "Bulk change of rule fields").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, cast

from pydantic import Field, create_model
from sqlalchemy import Column, ColumnElement, Connection, select

from billing.contracts.rules import KINDS
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.flows.rule_changes import RuleChange, Shown, Trail
from integration.sheets import Cell, number
from integration.translate.codes import slices
from integration.translate.fields import Key, Number, Row, Whole
from integration.translate.flow import Record, Records, refuse
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
    """A field that a file may change: its column there, its key in the rule's terms, its rules.

    type: of the cell. kept: the cell as the rule's terms hold it.
    """

    label: str
    key: str
    kinds: frozenset[str]
    type: Any
    kept: Callable[[Decimal], object]


_GIVING: Final = frozenset({"consumed_units", "block", "bundle"})
FIELDS: Final = (
    RuleField("quantite", "quantity", frozenset({"flat_fee"}), Number | None, "{:f}".format),
    RuleField("copies_offertes", "offered", _GIVING, Whole | None, int),
    RuleField("copies_financees", "financed", _GIVING, Whole | None, int),
)
_CHANGED: Final = (t.rule.c.id, t.rule.c.kind, t.rule.c.terms)
HEADER: Final = ("contrat", "module", "regle", *(one.label for one in FIELDS))


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


def held(
    connection: Connection, organisation_id: int, contract: str | None
) -> Iterator[tuple[Cell, ...]]:
    """The rows of HEADER for the rules of a contract, of all without; a field a rule hasn't is
    empty, one its terms leave out too."""
    codes = {contract} if contract else None
    for name, (_, kind, terms) in named(connection, organisation_id, codes, _CHANGED):
        known = json.loads(terms)
        cells = (known.get(one.key) if kind in one.kinds else None for one in FIELDS)
        yield (*name, *(None if cell is None else Decimal(str(cell)) for cell in cells))


def changes_of(
    connection: Connection, organisation_id: int, records: Records[RuleName]
) -> list[RuleChange]:
    """What the file changes of the rules as they are; writes nothing.

    Raises AnomaliesFound with all that is wrong.
    """
    anomalies, seen, found = list[Anomaly](), set[str](), list[RuleChange]()
    codes = {record.value.contract for record in records}
    rules = named(connection, organisation_id, codes, _CHANGED)
    known = {" / ".join(name): row for name, row in rules}
    for record in records:
        name = record.value.name
        if name in seen or name not in known:
            code = TWICE if name in seen else UNKNOWN_RULE
            anomalies.append(Anomaly(code, record.at(), {"rule": name}))
            continue
        seen.add(name)
        rule_id, kind, terms = known[name]
        found += _change(record, rule_id, kind, terms, anomalies)
    refuse(anomalies)
    return found


def named(
    connection: Connection,
    organisation_id: int,
    codes: set[str] | None,
    columns: Sequence[Column[Any]],
) -> Iterator[tuple[tuple[str, str, str], tuple[Any, ...]]]:
    """Columns of the rules of these contracts, of all without, by contract, module and rule."""
    query = (
        select(t.contract.c.code, t.module.c.code, t.rule.c.code, *columns)
        .join_from(t.rule, t.contract, t.rule.c.contract_id == t.contract.c.id)
        .join(t.module, t.rule.c.module_id == t.module.c.id)
        .where(t.contract.c.organisation_id == organisation_id)
    )
    every = [query] if codes is None else map(query.where, _among(codes))
    for one in every:
        for row in connection.execute(one.order_by(t.rule.c.id)):
            yield tuple(row[:3]), tuple(row[3:])


def _among(codes: set[str]) -> Iterator[ColumnElement[bool]]:
    return (t.contract.c.code.in_(some) for some in slices(sorted(codes)))


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
        after[one.key] = one.kept(wanted)
        trail.append(Trail(one.key, old, text))
        shown.append(Shown(one.label, number(Decimal(old)) if old else "", number(wanted)))
    try:
        KINDS[kind].terms(after)
    except ValueError as error:
        anomalies.append(Anomaly(REFUSED, record.at(), {"rule": name, "reason": str(error)}))
        return
    if trail:
        yield RuleChange(rule_id, name, "terms", t.json_text(after), tuple(trail), tuple(shown))

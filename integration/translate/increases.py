"""Flow `increases`: one-off price increases entered ahead for rules already imported.

Source: seed 004, "Gérer les augmentations ponctuelles". An increase that a rule already has on that
day is left as it is: the same file brings nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from billing.contracts.increase import EVERY_PRICE, Increase, OneOff
from formats.common.anomaly import Anomaly
from integration.database import tables as t
from integration.flows.rule_changes import RuleChange, Trail, write
from integration.flows.rule_fields import UNKNOWN_RULE, RuleName, named
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.increase_document import OneOffDocument, Prices
from integration.translate.increases_rows import increase_text, parse_increase
from integration.translate.tabular import csv_schema, read_rows, recognises


def _listed(value: object) -> object:
    """Names between commas: « facturé, revient »."""
    return tuple(map(str.strip, value.split(","))) if isinstance(value, str) else value


class IncreaseRow(OneOffDocument, RuleName):
    """One increase of one rule; `prix` names the prices it changes, all of them when empty."""

    prices: Annotated[Prices, BeforeValidator(_listed, json_schema_input_type=str)] = Field(
        EVERY_PRICE, alias="prix", min_length=1
    )


def _read(data: bytes, file: str) -> Records[IncreaseRow]:
    return read_rows(data, file, IncreaseRow)


def _apply(intake: Intake, records: Records[IncreaseRow]) -> Applied:
    """Adds what the rules don't have yet; refused: an unknown rule."""
    codes = {record.value.contract for record in records}
    rules = named(
        intake.connection, intake.organisation_id, codes, (t.rule.c.id, t.rule.c.increase)
    )
    known = {" / ".join(name): row for name, row in rules}
    refuse([_unknown(record) for record in records if record.value.name not in known])
    wanted: dict[str, list[OneOff]] = {}
    for record in records:
        wanted.setdefault(record.value.name, []).append(record.value.made())
    changes = [one for name, ahead in wanted.items() for one in _added(name, known[name], ahead)]
    write(intake.connection, changes, intake.file, intake.now)
    return Applied({"augmentations": len(records), "règles modifiées": len(changes)})


def _unknown(record: Record[IncreaseRow]) -> Anomaly:
    return Anomaly(UNKNOWN_RULE, record.at("regle"), {"rule": record.value.name})


def _added(name: str, rule: tuple[Any, ...], ahead: list[OneOff]) -> Iterator[RuleChange]:
    rule_id, before = rule
    agreed = parse_increase(before) or Increase()
    fresh = [one for one in dict.fromkeys(ahead) if one not in agreed.one_offs]
    if fresh:
        after = increase_text(agreed._replace(one_offs=(*agreed.one_offs, *fresh)))
        trail = (Trail("increase", before, after),)
        yield RuleChange(rule_id, name, "increase", after, trail, ())


def _schema() -> str:
    rule = ("CTR001", "M1", "MAINT", "2027-01-01")
    change = ("majoration personnalisée", "appliquer pourcentage", "2,5", "facturé, pca/par")
    return csv_schema(IncreaseRow, (*rule, *change))


FLOW: Final = Flow(
    "increases", "augmentations ponctuelles", recognises(IncreaseRow), _read, _apply, _schema
)

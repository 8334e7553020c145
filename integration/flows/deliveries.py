"""Delivery lines as kit rules see them: billed, to bill, or billable by none (A-FEE-10)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection

from integration.database.sql import Queries
from integration.flows.billing.gather import DELIVERED, facts_of
from integration.posting import reference
from integration.translate.contracts_rows import day

_SQL = Queries(Path(__file__).with_suffix(".sql"))
BILLED: Final = "facturée"
GIVEN: Final = "comprise ou offerte"
TO_BILL: Final = "à facturer"
NO_ASSET: Final = "non facturable : aucun bien"
NO_RULE: Final = "non facturable : aucune règle de kit pour ce bien, cette classe et cette date"


class Listed(NamedTuple):
    """A delivery line and what becomes of it; `invoice` is "" until it is billed."""

    number: str
    line: int
    delivered_on: date
    asset: str
    article: str
    label: str
    article_class: str
    quantity: int
    state: str
    contract: str = ""
    rule: str = ""
    invoice: str = ""


def listed(connection: Connection, organisation_id: int, on: date) -> list[Listed]:
    """Every delivery line, in date order, as it stands on a day."""
    claimed = _claimed(connection, organisation_id, on)
    found = []
    for row in _SQL.rows(connection, "deliveries", organisation=organisation_id):
        id_, number, line, on_day, asset, article, label, class_, quantity = row[:9]
        known = (number, line, day(on_day), asset or "", article, label, class_, quantity)
        contract, rule, *invoice = row[9:]
        if rule is not None:
            found.append(Listed(*known, BILLED, contract, rule, reference(*invoice)))
        else:
            nobody = NO_RULE if asset else NO_ASSET
            found.append(Listed(*known, *claimed.get(id_, (nobody, "", ""))))
    return found


def _claimed(
    connection: Connection, organisation_id: int, on: date
) -> dict[int, tuple[str, str, str]]:
    """State, contract and rule of the unbilled lines that a rule claims, by id."""
    signed = _SQL.rows(connection, "contracts", organisation=organisation_id, kinds=DELIVERED)
    found = {}
    for facts in facts_of(connection, signed, on):
        for contract in facts.contracts:
            for rule in (rule for module in contract.modules for rule in module.rules):
                given = rule.state.own.get("given", "").split()
                for one in facts.claims.get(rule.id, ()):
                    state = GIVEN if str(one.id) in given else TO_BILL
                    found[one.id] = (state, contract.code, rule.code)
    return found

"""Bulk update of increases: export the rules asked for, read the file back, show, apply.

Sources: seed 004, "Actualiser les augmentations"; contracts.md §5 (A-ACT-01, 03 to 07). Nothing
is selected by default; a file is applied whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from billing.contracts.contract import Family, RuleState
from billing.contracts.increase import Increase, IncreaseKind
from billing.contracts.revision import last_applied, next_increase
from billing.money import PRICE_SCALE, ZERO, unscaled
from integration.database.sql import Queries
from integration.posting import reference
from integration.sheets import Cell
from integration.translate.codes import slices
from integration.translate.contracts_rows import day, day_or_none
from integration.translate.increases_rows import parse_increase
from integration.translate.indices import MONTHS
from integration.translate.price_file import (
    ANNIVERSARY,
    COLUMNS,
    KIND_WORDS,
    MODE_WORDS,
    READ,
    ROUNDING_WORDS,
    YEARLY,
)
from integration.translate.rule_states import state_of

PAGE: Final = 500  # rules a query
_SQL = Queries(Path(__file__).with_suffix(".sql"))
NEVER: Final = date(9999, 12, 31)
_BEYOND: Final = frozenset({Family.OVERRUN.value, Family.SUBSCRIPTION.value})


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rules to export; an empty criterion narrows nothing.

    contract, module: part of the label. not_billed_since: last invoice before that day, or none.
    """

    contract: str = ""
    module: str = ""
    activity: str = ""
    not_billed_since: date | None = None


class Cost(NamedTuple):
    """A cost line with its price in force."""

    family: str
    price: Decimal
    payment_mode: str
    article: str


class Priced(NamedTuple):
    """A rule with what the file tells of its increases."""

    row: tuple[Any, ...]
    agreed: Increase | None
    state: RuleState
    costs: tuple[Cost, ...]
    assets: tuple[int, date | None]
    span: tuple[date, date | None]
    trail: tuple[tuple[str, str, str], ...]

    @property
    def rule_id(self) -> int:
        """The rule's id."""
        return int(self.row[0])

    @property
    def module_since(self) -> date:
        """The module's first day."""
        return day(self.row[8])

    @property
    def name(self) -> str:
        """Contract, module and rule, by their codes."""
        return f"{self.row[5]} / {self.row[7]} / {self.row[9]}"

    @property
    def following(self) -> date | None:
        """The next recurring increase."""
        if self.agreed is None:
            return None
        return next_increase(self.agreed, self.module_since, day(self.row[11]), self.state)

    @property
    def revision(self) -> str:
        """Changes when somebody else, or a billing, moved what the file is about."""
        known = f"{self.row[13]}|{json.dumps(sorted(self.state.increases))}"
        return hashlib.sha256(known.encode()).hexdigest()[:12]

    def of(self, families: Iterable[str]) -> list[Cost]:
        """The cost lines of these families."""
        return [cost for cost in self.costs if cost.family in families]


def selected(connection: Connection, organisation_id: int, choice: Choice) -> Iterator[Priced]:
    """The rules asked for, in id order, a page at a time."""
    after, values = 0, _values(choice)
    while ids := [
        row[0]
        for row in _SQL.rows(
            connection, "selected", organisation=organisation_id, after=after, limit=PAGE, **values
        )
    ]:
        yield from priced(connection, organisation_id, ids)
        after = ids[-1]


def oldest_revision(connection: Connection, organisation_id: int) -> date | None:
    """The first next increase among the rules that the Syntec index revises."""
    values = {"organisation": organisation_id, "syntec": '%"syntec"%'}
    ids = [row[0] for row in _SQL.rows(connection, "syntec", **values)]
    days = (
        one.following
        for one in priced(connection, organisation_id, ids)
        if one.agreed and one.agreed.recurring and one.agreed.recurring.kind is IncreaseKind.SYNTEC
    )
    return min((day for day in days if day), default=None)


def _values(choice: Choice) -> dict[str, object]:
    return {
        "contract": f"%{choice.contract.lower()}%",
        "module": f"%{choice.module.lower()}%",
        "activity": choice.activity,
        "not_billed_since": choice.not_billed_since or NEVER,
    }


def priced(connection: Connection, organisation_id: int, ids: Iterable[int]) -> Iterator[Priced]:
    """These rules of the organisation, those that exist, a few queries a page."""
    for some in slices(sorted(set(ids))):
        rows = _SQL.rows(connection, "rules", organisation=organisation_id, rules=some)
        known = [row[0] for row in rows]
        costs = _grouped(_SQL.rows(connection, "cost_lines", rules=known))
        assets = {row[0]: row[1:] for row in _SQL.rows(connection, "assets", rules=known)}
        trails = _grouped(_SQL.rows(connection, "trail", rules=known))
        contracts = sorted({row[1] for row in rows})
        spans = {row[0]: row[1:] for row in _SQL.rows(connection, "spans", contracts=contracts)}
        for row in rows:
            state = state_of(json.loads(row[15]))
            count, oldest = assets[row[0]]
            since, until, endless = spans[row[1]]
            yield Priced(
                row,
                parse_increase(row[13]),
                state,
                tuple(_cost(cost, state) for cost in costs[row[0]]),
                (count, day_or_none(oldest)),
                (day(since), None if endless else day(until)),
                tuple(trails[row[0]]),
            )


def _grouped(rows: Iterable[tuple[Any, ...]]) -> Mapping[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for first, *rest in rows:
        found[first].append(tuple(rest))
    return found


def _cost(row: tuple[Any, ...], state: RuleState) -> Cost:
    """The last price that the history gives, else the first one agreed."""
    id_, family, price, mode, article = row
    moved = (
        entry["prices"][str(id_)]["billed"][2]
        for _, entry in sorted(state.increases.items(), reverse=True)
        if "billed" in entry["prices"].get(str(id_), {})
    )
    last = next(moved, None)
    in_force = unscaled(price, PRICE_SCALE) if last is None else Decimal(last)
    return Cost(family, in_force, mode, article)


# --- the file ---------------------------------------------------------------------------------


def told(one: Priced, today: date) -> dict[str, Cell]:
    """Every column but those to be filled in, by our names."""
    row, agreed = one.row, one.agreed or Increase()
    change, custom = agreed.recurring, None
    if change is not None and change.kind is IncreaseKind.CUSTOM:
        custom = change
    last = (row[19], row[20], row[21])
    count, oldest = one.assets
    increases = [at for field, at, _ in one.trail if field == "increase"]
    _, changed_at, author = one.trail[-1] if one.trail else ("", "", "")
    return {
        **dict(zip(tuple(COLUMNS)[:5], (*row[3:7], row[7]), strict=True)),
        "module_since": one.module_since,
        "rule": row[10] or row[9],
        "last_invoice": reference(*last) if row[19] else one.state.last_invoice,
        "costs": len(one.costs),
        "standard_sum": sum((cost.price for cost in one.of({Family.STANDARD.value})), ZERO),
        "overrun_sum": sum((cost.price for cost in one.of(_BEYOND)), ZERO),
        "renewal": renewal(agreed),
        "kind": KIND_WORDS[change and change.kind],
        "mode": custom and MODE_WORDS[custom.mode],
        "value": custom and custom.value,
        "last_increase": last_applied(one.state),
        "next_increase": one.following,
        "payment_mode": one.costs[0].payment_mode if one.costs else "",
        "increase_since": increases[0][:10] if increases else "",
        "contract_since": one.span[0],
        "contract_until": one.span[1] and one.span[1] - timedelta(1),
        "oldest_asset": (today - oldest).days * 100 // 36525 if oldest else None,
        "assets": count,
        "author": author,
        "changed_at": changed_at,
        "decimals": row[14],
        "rounding": ROUNDING_WORDS[agreed.rounding],
        "contract_id": row[1],
        "customer_id": row[2],
        "rule_id": one.rule_id,
        "increase_id": one.revision,
        "activity": row[17],
    }


def renewal(agreed: Increase) -> str:
    """When a rule's prices increase, as the file says it."""
    if agreed.recurring is None:
        return ""
    if agreed.yearly is None:
        return ANNIVERSARY.replace("msc", "MSC")
    month, on = agreed.yearly
    return f"{YEARLY} le {on} {MONTHS[month - 1]}"


def cells(values: Mapping[str, Cell]) -> Sequence[Cell]:
    """A row of the file, A to AO."""
    return [values.get(name) for name in COLUMNS]


def undo_values(one: Priced, today: date) -> dict[str, Cell]:
    """Columns R to Z that bring a rule back to what was agreed, prices included."""
    agreed = one.agreed or Increase()
    change, following = agreed.recurring, one.following
    values: dict[str, Cell] = dict.fromkeys(READ)
    values["new_kind"] = KIND_WORDS[change and change.kind]
    if change is not None:
        yearly = agreed.yearly
        values["new_renewal"] = ANNIVERSARY if yearly is None else YEARLY
        if following is not None and following.year in (today.year, today.year + 1):
            values["year"] = following.year
        if yearly is not None:
            values |= {"day": yearly[1], "month": MONTHS[yearly[0] - 1]}
        if change.kind is IncreaseKind.CUSTOM:
            values |= {"new_mode": MODE_WORDS[change.mode], "new_value": change.value}
    return values


def old_prices(one: Priced, changed: set[str]) -> dict[str, Cell]:
    """Columns Y and Z that bring back the prices that a file typed over."""
    found: dict[str, Cell] = {}
    for typed, summed, families in (
        ("new_standard", "standard_sum", {Family.STANDARD.value}),
        ("new_overrun", "overrun_sum", _BEYOND),
    ):
        if COLUMNS[summed] in changed:
            found[typed] = one.of(families)[0].price
    return found


class HistoryRow(NamedTuple):
    """One price moved by one increase: rule, article, date, kind, name of the price, invoice."""

    rule: str
    article: str
    since: str
    kind: str
    price: str
    before: str
    after: str
    invoice: str


def history(connection: Connection, organisation_id: int, code: str) -> Iterator[HistoryRow]:
    """The increases of a contract, each with the invoice that applied it (A-AUG-10)."""
    values = {"organisation": organisation_id, "code": code}
    articles = dict(_SQL.rows(connection, "articles", **values))
    for rule, state, journal, year, number in _SQL.rows(
        connection, "history", moved='%"increases"%', **values
    ):
        invoice = reference(journal, year, number) if journal else ""
        for key, entry in sorted((json.loads(state)["increases"] or {}).items()):
            for cost, prices in (entry or {"prices": {}})["prices"].items():
                for name, (before, _, after) in prices.items():
                    since, kind = key.partition("+")[0], entry["kind"]
                    article = articles[int(cost)]
                    yield HistoryRow(rule, article, since, kind, name, before, after, invoice)

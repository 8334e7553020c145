"""Rows of meters → meters of the domain, calculated ones with the meters they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from billing.contracts.formula import Formula, names, parse
from billing.contracts.reading import Calculated, Meter
from billing.money import QUANTITY_SCALE, Rounding, unscaled

Row = tuple[Any, ...]

CALCULATED: Final = 10  # column of a row of `rule_meters`
_Operands = Mapping[tuple[int, str], Row]


@lru_cache(maxsize=4096)  # thousands of rows share their days
def day(value: Any) -> date:
    """A date column: SQLite gives ISO text, PostgreSQL a date."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def day_or_none(value: Any) -> date | None:
    """A nullable date column."""
    return None if value is None else day(value)


def meters_by_rule(rows: Iterable[Row], operands: Iterable[Row]) -> dict[int, list[Meter]]:
    """Meters by rule; `operands` are all the meters of assets that have a calculated one."""
    by_code = {(row[1], row[2]): row for row in operands}
    found: dict[int, list[Meter]] = defaultdict(list)
    for rule_id, id_, asset_id, code, label, *rest in rows:
        cumulative, billable, on_estimate, on_customer, printable, *rest = rest
        calculated, since, until, scale, contractual, model, asset, stated = rest
        found[rule_id].append(
            Meter(
                id_,
                asset_id,
                code,
                label,  # a blank one stops billing (A-REL-23)
                bool(cumulative),
                bool(billable),
                bool(on_estimate),
                bool(on_customer),
                scale,
                _volume(contractual),
                _volume(model),
                bool(printable),
                day_or_none(since),
                day_or_none(until),
                _calculation(by_code[asset_id, code], by_code) if calculated else None,
                asset,
                _volume(stated),
            )
        )
    return found


def _calculation(row: Row, operands: _Operands) -> Calculated:
    """Import has refused unknown operands and cycles; a missing formula is told when billed."""
    _, asset_id, _, _, _, text, rounding = row
    formula = _formula(text)
    found = [operands[asset_id, code] for code in sorted(names(formula))] if formula else []
    return Calculated(formula, Rounding(rounding), tuple(_operand(one, operands) for one in found))


def _operand(row: Row, operands: _Operands) -> Meter:
    id_, asset_id, code, label, calculated, *_ = row
    calculation = _calculation(row, operands) if calculated else None
    return Meter(id_, asset_id, code, label or code, calculation=calculation)


@lru_cache(maxsize=256)
def _formula(text: str) -> Formula | None:
    return parse(text) if text else None


def _volume(value: int | None) -> Decimal | None:
    return None if value is None else unscaled(value, QUANTITY_SCALE)

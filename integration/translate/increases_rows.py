"""Increases and indices ↔ their rows: JSON of `rule.increase`, months of `syntec_index`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from billing.contracts.increase import (
    EVERY_PRICE,
    Change,
    Increase,
    IncreaseKind,
    Mode,
    OneOff,
    PriceName,
)
from billing.contracts.syntec import Indices
from billing.money import QUANTITY_SCALE, Rounding, unscaled
from config.nomenclatures import syntec_index
from integration.database.tables import json_text


def indices_of(rows: Iterable[tuple[Any, ...]]) -> Indices:
    """The indices shipped, and over them those imported (`year`, `month`, `index_e6`)."""
    imported = {(year, month): unscaled(e6, QUANTITY_SCALE) for year, month, e6 in rows}
    return {**syntec_index(), **imported}


def increase_text(agreed: Increase) -> str:
    """The JSON that `parse_increase` reads; defaults are left out, nothing agreed is empty."""
    raw: dict[str, object] = {
        "recurring": agreed.recurring and _change(agreed.recurring),
        "yearly": agreed.yearly and list(agreed.yearly),
        "prices": _prices(agreed.prices),
        "rounding": None if agreed.rounding is Rounding.STANDARD else agreed.rounding.value,
        "following": agreed.following and agreed.following.isoformat(),
        "origin": agreed.origin and agreed.origin.isoformat(),
        "one_offs": [_one_off(one) for one in agreed.one_offs],
    }
    kept = {name: value for name, value in raw.items() if value}
    return json_text(kept) if kept else ""


def _one_off(one: OneOff) -> dict[str, object]:
    raw: dict[str, object] = {
        "on": one.on.isoformat(),
        "change": _change(one.change),
        "prices": _prices(one.prices),
        "families": list(one.families),
    }
    return {name: value for name, value in raw.items() if value}


def _prices(ticked: tuple[PriceName, ...]) -> list[str] | None:
    return None if ticked == EVERY_PRICE else [name.value for name in ticked]


def _change(change: Change) -> dict[str, str]:
    if change.kind is not IncreaseKind.CUSTOM:
        return {"kind": change.kind.value}
    value = f"{change.value:f}"
    return {"kind": change.kind.value, "mode": change.mode.value, "value": value}


@lru_cache(maxsize=4096)
def parse_increase(text: str) -> Increase | None:
    """What was agreed, from its JSON; None for an empty text."""
    if not text:
        return None
    raw = orjson.loads(text)
    recurring, yearly = raw.get("recurring"), raw.get("yearly")
    return Increase(
        recurring and _parsed(recurring),
        yearly and (yearly[0], yearly[1]),
        _ticked(raw),
        Rounding(raw.get("rounding", Rounding.STANDARD)),
        _day(raw.get("following")),
        _day(raw.get("origin")),
        tuple(
            OneOff(
                date.fromisoformat(one["on"]),
                _parsed(one["change"]),
                _ticked(one),
                tuple(one.get("families", ())),
            )
            for one in raw.get("one_offs", ())
        ),
    )


def _ticked(raw: Mapping[str, Any]) -> tuple[PriceName, ...]:
    names = raw.get("prices")
    return EVERY_PRICE if names is None else tuple(PriceName(name) for name in names)


def _parsed(raw: Mapping[str, str]) -> Change:
    kind = IncreaseKind(raw["kind"])
    if kind is not IncreaseKind.CUSTOM:
        return Change(kind)
    return Change(kind, Mode(raw["mode"]), Decimal(raw["value"]))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)

"""A rule's state ↔ its JSON, and what an event changes in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billing.contracts.contract import (
    NEVER_INCREASED,
    NOTHING_BILLED,
    NOTHING_COUNTED,
    NOTHING_KEPT,
    RuleState,
)
from integration.database.tables import day_text
from integration.translate.meter_rows import day, day_or_none


def state_of(raw: Mapping[str, Any], last_document_id: int | None = None) -> RuleState:
    """A rule's state from its cached JSON; our own posting stands for the last invoice."""
    get = raw.get
    counters, billed_on = get("counters"), get("billed_on")
    return RuleState(
        day_or_none(get("next_theoretical")),
        day_or_none(get("last_theoretical")),
        day_or_none(get("last_actual")),
        get("last_invoice", "") or ("" if last_document_id is None else str(last_document_id)),
        get("occurrences", 0),
        {int(meter): value for meter, value in counters.items()} if counters else NOTHING_COUNTED,
        get("offered_used", 0),
        {int(meter): day(on) for meter, on in billed_on.items()} if billed_on else NOTHING_BILLED,
        get("own", NOTHING_KEPT),
        get("increases", NEVER_INCREASED),
    )


def state_fields(state: RuleState) -> dict[str, Any]:
    """A state as JSON values, `next_theoretical` included; empty fields are left out."""
    raw: dict[str, Any] = {}
    if state.next_theoretical is not None:
        raw["next_theoretical"] = day_text(state.next_theoretical)
    if state.last_theoretical is not None:
        raw["last_theoretical"] = day_text(state.last_theoretical)
    if state.last_actual is not None:
        raw["last_actual"] = day_text(state.last_actual)
    if state.last_invoice and not state.last_invoice.isdigit():
        raw["last_invoice"] = state.last_invoice
    if state.occurrences:
        raw["occurrences"] = state.occurrences
    if state.offered_used:
        raw["offered_used"] = state.offered_used
    _add_maps(raw, state)
    return raw


def _add_maps(raw: dict[str, Any], state: RuleState) -> None:
    if state.billed_on:
        raw["billed_on"] = {str(meter): day_text(on) for meter, on in state.billed_on.items()}
    if state.counters:
        raw["counters"] = {str(meter): value for meter, value in state.counters.items()}
    if state.own:
        raw["own"] = dict(state.own)
    if state.increases:
        raw["increases"] = dict(state.increases)


_MAPS = ("counters", "billed_on", "own", "increases")


def patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What an event sets: the fields that differ, None where one goes; by key inside maps."""
    change = _difference(before, after)
    for name in _MAPS:
        if name in change:
            change[name] = _difference(before.get(name, {}), after.get(name, {}))
    return change


def patched(state: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The state after an event; `patched(before, patch(before, after)) == after`."""
    merged = {**state, **change}
    for name in _MAPS:
        if name in change:
            merged[name] = _present({**state.get(name, {}), **change[name]})
    return _present(merged)


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    known = before.get
    change = {name: value for name, value in after.items() if known(name) != value}
    if gone := before.keys() - after.keys():
        change.update(dict.fromkeys(gone))
    return change


def _present(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty; a counter at zero is not empty."""
    return {name: value for name, value in raw.items() if value is not None and value != {}}

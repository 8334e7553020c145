"""Hypothesis strategies made from the tables themselves."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

from formats.fixedwidth import Kind, Layout, Zone, layout


def records(cls: type) -> st.SearchStrategy[Any]:
    """Any record the table of `cls` allows."""
    table = layout(cls)
    return st.builds(cls, **{zone.name: _values(table, zone) for zone in table.fields})


def _values(table: Layout[Any], zone: Zone) -> st.SearchStrategy[Any]:
    if zone.kind in (Kind.NUMBER, Kind.CENTS):
        return st.integers(0, 10**zone.length - 1)
    if zone.kind is Kind.DIGITS:
        return st.text("0123456789", min_size=zone.length, max_size=zone.length)
    if zone.kind is Kind.DAY:
        days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
        return st.none() | days if zone.default is None else days
    letters = "".join(map(chr, sorted(table.charset.allowed)))
    texts = st.text(letters, min_size=int(zone.mandatory), max_size=zone.length)
    return texts.map(lambda text: text.rstrip(" ") or "A" * zone.mandatory)

"""The story of a contract line: the figures its kind put in `Line.explain`, reckoned again.

One vocabulary for all kinds. `how` names the arithmetic that gives the quantity; a line without
it has the quantity it was posted with. Decimals are texts, dates ISO texts, as JSON keeps them:

| `how` | quantity | figures |
|---|---|---|
| `fee` | quantity × assets | `quantity`, `assets` |
| `per_meter` | number of meters | `meters` (their codes) |
| `percentage` | sum of the lines shared ÷ 100 | `lines` (their amounts) |
| `consumed` | units of the meters − given | `meters`, `offered`, `financed` |
| `blocks` | blocks × units of one | `meters`, `base`, `bound`, `size`, `opened`, `old`, `priced` |
| `overrun` | base + units of the meters − bound | as `blocks` |
| `bundle` | units of one × the part that counts | `size`, `units_share` |
| `true_up` | units of the meters − cumulated − given | as `consumed`, and `cumulated` |
| `gap` | cumulated | `cumulated` |
| `run` | 1 | `run`, `ran_at` |
| `delivered` | delivered − given | `delivered`, `given`, `delivery` (number and line) |

Fees have `fee`, lines written by hand `by_hand`, and no `how`. Any line may have besides: `price`
(€ before `share`), `share` (the part of the period that counts, `16/30`), `slice` (degressive:
bounds `[above, up to or null]`, behind `gone` units of the year), `scale` (of its meters).

A meter is `meter`, `asset`, `from`, `from_on`, `from_origin`, `to`, `on`, `origin`, `units`;
`changes` are the counters of its replacements, `estimate` what an estimate started from, and
`calculation` with `read` (periods of readings) what a non-cumulative one gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, NamedTuple

from billing.contracts.noncumulative import Calculation, value_of
from billing.contracts.pricing import in_slice
from billing.contracts.reading import Origin
from billing.contracts.true_up import within
from billing.money import UNIT, ZERO, to_cents, to_units
from billing.period import Share

Figures = Mapping[str, Any]


class Story(NamedTuple):
    """A line as it was posted: quantity, € a unit, and the figures kept with it."""

    quantity: Decimal
    unit_price: Decimal
    figures: Figures


def recompute(story: Story) -> Decimal:
    """The amount in € excl. VAT, from nothing but the story.

    Raises ValueError for an arithmetic that isn't known.
    """
    figures = story.figures
    price = Decimal(figures.get("price", story.unit_price))
    return to_cents(share_of(figures.get("share")).of(quantity_of(story) * price))


def quantity_of(story: Story) -> Decimal:
    """The quantity of the line, reckoned again and cut to its degressive slice.

    Raises ValueError for an arithmetic that isn't known.
    """
    how = story.figures.get("how")
    if how is None:
        return story.quantity
    if how not in _UNITS:
        raise ValueError(f"unknown arithmetic: {how}")
    units = _UNITS[how](story.figures)
    if "slice" in story.figures:
        bounds, gone = story.figures["slice"], Decimal(story.figures.get("gone", 0))
        units = in_slice(gone + units, bounds) - in_slice(gone, bounds)
    if "days" in story.figures:
        units = within(units, story.figures["days"])
    return units / Decimal(story.figures.get("scale", 1))


def units_of(meter: Figures) -> Decimal:
    """Units of one meter: over its replacements, up to its counter or estimate."""
    if "calculation" in meter:
        how = Calculation(meter["calculation"])
        return sum((value_of(how, [row[1] for row in rows]) for rows in meter["read"]), ZERO)
    units, low, replaced = 0, meter["from"], False
    for _, value, origin in meter.get("changes", ()):
        if origin == Origin.TAKEOVER:
            units, low, replaced = units + value - low, value, True
        elif replaced:
            low = value
    return Decimal(units + counter_of(meter) - low)


def counter_of(meter: Figures) -> int:
    """The counter billed: read, or last actual value + units × days ÷ days, half-up."""
    made = meter.get("estimate")
    if made is None:
        return int(meter["to"])
    days = (date.fromisoformat(meter["on"]) - date.fromisoformat(made["on"])).days
    return int(made["value"] + to_units(Decimal(made["units"]) * days / Decimal(made["days"])))


def blocks_of(figures: Figures) -> Decimal:
    """Whole blocks billed: the one that opens the rule, those too old, those an overrun needs."""
    over, size = _overrun(figures), Decimal(figures["size"])
    needed = (over / size).quantize(UNIT, ROUND_CEILING)
    if over and figures.get("priced"):
        needed = UNIT
    return Decimal(figures["opened"]) + max(needed, Decimal(figures["old"]))


def share_of(text: str | None) -> Share:
    """The part that counts: `16/30`; all of it without one."""
    if text is None:
        return Share(1, 1)
    numerator, denominator = text.split("/")
    return Share(int(numerator), int(denominator))


def _meters(figures: Figures) -> Decimal:
    return sum((units_of(meter) for meter in figures["meters"]), ZERO)


def _given(figures: Figures) -> int:
    """Units offered, and those financed elsewhere."""
    units: int = figures.get("offered", 0) + figures.get("financed", 0)
    return units


def _overrun(figures: Figures) -> Decimal:
    bound = Decimal(figures["bound"]) + Decimal(figures["opened"]) * Decimal(figures["size"])
    return max(ZERO, Decimal(figures["base"]) + _meters(figures) - bound)


_UNITS: Final[Mapping[str, Callable[[Figures], Decimal]]] = {
    "fee": lambda f: Decimal(f["quantity"]) * f.get("assets", 1),
    "per_meter": lambda f: Decimal(len(f["meters"])),
    "percentage": lambda f: sum(map(Decimal, f["lines"]), ZERO) / 100,
    "consumed": lambda f: _meters(f) - _given(f),
    "blocks": lambda f: blocks_of(f) * Decimal(f["size"]),
    "overrun": _overrun,
    "bundle": lambda f: (
        to_units(share_of(f["units_share"]).of(Decimal(f["size"])))
        if "units_share" in f
        else Decimal(f["size"])
    ),
    "true_up": lambda f: _meters(f) - Decimal(f["cumulated"]) - _given(f),
    "gap": lambda f: Decimal(f["cumulated"]),
    "run": lambda f: UNIT,
    "delivered": lambda f: Decimal(f["delivered"]) - f["given"],
}

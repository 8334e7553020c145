"""From a quantity to a line: the cost lines of a rule, their checks, and the amount."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise, zip_longest
from typing import Final, NamedTuple

from billing.contracts.contract import CostLine, Family, Line, Rule, RunOptions
from billing.contracts.increase import PriceName, Step, price_at, step_at
from billing.contracts.schedule import Period
from billing.contracts.terms import only, price, whole, yes_no
from billing.money import PRICE_SCALE, QUANTITY_SCALE, ZERO, round_price, to_cents
from billing.period import Share
from formats.common.anomaly import Anomaly, Code

PRICE_NOT_ALLOWED = Code(
    "RAT-202",
    "La règle de facturation « {rule} » n'est pas valide : montant forfaitaire incorrect"
    " (coût<=0).",
    "Corrigez le prix de la règle, ou élargissez COUT_FACTU_AUTORISE.",
)
NO_ARTICLE = Code(
    "RAT-203",
    "La règle de facturation « {rule} » n'est pas valide : montant forfaitaire incorrect"
    " (article non renseigné).",
    "Renseignez l'article dans la règle prédéfinie, ou dans la règle si la prédéfinie en a un.",
)
ZERO_QUANTITY = Code(
    "RAT-204",
    "La règle de facturation « {rule} » n'est pas valide : la quantité du forfait est nulle.",
    "Corrigez la quantité, ou autorisez les forfaits à zéro (FORFAIT_A_ZERO_AUTORISE).",
)

_ALLOWED: Final[Mapping[str, Callable[[Decimal], bool]]] = {
    "POSITIF": lambda price: price > ZERO,
    "POSITIF_OU_ZERO": lambda price: price >= ZERO,
    "POSITIF_OU_ZERO_OU_NEGATIF": lambda price: True,
}


def costs_of(rule: Rule, family: Family = Family.STANDARD) -> list[CostLine]:
    """The rule's cost lines of one family, in their order."""
    return [cost for cost in rule.cost_lines if cost.family is family]


def cost_anomaly(rule: Rule, costs: list[CostLine], options: RunOptions) -> Anomaly | None:
    """A missing article, or a price that COUT_FACTU_AUTORISE forbids.

    Raises KeyError for a value of the parameter that doesn't exist.
    """
    allowed = _ALLOWED[options.allowed_prices]
    for cost in costs:
        if not cost.article:
            break
        if not allowed(cost.price):
            return Anomaly(PRICE_NOT_ALLOWED, values={"rule": rule.code})
    else:
        if costs:
            return None
    return Anomaly(NO_ARTICLE, values={"rule": rule.code})


def priced(
    rule: Rule,
    cost: CostLine,
    dates: tuple[date, date],
    quantity: Decimal,
    details: tuple[str, ...] = (),
    explain: Mapping[str, object] | None = None,
    on: date | None = None,
) -> Line:
    """A line: quantity × price, half-up to the cent. Its part is unique per cost line.

    The price is the one in force when its period begins, or on the day `on` (a renewal, a
    delivery).
    """
    if cost.steps:
        cost, details, explain = _in_force(cost, on or dates[0], details, explain or {})
    amount = to_cents(quantity * cost.price)
    return Line(
        rule.id,
        f"{cost.family.value}/{cost.id}",
        cost,
        dates[0],
        dates[1],
        cost.label or rule.label,
        quantity,
        cost.price,
        amount,
        details,
        explain or {},
    )


def _in_force(
    cost: CostLine,
    day: date,
    details: tuple[str, ...],
    explain: Mapping[str, object],
    name: str = PriceName.BILLED,
) -> tuple[CostLine, tuple[str, ...], Mapping[str, object]]:
    """The cost line at its price of a day, with what the line tells of the last increase."""
    price, step = price_at(cost.steps, day, cost.price, name), step_at(cost.steps, day, name)
    cost = cost._replace(price=price, steps=())
    if step is None:
        return cost, details, explain
    notes = (step.note,) if step.note else ()
    return cost, (*details, *notes), {**explain, "increase": _told(step, name)}


def _told(step: Step, name: str) -> dict[str, object]:
    """The figures of an increase: since when, from which price, how, to which price."""
    moved = step.prices[name]
    figures = {"before": moved.before, "exact": moved.exact, "after": moved.after}
    told = {word: f"{price.normalize():f}" for word, price in figures.items()}
    return {"since": step.since.isoformat(), **step.told, **told}


def numbered(line: Line, bills: int) -> Line:
    """A line of an aperiodic rule, whose once-key is the day and how often the rule has billed:
    two bills of one contract on one day don't clash."""
    return line._replace(part=f"{line.part}#{bills}") if bills else line


class Slice(NamedTuple):
    """A degressive price: € excl. VAT a unit for what lies above so many units of the bill."""

    above: int
    price: Decimal


class Degressive(NamedTuple):
    """The slices of each of the four prices above the cost line's own; none is a flat price.

    Fields are named as `billing.contracts.increase.PriceName`: billed is what invoices use,
    cutoff what PCA/PAR do, the other two are for profitability.
    """

    billed: tuple[Slice, ...] = ()
    cutoff: tuple[Slice, ...] = ()
    profit: tuple[Slice, ...] = ()
    cost: tuple[Slice, ...] = ()


FLAT: Final = Degressive()
DEGRESSIVE: Final = (
    *("degressive", "degressive_cutoff", "degressive_profit", "degressive_cost"),
    "harmonise",
)
"""The parameters `degressive` reads."""


def degressive(raw: Mapping[str, object]) -> Degressive:
    """Reads `"degressive": [{"above": 1000, "price": "0.008"}], "harmonise": true`.

    Each of the four prices has its own bounds; those that are missing are copies of the billed
    ones with `harmonise`, and refused otherwise (A-DEG-02). Below the first bound the cost line's
    own price holds. Raises ValueError with a French reason.
    """
    billed, *others = (_slices(raw, name) for name in DEGRESSIVE[:4])
    if not billed:
        if any(others):
            raise ValueError("les bornes du prix facturé (« degressive ») manquent")
        return FLAT
    if yes_no(raw, "harmonise", False):
        others = [one or billed for one in others]
    elif not all(others):
        missing = (name for name, one in zip(DEGRESSIVE[1:4], others, strict=True) if not one)
        raise ValueError(
            f"les bornes {', '.join(missing)} manquent : donnez-les, ou « harmonise » à vrai"
            " pour y copier celles du prix facturé"
        )
    return Degressive(billed, *others)


def _slices(raw: Mapping[str, object], name: str) -> tuple[Slice, ...]:
    """One price's slices, bounds rising."""
    rows = raw.get(name, ())
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError(f"« {name} » est une liste de bornes et de prix")
    found = []
    for row in rows:
        only(row, ("above", "price"))
        found.append(Slice(whole(row, "above"), price(row, "price")))
    bounds = [0, *(one.above for one in found)]
    if any(low >= high for low, high in pairwise(bounds)):
        raise ValueError("les bornes d'un prix dégressif sont croissantes, au-dessus de zéro")
    return tuple(found)


def sliced(
    rule: Rule,
    costs: Sequence[CostLine],
    dates: tuple[date, date],
    quantity: Decimal,
    degressive: Sequence[Slice] = (),
    details: tuple[str, ...] = (),
    explain: Mapping[str, object] | None = None,
    gone: Decimal = ZERO,
) -> list[Line]:
    """A line a cost line and slice: 1500 at 0.010, above 1000 at 0.008, is 10.00 + 4.00.

    Slices begin anew with each bill (contracts.md, Decisions), unless so many units are already
    `gone`; a negative quantity mirrors them.
    """
    lines = []
    for cost in costs:
        slices = [Slice(0, cost.price), *degressive]
        for low, high in zip_longest(slices, degressive):
            bounds = low.above, high and high.above
            units = in_slice(gone + quantity, bounds) - in_slice(gone, bounds)
            if not units:
                continue
            at, seen, told = cost._replace(price=low.price), details, explain or {}
            if degressive:
                told = {**told, "slice": bounds}
            if cost.steps and low.above:
                name = f"{PriceName.BILLED}/{low.above}"
                at, seen, told = _in_force(at, dates[0], details, told, name)
            line = priced(rule, at, dates, units, seen, told)
            lines.append(line._replace(part=f"{line.part}/{low.above}") if low.above else line)
            details = ()
    return lines


def in_slice(units: Decimal, bounds: tuple[int, int | None]) -> Decimal:
    """The part of so many units that lies between two bounds, the last one open; signed."""
    low, high = bounds
    top = abs(units) if high is None else min(abs(units), Decimal(high))
    return max(ZERO, top - low).copy_sign(units)


def scale_of(rule: Rule) -> int:
    """The scale the rule's meters share; 1 when they have several."""
    scales = {meter.scale for meter in rule.meters}
    return scales.pop() if len(scales) == 1 else 1


def at_scale(rule: Rule, lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines as printed at the scale of the rule's meters: 17777 → 177.77 (A-CRE-17).

    The quantity is divided, the price multiplied, the amount stays. Meters of several scales, or
    a quantity that doesn't divide at the scale of quantities, leave a line as it is.
    """
    scale = scale_of(rule)
    return tuple(lines if scale == 1 else (_scaled(line, scale) for line in lines))


def _scaled(line: Line, scale: int) -> Line:
    quantity = line.quantity / scale
    if round(quantity, QUANTITY_SCALE) != quantity:
        return line
    return line._replace(
        quantity=quantity,
        unit_price=line.unit_price * scale,
        explain={**line.explain, "scale": scale},
    )


def prorated(
    rule: Rule,
    cost: CostLine,
    period: Period,
    quantity: Decimal,
    details: tuple[str, ...] = (),
    explain: Mapping[str, object] | None = None,
) -> list[Line]:
    """The line of a period, its price cut to the part that counts; none when no part does."""
    dates = (period.since, period.until)
    told = {"theoretical": period.theoretical, **(explain or {})}
    if period.share is None:
        return [priced(rule, cost, dates, quantity, details, told)]
    price = price_at(cost.steps, period.since, cost.price)
    told |= {"share": str(period.share), "price": str(price)}
    whole = priced(rule, cost, dates, quantity, details, told)
    return [_part(whole, period.share, rule.decimals)] if period.share.numerator else []


def _part(line: Line, share: Share, decimals: int) -> Line:
    """The part of a line: the quantity stays, the price is the period's part.

    The amount is rounded once, from the exact part; the price keeps the rule's decimals unless
    quantity × price would then miss the amount.
    """
    amount = to_cents(share.of(line.quantity * line.unit_price))
    exact = share.of(line.unit_price)
    price = round_price(exact, decimals)
    if to_cents(line.quantity * price) != amount:
        price = round_price(exact, PRICE_SCALE)
    return line._replace(unit_price=price, amount=amount)

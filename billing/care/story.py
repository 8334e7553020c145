"""The story of a care line: price, tariff and shares, reckoned again from the figures kept."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from billing.care.cover import Formula, FormulaCode
from billing.care.split import ShareTerms, Split, SplitRounding, split
from billing.money import ZERO

COMPLEMENT: Final = "complement"
Figures = Mapping[str, Any]


def figures_of(price: Decimal, tariff: Decimal, terms: ShareTerms) -> Figures:
    """What the shares of a line depend on besides its quantity, as JSON values."""
    figures: dict[str, object] = {
        "price": str(price),
        "tariff": str(tariff),
        "rate_pct": str(terms.rate_pct),
        "formula": terms.formula.code.value,
        "rounding": terms.rounding.value,
    }
    own = {
        "percent": terms.formula.percent,
        "fixed": terms.formula.fixed,
        "complement_pct": terms.complement_pct,
    }
    return figures | {name: str(value) for name, value in own.items() if value}


def recompute(figures: Figures, posted: Decimal) -> Split:
    """The shares of the line in €, VAT included, from its figures and the quantity posted.

    The complement (nature ATL) stands on a line of its own, all of it the AMO's.
    """
    terms = ShareTerms(
        Decimal(figures["rate_pct"]),
        Formula(
            FormulaCode(figures["formula"]),
            Decimal(figures.get("percent", 0)),
            Decimal(figures.get("fixed", 0)),
        ),
        Decimal(figures.get("complement_pct", 0)),
        SplitRounding(figures["rounding"]),
    )
    price, quantity = Decimal(figures["price"]), Decimal(figures.get("quantity", posted))
    whole = split(price, quantity, Decimal(figures["tariff"]), terms)
    amount = whole.complement
    if figures.get("part") == COMPLEMENT:
        return Split(amount, amount, amount, ZERO, ZERO, ZERO)
    return Split(
        whole.total - amount, whole.base, whole.part_amo, ZERO, whole.part_amc, whole.part_patient
    )

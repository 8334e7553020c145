"""What the figures of a contract line mean, in French: `billing.contracts.story` names them.

A phrase is a sentence with `{}`, or a function of the figure and of all those of its line that
gives some sentences, or none when the figure says nothing (no block too old).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billing.contracts.reading import Origin
from billing.contracts.story import blocks_of, counter_of, units_of
from billing.french import euros, french, number
from billing.period import DAYS_A_MONTH

Figures = Mapping[str, Any]
Phrase = str | Callable[[Any, Figures], Iterator[str]]

_CALCULATIONS: Final = {"min": "minimum", "max": "maximum", "sum": "somme", "mean": "moyenne"}
_INCREASES: Final = {
    "syntec": "Syntec",
    "company": "majoration société",
    "custom": "majoration personnalisée",
}
_MODES: Final = {
    "coefficient": "prix × {}",
    "percentage": "prix + {} %",
    "added": "prix + {} €",
    "replaced": "prix remplacé par {} €",
}
_ROUNDINGS: Final = {"standard": "au plus proche", "up": "par excès", "down": "par défaut"}


def beside(figures: Figures) -> bool:
    """Whether a line only stands beside its rule's: a fee, or one written by hand."""
    return "fee" in figures or "by_hand" in figures


def _fee(kind: str, figures: Figures) -> Iterator[str]:
    why = ", parce qu'elle repose sur une estimation" if kind == "estimate" else ""
    yield f"Frais ajouté une fois à la facture{why}."


# --- what was counted -------------------------------------------------------------------------


def _meters(meters: Any, figures: Figures) -> Iterator[str]:
    if figures.get("how") == "per_meter":
        yield f"Grandeurs rattachées à la règle : {', '.join(meters)}, soit {len(meters)}."
        return
    for meter in meters:
        yield from _meter(meter)


def _meter(meter: Figures) -> Iterator[str]:
    name = f"Grandeur {meter['meter']} du bien {meter['asset']}"
    units = number(units_of(meter))
    if "formula" in meter:
        yield f"{name}, calculée : {meter['formula']}."
    if "calculation" in meter:
        for rows in meter["read"]:
            yield f"{name} : {' ; '.join(_reading(*row) for row in rows)}."
        yield f"{name} : {units} unités ({_CALCULATIONS[meter['calculation']]} de chaque période)."
        return
    came = _origin(meter["from_origin"]) if "from_origin" in meter else "dernier facturé"
    yield (
        f"{name} : {_counter(meter['from'], came, meter['from_on'])}, puis"
        f" {_counter(meter['to'], _origin(meter['origin']), meter['on'])} : {units} unités."
    )
    for changed, value, origin in meter.get("changes", ()):
        yield f"{name} remplacée : {_counter(value, _origin(origin), changed)}."
    if "estimate" in meter:
        yield _estimate(meter, meter["estimate"])


def _estimate(meter: Figures, made: Figures) -> str:
    days = (date.fromisoformat(meter["on"]) - date.fromisoformat(made["on"])).days
    monthly = Decimal(made["units"]) * DAYS_A_MONTH / Decimal(made["days"])
    last = _counter(made["value"], _origin(made["origin"]), made["on"])
    return (
        f"Estimation : dernier relevé réel {last}"
        f" + {number(round(monthly, 4))} unités par mois ({made['volume']}, {made['source']})"
        f" × {number(round(days / DAYS_A_MONTH, 4))} mois ({days} jours × 12 ÷ 365,25)"
        f" = {number(Decimal(counter_of(meter)))}, à l'unité la plus proche."
    )


def _counter(value: int, origin: str, on: str) -> str:
    return f"{number(Decimal(value))} ({origin}, {french(on)})"


def _reading(on: str, value: int, origin: str) -> str:
    return _counter(value, _origin(origin), on)


def _origin(origin: str) -> str:
    return Origin(origin).french


def _assets(count: int, figures: Figures) -> Iterator[str]:
    yield f"Nombre de biens : {french(count)} ; la quantité compte pour chacun."


def _shared(amounts: Any, figures: Figures) -> Iterator[str]:
    """A share's price is a percentage: its quantity is a hundredth of what is shared."""
    told = [number(Decimal(one), 2) for one in amounts]
    total = euros(sum(map(Decimal, amounts)))
    yield f"Autres lignes du contrat dans ce passage : {' + '.join(told)} = {total}."
    yield "Le prix de la règle est un pourcentage : la quantité est le centième de ce total."


# --- blocks -----------------------------------------------------------------------------------


def _opened(blocks: int, figures: Figures) -> Iterator[str]:
    if blocks:
        yield "Première tranche de la règle."


def _old(blocks: int, figures: Figures) -> Iterator[str]:
    if blocks:
        yield f"Tranches arrivées à échéance : {blocks}."


def _priced(priced: bool, figures: Figures) -> Iterator[str]:
    if priced:
        yield (
            "Un dépassement se facture d'abord à son propre prix ; la tranche suivante commence"
            " au compteur."
        )


def _size(units: str, figures: Figures) -> Iterator[str]:
    if figures.get("how") == "bundle":
        yield f"Un forfait compte {french(units)} unités."
        return
    yield f"Une tranche compte {french(units)} unités."
    if figures.get("how") == "blocks":
        yield f"Tranches facturées : {number(blocks_of(figures))}."


# --- true-ups ---------------------------------------------------------------------------------


def _extra(units: str, figures: Figures) -> Iterator[str]:
    if Decimal(units) < 0:
        yield f"Unités en deçà des forfaits, à rembourser : {number(-Decimal(units))}."
    else:
        yield f"Unités au-delà des forfaits, à régulariser : {french(units)}."


def _group(rules: Any, figures: Figures) -> Iterator[str]:
    for one in rules:
        yield (
            f"Régularisation groupée, règle {one['rule']} :"
            f" {french(one['counted'])} unités comptées à {euros(one['true_up_price'])},"
            f" {french(one['cumulated'])} au forfait à {euros(one['bundle_price'])}."
        )
    if figures.get("how") == "gap":
        yield (
            "Cette ligne porte l'écart entre le prix de régularisation et celui du forfait, sur"
            " les unités au forfait."
        )


# --- the price --------------------------------------------------------------------------------


def _slice(bounds: Any, figures: Figures) -> Iterator[str]:
    low, high = bounds
    if not low:
        yield f"Prix dégressif : {french(high)} premières unités."
    elif high is None:
        yield f"Prix dégressif : unités au-delà de {french(low)}."
    else:
        yield f"Prix dégressif : unités au-delà de {french(low)}, jusqu'à {french(high)}."


def _scale(scale: int, figures: Figures) -> Iterator[str]:
    yield f"Imprimé avec la quantité divisée par {scale} et le prix multiplié d'autant."


def _days(days: Any, figures: Figures) -> Iterator[str]:
    low, high, whole = days
    yield (
        f"Le prix a changé dans la période : cette ligne porte la part des jours {low + 1} à"
        f" {high}, sur {whole}."
    )


def _increase(told: Figures, figures: Figures) -> Iterator[str]:
    yield (
        f"Prix en vigueur depuis le {french(told['since'])} : {euros(told['before'])} augmenté à"
        f" {euros(told['after'])} ({_INCREASES[told['kind']]})."
    )
    how = _syntec(told) if told["kind"] == "syntec" else _changed(told)
    yield (
        f"{how} = {number(Decimal(told['exact']))} €, arrondi {_ROUNDINGS[told['rounding']]} à"
        f" {told['decimals']} décimales."
    )


def _syntec(told: Figures) -> str:
    """P0 isn't always the price before: from the origin, it is the one of that day."""
    s0, s1 = (f"{french(told[name])} ({told[f'{name}_month']})" for name in ("s0", "s1"))
    return f"P1 = P0 × (0,15 + 0,85 × {s1} ÷ {s0})"


def _changed(told: Figures) -> str:
    return "Augmentation : " + _MODES[told["mode"]].format(french(told["value"]))


def _whole_price(price: str, figures: Figures) -> Iterator[str]:
    yield f"Prix de la période entière : {euros(price)}."


PHRASES: Final[Mapping[str, Phrase]] = {
    # lines beside the rule's
    "fee": _fee,
    "by_hand": "Ligne écrite à la main, motif : {}.",
    # the period
    "theoretical": "Date théorique de facturation : {}.",
    # what was counted
    "quantity": "Quantité de la règle : {}.",
    "assets": _assets,
    "lines": _shared,
    "meters": _meters,
    "base": "Total des compteurs avant ce passage : {}.",
    "total": "Total des compteurs : {}.",
    "last": "Compteur à la dernière régularisation : {}.",
    "counter": "Compteur à cette régularisation : {}.",
    "cumulated": "Forfaits facturés depuis la dernière régularisation : {} unités.",
    "bound": "Borne à atteindre : {}.",
    "opened": _opened,
    "old": _old,
    "priced": _priced,
    "size": _size,
    "new_bound": "Nouvelle borne : {}.",
    "units_share": "Prorata du forfait : {}, arrondi à l'unité la plus proche.",
    "offered": "Unités offertes, déduites : {}.",
    "financed": "Unités financées par ailleurs, déduites : {}.",
    "run": "Analyse reçue n° {}.",
    "ran_at": "Faite le {}.",
    "delivery": "Livraison {}.",
    "delivered": "Quantité livrée : {}.",
    "given": "Quantité offerte ou déjà comprise, déduite : {}.",
    "extra": _extra,
    "group": _group,
    "gone": "Unités déjà facturées dans l'année de la règle : {}.",
    "slice": _slice,
    "scale": _scale,
    # the price
    "price": _whole_price,
    "share": "Prorata de la période : {}.",
    "days": _days,
    "increase": _increase,
}

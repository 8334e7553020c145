"""The story of a posted line, in French: what each figure kept with it means.

A figure is a key of `Line.explain` or `CareLine.explain`; what it means is a phrase of `PHRASES`.
A key without phrase is told all the same, under its own name: nothing kept stays unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from billing.contracts.reading import Origin
from billing.contracts.rules import KINDS
from billing.contracts.story import counter_of, units_of
from billing.period import DAYS_A_MONTH

Figures = Mapping[str, Any]

_NBSP: Final = "\N{NO-BREAK SPACE}"
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")

# Figures that only carry the arithmetic on, or that another phrase tells.
_QUIET: Final = frozenset({"how", "part"})

TERMS: Final[Mapping[str, str]] = {"advance": "à échoir", "arrears": "échu"}
FORMULAS: Final[Mapping[str, str]] = {
    "F0": "aucune part AMC",
    "F1": "AMC = ticket modérateur",
    "F2": "AMC = pourcentage du ticket modérateur",
    "F3": "AMC = pourcentage de la base, part AMO comprise",
    "F4": "AMC = pourcentage de la base, en plus de la part AMO",
    "F5": "AMC = montant fixe",
    "F6": "AMC = ticket modérateur et montant fixe",
    "F7": "AMC = frais réels, après la part AMO",
}
ROUNDINGS: Final[Mapping[str, str]] = {
    "half_up": "au centime, ticket modérateur = base − AMO",
    "truncate": "AMO et ticket modérateur tronqués au centime",
}


def french(value: object) -> str:
    """A figure as France prints it: 17/03/2026, 3 400,5, oui; texts as they are."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {french(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return " ; ".join(map(french, value))
    text = str(value)
    if _DATE.fullmatch(text):
        return f"{date.fromisoformat(text):%d/%m/%Y}"
    return number(Decimal(text)) if _NUMBER.fullmatch(text) else text


def number(value: Decimal, least_decimals: int = 0) -> str:
    """A decimal with its comma, no-break thousands, and no needless zero."""
    plain = value.normalize()
    decimals = max(least_decimals, -int(plain.as_tuple().exponent))
    return f"{plain:,.{decimals}f}".replace(",", _NBSP).replace(".", ",")


def whose(rule: Figures) -> Iterator[str]:
    """Which rule billed the line, as it was called then."""
    kind = KINDS.get(rule["kind"])
    yield (
        f"Règle {rule['rule']} « {rule['label']} » : {kind.french if kind else rule['kind']}, terme"
        f" {TERMS[rule['term']]}."
    )
    yield f"Contrat {rule['contract']}, module {rule['module']}."


def told(figures: Figures) -> Iterator[str]:
    """One sentence a figure, in the order of `PHRASES`, then those without a phrase."""
    for name, phrase in PHRASES.items():
        if name in figures:
            yield from _said(phrase, figures[name])
    for name, value in figures.items():
        if name not in PHRASES and name not in _QUIET:
            yield f"{name} : {french(value)}."


def _said(phrase: Phrase, value: Any) -> Iterator[str]:
    if isinstance(phrase, str):
        yield phrase.format(french(value))
    else:
        yield from phrase(value)


def _meters(meters: Any) -> Iterator[str]:
    for meter in meters:
        if isinstance(meter, str):
            yield f"Grandeur {meter}."
        else:
            yield from _meter(meter)


def _meter(meter: Figures) -> Iterator[str]:
    name = f"Grandeur {meter['meter']} du bien {meter['asset']}"
    units = number(units_of(meter))
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


def _slice(bounds: Any) -> Iterator[str]:
    low, high = bounds
    upper = "sans limite" if high is None else f"jusqu'à {french(high)}"
    yield f"Prix dégressif : unités au-delà de {french(low or 0)}, {upper}."


def _group(rules: Any) -> Iterator[str]:
    for one in rules:
        yield (
            f"Régularisation groupée, règle {one['rule']} :"
            f" {french(one['counted'])} unités comptées à {french(one['true_up_price'])} €,"
            f" {french(one['cumulated'])} au forfait à {french(one['bundle_price'])} €."
        )


def _increase(figures: Figures) -> str:
    named = {_INCREASES.get(name, name): value for name, value in figures.items()}
    return french({name: _INCREASES.get(str(value), value) for name, value in named.items()})


_INCREASES: Final[Mapping[str, str]] = {
    "since": "depuis le",
    "kind": "type",
    "mode": "mode",
    "value": "valeur",
    "before": "prix avant",
    "exact": "prix exact",
    "after": "prix arrondi",
    "rounding": "arrondi",
    "decimals": "décimales",
    "s0": "indice S0",
    "s0_month": "mois S0",
    "s1": "indice S1",
    "s1_month": "mois S1",
    "syntec": "Syntec",
    "company": "majoration société",
    "custom": "majoration personnalisée",
    "coefficient": "coefficient",
    "percentage": "pourcentage",
    "added": "valeur ajoutée",
    "replaced": "valeur remplacée",
    "standard": "au plus proche",
    "up": "par excès",
    "down": "par défaut",
}
_CALCULATIONS: Final = {"min": "minimum", "max": "maximum", "sum": "somme", "mean": "moyenne"}

Phrase = str | Callable[[Any], Iterator[str]]


def _euros(phrase: str) -> Callable[[Any], Iterator[str]]:
    """A sentence about a price: 12,60 and not 12,6."""
    return lambda price: iter([phrase.format(number(Decimal(price), 2))])


PHRASES: Final[Mapping[str, Phrase]] = {
    # the period
    "theoretical": "Date de facturation théorique : {}.",
    # what was counted
    "quantity": "Quantité : {}.",
    "assets": "Nombre de biens : {}.",
    "lines": "Autres lignes facturées du contrat, en € : {}.",
    "meters": _meters,
    "base": "Total des compteurs avant ce passage : {}.",
    "total": "Total des compteurs : {}.",
    "last": "Compteur à la dernière régularisation : {}.",
    "counter": "Compteur à cette régularisation : {}.",
    "cumulated": "Forfaits facturés depuis la dernière régularisation : {} unités.",
    "bound": "Borne à atteindre : {}.",
    "new_bound": "Nouvelle borne : {}.",
    "size": "Unités d'un forfait ou d'une tranche : {}.",
    "units_share": "Prorata du forfait : {}, arrondi à l'unité la plus proche.",
    "opened": "Tranche d'ouverture : {}.",
    "old": "Tranches arrivées à échéance : {}.",
    "priced": "Dépassement facturé à son propre prix : {}.",
    "offered": "Unités offertes, déduites : {}.",
    "financed": "Unités financées par ailleurs, déduites : {}.",
    "run": "Analyse reçue n° {}.",
    "ran_at": "Faite le {}.",
    "delivery": "Livraison {}.",
    "delivered": "Quantité livrée : {}.",
    "given": "Quantité offerte ou déjà comprise, déduite : {}.",
    "extra": "Unités au-delà des forfaits, à régulariser : {}.",
    "group": _group,
    "slice": _slice,
    "scale": "Échelle d'impression de la grandeur : {}.",
    # the price
    "price": _euros("Prix de la période entière : {} €."),
    "share": "Prorata de la période : {}.",
    "days": "Part des unités à ce prix, en jours : {}.",
    "increase": lambda figures: iter([f"Dernière augmentation du prix : {_increase(figures)}."]),
    # care
    "tariff": _euros("Tarif LPP : {} € TTC l'unité."),
    "tariff_since": "Tarif en vigueur depuis le {}.",
    "source": "Source du tarif : {}.",
    "rate_pct": "Taux AMO : {} % de la base.",
    "complement_pct": "Complément payé par l'AMO au-delà du tarif : {} % de la base.",
    "formula": lambda code: iter([f"Formule {code} : {FORMULAS.get(code, 'inconnue')}."]),
    "percent": "Pourcentage de la formule AMC : {} %.",
    "fixed": "Montant fixe de la formule AMC : {} €.",
    "rounding": lambda word: iter([f"Arrondi : {ROUNDINGS.get(word, word)}."]),
}
"""What each figure means; a sentence with `{}`, or a function that gives several."""

"""The story of a posted line, in French: what each figure kept with it means.

A figure is a key of `Line.explain` or `CareLine.explain`; what it means is a phrase of `PHRASES`.
A key without phrase is told all the same, under its own name: nothing kept stays unsaid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from billing.contracts import phrases
from billing.contracts.phrases import Phrase
from billing.contracts.rules import KINDS
from billing.french import euros, french

Figures = Mapping[str, Any]

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


def whose(rule: Figures, figures: Figures) -> Iterator[str]:
    """Which rule billed the line, as it was called then; a fee or a line by hand has none."""
    kind = KINDS.get(rule["kind"])
    if not phrases.beside(figures):
        name = f"{rule['rule']} « {rule['label']} »" if rule["label"] else rule["rule"]
        french_kind = kind.french if kind else rule["kind"]
        yield f"Règle {name} : {french_kind}, terme {TERMS[rule['term']]}."
    yield f"Contrat {rule['contract']}, module {rule['module']}."


def told(figures: Figures) -> Iterator[str]:
    """One sentence a figure, in the order of `PHRASES`, then those without a phrase."""
    for name, phrase in PHRASES.items():
        if name in figures:
            yield from _said(phrase, figures[name], figures)
    for name, value in figures.items():
        if name not in PHRASES and name not in _QUIET:
            yield f"{name} : {french(value)}."


def _said(phrase: Phrase, value: Any, figures: Figures) -> Iterator[str]:
    if isinstance(phrase, str):
        yield phrase.format(french(value))
    else:
        yield from phrase(value, figures)


def _tariff(price: str, figures: Figures) -> Iterator[str]:
    yield f"Tarif LPP : {euros(price)} TTC l'unité."


def _formula(code: str, figures: Figures) -> Iterator[str]:
    yield f"Formule {code} : {FORMULAS.get(code, 'inconnue')}."


def _rounding(word: str, figures: Figures) -> Iterator[str]:
    yield f"Arrondi : {ROUNDINGS.get(word, word)}."


PHRASES: Final[Mapping[str, Phrase]] = {
    **phrases.PHRASES,
    # care
    "tariff": _tariff,
    "tariff_since": "Tarif en vigueur depuis le {}.",
    "source": "Source du tarif : {}.",
    "rate_pct": "Taux AMO : {} % de la base.",
    "complement_pct": "Complément payé par l'AMO au-delà du tarif : {} % de la base.",
    "formula": _formula,
    "percent": "Pourcentage de la formule AMC : {} %.",
    "fixed": "Montant fixe de la formule AMC : {} €.",
    "rounding": _rounding,
}
"""What each figure means, contracts before care."""

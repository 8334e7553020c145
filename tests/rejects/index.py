"""The published list of errors, made from the codes themselves: `README.md` beside this file."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from formats.common.anomaly import Code, catalogue
from tests.house.source import modules

HERE = Path(__file__).parent

ROOMS = {
    "CAR": "Soins et ordonnances",
    "CFG": "Configuration",
    "FMT": "Fichiers aux normes, factures imprimées, signature et messages",
    "IMP": "Imports",
    "LED": "Écritures, chaînage et impayés",
    "OUT": "Envois et partenaires",
    "RAT": "Valorisation des contrats",
    "RUN": "Commandes et passages",
    "STK": "Stocks",
    "TEL": "Télétransmission, retours et lecteur de cartes",
}
"""Rooms by the prefix of their codes."""

STATED = {
    "FMT-003": "on n'écrit jamais une valeur qui ne tient pas : aucun fichier ne peut la montrer",
    "FMT-115": "il faut un fichier de plus de 10 000 anomalies, trop gros pour la galerie",
    "FMT-224": "on n'écrit jamais un avis qui ne dirait pas tout : aucun fichier ne le montre",
    "FMT-306": "il faut des textes plus longs qu'aucune fiche n'en admet",
    "IMP-119": "aucun défaut connu n'y mène : gardé pour un défaut que nous n'avons pas prévu",
    "LED-903": "il faut une base abîmée à la main",
    "LED-906": "il faut une base abîmée à la main",
    "LED-907": "il faut une base abîmée à la main",
    "LED-908": "il faut une base abîmée à la main",
    "LED-909": "il faut une base abîmée à la main",
    "LED-910": "il faut une base abîmée à la main",
    "RUN-101": "une date de la ligne de commande, pas d'un fichier",
    "RUN-102": "un montant de la ligne de commande, pas d'un fichier",
    "RUN-107": "un fichier qui manque ou qui est interdit de lecture",
    "TEL-101": "une quantité de la base : l'import refuse déjà les quantités fractionnaires",
    "TEL-203": "un retour ne le montre qu'à qui a envoyé la facture dans un autre lot",
}
"""Codes that no file of the gallery can show by itself, and why."""

PREAMBLE = """# Liste des anomalies

Toutes les anomalies qu'Échéance signale, avec ce qu'il faut faire. Un code ne change jamais de
sens : un script peut s'y fier. Dans les phrases, `{…}` est remplacé par la valeur trouvée, ou par
`***` quand elle est personnelle.

Un lien mène au plus petit fichier fautif, avec à côté (`.txt`) ce qu'Échéance en dit exactement.
Les autres codes naissent d'un état (contrats, couvertures, écritures, réglages) et non d'un
fichier : chacun est cité par un essai de `tests/`, ou la raison de son absence est écrite.

*Page faite par `pytest tests/rejects/test_index.py --update-golden`.*
"""


def codes() -> list[Code]:
    """Every code of the house, in order."""
    for module in modules():
        if not module.within("integration.database.migrations"):
            importlib.import_module(module.name)
    return [code for _, code in sorted(catalogue().items())]


def examples() -> dict[str, list[str]]:
    """Files of the gallery by code, relative to this folder."""
    shown: dict[str, list[str]] = {}
    for path in sorted(HERE.glob("*/[A-Z][A-Z][A-Z]-[0-9][0-9][0-9].*")):
        if not path.name.endswith(".txt"):
            shown.setdefault(path.name[:7], []).append(path.relative_to(HERE).as_posix())
    return shown


def page() -> str:
    """The whole list, in Markdown."""
    return f"{PREAMBLE}{''.join(_room(prefix, title) for prefix, title in ROOMS.items())}"


def _room(prefix: str, title: str) -> str:
    ours = [code for code in codes() if code.id.startswith(prefix)]
    shown = examples()
    rows = (_row(code, shown.get(code.id, [])) for code in ours)
    head = "| code | phrase | que faire | exemple |\n|---|---|---|---|\n"
    return f"\n## {prefix} — {title}\n\n{head}{''.join(rows)}" if ours else ""


def _row(code: Code, files: list[str]) -> str:
    links = ", ".join(f"[{_kind(file)}]({file})" for file in files)
    sentence = re.sub(r"\{(\w+):.*?\}", r"{\1}", code.sentence)
    cells = (code.id, sentence, code.remedy, links or STATED.get(code.id, ""))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _kind(file: str) -> str:
    return ".".join(Path(file).name.split(".")[1:])


def unshown() -> Iterator[str]:
    """Codes with no file, no test that quotes them and no stated reason."""
    tests = HERE.parent
    quoting = [p for p in tests.rglob("*.py") if p.parent != HERE]
    said = "\n".join(path.read_text("utf-8") for path in quoting)
    shown = examples()
    for code in codes():
        if code.id not in shown and code.id not in STATED and code.id not in said:
            yield code.id

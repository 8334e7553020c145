"""What a clerk looks at before billing: largest estimates, quantities, amounts; missing readings.

Source: seed 004, "Procédure type de fin de mois" (A-REL-14).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from billing.contracts.contract import Line
from billing.contracts.grouping import Shaped
from billing.contracts.seen import Asking
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.flows.billing.order import Billing
from integration.flows.requests import proposed
from integration.sheets import write_table

TOP: Final = 20
HEADER: Final = ("Contrôle", "Contrat", "Règle", "Libellé", "Depuis", "Quantité", "Montant HT")
ASKED: Final = ("Contrat", "Règle", "Bien", "Compteur", "Dernier relevé", "Âge (jours)")
Rank = tuple[Decimal, Decimal, int]
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


def checks_of(engine: Engine, shapes: Iterable[Shaped]) -> list[list[str]]:
    """The table of checks of a simulation, header first; alike for like facts."""
    shapes = list(shapes)
    lines = [line for one in shapes for draft in one.invoices for line in draft.lines]
    estimated = {rule_id for one in shapes for rule_id, _ in one.estimates}
    tops = {
        "estimation": _top([one for one in lines if one.rule_id in estimated], _quantity),
        "quantité": _top(lines, _quantity),
        "montant": _top(lines, _amount),
    }
    wanted = {line.rule_id for top in tops.values() for line in top}
    with snapshot(engine) as connection:
        codes = {id_: names for id_, *names in _SQL.rows(connection, "codes", rules=wanted)}
    rows = [
        [check, *codes[line.rule_id], line.label, f"{line.since:%d/%m/%Y}", *_figures(line)]
        for check, top in tops.items()
        for line in top
    ]
    return [list(HEADER), *rows]


def exported(run: Billing, asking: Asking, path: Path) -> None:
    """The readings to ask for, as a file; written again, it replaces itself."""
    rows = [
        (one.contract, one.rule, one.asset, one.meter.code, one.last and one.last.read_on, one.days)
        for one in proposed(run, asking)
    ]
    path.parent.mkdir(mode=0o750, exist_ok=True)
    write_table(path, ASKED, rows)


def _top(lines: list[Line], by: Callable[[Line], Rank]) -> list[Line]:
    return sorted(lines, key=by, reverse=True)[:TOP]


def _quantity(line: Line) -> Rank:
    return line.quantity, line.amount, line.rule_id


def _amount(line: Line) -> Rank:
    return line.amount, line.quantity, line.rule_id


def _figures(line: Line) -> tuple[str, str]:
    return f"{line.quantity.normalize():f}".replace(".", ","), f"{line.amount:.2f}".replace(
        ".", ","
    )

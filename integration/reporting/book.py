"""The account as an XLSX book: one sheet of figures, one of anomalies, one of nights."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from integration.flows.night_report import Account
from integration.reporting import words
from integration.sheets import Cell, Sheet, book_of


def book(account: Account) -> bytes:
    """The same account gives the same bytes."""
    day = date.fromisoformat(account["day"])
    figures: list[tuple[Cell, ...]] = [
        (section.title, label, count, None if cents is None else _euros(cents))
        for section in words.sections(account)
        for label, count, cents in section.lines
    ]
    totals: list[tuple[Cell, ...]] = [
        ("Totaux", line, None, None) for line in words.totals(account)
    ]
    tasks: list[tuple[Cell, ...]] = [(one["what"], one["mend"]) for one in account["todo"]]
    anomalies: list[tuple[Cell, ...]] = [
        (one["code"], one["count"], date.fromisoformat(one["since"]), _where(one), one["mend"])
        for one in account["anomalies"]
    ]
    nights: list[tuple[Cell, ...]] = [
        (date.fromisoformat(one["day"]), _euros(one["contract_cents"]), _euros(one["care_cents"]))
        for one in account["nights"]
    ]
    sheets = (
        Sheet("À faire", ("Quoi", "Comment"), tasks),
        Sheet("Chiffres", ("Chapitre", "Libellé", "Nombre", "Montant"), [*figures, *totals]),
        Sheet("Anomalies", ("Code", "Nombre", "Depuis", "Où", "À faire"), anomalies),
        Sheet("Nuits", ("Nuit", "Contrats TTC", "Soins TTC"), nights),
    )
    return book_of(sheets, made_on=day)


def _euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _where(one: dict[str, object]) -> str:
    examples = one["examples"]
    assert isinstance(examples, list)
    return " ; ".join(examples) or str(one["sentence"])

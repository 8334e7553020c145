"""The proposal of reading requests as a table: written for a clerk, read back with its ticks.

The tick is never in what we write (seed 004: *les cases cochées ne font pas partie de l'export*).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from billing.contracts.requests import Level, Line
from integration.sheets import Cell, unquoted
from integration.translate.fields import BAD_WORD, Key, Row, Text, wrong
from integration.translate.tabular import read_rows

COLUMNS: Final = (
    *("envoyer", "bien", "adresse", "mode", "trouve", "motif", "client", "nom", "classification"),
    *("site", "localisation", "contrat", "compteurs", "dernier_releve", "jours"),
)
_TICKS: Final = {"x": True, "oui": True, "o": True, "1": True, "non": False, "n": False, "0": False}


def _tick(value: Any) -> bool:
    text = (f"{value:g}" if isinstance(value, float) else str(value)).strip().lower()
    if text not in _TICKS:
        raise wrong(BAD_WORD, text, words="x, oui, non, ou rien")
    return _TICKS[text]


class TickedRow(Row):
    """One line of the table; what a clerk may change is the tick and the address."""

    tick: Annotated[bool, BeforeValidator(_tick)] = Field(False, alias="envoyer")
    asset: Annotated[Key, BeforeValidator(lambda v: unquoted(str(v)))] = Field(alias="bien")
    address: Text = Field("", alias="adresse")
    mode: Text = Field("", alias="mode")
    level: Text = Field("", alias="trouve")
    why: Text = Field("", alias="motif")
    customer: Text = Field("", alias="client")
    name: Text = Field("", alias="nom")
    classification: Text = Field("", alias="classification")
    site: Text = Field("", alias="site")
    location: Text = Field("", alias="localisation")
    contracts: Text = Field("", alias="contrat")
    meters: Text = Field("", alias="compteurs")
    last_on: Any = Field(None, alias="dernier_releve")
    days: Any = Field(None, alias="jours")

    personal = frozenset({"adresse", "nom"})


def cells(lines: Iterable[Line]) -> Iterator[tuple[Cell, ...]]:
    """Rows of the table, the tick empty."""
    for line in lines:
        machine, found = line.machine, line.found
        days = [one.days for one in line.meters if one.days is not None]
        last = [one.last.read_on for one in line.meters if one.last]
        yield (
            "", machine.code, found.address, machine.mode, found.level and found.level.value,
            line.why.value, machine.customer, machine.customer_name, machine.classification,
            machine.site, machine.location, _joined(one.contract for one in line.meters),
            _joined(one.meter.code for one in line.meters), max(last, default=None),
            max(days, default=None),
        )  # fmt: skip


def _joined(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def ticks_of(content: bytes, file: str) -> dict[str, str | None]:
    """The machines ticked, with the address that stands beside each; empty where it was erased.

    Raises AnomaliesFound with every fault.
    """
    rows = read_rows(content, file, TickedRow)
    return {row.value.asset: unquoted(row.value.address) for row in rows if row.value.tick}


def level_told(name: str) -> str:
    """A level as the trace keeps it, in French."""
    return Level[name.upper()].value

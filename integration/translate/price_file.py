"""The 41 columns of the bulk update of increases, as data, and what a row of the file means.

Source: seed 004, "Actualiser les augmentations", "Descriptif du fichier". Columns R to Z are read,
AK to AN say which rule, the others are ours: a change in them is told and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, cast

from pydantic import Field, create_model

from billing.contracts.increase import IncreaseKind, Mode
from billing.money import Rounding
from integration.sheets import unquoted, written
from integration.translate.fields import Row, Text, Whole, words
from integration.translate.increase_document import KINDS, MODES, ROUNDINGS, Value
from integration.translate.indices import MonthNumber

ANNIVERSARY: Final = "de prise d'effet du msc"
YEARLY: Final = "annuelle"
_RENEWALS: Final = {YEARLY: True, ANNIVERSARY: False}

COLUMNS: Final[Mapping[str, str]] = {
    "customer_code": "Code client",
    "customer": "Client",
    "contract_code": "Code SSC",
    "contract": "Libelle SSC",
    "module": "Libellé MSC",
    "module_since": "Date début MSC",
    "rule": "Libellé RFC",
    "last_invoice": "Dernière facture",
    "costs": "Nb coûts",
    "standard_sum": "Somme coûts standards",
    "overrun_sum": "Somme coûts dépassements / abo.",
    "renewal": "Renouvellement d'augmentation",
    "kind": "Type augmentation",
    "mode": "Unité augmentation",
    "value": "Valeur augmentation",
    "last_increase": "Dernière augmentation",
    "next_increase": "Prochaine augmentation",
    "new_kind": "Nouveau type augmentation",
    "new_mode": "Nouvelle unité augmentation",
    "new_value": "Nouvelle valeur augmentation",
    "new_renewal": "Type renouvellement augmentation",
    "day": "Jour",
    "month": "Mois",
    "year": "Année",
    "new_standard": "Nouveaux coûts standard",
    "new_overrun": "Nouveaux coût dépassement / abo.",
    "payment_mode": "Mode règlement",
    "increase_since": "Date de création de l'augmentation",
    "contract_since": "Date début SSC",
    "contract_until": "Date fin SSC",
    "oldest_asset": "Age du bien le plus ancien",
    "assets": "Nombre de biens",
    "author": "Dernier modificateur",
    "changed_at": "Dernière mise à jour",
    "decimals": "Décimal",
    "rounding": "Type arrondi",
    "contract_id": "ID-SSC-KEY",
    "customer_id": "ID-CLIENT-KEY",
    "rule_id": "ID-RFC-KEY",
    "increase_id": "ID-AUGMENTATION-KEY",
    "activity": "Activité",
}
"""Labels A to AO by our name, in their order."""

READ: Final = tuple(COLUMNS)[17:26]
KEYS: Final = tuple(COLUMNS)[36:40]
TOLD: Final = tuple(name for name in COLUMNS if name not in (*READ, *KEYS, "oldest_asset"))
"""Columns that are ours; the age of an asset changes by itself."""


def letter(name: str) -> str:
    """The letter of a column: A to AO."""
    rank = tuple(COLUMNS).index(name)
    return chr(65 + rank) if rank < 26 else "A" + chr(65 + rank - 26)


KIND_WORDS: Final[Mapping[IncreaseKind | None, str]] = {
    kind: word.capitalize() for word, kind in KINDS.items()
}
MODE_WORDS: Final[Mapping[Mode, str]] = {mode: word.capitalize() for word, mode in MODES.items()}
ROUNDING_WORDS: Final[Mapping[Rounding, str]] = {
    how: word.capitalize() for word, how in ROUNDINGS.items()
}


class ReadColumns(Row):
    """Columns R to Z and the keys; an empty cell changes nothing."""

    new_kind: Annotated[IncreaseKind | str | None, words({**KINDS, "non révisable": ""})] = Field(
        None, alias=COLUMNS["new_kind"]
    )
    new_mode: Annotated[Mode | None, words(MODES)] = Field(None, alias=COLUMNS["new_mode"])
    new_value: Value | None = Field(None, alias=COLUMNS["new_value"])
    new_renewal: Annotated[bool | None, words(_RENEWALS)] = Field(
        None, alias=COLUMNS["new_renewal"]
    )
    day: Whole | None = Field(None, alias=COLUMNS["day"], ge=1, le=31)
    month: MonthNumber | None = Field(None, alias=COLUMNS["month"])
    year: Whole | None = Field(None, alias=COLUMNS["year"], ge=1900, le=2999)
    new_standard: Value | None = Field(None, alias=COLUMNS["new_standard"], gt=0)
    new_overrun: Value | None = Field(None, alias=COLUMNS["new_overrun"], gt=0)
    contract_id: Whole = Field(alias=COLUMNS["contract_id"])
    customer_id: Whole = Field(alias=COLUMNS["customer_id"])
    rule_id: Whole = Field(alias=COLUMNS["rule_id"])
    increase_id: Text = Field(alias=COLUMNS["increase_id"])

    @property
    def empty(self) -> bool:
        """Nothing to change."""
        return all(getattr(self, name) is None for name in READ)


def _told() -> dict[str, Any]:
    return {
        name: (Any, Field(None, alias=label))
        for name, label in COLUMNS.items()
        if name not in (*READ, *KEYS)
    }


PriceRow: Final = cast(
    "type[ReadColumns]", create_model("PriceRow", __base__=ReadColumns, **_told())
)
"""The whole row: what is read, and what is only compared."""


def same(cell: object, ours: str) -> bool:
    """Whether a cell of the file still says what we wrote, however a spreadsheet kept it."""
    if cell is None:
        return not ours
    if isinstance(cell, float):
        cell = Decimal(f"{cell:.15g}")
    if isinstance(cell, datetime):
        cell = cell.date()
    text = written(cell) if isinstance(cell, Decimal | date) else str(cell)
    return unquoted(text.strip()) == unquoted(ours.strip()) or _plain(text) == _plain(ours)


def _plain(text: str) -> object:
    try:
        return Decimal(text.replace(",", ".").replace(" ", ""))
    except ArithmeticError:
        return text.strip()

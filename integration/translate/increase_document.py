"""What a contract file says about price increases, and the French words of every file about them.

Sources: contracts.md §5; seed 004, "Section Augmentation", "Gérer les augmentations ponctuelles".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from billing.contracts.increase import (
    EVERY_PRICE,
    Change,
    Increase,
    IncreaseKind,
    Mode,
    OneOff,
    PriceName,
)
from billing.money import PRICE_SCALE, Rounding
from integration.translate.fields import REFUSED, Day, Number, Row, Whole, words, wrong

NOT_REVISED: Final = "non révisable"
KINDS: Final[dict[str, IncreaseKind | None]] = {
    NOT_REVISED: None,
    "syntec": IncreaseKind.SYNTEC,
    "majoration société": IncreaseKind.COMPANY,
    "majoration personnalisée": IncreaseKind.CUSTOM,
}
MODES: Final = {
    "appliquer coefficient": Mode.COEFFICIENT,
    "appliquer pourcentage": Mode.PERCENTAGE,
    "ajouter valeur fixe": Mode.ADDED,
    "remplacer valeur actuelle": Mode.REPLACED,
}
PRICES: Final = {
    "facturé": PriceName.BILLED,
    "pca/par": PriceName.CUTOFF,
    "rentabilité": PriceName.PROFIT,
    "revient": PriceName.COST,
}
ROUNDINGS: Final = {
    "standard": Rounding.STANDARD,
    "supérieur": Rounding.UP,
    "inférieur": Rounding.DOWN,
}
MONTH_LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

KindWord = Annotated[IncreaseKind | None, words(KINDS)]
ModeWord = Annotated[Mode, words(MODES)]
Value = Annotated[Number, Field(decimal_places=PRICE_SCALE, max_digits=16)]
Prices = tuple[Annotated[PriceName, words(PRICES)], ...]


def change_of(kind: IncreaseKind | None, mode: Mode | None, value: Decimal | None) -> Change | None:
    """The change that kind, unit and value say; None for *non révisable*.

    Raises PydanticCustomError when they don't go together.
    """
    custom = kind is IncreaseKind.CUSTOM
    if custom and (mode is None or value is None):
        raise wrong(REFUSED, reason="une majoration personnalisée demande une unité et une valeur")
    if not custom and (mode is not None or value is not None):
        raise wrong(REFUSED, reason="unité et valeur ne vont qu'avec une majoration personnalisée")
    if mode in (Mode.COEFFICIENT, Mode.REPLACED) and value is not None and value <= 0:
        raise wrong(REFUSED, reason="un coefficient ou un prix de remplacement est positif")
    if kind is None:
        return None
    return Change(kind, mode, value) if mode and value is not None else Change(kind)


def yearly_of(day: int | None, month: int | None) -> tuple[int, int] | None:
    """(month, day) of a yearly increase; None, the anniversary. Raises PydanticCustomError."""
    if day is None and month is None:
        return None
    if day is None or month is None or day > MONTH_LENGTHS[month - 1]:
        raise wrong(REFUSED, reason="une augmentation annuelle a un jour et un mois qui existent")
    return month, day


class OneOffDocument(Row):
    """A dated increase entered ahead, applied once; every price unless `prix` says which."""

    on: Day = Field(alias="date")
    kind: Annotated[IncreaseKind | None, words(KINDS)] = Field(alias="type")
    mode: ModeWord | None = Field(None, alias="unite")
    value: Value | None = Field(None, alias="valeur")
    prices: Prices = Field(EVERY_PRICE, alias="prix", min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if change_of(self.kind, self.mode, self.value) is None:
            raise wrong(REFUSED, reason="une augmentation ponctuelle change un prix")
        return self

    def made(self) -> OneOff:
        """The same as the rating engine takes it."""
        change = change_of(self.kind, self.mode, self.value)
        assert change is not None
        return OneOff(self.on, change, self.prices)


class IncreaseDocument(Row):
    """What was agreed about a rule's prices.

    `jour` and `mois` give the yearly day, else it is the module's anniversary; `prochaine` fixes
    the next date; `origine` is the day the prices are of (Syntec, default: start of the module).
    """

    kind: KindWord = Field(None, alias="type")
    mode: ModeWord | None = Field(None, alias="unite")
    value: Value | None = Field(None, alias="valeur")
    day: Whole | None = Field(None, alias="jour", ge=1, le=31)
    month: Whole | None = Field(None, alias="mois", ge=1, le=12)
    prices: Prices = Field(EVERY_PRICE, alias="prix", min_length=1)
    rounding: Annotated[Rounding, words(ROUNDINGS)] = Field(Rounding.STANDARD, alias="arrondi")
    following: Day | None = Field(None, alias="prochaine")
    origin: Day | None = Field(None, alias="origine")
    one_offs: tuple[OneOffDocument, ...] = Field((), alias="ponctuelles")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        self.made()
        return self

    def made(self) -> Increase:
        """The same as the rating engine takes it. Raises PydanticCustomError."""
        recurring = change_of(self.kind, self.mode, self.value)
        yearly = yearly_of(self.day, self.month)
        if recurring is None and (yearly or self.following):
            raise wrong(REFUSED, reason="« non révisable » n'a pas de date d'augmentation")
        return Increase(
            recurring,
            yearly,
            self.prices,
            self.rounding,
            self.following,
            self.origin,
            tuple(one.made() for one in self.one_offs),
        )

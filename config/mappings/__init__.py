"""Mappings: how the readings of other people's meter software are read, one TOML file a layout.

Those beside this file ship with the program; the folder `mappings` of an installation adds its own,
and replaces one of the same name. The layouts are examples of each maker's kind: columns are chosen
in the maker's software, so an installation copies the file and corrects the names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.settings import Section, from_toml

SHIPPED: Final = Path(__file__).parent


class Columns(Section):
    """Column names of the file; `Total#2` is the second column called Total."""

    asset: str = Field("", description="code du bien")
    serial: str = Field("", description="numéro de série du bien")
    date: str = Field(description="date du relevé")
    meter: str = Field("", description="nom du compteur ; sans : une colonne par compteur")
    value: str = Field("", description="valeur du compteur nommé par « meter »")

    @model_validator(mode="after")
    def _complete(self) -> Columns:
        if bool(self.asset) == bool(self.serial) or bool(self.meter) != bool(self.value):
            raise ValueError("asset ou serial ; meter avec value")
        return self


class ReadingMapping(Section):
    """One layout of readings.

    decimal, thousands: signs inside numbers; a reading is whole whatever decimals are written.
    dates:    formats as `strptime` takes them, the first that fits counts; the hour is left out.
    unknown:  machines and meters we don't hold refuse the file, or are reported and left out.
    meters:   the file's meter names → our meter codes; without `columns.meter`, names of columns.
    ignored_meters: names that aren't read; "*" for all others.
    """

    description: str = Field(description="ce que contient le fichier")
    encoding: Literal["utf-8", "cp1252", "utf-16"] = Field("utf-8", description="codage")
    delimiter: Literal[";", ",", "\t", "|"] = Field(";", description="séparateur (CSV)")
    skip_lines: int = Field(0, ge=0, le=100, description="lignes avant l'en-tête")
    decimal: Literal[",", "."] = Field(",", description="signe décimal")
    thousands: Literal["", " ", ",", "."] = Field("", description="séparateur de milliers")
    dates: tuple[str, ...] = Field(("%d/%m/%Y",), min_length=1, description="formats de date")
    origin: Literal["client", "prestataire"] = Field("prestataire", description="origine")
    unknown: Literal["refuse", "report"] = Field("refuse", description="biens inconnus")
    columns: Columns
    meters: dict[str, str] = Field(min_length=1, description="nom du compteur = code")
    ignored_meters: tuple[str, ...] = Field((), description="noms laissés de côté, * : les autres")

    @field_validator("thousands")
    @classmethod
    def _apart(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("decimal"):
            raise ValueError(value)
        return value

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        c = self.columns
        values = (c.meter, c.value) if c.meter else tuple(self.meters)
        return (c.asset or c.serial, c.date, *values)


def mappings(own: Path | None = None) -> dict[str, Path]:
    """Mapping files by name, those of the folder `own` in front of those that ship."""
    folders = (SHIPPED,) if own is None else (SHIPPED, own)
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def load_mapping(path: Path) -> ReadingMapping:
    """One mapping. Raises AnomaliesFound with every fault of its file."""
    return from_toml(path, ReadingMapping)

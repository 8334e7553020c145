"""Estimated readings: the monthly volume of a meter, its source, and a value on a date (§3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from billing.contracts.reading import ACTUAL, Meter, Origin, Reading
from billing.money import to_units
from billing.period import DAYS_A_MONTH
from formats.common.anomaly import Code

CANNOT_ESTIMATE = Code(
    "RAT-104",
    "Erreur lors de l'estimation d'une valorisation pour la grandeur « {meter} » du bien"
    " « {asset} » : {cause}.",
    "Vérifiez le compteur d'installation et la cohérence de l'historique des relevés.",
)
NO_INSTALLATION: Final = "aucun relevé d'installation"
INCOHERENT: Final = "historique incohérent et aucun volume moyen"

_DAYS_A_YEAR: Final = 365


class VolumeSource(StrEnum):
    """Where a monthly volume comes from, in order of use (contracts.md §3)."""

    LAST_TWO = "entre les deux derniers relevés réels"
    LAST_YEAR = "sur un an"
    INSTALLATION = "depuis l'installation"
    CONTRACT = "contractuel"
    STATED = "saisi"
    MODEL = "du modèle"

    @property
    def code(self) -> str:
        """VMM measured, VMC contractual, VMS entered by hand, VMT of the model (A-REL-15)."""
        return _CODES.get(self, "VMM")


_CODES: Final = {
    VolumeSource.CONTRACT: "VMC",
    VolumeSource.STATED: "VMS",
    VolumeSource.MODEL: "VMT",
}


class Volume(NamedTuple):
    """`units` in `days`: kept as a quotient so that an estimate is rounded once."""

    units: Decimal
    days: Decimal
    source: VolumeSource

    @property
    def monthly(self) -> Decimal:
        """Units a month of 30.4375 days, unrounded (`monthly_volume`, VMM)."""
        return self.units * DAYS_A_MONTH / self.days

    def over(self, days: int) -> int:
        """Units over so many days, rounded half-up."""
        return int(to_units(self.units * days / self.days))


def history(readings: Sequence[Reading], until: date) -> list[Reading]:
    """Actual readings up to a day, included, from the meter's latest installation on.

    Empty when the meter has no installation reading: nothing can be estimated then (A-REL-18).
    """
    actual: list[Reading] = []
    for reading in reversed(readings):
        if reading.read_on <= until and reading.origin in ACTUAL:
            actual.append(reading)
            if reading.origin is Origin.INSTALLATION:
                return actual[::-1]
    return []


def volume_of(meter: Meter, actual: Sequence[Reading]) -> Volume | None:
    """The monthly volume from the first source that has one.

    The next source is used when there are fewer than two readings, no days between them, or a
    fall (contracts.md, Decisions, "Readings").
    """
    return (
        _between(actual[-2:-1], actual, VolumeSource.LAST_TWO)
        or _between(_last_year(actual), actual, VolumeSource.LAST_YEAR)
        or _between(actual[:1], actual, VolumeSource.INSTALLATION)
        or _promised(meter.contractual_volume, VolumeSource.CONTRACT)
        or _promised(meter.stated_volume, VolumeSource.STATED)
        or _promised(meter.model_volume, VolumeSource.MODEL)
    )


class Estimate(NamedTuple):
    """A reading of origin estimate, with the actual reading and the volume it comes from."""

    reading: Reading
    last: Reading
    volume: Volume

    @property
    def figures(self) -> dict[str, object]:
        """What `explain` shows of it, as JSON values."""
        last, volume = self.last, self.volume
        return {
            "value": last.value,
            "on": last.read_on,
            "origin": last.origin.value,
            "units": str(volume.units),
            "days": str(volume.days),
            "volume": volume.source.code,
            "source": volume.source.value,
        }


def estimate(meter: Meter, readings: Sequence[Reading], on: date) -> Estimate | str:
    """An estimate: last actual value + volume × days, half-up to the unit.

    The French cause of the anomaly when the history doesn't allow one.
    """
    actual = history(readings, on)
    if not actual:
        return NO_INSTALLATION
    volume, last = volume_of(meter, actual), actual[-1]
    if volume is None:
        return INCOHERENT
    value = last.value + volume.over((on - last.read_on).days)
    return Estimate(Reading(meter.id, on, value, Origin.ESTIMATE), last, volume)


def _between(
    first: Sequence[Reading], actual: Sequence[Reading], source: VolumeSource
) -> Volume | None:
    if not first or not actual:
        return None
    start, last = first[0], actual[-1]
    units, days = last.value - start.value, (last.read_on - start.read_on).days
    return Volume(Decimal(units), Decimal(days), source) if days > 0 and units >= 0 else None


def _last_year(actual: Sequence[Reading]) -> Sequence[Reading]:
    """The oldest reading of the year before the last one."""
    for position, reading in enumerate(actual):
        if (actual[-1].read_on - reading.read_on).days <= _DAYS_A_YEAR:
            return actual[position : position + 1]
    return ()


def _promised(units: Decimal | None, source: VolumeSource) -> Volume | None:
    return None if units is None else Volume(units, DAYS_A_MONTH, source)

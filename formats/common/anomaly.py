"""What is wrong, where exactly, and what to do: anomalies are values.

An `Anomaly` is something *we* found; a refusal by an organism is a `Rejection` and lives with
the returns. Anomalies are collected all at once and never show a personal value: a caller that
quotes a field declared personal passes `MASKED` instead; a NIR in any other field or in a file's
name is masked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from formats.common.french import agreed, counted
from formats.common.privacy import MASKED, without_nir

__all__ = ["MASKED", "NOWHERE", "AnomaliesFound", "Anomaly", "Code", "Place", "catalogue"]


@dataclass(frozen=True, slots=True)
class Code:
    """A stable kind of anomaly; partners' scripts may match on `id`, so it is never renamed.

    id:       `ROOM-nnn`, e.g. `RAT-101`.
    sentence: French, with `{name}` slots filled from the anomaly's values.
    remedy:   French, what the reader does about it.
    """

    id: str
    sentence: str
    remedy: str

    def __post_init__(self) -> None:
        known = _CATALOGUE.setdefault(self.id, self)
        if known is not self and known != self:
            raise ValueError(f"code {self.id} is declared twice")


_CATALOGUE: dict[str, Code] = {}


def catalogue() -> Mapping[str, Code]:
    """Every code declared by the modules imported so far, by id."""
    return MappingProxyType(_CATALOGUE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where: file name, line and columns (1-based, inclusive), byte offset, JSON pointer.

    Zero or empty means "not applicable". The file is a bare name, never a path. subject: what is
    concerned when it isn't a file, in French and by its codes (contrat K1, module M1, règle R1).
    """

    file: str = ""
    line: int = 0
    start: int = 0
    end: int = 0
    pointer: str = ""
    subject: str = ""

    def __str__(self) -> str:
        columns = f"colonnes {self.start}-{self.end}" if self.end > self.start else ""
        column = f"colonne {self.start}" if self.start and not columns else ""
        parts = (
            self.subject,
            self.file,
            f"ligne {self.line}" if self.line else "",
            columns or column,
            self.pointer,
        )
        return without_nir(", ".join(part for part in parts if part))


NOWHERE: Final = Place()


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One cause, one place. `values` fill the slots of the code's sentence."""

    code: Code
    place: Place = NOWHERE
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The French sentence, without place."""
        return without_nir(agreed(self.code.sentence, **self.values))

    def at(self, place: Place) -> Anomaly:
        """The same anomaly, at a more precise place."""
        return Anomaly(self.code, place, self.values)

    def __str__(self) -> str:
        where = f"{self.place} : " if self.place != NOWHERE else ""
        return f"{self.code.id} {where}{self.sentence} {self.code.remedy}"


class AnomaliesFound(ValueError):  # noqa: N818 - it carries findings, it is not one error
    """Work can't go on; carries every anomaly found, never only the first."""

    def __init__(self, *anomalies: Anomaly) -> None:
        super().__init__(
            f"{counted(len(anomalies), 'anomalie(s)')} : "
            + ", ".join(one.code.id for one in anomalies)
        )
        self.anomalies = anomalies

    def __reduce__(self) -> tuple[type[AnomaliesFound], tuple[Anomaly, ...]]:
        """Crosses to another process with its findings."""
        return type(self), self.anomalies

"""Where the value of a parameter comes from: default, file and line, or environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

from config.parameters import Known, known
from config.settings import PREFIX, Settings, load
from formats.common.anomaly import NOWHERE, AnomaliesFound, Anomaly, Code, Place

UNKNOWN_PARAMETER: Final = Code(
    "CFG-009",
    "Le paramètre « {name} » est inconnu{near}.",
    "« echeance config show » les donne tous.",
)

_HEADER: Final = re.compile(r"\s*\[([^\[\]]+)\]")
_KEY: Final = re.compile(r"""\s*["']?([\w.-]+?)["']?\s*=""")


class Origin(NamedTuple):
    """A parameter, its value and who said it; `place` is empty for a default."""

    known: Known
    value: object
    said_by: str
    place: Place = NOWHERE

    @property
    def french(self) -> str:
        """`echeance.toml, ligne 7, [parameters]`, or `valeur par défaut`."""
        return ", ".join(part for part in (str(self.place), self.said_by) if part)


def origins(
    path: Path, organisation: str = "", environment: Mapping[str, str] = os.environ
) -> tuple[Settings, list[Origin]]:
    """The settings of a file and every parameter's origin, for its organisation or another.

    Raises AnomaliesFound with every fault of the file.
    """
    who = {f"{PREFIX}ORGANISATION__CODE": organisation} if organisation else {}
    settings = load(path, {**environment, **who})
    lines = _lines(path)
    own = f"organisation_parameters.{settings.organisation.code}"
    found = []
    for one in known():
        value, variable = getattr(settings.parameters, one.name), f"{PREFIX}PARAMETERS__{one.name}"
        section = next((s for s in (own, "parameters") if (s, one.name) in lines), "")
        if variable in environment:
            found.append(Origin(one, value, f"variable d'environnement {variable}"))
        elif section:
            place = Place(path.name, lines[section, one.name])
            found.append(Origin(one, value, f"[{section}]", place))
        else:
            found.append(Origin(one, value, "valeur par défaut"))
    return settings, found


def origin_of(name: str, found: list[Origin]) -> Origin:
    """The origin of one parameter. Raises AnomaliesFound (CFG-009) with the nearest name."""
    by_name = {one.known.name: one for one in found}
    if name.upper() in by_name:
        return by_name[name.upper()]
    close = get_close_matches(name.upper(), by_name, 1)
    near = f" (le plus proche : « {close[0]} »)" if close else ""
    raise AnomaliesFound(Anomaly(UNKNOWN_PARAMETER, values={"name": name, "near": near}))


def _lines(path: Path) -> dict[tuple[str, str], int]:
    """Line of each key by section, as TOML is usually written."""
    return {(section, key): line for section, key, line in _keys(path.read_text("utf-8"))}


def _keys(text: str) -> Iterator[tuple[str, str, int]]:
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = re.sub(r"[\s\"']", "", header[1])
        elif key := _KEY.match(line):
            yield section, key[1], number

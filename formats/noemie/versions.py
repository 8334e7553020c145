"""Versions of the norm as data. References 576, 578, 580 and 908 use the same entities (§2.1)."""

from __future__ import annotations

from typing import Final

from formats.fixedwidth import Norm, layout
from formats.noemie.entities import ENTITIES

PS_2004: Final = Norm("PS", "NOEMIE PS, mai 2004", tuple(map(layout, ENTITIES.values())))
"""The only description we have seen."""

VERSIONS: Final = {PS_2004.name: PS_2004}
"""By name."""

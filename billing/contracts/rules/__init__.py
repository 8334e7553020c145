"""The table of rule kinds: code in files → `Kind`. See README.md to add one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from billing.contracts.rating import Kind
from billing.contracts.rules.consumed_units import CONSUMED_UNITS
from billing.contracts.rules.flat_fee import FLAT_FEE

_DECLARED: Final = (FLAT_FEE, CONSUMED_UNITS)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.code: kind for kind in _DECLARED})

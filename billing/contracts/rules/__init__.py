"""The table of rule kinds: code in files → `Kind`. See README.md to add one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from billing.contracts.rating import Kind
from billing.contracts.rules.block import BLOCK
from billing.contracts.rules.bundle import BUNDLE
from billing.contracts.rules.consumed_units import CONSUMED_UNITS
from billing.contracts.rules.cost_share import COST_SHARE
from billing.contracts.rules.flat_fee import FLAT_FEE
from billing.contracts.rules.kit import KIT
from billing.contracts.rules.meter_fee import METER_FEE
from billing.contracts.rules.run import METERED_RUN

_DECLARED: Final = (
    FLAT_FEE,
    CONSUMED_UNITS,
    COST_SHARE,
    BLOCK,
    METER_FEE,
    BUNDLE,
    KIT,
    METERED_RUN,
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.code: kind for kind in _DECLARED})

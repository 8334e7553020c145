"""Meters and their dated readings (contracts.md §1, §3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Origin(StrEnum):
    """Where a reading comes from."""

    INSTALLATION = "installation"
    CUSTOMER = "customer"
    PROVIDER = "provider"
    ESTIMATE = "estimate"
    TAKEOVER = "takeover"


class Regime(StrEnum):
    """Which readings a rule accepts (contracts.md §3, "Regimes")."""

    ESTIMATE = "estimate"  # estimation autorisée
    ACTUAL = "actual"  # réel
    CUSTOMER = "customer"  # particulier


@dataclass(frozen=True, slots=True)
class Reading:
    """One dated value of a meter; `id` is 0 until it is stored."""

    meter_id: int
    read_on: date
    value: int
    origin: Origin
    id: int = 0


@dataclass(frozen=True, slots=True)
class Meter:
    """A counter (grandeur) on an asset.

    contractual_volume: units a month promised by the contract (VMC), None when none is.
    model_volume: units a month of the manufacturer's model (VMT).
    scale: readings are integers; printing divides the quantity by the scale (A-CRE-17).
    """

    id: int
    asset_id: int
    code: str
    label: str
    cumulative: bool = True
    billable: bool = True
    billable_on_estimate: bool = True
    billable_on_customer: bool = True
    scale: int = 1
    contractual_volume: Decimal | None = None
    model_volume: Decimal | None = None

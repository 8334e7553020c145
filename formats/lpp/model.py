"""The LPP nomenclature as the health insurance publishes it. Amounts are cents incl. tax."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from formats.common.anomaly import Anomaly


@dataclass(frozen=True, slots=True, kw_only=True)
class LppCode:
    """One code of `lpp_fiche_tot`."""

    code: str  # 7 digits, the last one a key
    label: str
    type: str  # A achat, L location, S service, R réparation, E entretien, V livraison, P port
    age_max: int | None  # years; None when there is no limit
    end_date: date | None  # last day on which the code may be billed, included


@dataclass(frozen=True, slots=True, kw_only=True)
class LppTariff:
    """One row of `lpp_histo_tot`: what a code is worth over `[since, until)`."""

    code: str
    since: date
    until: date | None  # first day it no longer applies; None while it does
    tariff_cents: int
    price_limit_cents: int | None  # PLV; None: free price
    nature: str  # B2 mnemonic
    prior_agreement: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Nomenclature:
    """Both files, sorted by code then date. Rows with anomalies are left out and reported."""

    codes: tuple[LppCode, ...]
    tariffs: tuple[LppTariff, ...]
    anomalies: tuple[Anomaly, ...]

"""Nomenclatures shipped with the program: samples to start with, replaced by official imports.

Origin and licence (MPL-2.0): NOTICE.md, beside.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

LPP_FILE: Final = "lpp.csv"


def lpp_csv() -> bytes:
    """The home-care part of the LPP with its dated tariffs, in our CSV layout (NOTICE.md)."""
    return files(__name__).joinpath(LPP_FILE).read_bytes()


@cache
def lpp_attributes() -> Mapping[str, Mapping[str, str]]:
    """Family, billing unit and degressive group by code: what the official files don't say."""
    lines = lpp_csv().decode("utf-8").splitlines()
    return MappingProxyType({row["code"]: row for row in csv.DictReader(lines, delimiter=";")})


@cache
def syntec_index() -> Mapping[tuple[int, int], Decimal]:
    """The 103 Syntec indices of the seed by (year, month): 01/2006 131.800 to 07/2014 162.591."""
    lines = files(__name__).joinpath("syntec_index.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(lines, delimiter=";")
    return MappingProxyType(
        {(int(row["year"]), int(row["month"])): Decimal(row["index"]) for row in rows}
    )


@cache
def _funds() -> Mapping[tuple[str, str], str]:
    lines = files(__name__).joinpath("funds.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(lines, delimiter=";")
    return MappingProxyType({(row["regime"], row["caisse"]): row["libelle"] for row in rows})


def fund_label(scheme: str, fund: str) -> str:
    """Name of a fund (scheme of 2 digits, fund of 3); "" when our table of 2020 lacks it."""
    return _funds().get((scheme, fund), "")

"""Where B2 files go: type and number of the recipient of each fund, by scheme and fund.

Sources: reference on B2, tables 6.1 and 6.2; the computing centre of a fund is the one most of its
centres name in the health data system's nomenclature (commit fe17ef8348, 15/12/2020, MPL-2.0).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

RECIPIENT_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "CT",
        "02": "MA",
        "03": "SR",
        "04": "CF",
        "05": "RP",
        "06": "EN",
        "07": "RM",
        "08": "CM",
        "09": "BF",
        "10": "CE",
        "12": "CI",
        "14": "AN",
        "15": "SE",
        "16": "PB",
        "90": "CC",
        **{scheme: "SM" for scheme in ("91", "92", "93", "94", "95", "96", "99")},
    }
)
"""Type of recipient by grand régime. Table 6.2."""


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """Who receives a file: number (000000, scheme, computing centre, organism) and type."""

    number: str
    kind: str

    @property
    def organism(self) -> str:
        """The organism whose lots are counted: the last three digits."""
        return self.number[-3:]


@dataclass(frozen=True, slots=True)
class B2Choices:
    """What a provider chooses for its B2 files.

    norm:    supplier norm code, a guess of the reference (§1.2).
    flow:    empty or R real, T test, D demo.
    message: publisher, software, version, as the fund's support asks for them.
    centres: computing centre by scheme + fund (`01422`), over the embedded nomenclature.
    """

    norm: str = "FR"
    version: str = "062007"
    flow: str = ""
    message: str = "ECHEANCE"
    centres: Mapping[str, str] = field(default_factory=dict)

    def recipient(self, scheme: str, fund: str) -> Recipient | None:
        """The recipient of a fund's invoices; None when its computing centre isn't known."""
        kind = RECIPIENT_KINDS.get(scheme)
        centre = self.centres.get(scheme + fund) or _computing_centres().get(scheme + fund)
        if kind is None or centre is None:
            return None
        return Recipient(f"000000{scheme}{centre}{fund}", kind)


@cache
def _computing_centres() -> Mapping[str, str]:
    """Computing centre by scheme and fund (`01422`)."""
    text = (files("config") / "nomenclatures" / "computing_centres.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    return {row["regime"] + row["caisse"]: row["centre"] for row in rows}

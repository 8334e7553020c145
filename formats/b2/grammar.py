"""Which record is which, and which may follow which (reference §1.1)."""

from __future__ import annotations

from typing import Any, Final

from formats.b2.v062007 import (
    BatchEnd,
    BatchStart,
    FileEnd,
    FileStart,
    InvoiceEnd,
    InvoiceStart,
    InvoiceSupplement,
    LineAnalyses,
    LineDetail,
    LineDrug,
    LinePractitioners,
    LineProcedure,
    LineSupplement,
    ServiceLine,
    StayDetail,
    StayDrug,
    StayLine,
    StayPrescriber,
    StaySupplement,
)
from formats.b2.versions import JUNE_2007, VERSIONS
from formats.fixedwidth import Layout, Norm
from formats.runon import Followers

STAY_CODINGS: Final = (StayDetail, StayDrug)
LINE_CODINGS: Final = (LineAnalyses, LineDetail, LineDrug, LineProcedure)

_AFTER_LINE: Final = {StayLine, ServiceLine, InvoiceEnd}
_STAY_CODED: Final = {*STAY_CODINGS, *_AFTER_LINE}
_LINE_CODED: Final = {*LINE_CODINGS, *_AFTER_LINE}

FOLLOWERS: Final[Followers] = {
    None: {FileStart},
    FileStart: {BatchStart},
    BatchStart: {InvoiceStart},
    InvoiceStart: {InvoiceSupplement, StayLine, ServiceLine},
    InvoiceSupplement: {StayLine, ServiceLine},
    StayLine: {StaySupplement, StayPrescriber} | _STAY_CODED,
    StaySupplement: {StayPrescriber} | _STAY_CODED,
    StayPrescriber: _STAY_CODED,
    **dict.fromkeys(STAY_CODINGS, _STAY_CODED),
    ServiceLine: {LineSupplement, LinePractitioners} | _LINE_CODED,
    LineSupplement: {LinePractitioners} | _LINE_CODED,
    LinePractitioners: _LINE_CODED,
    **dict.fromkeys(LINE_CODINGS, _LINE_CODED),
    InvoiceEnd: {InvoiceStart, BatchEnd},
    BatchEnd: {BatchStart, FileEnd},
    FileEnd: set(),
}
"""Order of file, batch, invoice, lines and their complements."""

_NINE: Final = ord("9")
_BATCH: Final = ord("1")


class Tables:
    """Finds the table of a raw record; the version that a type 1 announces holds for its batch."""

    def __init__(self) -> None:
        self._take(JUNE_2007)

    def __call__(self, raw: bytes) -> Layout[Any] | None:
        """The table, from type and complement (column 36 or 39); None when unknown."""
        first = raw[0]
        if first == _BATCH:
            self._take(VERSIONS.get(raw[81:87].decode("latin-1"), JUNE_2007))
        found = self._complements.get(first)
        if found and len(raw) > 38:
            if raw[35] > _NINE:
                return found[36].get(raw[35])
            if raw[38] > _NINE:
                return found[39].get(raw[38])
        return self._plain.get(first)

    def _take(self, norm: Norm) -> None:
        self._plain, self._complements = _TABLES[norm.name]


_Plain = dict[int, Layout[Any]]


def _indexed(norm: Norm) -> tuple[_Plain, dict[int, dict[int, _Plain]]]:
    """Tables by first byte, and by first byte then column and letter of the complement."""
    plain: _Plain = {}
    complements: dict[int, dict[int, _Plain]] = {}
    for table in norm.tables:
        zone = next(
            (z for z in table.zones if z.name in ("_36", "_39") and z.expected.isalpha()), None
        )
        first = ord(table.name[0])
        if zone is None:
            plain[first] = table
        else:
            columns = complements.setdefault(first, {36: {}, 39: {}})
            columns[zone.start][ord(zone.expected)] = table
    return plain, complements


_TABLES: Final = {name: _indexed(norm) for name, norm in VERSIONS.items()}

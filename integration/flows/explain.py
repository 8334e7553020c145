"""`echeance explain`: how each line of a posted document came to be, and the amount again.

Only what was posted is looked at, never today's prices, rules or readings; nothing of a patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from billing.care import story as care
from billing.contracts.story import Story, recompute
from billing.french import french, number
from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE, to_cents, unscaled, vat_of
from billing.told import told, whose
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.sql import Queries
from integration.posting import reference
from integration.translate.contracts_rows import day

Row = tuple[Any, ...]
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_PRINTED: Final = re.compile(r"([A-Z]+)(\d{4})-(\d+)")

UNKNOWN_LINE: Final = Code(
    "RUN-114",
    "Il n'y a pas de ligne à expliquer : « {reference} »{line}.",
    "Vérifiez le numéro de facture, par exemple VT2026-000042, et celui de la ligne.",
)
NOT_THE_AMOUNT: Final = Code(
    "LED-912",
    "La ligne {line} du document {number} se recalcule à {found} € et non à {posted} €.",
    "Lancez « echeance verify » : si les livres sont sains, signalez ce calcul.",
)


@dataclass(frozen=True, slots=True)
class Explained:
    """A line with its story. Amounts in €: excl. VAT for a contract, VAT included for care.

    shares: AMO, AMC and patient, recomputed, for care. kept: the story as it is stored.
    """

    number: str
    position: int
    label: str
    sentences: tuple[str, ...]
    posted: Decimal
    recomputed: Decimal
    kept: Mapping[str, Any]
    anomaly: Anomaly | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A posted line, unscaled. shares are those posted, in €; empty for a contract."""

    position: int
    label: str
    since: date
    until: date
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    vat_rate: Decimal
    story: Mapping[str, Any]
    gross: Decimal
    shares: tuple[Decimal, ...]

    @property
    def figures(self) -> Mapping[str, Any]:
        figures: Mapping[str, Any] = self.story.get("explain", {})
        return figures


def explain(
    connection: Connection, organisation_id: int, invoice: str, line: int | None = None
) -> list[Explained]:
    """The lines of a document, or one of them. Raises AnomaliesFound (RUN-114)."""
    document = _document(connection, organisation_id, invoice)
    lines = [_line(row) for row in _SQL.rows(connection, "lines", document=document[0])]
    wanted = [one for one in lines if line in (None, one.position)]
    if not wanted:
        raise AnomaliesFound(_unknown(invoice, line))
    return [_explained(document, one, lines) for one in wanted]


def _document(connection: Connection, organisation_id: int, invoice: str) -> Row:
    printed = _PRINTED.fullmatch(invoice)
    journal, year, rank = printed.groups() if printed else ("", "0", "0")
    b2 = int(invoice) if re.fullmatch(r"[0-9]{9}", invoice) else 0
    values = {"journal": journal, "year": int(year), "number": int(rank), "b2": b2}
    rows = _SQL.rows(connection, "document", organisation=organisation_id, **values)
    if not rows:
        raise AnomaliesFound(_unknown(invoice, None))
    return rows[0]


def _unknown(invoice: str, line: int | None) -> Anomaly:
    told_line = "" if line is None else f", ligne {line}"
    return Anomaly(UNKNOWN_LINE, values={"reference": invoice, "line": told_line})


def _line(row: Row) -> _Line:
    position, label, since, until, quantity, price, net, vat, details, gross, *shares = row
    return _Line(
        position,
        label,
        day(since),
        day(until),
        unscaled(quantity, QUANTITY_SCALE),
        unscaled(price, PRICE_SCALE),
        unscaled(net, 2),
        unscaled(vat, RATE_SCALE),
        orjson.loads(details) if details else {},
        unscaled(gross or 0, 2),
        tuple(unscaled(cents, 2) for cents in shares if cents is not None),
    )


def _explained(document: Row, line: _Line, lines: Sequence[_Line]) -> Explained:
    name = reference(*document[1:4])
    posted = line.gross if line.shares else line.net
    found = _recomputed(line, -1 if document[4] == "credit" else 1)
    wrong = None
    if found != (posted, *line.shares):
        amounts = {"found": number(found[0], 2), "posted": number(posted, 2)}
        wrong = Anomaly(NOT_THE_AMOUNT, values={"line": line.position, "number": name, **amounts})
    sentences = (*_origin(document, line), *told(line.figures), *_sums(line, lines))
    verdict = "anomalie" if wrong else "conforme"
    sentences = (*sentences, f"Recalculé : {number(found[0], 2)} €, {verdict}.")
    return Explained(
        name, line.position, line.label, sentences, posted, found[0], line.story, wrong
    )


def _recomputed(line: _Line, sign: int) -> tuple[Decimal, ...]:
    """The amount, then the shares of care; a credit note mirrors the line it credits."""
    quantity, figures = sign * line.quantity, line.figures
    if line.shares:
        parts = care.recompute(figures, quantity)
        amounts = (parts.total, parts.part_amo, parts.part_amc, parts.part_patient)
        return tuple(sign * amount for amount in amounts)
    return (sign * recompute(Story(quantity, line.unit_price, figures)),)


def _origin(document: Row, line: _Line) -> Iterator[str]:
    _, _, _, _, kind, issued_on, _, _, *credited = document
    if kind == "credit" and credited[0]:
        yield f"Avoir : annule une ligne de la facture {reference(*credited)}."
    if "rule" in line.story:
        yield from whose(line.story["rule"], line.figures)
    last = max(line.until - timedelta(1), line.since)
    yield f"Période du {line.since:%d/%m/%Y} au {last:%d/%m/%Y}, facturée le {french(issued_on)}."


def _sums(line: _Line, lines: Sequence[_Line]) -> Iterator[str]:
    if line.shares:
        yield from _care_sums(line)
        return
    figures = line.figures
    price = Decimal(figures.get("price", line.unit_price))
    share = f" × {figures['share']}" if "share" in figures else ""
    yield (
        f"Montant HT : {number(line.quantity)} × {number(price, 2)} €{share}"
        f" = {number(line.net, 2)} €, au centime le plus proche."
    )
    same = sum((one.net for one in lines if one.vat_rate == line.vat_rate), Decimal(0))
    yield (
        f"TVA {number(line.vat_rate * 100)} %, une fois par taux sur la facture :"
        f" {number(same, 2)} € → {number(vat_of(same, line.vat_rate), 2)} €."
    )


def _care_sums(line: _Line) -> Iterator[str]:
    amo, amc, patient = line.shares
    whole = to_cents(line.quantity * line.unit_price)
    beside = whole - line.gross
    apart = f", dont {number(beside, 2)} € sur la ligne du complément" if beside else ""
    yield (
        f"Montant TTC : {number(line.quantity)} × {number(line.unit_price, 2)} €"
        f" = {number(whole, 2)} €{apart}."
    )
    yield (
        f"Parts : AMO {number(amo, 2)} €, AMC {number(amc, 2)} €, patient {number(patient, 2)} €."
    )
    yield (
        f"TVA {number(line.vat_rate * 100)} % comprise :"
        f" {number(line.gross - line.net, 2)} €, HT {number(line.net, 2)} €."
    )

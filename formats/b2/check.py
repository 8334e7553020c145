"""Every rule a B2 file may break, checked in one pass over the stream (reference §1.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from operator import attrgetter
from typing import Any, BinaryIO, Final

from formats.b2.model import Report
from formats.b2.reader import UNENDED, misplaced, place_of, records_in
from formats.b2.v062007 import (
    BatchEnd,
    BatchStart,
    FileEnd,
    FileStart,
    InvoiceEnd,
    InvoiceStart,
    InvoiceSupplement,
    LineDetail,
    LinePractitioners,
    LineSupplement,
    ServiceLine,
)
from formats.common.anomaly import MASKED, Anomaly, Code, Place
from formats.common.identifiers import Identifier, finess, lpp, nir, rpps, siret
from formats.fixedwidth import Zone, layout
from formats.report import LIMIT, bounded

KEYS_REMEMBERED: Final = 10_000
"""Valid identifiers kept, since billers, prescribers and LPP codes come back all the time."""
ROUNDING_CENTS: Final = 1
"""Slack on AMO ≈ base × rate: a split line shares out its cents. Reference §1.4, rule 7."""
MAX_DETAILS: Final = 10
"""4F records under one type 4. Reference §1.1."""

_ASK = "Faites corriger le fichier par le logiciel qui l'a produit."
DIFFERS = Code(
    "FMT-111",
    "Enregistrement {record}, zone « {zone} » : {value} au lieu de {expected} ({reference}).",
    _ASK,
)
TOO_MUCH = Code(
    "FMT-112",
    "Enregistrement {record}, zone « {zone} » : {value} dépasse {expected} ({reference}).",
    _ASK,
)
LATE = Code(
    "FMT-113",
    "Enregistrement {record}, zone « {zone} » : {value} est après {expected} ({reference}).",
    "Attendez la fin de la période pour facturer, ou corrigez la date.",
)
TWICE = Code(
    "FMT-114",
    "Le numéro de facture {value} est nul ou déjà employé dans le lot.",
    "Donnez à chaque facture son propre numéro.",
)


def check(stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
    """Read a whole B2 stream and report every broken rule; never raises on its content.

    Memory doesn't grow with the stream. `file` is the bare name that anomalies print.
    """
    checker = _Checker(file, limit)
    for item in records_in(stream, checker.found, file):
        checker.take(item)
    return checker.report()


class _Checker:
    """What is known at one point of the file."""

    def __init__(self, file: str, limit: int) -> None:
        self.file = file
        self.limit = limit
        self.found: list[Anomaly] = []
        self.line = 0
        self.item: Any = None
        self.previous: type | None = None
        self.lost = False  # an unreadable record came before: sums can't be judged
        self.sums = _Sums()
        self.start: FileStart | None = None
        self.batch: BatchStart | None = None
        self.invoice: InvoiceStart | None = None
        self.service: ServiceLine | None = None
        self.details: list[LineDetail] = []
        self.sound: set[tuple[str, str]] = set()  # identifiers already found valid

    def take(self, item: Any) -> None:
        """Judge one record against what came before it."""
        self.line += 1
        if item is None:
            self.lost = True
            self.sums.damaged = {"invoice", "batch", "file"}
        else:
            self._judge(item)
            self.previous, self.lost = type(item), False
        del self.found[self.limit + 1 :]

    def _judge(self, item: Any) -> None:
        self.item = item
        if not self.lost:
            wrong = misplaced(self.previous, item, place_of(self.file, self.line))
            self.found += [wrong] if wrong else []
        if type(item) is not LineDetail and self.details:
            self._end_of_details()
        handler = _HANDLERS.get(type(item))
        if handler:
            handler(self, item)

    def report(self) -> Report:
        """The final word, once the stream is exhausted."""
        if self.previous is not FileEnd or self.lost:
            self.found.append(Anomaly(UNENDED, place_of(self.file, max(self.line, 1))))
        s = self.sums
        return Report(
            records=self.line,
            batches=s.batches,
            invoices=s.invoices,
            lines=s.lines,
            total_cents=s.file["total_cents"],
            amo_cents=s.file["amo_cents"],
            amc_cents=s.file["amc_cents"],
            anomalies=bounded(self.found, self.limit),
        )

    # What handlers say

    def _says(self, code: Code, field: str, expected: object, reference: str) -> None:
        """An anomaly on one field of the current record."""
        zone, place = self._where(field)
        value = getattr(self.item, field)
        values = {
            "record": layout(type(self.item)).name,
            "zone": zone.shown,
            "value": MASKED if zone.personal else _shown(value),
            "expected": MASKED if zone.personal else _shown(expected),
            "reference": reference,
        }
        self.found.append(Anomaly(code, place, values))

    def _where(self, field: str) -> tuple[Zone, Place]:
        """The zone of a field of the current record, and its place in the file."""
        zone = next(zone for zone in layout(type(self.item)).fields if zone.name == field)
        return zone, replace(place_of(self.file, self.line), start=zone.start, end=zone.end)

    def _equal(self, field: str, expected: object, reference: str) -> None:
        if getattr(self.item, field) != expected:
            self._says(DIFFERS, field, expected, reference)

    def _key(self, identifier: Identifier, field: str, value: str) -> None:
        """An identifier of the current record must have its key right; zeros mean unknown."""
        if (identifier.name, value) in self.sound or value.strip("0") == "":
            return
        wrong = identifier.check(value)
        if wrong:
            self.found.append(wrong.at(self._where(field)[1]))
        elif len(self.sound) < KEYS_REMEMBERED:
            self.sound.add((identifier.name, value))

    def _not_after(self, field: str, limit: date | None, reference: str) -> None:
        value = getattr(self.item, field)
        if value and limit and value > limit:
            self._says(LATE, field, limit, reference)

    # One handler a record type

    def _file_start(self, item: FileStart) -> None:
        self.start = item
        self.sums = _Sums()

    def _batch_start(self, item: BatchStart) -> None:
        self.batch = item
        self.sums.open_batch()
        self._key(finess, "sender", item.sender)
        if self.start:
            self._equal("sender", self.start.sender[5:], "enregistrement 000")

    def _invoice_start(self, item: InvoiceStart) -> None:
        self.invoice, self.service = item, None
        if not self.sums.open_invoice(item):
            self._says(TWICE, "invoice", "", "")
        self._key(nir, "nir", item.nir + item.nir_key)
        self._key(finess, "biller", item.biller)

    def _invoice_supplement(self, item: InvoiceSupplement) -> None:
        self._same_invoice()
        if item.own_nir:
            self._key(nir, "own_nir", item.own_nir + item.own_nir_key)

    def _service_line(self, item: ServiceLine) -> None:
        self.service = item
        self._same_invoice()
        self.sums.add(item)
        self._not_after("done_on", self._batch_day(), "date du lot")
        due = item.base_cents * item.rate_pct
        if abs(item.amo_cents * 100 - due) > ROUNDING_CENTS * 100:
            self._says(DIFFERS, "amo_cents", (due + 50) // 100, "base × taux")
        if item.amo_cents > item.total_cents:
            self._says(TOO_MUCH, "amo_cents", item.total_cents, "dépense")

    def _complement(self, _: Any) -> None:
        self._same_invoice()
        self.sums.complement()

    def _practitioners(self, item: LinePractitioners) -> None:
        self._complement(item)
        self._key(rpps, "prescriber_rpps", item.prescriber_rpps)
        self._key(rpps, "executant_rpps", item.executant_rpps)

    def _detail(self, item: LineDetail) -> None:
        self._complement(item)
        self.details.append(item)
        rank = min(len(self.details), MAX_DETAILS)
        self._equal("sequence", f"{rank:02d}", "ordre des 4F")
        self._key(lpp, "code", item.code)
        self._key(siret, "siret", item.siret)
        self._not_after("first_day", item.last_day, "fin de location")
        self._not_after("first_day", self._batch_day(), "date du lot")
        self._not_after("last_day", self._batch_day(), "date du lot")

    def _end_of_details(self) -> None:
        """The 4F of a line add up to it. Reference §1.3, rules of type 4."""
        total = sum(detail.total_cents for detail in self.details)
        if (
            self.service
            and "invoice" not in self.sums.damaged
            and total != self.service.total_cents
        ):
            values = {"record": "4F", "zone": "Montant total facturé TTC", "value": total}
            values |= {"expected": self.service.total_cents, "reference": "dépense du type 4"}
            self.found.append(Anomaly(DIFFERS, place_of(self.file, self.line - 1), values))
        self.details = []

    def _invoice_end(self, item: InvoiceEnd) -> None:
        self._same_invoice()
        if "invoice" not in self.sums.damaged:
            self._equal("lines", self.sums.body, "enregistrements de la facture")
            self._totals(self.sums.invoice, "Σ des types 4")
            insured = item.stay_total_cents - item.stay_amo_cents
            insured += item.total_cents - item.amo_cents
            self._equal("insured_cents", insured, "dépenses − AMO")
        self.sums.close_invoice()

    def _batch_end(self, item: BatchEnd) -> None:
        if self.batch:
            self._equal("sender", self.batch.sender, "enregistrement 1")
            self._equal("number", self.batch.number, "enregistrement 1")
        if "batch" not in self.sums.damaged:
            self._totals(self.sums.batch, "Σ des types 5 du lot")
            for field, expected in self.sums.counters().items():
                self._equal(field, expected, "contenu du lot")
        self.sums.close_batch()

    def _file_end(self, item: FileEnd) -> None:
        self._equal("records", self.line, "enregistrements du fichier")
        if "file" not in self.sums.damaged:
            self._equal("batches", self.sums.batches, "lots du fichier")
        if self.start:
            for field in _REPEATED:
                self._equal(field, getattr(self.start, field), "enregistrement 000")

    def _totals(self, sums: dict[str, int], reference: str) -> None:
        for field, expected in sums.items():
            self._equal(field, expected, reference)

    def _same_invoice(self) -> None:
        if self.invoice and _IDENTITY(self.item) != _IDENTITY(self.invoice):
            for field in _IDENTITY_FIELDS:
                self._equal(field, getattr(self.invoice, field), "type 2 de la facture")

    def _batch_day(self) -> date | None:
        return self.batch.created_on if self.batch else None


_REPEATED: Final = (
    "sender_type",
    "sender",
    "sender_program",
    "recipient_type",
    "recipient",
    "recipient_program",
    "file_id",
)
"""Columns 4-55, equal in 000 and 999. Reference §1.4, rule 1."""

_HANDLERS: Final[dict[type, Callable[[_Checker, Any], None]]] = {
    FileStart: _Checker._file_start,
    BatchStart: _Checker._batch_start,
    InvoiceStart: _Checker._invoice_start,
    InvoiceSupplement: _Checker._invoice_supplement,
    ServiceLine: _Checker._service_line,
    LineSupplement: _Checker._complement,
    LinePractitioners: _Checker._practitioners,
    LineDetail: _Checker._detail,
    InvoiceEnd: _Checker._invoice_end,
    BatchEnd: _Checker._batch_end,
    FileEnd: _Checker._file_end,
}

_IDENTITY_FIELDS: Final = ("biller", "nir", "nir_key", "invoice")
_IDENTITY: Final = attrgetter(*_IDENTITY_FIELDS)
"""Equal in all records of an invoice. Reference §1.4, rule 4."""

_AMOUNTS: Final = ("total_cents", "amo_cents", "amc_cents")


class _Sums:
    """Counters and totals of the invoice, the batch and the file being read."""

    def __init__(self) -> None:
        self.damaged: set[str] = set()
        self.file = dict.fromkeys(_AMOUNTS, 0)
        self.batches = self.invoices = self.lines = 0
        self._clear_batch()

    def open_batch(self) -> None:
        self.batches += 1
        self._clear_batch()

    def _clear_batch(self) -> None:
        self.batch = dict.fromkeys(_AMOUNTS, 0)
        self.invoice = dict.fromkeys(_AMOUNTS, 0)
        self.body = self.batch_lines = 0
        self.numbers: set[str] = set()
        self.people: set[tuple[str, str, str]] = set()

    def open_invoice(self, item: InvoiceStart) -> bool:
        """False when the number is zero or was already used in the batch."""
        fresh = item.invoice not in self.numbers and item.invoice.strip("0") != ""
        self.numbers.add(item.invoice)
        self.people.add((item.nir, item.birth_date, item.birth_rank))
        self.invoices += 1
        return fresh

    def add(self, item: ServiceLine) -> None:
        self.body += 1
        self.lines += 1
        self.batch_lines += 1
        for name in _AMOUNTS:
            amount = getattr(item, name)
            self.invoice[name] += amount
            self.batch[name] += amount
            self.file[name] += amount

    def complement(self) -> None:
        self.body += 1

    def close_invoice(self) -> None:
        self.invoice = dict.fromkeys(_AMOUNTS, 0)
        self.body = 0
        self.damaged.discard("invoice")

    def close_batch(self) -> None:
        self.damaged.discard("batch")

    def counters(self) -> dict[str, int]:
        """What type 6 counts; the meaning of two of them is a guess."""
        return {
            "insured": len({person for person, _, _ in self.people}),
            "lines": self.batch_lines,
            "invoices": len(self.numbers),
            "patients": len(self.people),
        }


def _shown(value: object) -> str:
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)

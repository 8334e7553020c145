"""Every rule a B2 file may break, checked in one pass over the stream (reference §1.4)."""

from __future__ import annotations

from datetime import date
from operator import attrgetter
from typing import Any, BinaryIO, Final

from formats.b2.grammar import FOLLOWERS
from formats.b2.model import Report
from formats.b2.reader import records_in
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
from formats.common.anomaly import Anomaly, Code
from formats.common.identifiers import finess, lpp, nir, rpps, siret
from formats.fixedwidth import layout
from formats.judge import DIFFERS, TOO_MUCH, Judge
from formats.report import LIMIT
from formats.runon import place_of

ROUNDING_CENTS: Final = 1
"""Slack on AMO ≈ base × rate: a split line shares out its cents. Reference §1.4, rule 7."""
MAX_CODINGS: Final = {LineProcedure: 26}
"""Codings of one line, 10 unless said otherwise (4M). Reference §1.1."""
MAX_LINES: Final = 999
"""Lines of one invoice. Reference §1.1."""
MAX_INVOICES: Final = 9_999
"""Invoices a type 6 can count; no more are remembered, and its counters are then wrong anyway."""

TWICE = Code(
    "FMT-114",
    "Le numéro de facture {value} est nul ou déjà employé dans le lot.",
    "Donnez à chaque facture son propre numéro.",
)
VERSION = Code(
    "FMT-116",
    "La version « {value} » de la norme n'est pas connue : le lot est lu selon la {expected}.",
    "Vérifiez la version demandée par la caisse : 062005 ou 062007.",
)


def check(stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
    """Read a whole B2 stream and report every broken rule; never raises on its content.

    Memory doesn't grow with the stream. `file` is the bare name that anomalies print.
    """
    checker = Checker(file, limit)
    checker.take_all(records_in(stream, checker.found, file))
    return checker.report()


class Checker(Judge):
    """What is known at one point of a B2 file."""

    followers = FOLLOWERS
    end = FileEnd

    def __init__(self, file: str = "", limit: int = LIMIT) -> None:
        super().__init__(file, limit)
        self._sums = _Sums()
        self._start: FileStart | None = None
        self._batch: BatchStart | None = None
        self._batch_day: date | None = None
        self._invoice: InvoiceStart | None = None
        self._identity: object = None
        self._service: ServiceLine | None = None
        self._codings: dict[type, tuple[int, int]] = {}  # under one line: how many, their cents

    def report(self) -> Report:
        """The final word, once the stream is exhausted."""
        anomalies = self._findings()
        s = self._sums
        total, amo, amc = s.amounts()
        return Report(
            records=self._line,
            batches=s.batches,
            invoices=s.invoices,
            lines=s.lines,
            total_cents=total,
            amo_cents=amo,
            amc_cents=amc,
            anomalies=anomalies,
        )

    def _lose(self) -> None:
        self._sums.damaged = {"invoice", "batch", "file"}

    def _same_invoice(self) -> None:
        """Every record of an invoice repeats whose it is. Reference §1.4, rule 4."""
        if _IDENTITY(self._item) != self._identity and self._invoice:
            for field in _IDENTITY_FIELDS:
                self._equal(field, getattr(self._invoice, field), "type 2 de la facture")

    # One handler a record type

    def _file_start(self, item: FileStart) -> None:
        self._end_of_codings()
        self._start = item
        self._sums = _Sums()

    def _batch_start(self, item: BatchStart) -> None:
        self._end_of_codings()
        self._batch, self._batch_day = item, item.created_on
        self._sums.open_batch()
        self._key(finess, "sender", item.sender)
        if item.version not in VERSIONS:
            self._says(VERSION, "version", JUNE_2007.name)
        if item.number == "000":
            self._says(DIFFERS, "number", "001-999", "numéro de lot")
        if self._start:
            self._equal("sender", self._start.sender[5:], "enregistrement 000")

    def _invoice_start(self, item: InvoiceStart) -> None:
        self._end_of_codings()
        self._invoice, self._identity = item, _IDENTITY(item)
        if not self._sums.open_invoice(item):
            self._says(TWICE, "invoice", "")
        self._key(nir, "nir", item.nir + item.nir_key)
        self._key(finess, "biller", item.biller)

    def _invoice_supplement(self, item: InvoiceSupplement) -> None:
        self._same_invoice()
        if item.own_nir:
            self._key(nir, "own_nir", item.own_nir + item.own_nir_key)

    def _service_line(self, item: ServiceLine) -> None:
        if _IDENTITY(item) != self._identity:
            self._same_invoice()
        self._end_of_codings()
        self._service = item
        s = self._sums
        s.body += 1
        s.lines += 1
        s.total += item.total_cents
        s.amo += item.amo_cents
        s.amc += item.amc_cents
        if self._batch_day and item.done_on > self._batch_day:
            self._not_after("done_on", self._batch_day, "date du lot")
        self._amounts(item)

    def _stay_line(self, item: StayLine) -> None:
        self._same_invoice()
        self._end_of_codings()  # what a 3F bills stands beside the stay, not inside it
        self._sums.add_stay(item)
        self._not_after("first_day", item.last_day, "fin du séjour")
        self._not_after("last_day", self._batch_day, "date du lot")
        self._amounts(item)

    def _amounts(self, item: ServiceLine | StayLine) -> None:
        """AMO ≈ base × rate, AMO ≤ what is asked. Reference §1.4, rule 7."""
        amo, due = item.amo_cents, item.base_cents * item.rate_pct
        if abs(amo * 100 - due) > ROUNDING_CENTS * 100:
            self._says(DIFFERS, "amo_cents", (due + 50) // 100, "base × taux")
        if amo > item.total_cents:
            self._says(TOO_MUCH, "amo_cents", item.total_cents, "dépense")

    def _complement(self, item: Any) -> None:
        self._sums.body += 1
        if _IDENTITY(item) != self._identity:
            self._same_invoice()

    def _stay_supplement(self, item: StaySupplement) -> None:
        self._complement(item)
        self._not_after("prescribed_on", self._batch_day, "date du lot")

    def _stay_prescriber(self, item: StayPrescriber) -> None:
        self._complement(item)
        self._key(rpps, "prescriber_rpps", item.prescriber_rpps)

    def _practitioners(self, item: LinePractitioners) -> None:
        self._complement(item)
        self._key(rpps, "prescriber_rpps", item.prescriber_rpps)
        self._key(rpps, "executant_rpps", item.executant_rpps)

    def _coding(self, item: Any) -> None:
        """Codings are numbered from 01 under their line, kind by kind."""
        self._complement(item)
        kind = type(item)
        rank, total = self._codings.get(kind, (0, 0))
        self._codings[kind] = (rank + 1, total + item.total_cents if kind in _PRICED else 0)
        due = _RANKS[min(rank + 1, MAX_CODINGS.get(kind, 10))]
        if item.sequence != due:
            self._says(DIFFERS, "sequence", due, "ordre des affinés")

    def _detail(self, item: LineDetail) -> None:
        self._coding(item)
        self._key(lpp, "code", item.code)
        self._key(siret, "siret", item.siret)
        day, ending = self._batch_day, item.last_day or item.first_day
        if ending < item.first_day or (day and ending > day):
            self._not_after("first_day", item.last_day, "fin de location")
            self._not_after("first_day", day, "date du lot")
            self._not_after("last_day", day, "date du lot")

    def _stay_detail(self, item: StayDetail) -> None:
        self._coding(item)
        self._key(lpp, "code", item.code)
        self._key(siret, "siret", item.siret)

    def _analyses(self, item: LineAnalyses) -> None:
        self._coding(item)
        for rank in range(1, 6):
            self._not_after(f"done_on_{rank}", self._batch_day, "date du lot")

    def _procedure(self, item: LineProcedure) -> None:
        self._coding(item)
        self._not_after("done_on", self._batch_day, "date du lot")

    def _end_of_codings(self) -> None:
        """Priced codings of a type 4 add up to it. Reference §1.3, rules of type 4."""
        service, self._service = self._service, None
        if not self._codings:
            return
        if service and "invoice" not in self._sums.damaged:
            for kind, (_, total) in self._codings.items():
                if total != service.total_cents and kind in _PRICED:
                    self._says_of_codings(kind, total, service.total_cents)
        self._codings.clear()

    def _says_of_codings(self, kind: type, total: int, expected: int) -> None:
        zone = next(z for z in layout(kind).fields if z.name == "total_cents")
        values = {"record": layout(kind).name, "zone": zone.shown, "value": total}
        values |= {"expected": expected, "reference": "dépense du type 4"}
        self.found.append(Anomaly(DIFFERS, place_of(self._file, self._line - 1), values))

    def _invoice_end(self, item: InvoiceEnd) -> None:
        if _IDENTITY(item) != self._identity:
            self._same_invoice()
        self._end_of_codings()
        s = self._sums
        if "invoice" not in s.damaged:
            if s.body > MAX_LINES:
                self._says(TOO_MUCH, "lines", MAX_LINES, "lignes d'une facture")
            if _ENDING(item) != s.ending():
                for field, expected in zip(_ENDING_FIELDS, s.ending(), strict=True):
                    self._equal(field, expected, _ENDING_FIELDS[field])
        s.close_invoice()

    def _batch_end(self, item: BatchEnd) -> None:
        self._end_of_codings()
        s = self._sums
        s.close_invoice()
        if self._batch:
            self._equal("sender", self._batch.sender, "enregistrement 1")
            self._equal("number", self._batch.number, "enregistrement 1")
        if "batch" not in s.damaged:
            for field, expected in s.batch_totals().items():
                self._equal(field, expected, "Σ des types 5 du lot")
            for field, expected in s.counters().items():
                self._equal(field, expected, "contenu du lot")
        s.damaged.discard("batch")

    def _file_end(self, item: FileEnd) -> None:
        self._equal("records", self._line, "enregistrements du fichier")
        if "file" not in self._sums.damaged:
            self._equal("batches", self._sums.batches, "lots du fichier")
        if self._start:
            for field in _REPEATED:
                self._equal(field, getattr(self._start, field), "enregistrement 000")


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

Checker.handlers = {
    FileStart: Checker._file_start,
    BatchStart: Checker._batch_start,
    InvoiceStart: Checker._invoice_start,
    InvoiceSupplement: Checker._invoice_supplement,
    StayLine: Checker._stay_line,
    StaySupplement: Checker._stay_supplement,
    StayPrescriber: Checker._stay_prescriber,
    StayDetail: Checker._stay_detail,
    StayDrug: Checker._coding,
    ServiceLine: Checker._service_line,
    LineSupplement: Checker._complement,
    LinePractitioners: Checker._practitioners,
    LineAnalyses: Checker._analyses,
    LineDetail: Checker._detail,
    LineDrug: Checker._coding,
    LineProcedure: Checker._procedure,
    InvoiceEnd: Checker._invoice_end,
    BatchEnd: Checker._batch_end,
    FileEnd: Checker._file_end,
}

_PRICED: Final = {LineDetail, LineDrug}
"""Codings whose totals make that of their type 4."""
_RANKS: Final = tuple(f"{rank:02d}" for rank in range(27))

_IDENTITY_FIELDS: Final = ("biller", "nir", "nir_key", "invoice")
_IDENTITY: Final = attrgetter(*_IDENTITY_FIELDS)
"""Equal in all records of an invoice. Reference §1.4, rule 4."""

_ENDING_FIELDS: Final = {
    "lines": "enregistrements de la facture",
    "stay_base_cents": "Σ des types 3",
    "stay_amo_cents": "Σ des types 3",
    "stay_total_cents": "Σ des types 3",
    "stay_amc_cents": "Σ des types 3",
    "total_cents": "Σ des types 4",
    "amo_cents": "Σ des types 4",
    "amc_cents": "Σ des types 4",
    "insured_cents": "dépenses − AMO",
}
"""What a type 5 counts and adds up, and what each must equal. Reference §1.3, type 5."""
_ENDING: Final = attrgetter(*_ENDING_FIELDS)
_AMOUNTS: Final = ("total_cents", "amo_cents", "amc_cents")


class _Sums:
    """Counters and totals of the invoice, the batch and the file being read."""

    def __init__(self) -> None:
        self.damaged: set[str] = set()
        self.batches = self.invoices = self.lines = 0
        self._total = self._amo = self._amc = 0
        self._clear_invoice()
        self.open_batch()
        self.batches = 0

    def open_batch(self) -> None:
        self.batches += 1
        self._before, self._lines_before = self.amounts(), self.lines  # of earlier batches
        self._numbers: set[str] = set()
        self._people: set[tuple[str, str, str]] = set()

    def _clear_invoice(self) -> None:
        self.body = self.total = self.amo = self.amc = 0
        self._stay = (0, 0, 0, 0)

    def open_invoice(self, item: InvoiceStart) -> bool:
        """False when the number is zero or was already used in the batch."""
        self.close_invoice()
        fresh = item.invoice not in self._numbers and item.invoice.strip("0") != ""
        if len(self._numbers) <= MAX_INVOICES:
            self._numbers.add(item.invoice)
            self._people.add((item.nir, item.birth_date, item.birth_rank))
        self.invoices += 1
        return fresh

    def add_stay(self, item: StayLine) -> None:
        self.body += 1
        self.lines += 1
        amounts = (item.base_cents, item.amo_cents, item.total_cents, item.amc_cents)
        base, amo, total, amc = map(sum, zip(self._stay, amounts, strict=True))
        self._stay = (base, amo, total, amc)

    def ending(self) -> tuple[int, ...]:
        """What the type 5 must say, in the order of its fields."""
        _, stay_amo, stay_total, _ = self._stay
        insured = stay_total - stay_amo + self.total - self.amo
        return (self.body, *self._stay, self.total, self.amo, self.amc, insured)

    def close_invoice(self) -> None:
        """What the invoice held joins its file; a second time changes nothing."""
        self.damaged.discard("invoice")
        if self.body:
            _, stay_amo, stay_total, stay_amc = self._stay
            self._total += self.total + stay_total
            self._amo += self.amo + stay_amo
            self._amc += self.amc + stay_amc
            self._clear_invoice()

    def amounts(self) -> tuple[int, int, int]:
        """Total, AMO and AMC of the file, an invoice left open included."""
        self.close_invoice()
        return self._total, self._amo, self._amc

    def batch_totals(self) -> dict[str, int]:
        """What a type 6 adds up."""
        own = (now - before for now, before in zip(self.amounts(), self._before, strict=True))
        return dict(zip(_AMOUNTS, own, strict=True))

    def counters(self) -> dict[str, int]:
        """What type 6 counts; the meaning of two of them is a guess."""
        return {
            "insured": len({person for person, _, _ in self._people}),
            "lines": self.lines - self._lines_before,
            "invoices": len(self._numbers),
            "patients": len(self._people),
        }

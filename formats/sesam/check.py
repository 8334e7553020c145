"""Which record may follow which, and every rule a SESAM-Vitale file may break, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from formats.common.anomaly import Anomaly, Code
from formats.common.identifiers import finess, lpp, nir, rpps, siret
from formats.fixedwidth import Layout, layout
from formats.judge import DIFFERS, TOO_MUCH, Judge
from formats.report import LIMIT, Report
from formats.runon import Followers, misplaced
from formats.runon import records_in as _records_in
from formats.sesam.model import next_batch
from formats.sesam.records import (
    OURS,
    VERSIONS,
    BatchEnd,
    BatchStart,
    ClaimStart,
    Complementary,
    FileEnd,
    FileStart,
    Product,
    Provider,
    Rights,
    Service,
    SheetEnd,
    SheetStart,
)

UNSEQUENTIAL = Code(
    "FMT-241",
    "Le numéro {value} ne suit pas {expected} : les feuilles d'un lot sont numérotées en ordre.",
    "Remettez les feuilles du lot dans l'ordre de leurs numéros, sans doublon.",
)
MIXED = Code(
    "FMT-242",
    "Un enregistrement {record} n'a pas sa place dans un lot de nature « {value} ».",
    "Séparez les FSE (lot F) et les DRE (lot D).",
)
VERSION = Code(
    "FMT-243",
    "La version « {value} » du format n'est pas connue.",
    "Demandez le fichier dans une version connue, ou ajoutez la version.",
)

_AFTER_SERVICE: Final = {Service, SheetEnd}
FOLLOWERS: Final[Followers] = {
    None: {FileStart},
    FileStart: {BatchStart},
    BatchStart: {SheetStart, ClaimStart},
    SheetStart: {Provider},
    ClaimStart: {Provider},
    Provider: {Rights, Complementary},
    Rights: {Complementary, Service},
    Complementary: {Service},
    Service: {Product, *_AFTER_SERVICE},
    Product: {Product, *_AFTER_SERVICE},
    SheetEnd: {SheetStart, ClaimStart, BatchEnd},
    BatchEnd: {BatchStart, FileEnd},
    FileEnd: set(),
}
"""An FSE has CPS then VIT, an AMC when it has one; a DRE always has its AMC."""
KINDS: Final[dict[type, str]] = {SheetStart: "F", ClaimStart: "D"}
"""The nature of the lot that each head belongs to."""
_TABLES: Final[dict[bytes, Layout[Any]]] = {t.name.encode(): t for t in OURS.tables}


_KIND: Final = next(zone for zone in layout(BatchStart).fields if zone.name == "kind")
_SKIPPED: Final = {(SheetStart, Provider, Complementary), (ClaimStart, Rights, Service)}
"""Head, record and follower that leave out what the head needs: VIT for an FSE, AMC for a DRE."""


def in_order(previous: type | None, kind: type, head: type | None) -> bool:
    """May a `kind` follow a `previous` in what a `head` began?"""
    return kind in FOLLOWERS[previous] and (head, previous, kind) not in _SKIPPED


def table_of(raw: bytes) -> Layout[Any] | None:
    """The table of a raw record, from its first three characters."""
    return _TABLES.get(raw[:3])


def detect(head: bytes) -> bool:
    """Does a file that begins so look like ours? A missing or damaged SVF doesn't fool it."""
    return head[:3] in _TABLES


def records_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[Any]:
    """Every record in order, None for one that can't be read; anomalies are added to `found`."""
    return _records_in(stream, table_of, found, file)


def check(stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
    """Every broken rule of a stream, in flat memory; never raises on its content."""
    checker = Checker(file, limit)
    checker.take_all(records_in(stream, checker.found, file))
    return checker.report()


class Checker(Judge):
    """What is known at one point of a SESAM-Vitale file."""

    followers = FOLLOWERS
    end = FileEnd

    def __init__(self, file: str = "", limit: int = LIMIT) -> None:
        super().__init__(file, limit)
        self._damaged = {"sheet": False, "batch": False, "file": False}
        self._start: FileStart | None = None
        self._batch: BatchStart | None = None
        self._last_batches: dict[str, int] = {}  # by organism
        self._batches = self._sheets = self._services = self._products = self._batch_line = 0
        self._head: Any = None
        self._last = ""  # number of the sheet before
        self._due: Any = None  # the service whose products are awaited
        self._products_cents = 0
        self._sums = [0, 0, 0]
        self._batch_sums = [0, 0, 0]

    def _lose(self) -> None:
        self._damaged = dict.fromkeys(self._damaged, True)

    # One handler a record type

    def _file_start(self, item: FileStart) -> None:
        self._start = item
        self._key(finess, "sender", item.sender)
        if item.version not in VERSIONS:
            self._says(VERSION, "version")

    def _batch_start(self, item: BatchStart) -> None:
        self._batch, self._batch_line, self._last = item, self._line, ""
        self._batches += 1
        self._sheets, self._batch_sums = 0, [0, 0, 0]
        self._damaged["batch"] = False
        if self._start:
            self._equal("sender", self._start.sender, "enregistrement SVF")
        last = self._last_batches.get(item.organism)
        if last is not None:
            self._equal("batch", f"{next_batch(last):03d}", "lot précédent de l'organisme")
        elif item.batch == "000":
            self._says(DIFFERS, "batch", "001-999", "numéro de lot")
        self._last_batches[item.organism] = int(item.batch)

    def _sheet_start(self, item: SheetStart | ClaimStart) -> None:
        self._head, self._services, self._sums = item, 0, [0, 0, 0]
        self._due = None
        self._damaged["sheet"] = False
        self._sheets += 1
        if item.invoice <= (self._last or "0" * 9):
            self._says(UNSEQUENTIAL, "invoice", self._last or "000000000")
        self._last = item.invoice
        self._key(nir, "nir", item.nir + item.nir_key)
        if self._batch:
            self._not_after("created_on", self._batch.created_on, "date du lot")
            if self._batch.kind != KINDS[type(item)]:
                values = {"record": "FSE" if type(item) is SheetStart else "DRE"}
                values |= {"zone": _KIND.shown, "value": self._batch.kind}
                self.found.append(Anomaly(MIXED, self._place, values))

    def _part(self, _: Any) -> None:
        """Every record of a sheet repeats its number."""
        if (type(self._head), self._previous, type(self._item)) in _SKIPPED and not self._lost:
            self.found.append(misplaced(self._previous, self._item, self._place))
        if self._head is not None:
            self._equal("invoice", self._head.invoice, "en-tête de la feuille")

    def _provider(self, item: Provider) -> None:
        self._part(item)
        self._key(finess, "biller", item.biller)
        if item.id_type == "8":
            self._key(rpps, "national_id", item.national_id)

    def _rights(self, item: Rights) -> None:
        self._part(item)
        if item.own_nir:
            self._key(nir, "own_nir", item.own_nir + item.own_nir_key)
        self._not_after("rights_since", item.rights_until, "fin des droits")
        self._not_after("cover_since", item.cover_until, "fin du code couverture")

    def _complementary(self, item: Complementary) -> None:
        self._part(item)
        self._not_after("since", item.until, "fin du contrat")

    def _service(self, item: Service) -> None:
        self._part(item)
        self._end_of_products()
        self._due, self._products, self._products_cents = item, 0, 0
        self._services += 1
        self._equal("line", f"{self._services:03d}", "ordre des prestations")
        amounts = (item.total_cents, item.amo_cents, item.amc_cents)
        self._sums = [known + more for known, more in zip(self._sums, amounts, strict=True)]
        self._key(rpps, "prescriber_rpps", item.prescriber_rpps)
        if self._batch:
            self._not_after("done_on", self._batch.created_on, "date du lot")
        due = item.base_cents * item.rate_pct
        if abs(item.amo_cents * 100 - due) > 100:
            self._says(DIFFERS, "amo_cents", (due + 50) // 100, "base × taux")
        if item.amo_cents + item.amc_cents > item.total_cents:
            self._says(TOO_MUCH, "amo_cents", item.total_cents - item.amc_cents, "dépense − AMC")

    def _product(self, item: Product) -> None:
        self._part(item)
        self._products += 1
        self._products_cents += item.total_cents
        self._equal("line", f"{self._services:03d}", "prestation précédente")
        self._equal("sequence", f"{self._products:02d}", "ordre des affinés")
        self._key(lpp, "code", item.code)
        self._key(siret, "siret", item.siret)
        self._not_after("first_day", item.last_day, "fin de location")

    def _end_of_products(self) -> None:
        """The products of a service add up to it."""
        due, self._due = self._due, None
        if due is None or not self._products or self._damaged["sheet"]:
            return
        if self._products_cents != due.total_cents:
            values: dict[str, object] = {"record": "LPP", "zone": "Montant total facturé TTC"}
            values |= {"value": self._products_cents, "expected": due.total_cents}
            values |= {"reference": "dépense de la prestation"}
            self.found.append(Anomaly(DIFFERS, self._at(self._line - 1), values))

    def _sheet_end(self, item: SheetEnd) -> None:
        self._part(item)
        self._end_of_products()
        if not self._damaged["sheet"]:
            self._equal("services", self._services, "prestations de la feuille")
            for field, expected in zip(_AMOUNTS, self._sums, strict=True):
                self._equal(field, expected, "Σ des prestations")
            insured = self._sums[0] - self._sums[1]
            self._equal("insured_cents", insured, "dépenses − AMO")
        sums = zip(self._batch_sums, self._sums, strict=True)
        self._batch_sums = [known + more for known, more in sums]
        self._head = None

    def _batch_end(self, item: BatchEnd) -> None:
        if self._batch:
            self._equal("batch", self._batch.batch, "enregistrement SVL")
        if not self._damaged["batch"]:
            self._equal("sheets", self._sheets, "feuilles du lot")
            self._equal("records", self._line - self._batch_line + 1, "enregistrements du lot")
            for field, expected in zip(_AMOUNTS, self._batch_sums, strict=True):
                self._equal(field, expected, "Σ des feuilles")

    def _file_end(self, item: FileEnd) -> None:
        self._equal("records", self._line, "enregistrements du fichier")
        if not self._damaged["file"]:
            self._equal("batches", self._batches, "lots du fichier")
        if self._start:
            self._equal("sender", self._start.sender, "enregistrement SVF")
            self._equal("file_id", self._start.file_id, "enregistrement SVF")


_AMOUNTS: Final = ("total_cents", "amo_cents", "amc_cents")

Checker.handlers = {
    FileStart: Checker._file_start,
    BatchStart: Checker._batch_start,
    SheetStart: Checker._sheet_start,
    ClaimStart: Checker._sheet_start,
    Provider: Checker._provider,
    Rights: Checker._rights,
    Complementary: Checker._complementary,
    Service: Checker._service,
    Product: Checker._product,
    SheetEnd: Checker._sheet_end,
    BatchEnd: Checker._batch_end,
    FileEnd: Checker._file_end,
}

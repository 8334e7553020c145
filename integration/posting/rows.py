"""The pure half of posting: from a plan, and the slots it may use, to the rows of every table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, NamedTuple, Protocol

import orjson
from sqlalchemy import Table

from integration.database import tables
from integration.database.tables import day_text

CHAIN_VERSION: Final = 1
GENESIS: Final = "0" * 64

DOCUMENT: Final = (
    "id", "organisation_id", "journal", "fiscal_year", "number", "kind", "issued_on", "due_on",
    "customer_id", "site_id", "patient_id", "credits_id", "b2_number", "market", "net_cents",
    "vat_cents", "gross_cents", "part_amo_cents", "part_amc_cents", "part_patient_cents",
    "snapshot", "person_commitment", "run_id",
)  # fmt: skip
LINE: Final = (
    "document_id", "position", "rule_id", "care_item_id", "article", "label", "since", "until",
    "quantity_e6", "unit_price_e8", "net_cents", "vat_ppm", "details",
)  # fmt: skip
CARE_LINE: Final = (
    "document_id", "position", "lpp", "nature", "type", "gross_cents", "tariff_cents",
    "base_cents", "rate_pct", "part_amo_cents", "part_amc_cents", "part_patient_cents",
    "exemption", "agreement", "agreement_on",
)  # fmt: skip
ENTRY: Final = (
    "document_id", "position", "dated", "account", "auxiliary", "debit_cents", "credit_cents",
    "invoice_id", "share",
)  # fmt: skip
PART: Final = (
    "subject_kind", "subject_id", "part", "unit", "revision", "document_id", "line_position",
)  # fmt: skip
EVENT: Final = ("rule_id", "sequence", "id", "kind", "document_id", "state")
READING: Final = ("id", "meter_id", "read_on", "value", "origin", "document_id")
OUTBOX: Final = (
    "id", "organisation_id", "key", "kind", "partner", "file_name", "subject_id", "state",
)  # fmt: skip

Row = tuple[Any, ...]


class Hash(Protocol):
    """A running digest of hashlib."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""


class Posting(NamedTuple):
    """One document to post. Rows are tuples in the order of the constants above, without their
    leading `document_id` (and `position`, which is their rank from 1); dates are ISO text.

    lines:      LINE[2:]
    care_lines: CARE_LINE[2:], as many as lines or none
    entries:    (account, auxiliary, debit_cents, credit_cents, invoice_id | None, share | None);
                invoice_id 0 means this document
    parts:      (subject_kind, subject_id, part, unit, revision, line_position)
    deliveries: (kind, partner, file suffix) for the outbox
    """

    journal: str
    kind: str
    issued_on: date
    due_days: int | None = None
    customer_id: int | None = None
    site_id: int | None = None
    patient_id: int | None = None
    credits_id: int | None = None
    b2_number: int | None = None
    market: str = ""
    net_cents: int = 0
    vat_cents: int = 0
    gross_cents: int = 0
    part_amo_cents: int = 0
    part_amc_cents: int = 0
    part_patient_cents: int = 0
    snapshot: str = "{}"
    person_commitment: str | None = None
    lines: Sequence[Row] = ()
    care_lines: Sequence[Row] = ()
    entries: Sequence[Row] = ()
    parts: Sequence[Row] = ()
    deliveries: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)
class Plan:
    """Everything one chunk is about to post, in plain rows: a planner hands them over in bulk.

    moves:     (rule_id, events, patch, state, next_theoretical, posting): the rule's step. `patch`
               is its event, `state` the cached whole after it (JSON texts); the posting fails when
               the rule had another number of `events` meanwhile.
    estimates: (meter_id, read_on, value, posting)

    `posting` is the rank of the document it goes with; None for a rule that moves without one.
    """

    postings: list[Posting] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    estimates: list[Row] = field(default_factory=list)
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """What a plan may use: first ids, first number and date floor by (journal, year), chain."""

    organisation_id: int
    first_document: int
    first_reading: int
    first_outbox: int
    first_event: int
    first_numbers: dict[tuple[str, int], int]
    dates: list[date]
    sequence: int
    link: str


@dataclass(slots=True)
class Rows:
    """The rows of a plan, table by table, and the chain's new head."""

    documents: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    care_lines: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    states: list[Row] = field(default_factory=list)
    readings: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    sequence: int = 0
    link: str = GENESIS

    def tables(self) -> Iterator[tuple[Table, Sequence[str], list[Row]]]:
        """Insert order: parents first."""
        yield tables.document, DOCUMENT, self.documents
        yield tables.document_line, LINE, self.lines
        yield tables.care_line, CARE_LINE, self.care_lines
        yield tables.entry, ENTRY, self.entries
        yield tables.billed_part, PART, self.parts
        yield tables.rule_event, EVENT, self.events
        yield tables.reading, READING, self.readings
        yield tables.outbox, OUTBOX, self.outbox

    def digest(self) -> bytes:
        """Of every row, as planned or posted."""
        found = hashlib.sha256()
        for table, _, content in self.tables():
            found.update(orjson.dumps((table.name, content)))
        found.update(orjson.dumps((self.states, self.links)))
        return found.digest()


def reference(journal: str, fiscal_year: int, number: int) -> str:
    """The number as printed: journal, year, rank (`VT2026-000042`)."""
    return f"{journal}{fiscal_year}-{number:06d}"


def content_digest(
    document: Row,
    lines: Iterable[Row],
    care: Iterable[Row],
    entries: Iterable[Row],
    parts: Iterable[Row],
) -> str:
    """SHA-256 of a document with all its rows, as stored (dates as ISO text, parts in order)."""
    content = orjson.dumps((document, *lines, *care, *entries, *sorted(parts)))
    return hashlib.sha256(content).hexdigest()


def chain(previous: str, number: str, digest: str) -> str:
    """link = H(version, previous, number, content digest) (design.md, "Keys")."""
    return hashlib.sha256(f"{CHAIN_VERSION}|{previous}|{number}|{digest}".encode()).hexdigest()


class _Place(NamedTuple):
    """Where a posting lands: ids, date and number."""

    document_id: int
    organisation_id: int
    issued_on: date
    number: int
    name: str
    first_outbox: int
    run_id: int | None


def number_rows(plan: Plan, slots: Slots) -> Rows:
    """The rows of a plan; pure, so that a simulation and a posting can't differ."""
    rows = Rows(sequence=slots.sequence, link=slots.link)
    numbers = dict(slots.first_numbers)
    for rank, posting in enumerate(plan.postings):
        issued_on = slots.dates[rank]
        series = (posting.journal, issued_on.year)
        place = _Place(
            slots.first_document + rank,
            slots.organisation_id,
            issued_on,
            numbers[series],
            reference(*series, numbers[series]),
            slots.first_outbox,
            plan.run_id,
        )
        numbers[series] += 1
        _add_document(rows, posting, place)
    for event, move in enumerate(plan.moves, slots.first_event):
        rule_id, events, patch, state, next_theoretical, posting_rank = move
        document_id = None if posting_rank is None else slots.first_document + posting_rank
        kind = "moved" if document_id is None else "billed"
        rows.events.append((rule_id, events + 1, event, kind, document_id, patch))
        rows.states.append((rule_id, next_theoretical, state, events + 1, document_id))
    for rank, (meter_id, read_on, value, posting_rank) in enumerate(plan.estimates):
        document_id = None if posting_rank is None else slots.first_document + posting_rank
        rows.readings.append(
            (slots.first_reading + rank, meter_id, read_on, value, "estimate", document_id)
        )
    return rows


def _add_document(rows: Rows, posting: Posting, place: _Place) -> None:
    document_id, day = place.document_id, day_text(place.issued_on)
    document = _document_row(posting, place)
    lines = [(document_id, rank, *row) for rank, row in enumerate(posting.lines, 1)]
    care = [(document_id, rank, *row) for rank, row in enumerate(posting.care_lines, 1)]
    entries = [
        (document_id, rank, day, *row[:4], document_id if row[4] == 0 else row[4], row[5])
        for rank, row in enumerate(posting.entries, 1)
    ]
    rows.documents.append(document)
    rows.lines += lines
    rows.care_lines += care
    rows.entries += entries
    parts = [(*part[:5], document_id, part[5]) for part in posting.parts]
    rows.parts += parts
    for delivery in posting.deliveries:
        rows.outbox.append(_delivery_row(delivery, place, len(rows.outbox)))
    digest = content_digest(document, lines, care, entries, parts)
    rows.sequence += 1
    rows.link = chain(rows.link, place.name, digest)
    rows.links.append((place.organisation_id, rows.sequence, document_id, digest, rows.link))


def _document_row(posting: Posting, place: _Place) -> Row:
    due_on = None
    if posting.due_days is not None:
        due_on = day_text(place.issued_on + timedelta(posting.due_days))
    return (
        place.document_id, place.organisation_id, posting.journal, place.issued_on.year,
        place.number, posting.kind, day_text(place.issued_on), due_on, posting.customer_id,
        posting.site_id, posting.patient_id, posting.credits_id, posting.b2_number, posting.market,
        posting.net_cents, posting.vat_cents, posting.gross_cents, posting.part_amo_cents,
        posting.part_amc_cents, posting.part_patient_cents, posting.snapshot,
        posting.person_commitment, place.run_id,
    )  # fmt: skip


def _delivery_row(delivery: tuple[str, str, str], place: _Place, rank: int) -> Row:
    kind, partner, suffix = delivery
    key = f"{kind}:{place.organisation_id}:{place.name}"
    id_, name = place.first_outbox + rank, f"{place.name}{suffix}"
    return (id_, place.organisation_id, key, kind, partner, name, place.document_id, "todo")

"""Posting: one poster per organisation turns planned documents into rows, each written once.

Two halves. `number_rows` is pure: from a plan, the ids, numbers and chain head it may use, to the
rows of every table. `post` reserves those inside the caller's transaction and writes the rows in
bulk. Simulation calls the first half alone, so what it shows is what billing writes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, NamedTuple, Protocol

import orjson
from sqlalchemy import Connection, Table, func, select, text

from integration.database import tables
from integration.database.bulk import execute_many, insert_rows, reserve_ids
from integration.database.engine import is_sqlite
from integration.failpoints import reach

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
EVENT: Final = ("rule_id", "sequence", "kind", "document_id", "state")
READING: Final = ("id", "meter_id", "read_on", "value", "origin", "document_id")
OUTBOX: Final = (
    "id", "organisation_id", "key", "kind", "partner", "file_name", "subject_id", "state",
)  # fmt: skip

Row = tuple[Any, ...]


class Hash(Protocol):
    """A running digest of hashlib."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""


@dataclass(slots=True)
class Posting:
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
    lines: list[Row] = field(default_factory=list)
    care_lines: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)
    deliveries: tuple[tuple[str, str, str], ...] = ()


class RuleMove(NamedTuple):
    """A rule's step: `patch` is its event, `state` the cached whole after it (JSON texts).

    events: how many events the rule had when it was read; the posting fails when that changed.
    posting: rank of the document that moves it; None when the rule moves without one.
    """

    rule_id: int
    events: int
    patch: str
    state: str
    next_theoretical: str | None
    posting: int | None


@dataclass(slots=True)
class Plan:
    """Everything one chunk is about to post. `estimates`: (meter_id, read_on, value, posting)."""

    postings: list[Posting] = field(default_factory=list)
    moves: list[RuleMove] = field(default_factory=list)
    estimates: list[Row] = field(default_factory=list)
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Slots:
    """What a plan may use: first ids, first number and date floor by (journal, year), chain."""

    organisation_id: int
    first_document: int
    first_reading: int
    first_outbox: int
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

    def add_to(self, digest: Hash) -> None:
        """Add every row, as planned or posted, to a running digest."""
        for table, _, content in self.tables():
            digest.update(orjson.dumps((table.name, content)))
        digest.update(orjson.dumps((self.states, self.links)))


class Overtaken(RuntimeError):  # noqa: N818 - an outcome: somebody moved the rule first
    """The facts a plan rests on changed since they were read; plan again."""


def reference(journal: str, fiscal_year: int, number: int) -> str:
    """The number as printed: journal, year, rank (`VT2026-000042`)."""
    return f"{journal}{fiscal_year}-{number:06d}"


def content_digest(
    document: Row, lines: Iterable[Row], care: Iterable[Row], entries: Iterable[Row]
) -> str:
    """SHA-256 of a document with all its rows, as stored (dates as ISO text)."""
    content = orjson.dumps((document, *lines, *care, *entries))
    return hashlib.sha256(content).hexdigest()


def chain(previous: str, number: str, digest: str) -> str:
    """link = H(version, previous, number, content digest) (design.md, "Keys")."""
    return hashlib.sha256(f"{CHAIN_VERSION}|{previous}|{number}|{digest}".encode()).hexdigest()


def number_rows(plan: Plan, slots: Slots) -> Rows:
    """The rows of a plan; pure, so that a simulation and a posting can't differ."""
    rows = Rows(sequence=slots.sequence, link=slots.link)
    numbers = dict(slots.first_numbers)
    for rank, posting in enumerate(plan.postings):
        issued_on = slots.dates[rank]
        series = (posting.journal, issued_on.year)
        number = numbers[series]
        numbers[series] = number + 1
        _add_document(
            rows, posting, slots, slots.first_document + rank, issued_on, number, plan.run_id
        )
    for move in plan.moves:
        document_id = None if move.posting is None else slots.first_document + move.posting
        kind = "moved" if document_id is None else "billed"
        rows.events.append((move.rule_id, move.events + 1, kind, document_id, move.patch))
        rows.states.append(
            (move.rule_id, move.next_theoretical, move.state, move.events + 1, document_id)
        )
    for rank, (meter_id, read_on, value, posting_rank) in enumerate(plan.estimates):
        document_id = None if posting_rank is None else slots.first_document + posting_rank
        rows.readings.append(
            (slots.first_reading + rank, meter_id, read_on, value, "estimate", document_id)
        )
    return rows


def _add_document(
    rows: Rows,
    posting: Posting,
    slots: Slots,
    document_id: int,
    issued_on: date,
    number: int,
    run_id: int | None,
) -> None:
    day = issued_on.isoformat()
    due_on = None
    if posting.due_days is not None:
        due_on = (issued_on + timedelta(posting.due_days)).isoformat()
    document = (
        document_id, slots.organisation_id, posting.journal, issued_on.year, number, posting.kind,
        day, due_on, posting.customer_id, posting.site_id, posting.patient_id, posting.credits_id,
        posting.b2_number, posting.market, posting.net_cents, posting.vat_cents,
        posting.gross_cents, posting.part_amo_cents, posting.part_amc_cents,
        posting.part_patient_cents, posting.snapshot, posting.person_commitment, run_id,
    )  # fmt: skip
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
    rows.parts += [(*part[:5], document_id, part[5]) for part in posting.parts]
    name = reference(posting.journal, issued_on.year, number)
    for kind, partner, suffix in posting.deliveries:
        rows.outbox.append(
            (
                slots.first_outbox + len(rows.outbox),
                slots.organisation_id,
                f"{kind}:{slots.organisation_id}:{name}",
                kind,
                partner,
                f"{name}{suffix}",
                document_id,
                "todo",
            )
        )
    digest = content_digest(document, lines, care, entries)
    rows.sequence += 1
    rows.link = chain(rows.link, name, digest)
    rows.links.append((slots.organisation_id, rows.sequence, document_id, digest, rows.link))


def post(connection: Connection, organisation_id: int, plan: Plan) -> Rows:
    """Number and write a plan in the caller's transaction; all of it or, on any error, nothing.

    Raises Overtaken when a rule moved since it was read, IntegrityError when a part is already
    billed or a document doesn't balance.
    """
    if not plan.postings and not plan.moves:
        return Rows()
    rows = number_rows(plan, take_slots(connection, organisation_id, plan))
    reach("post.numbered")
    for table, columns, content in rows.tables():
        if content:
            insert_rows(connection, table, columns, content)
            reach(f"post.{table.name}")
    if rows.links:
        _insert_links(connection, rows)
        _set_head(connection, organisation_id, rows)
    _move_rules(connection, rows.states)
    reach("post.written")
    return rows


def take_slots(connection: Connection, organisation_id: int, plan: Plan) -> Slots:
    """Reserve ids, numbers and the chain's head; rolled back with the work."""
    dates = _dates(plan, _floors(connection, organisation_id))
    wanted, last = _wanted(plan, dates)
    first_numbers = {
        key: _take_numbers(connection, organisation_id, key, count, last[key])
        for key, count in sorted(wanted.items())
    }
    sequence, link = chain_head(connection, organisation_id)
    return Slots(
        organisation_id,
        first_document=reserve_ids(connection, "document", len(plan.postings)),
        first_reading=reserve_ids(connection, "reading", len(plan.estimates)),
        first_outbox=reserve_ids(connection, "outbox", _deliveries(plan)),
        first_numbers=first_numbers,
        dates=dates,
        sequence=sequence,
        link=link,
    )


class Preview:
    """Slots as `post` would take them, counted in memory over one snapshot: takes nothing."""

    def __init__(self, connection: Connection, organisation_id: int) -> None:
        self._organisation_id = organisation_id
        self._floors = _floors(connection, organisation_id)
        block, series = tables.id_block, tables.series
        self._last_ids: Counter[str] = Counter(
            {row.name: row.last_id for row in connection.execute(block.select())}
        )
        rows = connection.execute(
            series.select().where(series.c.organisation_id == organisation_id)
        )
        self._numbers = Counter({(r.journal, r.fiscal_year): r.last_number for r in rows})
        self._head = chain_head(connection, organisation_id)

    def slots(self, plan: Plan) -> Slots:
        """The slots of the next plan."""
        dates = _dates(plan, self._floors)
        wanted, _ = _wanted(plan, dates)
        sequence, link = self._head
        slots = Slots(
            self._organisation_id,
            self._last_ids["document"] + 1,
            self._last_ids["reading"] + 1,
            self._last_ids["outbox"] + 1,
            {key: self._numbers[key] + 1 for key in wanted},
            dates,
            sequence,
            link,
        )
        self._numbers.update(wanted)
        taken = {"document": len(plan.postings), "reading": len(plan.estimates)}
        self._last_ids.update({**taken, "outbox": _deliveries(plan)})
        return slots

    def advance(self, rows: Rows) -> None:
        """Go on from the head that the rows lead to."""
        if rows.links:
            self._head = (rows.sequence, rows.link)


def _deliveries(plan: Plan) -> int:
    return sum(len(posting.deliveries) for posting in plan.postings)


def _wanted(
    plan: Plan, dates: list[date]
) -> tuple[Counter[tuple[str, int]], dict[tuple[str, int], date]]:
    keys = [(p.journal, day.year) for p, day in zip(plan.postings, dates, strict=True)]
    return Counter(keys), dict(zip(keys, dates, strict=True))


@dataclass(slots=True)
class _Floors:
    closed_until: date | None
    by_journal: dict[str, date]


def _floors(connection: Connection, organisation_id: int) -> _Floors:
    organisation, series = tables.organisation, tables.series
    closed = connection.scalar(
        select(organisation.c.closed_until).where(organisation.c.id == organisation_id)
    )
    found = connection.execute(
        select(series.c.journal, func.max(series.c.last_date))
        .where(series.c.organisation_id == organisation_id)
        .group_by(series.c.journal)
    )
    return _Floors(closed, {journal: last for journal, last in found if last is not None})


def _dates(plan: Plan, floors: _Floors) -> list[date]:
    """A posting is never dated before the last of its series, nor on a closed day."""
    dates: list[date] = []
    for posting in plan.postings:
        day = posting.issued_on
        if floors.closed_until is not None and day <= floors.closed_until:
            day = floors.closed_until + timedelta(1)
        day = max(day, floors.by_journal.get(posting.journal, day))
        floors.by_journal[posting.journal] = day
        dates.append(day)
    return dates


def _take_numbers(
    connection: Connection, organisation_id: int, key: tuple[str, int], count: int, last: date
) -> int:
    sql = text(
        "INSERT INTO series (organisation_id, journal, fiscal_year, last_number, last_date) "
        "VALUES (:organisation, :journal, :year, :count, :last) "
        "ON CONFLICT (organisation_id, journal, fiscal_year) DO UPDATE SET "
        "last_number = series.last_number + excluded.last_number, last_date = excluded.last_date "
        "RETURNING last_number"
    )
    journal, year = key
    values = {
        "organisation": organisation_id,
        "journal": journal,
        "year": year,
        "count": count,
        "last": last.isoformat() if is_sqlite(connection) else last,
    }
    last_number: int = connection.execute(sql, values).scalar_one()
    return last_number - count + 1


def chain_head(connection: Connection, organisation_id: int) -> tuple[int, str]:
    """Sequence and link of the last posted document; (0, GENESIS) before the first."""
    head = tables.chain_head
    row = connection.execute(
        head.select().where(head.c.organisation_id == organisation_id).with_for_update()
    ).first()
    return (row.sequence, row.link) if row else (0, GENESIS)


_BALANCE: Final = (
    "SELECT document_id, sum(debit_cents) AS debit, sum(credit_cents) AS credit FROM entry "
    "WHERE document_id BETWEEN {first} AND {last} GROUP BY document_id"
)


def _insert_links(connection: Connection, rows: Rows) -> None:
    """Each link takes its sums from the entries just written, under CHECK (debit = credit)."""
    if is_sqlite(connection):
        execute_many(
            connection,
            "INSERT INTO chain_link (organisation_id, sequence, document_id, version, digest, link,"
            f" debit_cents, credit_cents) SELECT ?, ?, document_id, {CHAIN_VERSION}, ?, ?,"
            " sum(debit_cents), sum(credit_cents) FROM entry WHERE document_id = ?",
            [(org, seq, digest, link, doc) for org, seq, doc, digest, link in rows.links],
        )
        return
    balance = _BALANCE.format(first=rows.links[0][2], last=rows.links[-1][2])
    inserted = connection.connection.cursor().execute(
        "INSERT INTO chain_link SELECT v.organisation_id, v.sequence, v.document_id,"
        f" {CHAIN_VERSION}, v.digest, v.link, b.debit, b.credit FROM unnest("
        "%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])"
        " AS v(organisation_id, sequence, document_id, digest, link)"
        f" LEFT JOIN ({balance}) b ON b.document_id = v.document_id",
        [list(column) for column in zip(*rows.links, strict=True)],
    )
    if inserted.rowcount != len(rows.links):
        raise AssertionError("a document lost its chain link")


def _move_rules(connection: Connection, states: list[Row]) -> None:
    """Move the cached states, each only from the event count it was planned on."""
    if not states:
        return
    raw: Any = connection.connection.cursor()
    if is_sqlite(connection):
        raw.executemany(
            "UPDATE rule_state SET next_theoretical = ?, state = ?, events = ?,"
            " last_document_id = coalesce(?, last_document_id) WHERE rule_id = ? AND events = ?",
            [(n, state, e, doc, rule, e - 1) for rule, n, state, e, doc in states],
        )
    else:
        raw.execute(
            "UPDATE rule_state SET next_theoretical = v.n, state = v.s, events = v.e,"
            " last_document_id = coalesce(v.d, last_document_id) FROM unnest(%s::bigint[],"
            " %s::date[], %s::text[], %s::bigint[], %s::bigint[]) AS v(r, n, s, e, d)"
            " WHERE rule_state.rule_id = v.r AND rule_state.events = v.e - 1",
            [list(column) for column in zip(*states, strict=True)],
        )
    if raw.rowcount != len(states):
        raise Overtaken(f"{len(states) - raw.rowcount} rule(s) moved since they were read")


def _set_head(connection: Connection, organisation_id: int, rows: Rows) -> None:
    connection.execute(
        text(
            "INSERT INTO chain_head (organisation_id, sequence, link) VALUES (:org, :seq, :link) "
            "ON CONFLICT (organisation_id) DO UPDATE SET sequence = excluded.sequence, "
            "link = excluded.link"
        ),
        {"org": organisation_id, "seq": rows.sequence, "link": rows.link},
    )

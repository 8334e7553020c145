"""Care invoices to the funds, in B2 files: one lot a file, fewer than 1000 records.

What leaves is decided and numbered in one transaction with its outbox row; the bytes themselves
hold NIR, so they aren't kept: they are made again from what was posted and compared with the
digest. Sources: reference on B2, §1.1; spec of teletransmission, "Formats".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text

from config.teletransmission import B2Choices, Recipient
from formats.b2 import Invoice, packed, write
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.database import tables
from integration.database.bulk import insert_rows, reserve_ids
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.failpoints import reach
from integration.persons import Vault
from integration.posting import OUTBOX, Row
from integration.translate.teletransmission import Envelope, Sender, b2_file, invoice_of

NO_RECIPIENT: Final = Code(
    "TEL-110",
    "Le centre informatique de la caisse {fund} n'est pas connu :"
    " {invoices} facture(s) attend(ent).",
    "Ajoutez la caisse à « teletransmission.centres » de la configuration.",
)
CHANGED: Final = Code(
    "TEL-111",
    "Le fichier B2 {file_id} ne se refait pas à l'identique : l'identité d'un assuré ou la"
    " configuration a changé depuis sa constitution.",
    "Rétablissez la configuration, ou refaites l'envoi après accord de la caisse.",
)

CHUNK: Final = 1000
"""Invoices a transaction: some ten files."""
LAST_LOT: Final = 999
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))

TRANSMISSION: Final = (
    "id", "organisation_id", "file_identifier", "recipient_kind", "recipient", "lot", "created_on",
    "invoices", "gross_cents", "part_amo_cents", "part_amc_cents", "digest",
)  # fmt: skip
ITEM: Final = ("document_id", "attempt", "transmission_id", "position")


@dataclass(frozen=True, slots=True)
class Teletransmitter:
    """What teletransmission needs of the house."""

    engine: Engine
    vault: Vault
    organisation_id: int
    choices: B2Choices


@dataclass(slots=True)
class TransmissionReport:
    """What was sent, in cents. `waiting`: invoices whose period isn't over yet."""

    work_date: date
    files: int = 0
    invoices: int = 0
    gross_cents: int = 0
    part_amo_cents: int = 0
    part_amc_cents: int = 0
    waiting: int = 0
    anomalies: list[Anomaly] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Posted:
    """An invoice ready to leave: its id and its B2 form."""

    id: int
    invoice: Invoice

    @property
    def amounts(self) -> tuple[int, int, int]:
        """Total, AMO and AMC asked, in cents."""
        lines = self.invoice.lines
        return (
            sum(line.total_cents for line in lines),
            sum(line.amo_cents for line in lines),
            sum(line.amc_cents for line in lines),
        )


def teletransmit(house: Teletransmitter, work_date: date) -> TransmissionReport:
    """Number the files of everything a fund owes and never got, a chunk a transaction.

    An invoice that can't be written is left out with its reasons; the others go.
    """
    report = TransmissionReport(work_date)
    with snapshot(house.engine) as connection:
        sender = sender_of(connection, house.organisation_id)
        addressed = _addressed(connection, house, report)
    for first in range(0, len(addressed), CHUNK):
        with house.engine.begin() as connection:
            for recipient, group in groupby(
                addressed[first : first + CHUNK], key=lambda one: one[0]
            ):
                _send_all(connection, house, sender, recipient, [id_ for _, id_ in group], report)
        reach("teletransmit.chunk")
    return report


def sender_of(connection: Connection, organisation_id: int) -> Sender:
    """Our number, that of the health insurance before FINESS, and our name."""
    ((am_number, finess, name),) = _SQL.rows(connection, "sender", organisation=organisation_id)
    return Sender(am_number or finess, name)


# --- who gets what ----------------------------------------------------------------------------


def _addressed(
    connection: Connection, house: Teletransmitter, report: TransmissionReport
) -> list[tuple[Recipient, int]]:
    """Invoices to send with their recipient, by recipient then id."""
    rows = _SQL.rows(
        connection, "candidates", organisation=house.organisation_id, work_date=report.work_date
    )
    lost: dict[str, int] = {}
    found = []
    for id_, told, until in rows:
        if date.fromisoformat(str(until)) > report.work_date:
            report.waiting += 1  # care is billed to the fund once it is over (§1.4, rule 8)
            continue
        amo = json.loads(told)["amo"]
        recipient = house.choices.recipient(amo["scheme"], amo["fund"])
        if recipient is None:
            fund = f"{amo['scheme']} {amo['fund']}"
            lost[fund] = lost.get(fund, 0) + 1
        else:
            found.append((recipient, id_))
    report.anomalies += [
        Anomaly(NO_RECIPIENT, values={"fund": fund, "invoices": count})
        for fund, count in sorted(lost.items())
    ]
    return sorted(found)


# --- one recipient ----------------------------------------------------------------------------


def _send_all(
    connection: Connection,
    house: Teletransmitter,
    sender: Sender,
    recipient: Recipient,
    documents: Sequence[int],
    report: TransmissionReport,
) -> None:
    posted, anomalies = _gathered(connection, house.vault, documents)
    report.anomalies += anomalies
    files = []
    for members in _packed(posted):
        envelope = _envelope(connection, house.organisation_id, recipient, report.work_date)
        file = _written(envelope, sender, house.choices, members, report)
        files += [file] if file else []
    _insert(connection, house, files)
    for file in files:
        _tell(report, file.members)


@dataclass(frozen=True, slots=True)
class _File:
    """One file, numbered and written."""

    envelope: Envelope
    members: Sequence[_Posted]
    content: bytes

    @property
    def sha256(self) -> bytes:
        """Of the bytes; never written down as it is, they hold NIRs."""
        return hashlib.sha256(self.content).digest()


def _insert(connection: Connection, house: Teletransmitter, files: Sequence[_File]) -> None:
    """Transmissions, their items and their deliveries; the bytes stay out of the database."""
    organisation_id = house.organisation_id
    first = reserve_ids(connection, "transmission", len(files))
    deliveries = reserve_ids(connection, "outbox", len(files))
    numbered = list(enumerate(files, first))
    rows = [
        _transmission(id_, organisation_id, file, house.vault.digest(connection, file.sha256))
        for id_, file in numbered
    ]
    items = [
        (one.id, 0, id_, place)
        for id_, file in numbered
        for place, one in enumerate(file.members, 1)
    ]
    outbox = [
        _delivery(deliveries + rank, organisation_id, file.envelope, first + rank)
        for rank, file in enumerate(files)
    ]
    insert_rows(connection, tables.transmission, TRANSMISSION, rows)
    insert_rows(connection, tables.transmission_item, ITEM, items)
    insert_rows(connection, tables.outbox, OUTBOX, outbox)
    reach("teletransmit.written")


def _written(
    envelope: Envelope,
    sender: Sender,
    choices: B2Choices,
    posted: Sequence[_Posted],
    report: TransmissionReport,
) -> _File | None:
    """The file of the invoices that can be written; the reasons of the others are reported."""
    try:
        return _File(envelope, posted, _content(envelope, sender, choices, posted))
    except AnomaliesFound:
        refused = {one.id: _refusal(envelope, sender, choices, one) for one in posted}
    for one in posted:
        report.anomalies += [a.at(_place(one.invoice)) for a in refused[one.id]]
    sound = [one for one in posted if not refused[one.id]]
    if not sound:
        return None
    return _File(envelope, sound, _content(envelope, sender, choices, sound))


def _refusal(
    envelope: Envelope, sender: Sender, choices: B2Choices, posted: _Posted
) -> tuple[Anomaly, ...]:
    try:
        _content(envelope, sender, choices, [posted])
    except AnomaliesFound as found:
        return found.anomalies
    return ()


def _place(invoice: Invoice) -> Place:
    return Place(pointer=f"facture B2 {invoice.number}")


def _gathered(
    connection: Connection, vault: Vault, documents: Sequence[int]
) -> tuple[list[_Posted], list[Anomaly]]:
    """Posted invoices in the order asked, and why some can't take the B2 form."""
    rows = {row[0]: row for row in _SQL.rows(connection, "documents", documents=documents)}
    lines = _SQL.rows(connection, "lines", documents=documents)
    by_document = {id_: list(group) for id_, group in groupby(lines, key=lambda row: row[0])}
    people = vault.load(connection, {id_ for row in rows.values() for id_ in row[4:6]})
    posted: list[_Posted] = []
    anomalies: list[Anomaly] = []
    for id_ in documents:
        try:
            invoice = invoice_of(rows[id_], by_document.get(id_, ()), people)
        except AnomaliesFound as found:
            anomalies += found.anomalies
        else:
            posted.append(_Posted(id_, invoice))
    return posted, anomalies


def _packed(posted: Sequence[_Posted]) -> Iterator[list[_Posted]]:
    """The same in order, cut where their files are."""
    following = iter(posted)
    for group in packed(one.invoice for one in posted):
        yield list(islice(following, len(group)))


def _content(
    envelope: Envelope, sender: Sender, choices: B2Choices, posted: Iterable[_Posted]
) -> bytes:
    return write(b2_file(envelope, sender, choices, (one.invoice for one in posted)))


# --- numbers and rows -------------------------------------------------------------------------


def _envelope(
    connection: Connection, organisation_id: int, recipient: Recipient, created_on: date
) -> Envelope:
    """The next file of a recipient: identifier in base 36, lot from 1 to 999 and again."""
    file_number = _next(connection, organisation_id, "b2_file")
    lot = (_next(connection, organisation_id, f"b2_lot:{recipient.number}") - 1) % LAST_LOT + 1
    return Envelope(recipient, _base36(file_number), lot, created_on)


def _next(connection: Connection, organisation_id: int, name: str) -> int:
    sql = text(
        "INSERT INTO counter (organisation_id, name, last_value) VALUES (:id, :name, 1) "
        "ON CONFLICT (organisation_id, name) DO UPDATE SET last_value = counter.last_value + 1 "
        "RETURNING last_value"
    )
    value: int = connection.execute(sql, {"id": organisation_id, "name": name}).scalar_one()
    return value


def _base36(number: int) -> str:
    """Six characters; past two billion files the identifier no longer fits and raises."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _ALPHABET[rest] + digits
    if len(digits) > 6:
        raise ValueError("file identifiers are used up")
    return digits.rjust(6, "0")


def _transmission(id_: int, organisation_id: int, file: _File, digest: str) -> Row:
    envelope, members = file.envelope, file.members
    return (
        id_,
        organisation_id,
        envelope.file_id,
        envelope.recipient.kind,
        envelope.recipient.number,
        envelope.lot,
        envelope.created_on.isoformat(),
        len(members),
        *(sum(amounts) for amounts in zip(*(one.amounts for one in members), strict=True)),
        digest,
    )


def _delivery(id_: int, organisation_id: int, envelope: Envelope, transmission_id: int) -> Row:
    """The outbox row: key and name hold our own numbers only."""
    return (
        id_,
        organisation_id,
        f"b2:{organisation_id}:{envelope.file_id}",
        "b2",
        "folder",
        f"{envelope.file_id}-{envelope.recipient.number}-{envelope.lot:03d}.b2",
        transmission_id,
        "todo",
    )


def _tell(report: TransmissionReport, members: Sequence[_Posted]) -> None:
    report.files += 1
    report.invoices += len(members)
    report.gross_cents += sum(one.amounts[0] for one in members)
    report.part_amo_cents += sum(one.amounts[1] for one in members)
    report.part_amc_cents += sum(one.amounts[2] for one in members)


# --- made again when they leave ---------------------------------------------------------------


def b2_bytes(
    connection: Connection, vault: Vault, choices: B2Choices, transmission_id: int
) -> bytes:
    """The file of a transmission, the same bytes each time.

    Raises AnomaliesFound (TEL-111) when they aren't those that were numbered.
    """
    (row,) = _SQL.rows(connection, "transmission", id=transmission_id)
    organisation_id, file_id, kind, recipient, lot, created_on, digest = row
    documents = [id_ for (id_,) in _SQL.rows(connection, "items", id=transmission_id)]
    posted, anomalies = _gathered(connection, vault, documents)
    envelope = Envelope(
        Recipient(recipient, kind), file_id, lot, date.fromisoformat(str(created_on))
    )
    changed = Anomaly(CHANGED, values={"file_id": file_id})
    if anomalies:
        raise AnomaliesFound(changed, *anomalies)
    try:
        content = _content(envelope, sender_of(connection, organisation_id), choices, posted)
    except AnomaliesFound as found:
        raise AnomaliesFound(changed, *found.anomalies) from found
    if vault.digest(connection, hashlib.sha256(content).digest()) != digest:
        raise AnomaliesFound(changed)
    return content


def b2_maker(
    vault: Vault, choices: B2Choices
) -> Callable[[Connection, list[int], Executor], Iterable[bytes]]:
    """What the outbox calls for rows of kind `b2`."""

    def make(connection: Connection, subjects: list[int], executor: Executor) -> Iterable[bytes]:
        del executor  # a file is made in milliseconds
        return [b2_bytes(connection, vault, choices, subject) for subject in subjects]

    return make

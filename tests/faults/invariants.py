"""What holds of a home whatever happened to it: each check yields its faults as sentences."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, text

from integration.database.engine import make_engine, snapshot
from integration.database.tables import metadata
from integration.flows.verify import verify
from integration.kept import SUFFIX, opened
from integration.persons import Vault, open_vault
from tests.faults.scenario import Home

ORGANISATION: Final = 1
UNTOLD: Final = {("occurrence", "report")}
"""A step that was cut and played again reports the rest only."""
TRACES: Final = {"outbox_event"}
"""Tries are told one by one, those that were cut too."""
LIVING: Final = ("done", "error", "outbox", "reports")
PASSING: Final = ("inbox", "processing")


@dataclass(frozen=True)
class Books:
    """A home in digests: every table, every file that stays."""

    tables: Mapping[str, str]
    files: Mapping[str, str]


def books(home: Home) -> Books:
    """What two runs must agree on, byte for byte."""
    engine = make_engine(home.url)
    try:
        with snapshot(engine) as connection:
            names = metadata.tables.keys() - TRACES
            tables = {name: _digest(connection, name) for name in sorted(names)}
    finally:
        engine.dispose()
    return Books(tables, files(home, LIVING))


def _digest(connection: Connection, name: str) -> str:
    """Of a table's rows in key order, in a writing both databases share."""
    table = metadata.tables[name]
    columns = [column for column in table.columns if (name, column.name) not in UNTOLD]
    rows = connection.execute(
        table.select().with_only_columns(*columns).order_by(*table.primary_key)
    )
    return hashlib.sha256(repr([tuple(map(_plain, row)) for row in rows]).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return bytes(value) if isinstance(value, memoryview) else value


def files(home: Home, folders: tuple[str, ...]) -> dict[str, str]:
    """SHA-256 of every file of some folders, by path below the home."""
    vault = open_vault(home.settings.person_key)
    return {
        str(path.relative_to(home.folder)): content_of(vault, path)
        for folder in folders
        for path in sorted((home.folder / folder).rglob("*"))
        if path.is_file()
    }


def content_of(vault: Vault, path: Path) -> str:
    """SHA-256 of what a file holds, opened when it is kept encrypted."""
    if path.suffix != SUFFIX:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(b"".join(opened(vault, path))).hexdigest()


def faults(home: Home, arrived: Mapping[str, int]) -> Iterator[str]:
    """Everything wrong with a home at rest. arrived: how often each content came in, by SHA-256."""
    engine = make_engine(home.url)
    try:
        found = verify(engine, ORGANISATION)
        if found.fault:
            yield f"verify: {found.fault}"
        with snapshot(engine) as connection:
            for name, sql in QUERIES.items():
                for row in connection.execute(text(sql)):
                    yield f"{name}: {tuple(row)}"
            yield from _deliveries(connection, home)
    finally:
        engine.dispose()
    yield from _places(home, arrived)


QUERIES: Final = {
    "a part stands on several uncredited lines": """
        SELECT p.subject_kind, p.subject_id, p.part, p.unit, count(*) FROM billed_part p
        WHERE NOT EXISTS (SELECT 1 FROM document c WHERE c.credits_id = p.document_id)
        GROUP BY p.subject_kind, p.subject_id, p.part, p.unit HAVING count(*) <> 1""",
    "a part stands on no line": """
        SELECT p.document_id, p.line_position FROM billed_part p LEFT JOIN document_line l
        ON l.document_id = p.document_id AND l.position = p.line_position
        WHERE l.document_id IS NULL""",
    "a line has no part": """
        SELECT l.document_id, l.position FROM document_line l LEFT JOIN billed_part p
        ON p.document_id = l.document_id AND p.line_position = l.position
        WHERE p.document_id IS NULL""",
    "numbers aren't 1..n": """
        SELECT s.journal, s.fiscal_year, s.last_number, count(d.id), max(d.number)
        FROM series s LEFT JOIN document d ON d.organisation_id = s.organisation_id
        AND d.journal = s.journal AND d.fiscal_year = s.fiscal_year
        GROUP BY s.journal, s.fiscal_year, s.last_number
        HAVING count(d.id) <> s.last_number OR coalesce(max(d.number), 0) <> s.last_number""",
    "B2 numbers aren't 1..n": """
        SELECT count(b2_number), max(b2_number) FROM document
        HAVING count(b2_number) <> coalesce(max(b2_number), 0)""",
    "debit isn't credit": """
        SELECT document_id, sum(debit_cents), sum(credit_cents) FROM entry
        GROUP BY document_id HAVING sum(debit_cents) <> sum(credit_cents)""",
    "a document has no link": """
        SELECT d.id FROM document d LEFT JOIN chain_link c ON c.document_id = d.id
        WHERE c.document_id IS NULL""",
    "an invoice left in several files": """
        SELECT document_id, count(*) FROM transmission_item
        GROUP BY document_id HAVING count(*) <> 1""",
    "an answer of the fund was taken twice": """
        SELECT invoice_id, share, count(*) FROM return_line
        GROUP BY invoice_id, share HAVING count(*) <> 1""",
    "a file was imported twice": """
        SELECT digest, count(*) FROM received_file WHERE state = 'imported'
        GROUP BY digest HAVING count(*) <> 1""",
    "a delivery is still to do": "SELECT key FROM outbox WHERE state <> 'sent'",
    "a delivery is still leased": "SELECT key FROM outbox WHERE lease_token IS NOT NULL",
    "a delivery is told as made several times, or never": """
        SELECT o.key, count(e.event) FROM outbox o LEFT JOIN outbox_event e
        ON e.outbox_id = o.id AND e.event = 'delivered'
        GROUP BY o.key HAVING count(e.event) <> 1""",
    "a delivery was made that hadn't begun": """
        SELECT e.outbox_id FROM outbox_event e WHERE e.event = 'delivered' AND NOT EXISTS
        (SELECT 1 FROM outbox_event b WHERE b.outbox_id = e.outbox_id AND b.event = 'begun'
        AND b.sequence < e.sequence)""",
}


def _deliveries(connection: Connection, home: Home) -> Iterator[str]:
    """One file a row of the outbox, with the bytes it says, and nothing else."""
    folder, vault = home.settings.folders.outbox, open_vault(home.settings.person_key)
    there = [path for path in folder.rglob("*") if path.is_file()]
    content = {
        path.name.removesuffix(SUFFIX): _known_as(connection, vault, content_of(vault, path), path)
        for path in there
    }
    if len(content) != len(there):
        yield "the outbox holds a file twice"
    said = {
        row.file_name: row.sha256 or row.digest
        for row in connection.execute(
            text(
                "SELECT file_name, sha256, digest FROM outbox LEFT JOIN transmission t"
                " ON kind = 'b2' AND t.id = subject_id"
            )
        )
    }
    for name in sorted(said.keys() | content.keys()):
        if said.get(name) != content.get(name):
            yield f"delivery {name}: {content.get(name, 'no file')}, not {said.get(name)}"


def _known_as(connection: Connection, vault: Vault, sha256: str, path: Path) -> str:
    """What the database says of a file: an HMAC where it holds NIRs."""
    kept = path.suffix == SUFFIX
    return vault.digest(connection, bytes.fromhex(sha256)) if kept else sha256


def _places(home: Home, arrived: Mapping[str, int]) -> Iterator[str]:
    """Each file that came in lies in `done/` or `error/`, once, and nowhere else."""
    for path in files(home, PASSING):
        yield f"{path} was left behind"
    filed = files(home, ("done", "error"))
    found = Counter(sha for path, sha in filed.items() if not path.endswith(".err.txt"))
    for sha in sorted(found.keys() | arrived.keys()):
        if found[sha] != arrived.get(sha, 0):
            yield f"file {sha[:8]} came {arrived.get(sha, 0)} time(s) and is kept {found[sha]}"
    for path in sorted((home.folder).rglob("*.part")):
        yield f"{path.name} was left half-written"


def differences(expected: Books, actual: Books) -> Iterator[str]:
    """Tables and files that aren't those of the undisturbed run."""
    for kind, before, after in (
        ("table", expected.tables, actual.tables),
        ("file", expected.files, actual.files),
    ):
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield f"{kind} {name} isn't as after an undisturbed run"

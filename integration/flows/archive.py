"""The signed archive of a closed period: written from the books, checked without them.

Members: `documents.jsonl` (each document with its rows, as they were hashed), `links.jsonl` (the
chain through them), `closings.jsonl`, and the invoices' PDFs that are there. Persons stand in it as
salted commitments: never a NIR or a name in clear, but on the PDFs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, Engine

from billing.closing import Kind, Period, period_of
from formats.archive import Archive, Member, opened, write
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.ed25519 import Signer, is_genuine
from integration.database.engine import snapshot
from integration.durable import sync, sync_path
from integration.flows.closing import SQL, Closing, read_closings
from integration.flows.verify import documents
from integration.posting import GENESIS, chain, content_digest, reference

OPEN: Final = Code(
    "LED-961",
    "La période {period} n'est pas close.",
    "Clôturez-la avec « echeance close », puis archivez-la.",
)
NO_PERIOD: Final = Code(
    "LED-962", "« {value} » n'est pas une période.", "Écrivez AAAA, AAAA-MM ou AAAA-MM-JJ."
)
UNCHAINED: Final = Code(
    "LED-963",
    "Dans l'archive, {what} ne suit pas la chaîne.",
    "Demandez une copie saine de l'archive, et faites contrôler les livres d'où elle vient.",
)
_DOCUMENTS: Final = "documents.jsonl"
_LINKS: Final = "links.jsonl"
_CLOSINGS: Final = "closings.jsonl"


class Archivist(NamedTuple):
    """Who archives: books, name, key, and where invoices lie."""

    engine: Engine
    organisation_id: int
    organisation: str
    signer: Signer
    invoices: Path


class Checked(NamedTuple):
    """What a sound archive holds."""

    organisation: str
    period: str
    documents: int
    public_key: str


def period_named(text: str) -> Period:
    """`2026`, `2026-01` or `2026-01-31`. Raises AnomaliesFound (LED-962)."""
    parts = text.split("-")
    try:
        if not re.fullmatch(r"\d{4}(-\d{2}){0,2}", text):
            raise ValueError(text)
        day = date(*(int(part) for part in [*parts, "1", "1"][:3]))
    except ValueError:
        raise AnomaliesFound(Anomaly(NO_PERIOD, values={"value": text})) from None
    return period_of((Kind.YEAR, Kind.MONTH, Kind.DAY)[len(parts) - 1], day)


def export_archive(house: Archivist, period: Period, folder: Path) -> Path:
    """Write the archive under a name not taken yet; the same content keeps its name.

    Raises AnomaliesFound (LED-961).
    """
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    name = f"{house.organisation}-{period.kind}-{period.since}"
    part = folder / f".{name}.part"
    try:
        with snapshot(house.engine) as connection, part.open("w+b") as stream:
            about = _about(connection, house, period)
            write(stream, _members(connection, house, period, about), about, house.signer)
            stream.flush()
            sync(stream.fileno(), folder / f"{name}.zip")
        final = _free(folder, name, part.read_bytes())
        part.replace(final)
        sync_path(folder)
    finally:
        part.unlink(missing_ok=True)
    return final


def _free(folder: Path, name: str, content: bytes) -> Path:
    """`NAME.zip`, or `NAME-2.zip`… when an archive made earlier held something else."""
    rank, path = 1, folder / f"{name}.zip"
    while path.exists() and path.read_bytes() != content:
        rank += 1
        path = folder / f"{name}-{rank}.zip"
    return path


def _about(connection: Connection, house: Archivist, period: Period) -> dict[str, Any]:
    closings = list(read_closings(connection, house.organisation_id))
    if not any((one.kind, one.since) == (period.kind, f"{period.since}") for one in closings):
        named = f"{period.since:%d/%m/%Y}-{period.last_day:%d/%m/%Y}"
        raise AnomaliesFound(Anomaly(OPEN, values={"period": named}))
    bounds = {"organisation": house.organisation_id, **_dates(period)}
    ((first_id, last_id, first, last),) = SQL.rows(connection, "stretch", **bounds)
    before = SQL.rows(
        connection,
        "digests",
        organisation=house.organisation_id,
        after=(first or 1) - 2,
        upto=(first or 1) - 1,
    )
    return {
        "format": "echeance-archive-1",
        "organisation": house.organisation,
        "kind": period.kind.value,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "ids": [first_id or 0, last_id or 0],
        "sequences": [first or 0, last or 0],
        "previous_link": before[0][5] if before else GENESIS,
    }


def _dates(period: Period) -> dict[str, date]:
    return {"since": period.since, "until": period.until}


def _members(
    connection: Connection, house: Archivist, period: Period, about: Mapping[str, Any]
) -> Iterator[Member]:
    first, last = about["sequences"]
    links = SQL.rows(
        connection, "digests", organisation=house.organisation_id, after=first - 1, upto=last
    )
    closings = (
        one
        for one in read_closings(connection, house.organisation_id)
        if about["since"] <= one.since and one.until <= about["until"]
    )
    yield Member(_DOCUMENTS, _jsonl(_dated(connection, house, period, about["ids"])))
    yield Member(_LINKS, _jsonl((row[0], reference(*row[1:4]), *row[4:]) for row in links))
    yield Member(_CLOSINGS, _jsonl(closings))
    bounds = {"organisation": house.organisation_id, **_dates(period)}
    for (name,) in SQL.rows(connection, "invoices", **bounds):
        path = house.invoices / name
        if path.is_file():
            yield Member(f"factures/{name}", [path.read_bytes()])


def _dated(
    connection: Connection, house: Archivist, period: Period, ids: list[int]
) -> Iterator[Any]:
    """Documents dated in the period, with the rows their digest covers."""
    since, until = period.since.isoformat(), period.until.isoformat()
    found = documents(connection, house.organisation_id, ids[0] - 1, ids[1])
    return (rows[:-1] for rows in found if since <= rows[0][6] < until)


def _jsonl(rows: Iterator[Any]) -> Iterator[bytes]:
    return (orjson.dumps(tuple(row)) + b"\n" for row in rows)


# -- without the books -------------------------------------------------------------------------


def check_archive(path: Path, trusted: Collection[str] = ()) -> Checked:
    """What the archive holds, every byte and link of it sound.

    Raises AnomaliesFound (FMT-761 to FMT-763, LED-963), naming what isn't.
    """
    with path.open("rb") as stream:
        archive = opened(stream, trusted)
        digests = dict(_chained(archive))
        _closed(archive, digests)
        count = 0
        for document, *rows in archive.lines(_DOCUMENTS):
            number = reference(*document[2:5])
            if digests.get(number, ("",))[0] != content_digest(document, *rows):
                raise _unchained(number)
            count += 1
    about = archive.manifest
    period = f"{about['since']}..{about['until']}"
    return Checked(about["organisation"], period, count, archive.public_key)


def _chained(archive: Archive) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """number → digest, rank and link, each link following from the one before."""
    link = archive.manifest["previous_link"]
    for sequence, number, digest, stored in archive.lines(_LINKS):
        link = chain(link, number, digest)
        if link != stored:
            raise _unchained(number)
        yield number, (digest, sequence, link)


def _closed(archive: Archive, digests: Mapping[str, tuple[str, int, str]]) -> None:
    """Closings are signed, and name links of the chain where it passes by."""
    links = {sequence: link for _, sequence, link in digests.values()}
    for row in archive.lines(_CLOSINGS):
        one = Closing(*row)
        passed = links.get(one.chain_sequence, one.chain_link)
        genuine = is_genuine(one.public_key, one.signed, one.signature)
        if not genuine or passed != one.chain_link:
            raise _unchained(f"la clôture n° {one.sequence}")


def _unchained(what: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(UNCHAINED, values={"what": what}))

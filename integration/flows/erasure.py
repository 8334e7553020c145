"""A patient erased after the legal term: the books still verify, nobody is told any more.

The digests of posted documents cover a salted commitment. Erasing removes what is sealed and the
salt: nothing can be guessed from the commitment, and no posted row changes. Kept files that quote
the NIR are written anew with the person's values struck out, printed invoices removed.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, select, update

from config.retention import term_of
from config.settings import Folders
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.engine import is_sqlite
from integration.database.rehearsal import is_rehearsal
from integration.database.sql import Queries
from integration.database.tables import cover_amc, cover_amo, patient, person
from integration.durable import write_whole
from integration.failpoints import reach
from integration.flows.rotation import kept_folders
from integration.kept import SUFFIX, opened, rewrite
from integration.keys import KEY_BYTES
from integration.persons import PersonalFields, Vault

TOO_EARLY: Final = Code(
    "RUN-531",
    "Le patient {patient} ne peut être effacé avant le {term:%d/%m/%Y} ({source}).",
    "Attendez ce terme ; d'ici là, son identité reste chiffrée.",
)
NO_PATIENT: Final = Code("RUN-532", "Le patient « {patient} » n'existe pas.", "Vérifiez son code.")
NEEDED: Final = Code(
    "RUN-533",
    "L'identité du patient {patient} est celle de l'assuré d'autres patients.",
    "Effacez d'abord ceux-ci, à leur terme, puis celui-ci.",
)

NEAR: Final = 512
"""Bytes around a NIR in which the other values of its person are struck out."""
_LEAST: Final = 3  # shorter values would strike out half a file
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(slots=True)
class Erased:
    """What was erased."""

    persons: int = 0
    files: int = 0
    invoices: int = 0


@dataclass(frozen=True, slots=True)
class Eraser:
    """What an erasure needs of the house."""

    engine: Engine
    organisation_id: int
    vault: Vault
    folders: Folders
    today: date


def erase(house: Eraser, code: str) -> Erased:
    """Erase a patient; killed on the way and run again, it ends the same.

    Files first: finding them takes the NIR. Raises AnomaliesFound (RUN-531, RUN-532).
    """
    done = Erased()
    with house.engine.begin() as connection:
        id_, ids = _allowed(connection, house, code)
        people = [one for one in house.vault.load(connection, ids).values() if one.nir]
        names = [name for (name,) in _SQL.rows(connection, "invoices", patient=id_)]
    for path in _texts(house.folders):
        done.files += _struck(house.vault, path, people)
        reach("erase.file")
    done.invoices = _remove(house.folders.outbox, names)
    with house.engine.begin() as connection:
        if is_sqlite(connection):
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        done.persons = _emptied(connection, id_, ids)
        reach("erase.emptied")
    if not is_rehearsal(house.engine):
        _scrub(house.engine)
    return done


def _allowed(connection: Connection, house: Eraser, code: str) -> tuple[int, list[int]]:
    """The patient's id and the persons that nobody else needs."""
    query = select(patient.c.id).where(
        patient.c.organisation_id == house.organisation_id, patient.c.code == code
    )
    id_ = connection.scalar(query)
    if id_ is None:
        raise AnomaliesFound(Anomaly(NO_PATIENT, values={"patient": code}))
    ((last,),) = _SQL.rows(connection, "last_act", patient=id_)
    if last is not None:
        term, rule = term_of(date.fromisoformat(str(last)[:10]))
        if house.today < term:
            values = {"patient": code, "term": term, "source": rule.source}
            raise AnomaliesFound(Anomaly(TOO_EARLY, values=values))
    rows = _SQL.rows(connection, "own_persons", patient=id_)
    if not any(own for _, own in rows):
        raise AnomaliesFound(Anomaly(NEEDED, values={"patient": code}))
    return id_, [person_id for person_id, _ in rows]


def _emptied(connection: Connection, patient_id: int, ids: Collection[int]) -> int:
    for one in ids:
        nothing = {"sealed": b"", "salt": b"", "nir_index": secrets.token_bytes(KEY_BYTES)}
        connection.execute(update(person).where(person.c.id == one).values(nothing))
    for table in (cover_amo, cover_amc):
        connection.execute(delete(table).where(table.c.patient_id == patient_id))
    return len(ids)


def _scrub(engine: Engine) -> None:
    """What was deleted leaves the disk too: free pages, journal, dead rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if is_sqlite(connection):
            raw: Any = connection.connection.driver_connection
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                raw.execute(statement).fetchall()
        else:
            for table in ("person", "cover_amc"):
                connection.exec_driver_sql(f"VACUUM FULL {table}")


# --- files ------------------------------------------------------------------------------------


def _texts(folders: Folders) -> Iterator[Path]:
    """Files that came in or were made, links and reasons left out."""
    for folder in kept_folders(folders):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix not in (".txt", ".pdf"):
                yield path


def _struck(vault: Vault, path: Path, people: Iterable[PersonalFields]) -> bool:
    """Write the file anew without these persons; False when it doesn't name them."""
    kept = path.suffix == SUFFIX
    content = b"".join(opened(vault, path)) if kept else path.read_bytes()
    after = content
    for one in people:
        after = struck_out(after, one)
    if after == content:
        return False
    if kept:
        rewrite(vault, path, after)
    else:
        write_whole(path, after)
    return True


def struck_out(content: bytes, one: PersonalFields) -> bytes:
    """The same length, NIR as zeros, and beside it names, birth date and address as `*`."""
    nir = one.nir.encode()
    values = _spellings(one)
    result, at = bytearray(content), content.find(nir)
    while at >= 0:
        since, until = max(0, at - NEAR), at + len(nir) + NEAR
        near = bytes(result[since:until]).replace(nir, b"0" * len(nir))
        for value in values:
            near = near.replace(value, b"*" * len(value))
        result[since:until] = near
        at = content.find(nir, at + 1)
    return bytes(result)


def _spellings(one: PersonalFields) -> list[bytes]:
    """Each value as files write it: as it is, in capitals, without accents; dates as they come."""
    birth = one.birth_date
    dates = [birth, birth[2:], f"{birth[:4]}-{birth[4:6]}-{birth[6:]}"]
    texts = [one.family_name, one.given_name, *one.address]
    plain = [_unaccented(text) for text in texts]
    told = {*texts, *map(str.upper, texts), *plain, *map(str.upper, plain), *dates}
    encoded = {text.encode(code, "ignore") for text in told for code in ("utf-8", "latin-1")} | {
        text.encode("unicode_escape") for text in told
    }
    return sorted((value for value in encoded if len(value) >= _LEAST), key=len, reverse=True)


def _unaccented(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _remove(outbox: Path, names: Collection[str]) -> int:
    """Printed invoices of the patient, ours to destroy after the term."""
    wanted = set(names)
    found = [path for path in outbox.rglob("*.pdf") if path.name in wanted]
    for path in found:
        path.unlink()
        reach("erase.invoice")
    return len(found)

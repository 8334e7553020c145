"""Another key for persons and kept files: everything sealed with the old one is sealed anew.

Killed anywhere and run again it goes on: the next key lies beside the current one until nothing of
the old is left, and both open meanwhile. A row or a file that already has the new key is passed
over. Only then does the next key take the place of the current one, which is kept as retired: the
backups of before still need it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, select

from config.settings import Folders, Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.alone import alone
from integration.database.bulk import execute_many
from integration.database.tables import person
from integration.durable import sync_path
from integration.failpoints import reach
from integration.kept import header_of, kept_below, reseal
from integration.keys import VARIABLE, create_key, in_a_file, next_file, read_keys
from integration.persons import Vault

NO_NEXT_KEY: Final = Code(
    "CFG-503",
    "La clé n'est pas un fichier de ce dossier, et la suivante manque.",
    f"Donnez-la dans {VARIABLE}_NEXT, ou en secret systemd « persons.key.next ».",
)

CHUNK: Final = 500
_RESEAL: Final = "UPDATE person SET sealed = ?, nir_index = ? WHERE id = ?"


@dataclass(slots=True)
class Rotated:
    """What was sealed anew. by_hand: the keys aren't files of ours, a person puts them in place."""

    persons: int = 0
    files: int = 0
    by_hand: bool = False
    anomalies: list[Anomaly] = field(default_factory=list)


def rotate(engine: Engine, settings: Settings) -> Rotated:
    """Seal everything with the next key, made here when keys are files, and retire the old one.

    Raises AnomaliesFound (CFG-501…503). A file that doesn't open stays as it is and is told.
    """
    with alone(engine, "keys"):
        vault = _both(settings.person_key)
        done = Rotated(by_hand=not in_a_file(settings.person_key))
        done.persons = _persons(engine, vault)
        with engine.begin() as connection:
            vault.reseal_digest_key(connection)
        reach("keys.digests")
        for path in kept_below(*kept_folders(settings.folders)):
            _file(vault, path, done)
        done.persons += _persons(engine, vault)  # what a run of before sealed meanwhile
        if not done.by_hand:
            _retire(settings.person_key, vault)
        return done


def kept_folders(folders: Folders) -> tuple[Path, ...]:
    """Where kept files lie."""
    return folders.done, folders.error, folders.outbox


def key_ids(connection: Connection) -> dict[bytes, int]:
    """How many persons are sealed with which key, by its public id."""
    found: dict[bytes, int] = {}
    for (sealed,) in connection.execute(select(person.c.sealed)):
        if sealed:  # an erased person has none
            id_ = bytes(sealed[1:5])
            found[id_] = found.get(id_, 0) + 1
    return found


def _both(path: Path) -> Vault:
    keys = read_keys(path)
    if keys.following is None:
        if not in_a_file(path):
            raise AnomaliesFound(Anomaly(NO_NEXT_KEY))
        create_key(next_file(path))
        reach("keys.made")
        keys = read_keys(path)
    return Vault(*keys.in_order)


def _persons(engine: Engine, vault: Vault) -> int:
    """A chunk a transaction, in id order."""
    after, count = 0, 0
    query = select(person.c.id, person.c.sealed, person.c.nir_index).order_by(person.c.id)
    while True:
        with engine.begin() as connection:
            page = query.where(person.c.id > after).limit(CHUNK).with_for_update()
            rows = connection.execute(page).all()
            stale = [row for row in rows if row.sealed and row.sealed[:5] != vault.head]
            anew = [_anew(vault, row.id, bytes(row.sealed), row.nir_index) for row in stale]
            execute_many(connection, _RESEAL, anew)
            reach("keys.resealed")
        reach("keys.chunk")
        if not rows:
            return count
        after, count = rows[-1].id, count + len(stale)


def _anew(vault: Vault, id_: int, sealed: bytes, index: bytes) -> tuple[bytes, bytes, int]:
    """Raises AnomaliesFound (RUN-501)."""
    fields = vault.open(id_, sealed)
    return vault.seal(id_, fields), vault.nir_index(fields.nir) if fields.nir else index, id_


def _file(vault: Vault, path: Path, done: Rotated) -> None:
    try:
        done.files += reseal(vault, path)
    except AnomaliesFound as found:
        done.anomalies += found.anomalies
    reach("keys.file")


def _retire(path: Path, vault: Vault) -> None:
    """The old key under its id, then the next one in its place: a key is never missing."""
    retired = path.with_name(f"{path.name}.retired-{vault.ids[1].hex()}")
    if not retired.exists():
        os.link(path, retired)
    sync_path(path.parent)
    reach("keys.retired")
    next_file(path).replace(path)
    sync_path(path.parent)
    reach("keys.replaced")


def mixed_files(vault: Vault, folders: Folders) -> int:
    """Kept files that aren't sealed with the first key of the vault."""
    heads = (header_of(path) for path in kept_below(*kept_folders(folders)))
    return sum(head is not None and head.key_id != vault.ids[0] for head in heads)

"""The vault: what identifies a person lies in the database as ciphertext only (design, "Persons").

`sealed` = key version (1 byte) | nonce (12) | AES-256-GCM of the fields, with the key version and
the row's id as associated data: a sealed value moved to another row doesn't open. `nir_index` is
an HMAC, for exact match. Sealing and indexing use two keys derived from the one on disk.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, select

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.tables import person

BAD_KEY_FILE: Final = Code(
    "CFG-501",
    "Le fichier de clé « {name} » n'est pas utilisable : {cause}.",
    "Rétablissez la sauvegarde de la clé : droits 0600, 32 octets, jamais un lien.",
)
UNOPENABLE: Final = Code(
    "RUN-501",
    "L'identité n° {person} ne s'ouvre pas avec la clé en service.",
    "Vérifiez que le fichier de clé est celui de cette base, puis la sauvegarde de la base.",
)

KEY_BYTES: Final = 32
KEY_VERSION: Final = 1
SALT_BYTES: Final = 16
_MODE: Final = 0o600
_NONCE_BYTES: Final = 12
_CHUNK: Final = 500  # ids a query: below the variable limit of every SQLite


@dataclass(frozen=True, slots=True)
class PersonalFields:
    """What identifies a person. None of it is ever printed: `repr` shows no value.

    nir:        13 characters, "" when the person has none of their own (a child).
    birth_date: YYYYMMDD as text; lunar dates have month or day 00, or months above 12.
    """

    nir: str = field(repr=False)
    nir_key: str = field(repr=False)
    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    birth_date: str = field(repr=False)
    address: tuple[str, ...] = field(default=(), repr=False)


def create_key(path: Path) -> None:
    """Write a new random key, readable by its owner alone.

    Raises FileExistsError rather than overwrite a key: what it sealed would be lost.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), _MODE)  # whatever the umask says
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def open_vault(path: Path) -> Vault:
    """The vault of the key in `path`.

    Raises AnomaliesFound (CFG-501) when the file is missing, a link, not 0600, or not 32 bytes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        cause = "il n'existe pas" if missing else "il ne s'ouvre pas, ou c'est un lien"
        raise _refused(path, cause) from error
    with os.fdopen(handle, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode != _MODE:
            raise _refused(path, f"droits {mode:04o} au lieu de 0600")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise _refused(path, f"sa longueur n'est pas {KEY_BYTES} octets")
    return Vault(key)


def _refused(path: Path, cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(BAD_KEY_FILE, values={"name": path.name, "cause": cause}))


def new_salt() -> bytes:
    """A salt for `commitment`, drawn once a person."""
    return secrets.token_bytes(SALT_BYTES)


def commitment(fields: PersonalFields, salt: bytes) -> str:
    """Salted SHA-256 of a person, hexadecimal: what digests of documents cover."""
    return hashlib.sha256(salt + _encoded(fields)).hexdigest()


class Vault:
    """Seals and opens persons with one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derived(key, b"echeance person seal v1"))
        self._index_key = _derived(key, b"echeance nir index v1")

    def seal(self, person_id: int, fields: PersonalFields) -> bytes:
        """Ciphertext for the row `person_id` alone; never twice the same bytes."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        bound = _bound_to(person_id)
        return bytes([KEY_VERSION]) + nonce + self._cipher.encrypt(nonce, _encoded(fields), bound)

    def open(self, person_id: int, sealed: bytes) -> PersonalFields:
        """The fields sealed for that row. Raises AnomaliesFound (RUN-501) otherwise."""
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != bytes([KEY_VERSION]):
                raise InvalidTag
            return _decoded(self._cipher.decrypt(nonce, text, _bound_to(person_id)))
        except (InvalidTag, ValueError) as error:
            anomaly = Anomaly(UNOPENABLE, values={"person": person_id})
            raise AnomaliesFound(anomaly) from error

    def nir_index(self, nir: str) -> bytes:
        """HMAC-SHA256 of a NIR. A person without one gets random bytes, which match nobody."""
        if not nir:
            return secrets.token_bytes(KEY_BYTES)
        return hmac.digest(self._index_key, nir.encode("ascii"), "sha256")

    def name_index(self, name: str) -> bytes:
        """HMAC-SHA256 of a name alone; case and spaces around and between don't count.

        It matches no NIR, whose index starts from digits only.
        """
        return self.index_of("name", " ".join(name.casefold().split()))

    def index_of(self, *parts: str) -> bytes:
        """HMAC-SHA256 of some texts, for exact match."""
        return hmac.digest(self._index_key, json.dumps(parts).encode(), "sha256")

    def load(self, connection: Connection, ids: Collection[int]) -> dict[int, PersonalFields]:
        """Open many persons at once, by id. Raises KeyError for an id that doesn't exist."""
        wanted = sorted(set(ids))
        found: dict[int, PersonalFields] = {}
        for first in range(0, len(wanted), _CHUNK):
            chunk = wanted[first : first + _CHUNK]
            query = select(person.c.id, person.c.sealed).where(person.c.id.in_(chunk))
            found.update(
                (row.id, self.open(row.id, row.sealed)) for row in connection.execute(query)
            )
        if len(found) != len(wanted):
            raise KeyError(min(set(wanted) - found.keys()))
        return found


def salts(connection: Connection, ids: Collection[int]) -> Mapping[int, bytes]:
    """The commitment salts of these persons, by id."""
    wanted = sorted(set(ids))
    found: dict[int, bytes] = {}
    for first in range(0, len(wanted), _CHUNK):
        chunk = wanted[first : first + _CHUNK]
        query = select(person.c.id, person.c.salt).where(person.c.id.in_(chunk))
        found.update((row.id, row.salt) for row in connection.execute(query))
    return found


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


def _bound_to(person_id: int) -> bytes:
    return bytes([KEY_VERSION]) + person_id.to_bytes(8, "big")


def _encoded(fields: PersonalFields) -> bytes:
    values = (
        fields.nir,
        fields.nir_key,
        fields.family_name,
        fields.given_name,
        fields.birth_date,
        *fields.address,
    )
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


def _decoded(text: bytes) -> PersonalFields:
    nir, nir_key, family_name, given_name, birth_date, *address = json.loads(text)
    return PersonalFields(nir, nir_key, family_name, given_name, birth_date, tuple(address))

"""The vault: what identifies a person lies in the database as ciphertext only (design, "Persons").

`sealed` = format (1 byte) | key id (4) | nonce (12) | AES-256-GCM of the fields, with format, key
id and the row's id as associated data: a sealed value moved to another row doesn't open.
`nir_index` is an HMAC, for exact match. Each use has a key of its own, derived from the one in
service. While keys are rotated the vault seals with the next key and opens with both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, select, text

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.tables import person
from integration.keys import KEY_BYTES, read_keys

UNOPENABLE: Final = Code(
    "RUN-501",
    "L'identité n° {person} ne s'ouvre pas avec la clé en service.",
    "Vérifiez que le fichier de clé est celui de cette base, puis la sauvegarde de la base.",
)
NO_DIGEST_KEY: Final = Code(
    "RUN-502",
    "La clé des empreintes de la base ne s'ouvre pas avec la clé en service.",
    "Vérifiez que la clé des identités est celle de cette base.",
)

SEALED_FORMAT: Final = 1
ID_BYTES: Final = 4
SALT_BYTES: Final = 16
_DIGESTS: Final = "digests"
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = 1 + ID_BYTES
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


ERASED: Final = PersonalFields("", "", "(effacé)", "", "")
"""Who a person is after an erasure."""


def open_vault(path: Path) -> Vault:
    """The vault of the keys in service, `path` their file. Raises AnomaliesFound (CFG-501…)."""
    return Vault(*read_keys(path).in_order)


def new_salt() -> bytes:
    """A salt for `commitment`, drawn once a person."""
    return secrets.token_bytes(SALT_BYTES)


def commitment(fields: PersonalFields, salt: bytes) -> str:
    """Salted SHA-256 of a person, hexadecimal: what digests of documents cover."""
    return hashlib.sha256(salt + _encoded(fields)).hexdigest()


class Index:
    """HMACs of texts, for exact match; their key outlives rotations, so nothing is known twice."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def name(self, name: str) -> bytes:
        """Of a name alone; case and spaces around and between don't count.

        It matches no NIR, whose index has another key.
        """
        return self.of("name", " ".join(name.casefold().split()))

    def of(self, *parts: str) -> bytes:
        """Of some texts."""
        return hmac.digest(self._key, json.dumps(parts).encode(), "sha256")


class Vault:
    """Seals with the first 32-byte key, opens with any of them."""

    def __init__(self, *keys: bytes) -> None:
        self.ids = tuple(_derived(key, b"echeance key id v1")[:ID_BYTES] for key in keys)
        self._keys = dict(zip(self.ids, keys, strict=True))
        seals = [AESGCM(_derived(key, b"echeance person seal v1")) for key in keys]
        self._ciphers = dict(zip(self.ids, seals, strict=True))
        self._index_keys = [_derived(key, b"echeance nir index v1") for key in keys]

    @property
    def head(self) -> bytes:
        """What everything sealed today begins with: the format and the key's public id."""
        return bytes([SEALED_FORMAT]) + self.ids[0]

    def seal(self, person_id: int, fields: PersonalFields) -> bytes:
        """Ciphertext for the row `person_id` alone; never twice the same bytes."""
        return self._sealed(_encoded(fields), person_id.to_bytes(8, "big"))

    def open(self, person_id: int, sealed: bytes) -> PersonalFields:
        """The fields sealed for that row; ERASED when it was emptied.

        Raises AnomaliesFound (RUN-501) when the row is somebody else's, or under another key.
        """
        if not sealed:
            return ERASED
        try:
            return _decoded(self._opened(sealed, person_id.to_bytes(8, "big")))
        except (InvalidTag, ValueError) as error:
            anomaly = Anomaly(UNOPENABLE, values={"person": person_id})
            raise AnomaliesFound(anomaly) from error

    def _sealed(self, content: bytes, bound: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self.ids[0]]
        return self.head + nonce + cipher.encrypt(nonce, content, self.head + bound)

    def _opened(self, sealed: bytes, bound: bytes) -> bytes:
        """Raises InvalidTag, ValueError."""
        head, rest = sealed[:_HEAD_BYTES], sealed[_HEAD_BYTES:]
        cipher = self._ciphers.get(head[1:])
        if head[:1] != bytes([SEALED_FORMAT]) or cipher is None:
            raise InvalidTag
        return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + bound)

    def nir_index(self, nir: str) -> bytes:
        """HMAC-SHA256 of a NIR. A person without one gets random bytes, which match nobody."""
        return self.nir_indices(nir)[0]

    def nir_indices(self, nir: str) -> tuple[bytes, ...]:
        """Every index a NIR may stand under while keys are rotated, the newest first."""
        if not nir:
            return (secrets.token_bytes(KEY_BYTES),)
        return tuple(hmac.digest(key, nir.encode("ascii"), "sha256") for key in self._index_keys)

    def file_key(self, key_id: bytes, salt: bytes) -> bytes | None:
        """The key of one kept file; None when its master key isn't in service."""
        key = self._keys.get(key_id)
        return None if key is None else _derived(key, b"echeance kept file v1", salt)

    def digest(self, connection: Connection, content_sha256: bytes) -> str:
        """What the database keeps of a content that may hold a NIR: an HMAC, hexadecimal.

        Its key is random, sealed in the database and outlives rotations, so that a content is
        known again; without the key of persons nothing can be guessed from it.
        """
        return hmac.digest(self._digest_key(connection), content_sha256, "sha256").hex()

    def _digest_key(self, connection: Connection) -> bytes:
        """Made at its first use. Raises AnomaliesFound (RUN-502)."""
        found = connection.execute(_SECRET, {"name": _DIGESTS}).scalar()
        if found is None:
            sealed = self._sealed(secrets.token_bytes(KEY_BYTES), _DIGESTS.encode())
            connection.execute(_NEW_SECRET, {"name": _DIGESTS, "sealed": sealed})
            found = connection.execute(_SECRET, {"name": _DIGESTS}).scalar_one()
        try:
            return self._opened(bytes(found), _DIGESTS.encode())
        except InvalidTag as error:
            raise AnomaliesFound(Anomaly(NO_DIGEST_KEY)) from error

    def reseal_digest_key(self, connection: Connection) -> None:
        """Seal the key of digests with the first key; the key itself stays."""
        sealed = self._sealed(self._digest_key(connection), _DIGESTS.encode())
        connection.execute(_RESEAL_SECRET, {"name": _DIGESTS, "sealed": sealed})

    def index(self, connection: Connection) -> Index:
        """What knows texts again whatever key is in service. Raises AnomaliesFound (RUN-502)."""
        return Index(self._digest_key(connection))

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


_SECRET: Final = text("SELECT sealed FROM sealed_secret WHERE name = :name")
_NEW_SECRET: Final = text(
    "INSERT INTO sealed_secret (name, sealed) VALUES (:name, :sealed) ON CONFLICT DO NOTHING"
)
_RESEAL_SECRET: Final = text("UPDATE sealed_secret SET sealed = :sealed WHERE name = :name")


def _derived(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(key)


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

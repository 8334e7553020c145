"""A ZIP that says who signed it and what of it was altered."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.ed25519 import (
    PUBLIC_BYTES,
    SIGNATURE_BYTES,
    Signer,
    is_genuine,
    public_pem,
)

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PUBLIC_KEY: Final = "public_key.pem"
_OWN: Final = (MANIFEST, SIGNATURE, PUBLIC_KEY)
_MAGIC: Final = b"ECHEANCE-1 "
_SEAL: Final = len(_MAGIC) + 2 * PUBLIC_BYTES + 1 + 2 * SIGNATURE_BYTES
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of every member: the same content, the same bytes
_CHUNK: Final = 1 << 20
LARGEST_BYTES: Final = 1 << 32  # of a member once inflated: a bomb stops here

_ASK: Final = "Demandez une copie saine de l'archive."
NOT_SEALED: Final = Code("FMT-761", "Ce n'est pas une archive signée, ou son sceau manque.", _ASK)
ALTERED: Final = Code("FMT-762", "L'archive est altérée : {what}.", _ASK)
STRANGER: Final = Code(
    "FMT-763",
    "L'archive est signée par la clé {key}, qui n'est pas celle attendue.",
    "Vérifiez auprès de l'émetteur la clé publique de ses archives.",
)


class Member(NamedTuple):
    """A file of the archive, its content in pieces."""

    name: str
    pieces: Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Archive:
    """A sound archive: who signed it, what its manifest says, and its files."""

    public_key: str
    manifest: Mapping[str, Any]
    zip: zipfile.ZipFile

    def lines(self, name: str) -> Iterator[Any]:
        """The records of a JSON Lines member."""
        with self.zip.open(name) as file:
            for line in file:
                yield json.loads(line)


def write(
    stream: BinaryIO, members: Iterable[Member], about: Mapping[str, Any], signer: Signer
) -> None:
    """Write an archive on a stream that can be read and sought."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = {member.name: _added(archive, member) for member in members}
        manifest = {**about, "public_key": signer.public, "members": listed}
        content = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
        signature = bytes.fromhex(signer.sign(content))
        own = (content, signature, public_pem(signer.public))
        for name, piece in zip(_OWN, own, strict=True):
            _added(archive, Member(name, [piece]))
        archive.comment = b"-" * _SEAL
    digest = _digest(stream, stream.seek(0, 2) - _SEAL)
    stream.write(_MAGIC + f"{signer.public} {signer.sign(digest)}".encode())


def _added(archive: zipfile.ZipFile, member: Member) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(member.name, _EPOCH)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    with archive.open(info, "w", force_zip64=True) as file:
        for piece in member.pieces:
            digest.update(piece)
            size += len(piece)
            file.write(piece)
    return {"sha256": digest.hexdigest(), "bytes": size}


def _digest(stream: BinaryIO, length: int) -> bytes:
    """SHA-256 of the first bytes; leaves the stream just behind them."""
    digest = hashlib.sha256()
    stream.seek(0)
    for start in range(0, length, _CHUNK):
        digest.update(stream.read(min(_CHUNK, length - start)))
    return digest.digest()


def opened(stream: BinaryIO, trusted: Iterable[str] = ()) -> Archive:
    """A sound archive. Raises AnomaliesFound naming what is altered (FMT-761, FMT-762, FMT-763).

    trusted: public keys one believes; without any, the archive vouches for itself alone.
    """
    size = stream.seek(0, 2)
    public, signature = _seal(stream, size)
    whole = is_genuine(public, _digest(stream, max(size - _SEAL, 0)), signature)
    what = _altered(stream)
    if what or not whole:
        raise _found(ALTERED, what=what or "les en-têtes du ZIP, ou son sceau")
    archive = zipfile.ZipFile(stream)
    manifest = json.loads(archive.read(MANIFEST))
    known = list(trusted)
    if manifest["public_key"] != public or (known and public not in known):
        raise _found(STRANGER, key=public)
    return Archive(public, manifest, archive)


def _seal(stream: BinaryIO, size: int) -> tuple[str, str]:
    stream.seek(max(size - _SEAL, 0))
    magic, *rest = stream.read().partition(b" ")
    public, _, signature = rest[-1].partition(b" ")
    if magic + b" " != _MAGIC or len(signature) != 2 * SIGNATURE_BYTES:
        raise AnomaliesFound(Anomaly(NOT_SEALED))
    return public.decode("ascii", "replace"), signature.decode("ascii", "replace")


def _altered(stream: BinaryIO) -> str:
    """The first thing that isn't as it was signed; empty when all members are."""
    try:
        archive = zipfile.ZipFile(stream)
        names = archive.namelist()
        manifest = _read(archive, MANIFEST)
        listed: dict[str, Any] = json.loads(manifest)["members"]
        public = str(json.loads(manifest)["public_key"])
        signature = _read(archive, SIGNATURE).hex()
    except _UNREADABLE:
        return "le répertoire ou le manifeste ne se lit plus"
    if not is_genuine(public, manifest, signature):
        return f"{MANIFEST} ou {SIGNATURE}"
    if sorted(names) != sorted((*listed, *_OWN)):
        return "des fichiers ont été ajoutés ou retirés"
    for name, expected in listed.items():
        if _unlike(archive, name, expected):
            return name
    return ""


_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError,
    RuntimeError, OSError, TypeError,
)  # fmt: skip
"""What a damaged ZIP makes its reader raise."""


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _CHUNK * 64:
        raise ValueError(name)
    return archive.read(name)


def _unlike(archive: zipfile.ZipFile, name: str, expected: Mapping[str, Any]) -> bool:
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(name) as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
                size += len(piece)
                if size > min(expected["bytes"], LARGEST_BYTES):
                    return True
    except _UNREADABLE:
        return True
    return (digest.hexdigest(), size) != (expected["sha256"], expected["bytes"])


def _found(code: Code, **values: object) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(code, values=values))

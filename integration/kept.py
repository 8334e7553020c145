"""Kept files that hold a NIR: encrypted at rest, in bounded memory whatever their size.

    magic (8) | key id (4) | salt (16) | origin (16) | blocks of 64 KiB, each AES-256-GCM

A file has a key of its own, made of the key of persons and the salt. A block is sealed with its
rank and whether it is the last, and with the header and the file's name as associated data: cut,
reordered, renamed or put elsewhere under another name, the file doesn't open. The salt depends on
name and content alone: the same file is the same bytes, so that a killed run finds its own work.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.durable import in_the_making, sync, sync_path
from integration.failpoints import reach
from integration.persons import ID_BYTES, SALT_BYTES, Vault

NOT_KEPT: Final = Code(
    "RUN-511",
    "« {name} » n'est pas un fichier conservé chiffré.",
    "Donnez un fichier en .enc des dossiers done, error ou outbox.",
)
UNKNOWN_KEY: Final = Code(
    "RUN-512",
    "« {name} » est chiffré avec une clé qui n'est plus en service.",
    "Remettez en place la clé retirée qui allait avec cette sauvegarde.",
)
DAMAGED: Final = Code(
    "RUN-513",
    "« {name} » ne s'ouvre pas : il a été coupé, modifié ou renommé.",
    "Rendez-lui son nom d'origine, ou reprenez-le d'une sauvegarde.",
)

SUFFIX: Final = ".enc"
MAGIC: Final = b"ECHENC1\n"
BLOCK: Final = 64 << 10
_TAG: Final = 16
_ORIGIN: Final = 16
_HEAD: Final = len(MAGIC) + ID_BYTES + SALT_BYTES + _ORIGIN


@dataclass(frozen=True, slots=True)
class Header:
    """What can be read of a kept file without its key."""

    key_id: bytes
    salt: bytes
    origin: bytes

    @property
    def encoded(self) -> bytes:
        """As the file begins."""
        return MAGIC + self.key_id + self.salt + self.origin


def origin_of(text: str) -> bytes:
    """What tells two copies of one content apart: where each came from, never what it holds."""
    return hashlib.sha256(text.encode()).digest()[:_ORIGIN]


def header_of(path: Path) -> Header | None:
    """The header of a kept file; None when it isn't one."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if len(head) != _HEAD or not head.startswith(MAGIC):
        return None
    at = len(MAGIC) + ID_BYTES
    return Header(head[len(MAGIC) : at], head[at : at + SALT_BYTES], head[at + SALT_BYTES :])


def keep(vault: Vault, source: BinaryIO, folder: Path, name: str, origin: str) -> Path:
    """Write `name`.enc whole, or find it there from a killed run.

    Raises FileExistsError when another file bears the name: nothing is overwritten.
    """
    final = folder / f"{name}{SUFFIX}"
    mark = origin_of(origin)
    if final.exists():
        return _found(final, mark)
    part = folder / f".{mark.hex()}.part"
    with in_the_making(part, final):
        _write(vault, source, part, name, mark)
    reach("kept.part")
    try:
        os.link(part, final)
    except FileExistsError:
        _found(final, mark)
    part.unlink(missing_ok=True)
    sync_path(folder)
    reach("kept.linked")
    return final


def _found(final: Path, mark: bytes) -> Path:
    head = header_of(final)
    if head is None or head.origin != mark:
        raise FileExistsError(f"{final.name} existe déjà")
    final.with_name(f".{mark.hex()}.part").unlink(missing_ok=True)
    return final


def deliver_kept(vault: Vault, folder: Path, name: str, content: bytes) -> None:
    """A file made by us, once: the same content already there counts as delivered.

    Raises FileExistsError when another content stands under the name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    final = keep(vault, BytesIO(content), folder, name, name)
    again = hashlib.sha256()
    for block in opened(vault, final):
        again.update(block)
    if again.digest() != hashlib.sha256(content).digest():
        raise FileExistsError(f"{name} existe déjà avec un autre contenu")


def opened(vault: Vault, path: Path) -> Iterator[bytes]:
    """The content of a kept file, block by block. Raises AnomaliesFound (RUN-511…513)."""
    named = {"name": path.name}
    head = header_of(path)
    if head is None or path.suffix != SUFFIX:
        raise AnomaliesFound(Anomaly(NOT_KEPT, values=named))
    key = vault.file_key(head.key_id, head.salt)
    if key is None:
        raise AnomaliesFound(Anomaly(UNKNOWN_KEY, values=named))
    try:
        yield from _blocks(AESGCM(key), path, head.encoded + path.stem.encode())
    except InvalidTag as error:
        raise AnomaliesFound(Anomaly(DAMAGED, values=named)) from error


def _blocks(cipher: AESGCM, path: Path, bound: bytes) -> Iterator[bytes]:
    """Raises InvalidTag."""
    with path.open("rb") as file:
        file.seek(_HEAD)
        rank, block = 0, file.read(BLOCK + _TAG)
        while block:
            following = file.read(BLOCK + _TAG)
            yield cipher.decrypt(_nonce(rank, last=not following), block, bound)
            rank, block = rank + 1, following
    if not rank:
        raise InvalidTag


def rewrite(vault: Vault, path: Path, content: bytes) -> None:
    """Another content for a kept file, whole or not at all; its name and origin stay."""
    head = header_of(path)
    assert head is not None  # whoever rewrites has read it
    _replace(vault, path, head.origin, lambda: _read(BytesIO(content)))


def reseal(vault: Vault, path: Path) -> bool:
    """Encrypt a kept file anew with the key in service; False when it already is.

    Whole or not at all: killed, the old file stands. Raises AnomaliesFound (RUN-511…513).
    """
    head = header_of(path)
    if head is None or head.key_id == vault.ids[0]:
        return False
    _replace(vault, path, head.origin, lambda: opened(vault, path))
    return True


def _replace(
    vault: Vault, path: Path, origin: bytes, blocks: Callable[[], Iterator[bytes]]
) -> None:
    part = path.with_name(f".{origin.hex()}.part")
    salt = _salt(vault, blocks(), path.stem, origin)
    with in_the_making(part, path):
        _sealed(vault, blocks(), part, path.stem, Header(vault.ids[0], salt, origin))
    reach("kept.part")
    part.replace(path)
    sync_path(path.parent)


def kept_below(*folders: Path) -> Iterator[Path]:
    """Every kept file of these folders, in order; links are left alone."""
    for folder in folders:
        for path in sorted(folder.rglob(f"*{SUFFIX}")):
            if path.is_file() and not path.is_symlink() and header_of(path) is not None:
                yield path


def _write(vault: Vault, source: BinaryIO, part: Path, name: str, mark: bytes) -> None:
    start = source.tell()
    salt = _salt(vault, _read(source), name, mark)
    source.seek(start)
    _sealed(vault, _read(source), part, name, Header(vault.ids[0], salt, mark))


def _salt(vault: Vault, blocks: Iterator[bytes], name: str, mark: bytes) -> bytes:
    """Keyed: it tells nobody else whether two contents are the same."""
    key = vault.file_key(vault.ids[0], b"salts")
    assert key is not None
    content = hashlib.sha256()
    for block in blocks:
        content.update(block)
    bound = mark + content.digest() + name.encode()
    return hmac.digest(key, bound, "sha256")[:SALT_BYTES]


def _sealed(vault: Vault, blocks: Iterator[bytes], part: Path, name: str, head: Header) -> None:
    """Not truncated before it is written: two workers at the same file write the same bytes."""
    key = vault.file_key(head.key_id, head.salt)
    assert key is not None
    cipher, bound = AESGCM(key), head.encoded + name.encode()
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(head.encoded)
        rank, block = 0, next(blocks, b"")
        while True:
            following = next(blocks, b"")
            file.write(cipher.encrypt(_nonce(rank, last=not following), block, bound))
            if not following:
                break
            rank, block = rank + 1, following
        file.truncate()
        file.flush()
        sync(file.fileno(), part)


def _read(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(BLOCK):
        yield block


def _nonce(rank: int, *, last: bool) -> bytes:
    return rank.to_bytes(11, "big") + bytes([last])

"""The folder transport: a file appears whole under its final name, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from integration.durable import TOO_MUCH, BrokenDiskError, in_the_making, sync, sync_path
from integration.failpoints import reach
from integration.kept import deliver_kept
from integration.persons import Vault
from integration.transport.protocol import PERSONAL, Item, Receipt, RefusedError, UnreachableError


@dataclass(slots=True)
class Folder:
    """A partner's folder, with a sub-folder a kind where `folders` names one."""

    folder: Path
    folders: dict[str, str] = field(default_factory=dict)
    vault: Vault | None = None  # of the built-in folder: what holds NIRs is kept encrypted there
    ours: bool = False  # on our own disk: without it nothing else would be kept either
    together: int = 100  # the same bytes under the same name: a second time changes nothing

    def open(self) -> None:
        """The folder is made when it is missing. Raises UnreachableError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnreachableError(f"dossier inaccessible ({error.strerror})") from None

    def prepare(self, item: Item) -> None:
        """Nothing is gained by it here."""

    def deliver(self, item: Item) -> Receipt:
        """Raises RefusedError when other bytes stand under the name, UnreachableError on a disk
        that doesn't take the file (full, read-only); OSError when that disk is ours."""
        try:
            proof = self._put(self.folder / self.folders.get(item.kind, ""), item)
        except FileExistsError:
            raise RefusedError("un autre contenu y porte déjà ce nom") from None
        except OSError as error:
            if isinstance(error, BrokenDiskError) or (self.ours and error.errno in TOO_MUCH):
                raise
            raise UnreachableError(f"écriture refusée ({error.strerror})", link=False) from None
        return Receipt(proof)

    def _put(self, folder: Path, item: Item) -> str:
        if item.kind not in PERSONAL:
            return f"sha256 {deliver(folder, item.name, item.content)}"
        if self.vault is None:
            deliver(folder, item.name, item.content)
        else:
            deliver_kept(self.vault, folder, item.name, item.content)
        return f"{len(item.content)} octets"

    def check(self) -> str:
        """Whether files may be put there."""
        self.open()
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise UnreachableError("le dossier n'est pas ouvert en écriture")
        return "dossier ouvert en écriture"

    def close(self) -> None:
        """Nothing is held."""


def deliver(folder: Path, name: str, content: bytes) -> str:
    """Write `name` by way of `.name.part`, fsync and rename; returns the SHA-256.

    The same bytes already there count as delivered: a lost answer sends nothing twice.
    Raises FileExistsError when other bytes stand under the name: nothing is overwritten.
    """
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / name
    if final.exists():
        if hashlib.sha256(final.read_bytes()).hexdigest() == digest:
            return digest
        raise FileExistsError(f"{name} existe déjà avec un autre contenu")
    part = folder / f".{name}.part"
    with in_the_making(part, final), part.open("wb") as file:
        reach("folder.opened")
        file.write(content)
        file.flush()
        sync(file.fileno(), final)
    reach("folder.part")
    part.rename(final)
    sync_path(folder)
    reach("folder.renamed")
    return digest

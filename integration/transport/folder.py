"""The folder transport: a file appears whole under its final name, or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from integration.failpoints import reach


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
    with part.open("wb") as file:
        reach("folder.opened")
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    reach("folder.part")
    part.rename(final)
    _sync(folder)
    reach("folder.renamed")
    return digest


def _sync(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

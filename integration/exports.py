"""Files other systems fetch: written whole under their final name, kept, never overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.durable import in_the_making, sync, sync_path
from integration.failpoints import reach

OTHER_CONTENT: Final = Code(
    "LED-943",
    "« {name} » existe déjà avec un autre contenu.",
    "Rien n'a été remplacé. Déplacez l'ancien fichier si vous voulez le refaire.",
)


def keep(path: Path, pieces: Iterable[bytes], judge: Callable[[Path], None] | None = None) -> str:
    """Write the pieces, fsync, judge, rename; returns the SHA-256.

    judge: looks at the file before it gets its name and raises when it isn't right: then nothing
    stays. The same bytes already there count as written; others raise AnomaliesFound (LED-943).
    """
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    part, digest = path.with_name(f".{path.name}.part"), hashlib.sha256()
    try:
        with in_the_making(part, path):
            with part.open("wb") as file:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                sync(file.fileno(), path)
            reach("export.part")
            if judge:
                judge(part)
            if path.exists() and digest_of(path) != digest.hexdigest():
                raise AnomaliesFound(Anomaly(OTHER_CONTENT, values={"name": path.name}))
            part.replace(path)
            sync_path(path.parent)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in flat memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Secrets: read when they are used, from a file nobody else may read, never shown.

A message about a secret names where it should be, never what it holds.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.partners import Secret
from formats.common.anomaly import AnomaliesFound, Anomaly, Code

READABLE: Final = Code(
    "OUT-110",
    "Le fichier secret « {name} » est lisible par d'autres (droits {mode}).",
    "Passez-le en droits 0600 (chmod 600), et changez le secret s'il a pu être lu.",
)
ABSENT: Final = Code(
    "OUT-111",
    "Le secret attendu dans « {name} » est absent ou vide.",
    "Renseignez-le : fichier en droits 0600, variable d'environnement ou secret de systemd.",
)
_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
_OTHERS: Final = 0o077
_MOST_BYTES: Final = 64 << 10


def secret(source: Secret, home: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The password; a final line end doesn't count. Raises AnomaliesFound (OUT-110, OUT-111)."""
    if source.environment:
        found = environment.get(source.environment, "")
    elif source.credential:
        folder = environment.get(_CREDENTIALS, "")
        found = _credential(Path(folder) / Path(source.credential).name) if folder else ""
    else:
        found = private_text(home / source.file)
    if not found.strip():
        raise _absent(source.file or source.environment or source.credential)
    return found.rstrip("\r\n")


def private_text(file: Path) -> str:
    """The text of a regular file that its owner alone may read. Raises AnomaliesFound."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise _absent(file.name) from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise _absent(file.name)
        if stat.S_IMODE(mode) & _OTHERS:
            values = {"name": file.name, "mode": f"{stat.S_IMODE(mode):04o}"}
            raise AnomaliesFound(Anomaly(READABLE, values=values))
        return os.read(handle, _MOST_BYTES).decode("utf-8", "replace")
    finally:
        os.close(handle)


def _credential(file: Path) -> str:
    """systemd itself guards that folder."""
    return file.read_text("utf-8") if file.is_file() else ""


def _absent(name: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(ABSENT, values={"name": Path(name).name}))

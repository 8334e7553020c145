"""Where the key of persons comes from: a file nobody else reads, the environment, or systemd.

One place serves, the first that is there: the systemd credential `persons.key`
(CREDENTIALS_DIRECTORY), ECHEANCE_PERSON_KEY (64 hexadecimal digits), the file of the settings
(32 bytes, 0600). While keys are rotated the next key lies beside the current one: `.next` at the
end of the name, ECHEANCE_PERSON_KEY_NEXT.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.durable import sync, sync_path

BAD_KEY_FILE: Final = Code(
    "CFG-501",
    "Le fichier de clé « {name} » n'est pas utilisable : {cause}.",
    "Rétablissez la sauvegarde de la clé : droits 0600, 32 octets, jamais un lien.",
)
BAD_KEY_TEXT: Final = Code(
    "CFG-502",
    "La variable {name} ne contient pas une clé.",
    "Donnez 64 chiffres hexadécimaux, ou retirez-la pour employer un fichier de clé.",
)

VARIABLE: Final = "ECHEANCE_PERSON_KEY"
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
KEY_BYTES: Final = 32
_CREDENTIAL: Final = "persons.key"
_MODE: Final = 0o600
_HEX: Final = re.compile(rf"[0-9A-Fa-f]{{{2 * KEY_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys in service. following: the next one, while a rotation isn't finished."""

    current: bytes
    following: bytes | None = None

    def __repr__(self) -> str:
        return f"Keys(rotating={self.following is not None})"

    @property
    def in_order(self) -> tuple[bytes, ...]:
        """The one that seals first, then those that still open."""
        return (self.current,) if self.following is None else (self.following, self.current)


def next_file(path: Path) -> Path:
    """Where the next key lies during a rotation."""
    return path.with_name(f"{path.name}.next")


def read_keys(path: Path, environment: Mapping[str, str] = os.environ) -> Keys:
    """The keys in service; `path` when neither systemd nor the environment gives them.

    Raises AnomaliesFound (CFG-501, CFG-502).
    """
    folder = environment.get(CREDENTIALS, "")
    if folder and (given := Path(folder) / _CREDENTIAL).is_file():
        return _from_files(given, guarded=True)
    if VARIABLE in environment:
        follows = f"{VARIABLE}_NEXT"
        following = _from_text(follows, environment) if follows in environment else None
        return Keys(_from_text(VARIABLE, environment), following)
    return _from_files(path, guarded=False)


def in_a_file(path: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the key is a file of ours, that a rotation may replace."""
    folder = environment.get(CREDENTIALS, "")
    return VARIABLE not in environment and not (folder and (Path(folder) / _CREDENTIAL).is_file())


def create_key(path: Path) -> None:
    """Write a new random key, readable by its owner alone.

    Raises FileExistsError rather than overwrite a key: what it sealed would be lost.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), _MODE)  # whatever the umask says
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            sync(file.fileno(), path)
        os.link(part, path)  # whole or not at all, and never over another
    finally:
        part.unlink()
    sync_path(path.parent)


def _from_files(path: Path, *, guarded: bool) -> Keys:
    """guarded: systemd sees to the rights of its folder."""
    follows = next_file(path)
    there = follows.is_symlink() or follows.exists()
    return Keys(_read(path, guarded), _read(follows, guarded) if there else None)


def _read(path: Path, guarded: bool) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        cause = "il n'existe pas" if missing else "il ne s'ouvre pas, ou c'est un lien"
        raise _refused(path, cause) from error
    with os.fdopen(handle, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode != _MODE and not guarded:
            raise _refused(path, f"droits {mode:04o} au lieu de 0600")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise _refused(path, f"sa longueur n'est pas {KEY_BYTES} octets")
    return key


def _refused(path: Path, cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(BAD_KEY_FILE, values={"name": path.name, "cause": cause}))


def _from_text(name: str, environment: Mapping[str, str]) -> bytes:
    text = environment[name].strip()
    if not _HEX.fullmatch(text):
        raise AnomaliesFound(Anomaly(BAD_KEY_TEXT, values={"name": name}))
    return bytes.fromhex(text)

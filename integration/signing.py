"""The key that signs closings and archives, and the public keys this house has ever signed with.

The private key is one file, 0600; beside it `.pub` lists public keys, one a line, the one in use
last. `verify` trusts those alone: whoever rewrites the database signs with another.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.ed25519 import Signer, new_key, signer
from integration.durable import sync

BAD_SIGNING_KEY: Final = Code(
    "CFG-105",
    "La clé de signature « {name} » n'est pas utilisable : {cause}.",
    "Rétablissez la sauvegarde de la clé : droits 0600, Ed25519 (PEM), jamais un lien.",
)
_MODE: Final = 0o600


def ensure_signing_key(path: Path) -> None:
    """Make the key of a new house; complete one whose making was cut.

    Raises AnomaliesFound (CFG-105) when the key is lost: another one would sign for it.
    """
    if not path.exists() and not trusted_keys(path):
        _create(path)
    public = open_signer(path).public
    if public not in trusted_keys(path):
        _publish(path, public)


def _create(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), _MODE)  # whatever the umask says
        file.write(new_key())
        file.flush()
        sync(file.fileno(), path)


def open_signer(path: Path) -> Signer:
    """The signer of a key file. Raises AnomaliesFound (CFG-105)."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise _refused(path, "il manque, ne s'ouvre pas, ou c'est un lien") from error
    with os.fdopen(handle, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode != _MODE:
            raise _refused(path, f"droits {mode:04o} au lieu de 0600")
        try:
            return signer(file.read())
        except ValueError as error:
            raise _refused(path, "ce n'est pas une clé Ed25519") from error


def trusted_keys(path: Path) -> frozenset[str]:
    """Every public key this house has signed with; none when it never had a key."""
    listed = _public(path)
    return frozenset(listed.read_text("ascii").split()) if listed.exists() else frozenset()


def _public(path: Path) -> Path:
    return path.with_suffix(".pub")


def _publish(path: Path, public: str) -> None:
    with _public(path).open("a", encoding="ascii") as file:
        file.write(f"{public}\n")


def _refused(path: Path, cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(BAD_SIGNING_KEY, values={"name": path.name, "cause": cause}))

"""The verb that verifies signatures: `FICHIER` against `FICHIER.p7s`, byte for byte."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from config import settings as configuration
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.signature.signed import Signer, certificates, verify
from integration.app import home_of
from integration.cli import DONE, INTEGRITY, IO_ERROR
from integration.verbs.outcome import complain, say, say_json

SUFFIX: Final = ".p7s"
NO_AUTHORITIES: Final = Code(
    "RUN-133",
    "Le fichier « {name} » des certificats de confiance n'existe pas.",
    "Donnez --authorities, ou corrigez cards.authorities.",
)
UNREAD: Final = Code(
    "RUN-134",
    "« {name} » n'existe pas ou ne se lit pas : rien n'est vérifié.",
    "Posez la signature (.p7s) à côté du fichier signé.",
)


def verify_files(arguments: argparse.Namespace) -> int:
    """Verify each file against its detached signature; one that fails is an integrity failure.

    A file or a signature that can't be read hides none of the others.
    Arguments: `paths`; `authorities`, a PEM file, else the one of the settings; `json`.
    """
    trusted = _trusted(arguments)
    found = [_verified(Path(path), trusted) for path in arguments.paths]
    if arguments.json:
        say_json("signatures", {"files": found})
    else:
        for one in found:
            _tell(one)
    if not all(one["read"] for one in found):
        return IO_ERROR
    return INTEGRITY if any(one["anomalies"] for one in found) else DONE


def _trusted(arguments: argparse.Namespace) -> list[x509.Certificate]:
    if arguments.authorities:
        return certificates(Path(arguments.authorities).read_bytes())
    settings = configuration.load(home_of(arguments.home) / configuration.FILE_NAME)
    file = settings.folders.home / settings.cards.authorities
    try:
        return certificates(file.read_bytes())
    except FileNotFoundError:
        raise AnomaliesFound(Anomaly(NO_AUTHORITIES, values={"name": file.name})) from None


def _verified(path: Path, trusted: list[x509.Certificate]) -> dict[str, Any]:
    signature = path.with_name(path.name + SUFFIX)
    try:
        signer = verify(path.read_bytes(), signature.read_bytes(), trusted, datetime.now(UTC))
    except AnomaliesFound as found:
        here = Place(path.name)
        return _plain(path, None, [str(anomaly.at(here)) for anomaly in found.anomalies])
    except OSError as error:
        name = Path(error.filename or path).name
        unread = str(Anomaly(UNREAD, Place(path.name), {"name": name}))
        return _plain(path, None, [unread]) | {"read": False}
    return _plain(path, signer, [])


def _plain(path: Path, signer: Signer | None, anomalies: list[str]) -> dict[str, Any]:
    return {
        "name": path.name,
        "read": True,
        "signer": signer.name if signer else None,
        "certificate": f"{signer.serial:x}" if signer else None,
        "signed_at": signer.signed_at if signer else None,
        "anomalies": anomalies,
    }


def _tell(one: dict[str, Any]) -> None:
    for anomaly in one["anomalies"]:
        complain(anomaly)
    if not one["anomalies"]:
        at = f" le {one['signed_at']:%d/%m/%Y à %H:%M} UTC" if one["signed_at"] else ""
        say(f"{one['name']} : signé par {one['signer']}{at}, intact.")

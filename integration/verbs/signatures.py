"""The verb that verifies signatures: `FICHIER` against `FICHIER.p7s`, byte for byte."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from config import settings as configuration
from formats.common.anomaly import AnomaliesFound, Place
from formats.signature.signed import Signer, certificates, verify
from integration.app import home_of
from integration.cli import DONE, INTEGRITY
from integration.verbs.outcome import complain, say, say_json

SUFFIX = ".p7s"


def verify_files(arguments: argparse.Namespace) -> int:
    """Verify each file against its detached signature; one that fails is an integrity failure.

    Arguments: `paths`; `authorities`, a PEM file, else the one of the settings; `json`.
    """
    trusted = _trusted(arguments)
    found = [_verified(Path(path), trusted) for path in arguments.paths]
    if arguments.json:
        say_json("signatures", {"files": found})
    else:
        for one in found:
            _tell(one)
    return INTEGRITY if any(one["anomalies"] for one in found) else DONE


def _trusted(arguments: argparse.Namespace) -> list[x509.Certificate]:
    if arguments.authorities:
        return certificates(Path(arguments.authorities).read_bytes())
    settings = configuration.load(home_of(arguments.home) / configuration.FILE_NAME)
    return certificates((settings.folders.home / settings.cards.authorities).read_bytes())


def _verified(path: Path, trusted: list[x509.Certificate]) -> dict[str, Any]:
    signature = path.with_name(path.name + SUFFIX)
    try:
        signer = verify(path.read_bytes(), signature.read_bytes(), trusted, datetime.now(UTC))
    except AnomaliesFound as found:
        here = Place(path.name)
        return _plain(path, None, [str(anomaly.at(here)) for anomaly in found.anomalies])
    return _plain(path, signer, [])


def _plain(path: Path, signer: Signer | None, anomalies: list[str]) -> dict[str, Any]:
    return {
        "name": path.name,
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

"""Card files of the simulated reader: what a TOML file says, checked whole, as groups.

`reader.toml` says which cards are in; each card is a TOML file beside it. Nothing of a card file
is ever quoted: an anomaly names the file and the key.
"""

from __future__ import annotations

import base64
import binascii
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, TypeAdapter, ValidationError

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.signed import SigningKey
from integration.readers.groups import (
    Component,
    FamilyService,
    Holder,
    Insured,
    PatientRights,
    ReaderDevice,
    Situation,
    Versions,
    WorkAccident,
)

BAD_CARD_FILE: Final = Code(
    "TEL-515",
    "Le fichier « {name} » du lecteur simulé n'est pas utilisable : {cause}.",
    "Corrigez ce fichier ou refaites la carte ; « echeance demo » fait des cartes d'essai.",
)

READER_FILE: Final = "reader.toml"
_SALTED_HASH: Final = r"^[0-9a-f]{32}:[0-9a-f]{128}$"
_Secret = Annotated[str, Field(pattern=_SALTED_HASH)]
_Whatever = TypeVar("_Whatever")


@dataclass(frozen=True, kw_only=True)
class CpsFile:
    """A provider's card. pin, unblock_code: salted hashes; test: may only meet test cards."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    kind: Literal["cps"]
    test: bool
    pin: _Secret = field(repr=False)
    unblock_code: _Secret = field(repr=False)
    private_key: str = field(repr=False)
    certificate: str
    holder: Holder
    situation: tuple[Situation, ...] = ()

    def key(self) -> SigningKey:
        """The signing key. Raises ValueError when it isn't RSA or elliptic curve."""
        key = load_pem_private_key(self.private_key.encode("ascii"), None)
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("key type")
        return key

    def x509(self) -> x509.Certificate:
        """The certificate joined to signatures. Raises ValueError when it can't be read."""
        return x509.load_pem_x509_certificate(self.certificate.encode("ascii"))


@dataclass(frozen=True, kw_only=True)
class VitaleFile:
    """A patient's card. mac_key: base64, seals invoices."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    kind: Literal["vitale"]
    test: bool
    mac_key: str = field(repr=False)
    insured: Insured
    family_service: FamilyService | None = None
    work_accident: Annotated[tuple[WorkAccident, ...], Field(max_length=3)] = ()
    patient: Annotated[tuple[PatientRights, ...], Field(min_length=1, max_length=6)]

    def mac(self) -> bytes:
        """The sealing key. Raises ValueError when it isn't base64."""
        return base64.b64decode(self.mac_key, validate=True)


@dataclass(frozen=True, kw_only=True)
class ReaderFile:
    """The simulated reader. cps, vitale: files in its slots, "" for none.

    faults: SSV code in hexadecimal to answer, by function: `read_vitale = "F015"`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    cps: str = ""
    vitale: str = ""
    faults: dict[str, Annotated[str, Field(pattern=r"^[0-9A-F]{4}$")]] = field(default_factory=dict)
    versions: Versions = field(default_factory=lambda: Versions(ssv="simulé"))
    device: ReaderDevice = field(default_factory=lambda: ReaderDevice(type="simulé"))
    tables: tuple[Component, ...] = ()
    galss: tuple[Component, ...] = ()
    components: tuple[Component, ...] = ()


_READER: Final = TypeAdapter(ReaderFile)
_CPS: Final = TypeAdapter(CpsFile)
_VITALE: Final = TypeAdapter(VitaleFile)


def reader_file(folder: Path) -> ReaderFile:
    """What the reader holds now. Raises AnomaliesFound (TEL-515)."""
    return _loaded(_READER, folder / READER_FILE)


def cps_file(path: Path) -> CpsFile:
    """A provider's card, its key and certificate readable. Raises AnomaliesFound (TEL-515)."""
    card = _loaded(_CPS, path)
    try:
        card.key(), card.x509()
    except (ValueError, TypeError):
        raise _bad(path, "la clé ou le certificat est illisible") from None
    return card


def vitale_file(path: Path) -> VitaleFile:
    """A patient's card. Raises AnomaliesFound (TEL-515)."""
    card = _loaded(_VITALE, path)
    try:
        card.mac()
    except (ValueError, binascii.Error):
        raise _bad(path, "la clé de scellement est illisible") from None
    return card


def _loaded(kind: TypeAdapter[_Whatever], path: Path) -> _Whatever:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return kind.validate_python(raw)
    except FileNotFoundError:
        raise _bad(path, "il n'existe pas") from None
    except ValidationError as found:
        keys = sorted({".".join(map(str, error["loc"])) for error in found.errors()})
        raise _bad(path, f"clés à revoir : {', '.join(keys)}") from None
    except ValueError:  # TOML or UTF-8
        raise _bad(path, "ce n'est pas du TOML") from None


def _bad(path: Path, cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(BAD_CARD_FILE, values={"name": path.name, "cause": cause}))

"""Invented cards for the demo and the tests: an authority, provider cards, patient cards.

Nothing here comes from a real card; every card made is marked as a test card.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from formats.signature.signed import SigningKey
from integration.readers.secret import hashed

RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = 65537


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and its certificate."""

    key: SigningKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> str:
        """The certificate as PEM text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def key_pem(self) -> str:
        """The private key as PEM text, not encrypted: these cards are invented."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode("ascii")


def authority(name: str, since: datetime, until: datetime) -> Identity:
    """An invented authority that issues the certificates of cards."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Identity(key, _certificate(name, key, name, key, (since, until), ca=True))


def identity(
    issuer: Identity, name: str, since: datetime, until: datetime, *, receives: bool = False
) -> Identity:
    """A key and its certificate; one that `receives` encrypted mail has an RSA key."""
    key: SigningKey = (
        rsa.generate_private_key(_RSA_EXPONENT, RSA_BITS)
        if receives
        else ec.generate_private_key(ec.SECP256R1())
    )
    issued_by = _common_name(issuer.certificate)
    return Identity(key, _certificate(name, key, issued_by, issuer.key, (since, until), ca=False))


def cps_card(
    own: Identity,
    pin: str,
    unblock_code: str,
    holder: Mapping[str, str],
    situations: Iterable[Mapping[str, Any]],
) -> str:
    """The TOML text of a provider's card; PIN and issuer's code stand in it as salted hashes.

    `holder` and `situations` use the field names of `groups.Holder` and `groups.Situation`.
    """
    head = {"kind": "cps", "test": True, "pin": hashed(pin), "unblock_code": hashed(unblock_code)}
    keys = {"private_key": own.key_pem, "certificate": own.certificate_pem}
    tables = [_table("[holder]", holder), *(_table("[[situation]]", one) for one in situations)]
    return "\n".join([_lines({**head, **keys}), *tables])


def vitale_card(
    insured: Mapping[str, Any], patients: Iterable[Mapping[str, Any]], *, test: bool = True
) -> str:
    """The TOML text of a patient's card, with the field names of `groups`.

    Each patient is a mapping of `groups.PatientRights`: `identity`, `rights`, `cover`, `amc`…
    """
    key = base64.b64encode(os.urandom(32)).decode("ascii")
    head = {"kind": "vitale", "test": test, "mac_key": key}
    tables = [_table("[[patient]]", one) for one in patients]
    return "\n".join([_lines(head), _table("[insured]", insured), *tables])


def _table(heading: str, values: Mapping[str, Any]) -> str:
    return f"{heading}\n{_lines(values)}"


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {_literal(value)}\n" for name, value in values.items())


def _literal(value: object) -> str:
    """A TOML value; inline tables for mappings, JSON's spelling for the rest."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _certificate(
    name: str,
    key: SigningKey,
    issuer: str,
    issuer_key: SigningKey,
    validity: tuple[datetime, datetime],
    *,
    ca: bool,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
    )
    return builder.sign(issuer_key, SHA256())

"""Detached signatures: made with a card's key, verified byte for byte (RFC 5652 §5)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.asn1 import (
    TLV,
    GeneralizedTime,
    Null,
    SetOf,
    UTCTime,
    decode_der,
    encode_der,
)
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.structures import (
    CONTENT_TYPE,
    DATA,
    ECDSA_SHA_256,
    MESSAGE_DIGEST,
    RSA,
    RSA_SHA_256,
    SHA_256,
    SIGNED_DATA,
    SIGNING_CERTIFICATE,
    SIGNING_TIME,
    Algorithm,
    Attribute,
    CertificateHash,
    DetachedContent,
    IssuerAndSerial,
    Oid,
    SignedContent,
    SignedFile,
    SignerInfo,
    SigningCertificate,
)

MALFORMED: Final = Code(
    "FMT-601",
    "La signature n'a pas la forme attendue : {cause}.",
    "Redemandez la signature à l'émetteur du fichier.",
)
ALTERED: Final = Code(
    "FMT-602",
    "Le fichier ou sa signature a été modifié.",
    "N'utilisez pas ce fichier ; redemandez-le à son émetteur.",
)
UNKNOWN_ISSUER: Final = Code(
    "FMT-603",
    "Le certificat du signataire ne vient d'aucune autorité connue.",
    "Vérifiez les autorités de confiance des réglages, sinon refusez le fichier.",
)
EXPIRED: Final = Code(
    "FMT-604",
    "Le certificat du signataire est valable du {since} au {until}, pas le {day}.",
    "Demandez une signature faite avec une carte en cours de validité.",
)

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_UTC_TIME_UNTIL: Final = 2050  # RFC 5652 §11.3: later years are GeneralizedTime


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed: the certificate's subject, and the time the signer claims (not proven)."""

    name: str
    serial: int
    not_after: datetime
    signed_at: datetime | None


def sign(content: bytes, key: SigningKey, certificate: x509.Certificate, at: datetime) -> bytes:
    """A detached signature in DER over exactly these bytes; the certificate is joined.

    `at` (aware) is the signing time written in it. Raises ValueError when key and certificate
    don't belong together.
    """
    if key.public_key() != certificate.public_key():
        raise ValueError("key and certificate don't match")
    attributes = SetOf(list(_attributes(content, certificate, at)))
    signer = SignerInfo(
        version=1,
        signer=IssuerAndSerial(issuer=certificate.issuer, serial=certificate.serial_number),
        digest=_digest_algorithm(),
        attributes=attributes,
        algorithm=_signature_algorithm(key),
        signature=_signed(key, encode_der(attributes)),
    )
    body = SignedContent(
        version=1,
        digests=SetOf([_digest_algorithm()]),
        content=DetachedContent(type=DATA),
        certificates=SetOf([certificate]),
        signers=SetOf([signer]),
    )
    return encode_der(SignedFile(type=SIGNED_DATA, content=body))


def verify(
    content: bytes, signature: bytes, authorities: Iterable[x509.Certificate], at: datetime
) -> Signer:
    """Who signed these bytes, with a certificate of these authorities valid `at` (aware).

    Raises AnomaliesFound: FMT-601 malformed, FMT-602 altered, FMT-603 unknown issuer, FMT-604
    out of validity (the last two together when both hold).
    """
    signed = _decoded(signature)
    info = _only_signer(signed)
    certificate, attributes = _certificate_of(info, signed), _by_name(info)
    digest = hashlib.sha256(content).digest()
    if not hmac.compare_digest(_one(attributes, MESSAGE_DIGEST, bytes), digest):
        raise AnomaliesFound(Anomaly(ALTERED))
    _check(_key_of(certificate, attributes), info)
    found = list(_distrust(certificate, tuple(authorities), at))
    if found:
        raise AnomaliesFound(*found)
    return Signer(
        certificate.subject.rfc4514_string(),
        certificate.serial_number,
        certificate.not_valid_after_utc,
        _signing_time(attributes),
    )


def certificates(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text. Raises AnomaliesFound (FMT-601) when there is none."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise _malformed("aucun certificat PEM lisible") from None


def _attributes(content: bytes, certificate: x509.Certificate, at: datetime) -> Iterator[Attribute]:
    at = at.replace(microsecond=0)
    own = CertificateHash(algorithm=None, hash=certificate.fingerprint(SHA256()), issuer=None)
    values = (
        (CONTENT_TYPE, DATA),
        (SIGNING_TIME, UTCTime(at) if at.year < _UTC_TIME_UNTIL else GeneralizedTime(at)),
        (MESSAGE_DIGEST, hashlib.sha256(content).digest()),
        (SIGNING_CERTIFICATE, SigningCertificate(certificates=[own])),
    )
    for name, value in values:
        tlv: TLV = decode_der(TLV, encode_der(value))
        yield Attribute(name=name, values=SetOf([tlv]))


def _digest_algorithm() -> Algorithm:
    return Algorithm(name=SHA_256, parameters=None)


def _signature_algorithm(key: SigningKey) -> Algorithm:
    if isinstance(key, rsa.RSAPrivateKey):
        return Algorithm(name=RSA, parameters=Null())
    return Algorithm(name=ECDSA_SHA_256, parameters=None)


def _signed(key: SigningKey, content: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), SHA256())
    return key.sign(content, ec.ECDSA(SHA256()))


def _malformed(cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(MALFORMED, values={"cause": cause}))


def _decoded(signature: bytes) -> SignedContent:
    try:
        file = decode_der(SignedFile, signature)
    except (ValueError, x509.InvalidVersion):
        raise _malformed("ce n'est pas une signature CMS détachée en DER") from None
    # One signature, one spelling: what decodes otherwise than we would write it was tampered with.
    if file.type != SIGNED_DATA or encode_der(file) != signature:
        raise _malformed("ce n'est pas une signature CMS détachée en DER")
    return file.content


def _only_signer(signed: SignedContent) -> SignerInfo:
    signers, digests = signed.signers.as_list(), signed.digests.as_list()
    if len(signers) != 1 or len(digests) != 1:
        raise _malformed("il faut un signataire et un seul")
    info, digest = signers[0], digests[0]
    if (signed.version, info.version, signed.content.type) != (1, 1, DATA):
        raise _malformed("version ou type de contenu non admis")
    if digest.name != SHA_256 or encode_der(digest) != encode_der(info.digest):
        raise _malformed("empreinte non admise, SHA-256 attendue")
    return info


def _certificate_of(info: SignerInfo, signed: SignedContent) -> x509.Certificate:
    wanted, issuer = info.signer.serial, info.signer.issuer.public_bytes()
    try:
        for certificate in signed.certificates.as_list():
            if certificate.serial_number == wanted and certificate.issuer.public_bytes() == issuer:
                return certificate
    except ValueError:
        raise _malformed("le certificat du signataire est illisible") from None
    raise _malformed("le certificat du signataire n'est pas joint")


def _key_of(certificate: x509.Certificate, attributes: dict[Oid, TLV]) -> object:
    """The signer's public key; a certificate other than the one signed for is refused."""
    if SIGNING_CERTIFICATE in attributes:
        listed = _one(attributes, SIGNING_CERTIFICATE, SigningCertificate).certificates
        first = listed[0] if listed else None
        if first is None or first.hash != certificate.fingerprint(SHA256()):
            raise AnomaliesFound(Anomaly(ALTERED))
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise _malformed("le certificat du signataire est illisible") from None


def _by_name(info: SignerInfo) -> dict[Oid, TLV]:
    attributes = info.attributes.as_list()
    found = {attribute.name: attribute.values.as_list() for attribute in attributes}
    if len(found) != len(attributes) or any(len(values) != 1 for values in found.values()):
        raise _malformed("un attribut signé est répété")
    by_name = {name: values[0] for name, values in found.items()}
    if _one(by_name, CONTENT_TYPE, Oid) != DATA:
        raise _malformed("version ou type de contenu non admis")
    return by_name


def _one(attributes: dict[Oid, TLV], name: Oid, kind: type[Any]) -> Any:
    try:
        return attributes[name].parse(kind)
    except (KeyError, ValueError):
        raise _malformed("un attribut signé manque ou est illisible") from None


def _check(key: object, info: SignerInfo) -> None:
    """The signature over the attributes, by the key of the certificate."""
    name, content = info.algorithm.name, encode_der(info.attributes)
    try:
        if isinstance(key, rsa.RSAPublicKey) and name in (RSA, RSA_SHA_256):
            key.verify(info.signature, content, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey) and name == ECDSA_SHA_256:
            key.verify(info.signature, content, ec.ECDSA(SHA256()))
        else:
            raise _malformed("algorithme de signature non admis")
    except InvalidSignature:
        raise AnomaliesFound(Anomaly(ALTERED)) from None


def _distrust(
    certificate: x509.Certificate, authorities: tuple[x509.Certificate, ...], at: datetime
) -> Iterator[Anomaly]:
    if not any(_issued(certificate, authority) for authority in authorities):
        yield Anomaly(UNKNOWN_ISSUER)
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not since <= at <= until:
        days = {"since": f"{since:%d/%m/%Y}", "until": f"{until:%d/%m/%Y}"}
        yield Anomaly(EXPIRED, values={**days, "day": f"{at:%d/%m/%Y}"})


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether this authority, which must say it is one, issued the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return constraints.value.ca


def _signing_time(attributes: dict[Oid, TLV]) -> datetime | None:
    if SIGNING_TIME not in attributes:
        return None
    try:
        time: UTCTime | GeneralizedTime = attributes[SIGNING_TIME].parse(UTCTime)
    except ValueError:
        time = _one(attributes, SIGNING_TIME, GeneralizedTime)
    return time.as_datetime()

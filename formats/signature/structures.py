"""The CMS structures we read and write (RFC 5652 §3, §5, §6), strict DER both ways.

What isn't declared is refused: attached content, other signer identifiers, unsigned attributes.
"""

from __future__ import annotations

from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat.asn1 import TLV, Explicit, Implicit, Null, SetOf, sequence

Oid = x509.ObjectIdentifier

DATA: Final = Oid("1.2.840.113549.1.7.1")
SIGNED_DATA: Final = Oid("1.2.840.113549.1.7.2")
ENVELOPED_DATA: Final = Oid("1.2.840.113549.1.7.3")
CONTENT_TYPE: Final = Oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST: Final = Oid("1.2.840.113549.1.9.4")
SIGNING_TIME: Final = Oid("1.2.840.113549.1.9.5")
SIGNING_CERTIFICATE: Final = Oid("1.2.840.113549.1.9.16.2.47")
SHA_256: Final = Oid("2.16.840.1.101.3.4.2.1")
RSA: Final = Oid("1.2.840.113549.1.1.1")
RSA_SHA_256: Final = Oid("1.2.840.113549.1.1.11")
ECDSA_SHA_256: Final = Oid("1.2.840.10045.4.3.2")


@sequence
class Algorithm:
    """AlgorithmIdentifier without parameters of its own (RFC 5280 §4.1.1.2)."""

    name: Oid
    parameters: Null | None


@sequence
class IssuerAndSerial:
    """Which certificate (RFC 5652 §10.2.4)."""

    issuer: x509.Name
    serial: int


@sequence
class Attribute:
    """One signed attribute and its values (RFC 5652 §5.3)."""

    name: Oid
    values: SetOf[TLV]


@sequence
class IssuerSerial:
    """The same, as RFC 5035 §5 spells it."""

    issuer: list[TLV]
    serial: int


@sequence
class CertificateHash:
    """ESSCertIDv2: which certificate, to the byte (RFC 5035 §4); no algorithm means SHA-256."""

    algorithm: Algorithm | None
    hash: bytes
    issuer: IssuerSerial | None


@sequence
class SigningCertificate:
    """SigningCertificateV2: the signer's certificate comes first (RFC 5035 §3)."""

    certificates: list[CertificateHash]


@sequence
class SignerInfo:
    """One signature over the signed attributes (RFC 5652 §5.3)."""

    version: int
    signer: IssuerAndSerial
    digest: Algorithm
    attributes: Annotated[SetOf[Attribute], Implicit(0)]
    algorithm: Algorithm
    signature: bytes


@sequence
class DetachedContent:
    """EncapsulatedContentInfo whose content lies elsewhere (RFC 5652 §5.2)."""

    type: Oid


@sequence
class SignedContent:
    """SignedData (RFC 5652 §5.1)."""

    version: int
    digests: SetOf[Algorithm]
    content: DetachedContent
    certificates: Annotated[SetOf[x509.Certificate], Implicit(0)]
    signers: SetOf[SignerInfo]


@sequence
class SignedFile:
    """ContentInfo of a signature (RFC 5652 §3)."""

    type: Oid
    content: Annotated[SignedContent, Explicit(0)]


@sequence
class CipherIdentifier:
    """AlgorithmIdentifier of a block cipher in CBC mode: its parameter is the first vector."""

    name: Oid
    vector: bytes


@sequence
class Recipient:
    """KeyTransRecipientInfo: the content key, encrypted for one certificate (RFC 5652 §6.2.1)."""

    version: int
    certificate: IssuerAndSerial
    algorithm: Algorithm
    key: bytes


@sequence
class Ciphertext:
    """EncryptedContentInfo (RFC 5652 §6.1)."""

    type: Oid
    cipher: CipherIdentifier
    content: Annotated[bytes, Implicit(0)]


@sequence
class EnvelopedContent:
    """EnvelopedData (RFC 5652 §6.1)."""

    version: int
    recipients: SetOf[Recipient]
    content: Ciphertext


@sequence
class EnvelopedFile:
    """ContentInfo of an envelope (RFC 5652 §3)."""

    type: Oid
    content: Annotated[EnvelopedContent, Explicit(0)]

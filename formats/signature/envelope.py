"""Envelopes: content that one certificate's key alone can open (RFC 5652 §6, RFC 3370, RFC 3565).

CBC hides and doesn't authenticate; what must be proven is signed (`formats.signature.signed`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.asn1 import Null, SetOf, decode_der, encode_der
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import CipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.padding import PKCS7

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.structures import (
    DATA,
    ENVELOPED_DATA,
    RSA,
    Algorithm,
    CipherIdentifier,
    Ciphertext,
    EnvelopedContent,
    EnvelopedFile,
    IssuerAndSerial,
    Oid,
    Recipient,
)

BAD_ENVELOPE: Final = Code(
    "FMT-611",
    "Le contenu chiffré n'a pas la forme attendue.",
    "Redemandez le message à son émetteur.",
)
NOT_FOR_US: Final = Code(
    "FMT-612",
    "Le message n'est pas chiffré pour ce certificat.",
    "Vérifiez quel certificat l'émetteur trouve dans l'annuaire.",
)
UNREADABLE: Final = Code(
    "FMT-613",
    "Le contenu ne se déchiffre pas.",
    "Redemandez le message à son émetteur ; la clé ou le message est abîmé.",
)
NO_RSA_KEY: Final = Code(
    "FMT-614",
    "Le certificat du destinataire ne sait pas recevoir de message chiffré.",
    "Demandez un certificat à clé RSA.",
)


@dataclass(frozen=True, slots=True)
class Cipher:
    """A block cipher in CBC mode; `key` and `block` in bytes."""

    oid: Oid
    key: int
    block: int
    make: Callable[[bytes], CipherAlgorithm]


AES_256: Final = Cipher(Oid("2.16.840.1.101.3.4.1.42"), 32, 16, AES)
AES_128: Final = Cipher(Oid("2.16.840.1.101.3.4.1.2"), 16, 16, AES)
TRIPLE_DES: Final = Cipher(Oid("1.2.840.113549.3.7"), 24, 8, TripleDES)
_CIPHERS: Final = {cipher.oid: cipher for cipher in (AES_256, AES_128, TRIPLE_DES)}


def sealed(
    content: bytes,
    recipient: x509.Certificate,
    random: Callable[[int], bytes],
    cipher: Cipher = AES_256,
) -> bytes:
    """An envelope in DER for one certificate; `random(n)` gives n unpredictable bytes.

    Raises AnomaliesFound (FMT-614) when the certificate's key isn't RSA.
    """
    public = recipient.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise AnomaliesFound(Anomaly(NO_RSA_KEY))
    key, vector = random(cipher.key), random(cipher.block)
    addressed = Recipient(
        version=0,
        certificate=IssuerAndSerial(issuer=recipient.issuer, serial=recipient.serial_number),
        algorithm=Algorithm(name=RSA, parameters=Null()),
        key=public.encrypt(key, rsa_padding.PKCS1v15()),
    )
    hidden = Ciphertext(
        type=DATA,
        cipher=CipherIdentifier(name=cipher.oid, vector=vector),
        content=_encrypted(cipher, key, vector, content),
    )
    body = EnvelopedContent(version=0, recipients=SetOf([addressed]), content=hidden)
    return encode_der(EnvelopedFile(type=ENVELOPED_DATA, content=body))


def opened(envelope: bytes, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> bytes:
    """What an envelope holds, for the owner of this certificate.

    Raises AnomaliesFound: FMT-611 malformed, FMT-612 for somebody else, FMT-613 unreadable.
    """
    body = _decoded(envelope)
    hidden, cipher = body.content, _CIPHERS.get(body.content.cipher.name)
    if cipher is None or len(hidden.cipher.vector) != cipher.block:
        raise AnomaliesFound(Anomaly(BAD_ENVELOPE))
    wrapped = _ours(body, certificate)
    try:
        plain_key = key.decrypt(wrapped, rsa_padding.PKCS1v15())
        return _decrypted(cipher, plain_key, hidden.cipher.vector, hidden.content)
    except ValueError:  # one answer for every cause: nothing to learn by trying
        raise AnomaliesFound(Anomaly(UNREADABLE)) from None


def _decoded(envelope: bytes) -> EnvelopedContent:
    try:
        file = decode_der(EnvelopedFile, envelope)
    except ValueError:
        raise AnomaliesFound(Anomaly(BAD_ENVELOPE)) from None
    if file.type != ENVELOPED_DATA or file.content.version != 0:
        raise AnomaliesFound(Anomaly(BAD_ENVELOPE))
    return file.content


def _ours(body: EnvelopedContent, certificate: x509.Certificate) -> bytes:
    for recipient in body.recipients.as_list():
        of = recipient.certificate
        if of.serial == certificate.serial_number and of.issuer == certificate.issuer:
            return recipient.key
    raise AnomaliesFound(Anomaly(NOT_FOR_US))


def _encrypted(cipher: Cipher, key: bytes, vector: bytes, content: bytes) -> bytes:
    padder = PKCS7(cipher.block * 8).padder()
    encryptor = BlockCipher(cipher.make(key), modes.CBC(vector)).encryptor()
    return encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()


def _decrypted(cipher: Cipher, key: bytes, vector: bytes, content: bytes) -> bytes:
    if len(key) != cipher.key:
        raise ValueError("key length")
    decryptor = BlockCipher(cipher.make(key), modes.CBC(vector)).decryptor()
    unpadder = PKCS7(cipher.block * 8).unpadder()
    padded = decryptor.update(content) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()

"""Incoming mail of the funds back to its file: nothing is executed, nothing is trusted."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.message.compose import CONTENT_TYPE
from formats.signature.envelope import opened

NOT_OURS: Final = Code(
    "FMT-661",
    "Le courriel n'a pas la forme d'un message de caisse : {cause}.",
    "Lisez-le à la main ; il n'est pas importé.",
)
BAD_BASE64: Final = Code(
    "FMT-662",
    "Le contenu du courriel est abîmé (base64).",
    "Redemandez le message à la caisse.",
)
BAD_GZIP: Final = Code(
    "FMT-663",
    "Le contenu du courriel est abîmé (compression).",
    "Redemandez le message à la caisse.",
)
TOO_LARGE: Final = Code(
    "FMT-664",
    "Le fichier du courriel dépasse {limit} octets.",
    "Vérifiez avec la caisse ; relevez la limite si c'est voulu.",
)
NO_KEY: Final = Code(
    "FMT-665",
    "Le courriel est chiffré et aucune clé n'est donnée pour l'ouvrir.",
    "Donnez la clé et le certificat de réception.",
)

MOST_BYTES: Final = 256 << 20
_GZIP: Final = b"\x1f\x8b"
_ENVELOPED: Final = ("application/x-pkcs7-mime", "application/pkcs7-mime")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_HEADER: Final = re.compile(r"[\x20-\x7e]{0,200}")
_DESCRIPTION: Final = re.compile(r"[A-Z0-9]{1,20}(?:/[A-Z0-9-]{1,20}){0,4}")
_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Received:
    """One file received.

    description: what the fund says it is, e.g. `IRIS/B2`, without `/Z` and TEST; name: safe as a
    file name; subject, sender, message_id: as written, unless they held anything but plain ASCII
    (then empty); encrypted: whether an envelope had to be opened.
    """

    description: str
    test: bool
    name: str
    content: bytes = field(repr=False)
    subject: str
    sender: str
    message_id: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class ReceivingKey:
    """What opens mail encrypted for us."""

    key: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate


def decoded(mail: bytes, key: ReceivingKey | None = None, limit: int = MOST_BYTES) -> Received:
    """The file a message carries; at most `limit` bytes once decompressed.

    Raises AnomaliesFound: FMT-661 to 665, or what opening an envelope finds (FMT-611 to 613).
    """
    message = _parsed(mail)
    part = _only_part(message)
    encrypted = part.get_content_type() in _ENVELOPED
    if encrypted:
        part = _inner(part, key)
    if part.get_content_type() != CONTENT_TYPE.lower():
        raise _not_ours("sa partie n'est pas application/EDI-consent")
    description, test, compressed = _described(_header(part, "Content-Description"))
    content = _content(_bytes_of(part), limit, compressed=compressed)
    return Received(
        description=description,
        test=test,
        name=_safe_name(part, description),
        content=content,
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        message_id=_header(message, "Message-ID"),
        encrypted=encrypted,
    )


def _not_ours(cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(NOT_OURS, values={"cause": cause}))


def _parsed(mail: bytes) -> Message:
    return BytesParser(policy=compat32).parsebytes(mail)


def _only_part(message: Message) -> Message:
    """A fund's message holds one part; the part alone is accepted too."""
    if not message.is_multipart():
        return message
    parts = [part for part in message.walk() if part is not message]
    if len(parts) != 1:
        raise _not_ours("il lui faut une partie et une seule")
    return parts[0]


def _inner(part: Message, key: ReceivingKey | None) -> Message:
    if key is None:
        raise AnomaliesFound(Anomaly(NO_KEY))
    inner = _parsed(opened(_bytes_of(part), key.key, key.certificate))
    if inner.is_multipart():
        raise _not_ours("il lui faut une partie et une seule")
    return inner


def _header(message: Message, name: str) -> str:
    """A header in plain ASCII, else nothing: what is shown of a mail can't steer a terminal."""
    value = str(message.get(name, ""))
    return value if _HEADER.fullmatch(value) else ""


def _described(description: str) -> tuple[str, bool, bool]:
    """Nature, whether it is a test, whether it is compressed."""
    if not _DESCRIPTION.fullmatch(description):
        raise _not_ours("son Content-Description manque ou n'est pas admis")
    compressed = description.endswith("/Z")
    family, slash, kind = description.removesuffix("/Z").partition("/")
    test = family.endswith("TEST")
    return f"{family.removesuffix('TEST')}{slash}{kind}", test, compressed


def _bytes_of(part: Message) -> bytes:
    """The payload of a part: base64 checked strictly, since the library would guess."""
    text = part.get_payload()
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding != "base64" or not isinstance(text, str):
        raise _not_ours("sa partie n'est pas en base64")
    try:
        return base64.b64decode(re.sub(r"[\r\n\t ]", "", text), validate=True)
    except (binascii.Error, ValueError):
        raise AnomaliesFound(Anomaly(BAD_BASE64)) from None


def _content(carried: bytes, limit: int, *, compressed: bool) -> bytes:
    """Decompressed when it says so, or when it plainly is gzip."""
    plain = carried
    if compressed or carried.startswith(_GZIP):
        plain = _gunzipped(carried, limit)
    if len(plain) > limit:
        raise AnomaliesFound(Anomaly(TOO_LARGE, values={"limit": limit}))
    return plain


def _gunzipped(carried: bytes, limit: int) -> bytes:
    """One whole gzip member and nothing after it; never more than one byte above the limit."""
    unzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = unzip.decompress(carried, limit + 1)
    except zlib.error:
        raise AnomaliesFound(Anomaly(BAD_GZIP)) from None
    if len(plain) <= limit and (not unzip.eof or unzip.unused_data):
        raise AnomaliesFound(Anomaly(BAD_GZIP))
    return plain


def _safe_name(part: Message, description: str) -> str:
    """The name the sender proposes, without anything a file system could misread."""
    proposed = part.get_filename() or description.replace("/", "-")
    last = re.split(r"[/\\]", str(proposed))[-1]
    return _UNSAFE.sub("_", last).strip("._")[:_LONGEST_NAME] or "message"

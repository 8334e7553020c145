"""A file as one MIME message; the same arguments give the same bytes."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from cryptography import x509

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.signature.envelope import AES_256, Cipher, sealed

BAD_HEADER: Final = Code(
    "FMT-651",
    "La zone « {name} » ne peut pas entrer dans un message.",
    "Corrigez cette zone ; ni retour à la ligne, ni accent, ni espace n'y est admis.",
)

CONTENT_TYPE: Final = "application/EDI-consent"
VERSION: Final = "100500"  # ETS-DT-001 v1.1
_COMPRESSION: Final = 9
_SHAPES: Final = {
    "recipient": re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}"),
    "sender": re.compile(r"[A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,255}"),
    "sender_number": re.compile(r"[A-Z0-9]{14}"),
    "prefix": re.compile(r"[A-Z]{2}"),
    "version": re.compile(r"[0-9]{6}"),
    "description": re.compile(r"[A-Z0-9-]{1,20}/[A-Z0-9-]{1,20}"),
}
MOST_INVOICES: Final = 99_999


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a message says around its file.

    recipient, sender: mail addresses; sender_number: 14 characters (record 000, 6-19);
    sent_at: aware, goes into the subject, the Message-ID and the date; invoices: how many the file
    holds. Raises AnomaliesFound (FMT-651) when a value would not stand in a header.
    """

    recipient: str
    sender: str
    sender_number: str
    sent_at: datetime
    invoices: int
    test: bool = False
    prefix: str = "IR"
    version: str = VERSION
    description: str = "IRIS/B2"

    def __post_init__(self) -> None:
        wrong = [
            name for name, shape in _SHAPES.items() if not shape.fullmatch(getattr(self, name))
        ]
        if not 0 <= self.invoices <= MOST_INVOICES:
            wrong.append("invoices")
        if self.sent_at.utcoffset() is None:
            wrong.append("sent_at")
        if wrong:
            raise AnomaliesFound(*(Anomaly(BAD_HEADER, values={"name": name}) for name in wrong))

    @property
    def stamp(self) -> str:
        """YYYYMMDDHHMMSS and five digits of a second: 19 characters."""
        return f"{self.sent_at:%Y%m%d%H%M%S}{self.sent_at.microsecond // 10:05d}"

    @property
    def subject(self) -> str:
        """`IR100500/00000012345678/2018010510300012345/00012`."""
        head = f"{self.prefix}{self.version}/{self.sender_number}"
        return f"{head}/{self.stamp}/{self.invoices:05d}"

    @property
    def message_id(self) -> str:
        """`<stamp@domain of the sender>`."""
        return f"<{self.stamp}@{self.sender.partition('@')[2]}>"

    def described(self, *, compressed: bool) -> str:
        """`IRIS/B2`, `IRISTEST/B2`, and `/Z` when compressed."""
        family, _, kind = self.description.partition("/")
        return f"{family}{'TEST' if self.test else ''}/{kind}{'/Z' if compressed else ''}"


@dataclass(frozen=True, slots=True)
class Encryption:
    """For whom a message is encrypted, how, and where unpredictable bytes come from."""

    certificate: x509.Certificate
    random: Callable[[int], bytes]
    cipher: Cipher = AES_256


def address(regime: str, organism: str) -> str:
    """Where an organism receives: `01422@422.01.rss.fr` for scheme 01, organism 422.

    Raises AnomaliesFound (FMT-651) unless they are 2 and 3 digits.
    """
    if not re.fullmatch(r"[0-9]{2}/[0-9A-Z]{3}", f"{regime}/{organism}"):
        raise AnomaliesFound(Anomaly(BAD_HEADER, values={"name": "recipient"}))
    return f"{regime}{organism}@{organism}.{regime}.rss.fr"


def compose(
    envelope: Envelope,
    content: bytes,
    *,
    compress: bool = True,
    encryption: Encryption | None = None,
) -> bytes:
    """The message as it goes over the wire, lines ended by CRLF.

    Raises AnomaliesFound (FMT-614) when the organism's certificate can't receive.
    """
    part = _part(envelope, content, compress=compress)
    if encryption:
        part = _enveloped(part, encryption)
    message = EmailMessage(policy=SMTP)
    message["Mime-Version"] = "1.0"
    message["From"] = envelope.sender
    message["To"] = envelope.recipient
    message["Subject"] = envelope.subject
    message["Date"] = format_datetime(envelope.sent_at)
    message["Message-ID"] = envelope.message_id
    message.make_mixed(boundary=f"=_{envelope.stamp}")  # base64 never holds "_"
    message.set_payload([part])
    return message.as_bytes()


def _part(envelope: Envelope, content: bytes, *, compress: bool) -> MIMEPart:
    part = MIMEPart(policy=SMTP)
    maintype, _, subtype = CONTENT_TYPE.partition("/")
    carried = _gzipped(content) if compress else content
    part.set_content(carried, maintype, subtype, cte="base64")
    part["Content-Description"] = envelope.described(compressed=compress)
    return part


def _gzipped(content: bytes) -> bytes:
    """Gzip without a time. The library drops one `.gz`: the inner name is `B2.gz`."""
    target = io.BytesIO()
    with gzip.GzipFile("B2.gz.gz", "wb", _COMPRESSION, target, mtime=0) as file:
        file.write(content)
    return target.getvalue()


def _enveloped(part: MIMEPart, to: Encryption) -> MIMEPart:
    outer = MIMEPart(policy=SMTP)
    hidden = sealed(part.as_bytes(), to.certificate, to.random, to.cipher)
    outer.set_content(
        hidden,
        "application",
        "x-pkcs7-mime",
        cte="base64",
        disposition="attachment",
        filename="smime.p7m",
        params={"smime-type": "enveloped-data", "name": "smime.p7m"},
    )
    return outer

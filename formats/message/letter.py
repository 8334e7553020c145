"""A mail of ours to a customer: text, signature with its logo, files. The same bytes each time.

Its To, Date and Message-ID are the transport's, which knows whom it hands the mail to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from html import escape
from typing import Final

POLICY: Final = SMTP.clone(cte_type="7bit")  # whatever server relays it
LOGO_ID: Final = "logo@echeance"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a mail; kind is `application/pdf`, `text/csv`…"""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says. sender: (name, address); without address the transport's own.

    key: its identity, from which the boundaries of its parts come.
    """

    key: str
    subject: str
    text: str
    sender: tuple[str, str] = ("", "")
    files: tuple[Attached, ...] = ()
    logo: bytes = b""
    logo_width_px: int = 151


def composed(letter: Letter) -> bytes:
    """The mail. Raises ValueError when a line end would forge a header."""
    mail = EmailMessage(policy=POLICY)
    name, address = letter.sender
    if address:
        user, _, host = address.partition("@")
        mail["From"] = Address(name, user, host)
    mail["Subject"] = letter.subject
    mail.set_content(letter.text)
    if letter.logo:
        _with_logo(mail, letter)
    for file in letter.files:
        main, _, sub = file.kind.partition("/")
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    for rank, part in enumerate(_containers(mail)):
        part.set_boundary(f"=_{sha256(f'{letter.key}/{rank}'.encode()).hexdigest()[:32]}")
    return mail.as_bytes()


def _with_logo(mail: EmailMessage, letter: Letter) -> None:
    """The same text as HTML, for the picture under it."""
    lines = "<br>\n".join(map(escape, letter.text.rstrip("\n").split("\n")))
    mail.add_alternative(
        f'<html lang="fr"><body><p>{lines}</p>\n'
        f'<p><img src="cid:{LOGO_ID}" width="{letter.logo_width_px}" alt=""></p></body></html>\n',
        subtype="html",
    )
    html = mail.get_payload(1)
    assert isinstance(html, EmailMessage)
    kind = "png" if letter.logo.startswith(b"\x89PNG") else "jpeg"
    html.add_related(letter.logo, "image", kind, cid=f"<{LOGO_ID}>", disposition="inline")


def _containers(mail: EmailMessage) -> Iterable[EmailMessage]:
    """The parts that hold others, outermost first."""
    return (part for part in mail.walk() if part.is_multipart() and isinstance(part, EmailMessage))

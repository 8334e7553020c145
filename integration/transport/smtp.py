"""SMTP: one mail a row, always under the same Message-ID, over TLS only.

Till the last byte of a mail has left us, a lost link means that nothing arrived. After it, only the
server's answer tells: without one the mail may be on its way, and no machine sends it again
(ecosystem F9, F10, F34, F41).
"""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from config.partners import MAIL, SmtpPartner
from integration.failpoints import reach
from integration.transport.credentials import secret
from integration.transport.protocol import (
    BarredError,
    Item,
    Receipt,
    RefusedError,
    TransportError,
    UncertainError,
    UnreachableError,
)

_TROUBLE: Final = (OSError, smtplib.SMTPException)
_LEAST_PERMANENT: Final = 500
_CLOSING: Final = 421
_POLICY: Final = SMTP.clone(cte_type="7bit")  # whatever server relays it
_WHOLE: Final = {"night_report", "reading_request"}  # mails already; others are files
_TYPES: Final = {
    "invoice_pdf": ("application", "pdf"),
    "run_silence": ("text", "plain"),
    "checks": ("text", "csv"),
}


class Smtp:
    """A session with one mail server, kept from one mail to the next."""

    together = 1

    def __init__(self, partner: SmtpPartner, home: Path) -> None:
        self._partner, self._home = partner, home
        self._session: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, start TLS with a verified certificate, log in."""
        if self._session is not None:
            return
        password = secret(self._partner.password, self._home) if self._partner.password else ""
        trust = self._trust()
        try:
            session = self._connected(trust)
            if password:
                session.login(self._partner.user, password)
        except _TROUBLE as error:
            self.close()
            raise _opening(error) from None

    def prepare(self, item: Item) -> None:
        """A mail in doubt is never sent again by a machine."""
        if item.doubt:
            raise UncertainError("un envoi précédent est resté sans réponse")

    def deliver(self, item: Item) -> Receipt:
        """One mail to all its recipients."""
        recipients = self._partner.to or (item.address,)
        if not all(map(MAIL.fullmatch, recipients)):
            raise RefusedError("l'adresse du client n'en est pas une")
        mail = self.message(item)
        with self._before_the_last_byte() as session:
            refused = self._addressed(session, recipients)
            self._content(session, mail)
            reach("smtp.content")
        return self._answered(refused)

    def message(self, item: Item) -> EmailMessage:
        """The mail of an item: one already, or the partner's with the item attached.

        Raises RefusedError when a value can't stand in a header.
        """
        partner = self._partner
        try:
            mail = _whole(item) if item.kind in _WHOLE else self._wrapped(item)
            if "From" not in mail:
                mail["From"] = partner.sender
            mail["To"] = ", ".join(partner.to or (item.address,))
            mail["Date"] = format_datetime(item.at)
            mail["Message-ID"] = message_id(item.key, partner.sender)
        except ValueError:  # a line end in a header: nobody forges one here
            raise RefusedError("une adresse, l'objet ou le nom ne tient pas en en-tête") from None
        return mail

    def _wrapped(self, item: Item) -> EmailMessage:
        mail = EmailMessage(policy=_POLICY)
        mail["Subject"] = self._partner.subject.format(**item.slots)
        mail.set_content(self._partner.text.format(**item.slots))
        maintype, subtype = _TYPES.get(item.kind, ("application", "octet-stream"))
        mail.add_attachment(item.content, maintype=maintype, subtype=subtype, filename=item.name)
        mail.set_boundary(f"=_{message_id(item.key, '')[1:33]}")
        return mail

    def check(self) -> str:
        """Log in, say nothing, send nothing."""
        self.open()
        with self._before_the_last_byte() as session:
            _expect(session.noop())
        return "connexion chiffrée et compte acceptés"

    def close(self) -> None:
        """Hang up; a server that has already gone needs no farewell."""
        if self._session is not None:
            self._session.close()
        self._session = None

    def _trust(self) -> ssl.SSLContext:
        trust = ssl.create_default_context()
        if self._partner.authorities:
            try:
                trust.load_verify_locations(self._home / self._partner.authorities)
            except OSError:  # missing, or not certificates
                raise BarredError("le fichier de ses autorités est illisible") from None
        return trust

    def _connected(self, trust: ssl.SSLContext) -> smtplib.SMTP:
        host, port, limit = self._partner.host, self._partner.port, self._partner.timeout_s
        if self._partner.security == "tls":
            self._session = smtplib.SMTP_SSL(host, port, timeout=limit, context=trust)
        else:
            self._session = smtplib.SMTP(host, port, timeout=limit)
            self._session.starttls(context=trust)
        return self._session

    def _addressed(self, session: smtplib.SMTP, recipients: tuple[str, ...]) -> dict[str, int]:
        """Announce sender and recipients; those the server doesn't take, with its code."""
        session.ehlo_or_helo_if_needed()
        _expect(session.mail(self._partner.sender))
        refused: dict[str, int] = {}
        for one in recipients:
            code, _ = session.rcpt(one)
            if code == _CLOSING:
                raise smtplib.SMTPServerDisconnected("421")
            if code not in (250, 251):
                refused[one] = code
        if len(refused) == len(recipients):
            session.rset()
            raise _said(max(refused.values()) if _all_permanent(refused) else min(refused.values()))
        return refused

    def _content(self, session: smtplib.SMTP, mail: EmailMessage) -> None:
        """Everything, to the final dot."""
        code, _ = session.docmd("DATA")
        if code != 354:
            session.rset()
            raise _said(code)
        text = smtplib._quote_periods(mail.as_bytes())  # type: ignore[attr-defined]
        session.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")

    def _answered(self, refused: Mapping[str, int]) -> Receipt:
        """The answer to the final dot decides; none at all leaves the doubt."""
        assert self._session is not None  # it has just sent
        try:
            code, _ = self._session.getreply()
        except _TROUBLE as error:
            self.close()
            raise UncertainError(
                f"réponse perdue après le message ({type(error).__name__})"
            ) from None
        if code == _CLOSING:
            self.close()
        if not 200 <= code < 600:
            raise UncertainError("réponse illisible après le message")
        if code >= 300:
            raise _said(code)
        reach("smtp.accepted")
        told = (f"{address} : {code}" for address, code in refused.items())
        return Receipt(f"réponse {code}", tuple(told))

    @contextmanager
    def _before_the_last_byte(self) -> Iterator[smtplib.SMTP]:
        """Whatever the link does before the final dot, nothing has arrived."""
        assert self._session is not None, "open first"
        try:
            yield self._session
        except _TROUBLE as error:
            self.close()
            raise UnreachableError(f"liaison coupée ou muette ({type(error).__name__})") from None


def _whole(item: Item) -> EmailMessage:
    """An item that is a mail already, but for whom it goes to."""
    return message_from_bytes(item.content, EmailMessage, policy=_POLICY)


def message_id(key: str, sender: str) -> str:
    """The one Message-ID of a row: from its key, so that each try bears it."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2]}>"


def _expect(answer: tuple[int, bytes]) -> None:
    code, _ = answer
    if code == _CLOSING:
        raise smtplib.SMTPServerDisconnected("421")
    if code != 250:
        raise _said(code)


def _all_permanent(refused: Mapping[str, int]) -> bool:
    return all(code >= _LEAST_PERMANENT for code in refused.values())


def _said(code: int) -> RefusedError | UnreachableError:
    """4xx: later; 5xx: never. The server's words may quote an address: its code alone is told."""
    if code >= _LEAST_PERMANENT:
        return RefusedError(f"réponse {code} du serveur")
    return UnreachableError(f"réponse {code} du serveur", link=False)


def _opening(error: BaseException) -> TransportError:
    """Why no session opened."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return BarredError("son certificat est périmé, d'un autre nom ou d'une autorité inconnue")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return BarredError("il ne propose pas le chiffrement ou la connexion par compte")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        if error.smtp_code < _LEAST_PERMANENT:
            return UnreachableError(f"réponse {error.smtp_code} à la connexion")
        return BarredError("il refuse notre compte ou notre mot de passe")
    if isinstance(error, ssl.SSLError):
        return BarredError("le chiffrement n'aboutit pas")
    if isinstance(error, socket.gaierror):
        return UnreachableError("nom de serveur introuvable")
    return UnreachableError(f"pas de réponse ({type(error).__name__})")

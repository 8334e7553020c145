"""A real SMTP server with TLS and accounts on a free loopback port, whose answers are scripted."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.plugins.sftp_server import free_port

USER, PASSWORD = "lot", "s3cret-canari"


@dataclass
class Script:
    """What the server says next, and what it accepted.

    rcpt, data: answers to the next recipients and contents, one each; empty: accepted.
    `lost` among `data` accepts the mail and hangs up, `silent` accepts it and says nothing.
    """

    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    accepted: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: int = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """What was accepted, read back."""
        return [message_from_bytes(one, policy=policy.default) for one in self.accepted]  # type: ignore[arg-type, return-value]

    async def handle_RCPT(  # noqa: N802 - the name the library calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        answer = self.rcpt.pop(0) if self.rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - the name the library calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take or refuse a mail."""
        answer = self.data.pop(0) if self.data else "250 queued"
        if answer[0] in "2ls":
            assert isinstance(envelope.content, bytes)
            self.accepted.append(envelope.content)
            self.recipients.append(list(envelope.rcpt_tos))
        if answer == "lost":
            assert server.transport is not None
            server.transport.abort()
        elif answer == "silent":
            await asyncio.sleep(3)
        return answer

    def login(self, *words: Any) -> AuthResult:
        """One account, one password."""
        self.logins += 1
        given = words[-1]
        assert isinstance(given, LoginPassword)
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


@dataclass(frozen=True)
class SmtpServer:
    """A running server. authorities: the file that makes its certificate trusted."""

    port: int
    script: Script
    authorities: Path
    secret: Path

    def partner(self, **changes: Any) -> dict[str, Any]:
        """The content of a partner's file that reaches it, without what the partner takes."""
        reach = {"host": "localhost", "port": self.port, "authorities": str(self.authorities)}
        login = {"user": USER, "password": {"file": str(self.secret)}}
        sender = {"sender": "facturation@durand.example"}
        return {"transport": "smtp", **reach, **login, **sender, "timeout_s": 10, **changes}


@contextmanager
def smtp_server(
    folder: Path, *, names: tuple[str, ...] = ("localhost", "127.0.0.1"), **options: Any
) -> Iterator[SmtpServer]:
    """A server that wants STARTTLS, then a login; `tls=True` encrypts from the start.

    names: of its certificate; expires: its end; starttls=False: it offers none.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert(*names, not_after=options.get("expires"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(folder / "authorities.pem"))
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "password").chmod(0o600)
    script, tls = Script(), options.get("tls", False)
    controller = _Server(
        script,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=context if tls else None,
        tls_context=None if tls or not options.get("starttls", True) else context,
        auth_require_tls=not tls and options.get("starttls", True),
    )
    controller.start()
    try:
        yield SmtpServer(controller.port, script, folder / "authorities.pem", folder / "password")
    finally:
        controller.stop()


class _Server(Controller):
    """The library's server, and its thread."""

    def __init__(self, script: Script, tls_context: Any, auth_require_tls: bool, **more: Any):
        self._options = {
            "tls_context": tls_context,
            "require_starttls": tls_context is not None,
            "auth_required": True,
            "auth_require_tls": auth_require_tls,
            "authenticator": script.login,
        }
        super().__init__(script, **more)

    def factory(self) -> SMTP:
        """One protocol a connection."""
        with warnings.catch_warnings():  # a login outside STARTTLS is what some tests are about
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(self.handler, **self._options)

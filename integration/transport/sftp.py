"""SFTP: upload under `.NAME.part`, then rename; the final name never holds half a file.

The host key is pinned: another one bars the partner, and nothing is accepted by itself. Every wait
has a limit. A rename whose answer is lost is looked for at the next try, by name and bytes
(ecosystem F5–F8, F33; what paramiko raises when: §A.3).
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import paramiko

from config.partners import SftpPartner
from integration.failpoints import reach
from integration.transport.credentials import private_text, secret
from integration.transport.protocol import (
    BarredError,
    Item,
    Receipt,
    RefusedError,
    TransportError,
    UncertainError,
    UnreachableError,
)

_TROUBLE: Final = (OSError, EOFError, paramiko.SSHException)
_LOST: Final = (EOFError, TimeoutError, ConnectionError, paramiko.SSHException)
_KEY_TYPES: Final = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)

# What goes wrong is ours to tell; its threads would print tracebacks.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Sftp:
    """A session with one server, kept from one file to the next."""

    together = 20

    def __init__(self, partner: SftpPartner, home: Path) -> None:
        self._partner, self._home = partner, home
        self._client = paramiko.SSHClient()
        self._session: paramiko.SFTPClient | None = None

    def open(self) -> None:
        """Connect to the pinned host and log in with our key."""
        if self._session is not None:
            return
        own = self._own_key()
        try:
            self._client = self._connected(own)
            session = self._client.open_sftp()
        except _TROUBLE as error:
            self.close()
            raise _opening(error) from None
        _channel(session).settimeout(self._partner.timeout_s)
        self._session = session

    def prepare(self, item: Item) -> None:
        """All bytes are there under a name that partners don't look at.

        The file of an earlier try that stands there already is left alone.
        """
        final, part = self._path(item.name), self._path(f".{item.name}.part")
        with self._before_renaming() as session:
            if item.doubt and self._has_come(session, item, final, part):
                return
            _upload(session, part, item.content)
            reach("sftp.part")

    def deliver(self, item: Item) -> Receipt:
        """The prepared file takes its name; a plain rename never overwrites."""
        final, part = self._path(item.name), self._path(f".{item.name}.part")
        assert self._session is not None, "open first"
        try:
            self._session.rename(part, final)
        except _TROUBLE as error:
            if self._is_lost(error):
                self.close()
                raise UncertainError("réponse au renommage perdue", checkable=True) from None
        else:
            reach("sftp.renamed")
            return Receipt(f"{len(item.content)} octets déposés")
        return self._in_the_way(part, final, item)

    def check(self) -> str:
        """Log in and look at the folder."""
        self.open()
        with self._before_renaming() as session:
            session.stat(str(self._partner.folder))
        return "connexion et dossier corrects"

    def close(self) -> None:
        """Hang up."""
        self._client.close()
        self._session = None

    def _connected(self, own: paramiko.PKey) -> paramiko.SSHClient:
        partner, limit = self._partner, self._partner.timeout_s
        client = paramiko.SSHClient()
        kind, key = partner.host_key.split()[:2]
        pinned = paramiko.PKey.from_type_string(kind, base64.b64decode(key))
        host = partner.host if partner.port == 22 else f"[{partner.host}]:{partner.port}"
        client.get_host_keys().add(host, kind, pinned)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        client.connect(
            partner.host, partner.port, partner.user, pkey=own, allow_agent=False,
            look_for_keys=False, timeout=limit, banner_timeout=limit, auth_timeout=limit,
            channel_timeout=limit,
        )  # fmt: skip
        return client

    def _own_key(self) -> paramiko.PKey:
        """Our private key, of whatever type its file holds. Raises AnomaliesFound, BarredError."""
        partner = self._partner
        text = private_text(self._home / partner.key_file)
        password = secret(partner.key_password, self._home) if partner.key_password else None
        for type_ in _KEY_TYPES:
            try:
                return type_.from_private_key(io.StringIO(text), password)
            except (paramiko.SSHException, ValueError):
                continue  # another type, or no key at all: told below
        raise BarredError("notre clé privée est illisible, ou son mot de passe est faux")

    def _path(self, name: str) -> str:
        return str(self._partner.folder / name)

    def _has_come(self, session: paramiko.SFTPClient, item: Item, final: str, part: str) -> bool:
        """Whether an earlier try arrived. Raises UncertainError when that can't be seen."""
        if _standing(session, final, item):
            return True
        if self._partner.keeps_files or _exists(session, part):
            return False
        raise UncertainError("il n'y est pas, mais le partenaire retire ce qu'il reçoit")

    def _in_the_way(self, part: str, final: str, item: Item) -> Receipt:
        """The server refuses the name: what stands there may be the file itself."""
        with self._before_renaming() as session:
            try:
                receipt = _standing(session, final, item)
            finally:
                if _exists(session, part):
                    session.remove(part)
        if receipt is None:
            raise RefusedError("le serveur refuse le nom du fichier")
        return receipt

    @contextmanager
    def _before_renaming(self) -> Iterator[paramiko.SFTPClient]:
        """Whatever the link does before a rename is asked, nothing has arrived."""
        assert self._session is not None, "open first"
        try:
            yield self._session
        except _TROUBLE as error:
            failure = self._told(error)
            if failure.link:
                self.close()
            raise failure from None

    def _told(self, error: BaseException) -> UnreachableError:
        if self._is_lost(error):
            return UnreachableError(f"liaison coupée ou muette ({type(error).__name__})")
        if isinstance(error, FileNotFoundError | PermissionError):
            return UnreachableError("dossier absent ou fermé en écriture", link=False)
        return UnreachableError("fichier incomplet à l'arrivée (espace distant ?)", link=False)

    def _is_lost(self, error: BaseException) -> bool:
        """Whether the link failed, rather than the server answering no."""
        closed = self._session is None or _channel(self._session).closed
        return closed or isinstance(error, _LOST)


def _channel(session: paramiko.SFTPClient) -> paramiko.Channel:
    channel = session.get_channel()
    assert channel is not None  # an open session has one
    return channel


def _upload(session: paramiko.SFTPClient, part: str, content: bytes) -> None:
    """All bytes under the name that partners don't look at; raises OSError when some are missing.

    Requests go ahead of their answers; a refused write is known at the end.
    """
    try:
        with session.open(part, "wb") as file:
            reach("sftp.opened")
            file.set_pipelined(True)
            file.write(content)
        file._check_exception()  # type: ignore[attr-defined]  # what an answer said of a write
        if session.stat(part).st_size != len(content):
            raise OSError("incomplete")  # a full disk: the server says no more
    except OSError:
        if not _channel(session).closed and _exists(session, part):
            session.remove(part)
        raise


def _exists(session: paramiko.SFTPClient, path: str) -> bool:
    try:
        session.stat(path)
    except FileNotFoundError:
        return False
    return True


def _standing(session: paramiko.SFTPClient, final: str, item: Item) -> Receipt | None:
    """The file already there under the name. Raises RefusedError when its bytes are others."""
    if not _exists(session, final):
        return None
    other = RefusedError("un autre fichier y porte déjà ce nom")
    if session.stat(final).st_size != len(item.content):
        raise other
    with session.open(final, "rb") as file:
        file.prefetch(len(item.content))
        if hashlib.sha256(file.read()).digest() != hashlib.sha256(item.content).digest():
            raise other
    return Receipt(f"{len(item.content)} octets déjà en place")


def _opening(error: BaseException) -> TransportError:
    """Why no session opened: whom we don't trust, who doesn't trust us, or nobody there."""
    if isinstance(error, paramiko.BadHostKeyException):
        return BarredError(f"sa clé a changé, la sienne est {_fingerprint(error.key)}")
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return BarredError("ses algorithmes sont trop anciens, ou sa clé d'un autre type")
    if isinstance(error, paramiko.AuthenticationException):
        return BarredError("il refuse notre compte ou notre clé")
    if isinstance(error, paramiko.SSHException) and "known_hosts" in str(error):
        return BarredError("sa clé n'est pas celle de son fichier")
    if isinstance(error, socket.gaierror):
        return UnreachableError("nom de serveur introuvable")
    return UnreachableError(f"pas de réponse ({type(error).__name__})")


def _fingerprint(key: paramiko.PKey) -> str:
    """As `ssh-keygen -l` prints it."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"

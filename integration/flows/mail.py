"""Mail taken to the inbox, of funds and of customers who answer a reading request: each message
once, a broken one to `error/courriels`.

A message stays in the maildir's `cur/`. Its file lands in the folder of the flow that recognises
its content, else at the inbox's root, where the import says why it takes nothing of it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.message import Received, ReceivingKey, decoded
from formats.message.reply import Reply, replied
from integration.durable import write_whole
from integration.failpoints import reach
from integration.inbox import safe_name
from integration.kept import deliver_kept
from integration.persons import Vault
from integration.translate.flow import detect
from integration.transport.folder import deliver
from integration.transport.maildir import Fetched, fetch

NO_MAILDIR: Final = Code(
    "RUN-131",
    "Le courrier n'est pas relevé : « {name} » n'est pas un dossier maildir (new, cur, tmp).",
    "Corrigez mail.maildir, ou créez ce dossier avec le serveur de courrier.",
)
NO_RECEIVING_KEY: Final = Code(
    "RUN-132",
    "Le courrier n'est pas relevé : {cause}.",
    "Corrigez mail.key et mail.certificate ; les messages attendent.",
)
NOT_ASKED: Final = Code(
    "RUN-153",
    "La réponse à la demande de relevés {number} n'est pas celle d'une demande que nous avons faite"
    " pour ces biens.",
    "Lisez-la à la main ; rien n'en est importé.",
)
Asked = Callable[[Reply], Container[str]]
ERRORS: Final = "courriels"
"""Folder of the refused messages, below `error/`."""


@dataclass(frozen=True, slots=True)
class Mailed:
    """What was found in the maildir. files: where attachments landed."""

    files: tuple[Path, ...] = ()
    refused: int = 0
    anomalies: tuple[Anomaly, ...] = ()


def nobody_asked(reply: Reply) -> Container[str]:
    """No request was ever sent."""
    return ()


def take_mail(
    settings: Settings, asked: Asked = nobody_asked, vault: Vault | None = None
) -> Mailed:
    """Empty the maildir of the settings; without one there is nothing to do.

    asked: the machines of the letter that an answer to a reading request names.
    vault: encrypts the copies of refused messages; None keeps them in clear.

    A maildir or a key that can't be used is an anomaly and leaves every message where it is.
    """
    if not settings.mail.maildir:
        return Mailed()
    maildir = settings.folders.home / settings.mail.maildir
    if not all((maildir / name).is_dir() for name in ("new", "cur")):
        return Mailed(anomalies=(Anomaly(NO_MAILDIR, values={"name": maildir.name}),))
    try:
        key = receiving_key(settings)
    except AnomaliesFound as found:
        return Mailed(anomalies=found.anomalies)
    return _emptied(settings, maildir, key, asked, vault)


def _emptied(
    settings: Settings,
    maildir: Path,
    key: ReceivingKey | None,
    asked: Asked,
    vault: Vault | None,
) -> Mailed:
    files: list[Path] = []
    anomalies: list[Anomaly] = []
    refused = 0

    def landing(name: str, received: Received) -> Path:
        return _landing(settings, name, received)

    for one in fetch(maildir, landing, key, partial(_read, asked)):
        if one.file:
            files.append(one.file)
        else:
            _explain(settings, one, vault)
            refused += 1
            anomalies += one.anomalies
    return Mailed(tuple(files), refused, tuple(anomalies))


def _read(asked: Asked, mail: bytes, key: ReceivingKey | None) -> Received:
    """A customer's answer becomes a file of readings; other mail is a fund's."""
    reply = replied(mail)
    return decoded(mail, key) if reply is None else _answered(reply, asked(reply))


def _answered(reply: Reply, machines: Container[str]) -> Received:
    """Only machines of the letter are answered for: its reference isn't to be guessed."""
    if not all(answer.asset in machines for answer in reply.answers):
        raise AnomaliesFound(Anomaly(NOT_ASKED, values={"number": reply.number}))
    return Received(
        description="RELEVE",
        test=False,
        name=f"releves-{reply.number}.csv",
        content=reply.as_csv(),
        subject="",
        sender="",
        message_id=reply.message_id.encode("ascii", "ignore").decode(),
        encrypted=False,
    )


def _landing(settings: Settings, name: str, received: Received) -> Path:
    try:
        return settings.folders.inbox / detect(received.content, name).name
    except AnomaliesFound:
        return settings.folders.inbox


def _explain(settings: Settings, one: Fetched, vault: Vault | None) -> None:
    """A copy of the message beside its reasons; killed and run again, the same two files."""
    content = one.mail.read_bytes()
    once = hashlib.sha256(content).hexdigest()[:16]
    folder, name = settings.folders.error / ERRORS, f"{once}-{safe_name(one.mail.name)}"
    if vault:
        deliver_kept(vault, folder, name, content)
    else:
        deliver(folder, name, content)
    reach("mail.refused")
    reasons = [f"Message refusé : {safe_name(one.mail.name)}. Rien n'en a été importé.", ""]
    for n, anomaly in enumerate(one.anomalies, 1):
        reasons.append(f"{n}. {anomaly.code.id} : {anomaly.sentence}")
        reasons.append(f"   À faire : {anomaly.code.remedy}")
    write_whole(folder / f"{name}.err.txt", "\n".join([*reasons, ""]).encode())


def receiving_key(settings: Settings) -> ReceivingKey | None:
    """What opens encrypted mail; None when no key is named. Raises AnomaliesFound (RUN-132)."""
    if not settings.mail.key:
        return None
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    home = settings.folders.home
    try:
        secret = _private(home / settings.mail.key)
        public = (home / settings.mail.certificate).read_bytes()
    except OSError as error:
        raise _unusable(f"clé ou certificat ne s'ouvre pas ({type(error).__name__})") from None
    try:
        key = load_pem_private_key(secret, None)
        certificate = x509.load_pem_x509_certificate(public)
    except (ValueError, TypeError):
        raise _unusable("la clé ou le certificat n'est pas lisible") from None
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise _unusable("la clé n'est pas une clé RSA, ou pas celle du certificat")
    return ReceivingKey(key, certificate)


def _private(path: Path) -> bytes:
    """The bytes of a file that nobody else may read."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            raise _unusable("d'autres peuvent lire la clé (chmod 600)")
        return file.read()


def _unusable(cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(NO_RECEIVING_KEY, values={"cause": cause}))

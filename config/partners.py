"""Partners: one TOML file each in `partners/`; the file's name is the partner's name.

A file says how to reach the partner, how files are named there, how long to insist, and what the
partner takes. Whatever no partner takes goes to the built-in one, the folder `outbox/`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from config.settings import BAD_VALUE, Section, anomaly_of, read_toml
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

NO_TRANSPORT: Final = Code(
    "CFG-201",
    "Le transport du partenaire n'est pas connu.",
    "Écrivez transport = « sftp », « smtp » ou « folder » avec des guillemets droits.",
)
BAD_NAME: Final = Code(
    "CFG-202",
    "Le nom de fichier d'un partenaire n'admet que minuscules, chiffres et tirets (40 au plus).",
    "Renommez le fichier ; « folder » et « all » sont réservés.",
)
TWO_TAKERS: Final = Code(
    "CFG-203",
    "Les partenaires « {first} » et « {second} » prennent tous deux « {kind} » pour « {pattern} ».",
    "Retirez ce destinataire de l'un des deux fichiers.",
)

BUILT_IN: Final = "folder"
EVERYBODY: Final = "all"
Kind = Literal["invoice_pdf", "b2", "run_silence", "night_report", "reading_request", "checks"]
_FILE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SLOTS: Final = ("name", "stem", "suffix", "id", "kind", "recipient")
MAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")


class Takes(Section):
    """Kinds of documents a partner takes, and for whom."""

    kind: Kind = Field(
        description="nature : invoice_pdf, b2, run_silence, night_report, reading_request ou checks"
    )
    recipients: tuple[str, ...] = Field(
        ("*",), description="codes de clients ou numéros de caisses ; * : tous, 01* : un début"
    )

    @field_validator("recipients")
    @classmethod
    def _starts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(re.fullmatch(r"[^*]*\*?", one) and one for one in value):
            raise ValueError("recipients")
        return value


class Secret(Section):
    """Where a password is found: exactly one place, never in a partner's file itself."""

    file: str = Field("", description="fichier en droits 0600, sous le dossier de travail")
    environment: str = Field("", description="variable d'environnement")
    credential: str = Field("", description="secret remis par systemd (LoadCredential)")

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if sum(map(bool, (self.file, self.environment, self.credential))) != 1:
            raise ValueError("one of file, environment, credential")
        return self


class Partner(Section):
    """What all partners have. Times: `timeout_s` for one answer, `deadline_h` since the first try.

    remote_name: slots {name} {stem} {suffix} {id} {kind} {recipient}; it must differ by row.
    """

    name: str = Field(description="nom du fichier TOML")
    takes: tuple[Takes, ...] = Field((), description="ce que le partenaire prend")
    remote_name: str = Field("{name}", description="nom du fichier chez le partenaire")
    attempts: int = Field(8, ge=1, le=100, description="essais avant d'abandonner")
    deadline_h: int = Field(72, ge=1, le=2400, description="heures avant d'abandonner")
    timeout_s: int = Field(30, ge=1, le=600, description="secondes d'attente d'une réponse")

    @field_validator("remote_name")
    @classmethod
    def _own_name(cls, value: str) -> str:
        filled = value.format(**dict.fromkeys(_SLOTS, "x"))
        own = any(f"{{{slot}}}" in value for slot in ("name", "stem", "id"))
        if "/" in filled or filled.startswith(".") or not own:
            raise ValueError("remote_name")
        return value

    def claim(self, kind: str, recipient: str, address: str) -> int:
        """How narrowly it takes a document for that recipient (code, mail address); -1: not."""
        del address
        patterns = (one for take in self.takes if take.kind == kind for one in take.recipients)
        return max((2 * len(one) for one in patterns if _meets(recipient, one)), default=-1)

    def named(self, **slots: object) -> str:
        """The name of a file at the partner's."""
        return self.remote_name.format(**slots)


class FolderPartner(Partner):
    """A folder of this machine, or one mounted on it."""

    transport: Literal["folder"] = Field("folder", description="folder")
    folder: Path = Field(description="dossier où déposer")
    folders: dict[str, str] = Field({}, description="sous-dossier par nature de document")


class SftpPartner(Partner):
    """A server reached by SFTP; its key is pinned, ours logs us in."""

    transport: Literal["sftp"] = Field("sftp", description="sftp")
    host: str = Field(min_length=1, description="nom du serveur")
    port: int = Field(22, ge=1, le=65535, description="port")
    user: str = Field(min_length=1, description="compte")
    host_key: str = Field(description='clé du serveur, ex. "ssh-ed25519 AAAA…"')
    key_file: Path = Field(description="notre clé privée, droits 0600, sous le dossier de travail")
    key_password: Secret | None = Field(None, description="mot de passe de notre clé")
    folder: PurePosixPath = Field(PurePosixPath(), description="dossier chez le partenaire")
    keeps_files: bool = Field(
        False,
        description="true : le partenaire laisse en place ce qu'il reçoit (un absent n'est pas là)",
    )

    @field_validator("host_key")
    @classmethod
    def _type_and_key(cls, value: str) -> str:
        kind, _, key = value.partition(" ")
        try:
            known = base64.b64decode(key.split()[0], validate=True)
        except (binascii.Error, IndexError):
            raise ValueError("host_key") from None
        if not known[4:].startswith(kind.encode()):
            raise ValueError("host_key")
        return value


class SmtpPartner(Partner):
    """A mail server that relays for us; without `to`, the customer's own address is written to."""

    transport: Literal["smtp"] = Field("smtp", description="smtp")
    host: str = Field(min_length=1, description="nom du serveur")
    port: int = Field(587, ge=1, le=65535, description="port")
    security: Literal["starttls", "tls"] = Field("starttls", description="starttls ou tls")
    authorities: Path | None = Field(None, description="certificats PEM de confiance en plus")
    user: str = Field("", description="compte ; vide : sans")
    password: Secret | None = Field(None, description="où est le mot de passe")
    sender: str = Field(description="adresse d'expéditeur")
    to: tuple[str, ...] = Field((), description="adresses ; vide : celle du client")
    subject: str = Field("{name}", description="objet ; mêmes repères que remote_name")
    text: str = Field("Veuillez trouver ci-joint {name}.", description="texte du message")

    @field_validator("sender")
    @classmethod
    def _address(cls, value: str) -> str:
        if not MAIL.fullmatch(value):
            raise ValueError("sender")
        return value

    @field_validator("to")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(MAIL.fullmatch, value)):
            raise ValueError("to")
        return value

    @field_validator("subject", "text")
    @classmethod
    def _known_slots(cls, value: str) -> str:
        value.format(**dict.fromkeys(_SLOTS, "x"))
        return value

    @model_validator(mode="after")
    def _password_of_a_user(self) -> SmtpPartner:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password go together")
        return self

    def claim(self, kind: str, recipient: str, address: str) -> int:
        """Without `to` it needs an address, and comes before one that needs none."""
        if not (self.to or address):
            return -1
        claimed = super().claim(kind, recipient, address)
        return claimed if self.to or claimed < 0 else claimed + 1


AnyPartner = FolderPartner | SftpPartner | SmtpPartner
MODELS: Final[Mapping[str, type[AnyPartner]]] = {
    "folder": FolderPartner,
    "sftp": SftpPartner,
    "smtp": SmtpPartner,
}


def load_partners(folder: Path) -> dict[str, AnyPartner]:
    """Partners of a folder by name, in order. Raises AnomaliesFound with every fault (CFG-…)."""
    found: dict[str, AnyPartner] = {}
    wrong: list[Anomaly] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found[file.stem] = _partner(file)
        except AnomaliesFound as faults:
            wrong += faults.anomalies
    wrong += _disputes(found.values())
    if wrong:
        raise AnomaliesFound(*wrong)
    return found


def _partner(file: Path) -> AnyPartner:
    raw = read_toml(file)
    if not _FILE.fullmatch(file.stem) or file.stem in (BUILT_IN, EVERYBODY):
        raise AnomaliesFound(Anomaly(BAD_NAME, Place(file.name)))
    model = MODELS.get(str(raw.get("transport")))
    lines = file.read_text("utf-8").splitlines()
    if model is None:
        raise AnomaliesFound(Anomaly(NO_TRANSPORT, _place(file.name, lines, ("transport",))))
    try:
        return model.model_validate({**raw, "name": file.stem} if "name" not in raw else raw)
    except ValidationError as found:
        raise AnomaliesFound(*_faults(file.name, lines, found)) from None
    except (KeyError, IndexError, AttributeError):  # a slot that isn't one, in a template
        raise AnomaliesFound(_bad_template(file.name, lines, raw)) from None


def _faults(file: str, lines: list[str], found: ValidationError) -> Iterator[Anomaly]:
    for error in found.errors():
        yield anomaly_of(error, file).at(_place(file, lines, error["loc"]))


def _bad_template(file: str, lines: list[str], raw: Mapping[str, Any]) -> Anomaly:
    keys = [key for key in ("remote_name", "subject", "text") if "{" in str(raw.get(key, ""))]
    values = {"key": ", ".join(keys), "allowed": f" ; repères admis : {', '.join(_SLOTS)}"}
    return Anomaly(BAD_VALUE, _place(file, lines, keys[:1]), values)


def _place(file: str, lines: list[str], where: Iterable[int | str]) -> Place:
    """The line that sets a key, when there is one; its last part is what is written there."""
    names = [str(part) for part in where if isinstance(part, str)]
    for name in reversed(names):
        wanted = re.compile(rf"\s*(\[+\s*)?{re.escape(name)}\s*(=|\])")
        for number, line in enumerate(lines, 1):
            if wanted.match(line):
                return Place(file, number)
    return Place(file)


def _disputes(partners: Iterable[AnyPartner]) -> Iterator[Anomaly]:
    """The same recipients of a kind claimed twice; the narrower of two patterns simply wins."""
    takers: dict[tuple[str, str, bool], str] = {}
    for partner in partners:
        needs_address = isinstance(partner, SmtpPartner) and not partner.to
        for take in partner.takes:
            for pattern in take.recipients:
                first = takers.setdefault((take.kind, pattern, needs_address), partner.name)
                if first != partner.name:
                    values = {"first": first, "second": partner.name, "pattern": pattern}
                    yield Anomaly(TWO_TAKERS, values={**values, "kind": take.kind})


def taker(
    partners: Mapping[str, AnyPartner], kind: str, recipient: str, address: str = ""
) -> AnyPartner | None:
    """Who takes a document: the narrowest claim; None when nobody does."""
    claims = [(one.claim(kind, recipient, address), one) for one in partners.values()]
    best = max(claims, key=lambda claim: claim[0], default=None)
    return best[1] if best and best[0] >= 0 else None


def _meets(recipient: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return recipient.startswith(pattern[:-1])
    return recipient == pattern

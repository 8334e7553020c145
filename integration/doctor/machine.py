"""Looks at the machine and the disk: programs, folders, rights, secrets, certificates, place."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from config import settings as configuration
from config.partners import AnyPartner, FolderPartner, Secret, SftpPartner, SmtpPartner
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound
from formats.common.french import counted
from integration.doctor.finding import Finding
from integration.flows.rotation import mixed_files
from integration.keys import in_a_file, read_keys
from integration.persons import Vault
from integration.rehearsal import NAME as REHEARSAL

LEAST_FREE_BYTES: Final = 1 << 30
_OTHERS: Final = 0o077
_STUCK: Final = timedelta(hours=1)
_WARNING: Final = timedelta(days=30)
_CHANGE_DAYS: Final = 14
_SHARED: Final = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs"}


def machine() -> Iterator[Finding]:
    """Python and SQLite."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), version, "installez Python 3.11 ou plus")
    mend = "installez un Python lié à SQLite 3.35 ou plus"
    well = sqlite3.sqlite_version_info >= (3, 35, 0)
    yield Finding("SQLite", well, sqlite3.sqlite_version, mend)


def folders(settings: Settings) -> Iterator[Finding]:
    """There, on one disk, closed to others, with place left."""
    own = settings.folders
    names = ("inbox", "processing", "done", "error", "outbox", "state")
    missing = [name for name in names if not getattr(own, name).is_dir()]
    there = f"manquants : {', '.join(missing)}" if missing else "tous là"
    yield Finding("dossiers", not missing, there, "echeance init")
    devices = {getattr(own, n).stat().st_dev for n in names[:4] if n not in missing}
    one = len(devices) <= 1
    mend = "mettez inbox, processing, done et error sur un même disque : les déplacements y sont"
    said = "un seul" if one else "plusieurs"
    yield Finding("système de fichiers", one, said, f"{mend} atomiques")
    kind = _file_system(own.state)
    mend = "mettez le dossier sur un disque local : SQLite perd ses verrous sur un partage"
    yield Finding("disque local", kind not in _SHARED, kind, mend)
    mode = stat.S_IMODE(own.home.stat().st_mode)
    yield Finding("droits du dossier", not mode & 0o007, f"{mode:o}", f"chmod o-rwx {own.home}")
    free = shutil.disk_usage(own.home).free
    mend = f"libérez au moins {LEAST_FREE_BYTES >> 20} Mo sur le disque de {own.home}"
    yield Finding("place libre", free >= LEAST_FREE_BYTES, f"{free >> 20} Mo", mend)


def _file_system(path: Path) -> str:
    """The type of the file system a path lies on, by the longest mount point."""
    mounts = Path("/proc/mounts")
    lines = mounts.read_text("utf-8").splitlines() if mounts.exists() else []
    parts = [line.split(" ") for line in lines]
    here = path.resolve()
    on = [(len(part[1]), part[2]) for part in parts if here.is_relative_to(part[1])]
    return max(on, default=(0, "inconnu"))[1]


def stuck(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Files claimed and never ended: a killed run left them."""
    left = [
        path
        for path in settings.folders.processing.rglob("*")
        if path.is_file() and now.timestamp() - path.stat().st_mtime > _STUCK.total_seconds()
    ]
    some = counted(len(left), "fichier(s)")
    said = f"{some}, dont {left[0].name}" if left else "aucun fichier en attente"
    mend = "« echeance run night » reprend les fichiers commencés"
    yield Finding("fichiers en cours", not left, said, mend)


def rehearsals(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Copies of the home that a killed rehearsal left: they hold what the home holds."""
    left = [
        path.name
        for path in settings.folders.home.glob(f"{REHEARSAL}*")
        if now.timestamp() - path.stat().st_mtime > _STUCK.total_seconds()
    ]
    if left:
        mend = f"supprimez-les : rm -r {settings.folders.home}/{REHEARSAL}*"
        yield Finding("essais interrompus", False, counted(len(left), "copie(s)"), mend)


def next_change(zone: ZoneInfo, now: datetime) -> Finding:
    """Whether the clock changes soon: jobs between 2 and 3 o'clock are moved or doubled then."""
    days = [now + timedelta(days=n) for n in range(_CHANGE_DAYS + 1)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    changes = [day for day, a, b in zip(days[1:], offsets, offsets[1:], strict=False) if a != b]
    told = f"{zone.key}, changement d'heure le {changes[0]:%d/%m/%Y}" if changes else zone.key
    return Finding("fuseau", True, told)


def person_key(settings: Settings) -> Finding:
    """The key of persons: there, closed to others, and the only one that seals kept files."""
    key, name = settings.person_key, "clé des identités"
    ours = in_a_file(key)
    if ours and not key.exists():
        mend = f"remettez {key} depuis votre sauvegarde des clés, ou « echeance init » sans patient"
        return Finding(name, False, "absente", mend)
    if ours and (mode := stat.S_IMODE(key.stat().st_mode)) != 0o600:
        return Finding(name, False, f"droits {mode:o}", f"chmod 600 {key}")
    try:
        keys = read_keys(key)
    except AnomaliesFound as found:
        return Finding(name, False, found.anomalies[0].sentence, found.anomalies[0].code.remedy)
    if keys.following is not None:
        return Finding(name, False, "rotation inachevée", "echeance keys rotate")
    if others := mixed_files(Vault(keys.current), settings.folders):
        mend = "remettez en place la clé retirée, puis « echeance keys rotate »"
        return Finding(
            name, False, counted(others, "fichier(s) chiffré(s) avec une autre clé"), mend
        )
    return Finding(name, True, "droits 600" if ours else "donnée par systemd ou l'environnement")


def secrets(settings: Settings, partners: dict[str, AnyPartner]) -> Iterator[Finding]:
    """Files that hold a password or a key: there, and closed to others."""
    for path in sorted(set(_secret_files(settings, partners))):
        name = f"secret {path.name}"
        if not path.is_file():
            yield Finding(name, False, "absent", f"remettez {path}, droits 0600")
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        mend = f"chmod 600 {path}, et changez le secret s'il a pu être lu"
        yield Finding(name, not mode & _OTHERS, f"droits {mode:o}", mend)


def _secret_files(settings: Settings, partners: dict[str, AnyPartner]) -> Iterator[Path]:
    home = settings.folders.home
    yield home / configuration.FILE_NAME
    yield from (home / name for name in (settings.mail.key, settings.cards.pin_file) if name)
    for one in partners.values():
        held: list[Secret | None] = []
        if isinstance(one, SftpPartner):
            yield home / one.key_file
            held = [one.key_password]
        elif isinstance(one, SmtpPartner):
            held = [one.password]
        yield from (home / secret.file for secret in held if secret and secret.file)


def certificates(
    settings: Settings, partners: dict[str, AnyPartner], now: datetime
) -> Iterator[Finding]:
    """The end of each certificate we hold, thirty days ahead."""
    for path, ends in certificate_ends(settings, partners):
        name = f"certificat {path.name}"
        if ends is None:
            yield Finding(name, False, "illisible", f"remettez un fichier PEM dans {path}")
            continue
        mend = f"demandez-en un nouveau et mettez-le dans {path}"
        yield Finding(name, ends - now > _WARNING, f"jusqu'au {ends:%d/%m/%Y}", mend)


def certificate_ends(
    settings: Settings, partners: dict[str, AnyPartner]
) -> Iterator[tuple[Path, datetime | None]]:
    """Files of certificates we hold, and when the first of each ends; None: unreadable."""
    home = settings.folders.home
    named: list[str | Path | None] = [settings.mail.certificate, settings.cards.authorities]
    named += [one.authorities for one in partners.values() if isinstance(one, SmtpPartner)]
    for path in (home / one for one in named if one):
        if path.is_file():
            yield path, _end(path)


def _end(path: Path) -> datetime | None:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        return None
    return min(one.not_valid_after_utc for one in found)


def reachable(settings: Settings, partners: dict[str, AnyPartner]) -> Iterator[Finding]:
    """Each partner, connected to without sending anything."""
    from formats.common.anomaly import AnomaliesFound
    from integration.transport.opened import transport_of
    from integration.transport.protocol import TransportError

    for name, one in partners.items():
        transport = transport_of(one, settings.folders.home)
        try:
            yield Finding(f"partenaire {name}", True, transport.check())
        except TransportError as error:
            remedy = error.anomaly(name, "").code.remedy
            yield Finding(f"partenaire {name}", False, error.why, remedy)
        except AnomaliesFound as found:
            first = found.anomalies[0]
            yield Finding(f"partenaire {name}", False, first.sentence, first.code.remedy)
        finally:
            transport.close()


def local(partners: dict[str, AnyPartner]) -> dict[str, AnyPartner]:
    """Partners that need no network: looked at each time."""
    return {name: one for name, one in partners.items() if isinstance(one, FolderPartner)}

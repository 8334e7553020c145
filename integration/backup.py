"""A backup is one tar file: the database as of one moment, settings, partners, tables, mappings,
templates and anchors of closings.

A manifest in it names each member with its SHA-256, the schema, and the head of each chain; beside
the file, `.sha256` is what `sha256sum -c` reads. Keys stay out unless asked. What was received and
sent (`done/`, `error/`, `outbox/`) is files that never change: copy those as files.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.engine import URL, make_url

from config import settings as configuration
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.engine import make_engine, snapshot
from integration.database.migrations import revision
from integration.database.tables import chain_head, organisation
from integration.durable import sync
from integration.failpoints import reach
from integration.inbox import prepare
from integration.keys import next_file
from integration.outbox.by_hand import Hand

NO_PROGRAM: Final = Code(
    "CFG-111",
    "Le programme « {program} » de PostgreSQL manque ou a échoué ({cause}).",
    "Installez postgresql-client de la version du serveur, et vérifiez database.url.",
)
NOT_EMPTY: Final = Code(
    "CFG-112",
    "« {name} » n'est pas vide : une sauvegarde ne se restaure que dans un lieu neuf.",
    "Donnez à --home un dossier qui n'existe pas, à database.url une base vide.",
)
DAMAGED: Final = Code(
    "CFG-113",
    "La sauvegarde « {name} » est abîmée ou n'en est pas une : {cause}.",
    "Prenez une autre copie de cette sauvegarde, ou la précédente.",
)
REASON: Final = "restauration d'une sauvegarde"
MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_DATABASES: Final = {"sqlite": "database.sqlite", "postgresql": "database.pgdump"}
_KEPT: Final = (
    configuration.FILE_NAME, "partners", "tables", "mappings", "templates", "exports/closings",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. heads: (rank, link) of the chain by organisation code."""

    made_at: str
    schema: str
    kind: str
    heads: dict[str, tuple[int, str]]
    members: dict[str, str]


def back_up(home: Path, settings: Settings, file: Path, now: datetime, *, keys: bool) -> Backup:
    """Write a backup, whole or not at all, readable by its owner only.

    Raises AnomaliesFound (CFG-111), FileExistsError rather than overwrite a backup.
    """
    if file.exists():
        raise FileExistsError(17, "cette sauvegarde existe déjà", file.name)
    file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sauvegarde-", dir=file.parent) as temporary:
        dumped = _dumped(settings.database_url, Path(temporary))
        sources = {dumped.name: dumped, **_chosen(home, settings, keys=keys)}
        told = _described(settings.database_url, dumped, sources, now)
        _pack(Path(temporary) / file.name, sources, told)
        reach("backup.packed")
        digest = _digest(Path(temporary) / file.name)
        (Path(temporary) / "sum").write_text(f"{digest}  {file.name}\n", "utf-8")
        (Path(temporary) / "sum").replace(file.with_name(f"{file.name}.sha256"))
        reach("backup.summed")
        (Path(temporary) / file.name).rename(file)
    return told


def _dumped(url: str, folder: Path) -> Path:
    """The database as of one moment, while others write."""
    made = make_url(url)
    kind = made.get_backend_name()
    target = folder / _DATABASES[kind]
    if kind == "sqlite":
        live, copy = sqlite3.connect(str(made.database)), sqlite3.connect(target)
        with closing(live), closing(copy):
            live.backup(copy)
            (sound,) = copy.execute("PRAGMA integrity_check").fetchone()
        if sound != "ok":
            raise _damaged(str(made.database), "integrity_check")
    else:
        _run_postgresql("pg_dump", made, "--format=custom", f"--file={target}")
    return target


def _run_postgresql(program: str, url: URL, *arguments: str) -> None:
    """A client program of PostgreSQL; the password goes by the environment, never by arguments."""
    where = {"--host": url.host, "--port": url.port, "--username": url.username}
    options = [f"{name}={value}" for name, value in where.items() if value]
    secret = {"PGPASSWORD": str(url.password)} if url.password else {}
    command = [program, *options, "--no-password", f"--dbname={url.database}", *arguments]
    try:
        environment = {**os.environ, **secret}
        done = subprocess.run(command, env=environment, capture_output=True)  # noqa: S603
    except FileNotFoundError:
        raise _no_program(program, "absent") from None
    if done.returncode:
        raise _no_program(program, f"code {done.returncode}")


def _no_program(program: str, cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(NO_PROGRAM, values={"program": program, "cause": cause}))


def _chosen(home: Path, settings: Settings, *, keys: bool) -> dict[str, Path]:
    """Files of the home that are choices, by path below it; keys only when asked."""
    wanted = [home / name for name in _KEPT]
    if keys:
        wanted += [settings.person_key, next_file(settings.person_key)]
        wanted += [settings.signing_key, home / "secrets"]
        wanted += [home / settings.mail.key] if settings.mail.key else []
    files = [
        path
        for one in wanted
        for path in ([one] if one.is_file() else sorted(one.rglob("*")))
        if path.is_file() and not path.is_symlink()
    ]
    return {str(path.resolve().relative_to(home.resolve())): path for path in files}


def _described(url: str, dumped: Path, sources: dict[str, Path], now: datetime) -> Backup:
    kind = make_url(url).get_backend_name()
    engine = make_engine(f"sqlite:///{dumped}" if kind == "sqlite" else url)
    try:
        schema, found = revision(engine) or "", heads(engine)
    finally:
        engine.dispose()
    members = {name: _digest(path) for name, path in sources.items()}
    return Backup(now.isoformat(timespec="seconds"), schema, kind, found, members)


def heads(engine: Engine) -> dict[str, tuple[int, str]]:
    """The head of each organisation's chain, by its code."""
    query = select(organisation.c.code, chain_head.c.sequence, chain_head.c.link).join(
        chain_head, chain_head.c.organisation_id == organisation.c.id
    )
    with snapshot(engine) as connection:
        return {code: (int(rank), link) for code, rank, link in connection.execute(query)}


def _pack(file: Path, sources: dict[str, Path], told: Backup) -> None:
    manifest = {"format": _FORMAT, **{name: getattr(told, name) for name in told.__slots__}}
    with file.open("xb") as raw:
        os.fchmod(raw.fileno(), 0o600)
        with tarfile.open(fileobj=raw, mode="w") as tar:
            content = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
            head = tarfile.TarInfo(MANIFEST)
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
            for name, path in sources.items():
                tar.add(path, name, recursive=False)
        raw.flush()
        sync(raw.fileno(), file)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- restoring --------------------------------------------------------------------------------


def restore(file: Path, home: Path, now: datetime) -> Backup:
    """Bring a backup back into a home that doesn't exist yet, with every organisation's outbox on
    hold. Killed on the way nothing is there; run again it succeeds.

    Raises AnomaliesFound (CFG-111, CFG-112, CFG-113).
    """
    if home.exists() and any(home.iterdir()):
        raise AnomaliesFound(Anomaly(NOT_EMPTY, values={"name": home.name}))
    part = home.with_name(f".{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o750, parents=True)
    told = unpack(file, part)
    reach("restore.unpacked")
    settings = configuration.load(part / configuration.FILE_NAME)
    _fill(part, settings, told)
    reach("restore.filled")
    engine = make_engine(settings.database_url)
    try:
        if heads(engine) != told.heads:
            raise _damaged(file.name, "la tête de chaîne n'est pas celle du manifeste")
        _hold(engine, now)
    finally:
        engine.dispose()
    reach("restore.held")
    if home.exists():
        home.rmdir()
    part.rename(home)
    return told


def unpack(file: Path, folder: Path) -> Backup:
    """The members of a backup, each checked, and what it says. Raises AnomaliesFound (CFG-113)."""
    _check_sum(file)
    try:
        with tarfile.open(file, "r:") as tar:
            told = _manifest(tar.extractfile(MANIFEST))
            for member in tar.getmembers():
                if member.name != MANIFEST:
                    _extract(tar, member, folder, told)
        missing = [name for name in told.members if not (folder / name).is_file()]
    except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError) as error:
        if isinstance(error, AnomaliesFound):
            raise
        raise _damaged(file.name, type(error).__name__) from None
    if missing:
        raise _damaged(file.name, f"il manque {missing[0]}")
    return told


def _check_sum(file: Path) -> None:
    beside = file.with_name(f"{file.name}.sha256")
    if beside.is_file() and beside.read_text("utf-8").split()[0] != _digest(file):
        raise _damaged(file.name, "son empreinte n'est plus celle de son fichier .sha256")


def _manifest(member: Any) -> Backup:
    raw = json.loads(member.read())
    if raw.pop("format") != _FORMAT:
        raise ValueError("format")
    raw["heads"] = {code: (rank, link) for code, (rank, link) in raw["heads"].items()}
    return Backup(**raw)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, told: Backup) -> None:
    """One regular member, with the bytes the manifest says; none leaves its folder."""
    content = tar.extractfile(member)
    target = (folder / member.name).resolve()
    if content is None or not target.is_relative_to(folder.resolve()):
        raise _damaged(str(tar.name), f"membre inattendu {member.name}")
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        sync(file.fileno(), target)
    if told.members.get(member.name) != _digest(target):
        raise _damaged(Path(str(tar.name)).name, f"{member.name} n'a pas l'empreinte annoncée")


def _fill(part: Path, settings: Settings, told: Backup) -> None:
    """Put the database where the settings say; folders beside it."""
    url = make_url(settings.database_url)
    dumped = part / _DATABASES[told.kind]
    if url.get_backend_name() != told.kind:
        raise _damaged(dumped.name, f"database.url n'est pas {told.kind}")
    prepare(settings)
    settings.folders.state.mkdir(mode=0o750, exist_ok=True)
    if told.kind == "sqlite":
        target = Path(str(url.database))
        if target.exists():
            raise AnomaliesFound(Anomaly(NOT_EMPTY, values={"name": target.name}))
        dumped.rename(target)
        return
    engine = make_engine(settings.database_url)
    try:
        if revision(engine) is not None:
            raise AnomaliesFound(Anomaly(NOT_EMPTY, values={"name": url.database}))
    finally:
        engine.dispose()
    _run_postgresql(
        "pg_restore", url, "--single-transaction", "--exit-on-error", "--no-owner", str(dumped)
    )
    dumped.unlink()


def _hold(engine: Engine, now: datetime) -> None:
    """Nothing leaves before a person says so: some of it may have left since the backup."""
    with engine.begin() as connection:
        for id_ in list(connection.scalars(select(organisation.c.id))):
            Hand(connection, id_, now).hold("all", REASON, {})


def _damaged(name: str, cause: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(DAMAGED, values={"name": Path(name).name, "cause": cause}))

"""The watched folders: claim a file, import it in one transaction, file it away.

Every file ends in exactly one place, `done/` or `error/`, whatever kills us: the rename to
`processing/` claims it, the commit decides, the last move only says what was decided and is
repeated when it is missing. Nothing is ever deleted or overwritten.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import OperationalError

from config.settings import Settings
from formats.common.alike import Alike, by_code, identical
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.common.french import counted
from formats.common.privacy import holds_nir, without_nir
from integration import audit
from integration.database.again import again
from integration.database.bulk import reserve_ids
from integration.database.tables import json_text, received_file
from integration.durable import in_the_making, sync_path, write_whole
from integration.failpoints import reach
from integration.kept import SUFFIX, keep
from integration.persons import Vault
from integration.translate.flow import FLOWS, Flow, Intake, detect, load

TOO_BIG: Final = Code(
    "IMP-010", "Le fichier dépasse {limit} Mo.", "Coupez-le en plusieurs fichiers."
)
CRASHED: Final = Code(
    "IMP-011",
    "Le traitement a échoué sans que le fichier soit en cause à coup sûr ({error}).",
    "Redéposez le fichier ; si l'échec se répète, transmettez ce rapport à l'éditeur.",
)
NO_SUCH_PATH: Final = Code(
    "IMP-012", "« {name} » n'est pas un fichier.", "Donnez le chemin d'un fichier ou d'un dossier."
)
STRANGER: Final = Code(
    "IMP-013",
    "Le dossier « inbox/{name} » n'est celui d'aucun flux : rien n'y est lu.",
    "Déplacez ses fichiers dans « inbox » ou dans le dossier d'un flux, puis supprimez-le.",
)
UNREADABLE: Final = Code(
    "IMP-014",
    "Le serveur n'a pas le droit de lire ce fichier : il attend dans inbox.",
    "Donnez-lui le droit de lecture (chmod g+r), ou redéposez le fichier.",
)
OTHER_CONTENT: Final = Code(
    "IMP-015",
    "L'expéditeur a déjà donné ce numéro à « {name} », dont le contenu est autre et qui est gardé.",
    "Demandez-lui lequel est le bon ; pour prendre celui-ci, qu'il le renvoie sous un autre n°.",
)

MAX_BYTES: Final = 256 * 1024 * 1024
SHOWN: Final = 500  # anomalies and notices written out; the rest is counted
_INSERT: Final = text(
    "INSERT INTO received_file (id, digest, name, flow, state, received_at, identity)"
    " VALUES (:id, :digest, :name, :flow, :state, :received_at, :identity)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_IGNORED: Final = re.compile(r"^\.|^~|~$|\.(part|tmp)$|^README\.txt$", re.IGNORECASE)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_CLAIM_TIME: Final = "%Y%m%dT%H%M%S"
_CLAIMED: Final = re.compile(r"^(\d{8}T\d{6})-[0-9a-f]{8}-\d+-")  # instant, content, rank
_NAME_LENGTH: Final = 100
_Look = tuple[int, int, int, int]
_ANY: Final = "a-detecter"  # flow folder of files to be recognised by their content


class Outcome(StrEnum):
    """What became of a file."""

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Office:
    """Where and for whom files are imported. now gives the instant, in UTC. vault: seals persons
    and the kept files that hold a NIR."""

    engine: Engine
    organisation_id: int
    settings: Settings
    now: Callable[[], datetime]
    vault: Vault


@dataclass(frozen=True, slots=True)
class Imported:
    """One file dealt with: its name as it came, its flow, and where it lies now."""

    name: str
    flow: str
    outcome: Outcome
    counts: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Anomaly, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    kept: Path | None = None
    received_at: datetime | None = None

    @property
    def figures(self) -> str:
        """What was stored, behind a dash; nothing when nothing was counted."""
        told = ", ".join(f"{noun} : {count}" for noun, count in self.counts.items())
        return f" — {told}" if told else ""


class _GoneError(Exception):
    """Another worker has taken the file meanwhile."""


class _MovingError(Exception):
    """Whoever wrote the file goes on writing it: it was taken too early."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A file in `processing/`, ours; `since`: when a killed run had claimed it."""

    path: Path
    flow: str
    name: str
    since: datetime | None = None


@dataclass(slots=True)
class Watch:
    """Looks at the inbox; a file is stable when two looks find the same size and time.

    Paths are texts here: of thousands that wait, few are stable at once, and a look is every few
    seconds.
    """

    office: Office
    flows: tuple[str, ...] = tuple(FLOWS)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    told: dict[str, tuple[int, int]] = field(default_factory=dict)  # what we may not read

    def look(self) -> dict[str, tuple[int, int]]:
        """Note what lies in the inbox now; returns what lay there at the look before."""
        before, self.seen = self.seen, dict(_waiting(self.office.settings, self.flows))
        return before

    def step(self) -> list[Imported]:
        """One look: imports what a killed run left, then what hasn't moved since the last look."""
        before = self.look()
        stable = [path for path, look in self.seen.items() if before.get(path) == look]
        open_ = [path for path in stable if os.access(path, os.R_OK)]
        settings = self.office.settings
        claims = [*_left(settings, self.flows), *_claims(self.office, map(Path, open_))]
        return _all(self.office, claims) + self._barred(set(stable).difference(open_))

    def _barred(self, paths: set[str]) -> list[Imported]:
        """Files we may not read: they stay where they are, and are told once."""
        new = sorted(path for path in paths if self.told.get(path) != self.seen[path])
        self.told |= {path: self.seen[path] for path in new}
        inbox = self.office.settings.folders.inbox
        return [
            _unreadable(path, path.parent.name if path.parent != inbox else _ANY)
            for path in map(Path, new)
        ]


def import_waiting(
    office: Office, *, flows: tuple[str, ...] = tuple(FLOWS), settle_s: float = 2.0
) -> list[Imported]:
    """Everything that waits for these flows, after two looks `settle_s` seconds apart.

    What a killed run had claimed takes its place among the rest, so that the order is the same.
    Files at the root of the inbox are recognised by their content, whatever flow they are of.
    """
    watch = Watch(office, flows)
    watch.look()
    if watch.seen:
        time.sleep(settle_s)
    return watch.step()


def import_paths(office: Office, paths: Iterable[Path], flow: str = "") -> list[Imported]:
    """`echeance import PATH…`: the same, for files and folders named by hand.

    A file outside the inbox is copied, its original stays. Raises AnomaliesFound when a path isn't
    there or the flow is unknown; a refused file is an outcome.
    """
    if flow:
        load(flow, office.settings)
    files = [file for path in paths for file in _files(path)]
    claims = [_copy(office, file, flow or _ANY) for file in files]
    return _all(office, claims)


def prepare(settings: Settings) -> None:
    """Make the folders, readable by us only."""
    folders = settings.folders
    for made in (folders.inbox, folders.processing, folders.done, folders.error):
        for name in ("", *FLOWS):
            (made / name).mkdir(mode=0o750, parents=True, exist_ok=True)


def strangers(settings: Settings) -> list[Anomaly]:
    """Folders of the inbox that no flow reads, told so that nobody waits for them."""
    inbox = settings.folders.inbox
    return [
        Anomaly(STRANGER, values={"name": safe_name(path.name)})
        for path in sorted(inbox.iterdir())
        if path.is_dir() and not _IGNORED.search(path.name) and _flow(path) not in FLOWS
    ]


def _flow(folder: Path) -> str:
    """The flow a folder is of: `readings@kpax` holds readings."""
    return folder.name.partition("@")[0]


def safe_name(name: str) -> str:
    """A file name in plain ASCII, without NIR, that can't leave its folder; its ending is kept."""
    plain = (
        unicodedata.normalize("NFKD", without_nir(name, "NIR")).encode("ascii", "ignore").decode()
    )
    cleaned = _UNSAFE.sub("_", plain).lstrip("._-") or "fichier"
    return cleaned[-_NAME_LENGTH:].lstrip("._-") or "fichier"


# --- claiming ---------------------------------------------------------------------------------


def _waiting(settings: Settings, flows: Iterable[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Regular files of the inbox and of flow folders, with size and time."""
    inbox = settings.folders.inbox
    for folder in (inbox, *_folders(inbox, flows)):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and not _IGNORED.search(entry.name):
                    look = entry.stat(follow_symlinks=False)
                    yield entry.path, (look.st_size, look.st_mtime_ns)


def _unreadable(path: Path, flow: str) -> Imported:
    name = safe_name(path.name)
    anomaly = Anomaly(UNREADABLE, Place(name))
    return Imported(name, flow, Outcome.REFUSED, anomalies=(anomaly,), kept=path)


def _claims(office: Office, stable: Iterable[Path]) -> Iterator[_Claim]:
    """Claim files by an atomic rename: of two workers only one wins."""
    for path in stable:
        flow = path.parent.name if path.parent != office.settings.folders.inbox else _ANY
        try:
            target = _place_of_claim(office, flow, path.name, _digest(path).hex())
            path.rename(target)
        except (_GoneError, FileNotFoundError):
            continue  # another worker was faster
        reach("inbox.claimed")
        yield _Claim(target, flow, safe_name(path.name))


def _place_of_claim(office: Office, flow: str, name: str, sha256: str) -> Path:
    """A name free in `processing/`: the same file may come again while the first is there."""
    folder = office.settings.folders.processing / flow
    folder.mkdir(parents=True, exist_ok=True)
    claim = f"{office.now().astimezone(UTC):{_CLAIM_TIME}}-{sha256[:8]}"
    return next(
        path
        for n in range(1_000_000)
        if not (path := folder / f"{claim}-{n}-{safe_name(name)}").exists()
    )


def _left(settings: Settings, flows: Iterable[str]) -> Iterator[_Claim]:
    """What a killed run had claimed."""
    for folder in _folders(settings.folders.processing, (*flows, _ANY)):
        for path in sorted(folder.iterdir()):
            if not _IGNORED.search(path.name):
                yield _left_claim(path, folder.name)


def _folders(parent: Path, flows: Iterable[str]) -> Iterator[Path]:
    """The folders of flows, each with those of its layouts (`readings@kpax`)."""
    for flow in flows:
        found = (parent / flow, *sorted(parent.glob(f"{flow}@*")))
        yield from (folder for folder in found if folder.is_dir())


def _left_claim(path: Path, flow: str) -> _Claim:
    """Name and instant as the claim wrote them; a file put there by hand is claimed as it is."""
    found = _CLAIMED.match(path.name)
    if not found:
        return _Claim(path, flow, safe_name(path.name))
    since = datetime.strptime(found[1], _CLAIM_TIME).replace(tzinfo=UTC)
    return _Claim(path, flow, path.name[found.end() :], since)


def _copy(office: Office, path: Path, flow: str) -> _Claim:
    """A private copy in `processing/`, whole or absent."""
    target = _place_of_claim(office, flow, path.name, _digest(path).hex())
    part = target.with_name(target.name + ".part")
    with in_the_making(part, target):
        shutil.copyfile(path, part)
    reach("inbox.copied")
    part.rename(target)
    reach("inbox.claimed")
    return _Claim(target, flow, safe_name(path.name))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
        return [p for p in found if not _IGNORED.search(p.name)]
    if not path.is_file():
        raise AnomaliesFound(Anomaly(NO_SUCH_PATH, values={"name": path.name}))
    return [path]


def _in_order(office: Office, claims: Iterable[_Claim]) -> list[_Claim]:
    """Customers before the contracts that name them, then by name."""
    known = [_recognised(office, claim) for claim in claims]
    order = {name: n for n, name in enumerate(FLOWS)}
    return sorted(
        known, key=lambda c: (order.get(c.flow.partition("@")[0], len(order)), c.name, c.path)
    )


def _recognised(office: Office, claim: _Claim) -> _Claim:
    if claim.flow != _ANY:
        return claim
    try:
        flow = detect(_read(claim.path), claim.name, office.settings).name
    except (AnomaliesFound, _GoneError):
        return claim  # said when it is processed
    return _Claim(claim.path, flow, claim.name, claim.since)


# --- importing --------------------------------------------------------------------------------


def _all(office: Office, claims: Iterable[_Claim]) -> list[Imported]:
    done = []
    for claim in _in_order(office, claims):
        try:
            with _held(claim):
                done.append(_process(office, claim))
        except _GoneError:
            continue  # another worker has it, or finished it
        except _MovingError:
            _give_back(office, claim)
    return done


@contextmanager
def _held(claim: _Claim) -> Iterator[None]:
    """The claimed file as ours alone; the kernel lets go of it when we die.

    Raises _GoneError while another worker has it.
    """
    with _open(claim.path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _GoneError from None
        if not os.path.samestat(os.fstat(file.fileno()), _stat(claim.path)):
            raise _GoneError
        yield


def _process(office: Office, claim: _Claim) -> Imported:
    """Import a claimed file once and file it away; the database decides, the move follows."""
    try:
        result = _import(office, claim)
    except AnomaliesFound as found:
        result = Imported(claim.name, claim.flow, Outcome.REFUSED, anomalies=found.anomalies)
        tries = _tries(claim)
        again(lambda: _record_refusal(office, next(tries), result))
    reach("inbox.committed")
    kept = _file_away(office, claim, result)
    reach("inbox.moved")
    return replace(result, kept=kept)


def _tries(claim: _Claim) -> Iterator[_Claim]:
    """The claim; then the same as if a killed run had left it: what was written may be our own."""
    yield claim
    left = _left_claim(claim.path, claim.flow)
    yield from itertools.repeat(replace(claim, since=left.since))


def _import(office: Office, claim: _Claim) -> Imported:
    look = _look(claim.path)
    try:
        return _read_and_apply(office, claim, look)
    except AnomaliesFound:
        _still(claim.path, look)  # half a file is no wrong file
        raise


def _read_and_apply(office: Office, claim: _Claim, look: _Look) -> Imported:
    data = _read(claim.path)
    settings = office.settings
    known = claim.flow != _ANY
    flow = load(claim.flow, settings) if known else detect(data, claim.name, settings)
    tries = _tries(claim)

    def applied() -> Imported:
        digest = _known_as(office, hashlib.sha256(data).digest())
        return _apply(office, next(tries), flow, digest, data, look)

    try:
        return again(applied)
    except (AnomaliesFound, OperationalError, OSError, _GoneError, _MovingError):
        raise
    except Exception as error:
        name = {"error": type(error).__name__}  # its message could hold a personal value
        raise AnomaliesFound(Anomaly(CRASHED, Place(claim.name), name)) from error


def _apply(
    office: Office, claim: _Claim, flow: Flow, digest: str, data: bytes, look: _Look
) -> Imported:
    """Read outside the transaction, write inside: the row of the file and its content together."""
    if earlier := _imported_before(office, claim, digest):
        return earlier
    records = flow.read(data, claim.name)
    with office.engine.begin() as connection:
        id_ = _receive(office, connection, claim, digest, Outcome.IMPORTED, records.identity)
        if id_ is None:  # another worker has just imported the same content
            _refuse_other(connection, claim, flow, digest, records.identity)
            return Imported(claim.name, flow.name, Outcome.DUPLICATE)
        reach("inbox.recorded")
        applied = flow.apply(_intake(office, connection, claim, id_), records)
        _report(connection, id_, len(records), applied.counts, applied.notices)
        _trace(office, connection, flow.name, id_, Outcome.IMPORTED)
        reach("inbox.applied")
        _still(claim.path, look)
    return Imported(claim.name, flow.name, Outcome.IMPORTED, applied.counts, applied.notices)


def _imported_before(office: Office, claim: _Claim, digest: str) -> Imported | None:
    """What to answer when this very content is already in: a duplicate, or our own killed run."""
    query = select(received_file).where(
        received_file.c.digest == digest, received_file.c.state == Outcome.IMPORTED.value
    )
    with office.engine.begin() as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        if _recorded(connection, claim, digest, Outcome.IMPORTED):
            counts = json.loads(row.report).get("counts", {})
            received_at = datetime.fromisoformat(row.received_at)
            return Imported(claim.name, row.flow, Outcome.IMPORTED, counts, received_at=received_at)
        if not _recorded(connection, claim, digest, Outcome.DUPLICATE):
            _receive(office, connection, claim, digest, Outcome.DUPLICATE)
        reach("inbox.duplicate")
    return Imported(claim.name, row.flow, Outcome.DUPLICATE)


def _refuse_other(
    connection: Connection, claim: _Claim, flow: Flow, digest: str, identity: str
) -> None:
    """Raises AnomaliesFound (IMP-015) when it is the sender's number that is taken already."""
    query = select(received_file.c.name).where(
        received_file.c.flow == flow.name,
        received_file.c.identity == identity,
        received_file.c.state == Outcome.IMPORTED.value,
        received_file.c.digest != digest,
    )
    name = connection.scalar(query) if identity else None
    if name is not None:
        raise AnomaliesFound(Anomaly(OTHER_CONTENT, Place(claim.name), {"name": name}))


def _receive(
    office: Office,
    connection: Connection,
    claim: _Claim,
    digest: str,
    outcome: Outcome,
    identity: str = "",
) -> int | None:
    """The row of a file; None when its content, or what its sender calls it, is imported already
    (the unique keys decide)."""
    id_ = reserve_ids(connection, "received_file", 1)
    values = {
        "id": id_,
        "digest": digest,
        "name": claim.name,
        "flow": claim.flow,
        "state": outcome.value,
        "received_at": office.now().isoformat(timespec="seconds"),
        "identity": identity,
    }
    return connection.execute(_INSERT, values).scalar()


def _report(
    connection: Connection,
    id_: int,
    records: int,
    counts: Mapping[str, int],
    notices: Sequence[Anomaly] = (),
    anomalies: Sequence[Anomaly] = (),
) -> None:
    report = {
        "counts": dict(counts),
        "notices": [str(one) for one in notices[:SHOWN]],
        "notices_total": len(notices),
        "groups": [one.as_json() for one in by_code(anomalies)],
        "anomalies_total": len(anomalies),
    }
    values = {"records": records, "report": json_text(report)}
    connection.execute(received_file.update().where(received_file.c.id == id_).values(values))


def _trace(office: Office, connection: Connection, flow: str, id_: int, outcome: Outcome) -> None:
    """The trail says which file; its name may be anybody's."""
    subject, own = f"{flow} n° {id_}", office.organisation_id
    audit.note(connection, own, "import", outcome.value, subject=subject, at=office.now())


def _record_refusal(office: Office, claim: _Claim, result: Imported) -> None:
    """A refused content may come again corrected: only its row says that it came."""
    digest = _known_as(office, _digest(claim.path))
    with office.engine.begin() as connection:
        if _recorded(connection, claim, digest, Outcome.REFUSED):
            return
        id_ = _receive(office, connection, claim, digest, Outcome.REFUSED)
        assert id_ is not None  # no unique key bears on refusals
        _report(connection, id_, 0, {}, anomalies=result.anomalies)
        _trace(office, connection, claim.flow, id_, Outcome.REFUSED)
        reach("inbox.refused")


def _recorded(connection: Connection, claim: _Claim, digest: str, outcome: Outcome) -> bool:
    """Whether the killed run that had claimed the file already wrote this down."""
    if claim.since is None:
        return False
    query = select(received_file.c.id).where(
        received_file.c.digest == digest,
        received_file.c.name == claim.name,
        received_file.c.state == outcome.value,
        received_file.c.received_at >= claim.since.isoformat(timespec="seconds"),
    )
    return connection.execute(query).first() is not None


def _intake(office: Office, connection: Connection, claim: _Claim, id_: int) -> Intake:
    now, settings = office.now(), office.settings
    today = now.astimezone(ZoneInfo(settings.organisation.zone)).date()
    own = office.organisation_id
    return Intake(connection, own, today, now, claim.name, id_, settings, office.vault)


def _read(path: Path) -> bytes:
    """The bytes of a regular file: no link is followed, even one put there since we looked."""
    with _open(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            limit = {"limit": MAX_BYTES // 2**20}
            raise AnomaliesFound(Anomaly(TOO_BIG, Place(_CLAIMED.sub("", path.name)), limit))
        return file.read()


def _look(path: Path) -> _Look:
    """What changes when anybody writes to a file, or puts another in its place."""
    found = _stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        raise _GoneError from None


def _still(path: Path, look: _Look) -> None:
    """Raises _MovingError when the file isn't what we looked at."""
    if _look(path) != look:
        raise _MovingError


def _give_back(office: Office, claim: _Claim) -> None:
    """Back to the inbox, under a free name, till it doesn't change any more."""
    inbox = office.settings.folders.inbox
    _link(claim, inbox if claim.flow == _ANY else inbox / claim.flow)
    claim.path.unlink(missing_ok=True)


def _digest(path: Path) -> bytes:
    with _open(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def _known_as(office: Office, sha256: bytes) -> str:
    """What the database knows a content by."""
    with office.engine.begin() as connection:
        return office.vault.digest(connection, sha256)


def _open(path: Path) -> BufferedReader:
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
    except FileNotFoundError:
        raise _GoneError from None


# --- filing away ------------------------------------------------------------------------------


def _file_away(office: Office, claim: _Claim, result: Imported) -> Path:
    """Link at the final place, write the reasons, and only then leave `processing/`."""
    folder = _final_folder(office, claim, result)
    folder.mkdir(parents=True, exist_ok=True)
    sealed = _holds_persons(office, claim, result)
    kept = _sealed(office, claim, folder) if sealed else _linked(claim, folder)
    reach("inbox.linked")
    if result.outcome is Outcome.REFUSED:
        reasons = kept.with_name(kept.name + ".err.txt")
        write_whole(reasons, _reasons(office, claim, result, kept).encode())
        reach("inbox.explained")
    claim.path.unlink(missing_ok=True)  # another worker may have ended the same move
    return kept


def _final_folder(office: Office, claim: _Claim, result: Imported) -> Path:
    folders = office.settings.folders
    if result.outcome is Outcome.REFUSED:
        return folders.error / claim.flow
    zone = ZoneInfo(office.settings.organisation.zone)
    day = (result.received_at or office.now()).astimezone(zone)
    return folders.done / result.flow / f"{day:%Y/%m/%d}"


def _holds_persons(office: Office, claim: _Claim, result: Imported) -> bool:
    """Whether the file is kept encrypted: its flow's files hold NIRs, or it isn't what its folder
    says, or something in it looks like one."""
    if office.settings.kept_files == "clear":
        return False
    if result.flow == _ANY or load(result.flow, office.settings).personal:
        return True
    try:
        data = _read(claim.path)
    except AnomaliesFound:  # too big to have been looked at
        return True
    return holds_nir(data) or _of_a_personal_flow(data, claim.name)


def _of_a_personal_flow(data: bytes, name: str) -> bool:
    flows = (load(one) for one in FLOWS)
    return any(flow.personal and flow.detect(data, name) for flow in flows)


def _sealed(office: Office, claim: _Claim, folder: Path) -> Path:
    """Encrypted under a free name; the claim's own name tells it from another copy."""
    with _open(claim.path) as source:
        for name in _names(claim):
            try:
                return keep(office.vault, source, folder, name, claim.path.name)
            except FileExistsError:
                source.seek(0)
    raise AssertionError  # the names have no end


def _names(claim: _Claim) -> Iterator[str]:
    """The name as it came, then numbered."""
    stem, ending = Path(claim.name).stem, Path(claim.name).suffix
    yield claim.name
    yield from (f"{stem}-{n}{ending}" for n in itertools.count(2))


def _linked(claim: _Claim, folder: Path) -> Path:
    """The file under its final name, its bytes and its name on the disk: whoever dropped it
    needn't have seen to that."""
    kept = _link(claim, folder)
    sync_path(kept)
    sync_path(folder)
    return kept


def _link(claim: _Claim, folder: Path) -> Path:
    """A hard link under a free name: unlike a rename, it never overwrites."""
    for name in _names(claim):
        target = folder / name
        try:
            target.hardlink_to(claim.path)
        except FileExistsError:
            if not _same(target, claim.path):
                continue
        except FileNotFoundError:
            raise _GoneError from None
        return target
    raise AssertionError  # the names have no end


def _same(target: Path, source: Path) -> bool:
    """True when a killed run had already linked it there."""
    try:
        return target.samefile(source)
    except FileNotFoundError:
        raise _GoneError from None


def _reasons(office: Office, claim: _Claim, result: Imported, kept: Path) -> str:
    """What, where, why and what to do, for the person who sent the file."""
    received = office.now().astimezone(ZoneInfo(office.settings.organisation.zone))
    folder = "inbox" if claim.flow == _ANY else f"inbox/{claim.flow}"
    groups = identical(one.at(replace(one.place, file="")) for one in result.anomalies)
    hidden = len(groups) - SHOWN
    sealed = "Il est conservé chiffré : « echeance show » l'ouvre."
    return "\n".join(
        [
            f"Fichier refusé : {claim.name}",
            f"Traité le {received:%d/%m/%Y à %H:%M}. Rien n'en a été importé.",
            counted(len(result.anomalies), "anomalie(s) :"),
            "",
            *(_reason(n, one) for n, one in enumerate(groups[:SHOWN], 1)),
            *([f"… et {counted(hidden, 'autre(s)')}."] if hidden > 0 else []),
            *([sealed] if kept.suffix == SUFFIX else []),
            f"Corrigez le fichier, puis redéposez-le dans « {folder} ».",
            "",
        ]
    )


def _reason(n: int, group: Alike) -> str:
    one = group.first
    place = f"   Où : {group.where}\n" if group.where else ""
    times = f" (× {group.count})" if group.count > 1 else ""
    return f"{n}. {one.code.id}{times} : {one.sentence}\n{place}   À faire : {one.code.remedy}\n"

"""`--dry-run`: a verb played whole on books that are rolled back and a home that is thrown away.

The verb itself isn't told: it opens a house whose database commits nothing, whose folders are
links to the files of the real one and whose partners are folders. So it can't forget to hold back,
and what it says is what it would say; numbers are provisional, others may take them first.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, select

from config.settings import Folders, Settings
from integration.database.tables import series
from integration.posting import reference

_NUMBERS: ContextVar[list[str] | None] = ContextVar("dry-run", default=None)
NAME: Final = ".repetition-"
"""How the folders of copies begin."""
_ELSEWHERE: Final = "ailleurs"  # in a copy: what the house keeps outside its home
_ABSENT: Final = ("backup", "processing")  # nothing is read from them
_DATABASE: Final = (".db", ".db-wal", ".db-shm", ".lock")
_GROWS: Final = ".anchors"  # written to in place: a link would write to the real one


def asked() -> bool:
    """Whether what is going on is a rehearsal."""
    return _NUMBERS.get() is not None


@contextmanager
def rehearsal() -> Iterator[list[str]]:
    """Every house opened inside is a copy that is thrown away; what `given` noted in them."""
    noted: list[str] = []
    token = _NUMBERS.set(noted)
    try:
        yield noted
    finally:
        _NUMBERS.reset(token)


@contextmanager
def noting_numbers(engine: Engine, organisation_id: int) -> Iterator[None]:
    """Note the first and the last number each series gives meanwhile, when this is a rehearsal."""
    noted = _NUMBERS.get()
    if noted is None:
        yield
        return
    before = _last_numbers(engine, organisation_id)
    yield
    for (journal, year), last in sorted(_last_numbers(engine, organisation_id).items()):
        first = before.get((journal, year), 0) + 1
        if first <= last:
            ends = dict.fromkeys(reference(journal, year, number) for number in (first, last))
            noted.append(" à ".join(ends))


def _last_numbers(engine: Engine, organisation_id: int) -> dict[tuple[str, int], int]:
    query = select(series.c.journal, series.c.fiscal_year, series.c.last_number).where(
        series.c.organisation_id == organisation_id
    )
    with engine.connect() as connection:
        return {
            (row.journal, row.fiscal_year): row.last_number for row in connection.execute(query)
        }


@contextmanager
def copied(settings: Settings) -> Iterator[Settings]:
    """The settings of a copy of the home, made of links to its files; gone at the end.

    Files of a home are written whole and renamed, so that a link never changes the original.
    """
    home = settings.folders.home
    with tempfile.TemporaryDirectory(prefix=NAME, dir=home) as folder:
        copy = Path(folder)
        for entry in home.iterdir():
            if entry.name not in _ABSENT and not entry.name.startswith(NAME):
                _link(entry, copy / entry.name)
        changes = {"folders": Folders(home=copy), **_brought_in(settings, copy / _ELSEWHERE)}
        yield settings.model_copy(update=changes)


def _brought_in(settings: Settings, copy: Path) -> dict[str, object]:
    """What is written to and may lie outside the home: keys, with what lies beside them under
    their name, and the maildir."""
    changes: dict[str, object] = {}
    for name in ("person_key_file", "signing_key_file"):
        path = settings.folders.home / getattr(settings, name)
        if _is_outside(path, settings):
            (copy / name).mkdir(parents=True)
            for one in path.parent.glob(f"{path.stem}*"):
                _link(one, copy / name / one.name)
            changes[name] = copy / name / path.name
    maildir = settings.folders.home / settings.mail.maildir
    if settings.mail.maildir and _is_outside(maildir, settings):
        _link(maildir, copy / "maildir")
        changes["mail"] = settings.mail.model_copy(update={"maildir": str(copy / "maildir")})
    return changes


def _is_outside(path: Path, settings: Settings) -> bool:
    return not path.resolve().is_relative_to(settings.folders.home.resolve())


def _link(entry: Path, target: Path) -> None:
    if entry.is_dir():
        shutil.copytree(entry, target, copy_function=_linked, ignore=_passed_over)
    elif entry.is_file():
        _linked(str(entry), str(target))


def _passed_over(folder: str, names: list[str]) -> list[str]:
    """The database, which is rehearsed by itself, and what isn't a file: pipes, dead links."""
    odd = (n for n in names if not (Path(folder, n).is_file() or Path(folder, n).is_dir()))
    return [*odd, *(name for name in names if name.endswith(_DATABASE))]


def _linked(entry: str, target: str) -> str:
    """A link; a copy where there can be none (another disk) and of a file that grows."""
    try:
        if Path(entry).is_symlink():
            Path(target).symlink_to(Path(entry).resolve())
        elif entry.endswith(_GROWS) or not _hard(entry, target):
            shutil.copy2(entry, target)
    except FileNotFoundError:  # a server took it meanwhile
        return target
    return target


def _hard(entry: str, target: str) -> bool:
    try:
        os.link(entry, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            return False
        raise
    return True

"""Files that survive a power cut, or that aren't there: the only place that calls fsync.

A disk that fails an fsync has forgotten what it failed to write, and would answer the next one
well (PostgreSQL's "fsyncgate", 2018): the process stops there, and the next run begins again from
what the database knows.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from integration.failpoints import reach

FULL: Final = (errno.ENOSPC, errno.EDQUOT)
"""No place left on the disk, or for this account."""
TOO_MUCH: Final = (*FULL, errno.EFBIG)
"""The disk, the account or a limit takes no more."""


class BrokenDiskError(OSError):
    """The disk failed to keep what it had taken. Nobody may try that again in this process."""


def sync(handle: int, path: Path) -> None:
    """Put an open file on the disk. Raises BrokenDiskError; any other OSError as it comes."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno == errno.EIO:
            raise BrokenDiskError(error.errno, error.strerror, str(path)) from error
        raise


def sync_path(path: Path) -> None:
    """Put a file's bytes, or a folder's names, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        sync(handle, path)
    finally:
        os.close(handle)


@contextmanager
def in_the_making(part: Path, final: Path) -> Iterator[None]:
    """Around the writing of `part`, which becomes `final`: when the disk doesn't take it nothing
    stays, and the error names the file it was to be."""
    try:
        yield
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in TOO_MUCH or not error.filename:
            error.filename = str(final)
        raise


def write_whole(final: Path, content: bytes) -> None:
    """A small file under its name, whole and on the disk; it replaces what was there."""
    part = final.with_name(f".{final.name}.part")
    with in_the_making(part, final):
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            sync(file.fileno(), final)
        reach("whole.part")
        part.replace(final)
        sync_path(final.parent)

"""Standard streams: any terminal can show them, and a reader that goes away stops no work."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from io import TextIOWrapper
from typing import Final, TextIO

_PLAINLY: Final = "echeance-plainly"
_NAMES: Final = {"€": "EUR", "→": "->", "…": "...", "—": "-", "–": "-", "’": "'", "×": "x"}


def show_anything() -> None:
    """From now on no character stops a message: an act that is done is always told.

    An old terminal in ISO-8859-1 gets `EUR` for `€`; UTF-8 isn't touched.
    """
    codecs.register_error(_PLAINLY, _plainly)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_PLAINLY)


def is_unicode() -> bool:
    """Whether standard output takes every character as it is."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "")


def put(stream: TextIO, text: str, *, now: bool = True) -> None:
    """Write, and at once if `now`; a reader that went away (`| head`) isn't told any more.

    Raises OSError when standard output can't take it: what was to be read isn't whole.
    """
    try:
        stream.write(text)
        if now:
            stream.flush()
    except OSError as error:
        hang_up(stream)
        if isinstance(error, BrokenPipeError) or stream is not sys.stdout:
            return
        error.filename = "la sortie"  # what was to be read isn't whole: that is a failure
        raise


def hang_up(stream: TextIO) -> None:
    """Nobody reads any more: what follows goes nowhere, also at the end of the process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def stand_in() -> None:
    """In the place of streams the caller has closed (`>&-`): else the next file opened, the
    database's, would bear their number, and what any library prints there would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lost = error.object[error.start : error.end]
    return "".join(map(_plain, lost)), error.end


def _plain(one: str) -> str:
    """Without accent or by name; `?` for what has neither."""
    bare = unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode()
    return _NAMES.get(one) or bare or "?"

"""Standard streams that any terminal can show: what its encoding lacks is written plainly."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from io import TextIOWrapper
from typing import Final

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


def _plainly(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lost = error.object[error.start : error.end]
    return "".join(map(_plain, lost)), error.end


def _plain(one: str) -> str:
    """Without accent or by name; `?` for what has neither."""
    bare = unicodedata.normalize("NFKD", one).encode("ascii", "ignore").decode()
    return _NAMES.get(one) or bare or "?"

"""A bar on a terminal while something long goes on; elsewhere, silence."""

from __future__ import annotations

import sys
from typing import Final, TextIO

_WIDTH: Final = 24
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """Call it with what is done, of how much, and what comes; `close` wipes the bar."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = self._stream.isatty()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Draw the bar anew on its line."""
        if self._shown:
            full = _WIDTH * done // max(total, 1)
            bar = "█" * full + "░" * (_WIDTH - full)
            self._stream.write(f"{_CLEAR}{bar} {done}/{total} {what}")
            self._stream.flush()

    def close(self) -> None:
        """Leave the line as it was."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()

"""Places where a run may be killed on purpose: `reach("name")` at every step of the night.

Off, a call costs a global read. The crash sweep forks a child, arms a point and looks at what
the kill left behind.
"""

from __future__ import annotations

import os
import signal

_armed_at: int = 0  # kill at the n-th point reached; 0 = off
_reached: list[str] | None = None


def reach(name: str) -> None:
    """Pass a failpoint; the armed one kills this process as a power cut would."""
    if _reached is None:
        return
    _reached.append(name)
    if len(_reached) == _armed_at:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(at: int = 0) -> list[str]:
    """Record the points reached from now on and die at the `at`-th (0: only record)."""
    global _armed_at, _reached
    _armed_at, _reached = at, []
    return _reached


def disarm() -> None:
    """Stop recording."""
    global _reached
    _reached = None

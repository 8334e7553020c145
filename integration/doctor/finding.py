"""One line of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, what was found, how to mend it.

    grave: the books themselves are wrong or don't open.
    """

    name: str
    well: bool
    found: str
    mend: str = ""
    grave: bool = False

    def __str__(self) -> str:
        mend = "" if self.well else f" — {self.mend}"
        return f"{'ok   ' if self.well else 'ÉCHEC'} {self.name} : {self.found}{mend}"

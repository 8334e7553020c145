"""Rights, and whom the table of special rights (TD_HABILITATIONS_SPECIALES) gives them to.

A right that no row names is everybody's; one that is named belongs to the logins of its rows.
Without rows everything is allowed. Source: seed 004, Habilitation (A-STA-22, A-UT-21, A-SEC-02).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol


class Right(StrEnum):
    """What a verb needs, as the settings spell it."""

    NONE = ""  # about the program or a file of one's own: init, schema, format…
    READING = "lecture"
    IMPORTING = "import"
    BILLING = "facturation"
    INCREASES = "augmentations"
    REOPENING = "reouverture"
    VALIDATING_UT = "validation-ut"
    RELEASING = "deblocage"
    SENDING = "envoi"
    OPENING = "ouverture"  # of kept files and cards: personal data in clear
    ADMINISTERING = "administration"  # keys, erasure, repairs

    @property
    def changes(self) -> bool:
        """Whether using it is written to the audit trail."""
        return self not in (Right.NONE, Right.READING)


class Row(Protocol):
    """One row of the table: a right and the logins that have it."""

    @property
    def right(self) -> Right:
        """The right that is reserved."""

    @property
    def logins(self) -> tuple[str, ...]:
        """Whom it is reserved to."""


def allowed(table: Iterable[Row], right: Right, login: str) -> bool:
    """Whether a login may use a right."""
    rows = [row for row in table if row.right is right]
    return not rows or any(login in row.logins for row in rows)

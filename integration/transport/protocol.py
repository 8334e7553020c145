"""What every transport does: deliver one item, or say exactly how it failed.

Four failures, told apart because the next step differs:

| raised | has the item arrived? | next |
|---|---|---|
| RefusedError | no, and insisting is useless | failed: a person decides |
| UnreachableError | no | tried again, later and later, till the deadline |
| UncertainError | perhaps | looked for at the partner's where one can, else a person decides |
| BarredError | nothing was tried: one of us doesn't trust the other | the partner waits |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from formats.common.anomaly import Anomaly, Code

REFUSED = Code(
    "OUT-101",
    "« {partner} » refuse {name} : {why}.",
    "Corrigez la cause, puis « echeance resend » avec une raison.",
)
UNREACHABLE = Code(
    "OUT-102",
    "« {partner} » n'a pas pris {name} : {why}.",
    "Rien à faire tout de suite : l'envoi sera retenté ; vérifiez la liaison s'il dure.",
)
UNCERTAIN = Code(
    "OUT-103",
    "{name} est peut-être arrivé chez « {partner} » : {why}.",
    "Demandez-le-lui, puis « echeance mark-sent » avec sa réponse, ou « echeance resend ».",
)
BARRED = Code(
    "OUT-104",
    "« {partner} » et nous ne nous reconnaissons pas : {why}.",
    "Vérifiez clés, mots de passe et certificats, puis « echeance partner check ».",
)


PERSONAL: Final = frozenset({"b2"})
"""Kinds whose bytes hold NIRs: no digest of them is written down, our copies are encrypted."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to hand over, the same at each try.

    key: its identity, made before the first try. name: of the file at the partner's. slots: what
    texts may quote of it. address: of the customer, for mails. at: when this try is made. doubt: an
    earlier try may have arrived.
    """

    key: str
    name: str
    content: bytes
    kind: str = ""
    address: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """How the partner took it. refused: of several recipients, those the server didn't take."""

    proof: str
    refused: tuple[str, ...] = ()


class TransportError(Exception):
    """An item didn't go through. why: a cause in French, without secret or personal value."""

    code = UNREACHABLE

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def anomaly(self, partner: str, name: str) -> Anomaly:
        """What is told of it."""
        return Anomaly(self.code, values={"partner": partner, "name": name, "why": self.why})


class RefusedError(TransportError):
    """The item was refused for good, by the partner or by us."""

    code = REFUSED


class UnreachableError(TransportError):
    """The item has not arrived; another try may do. link: the connection itself is lost."""

    def __init__(self, why: str, *, link: bool = True) -> None:
        super().__init__(why)
        self.link = link


class UncertainError(TransportError):
    """The answer was lost after the partner may have accepted.

    checkable: the next try can look for the item at the partner's before sending it again.
    """

    code = UNCERTAIN

    def __init__(self, why: str, *, checkable: bool = False) -> None:
        super().__init__(why)
        self.checkable = checkable


class BarredError(TransportError):
    """Host key, login or certificate: nothing was sent."""

    code = BARRED


class Transport(Protocol):
    """A way to one partner; connections are kept from one item to the next.

    together: how many items may be handed over before their outcomes are written down; 1 unless
    the next try can see what an earlier one did.
    """

    together: int

    def open(self) -> None:
        """Connect and log in, unless that is done. Raises UnreachableError, BarredError."""

    def prepare(self, item: Item) -> None:
        """What may be done ahead, without the item arriving. Raises one of the four errors."""

    def deliver(self, item: Item) -> Receipt:
        """Hand over one item, open and prepared. Raises one of the four errors above."""

    def check(self) -> str:
        """Log in and look, without sending; what was found, in French."""

    def close(self) -> None:
        """Hang up; never raises."""

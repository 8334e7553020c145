"""How a reading is asked for: by which means, at which address, or why it isn't.

Source: contracts.md §9; seed 004, "Faire les demandes de relevés compteur par fax ou e-mail".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from billing.contracts.seen import Proposal


class Channel(StrEnum):
    """By which means a letter leaves."""

    FAX = "fax"
    EMAIL = "email"

    @property
    def french(self) -> str:
        """As a clerk reads it."""
        return "fax" if self is Channel.FAX else "e-mail"


_MODES: Final = {
    "fax": Channel.FAX,
    **dict.fromkeys(("e-mail", "email", "mail", "courriel", "adresse e-mail"), Channel.EMAIL),
}


class Level(StrEnum):
    """Where an address is looked for, in this order (A-DEM-02); by hand it is anywhere."""

    CONTACT = "interlocuteur"
    LOCATION = "localisation"
    SITE = "site"
    CUSTOMER = "client"
    BY_HAND = "saisie"


class Why(StrEnum):
    """Why a machine isn't asked about, as a clerk reads it."""

    SENDABLE = ""
    MODE = "mode sans demande"
    NO_ADDRESS = "aucune adresse"
    BLOCKED = "numéro marqué #"
    NOT_AN_ADDRESS = "adresse illisible"
    NO_GATEWAY = "aucune passerelle de fax"
    CALENDAR = "hors calendrier"
    WAITING = "demande récente sans réponse"
    DONE = "déjà demandé pour cette date"
    UNTICKED = "non coché"


OVERRULED: Final = frozenset({Why.SENDABLE, Why.CALENDAR, Why.WAITING})
"""What a clerk's tick overrules: calendars rule what leaves by itself."""


class Point(NamedTuple):
    """How one level can be reached; empty where it can't."""

    level: Level
    email: str
    fax: str


class Found(NamedTuple):
    """An address and where it was found, or why there is none."""

    channel: Channel | None
    level: Level | None = None
    address: str = ""
    why: Why = Why.SENDABLE


class Machine(NamedTuple):
    """An asset to ask about, as its tables say."""

    id: int
    code: str
    label: str
    serial: str
    product: str
    mode: str
    contact: str
    location: str
    site: str
    site_address: str
    customer: str
    customer_name: str
    customer_address: str
    agency: str
    classification: str
    points: tuple[Point, ...]


class Line(NamedTuple):
    """A row of the proposal: a machine, its meters, and the address or why there is none."""

    machine: Machine
    meters: tuple[Proposal, ...]
    found: Found

    @property
    def why(self) -> Why:
        """Why nothing leaves for it, empty when a letter does."""
        return self.found.why


def channel_of(mode: str) -> Channel | None:
    """The means of a mode; None for *Aucun*, *E-maintenance*, *@Remote*, *Kpax*… (A-DEM-01)."""
    return _MODES.get(mode.strip().casefold())


def reach(mode: str, points: Iterable[Point]) -> Found:
    """The first level that has an address of that means; a number marked `#` ends the search."""
    channel = channel_of(mode)
    if channel is None:
        return Found(None, why=Why.MODE)
    for point in points:
        address = point.fax if channel is Channel.FAX else point.email
        if address:
            return Found(channel, point.level, address, fault(channel, address))
    return Found(channel, why=Why.NO_ADDRESS)


def fault(channel: Channel, address: str) -> Why:
    """What keeps a letter from an address; a clerk may have typed it."""
    if not address:
        return Why.NO_ADDRESS
    if channel is Channel.EMAIL:
        name, at, host = address.partition("@")
        plain = address.isascii() and not set(address) & set(" ,;<>\"'")
        return Why.SENDABLE if name and at and "." in host and plain else Why.NOT_AN_ADDRESS
    if "#" in address:
        return Why.BLOCKED
    return Why.SENDABLE if dialled(address) else Why.NOT_AN_ADDRESS


def dialled(number: str) -> str:
    """A fax number as it is dialled: `+33 (0)3 88 00` → `+3338800`; empty when it isn't one."""
    if number.lstrip().startswith("+"):
        number = number.replace("(0)", "")
    plain = "".join(c for c in number if c not in " .-/()\u00a0\u202f")
    digits = plain.removeprefix("+")
    return plain if digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 15 else ""

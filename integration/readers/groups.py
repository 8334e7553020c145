"""What the cards answer: the groups of the SSV interface, typed (reference §3.2.1, §3.2.2).

A class is a group (`NUMBER`); its fields stand in the order of the interface, but for periods,
which come first. Dates are as on the card, ends included; a birth date is text, since lunar dates
have months above 12. What identifies a patient is never in a `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field


class Group:
    """Base of the groups. NUMBER: the group's number in the SSV interface."""

    NUMBER: ClassVar[int]
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": False}


def _personal() -> Any:
    return field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Holder(Group):
    """Group 1: whose CPS it is. id_type: 0 ADELI, 8 RPPS (from memory)."""

    NUMBER: ClassVar = 1
    card_type: str = ""
    id_type: str = ""
    id_number: str = ""
    id_key: str = ""
    title: str = ""
    family_name: str = ""
    given_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Situation(Group):
    """Group 2: one place where the holder works. Fields 17-19 are the agreements."""

    NUMBER: ClassVar = 2
    number: str = ""
    mode: str = ""
    status: str = ""
    sector: str = ""
    structure_id_type: str = ""
    structure_number: str = ""
    structure_key: str = ""
    structure_name: str = ""
    billing_number: str = ""
    billing_key: str = ""
    substitute_number: str = ""
    substitute_key: str = ""
    convention: str = ""
    specialty: str = ""
    tariff_zone: str = ""
    travel_zone: str = ""
    agreement_1: str = ""
    agreement_2: str = ""
    agreement_3: str = ""
    signs_invoices: bool = False
    signs_batches: bool = False


@dataclass(frozen=True, kw_only=True)
class Insured(Group):
    """Group 101: the insured person and the card."""

    NUMBER: ClassVar = 101
    card_type: str = ""
    serial: str = _personal()
    valid_until: date | None = None
    admin_1: str = ""
    admin_2: str = ""
    admin_3: str = ""
    holder_type: str = ""
    nir: str = _personal()
    nir_key: str = _personal()
    regime: str = ""
    fund: str = ""
    centre: str = ""
    management_code: str = ""
    family_reserved: str = ""


@dataclass(frozen=True, kw_only=True)
class Period:
    """Days from `since` to `until`, both included; None is open."""

    since: date | None = None
    until: date | None = None

    def holds(self, day: date) -> bool:
        """Whether the day lies in it."""
        return (self.since or day) <= day <= (self.until or day)


@dataclass(frozen=True, kw_only=True)
class FamilyService(Group, Period):
    """Group 102: AMO service of the family."""

    NUMBER: ClassVar = 102
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkAccident(Group):
    """Group 103, one of its three: who manages an accident at work."""

    NUMBER: ClassVar = 103
    organism: str = ""
    bgdh: str = ""
    identifier: str = _personal()


@dataclass(frozen=True, kw_only=True)
class Beneficiary(Group, Period):
    """Group 104: who may be cared for. The period is the AMO service's.

    service: 00 none, 01 CMU by the AMO, 02 AMC-AMO, 03 AMC, 10 leaving.
    """

    NUMBER: ClassVar = 104
    usual_name: str = _personal()
    birth_name: str = _personal()
    given_name: str = _personal()
    address: tuple[str, ...] = field(default=(), repr=False)
    nir: str = _personal()
    nir_key: str = _personal()
    certified_on: date | None = None
    birth_date: str = _personal()
    rank: str = ""
    quality: str = ""
    service: str = ""
    reserved: str = ""


@dataclass(frozen=True, kw_only=True)
class RightsPeriod(Group, Period):
    """Group 105: a period of AMO rights."""

    NUMBER: ClassVar = 105


@dataclass(frozen=True, kw_only=True)
class Cover(Group, Period):
    """Group 106: a period of cover code: long illness and situation."""

    NUMBER: ClassVar = 106
    ald: str = ""
    situation: str = ""

    @property
    def code(self) -> str:
        """The cover code as invoices carry it: ALD and situation."""
        return self.ald + self.situation


@dataclass(frozen=True, kw_only=True)
class Mutual(Group):
    """Group 107: the mutual insurer."""

    NUMBER: ClassVar = 107
    identification: str = ""
    guarantees: str = ""
    treatment: str = ""
    service_type: str = ""
    services: str = ""
    routing: str = ""


@dataclass(frozen=True, kw_only=True)
class MutualRights(Group, Period):
    """Group 108: a period of the mutual insurer's rights."""

    NUMBER: ClassVar = 108


@dataclass(frozen=True, kw_only=True)
class Amc(Group, Period):
    """Group 109: the complementary organism; the period is fields 5 and 6."""

    NUMBER: ClassVar = 109
    b2_number: str = ""
    edi_number: str = ""
    member: str = _personal()
    treatment: str = ""
    routing_code: str = ""
    host: str = ""
    domain: str = ""
    routing: str = ""
    service_type: str = ""
    services: str = ""


@dataclass(frozen=True, kw_only=True)
class CommonZone(Group):
    """Group 111: reserved for the beneficiary."""

    NUMBER: ClassVar = 111
    reserved: str = ""


@dataclass(frozen=True, kw_only=True)
class PatientRights:
    """Groups 104 to 111 of one beneficiary, at most as many as a card holds."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    identity: Beneficiary
    rights: Annotated[tuple[RightsPeriod, ...], Field(max_length=3)] = ()
    cover: Annotated[tuple[Cover, ...], Field(max_length=7)] = ()
    mutual: Mutual | None = None
    mutual_rights: Annotated[tuple[MutualRights, ...], Field(max_length=3)] = ()
    amc: Amc | None = None
    common: CommonZone | None = None

    @property
    def covered(self) -> bool:
        """Whether the AMO covers this person on the day that was asked."""
        return bool(self.rights)


@dataclass(frozen=True, kw_only=True)
class Cps:
    """Groups 1 and 2 of a provider's card. test: a card that may only meet test cards."""

    holder: Holder
    situations: tuple[Situation, ...]
    test: bool
    certificate_until: date

    @property
    def signs_invoices(self) -> bool:
        """Whether one of its situations may sign invoices (field 20)."""
        return any(situation.signs_invoices for situation in self.situations)

    @property
    def signs_batches(self) -> bool:
        """Whether one of its situations may sign batches (field 21)."""
        return any(situation.signs_batches for situation in self.situations)


@dataclass(frozen=True, kw_only=True)
class Vitale:
    """Groups 101 to 111 of a patient's card: what holds on the day that was asked."""

    insured: Insured
    family_service: FamilyService | None
    work_accidents: tuple[WorkAccident, ...]
    patients: tuple[PatientRights, ...]
    test: bool


@dataclass(frozen=True, kw_only=True)
class Versions(Group):
    """Group 60: versions of the library."""

    NUMBER: ClassVar = 60
    ssv: str = ""
    galss: str = ""
    pss: str = ""


@dataclass(frozen=True, kw_only=True)
class ReaderDevice(Group):
    """Group 61: the reader."""

    NUMBER: ClassVar = 61
    maker: str = ""
    type: str = ""
    serial: str = ""
    system: str = ""
    software: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Component(Group):
    """Groups 62 (SSV tables), 63 (GALSS) and 64 (components): a name and a version."""

    NUMBER: ClassVar = 64
    name: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Groups 60 to 64."""

    versions: Versions
    reader: ReaderDevice
    tables: tuple[Component, ...] = ()
    galss: tuple[Component, ...] = ()
    components: tuple[Component, ...] = ()

"""From rated lines to invoice drafts with three shares and who pays each.

One invoice per patient, prescription, insurance nature and pair of covers in a run (B2 asks for
one insured person and one insurance nature an invoice); the AMO cover carries its nature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from billing.care.cover import CoverAMC, CoverAMO, InsuranceNature
from billing.care.pricing import CareLine
from billing.money import ZERO


@dataclass(frozen=True, slots=True)
class AmoPayer:
    """The fund that pays: scheme, fund, centre."""

    scheme: str
    fund: str
    centre: str


@dataclass(frozen=True, slots=True)
class AmcPayer:
    """The complementary organism that pays."""

    number: str


@dataclass(frozen=True, slots=True)
class PatientPayer:
    """The patient pays."""

    patient_id: int


Payer = AmoPayer | AmcPayer | PatientPayer


@dataclass(frozen=True, slots=True)
class Share:
    """An amount in €, VAT included, and who pays it."""

    payer: Payer
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CareInvoice:
    """A draft: no number, no date yet. Lines are sorted by day, item and part.

    The AMC share without an AMC organism is that of C2S, paid by the AMO (gestion RO).
    """

    patient_id: int
    prescription_id: int
    amo: CoverAMO
    amc: CoverAMC | None
    lines: tuple[CareLine, ...]

    @property
    def nature(self) -> InsuranceNature:
        """Nature d'assurance of the whole invoice."""
        return self.amo.nature

    @property
    def total(self) -> Decimal:
        """Total in €, VAT included."""
        return sum((line.total for line in self.lines), ZERO)

    @property
    def part_amo(self) -> Share:
        """What the fund pays."""
        return Share(self._fund, sum((line.part_amo for line in self.lines), ZERO))

    @property
    def part_amc(self) -> Share:
        """What the AMC pays, or the fund on its behalf."""
        payer = AmcPayer(self.amc.number) if self.amc else self._fund
        return Share(payer, sum((line.part_amc for line in self.lines), ZERO))

    @property
    def part_patient(self) -> Share:
        """What the patient pays."""
        amount = sum((line.part_patient for line in self.lines), ZERO)
        return Share(PatientPayer(self.patient_id), amount)

    @property
    def _fund(self) -> AmoPayer:
        return AmoPayer(self.amo.scheme, self.amo.fund, self.amo.centre)


def shape(lines: Iterable[CareLine]) -> tuple[CareInvoice, ...]:
    """Drafts in a stable order: the same lines in any order give the same invoices."""
    ordered = sorted(lines, key=_order)
    groups = (tuple(group) for _, group in groupby(ordered, key=_invoice))
    return tuple(_draft(group) for group in groups)


def _draft(lines: tuple[CareLine, ...]) -> CareInvoice:
    first = lines[0]
    return CareInvoice(first.patient_id, first.prescription_id, first.amo, first.amc, lines)


Key = tuple[object, ...]


def _invoice(line: CareLine) -> Key:
    amo, amc = line.amo, line.amc
    fund = (amo.nature, amo.scheme, amo.fund, amo.centre, amo.since)
    complementary = (amc.number, amc.member, amc.since) if amc else ()
    return (line.patient_id, line.prescription_id, fund, complementary)


def _order(line: CareLine) -> Key:
    return (*_invoice(line), line.since, line.item_id, line.part, line.units)

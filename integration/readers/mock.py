"""The simulated reader: cards are files, everything else answers as a reader would."""

from __future__ import annotations

import hmac
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from formats import arl
from formats.arl import Acknowledgement
from formats.signature.signed import sign
from integration.readers.cards import (
    CpsFile,
    ReaderFile,
    VitaleFile,
    cps_file,
    reader_file,
    vitale_file,
)
from integration.readers.counter import Chip
from integration.readers.errors import (
    CPS_ABSENT,
    CPS_INVALID,
    MUTUAL_AND_AMC,
    NO_SESSION,
    TEST_AND_REAL,
    VITALE_ABSENT,
    VITALE_REMOVED,
    CardRefused,
)
from integration.readers.groups import Configuration, Cps, PatientRights, Vitale
from integration.readers.pin import Pin
from integration.readers.protocol import (
    BARE,
    Frame,
    SecuredInvoice,
    Securing,
    Signed,
    Status,
)

_COUNTERS: Final = ".counters.json"


class MockReader:
    """A `CardReader` over a folder of card files (`cards.py`).

    faults: SSV code to answer, by function name; they come on top of `reader.toml`'s. The files
    are read at each call: moving a card in or out shows at once.
    """

    def __init__(self, folder: Path, faults: Mapping[str, int] | None = None) -> None:
        self._folder, self._faults = folder, dict(faults or {})
        self._cps: CpsFile | None = None
        self._vitale: str = ""

    def status(self) -> Status:
        """Configuration and cards present."""
        slots = self._slots("status")
        card = cps_file(self._folder / slots.cps) if slots.cps else None
        counters = self._chip(slots, card).counters() if card else None
        return Status(
            configuration=_configuration(slots),
            simulated=True,
            cps_present=bool(slots.cps),
            vitale_present=bool(slots.vitale),
            tries_left=counters.tries_left if counters else None,
            unblocks_left=counters.unblocks_left if counters else None,
            certificate_until=card.x509().not_valid_after_utc.date() if card else None,
        )

    def read_cps(self, pin: Pin) -> Cps:
        """Try the PIN once; groups 1 and 2."""
        slots = reader_file(self._folder)
        card = self._card_in(slots)
        with pin.spend() as digits:
            self._slots("read_cps")
            self._chip(slots, card).try_pin(digits)
        self._cps, self._vitale = card, ""
        return Cps(
            holder=card.holder,
            situations=card.situation,
            test=card.test,
            certificate_until=card.x509().not_valid_after_utc.date(),
        )

    def read_vitale(self, on: date) -> Vitale:
        """Groups 101 to 111: what holds on that day."""
        slots = self._slots("read_vitale")
        cps, card = self._session(slots), self._vitale_in(slots)
        if cps.test != card.test:
            raise CardRefused(TEST_AND_REAL)
        patients = tuple(_on(patient, on) for patient in card.patient)
        if any(patient.mutual_rights and patient.amc for patient in patients):
            raise CardRefused(MUTUAL_AND_AMC)
        self._vitale = slots.vitale
        service = card.family_service
        return Vitale(
            insured=card.insured,
            family_service=service if service and service.holds(on) else None,
            work_accidents=card.work_accident,
            patients=patients,
            test=card.test,
        )

    def format_invoices(
        self, invoices: Sequence[bytes], securing: Securing, at: datetime
    ) -> list[SecuredInvoice]:
        """Seal with the patient's card, sign with the provider's."""
        slots = self._slots("format_invoices")
        cps = self._session(slots)
        if not any(situation.signs_invoices for situation in cps.situation):
            raise CardRefused(CPS_INVALID)  # which code a reader answers here isn't known
        mac_key = self._read_vitale_in(slots).mac() if securing is Securing.SECURED else b""
        return [_secured(content, securing, mac_key, cps, at) for content in invoices]

    def format_batch(
        self, invoices: Sequence[SecuredInvoice], at: datetime, frame: Frame = BARE
    ) -> Signed:
        """Sign the invoices in their frame."""
        cps = self._session(self._slots("format_batch"))
        own = cps.x509().serial_number
        entitled = any(situation.signs_batches for situation in cps.situation)
        if not entitled or any(invoice.signer != own for invoice in invoices):
            raise CardRefused(CPS_INVALID)  # which code a reader answers here isn't known
        return _signed(_framed(frame, invoices), cps, at)

    def format_file(self, batches: Sequence[Signed], at: datetime, frame: Frame = BARE) -> Signed:
        """Sign the batches in their frame."""
        cps = self._session(self._slots("format_file"))
        return _signed(_framed(frame, batches), cps, at)

    def translate_arl(self, content: bytes) -> tuple[Acknowledgement, ...]:
        """Read acknowledgements in the layout of `formats.arl`."""
        self._slots("translate_arl")
        return arl.read(io.BytesIO(content))

    def unblock(self, issuer_code: str, new_pin: str) -> None:
        """Use the issuer's code once."""
        slots = self._slots("unblock")
        self._chip(slots, self._card_in(slots)).unblock(issuer_code, new_pin)

    def close(self) -> None:
        """Forget the session."""
        self._cps, self._vitale = None, ""

    def _slots(self, function: str) -> ReaderFile:
        """What is in the reader now, unless it is told to fail."""
        slots = reader_file(self._folder)
        faults = {name: int(code, 16) for name, code in slots.faults.items()} | self._faults
        if function in faults:
            raise CardRefused(faults[function])
        return slots

    def _card_in(self, slots: ReaderFile) -> CpsFile:
        if not slots.cps:
            raise CardRefused(CPS_ABSENT)
        return cps_file(self._folder / slots.cps)

    def _vitale_in(self, slots: ReaderFile) -> VitaleFile:
        if not slots.vitale:
            raise CardRefused(VITALE_ABSENT)
        return vitale_file(self._folder / slots.vitale)

    def _session(self, slots: ReaderFile) -> CpsFile:
        """The provider's card, read with its PIN and still in."""
        if self._card_in(slots) != self._cps or self._cps is None:
            raise CardRefused(NO_SESSION)
        return self._cps

    def _read_vitale_in(self, slots: ReaderFile) -> VitaleFile:
        """The patient's card, the one whose rights were read."""
        card = self._vitale_in(slots)
        if slots.vitale != self._vitale:
            raise CardRefused(VITALE_REMOVED)
        return card

    def _chip(self, slots: ReaderFile, card: CpsFile) -> Chip:
        file = (self._folder / slots.cps).with_suffix(_COUNTERS)
        return Chip(file, card.pin, card.unblock_code)


def _configuration(slots: ReaderFile) -> Configuration:
    return Configuration(
        versions=slots.versions,
        reader=slots.device,
        tables=slots.tables,
        galss=slots.galss,
        components=slots.components,
    )


def _on(patient: PatientRights, day: date) -> PatientRights:
    """A beneficiary with the periods of that day alone."""
    return replace(
        patient,
        rights=tuple(period for period in patient.rights if period.holds(day)),
        cover=tuple(period for period in patient.cover if period.holds(day)),
        mutual_rights=tuple(period for period in patient.mutual_rights if period.holds(day)),
        amc=patient.amc if patient.amc and patient.amc.holds(day) else None,
    )


def _framed(frame: Frame, parts: Sequence[SecuredInvoice | Signed]) -> bytes:
    before, after = frame
    return b"".join((before, *(part.content for part in parts), after))


def _secured(
    content: bytes, securing: Securing, mac_key: bytes, cps: CpsFile, at: datetime
) -> SecuredInvoice:
    signed = b"" if securing is Securing.UNSECURED else _signed(content, cps, at).signature
    mac = hmac.digest(mac_key, content, "sha256") if mac_key else b""
    return SecuredInvoice(content, securing, mac, signed, cps.x509().serial_number)


def _signed(content: bytes, cps: CpsFile, at: datetime) -> Signed:
    return Signed(content, sign(content, cps.key(), cps.x509(), at))

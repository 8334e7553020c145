"""The card reader as the house knows it: the meaning of the SSV functions (reference §3.2).

Every function raises `CardRefused` with an SSV code. The order is the interface's: `read_cps`,
`read_vitale`, `format_invoices`, `format_batch`, `format_file`; later `translate_arl`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Final, Protocol

from formats.arl import Acknowledgement
from integration.readers.groups import Configuration, Cps, Vitale
from integration.readers.pin import Pin


class Securing(IntEnum):
    """How an invoice is secured (reference §3.2.4; 4 is a guess)."""

    SECURED = 1
    DEGRADED = 3
    UNSECURED = 4


@dataclass(frozen=True, slots=True)
class SecuredInvoice:
    """An invoice's exact bytes with what the cards put under them.

    mac: the patient card's seal, empty without that card; signature: CMS detached by the CPS,
    empty when unsecured; signer: the serial number of its certificate.
    """

    content: bytes = field(repr=False)
    mode: Securing
    mac: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    signer: int


@dataclass(frozen=True, slots=True)
class Signed:
    """Exact bytes, of a batch or of a file, and the CPS's detached signature over them."""

    content: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Status:
    """What can be told without a PIN.

    tries_left, unblocks_left: None when the reader can't tell; certificate_until: None without CPS.
    """

    configuration: Configuration
    simulated: bool
    cps_present: bool
    vitale_present: bool
    tries_left: int | None
    unblocks_left: int | None
    certificate_until: date | None


Frame = tuple[bytes, bytes]
"""The layout's records before and after what is put together."""
BARE: Final[Frame] = (b"", b"")


class CardReader(Protocol):
    """A reader that is open (SSV_InitLIB done) until `close`."""

    def status(self) -> Status:
        """Configuration (groups 60 to 64) and which cards are in; needs no PIN."""

    def read_cps(self, pin: Pin) -> Cps:
        """SSV_LireCartePS: groups 1 and 2; opens the session of the provider."""

    def read_vitale(self, on: date) -> Vitale:
        """SSV_LireDroitsVitale: groups 101 to 111, the periods that hold on that day."""

    def format_invoices(
        self, invoices: Sequence[bytes], securing: Securing, at: datetime
    ) -> list[SecuredInvoice]:
        """SSV_FormaterFactures: seal and sign each; all or none. `at` is the signing time."""

    def format_batch(
        self, invoices: Sequence[SecuredInvoice], at: datetime, frame: Frame = BARE
    ) -> Signed:
        """SSV_FormaterLot: the invoices in their frame, signed by the CPS that signed each."""

    def format_file(self, batches: Sequence[Signed], at: datetime, frame: Frame = BARE) -> Signed:
        """SSV_FormaterFichier: the batches in their frame, signed."""

    def translate_arl(self, content: bytes) -> tuple[Acknowledgement, ...]:
        """SSV_TraduireARL: what the front end answered to files and batches.

        Raises AnomaliesFound with what is wrong in it. Needs no card.
        """

    def unblock(self, issuer_code: str, new_pin: str) -> None:
        """Give the CPS three tries and a new PIN; the issuer's tool, not an SSV function."""

    def close(self) -> None:
        """SSV_TermLIB: forget the session."""

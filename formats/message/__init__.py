"""Messages to and from the funds: one MIME message a file (ETS-DT-001 §3.3 as implemented)."""

from __future__ import annotations

from formats.message.compose import Encryption, Envelope, address, compose
from formats.message.decode import Received, ReceivingKey, decoded

__all__ = ["Encryption", "Envelope", "Received", "ReceivingKey", "address", "compose", "decoded"]

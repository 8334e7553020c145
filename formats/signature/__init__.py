"""CMS (RFC 5652): detached signatures over exact bytes, envelopes for one recipient."""

from __future__ import annotations

from formats.signature.envelope import AES_256, TRIPLE_DES, Cipher, opened, sealed
from formats.signature.signed import Signer, certificates, sign, verify

__all__ = [
    "AES_256",
    "TRIPLE_DES",
    "Cipher",
    "Signer",
    "certificates",
    "opened",
    "sealed",
    "sign",
    "verify",
]

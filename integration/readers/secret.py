"""Secrets of cards as salted hashes. A PIN has four digits: the hash hides it, it doesn't guard it;
what guards a card is its counter.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Final

_COST: Final = 1 << 12


def hashed(secret: str) -> str:
    """`salt:hash`, hexadecimal (scrypt)."""
    salt = os.urandom(16)
    return f"{salt.hex()}:{_scrypt(secret, salt).hex()}"


def matches(secret: str, kept: str) -> bool:
    """Whether it is the secret that was hashed; takes the same time either way."""
    salt, _, digest = kept.partition(":")
    found = _scrypt(secret, bytes.fromhex(salt))
    return hmac.compare_digest(found, bytes.fromhex(digest))


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=_COST, r=8, p=1)

"""Text of accounting files: one byte a character, nothing lost without being said.

What typographers write and ISO 8859-15 lacks is spelled with what it has; anything else that
doesn't fit is an anomaly, never a `?`.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code

UNWRITABLE: Final = Code(
    "FMT-701",
    "Le caractère U+{point} n'a pas d'écriture en {encoding}.",
    "Corrigez le libellé ou le nom qui le porte.",
)
_SPELLED: Final = str.maketrans(
    {
        "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "•": "-", "‐": "-", "‑": "-",
        "\t": " ", "\r": " ", "\n": " ", "|": "/",
    }
)  # fmt: skip


def spelled(text: str) -> str:
    """Composed accents, plain quotes and dashes, no separator of fields or lines."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_SPELLED).split(" "))


def encoded(text: str, encoding: str) -> bytes:
    """The bytes. Raises AnomaliesFound (FMT-701) naming the first character that has none."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        values = {"point": f"{ord(text[error.start]):04X}", "encoding": encoding.upper()}
        raise AnomaliesFound(Anomaly(UNWRITABLE, values=values)) from None


def amount(cents: int, *, point: str = ",") -> str:
    """`1234,56`: two decimals, no separator of thousands, sign first."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}{point}{rest:02d}"

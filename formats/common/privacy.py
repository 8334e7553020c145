"""What has the shape of a NIR in a text or in bytes: the last net under what is told and kept."""

from __future__ import annotations

import re
from typing import Final

MASKED: Final = "***"

# 13 characters or 15 with the key, in one piece or as it is printed, no digit around.
_PIECES: Final = (
    *("(?<![0-9])[1-478]", "[0-9]{2}", "(?:0[1-9]|1[0-2]|[2-9][0-9])", "(?:[0-9]{2}|2[ABab])"),
    *("[0-9]{3}", "[0-9]{3}(?:[ ._-]?[0-9]{2})?(?![0-9])"),
)
_IN_TEXT: Final = re.compile("[ ._\u00a0\u202f-]?".join(_PIECES))
_IN_BYTES: Final = re.compile("[ ._-]?".join(_PIECES).encode())


def without_nir(text: str, mask: str = MASKED) -> str:
    """The text with everything masked that has the shape of a NIR, key right or wrong."""
    return _IN_TEXT.sub(mask, text)


def holds_nir(content: bytes) -> bool:
    """Whether something in it has the shape of a NIR."""
    return _IN_BYTES.search(content) is not None

"""Plurals of French sentences: `(s)` and `(nt)` are marks that follow the number before them."""

from __future__ import annotations

import re
from typing import Final

_SLOT: Final = re.compile(r"(\{(\w*)[^{}]*\})")
_MARK: Final = re.compile(r"\((s|nt|ent)\)")


def plural(words: str, count: int) -> str:
    """`lot(s) refusé(s)` for that many of them; zero and one are singular, as French counts."""
    return _MARK.sub(r"\1" if abs(count) > 1 else "", words)


def counted(count: int, words: str) -> str:
    """`3 lots refusés`: the number, and the words that follow it."""
    return f"{count} {plural(words, count)}"


def agreed(template: str, /, **values: object) -> str:
    """A sentence with its slots filled; marks follow the last number among the slots before them.

    `agreed("{count} lot(s) de « {name} » attend(ent)", count=1, name="a")` is
    `1 lot de « a » attend`. Values themselves stay as they are. Raises KeyError for a slot
    without value.
    """
    words, count = [], 1
    parts = _SLOT.split(template)
    for text, slot, name in zip(parts[::3], (*parts[1::3], ""), (*parts[2::3], ""), strict=True):
        words.append(plural(text, count) + slot)
        value = values.get(name)
        count = value if isinstance(value, int) else count
    return "".join(words).format_map(values)

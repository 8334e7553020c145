"""Anomalies that say the same are told once: how many, where the first ones are, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from formats.common.anomaly import Anomaly
from formats.common.french import counted

PLACES: Final = 3
"""How many places or sentences of a group are told."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Anomalies of one code. examples: their first distinct places, or sentences with places."""

    first: Anomaly
    count: int
    examples: tuple[str, ...]
    same_sentence: bool

    def __str__(self) -> str:
        code, times = self.first.code, f" (× {self.count})"
        if self.count == 1:
            return str(self.first)
        if self.same_sentence:
            where = f" {self.where} :" if self.examples else ""
            return f"{code.id}{times}{where} {self.first.sentence} {code.remedy}"
        return f"{code.id}{times} {self.where} {code.remedy}"

    @property
    def where(self) -> str:
        """The examples, and how many more there are."""
        more = self.count - len(self.examples)
        told = " ; ".join(self.examples) if self.same_sentence else " ".join(self.examples)
        return f"{told} … et {counted(more, 'autre(s)')}" if more > 0 and self.examples else told

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        sentence = self.first.sentence if self.same_sentence else ""
        return {
            "code": self.first.code.id,
            "count": self.count,
            "sentence": sentence,
            "examples": list(self.examples),
            "mend": self.first.code.remedy,
            "text": str(self),
        }


def identical(anomalies: Iterable[Anomaly]) -> list[Alike]:
    """One group a code and sentence, in the order they first came."""
    groups: dict[tuple[str, str], list[Anomaly]] = {}
    for one in anomalies:
        groups.setdefault((one.code.id, one.sentence), []).append(one)
    return [_group(group) for group in groups.values()]


def by_code(anomalies: Iterable[Anomaly]) -> list[Alike]:
    """One group a code, in the order they first came."""
    groups: dict[str, list[Anomaly]] = {}
    for one in anomalies:
        groups.setdefault(one.code.id, []).append(one)
    return [_group(group) for group in groups.values()]


def _group(group: list[Anomaly]) -> Alike:
    same = len({one.sentence for one in group}) == 1
    told = (_at(one) if same else _at(one, one.sentence) for one in group)
    examples = [text for text in dict.fromkeys(told) if text]
    return Alike(group[0], len(group), tuple(examples[:PLACES]), same)


def _at(one: Anomaly, sentence: str = "") -> str:
    return " : ".join(part for part in (str(one.place), sentence) if part)

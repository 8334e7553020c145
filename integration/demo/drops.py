"""Files that partners drop into the inbox, and the scale of what is invented."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

FIRST_DAY: Final = date(2026, 1, 1)
ROOT: Final = ""  # a drop at the root of the inbox is recognised by its content


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is invented. The same scale and seed give the same bytes, night after night."""

    customers: int = 300
    contracts: int = 600
    patients: int = 200
    nights: int = 59  # January and February 2026
    seed: int = 2026

    @property
    def days(self) -> tuple[date, ...]:
        """The days played, in order."""
        return tuple(FIRST_DAY + timedelta(n) for n in range(self.nights))


@dataclass(frozen=True, slots=True)
class Drop:
    """A file to drop on a day into the folder of a flow."""

    day: date
    flow: str
    name: str
    content: bytes


def table(titles: str, rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file as a French spreadsheet saves it: BOM, `;`, CRLF."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(titles.split(";"))
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def documents(items: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON Lines."""
    return b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in items)

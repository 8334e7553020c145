"""From the bytes of a return to its entities, and to one typed result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.fixedwidth import Kind, Layout, decode, layout
from formats.noemie.entities import ENTITIES
from formats.noemie.model import Return
from formats.noemie.tree import Builder

UNKNOWN = Code(
    "FMT-201",
    "L'entité « {entity} » est inconnue : elle est conservée et sautée.",
    "Signalez-la : la norme du retour est peut-être plus récente que la nôtre.",
)
UNCLOSED = Code(
    "FMT-202",
    "L'entité {entity} n'est pas fermée par @ à sa longueur de {length} octets.",
    "Demandez une nouvelle copie du retour : il est abîmé.",
)
CUT = Code(
    "FMT-203",
    "Le retour s'arrête au milieu d'une entité ({length} octets sans fin).",
    "Demandez une nouvelle copie du retour : la fin manque.",
)

LONGEST: Final = 4096
"""Bytes an unknown entity may take; more without `@` isn't a NOEMIE file."""
_CHUNK: Final = 65_536
_LAYOUTS: Final[dict[bytes, Layout[Any]]] = {
    number.encode(): layout(cls) for number, cls in ENTITIES.items()
}
_UNCLOSED: Final = (b"000", b"999")


@dataclass(frozen=True, slots=True)
class Unknown:
    """An entity we couldn't read, kept as it came."""

    raw: bytes


def detect(head: bytes) -> bool:
    """Does a file that begins so look like NOEMIE? A missing or damaged 000 doesn't fool it."""
    if head[:3] == b"000":
        return head[47:49] == b"NO" or (head[128:131] in _LAYOUTS and b"@" in head)
    table = _LAYOUTS.get(head[:3])
    return table is not None and head[table.length - 1 : table.length] == b"@"


def read(stream: BinaryIO, file: str = "") -> Return:
    """The whole return; what is wrong in it is in its `anomalies`, and never refuses the rest."""
    found: list[Anomaly] = []
    builder = Builder(found, file)
    for entity in entities_in(stream, found, file):
        builder.take(entity)
    return builder.result()


def entities_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[Any]:
    """Typed entities in order, `Unknown` for what can't be read; anomalies are added to `found`.

    Holds a few kilobytes of the stream. Line ends between entities are accepted.
    """
    cutter = _Cutter(stream, found, file)
    while raw := cutter.next_raw():
        table = _LAYOUTS.get(raw[:3])
        entity = table.read(raw) if table else None
        if entity is None:
            entity = _second_look(table, raw, found, cutter.place)
        yield entity


def _second_look(
    table: Layout[Any] | None, raw: bytes, found: list[Anomaly], place: Place
) -> object:
    """The entity with its blank facultative numbers read as zeros, or `Unknown` and why."""
    if table is None or len(raw) != table.length:
        return Unknown(raw)  # the cutter has said why
    try:
        return decode(_class_of(table), _filled(table, raw), place)
    except AnomaliesFound as wrong:
        found += wrong.anomalies
        return Unknown(raw)


def _class_of(table: Layout[Any]) -> type:
    return ENTITIES[table.name]


def _filled(table: Layout[Any], raw: bytes) -> bytes:
    """Blank facultative numeric columns become zeros, the norm's way to write "absent"."""
    filled = bytearray(raw)
    for zone in table.fields:
        numeric = zone.kind is not Kind.TEXT and not zone.mandatory
        if numeric and not raw[zone.columns].strip(b" "):
            filled[zone.columns] = b"0" * zone.length
    return bytes(filled)


class _Cutter:
    """Cuts a stream into raw entities: by known length, else at the next `@`."""

    def __init__(self, stream: BinaryIO, found: list[Anomaly], file: str) -> None:
        self._stream = stream
        self._found = found
        self._base = Place(file)
        self._buffer = b""
        self._at = 0  # in the buffer
        self._offset = 0  # of the buffer in the stream
        self._line = 0
        self._entity_at = 0

    @property
    def place(self) -> Place:
        """Where the entity just cut begins: its rank, and its offset in bytes."""
        return replace(self._base, line=self._line, pointer=f"octet {self._entity_at}")

    def next_raw(self) -> bytes:
        """One entity, `@` included; empty at the end of the stream."""
        if len(self._buffer) - self._at < LONGEST:
            self._refill()
        while self._buffer[self._at : self._at + 1] in (b"\r", b"\n"):
            self._at += 1
        head = self._buffer[self._at : self._at + 3]
        if not head:
            return b""
        self._line += 1
        self._entity_at = self._offset + self._at
        table = _LAYOUTS.get(head)
        if table is not None:
            raw = self._buffer[self._at : self._at + table.length]
            if len(raw) == table.length and (raw[-1] == 64 or head in _UNCLOSED):
                self._at += table.length
                return raw
        return self._up_to_delimiter(head, table)

    def _refill(self) -> None:
        self._offset += self._at
        self._buffer = self._buffer[self._at :] + self._stream.read(_CHUNK)
        self._at = 0

    def _up_to_delimiter(self, head: bytes, table: Layout[Any] | None) -> bytes:
        """Everything up to the next `@`, with the anomaly that explains it."""
        end = self._buffer.find(b"@", self._at, self._at + LONGEST) + 1
        stop = end or min(len(self._buffer), self._at + LONGEST)
        raw = self._buffer[self._at : stop]
        entity = head.decode("ascii") if head.isdigit() else "?"
        values: dict[str, object] = {"entity": entity, "length": len(raw)}
        code = CUT if not end else UNKNOWN
        if end and table is not None:
            code, values = UNCLOSED, {"entity": table.name, "length": table.length}
        self._found.append(Anomaly(code, self.place, values))
        self._at = stop
        return raw

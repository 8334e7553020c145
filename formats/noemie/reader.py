"""From the bytes of a return to its entities, and to one typed result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.fixedwidth import Kind, Layout, decode, layout
from formats.noemie.entities import ENTITIES
from formats.noemie.model import Return
from formats.noemie.tree import Builder

UNKNOWN = Code(
    "FMT-201",
    "L'entité « {record} » est inconnue : elle est conservée et sautée.",
    "Signalez-la : la norme du retour est peut-être plus récente que la nôtre.",
)
UNCLOSED = Code(
    "FMT-202",
    "L'entité {record} n'est pas fermée par @ à sa longueur de {length} octet(s).",
    "Demandez une nouvelle copie du retour : il est abîmé.",
)
CUT = Code(
    "FMT-203",
    "Le retour s'arrête au milieu d'une entité ({length} octet(s) sans fin).",
    "Demandez une nouvelle copie du retour : la fin manque.",
)

LONGEST: Final = 4096
"""Bytes an unknown entity may take; more without `@` isn't a NOEMIE file."""
_CHUNK: Final = 65_536
_LAYOUTS: Final[dict[bytes, Layout[Any]]] = {
    number.encode(): layout(cls) for number, cls in ENTITIES.items()
}
_UNCLOSED: Final = (b"000", b"999")
_LINE_ENDS: Final = (b"\r", b"\n")
_AT: Final = ord("@")
_TOGETHER: Final = 512


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
    for entity, offset in placed_in(stream, found, file):
        builder.take(entity, offset)
    return builder.result()


def entities_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[Any]:
    """Typed entities in order, `Unknown` for what can't be read; anomalies are added to `found`.

    An anomaly is added just before its entity is given. Holds some hundred kilobytes of the stream.
    Line ends between entities are accepted.
    """
    return (entity for entity, _ in placed_in(stream, found, file))


def placed_in(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[tuple[Any, int]]:
    """The same, each with the byte where it begins."""
    cutter = _Cutter(stream, file)
    while pieces := cutter.some():
        for piece, entity in zip(pieces, _read(pieces), strict=True):
            if piece.wrong:
                found.append(piece.wrong)
            read = _second_look(piece, found, file) if entity is None else entity
            yield read, piece.offset


def _read(pieces: list[_Piece]) -> Iterator[Any]:
    """Typed entities in order, None for what can't be; those of one kind are read together."""
    groups: dict[Layout[Any] | None, list[bytes]] = {}
    for piece in pieces:
        groups.setdefault(piece.table, []).append(piece.raw)
    following = {table: iter(_read_group(table, group)) for table, group in groups.items()}
    return (next(following[piece.table]) for piece in pieces)


def _read_group(table: Layout[Any] | None, group: list[bytes]) -> list[Any]:
    return [None] * len(group) if table is None else table.read_each(group)


def _second_look(piece: _Piece, found: list[Anomaly], file: str) -> object:
    """The entity with its blank facultative numbers read as zeros, or `Unknown` and why."""
    table, raw = piece.table, piece.raw
    if table is None:
        return Unknown(raw)  # the cutter has said why
    try:
        return decode(_class_of(table), _filled(table, raw), piece.place(file))
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


class _Piece(NamedTuple):
    """A raw entity: `table` is None when it is unknown, or not of its known length."""

    raw: bytes
    table: Layout[Any] | None
    line: int
    offset: int
    wrong: Anomaly | None = None

    def place(self, file: str) -> Place:
        """Where it begins: its rank, and its offset in bytes."""
        return _place(file, self.line, self.offset)


def _place(file: str, line: int, offset: int) -> Place:
    return Place(file, line, pointer=f"octet {offset}")


class _Cutter:
    """Cuts a stream into raw entities: by known length, else at the next `@`."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self._stream = stream
        self._file = file
        self._buffer = b""
        self._at = 0  # in the buffer
        self._offset = 0  # of the buffer in the stream
        self._line = 0

    def some(self) -> list[_Piece]:
        """A few hundred entities at most, in order; empty at the end of the stream."""
        pieces: list[_Piece] = []
        while len(pieces) < _TOGETHER and (piece := self._next()):
            pieces.append(piece)
        return pieces

    def _next(self) -> _Piece | None:
        """One entity, `@` included."""
        if len(self._buffer) - self._at < LONGEST:
            self._refill()
        buffer, at = self._buffer, self._at
        while buffer[at : at + 1] in _LINE_ENDS and at < len(buffer):
            at += 1
        head = buffer[at : at + 3]
        self._at = at
        if not head:
            return None
        self._line += 1
        table = _LAYOUTS.get(head)
        if table is not None:
            end = at + table.length
            if len(buffer) >= end and (buffer[end - 1] == _AT or head in _UNCLOSED):
                self._at = end
                return _Piece(buffer[at:end], table, self._line, self._offset + at)
        return self._up_to_delimiter(head, table)

    def _refill(self) -> None:
        self._offset += self._at
        self._buffer = self._buffer[self._at :] + self._stream.read(_CHUNK)
        self._at = 0

    def _up_to_delimiter(self, head: bytes, table: Layout[Any] | None) -> _Piece:
        """Everything up to the next `@`, with the anomaly that explains it."""
        at = self._at
        end = self._buffer.find(b"@", at, at + LONGEST) + 1
        stop = end or min(len(self._buffer), at + LONGEST)
        raw = self._buffer[at:stop]
        entity = head.decode("ascii") if head.isdigit() else "?"
        values: dict[str, object] = {"record": entity, "length": len(raw)}
        code = CUT if not end else UNKNOWN
        if end and table is not None:
            code, values = UNCLOSED, {"record": table.name, "length": table.length}
        self._at = stop
        offset = self._offset + at
        wrong = Anomaly(code, _place(self._file, self._line, offset), values)
        return _Piece(raw, None, self._line, offset, wrong)

"""dBase III/IV tables, the little of them that nomenclatures use: C, N and D columns, cp850.

Source: the dBase file header as documented by its publishers (32-byte header, 32-byte columns
closed by 0x0D, records opened by a blank or by `*` when deleted). Memo files aren't read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Final

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

NOT_DBASE = Code(
    "FMT-801",
    "Le fichier n'est pas une table dBase lisible : {reason}.",
    "Téléchargez de nouveau le fichier.",
)
CUT = Code(
    "FMT-802",
    "La table annonce {announced} enregistrements, le fichier en contient {found}.",
    "Téléchargez de nouveau le fichier : il est incomplet.",
)

ENCODING: Final = "cp850"
_HEADER: Final = struct.Struct("<B3BIHH20x")
_COLUMN: Final = struct.Struct("<11sc4xBB14x")
_VERSIONS: Final = {0x03, 0x83, 0x04, 0x8B, 0x30, 0x43}
_END_OF_COLUMNS: Final = b"\r"
_DELETED: Final = 0x2A


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, type (C, N or D), width in bytes, decimals."""

    name: str
    type: str
    width: int
    decimals: int = 0


Row = dict[str, str]
"""Texts of a record by column name, without padding blanks."""


def rows(stream: BinaryIO, found: list[Anomaly], file: str = "") -> Iterator[tuple[int, Row]]:
    """Each record kept in the table and its 1-based number; holds one record at a time.

    Raises AnomaliesFound when the header isn't dBase's; a missing end is added to `found`.
    """
    count, width, columns = _read_header(stream, Place(file))
    for number in range(1, count + 1):
        raw = stream.read(width)
        if len(raw) < width:
            values = {"announced": count, "found": number - 1}
            found.append(Anomaly(CUT, Place(file, number), values))
            return
        if raw[0] != _DELETED:
            yield number, _row(raw, columns)


def dump(columns: Sequence[Column], lines: Iterable[Sequence[str]], changed_on: date) -> bytes:
    """A dBase III table; a text wider than its column raises ValueError."""
    body = [b" " + b"".join(map(_cell, columns, line)) for line in lines]
    width = 1 + sum(column.width for column in columns)
    day = (changed_on.year - 1900, changed_on.month, changed_on.day)
    size = _HEADER.size + _COLUMN.size * len(columns) + 1
    header = _HEADER.pack(0x03, *day, len(body), size, width)
    named = b"".join(
        _COLUMN.pack(c.name.encode("ascii"), c.type.encode("ascii"), c.width, c.decimals)
        for c in columns
    )
    return header + named + _END_OF_COLUMNS + b"".join(body) + b"\x1a"


def _cell(column: Column, value: str) -> bytes:
    raw = value.encode(ENCODING)
    if len(raw) > column.width:
        raise ValueError(f"{column.name} takes {column.width} bytes, not {len(raw)}")
    return raw.rjust(column.width) if column.type == "N" else raw.ljust(column.width)


def _row(raw: bytes, columns: Sequence[Column]) -> Row:
    row, at = {}, 1
    for column in columns:
        row[column.name] = raw[at : at + column.width].decode(ENCODING).strip(" \0")
        at += column.width
    return row


def _read_header(stream: BinaryIO, place: Place) -> tuple[int, int, tuple[Column, ...]]:
    """Number of records, width of one, columns; leaves the stream at the first record."""
    raw = stream.read(_HEADER.size)
    if len(raw) < _HEADER.size or raw[0] not in _VERSIONS:
        raise _not_dbase(place, "en-tête inconnu")
    _, _, _, _, count, size, width = _HEADER.unpack(raw)
    described = stream.read(max(size - _HEADER.size, 0))
    columns = tuple(_columns(described, place))
    if not columns or 1 + sum(column.width for column in columns) != width:
        raise _not_dbase(place, "les colonnes ne font pas la largeur annoncée")
    return count, width, columns


def _columns(described: bytes, place: Place) -> Iterator[Column]:
    for at in range(0, len(described), _COLUMN.size):
        piece = described[at : at + _COLUMN.size]
        if piece[:1] == _END_OF_COLUMNS:
            return
        if len(piece) < _COLUMN.size:
            break
        name, kind, width, decimals = _COLUMN.unpack(piece)
        text = name.partition(b"\0")[0]
        if not (text.isascii() and kind.isalpha() and width):
            raise _not_dbase(place, "une colonne est illisible")
        yield Column(text.decode("ascii"), kind.decode("ascii"), width, decimals)
    raise _not_dbase(place, "la liste des colonnes n'est pas fermée")


def _not_dbase(place: Place, reason: str) -> AnomaliesFound:
    return AnomaliesFound(Anomaly(NOT_DBASE, place, {"reason": reason}))

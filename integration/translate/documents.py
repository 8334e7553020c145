"""JSON and JSON Lines → typed records, with line, column and pointer of whatever is wrong.

A file is one array of objects, one object, or objects one after the other (JSON Lines). The text is
read by `json` at full speed; only when something is wrong is it walked again for positions.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.translate.fields import Row, anomaly_of, errors_of
from integration.translate.flow import Record, Records, refuse
from integration.translate.tabular import NO_ROW, decoded

BROKEN_JSON: Final = Code(
    "IMP-130",
    "Le JSON est illisible à partir d'ici.",
    "Vérifiez virgules, guillemets et accolades juste avant cette place.",
)
DOUBLE_KEY: Final = Code(
    "IMP-131", "Le champ « {name} » est présent deux fois dans le même objet.", "Gardez-en un."
)
TOO_DEEP: Final = Code(
    "IMP-132",
    "Le JSON a trop de niveaux imbriqués.",
    "Comparez avec le modèle donné par « echeance schema ».",
)

M = TypeVar("M", bound=Row)
Path = tuple[str | int, ...]
_HEAD: Final = 65_536  # bytes looked at to recognise a file
_TOKEN: Final = re.compile(rb'"(?P<key>(?:[^"\\]|\\.)*)"(?P<colon>\s*:)?|[{}\[\]]', re.DOTALL)
_BLANK: Final = re.compile(r"[ \t\r\n]*")


class _Twice(ValueError):  # noqa: N818 - internal signal
    """An object holds a key twice."""


def _refuse_constant(name: str) -> object:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice
    return made


_READER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_constant=_refuse_constant
)
_SCALAR: Final = json.JSONDecoder()


@dataclass(frozen=True)
class Source:
    """A JSON text and where its values stand."""

    file: str
    text: str = field(repr=False)

    def place(self, start: int, path: Path) -> Place:
        """Place of a value of the record that starts at offset `start`; its nearest parent's when
        it is absent."""
        if not path:
            return self.at(start)
        offsets = self.offsets(start)
        known = path
        while known not in offsets:
            known = known[:-1]
        return self.at(offsets[known], path)

    def at(self, offset: int, path: Path = ()) -> Place:
        """Line and column of an offset."""
        line = bisect_left(self._line_ends, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
        return Place(self.file, line, column, pointer=pointer)

    def offsets(self, start: int) -> dict[Path, int]:
        """Offset of every value of one record, by path."""
        if start not in self._walked:
            self._walked.clear()  # one record's positions at a time are enough
            self._walked[start] = dict(self._walk(start, ()))
        return self._walked[start]

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]

    @cached_property
    def _walked(self) -> dict[int, dict[Path, int]]:
        return {}

    def doubles(self, start: int) -> Iterator[Anomaly]:
        """Keys an object holds twice."""
        seen: set[Path] = set()
        for path, offset in self._walk(start, ()):
            if path in seen:
                yield Anomaly(DOUBLE_KEY, self.at(offset, path), {"name": path[-1]})
            seen.add(path)

    def _walk(self, offset: int, path: Path) -> Iterator[tuple[Path, int]]:
        """Every value in text order with its offset; the text is known to be JSON."""
        yield path, offset
        opening = self.text[offset]
        if opening not in "{[":
            return
        index, offset = 0, self.blank(offset + 1)
        while self.text[offset] not in "}]":
            key: str | int = index
            if opening == "{":
                key, offset = _SCALAR.raw_decode(self.text, offset)
                offset = self.blank(self.blank(offset) + 1)  # past the colon
            yield from self._walk(offset, (*path, key))
            offset = self.blank(_SCALAR.raw_decode(self.text, offset)[1])
            if self.text[offset] == ",":
                offset = self.blank(offset + 1)
            index += 1

    def blank(self, offset: int) -> int:
        """The first offset from here that isn't white space."""
        match = _BLANK.match(self.text, offset)
        assert match
        return match.end()


def read_documents(data: bytes, file: str, model: type[M]) -> Records[M]:
    """Every object of the file as `model`. Raises AnomaliesFound with all that is wrong."""
    source = Source(file, decoded(data, file))
    anomalies: list[Anomaly] = []
    records: list[Record[M]] = []
    for start, value in _values(source):
        try:
            records.append(Record(model.model_validate(value), partial(source.place, start)))
        except ValidationError as found:
            anomalies += (
                anomaly_of(error, source.place(start, error["loc"]), model.personal)
                for error in errors_of(found)
            )
    if not records and not anomalies:
        anomalies.append(Anomaly(NO_ROW, Place(file)))
    refuse(anomalies)
    return Records(records)


def looks_like(*keys: str) -> Callable[[bytes, str], bool]:
    """A detector: true for JSON whose first object has all these keys, not counting deeper ones."""

    def detect(data: bytes, _file: str) -> bool:
        return is_json(data) and set(keys) <= set(_first_keys(_head(data)))

    return detect


def is_json(data: bytes) -> bool:
    """True when the content begins as a list or an object does."""
    return _head(data)[:1] in (b"[", b"{")


def _head(data: bytes) -> bytes:
    return data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()


def _first_keys(head: bytes) -> Iterator[str]:
    """Keys of the first object of a text that may be cut short or no JSON at all."""
    depth, wanted = 0, 2 if head[:1] == b"[" else 1
    for token in _TOKEN.finditer(head):
        mark = token[0][:1]
        depth += (mark in b"{[") - (mark in b"}]")
        if mark in b"}]" and depth < wanted:
            return
        if depth == wanted and token["colon"]:
            yield token["key"].decode(errors="replace")


def json_schema(model: type[Row]) -> str:
    """The JSON Schema of one record, keys in French."""
    return json.dumps(model.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


def _values(source: Source) -> Iterator[tuple[int, Any]]:
    """Offset and value of each record: items of the one array, or values one after the other."""
    offset = source.blank(0)
    array = source.text[offset : offset + 1] == "["
    offset = source.blank(offset + 1) if array else offset
    while offset < len(source.text) and not (array and source.text[offset] == "]"):
        value, end = _decode(source, offset)
        yield offset, value
        offset = source.blank(end)
        if array:
            offset = _after_comma(source, offset)
    if array and source.blank(offset + 1) != len(source.text):
        raise AnomaliesFound(Anomaly(BROKEN_JSON, source.at(min(offset + 1, len(source.text)))))


def _after_comma(source: Source, offset: int) -> int:
    following = source.text[offset : offset + 1]
    if following == "]":
        return offset
    after = source.blank(offset + 1)
    if following != "," or source.text[after : after + 1] in ("]", ""):
        raise AnomaliesFound(Anomaly(BROKEN_JSON, source.at(offset)))
    return after


def _decode(source: Source, offset: int) -> tuple[Any, int]:
    try:
        return _READER.raw_decode(source.text, offset)
    except json.JSONDecodeError as error:
        raise AnomaliesFound(Anomaly(BROKEN_JSON, source.at(error.pos))) from None
    except _Twice:
        raise AnomaliesFound(*source.doubles(offset)) from None
    except RecursionError:
        raise AnomaliesFound(Anomaly(TOO_DEEP, source.at(offset))) from None
    except ValueError:  # NaN, Infinity, a number of thousands of digits
        raise AnomaliesFound(Anomaly(BROKEN_JSON, source.at(offset))) from None

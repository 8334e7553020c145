"""Fixed-width records: declared once, one line a field, read and written from that table.

    @record("6", 128, B2_CHARSET)
    class BatchEnd:
        _1 = constant(1, 1, "6")
        sender: str = digits(2, 9, S, "N° partenaire de santé + clé")
        ...
        _55 = blank(55, 74)

A table that leaves a gap, overlaps or doesn't total its length raises `TypeError` when its module
is imported. Records are immutable tuples with named fields. A field without `default` is
mandatory (presence O of the norms); one with a default is facultative (F).

| kind     | in the file                           | in the record                              |
|----------|---------------------------------------|--------------------------------------------|
| text     | left-justified, blank-filled          | `str` without its trailing blanks          |
| digits   | digits that identify, all columns     | `str` of exactly that length               |
| number   | right-justified, zero-filled          | `int`                                      |
| cents    | idem, last two digits are cents       | `int` cents                                |
| day      | AAMMJJ                                | `date`, or None for zeros when facultative |
| constant, blank | always the same                | nothing                                    |

How it goes fast: records of one kind are read and written together, column by column. One regular
expression checks and cuts them, one `%` template writes them, and each column is judged as a whole.
A group in which something is wrong goes record by record: one big integer says whether every
column is allowed where it stands, and what fails takes the slow path, which names every column.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as _with
from datetime import date
from enum import Enum
from functools import cached_property
from itertools import accumulate, repeat
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar, dataclass_transform, get_type_hints

from formats.common.anomaly import MASKED, AnomaliesFound, Anomaly, Code, Place

R = TypeVar("R")

LENGTH = Code(
    "FMT-001",
    "L'enregistrement {record} fait {found} octets au lieu de {length}.",
    "Vérifiez que le fichier est entier et sans retour à la ligne ajouté.",
)
UNREADABLE = Code(
    "FMT-002",
    "Enregistrement {record}, zone « {zone} » : {reason} (lu « {value} »).",
    "Demandez un fichier corrigé à son émetteur.",
)
UNWRITABLE = Code(
    "FMT-003",
    "Enregistrement {record}, zone « {zone} » : {reason} (valeur « {value} »).",
    "Corrigez la donnée d'origine : rien n'est jamais tronqué.",
)


class Mark(Enum):
    """How sure we are of a field: seen in a source, from memory, guessed."""

    SEEN = "S"
    MEMORY = "M"
    GUESS = "G"


class Kind(Enum):
    """How a field's columns carry its value."""

    TEXT = "texte"
    DIGITS = "chiffres"
    NUMBER = "nombre"
    CENTS = "centimes"
    DAY = "date AAMMJJ"
    CONSTANT = "constante"
    BLANK = "blanc"


S: Final = Mark.SEEN
M: Final = Mark.MEMORY
G: Final = Mark.GUESS


class _Absent(Enum):
    ABSENT = "obligatoire"


ABSENT: Final = _Absent.ABSENT

QUOTED_COLUMNS: Final = 5
"""The widest unreadable zone that is quoted: a birth date takes six columns."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One field of a record; columns are 1-based and inclusive, as norms print them."""

    start: int
    length: int
    kind: Kind
    mark: Mark
    label: str
    name: str = ""
    default: object = ABSENT
    personal: bool = False
    expected: str = ""
    century: int = 2000
    source: str = ""  # initial of the document that says so

    @property
    def end(self) -> int:
        """Last column."""
        return self.start + self.length - 1

    @property
    def mandatory(self) -> bool:
        """True for presence O."""
        return self.default is ABSENT

    @property
    def fixed(self) -> bool:
        """True for constants and blanks, which hold no value."""
        return self.kind in (Kind.CONSTANT, Kind.BLANK)

    @property
    def must_be_filled(self) -> bool:
        """True when a blank text, or a day of zeros, is refused."""
        if self.kind is Kind.DAY:
            return self.default is not None
        return self.kind is Kind.TEXT and self.mandatory

    @property
    def columns(self) -> slice:
        """Where its characters are in the record."""
        return slice(self.start - 1, self.end)

    @property
    def shown(self) -> str:
        """Its name as anomalies print it."""
        return self.label or self.name


def text(
    start: int,
    length: int,
    mark: Mark,
    label: str,
    *,
    default: object = ABSENT,
    personal: bool = False,
) -> Any:
    """Alphanumeric. Mandatory means not blank."""
    return Zone(start, length, Kind.TEXT, mark, label, default=default, personal=personal)


def digits(
    start: int,
    length: int,
    mark: Mark,
    label: str,
    *,
    default: object = ABSENT,
    personal: bool = False,
) -> Any:
    """Digits that identify rather than count: kept as text, all columns, zeros allowed."""
    return Zone(start, length, Kind.DIGITS, mark, label, default=default, personal=personal)


def number(start: int, length: int, mark: Mark, label: str, *, default: object = ABSENT) -> Any:
    """Unsigned integer."""
    return Zone(start, length, Kind.NUMBER, mark, label, default=default)


def cents(start: int, length: int, mark: Mark, label: str, *, default: object = ABSENT) -> Any:
    """Unsigned amount; `length` counts all digits: 7 is the norm's 5+2."""
    return Zone(start, length, Kind.CENTS, mark, label, default=default)


def day(
    start: int, mark: Mark, label: str, *, default: object = ABSENT, century: int = 2000
) -> Any:
    """Date AAMMJJ in the hundred years from `century`; facultative only with `default=None`.

    Business dates use 2000-2099. Birth dates may be lunar or impossible: declare them `digits`.
    """
    return Zone(start, 6, Kind.DAY, mark, label, default=default, century=century)


def constant(start: int, length: int, expected: str, mark: Mark = S, label: str = "") -> Any:
    """Always the same characters."""
    return Zone(start, length, Kind.CONSTANT, mark, label, expected=expected)


def blank(start: int, length: int, mark: Mark = S, label: str = "Filler") -> Any:
    """Reserved columns, always blank."""
    return Zone(start, length, Kind.BLANK, mark, label, expected=" " * length)


# -- characters --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charset:
    """Which bytes a family of records allows in its text columns."""

    allowed: frozenset[int]
    plain: bool  # texts are made upper-case and unaccented before they are written

    @property
    def classes(self) -> bytes:
        """Byte → bits: none for a digit, 1 other allowed, 4 more for a blank, 2 forbidden."""
        kinds = bytearray(1 if byte in self.allowed else 2 for byte in range(256))
        kinds[48:58] = bytes(10)
        kinds[32] |= 4
        return bytes(kinds)


_LOWER_AND_QUOTES = {*range(97, 123), *b"',-\""}
PLAIN: Final = Charset(frozenset(set(range(32, 127)) - _LOWER_AND_QUOTES), plain=True)
"""Upper case, no accent, apostrophe, comma, hyphen nor quote (B2, reference §1.1)."""
LATIN: Final = Charset(frozenset({*range(32, 127), *range(161, 256)}), plain=False)
"""Printable Latin-1: what funds really send."""

_ACCENTS = "ÀÂÄÁÃÅÇÉÈÊËÍÌÎÏÑÓÒÔÖÕÚÙÛÜÝŸ"
_LETTERS = "AAAAAACEEEEIIIINOOOOOUUUUYY"
_PLAIN_TABLE = {
    **dict(zip(_ACCENTS, _LETTERS, strict=True)),
    **dict.fromkeys("'’‘`´,-‐‑–—\"«»“”\u00a0\u202f\t", " "),
    **dict.fromkeys("\u0300\u0301\u0302\u0303\u0308\u030a\u0327", ""),
    "Œ": "OE",
    "Æ": "AE",
    "°": "O",
}
_TO_PLAIN: Final = str.maketrans(_PLAIN_TABLE)


def plain(value: str) -> str:
    """Upper-case unaccented form by a fixed table; characters it doesn't know are kept."""
    return value.upper().translate(_TO_PLAIN)


# -- days --------------------------------------------------------------------------------------


class _DayTexts(dict[object, str]):
    """date → AAMMJJ within one window of a hundred years; filled as days are met."""

    def __init__(self, century: int, facultative: bool) -> None:
        super().__init__({None: "000000"} if facultative else {})
        self._century = century

    def __missing__(self, value: object) -> str:
        if type(value) is not date:
            raise ValueError("une date est attendue")
        if not self._century <= value.year < self._century + 100:
            raise ValueError(f"la date sort de {self._century}-{self._century + 99}")
        return self.setdefault(value, f"{value:%y%m%d}")


class _Days(dict[str, "date | None"]):
    """AAMMJJ → date, None for zeros; an impossible date raises ValueError and isn't kept."""

    def __init__(self, century: int) -> None:
        super().__init__({"000000": None})
        self._century = century

    def __missing__(self, value: str) -> date | None:
        year = int(value[:2])
        year += self._century - self._century % 100
        year += 100 if year < self._century else 0
        return self.setdefault(value, date(year, int(value[2:4]), int(value[4:])))


class _Numbers(dict[str, int]):
    """Digits → int: zeros and tariffs come back all the time. Bounded, so memory stays flat."""

    def __missing__(self, value: str) -> int:
        found = int(value)
        if len(self) < _KEPT_NUMBERS:
            self[value] = found
        return found


_KEPT_NUMBERS: Final = 50_000
_NUMBERS: Final = _Numbers()


# -- one record --------------------------------------------------------------------------------


def _pick(items: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """An `itemgetter` that gives a tuple whatever the number of items."""
    if len(items) > 1:
        return itemgetter(*items)
    if not items:
        return lambda _: ()
    (only,) = items
    return lambda row: (row[only],)


class Layout(Generic[R]):
    """A compiled table: reads and writes one kind of record."""

    def __init__(
        self, name: str, length: int, charset: Charset, zones: Sequence[Zone], french: str = ""
    ) -> None:
        _check_columns(name, length, zones)
        self.name: Final = name
        self.french: Final = french
        self.length: Final = length
        self.charset: Final = charset
        self.zones: Final = tuple(zones)
        self.fields: Final = tuple(zone for zone in zones if not zone.fixed)
        self.names: Final = tuple(zone.name for zone in self.fields)
        self.cls: type[R]
        self._make: Callable[[Iterable[Any]], R]
        self._compile_checks()
        self._compile_reading()
        self._compile_writing()
        self._compile_many()

    def _compile_checks(self) -> None:
        """Big integers, one byte a column: forbidden classes, constant columns, their values."""
        forbidden, unwritable, held, expected = (bytearray() for _ in range(4))
        for zone in self.zones:
            classes = 0 if zone.fixed else 2 if zone.kind is Kind.TEXT else 3
            forbidden += bytes([classes]) * zone.length
            # A mandatory text that begins with a blank may be empty: the slow path decides.
            first = classes | 4 if zone.must_be_filled else classes
            unwritable += bytes([first]) + bytes([classes]) * (zone.length - 1)
            held += bytes([255 if zone.fixed else 0]) * zone.length
            expected += zone.expected.encode("ascii").ljust(zone.length, b"\0")
        self._classes = self.charset.classes
        self._forbidden = int.from_bytes(forbidden)
        self._unwritable = int.from_bytes(unwritable)
        self._held = int.from_bytes(held)
        self._expected = int.from_bytes(expected)

    def _compile_reading(self) -> None:
        """All columns cut at once, kind after kind, then put back in the norm's order."""
        windows = sorted({zone.century for zone in self.fields if zone.kind is Kind.DAY})
        groups = [self._positions(*kinds) for kinds in _READ_TOGETHER]
        groups += [self._positions(Kind.DAY, century=century) for century in windows]
        order = [position for group in groups for position in group]
        ends = list(accumulate(map(len, groups)))
        self._cells = _pick([self.fields[position].columns for position in order])
        self._texts_at, self._numbers_at, self._days_at = ends[:3]
        self._windows = [
            (slice(start, end), _Days(century).__getitem__)
            for start, end, century in zip(ends[2:-1], ends[3:], windows, strict=True)
        ]
        self._in_order = _pick([order.index(position) for position in range(len(order))])
        self._must_be_filled = _pick([i for i, z in enumerate(self.fields) if z.must_be_filled])

    def _positions(self, *kinds: Kind, century: int | None = None) -> list[int]:
        return [
            position
            for position, zone in enumerate(self.fields)
            if zone.kind in kinds and century in (None, zone.century)
        ]

    def _compile_many(self) -> None:
        """What `read_many` and `write_many` need: a pattern, and where each kind stands."""
        letters = "".join(re.escape(chr(byte)) for byte in sorted(self.charset.allowed))
        self._pattern = re.compile("".join(_pattern(zone, letters) for zone in self.zones))
        self._text_at = self._positions(Kind.TEXT)
        self._digits_at = [(i, self.fields[i].length) for i in self._positions(Kind.DIGITS)]
        self._number_at = self._positions(Kind.NUMBER, Kind.CENTS)
        self._day_at = [
            (i, _Days(self.fields[i].century).__getitem__, self.fields[i].must_be_filled)
            for i in self._positions(Kind.DAY)
        ]
        self._mandatory_at = [i for i in self._text_at if self.fields[i].mandatory]
        self._no_allowed = dict.fromkeys(self.charset.allowed)

    def _compile_writing(self) -> None:
        """One template for the record; days are put into words first."""
        self._template = "".join(map(_template, self.zones))
        self._day_writers = [
            (i, _DayTexts(zone.century, zone.default is None))
            for i, zone in enumerate(self.fields)
            if zone.kind is Kind.DAY
        ]
        self._numbers = _pick(self._positions(Kind.NUMBER, Kind.CENTS))
        self._texts = _pick(self._positions(Kind.TEXT, Kind.DIGITS))

    # Reading

    def read(self, raw: bytes) -> R | None:
        """The record, or None when something is wrong: `explain` then says what."""
        if len(raw) != self.length or int.from_bytes(raw) & self._held != self._expected:
            return None
        if int.from_bytes(raw.translate(self._classes)) & self._forbidden:
            return None
        cells = self._cells(raw.decode("latin-1"))
        texts, numbers, days = self._texts_at, self._numbers_at, self._days_at
        # A bare rstrip also takes 0x85 and 0xA0; no charset allows them, so only blanks go.
        values = [*cells[:texts], *map(str.rstrip, cells[texts:numbers])]
        values += map(_NUMBERS.__getitem__, cells[numbers:days])
        try:
            for columns, day_of in self._windows:
                values += map(day_of, cells[columns])
        except ValueError:
            return None
        item = self._in_order(values)
        return self._make(item) if all(self._must_be_filled(item)) else None

    def read_many(self, raws: Sequence[bytes]) -> list[R] | None:
        """What `read` gives for each, faster; None when one of them is wrong or too few fields.

        Every raw record must have the record's length.
        """
        found = self._pattern.findall(b"".join(raws).decode("latin-1"))
        # As many matches of the whole length as records: none can be shifted.
        if len(found) != len(raws) or len(self.fields) < 2:
            return None
        columns: list[Iterable[Any]] = list(zip(*found, strict=True))
        for at in self._text_at:
            columns[at] = map(str.rstrip, columns[at])
        for at in self._number_at:
            columns[at] = map(_NUMBERS.__getitem__, columns[at])
        try:
            for at, day_of, mandatory in self._day_at:
                columns[at] = days = list(map(day_of, columns[at]))
                if mandatory and None in days:
                    return None
        except ValueError:
            return None
        return list(map(tuple.__new__, repeat(self.cls), zip(*columns, strict=True)))  # type: ignore[arg-type]

    def explain(self, raw: bytes, place: Place) -> tuple[Anomaly, ...]:
        """Everything wrong with `raw`; empty exactly when `read` gives a record."""
        if len(raw) != self.length:
            values = {"record": self.name, "found": len(raw), "length": self.length}
            return (Anomaly(LENGTH, place, values),)
        line = raw.decode("latin-1")
        complaints = [(z, self._complaint(z, line[z.columns])) for z in self.zones]
        wrong = [(zone, reason) for zone, reason in complaints if reason]
        # A shifted record shows a person's columns under other names: one wrong zone that holds
        # a value, too short to be a person's, is quoted; anything else isn't.
        quoted = len(wrong) == 1 and not wrong[0][0].fixed and wrong[0][0].length <= QUOTED_COLUMNS
        return tuple(
            self._anomaly(UNREADABLE, zone, reason, line[zone.columns] if quoted else MASKED, place)
            for zone, reason in wrong
        )

    def _complaint(self, zone: Zone, piece: str) -> str:
        """Why `piece` can't be what `zone` holds; empty when it can."""
        if zone.fixed:
            return "" if piece == zone.expected else f"« {zone.expected.strip()} » est attendu"
        if zone.kind is Kind.TEXT:
            return self._text_complaint(zone, piece)
        if not (piece.isascii() and piece.isdigit()):
            return "des chiffres sont attendus"
        if zone.kind is Kind.DAY:
            return _day_complaint(zone, piece)
        return ""

    def _text_complaint(self, zone: Zone, piece: str) -> str:
        if any(ord(character) not in self.charset.allowed for character in piece):
            return "un caractère n'est pas permis"
        return "la zone est obligatoire" if zone.mandatory and not piece.strip(" ") else ""

    def _anomaly(self, code: Code, zone: Zone, reason: str, value: object, place: Place) -> Anomaly:
        shown = MASKED if zone.personal else value
        values = {"record": self.name, "zone": zone.shown, "reason": reason, "value": shown}
        return Anomaly(code, _at(place, zone), values)

    # Writing

    def write(self, item: Any) -> bytes | None:
        """The bytes, or None when a value needs the slow path."""
        try:
            raw = self.render(item)
            "".join(self._texts(item))
            whole = type(sum(self._numbers(item))) is int
        except (TypeError, ValueError):
            return None
        if len(raw) != self.length or not whole:
            return None
        wrong = int.from_bytes(raw.translate(self._classes)) & self._unwritable
        return None if wrong else raw

    def write_many(self, items: Sequence[Any]) -> list[str] | None:
        """What `write` gives for each, as text; None when one needs the slow path."""
        columns: list[Sequence[Any]] = list(zip(*items, strict=True))
        try:
            if not self._writable(columns, len(items)):
                return None
            pieces = self._render_many(columns)
        except (TypeError, ValueError):
            return None
        # A value that is too long makes its record longer, and nothing makes one shorter.
        return pieces if sum(map(len, pieces)) == len(items) * self.length else None

    def _writable(self, columns: Sequence[Sequence[Any]], count: int) -> bool:
        """Is every value of its type, of permitted characters, and filled where it must be?"""
        texts = "".join(["".join(columns[at]) for at in self._text_at])
        if texts.translate(self._no_allowed):
            return False
        for at, length in self._digits_at:
            digits = "".join(columns[at])
            if not (digits.isdigit() and digits.isascii() and len(digits) == count * length):
                return False
        for at in self._number_at:
            if type(sum(columns[at])) is not int or min(columns[at]) < 0:
                return False
        # A mandatory text that begins with a blank may be empty: the slow path decides.
        firsts = [f"\0{_BETWEEN.join(columns[at])}\0" for at in self._mandatory_at]
        return not any(f"{_BETWEEN} " in first or _BETWEEN * 2 in first for first in firsts)

    def _render_many(self, columns: list[Sequence[Any]]) -> list[str]:
        """The text of records known to fit, from their columns."""
        for at, texts in self._day_writers:
            columns[at] = list(map(texts.__getitem__, columns[at]))
        return list(map(self._template.__mod__, zip(*columns, strict=True)))

    def render(self, item: Any) -> bytes:
        """The bytes of a record known to fit; nothing is checked."""
        values = list(item)
        for index, texts in self._day_writers:
            values[index] = texts[values[index]]
        return (self._template % tuple(values)).encode("latin-1")

    def settle(self, item: Any, place: Place) -> R:
        """The same record as it will read back: plain texts, digits filled with zeros.

        Raises AnomaliesFound with every field that doesn't fit.
        """
        pairs = zip(self.fields, item, strict=True)
        settled = [(zone, value, *self._settle(zone, value)) for zone, value in pairs]
        found = [
            self._anomaly(UNWRITABLE, zone, reason, value, place)
            for zone, value, _, reason in settled
            if reason
        ]
        if found:
            raise AnomaliesFound(*found)
        return self._make(after for _, _, after, _ in settled)

    def _settle(self, zone: Zone, value: Any) -> tuple[Any, str]:
        """The value as the file can hold it, and why it can't."""
        if zone.kind is Kind.DAY:
            return value, _day_refusal(zone, value)
        if zone.kind in (Kind.NUMBER, Kind.CENTS):
            return value, _number_refusal(zone, value)
        if type(value) is not str:
            return value, "un texte est attendu"
        if zone.kind is Kind.DIGITS:
            value = value.zfill(zone.length)
        else:
            foreign = self.charset.plain and value.translate(self._no_allowed)
            value = (plain(value) if foreign else value).rstrip(" ")
        if len(value) > zone.length:
            return value, f"dépasse {zone.length} caractères"
        return value, self._complaint(zone, value.ljust(zone.length))


_BETWEEN: Final = "\0"  # no charset allows it

_READ_TOGETHER: Final = ((Kind.DIGITS,), (Kind.TEXT,), (Kind.NUMBER, Kind.CENTS))

_LAYOUTS: dict[type, Layout[Any]] = {}


def layout(cls: type[R]) -> Layout[R]:
    """The compiled table of a record class."""
    return _LAYOUTS[cls]


def _check_columns(name: str, length: int, zones: Sequence[Zone]) -> None:
    following = 1
    for zone in zones:
        if zone.start != following:
            raise TypeError(f"{name}.{zone.name} starts at {zone.start}, expected {following}")
        if zone.kind is Kind.CONSTANT and len(zone.expected) != zone.length:
            raise TypeError(f"{name}.{zone.name} doesn't hold « {zone.expected} »")
        following = zone.end + 1
    if following != length + 1:
        raise TypeError(f"{name} ends at {following - 1}, expected {length}")


def _template(zone: Zone) -> str:
    if zone.fixed:
        return zone.expected.replace("%", "%%")
    sign = {Kind.TEXT: f"-{zone.length}s", Kind.NUMBER: f"0{zone.length}d"}
    sign[Kind.CENTS] = sign[Kind.NUMBER]
    return "%" + sign.get(zone.kind, f"{zone.length}s")


def _pattern(zone: Zone, letters: str) -> str:
    """Matches what the zone may hold; a day still has to exist."""
    if zone.fixed:
        return re.escape(zone.expected)
    if zone.kind is not Kind.TEXT:
        return f"([0-9]{{{zone.length}}})"
    filled = f"(?! {{{zone.length}}})" if zone.mandatory else ""
    return f"{filled}([{letters}]{{{zone.length}}})"


def _day_complaint(zone: Zone, piece: str) -> str:
    if piece == "000000":
        return "la date est obligatoire" if zone.must_be_filled else ""
    try:
        _Days(zone.century)[piece]
    except ValueError:
        return "la date n'existe pas"
    return ""


def _day_refusal(zone: Zone, value: object) -> str:
    try:
        _DayTexts(zone.century, zone.default is None)[value]
    except ValueError as error:
        return str(error)
    return ""


def _number_refusal(zone: Zone, value: object) -> str:
    if type(value) is not int:
        return "un entier est attendu"
    if value < 0:
        return "le nombre est négatif"
    return "" if len(str(value)) <= zone.length else f"dépasse {zone.length} chiffres"


def _at(place: Place, zone: Zone) -> Place:
    return _with(place, start=place.start + zone.start, end=place.start + zone.end)


# -- record classes ----------------------------------------------------------------------------


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(text, digits, number, cents, day)
)
def record(
    name: str,
    length: int,
    charset: Charset,
    *,
    french: str = "",
    source: str = "",
    elsewhere: Mapping[str, range] = MappingProxyType({}),
) -> Callable[[type[R]], type[R]]:
    """Make a record class from its table; refuse, at import, a table that doesn't add up.

    `source` is the document that gives the columns; `elsewhere` names another for some of them.
    """

    def cited(zone: Zone) -> str:
        return next((s for s, columns in elsewhere.items() if zone.start in columns), source)

    def build(cls: type[R]) -> type[R]:
        own = [(n, z) for n, z in vars(cls).items() if isinstance(z, Zone)]
        zones = [_with(z, name=n, source=cited(z)) for n, z in own]
        table: Layout[R] = Layout(name, length, charset, zones, french)
        _check_annotations(cls, table)
        made = _record_class(cls, table)
        table.cls, table._make = made, made._make  # type: ignore[attr-defined]
        _LAYOUTS[made] = table
        return made

    return build


def amended(cls: type[R], changes: Mapping[str, Mapping[str, object]]) -> Layout[R]:
    """Another version's table of the same record: some zones have other columns, marks, sources.

    `changes` is by field, `*` for all of them. Refuses, at import, what doesn't add up.
    """
    base = layout(cls)
    if unknown := set(changes) - {zone.name for zone in base.zones} - {"*"}:
        raise TypeError(f"{base.name} has no {', '.join(sorted(unknown))}")
    moved = [_with(z, **{**changes.get("*", {}), **changes.get(z.name, {})}) for z in base.zones]  # type: ignore[arg-type]
    moved.sort(key=attrgetter("start"))
    table: Layout[R] = Layout(base.name, base.length, base.charset, moved, base.french)
    if table.names != base.names:
        raise TypeError(f"{base.name} may not order its fields otherwise")
    table.cls, table._make = base.cls, base._make
    return table


def _record_class(cls: type[R], table: Layout[R]) -> type[R]:
    """A named tuple with keyword-only, defaulted construction."""
    defaults = {zone.name: zone.default for zone in table.fields if not zone.mandatory}
    expected = len(table.names)

    def create(made: Any, **values: Any) -> Any:
        full = defaults | values
        if len(full) != expected:
            missing = sorted(set(table.names) ^ set(full))
            raise TypeError(f"{cls.__name__}: missing or unknown {', '.join(missing)}")
        return tuple.__new__(made, map(full.__getitem__, table.names))

    body = {"__slots__": (), "__new__": create, "__doc__": cls.__doc__}
    body |= {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    body |= {name: own for name, own in vars(cls).items() if isinstance(own, property)}
    base = namedtuple(cls.__name__, table.names)  # type: ignore[misc]
    return type(cls.__name__, (base,), body)


_TYPES: Final[dict[Kind, object]] = {
    Kind.TEXT: str,
    Kind.DIGITS: str,
    Kind.NUMBER: int,
    Kind.CENTS: int,
}


def _check_annotations(cls: type, table: Layout[Any]) -> None:
    """What mypy believes must be what the table gives."""
    hints = get_type_hints(cls)
    for zone in table.fields:
        expected = _TYPES.get(zone.kind, date | None if zone.default is None else date)
        if hints.get(zone.name) != expected:
            raise TypeError(f"{table.name}.{zone.name} is annotated {hints.get(zone.name)}")
    if extra := set(hints) - set(table.names):
        raise TypeError(f"{table.name} annotates {', '.join(sorted(extra))}, which hold no value")


@dataclass(frozen=True)
class Norm:
    """One version of a family of records."""

    name: str  # as files print it
    french: str
    tables: tuple[Layout[Any], ...]  # in the order of the norm

    @cached_property
    def by_name(self) -> Mapping[str, Layout[Any]]:
        """Tables by the name the norm gives to their record."""
        return {table.name: table for table in self.tables}

    @cached_property
    def by_class(self) -> Mapping[type, Layout[Any]]:
        """Tables by the class of their record."""
        return {table.cls: table for table in self.tables}


# -- reading and writing -----------------------------------------------------------------------


def zones(cls: type) -> tuple[Zone, ...]:
    """Every column of a record class, in norm order: what `format show` prints."""
    return _LAYOUTS[cls].zones


def decode(cls: type[R], raw: bytes, place: Place = Place()) -> R:  # noqa: B008 - immutable
    """Read one record, or raise AnomaliesFound with everything wrong in it."""
    table = layout(cls)
    found = table.read(raw)
    if found is None:
        raise AnomaliesFound(*table.explain(raw, place))
    return found


def encode(item: object, place: Place = Place()) -> bytes:  # noqa: B008 - immutable
    """Write one record, or raise AnomaliesFound with every value that doesn't fit."""
    table = _LAYOUTS[type(item)]
    return table.write(item) or _settled_bytes(table, item, place)


def _settled_bytes(table: Layout[Any], item: object, place: Place) -> bytes:
    return table.render(table.settle(item, place))


def encode_all(
    items: Iterable[object],
    place: Place = Place(),  # noqa: B008 - immutable
    tables: Mapping[type, Layout[Any]] = _LAYOUTS,
) -> bytes:
    """Write records run on; raise with all anomalies of all of them.

    Lines are numbered after that of `place`: from 1 by default.
    """
    asked = list(items)
    kinds = list(map(type, asked))
    groups: dict[type, list[Any]] = {kind: [] for kind in kinds}
    for kind, item in zip(kinds, asked, strict=True):
        groups[kind].append(item)
    found: list[Anomaly] = []
    following: dict[type, Iterator[str]] = {}
    for kind, group in groups.items():
        pieces = tables[kind].write_many(group)
        if pieces is None:
            first = place.line + 1
            places = [_with(place, line=n) for n, k in enumerate(kinds, first) if k is kind]
            pieces = _one_by_one(tables[kind], zip(group, places, strict=True), found)
        following[kind] = iter(pieces)
    if found:
        raise AnomaliesFound(*sorted(found, key=lambda anomaly: anomaly.place.line))
    return "".join(map(next, map(following.__getitem__, kinds))).encode("latin-1")


def _one_by_one(
    table: Layout[Any], placed: Iterable[tuple[object, Place]], found: list[Anomaly]
) -> list[str]:
    pieces = []
    for item, place in placed:
        try:
            raw = table.write(item) or _settled_bytes(table, item, place)
            pieces.append(raw.decode("latin-1"))
        except AnomaliesFound as refused:
            found += refused.anomalies
    return pieces


def settled(item: R) -> R:
    """The record as it will read back once written; raises AnomaliesFound if it doesn't fit."""
    return layout(type(item)).settle(item, Place())


def changed(item: R, **values: Any) -> R:
    """A copy of a record with some fields replaced."""
    return item._replace(**values)  # type: ignore[attr-defined, no-any-return]

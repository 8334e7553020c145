"""Readings of other people's meter software, by the mappings of `config/mappings` (A-REL-20).

Columns that a mapping doesn't name are left alone. Whatever the layout, each cell becomes a line of
our own: the same checks, and the same reading from two sources is stored once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy import select

from config.mappings import ReadingMapping, load_mapping, mappings
from config.settings import Settings
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.database import tables as t
from integration.translate.codes import slices
from integration.translate.fields import (
    BAD_DATE,
    BAD_NUMBER,
    MISSING,
    NOT_WHOLE,
    anomaly_of,
    errors_of,
)
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.readings import CALCULATED, UNKNOWN_METER, ReadingRow, meters_of
from integration.translate.tabular import (
    CELLS,
    DOUBLE_COLUMN,
    MISSING_COLUMN,
    NO_HEADER,
    NO_ROW,
    Cells,
    csv_cells,
    folded,
    is_xlsx,
    xlsx_cells,
)

UNKNOWN_SERIAL: Final = Code(
    "IMP-190",
    "Aucun bien ne porte le numéro de série « {serial} ».",
    "Renseignez la série du bien, ou retirez la machine de l'export.",
)
SHARED_SERIAL: Final = Code(
    "IMP-191",
    "Plusieurs biens portent le numéro de série « {serial} » : {assets}.",
    "Corrigez la série de l'un d'eux.",
)
UNKNOWN_NAME: Final = Code(
    "IMP-192",
    "Le compteur « {name} » n'est pas dans la correspondance « {mapping} ».",
    "Ajoutez-le à [meters] de la correspondance, ou à ignored_meters.",
)
BAD_ENCODING: Final = Code(
    "IMP-193",
    "Le fichier n'est pas en {encoding} comme le dit la correspondance « {mapping} ».",
    "Corrigez « encoding » dans la correspondance.",
)
SEVERAL_MAPPINGS: Final = Code(
    "IMP-194",
    "Plusieurs correspondances reconnaissent cet en-tête : {mappings}.",
    "Nommez la bonne par --mapping, ou déposez le fichier dans inbox/readings@NOM.",
)
UNKNOWN_MAPPING: Final = Code(
    "IMP-195",
    "La correspondance « {mapping} » n'existe pas ; connues : {mappings}.",
    "Corrigez son nom, ou ajoutez son fichier TOML au dossier « mappings ».",
)

_HEAD: Final = 2**16  # bytes in which a header is looked for
_BLANKS: Final = str.maketrans("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", "  ")
_DIGITS: Final = re.compile(r"\d*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mapped(Records[ReadingRow]):
    """Lines read by a mapping; `asset` holds the serial number when the mapping says so."""

    mapping: ReadingMapping | None = None


class _Cell(NamedTuple):
    column: int
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Layouts:
    """Our own layout of readings and the mapping files by name; `only`: the one to use."""

    own: Flow
    files: Mapping[str, Path]
    only: str

    def detect(self, data: bytes, file: str) -> bool:
        return self.own.detect(data, file) or bool(self._fitting(data, file))

    def read(self, data: bytes, file: str) -> Records[ReadingRow]:
        if self.only:
            return read_mapped(data, file, self.only, load_mapping(self.files[self.only]))
        names = [] if self.own.detect(data, file) else self._fitting(data, file)
        if len(names) > 1:
            values = {"mappings": ", ".join(names)}
            raise AnomaliesFound(Anomaly(SEVERAL_MAPPINGS, Place(file), values))
        if not names:
            return self.own.read(data, file)
        return read_mapped(data, file, names[0], load_mapping(self.files[names[0]]))

    def apply(self, intake: Intake, records: Records[ReadingRow]) -> Applied:
        if not isinstance(records, Mapped):
            return self.own.apply(intake, records)
        known, notices = _ours(intake, records)
        applied = self.own.apply(intake, known)
        return replace(applied, notices=(*notices, *applied.notices))

    def schema(self) -> str:
        told = (f"#   {name} : {load_mapping(path).description}" for name, path in self._items())
        return "\n".join([self.own.schema() + "# correspondances (--mapping) :", *told, ""])

    def _fitting(self, data: bytes, file: str) -> list[str]:
        return [name for name, path in self._items() if _fits(data, file, load_mapping(path))]

    def _items(self) -> Iterator[tuple[str, Path]]:
        return ((name, self.files[name]) for name in sorted(self.files))


def bound(own: Flow, settings: Settings | None, layout: str) -> Flow:
    """The flow of readings with the mappings of an installation, or with the one of that name."""
    files = mappings(settings.folders.mappings if settings else None)
    if layout and layout not in files:
        values = {"mapping": layout, "mappings": ", ".join(sorted(files))}
        raise AnomaliesFound(Anomaly(UNKNOWN_MAPPING, values=values))
    ways = _Layouts(own, files, layout)
    return replace(own, detect=ways.detect, read=ways.read, apply=ways.apply, schema=ways.schema)


def read_mapped(data: bytes, file: str, name: str, mapping: ReadingMapping) -> Mapped:
    """Every reading of a CSV or XLSX file. Raises AnomaliesFound with all that is wrong."""
    lines = _cells(data, file, name, mapping)
    line, header = next(lines, (0, ()))
    if not header:
        raise AnomaliesFound(Anomaly(NO_HEADER, Place(file)))
    columns, anomalies = _positions(header, Place(file, line), mapping)
    refuse(anomalies)
    records: list[Record[ReadingRow]] = []
    for line, cells in lines:
        if len(cells) != len(header):
            values = {"cells": len(cells), "columns": len(header)}
            anomalies.append(Anomaly(CELLS, Place(file, line), values))
            continue
        row = {title: _Cell(at + 1, title, cells[at]) for title, at in columns.items()}
        records += _readings(row, partial(Place, file, line), name, mapping, anomalies)
    if not records and not anomalies:
        anomalies.append(Anomaly(NO_ROW, Place(file)))
    refuse(anomalies)
    return Mapped(records, mapping=mapping)


def _fits(data: bytes, file: str, mapping: ReadingMapping) -> bool:
    """Whether the header has every column that the mapping names."""
    head = data if is_xlsx(data) else data[:_HEAD]
    try:
        _, header = next(_cells(head, file, "", mapping, whole=False), (0, ()))
    except AnomaliesFound:
        return False
    return not _positions(header, Place(file), mapping)[1]


def _cells(
    data: bytes, file: str, name: str, mapping: ReadingMapping, *, whole: bool = True
) -> Iterator[Cells]:
    """Lines of the file, the header first; a head cut anywhere is read as far as it goes."""
    if is_xlsx(data):
        return (one for one in xlsx_cells(data, file) if one[0] > mapping.skip_lines)
    encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
    try:
        text = data.decode(encoding, "strict" if whole else "ignore")
    except UnicodeDecodeError:
        values = {"encoding": mapping.encoding, "mapping": name}
        raise AnomaliesFound(Anomaly(BAD_ENCODING, Place(file), values)) from None
    return csv_cells(text, file, mapping.delimiter, mapping.skip_lines)


def _positions(
    header: Sequence[Any], place: Place, mapping: ReadingMapping
) -> tuple[dict[str, int], list[Anomaly]]:
    """Where each wanted column stands, from 0; those that are missing or stand twice."""
    titles = [folded(str(cell)) for cell in header]
    seen: Counter[str] = Counter()
    numbered: dict[str, int] = {}
    for at, title in enumerate(titles):
        seen[title] += 1
        numbered[f"{title}#{seen[title]}"] = at
    found: dict[str, int] = {}
    anomalies = []
    for wanted in mapping.wanted:
        title = folded(wanted)
        if title in numbered:
            found[wanted] = numbered[title]
        elif seen[title] == 1:
            found[wanted] = numbered[f"{title}#1"]
        else:
            code = DOUBLE_COLUMN if seen[title] else MISSING_COLUMN
            anomalies.append(Anomaly(code, place, {"name": wanted}))
    return found, anomalies


def _readings(
    row: Mapping[str, _Cell],
    place: partial[Place],
    name: str,
    mapping: ReadingMapping,
    anomalies: list[Anomaly],
) -> Iterator[Record[ReadingRow]]:
    """The readings of one line: one, or one for each meter column that isn't empty."""
    columns = mapping.columns
    asset, dated = row[columns.asset or columns.serial], row[columns.date]
    for code, cell in _counted(row, place, name, mapping, anomalies):
        try:
            raw = {
                "bien": _given(asset),
                "compteur": code,
                "date": _day(dated, mapping),
                "valeur": _whole(cell, mapping),
                "origine": mapping.origin,
            }
            at = {"bien": asset, "compteur": cell, "date": dated, "valeur": cell}
            locate = partial(_locate, place, at)
            yield Record(ReadingRow.model_validate(raw), locate)
        except _WrongError as wrong:
            anomalies.append(Anomaly(wrong.code, place(wrong.cell.column), wrong.values))
        except ValidationError as found:
            anomalies += (anomaly_of(e, locate(e["loc"]), frozenset()) for e in errors_of(found))


def _counted(
    row: Mapping[str, _Cell],
    place: partial[Place],
    name: str,
    mapping: ReadingMapping,
    anomalies: list[Anomaly],
) -> Iterator[tuple[str, _Cell]]:
    """Meter codes with the cell of their value."""
    columns = mapping.columns
    if not columns.meter:
        yield from (
            (code, row[title]) for title, code in mapping.meters.items() if _told(row[title])
        )
        return
    told = str(row[columns.meter].value).strip()
    if told in mapping.meters:
        yield mapping.meters[told], row[columns.value]
    elif not {told, "*"} & set(mapping.ignored_meters):
        values = {"name": told, "mapping": name}
        anomalies.append(Anomaly(UNKNOWN_NAME, place(row[columns.meter].column), values))


def _locate(place: partial[Place], at: Mapping[str, _Cell], path: tuple[str | int, ...]) -> Place:
    cell = at.get(str(path[0])) if path else None
    return place(cell.column) if cell else place()


class _WrongError(Exception):
    def __init__(self, code: Code, cell: _Cell) -> None:
        super().__init__(code.id)
        self.code, self.cell = code, cell
        self.values = {"field": cell.name, "value": f"« {cell.value} »"}


def _told(cell: _Cell) -> bool:
    return cell.value is not None and str(cell.value).strip() != ""


def _given(cell: _Cell) -> Any:
    if not _told(cell):
        raise _WrongError(MISSING, cell)
    return cell.value


def _day(cell: _Cell, mapping: ReadingMapping) -> date:
    """The day of the reading; its hour, when there is one, is left out."""
    value = _given(cell)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    for form in mapping.dates:
        try:
            return datetime.strptime(str(value).strip(), form).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise _WrongError(BAD_DATE, cell)


def _whole(cell: _Cell, mapping: ReadingMapping) -> int:
    """A counter: signs as the mapping says, decimals only when they are zero."""
    value = _given(cell)
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
    else:
        text = str(value).strip().translate(_BLANKS)
        whole, _, decimals = text.partition(mapping.decimal)
        if not _grouped(mapping.thousands).fullmatch(whole) or not _DIGITS.fullmatch(decimals):
            raise _WrongError(BAD_NUMBER, cell)
        whole = whole.replace(mapping.thousands, "") if mapping.thousands else whole
        number = Decimal(f"{whole}.{decimals or 0}")
    if number != number.to_integral_value():
        raise _WrongError(NOT_WHOLE, cell)
    return int(number)


@cache
def _grouped(thousands: str) -> re.Pattern[str]:
    """Digits, plain or in whole groups of three: 1.5 isn't fifteen."""
    groups = rf"|\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+" if thousands else ""
    return re.compile(rf"\d+{groups}", re.ASCII)


def _ours(intake: Intake, records: Mapped) -> tuple[Records[ReadingRow], list[Anomaly]]:
    """The lines with our asset codes; what we don't hold is refused, or left out and told."""
    mapping = records.mapping
    assert mapping is not None
    known, found = list(records), list[Anomaly]()
    if mapping.columns.serial:
        known = list(_named(intake, records, found))
    if mapping.unknown == "refuse":
        refuse(found)
        return Records(known), []
    meters = meters_of(intake, {one.value.asset for one in known})
    held = []
    for one in known:
        meter = meters.get((one.value.asset, one.value.meter))
        if meter is not None and not meter.calculated:
            held.append(one)
            continue
        values = {"meter": one.value.meter, "asset": one.value.asset}
        code = CALCULATED if meter else UNKNOWN_METER
        found.append(Anomaly(code, one.at("compteur"), values))
    return Records(held), found


def _named(intake: Intake, records: Mapped, found: list[Anomaly]) -> Iterator[Record[ReadingRow]]:
    assets = _by_serial(intake, {one.value.asset for one in records})
    told: set[str] = set()
    for one in records:
        serial = one.value.asset
        codes = assets.get(serial, [])
        if len(codes) == 1:
            yield Record(one.value.model_copy(update={"asset": codes[0]}), one.locate)
        elif serial not in told:
            told.add(serial)
            values = {"serial": serial, "assets": ", ".join(codes)}
            found.append(
                Anomaly(SHARED_SERIAL if codes else UNKNOWN_SERIAL, one.at("bien"), values)
            )


def _by_serial(intake: Intake, serials: set[str]) -> dict[str, list[str]]:
    a = t.asset.c
    query = select(a.serial, a.code).where(a.organisation_id == intake.organisation_id)
    found: dict[str, list[str]] = {}
    for some in slices(sorted(serials)):
        for serial, code in intake.connection.execute(
            query.where(a.serial.in_(some)).order_by(a.code)
        ):
            found.setdefault(serial, []).append(code)
    return found

"""CSV and XLSX → typed rows. Every anomaly carries its line and column, all are found at once.

CSV is UTF-8 with or without BOM, separated by `;` or `,`, quoted as Excel quotes. Column names are
the models' French aliases; case, accents and surrounding spaces don't count. An empty cell is an
absent value.
"""

from __future__ import annotations

import csv
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO, StringIO
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from integration.translate.fields import Row, anomaly_of, errors_of
from integration.translate.flow import Record, Records, refuse

NOT_UTF8: Final = Code(
    "IMP-120",
    "Le fichier n'est pas en UTF-8 : octet {byte} à la position {position}.",
    "Enregistrez-le en « CSV UTF-8 » (Excel : Enregistrer sous).",
)
NO_HEADER: Final = Code(
    "IMP-121", "Le fichier est vide : la ligne d'en-tête manque.", "Ajoutez la ligne d'en-tête."
)
UNKNOWN_COLUMN: Final = Code(
    "IMP-122",
    "La colonne « {name} » est inconnue ; colonnes admises : {known}.",
    "Retirez-la ou corrigez son nom.",
)
MISSING_COLUMN: Final = Code(
    "IMP-123", "La colonne « {name} » est obligatoire et manque.", "Ajoutez la colonne."
)
DOUBLE_COLUMN: Final = Code(
    "IMP-124", "La colonne « {name} » est présente deux fois.", "Gardez-en une."
)
CELLS: Final = Code(
    "IMP-125",
    "La ligne compte {cells} cellule(s) et l'en-tête {columns}.",
    "Vérifiez les séparateurs et les guillemets de la ligne.",
)
BROKEN_CSV: Final = Code(
    "IMP-126",
    "Le CSV est illisible à partir d'ici (guillemet non fermé ou octet nul).",
    "Fermez les guillemets, doublez ceux qui sont dans un texte.",
)
BROKEN_XLSX: Final = Code(
    "IMP-127",
    "Le classeur Excel est illisible.",
    "Rouvrez-le dans un tableur et enregistrez-le en .xlsx, sans mot de passe.",
)
NO_ROW: Final = Code("IMP-128", "Le fichier ne contient aucune ligne.", "Ajoutez les lignes.")
BOMB: Final = Code(
    "IMP-129",
    "Le classeur Excel dépasse {limit} Mo une fois décompressé.",
    "Coupez-le en plusieurs fichiers, ou fournissez un CSV.",
)

MOST_UNZIPPED: Final = 256 << 20
_BAD_ZIP: Final = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError)
_ZIP: Final = b"PK\x03\x04"

M = TypeVar("M", bound=Row)
Cells = tuple[int, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file: French names in their order, as the model spells them."""

    file: str
    line: int
    names: tuple[str, ...]

    def place(self, line: int, path: tuple[str | int, ...]) -> Place:
        """Line and column number of a field; the line alone for a field without column."""
        column = self.names.index(str(path[0])) + 1 if path and path[0] in self.names else 0
        return Place(self.file, line, column)


def read_rows(data: bytes, file: str, model: type[M]) -> Records[M]:
    """Every row of a CSV or XLSX file as `model`. Raises AnomaliesFound with all that is wrong."""
    lines = _lines(data, file)
    header = _header(lines, file, model)
    anomalies: list[Anomaly] = []
    records = list(_records(lines, header, model, anomalies))
    if not records and not anomalies:
        anomalies.append(Anomaly(NO_ROW, Place(file)))
    refuse(anomalies)
    return Records(records)


def recognises(model: type[Row]) -> Callable[[bytes, str], bool]:
    """A detector: true when the header has all the columns this model requires, and no other."""

    def detect(data: bytes, file: str) -> bool:
        try:
            _header(_lines(data, file), file, model)
        except AnomaliesFound:
            return False
        return True

    return detect


def csv_schema(model: type[Row], *examples: Sequence[str]) -> str:
    """The CSV header of a model with example rows; required columns are listed last."""
    required = [name for name, needed in _columns(model).items() if needed]
    rows = [";".join(_columns(model)), *(";".join(row) for row in examples)]
    return "\n".join([*rows, f"# colonnes obligatoires : {', '.join(required)}", ""])


def _columns(model: type[Row]) -> dict[str, bool]:
    """French column name → required."""
    fields = model.model_fields.items()
    return {str(info.alias or name): info.is_required() for name, info in fields}


def _lines(data: bytes, file: str) -> Iterator[Cells]:
    return xlsx_cells(data, file) if is_xlsx(data) else _csv(data, file)


def _csv(data: bytes, file: str) -> Iterator[Cells]:
    text = decoded(data, file)
    return csv_cells(text, file, ";" if ";" in text.split("\n", 1)[0] else ",")


def csv_cells(text: str, file: str, delimiter: str, skip: int = 0) -> Iterator[Cells]:
    """Line number and cells of each line that isn't empty, behind the first `skip` lines."""
    source = StringIO(text, newline="")
    for _ in range(skip):
        source.readline()
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    line = skip + 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = skip + reader.line_num + 1
    except csv.Error:
        raise AnomaliesFound(Anomaly(BROKEN_CSV, Place(file, line))) from None


def is_xlsx(data: bytes) -> bool:
    """Whether this is a ZIP, as workbooks are."""
    return data.startswith(_ZIP)


def xlsx_cells(data: bytes, file: str) -> Iterator[Cells]:
    """The first sheet; lines are the sheet's own row numbers."""
    from python_calamine import CalamineError, CalamineWorkbook  # heavy: only for spreadsheets

    try:
        _refuse_bomb(data, file)
        book = CalamineWorkbook.from_filelike(BytesIO(data))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, IndexError, *_BAD_ZIP):
        raise AnomaliesFound(Anomaly(BROKEN_XLSX, Place(file))) from None
    for line, cells in enumerate(rows, 1):
        if any(cell != "" for cell in cells):
            yield line, cells


def _refuse_bomb(data: bytes, file: str) -> None:
    """Count what the parts really hold, never what they say. Raises AnomaliesFound (IMP-129)."""
    left = MOST_UNZIPPED
    with zipfile.ZipFile(BytesIO(data)) as book:
        for part in book.infolist():
            with book.open(part) as stream:
                while block := stream.read(1 << 20):
                    left -= len(block)
                    if left < 0:
                        limit = {"limit": MOST_UNZIPPED >> 20}
                        raise AnomaliesFound(Anomaly(BOMB, Place(file), limit))


def decoded(data: bytes, file: str) -> str:
    """The text of a UTF-8 file, BOM dropped. Raises AnomaliesFound naming line and byte."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        byte = f"0x{error.object[error.start]:02X}"
        values = {"byte": byte, "position": error.start + len(data) - len(error.object)}
        raise AnomaliesFound(Anomaly(NOT_UTF8, Place(file, line, column), values)) from None


def _header(lines: Iterator[Cells], file: str, model: type[Row]) -> Header:
    line, cells = next(lines, (0, ()))
    if not cells:
        raise AnomaliesFound(Anomaly(NO_HEADER, Place(file)))
    known = _columns(model)
    spelling = {folded(name): name for name in known}
    names = tuple(spelling.get(folded(str(cell)), str(cell).strip()) for cell in cells)
    found = {"known": ", ".join(known)}
    anomalies = [
        Anomaly(UNKNOWN_COLUMN, Place(file, line, column), {"name": name, **found})
        for column, name in enumerate(names, 1)
        if name not in known
    ]
    anomalies += [
        Anomaly(DOUBLE_COLUMN, Place(file, line, column), {"name": name})
        for column, name in enumerate(names, 1)
        if name in names[: column - 1]
    ]
    anomalies += [
        Anomaly(MISSING_COLUMN, Place(file, line), {"name": name})
        for name, required in known.items()
        if required and name not in names
    ]
    refuse(anomalies)
    return Header(file, line, names)


def folded(name: str) -> str:
    """A column name without case, accents and surrounding spaces."""
    plain = unicodedata.normalize("NFKD", name.strip().casefold()).encode("ascii", "ignore")
    return "_".join(plain.decode().split())


def _records(
    lines: Iterable[Cells], header: Header, model: type[M], anomalies: list[Anomaly]
) -> Iterator[Record[M]]:
    names, validate = header.names, model.model_validate
    for line, cells in lines:
        if len(cells) != len(names):
            values = {"cells": len(cells), "columns": len(names)}
            anomalies.append(Anomaly(CELLS, Place(header.file, line), values))
            continue
        given = {name: cell for name, cell in zip(names, cells, strict=True) if cell != ""}
        try:
            yield Record(validate(given), partial(header.place, line))
        except ValidationError as found:
            anomalies += (
                anomaly_of(error, header.place(line, error["loc"]), model.personal)
                for error in errors_of(found)
            )

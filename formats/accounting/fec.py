"""FEC: fichier des écritures comptables (LPF art. A47 A-1, arrêté du 29 juillet 2013).

One line an entry, 18 columns, the first line names them; ISO 8859-15, tab, CR LF. The checker is
stricter than the tax office's Test-Compta-Demat: it also wants real dates inside the year, two
decimals, balance, one gapless EcritureNum, order of validation and a round trip of the encoding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

from formats.accounting.text import amount, encoded, spelled
from formats.common.anomaly import Anomaly, Code, Place
from formats.common.identifiers import siren
from formats.report import LIMIT, Report, bounded

ENCODING: Final = "iso8859-15"
COLUMNS: Final = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib",
    "CompAuxNum", "CompAuxLib", "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit",
    "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
)  # fmt: skip
_AT: Final = {name: rank for rank, name in enumerate(COLUMNS)}
_OPTIONAL: Final = frozenset(
    ("CompAuxNum", "CompAuxLib", "EcritureLet", "DateLet", "Montantdevise", "Idevise")
)
OPENING: Final = "AN"
"""Journal of opening balances (à nouveaux): its entries come first."""


class Line(NamedTuple):
    """One entry. Amounts are cents; lettering is empty until the entry is settled."""

    journal: str
    journal_label: str
    number: int
    dated: date
    account: str
    account_label: str
    auxiliary: str
    auxiliary_label: str
    piece: str
    piece_date: date
    label: str
    debit_cents: int
    credit_cents: int
    lettering: str = ""
    lettered_on: date | None = None
    valid_on: date | None = None  # EcritureDate without one: posted entries never change


def file_name(siren_number: str, closed_on: date) -> str:
    """`732829320FEC20261231.txt`."""
    return f"{siren_number}FEC{closed_on:%Y%m%d}.txt"


def written(lines: Iterable[Line]) -> Iterator[bytes]:
    """The file, line by line. Raises AnomaliesFound (FMT-701) for a character it can't hold."""
    yield encoded("\t".join(COLUMNS) + "\r\n", ENCODING)
    for line in lines:
        yield encoded("\t".join(_cells(line)) + "\r\n", ENCODING)


def _cells(line: Line) -> tuple[str, ...]:
    lettered = f"{line.lettered_on:%Y%m%d}" if line.lettered_on else ""
    return (
        spelled(line.journal),
        spelled(line.journal_label),
        str(line.number),
        f"{line.dated:%Y%m%d}",
        spelled(line.account),
        spelled(line.account_label),
        spelled(line.auxiliary),
        spelled(line.auxiliary_label),
        spelled(line.piece),
        f"{line.piece_date:%Y%m%d}",
        spelled(line.label),
        amount(line.debit_cents),
        amount(line.credit_cents),
        line.lettering,
        lettered,
        f"{line.valid_on or line.dated:%Y%m%d}",
        "",
        "",
    )


# -- reading -----------------------------------------------------------------------------------


def detect(head: bytes) -> bool:
    """Whether a file begins with the columns of a FEC."""
    first = re.split(rb"[\t|]", head.removeprefix(b"\xef\xbb\xbf")[:200])
    return [cell.lower() for cell in first[:4]] == [name.lower().encode() for name in COLUMNS[:4]]


def read(stream: BinaryIO) -> Iterator[Line]:
    """The entries of a file that `check` found sound; ValueError when it isn't one."""
    for number, raw in enumerate(stream):
        cells = raw.rstrip(b"\r\n").decode(ENCODING).split("\t")
        if number:
            yield _line(cells)


def _line(cells: list[str]) -> Line:
    at = {name: cells[rank] for name, rank in _AT.items()}
    return Line(
        at["JournalCode"], at["JournalLib"], int(at["EcritureNum"]), _day(at["EcritureDate"]),
        at["CompteNum"], at["CompteLib"], at["CompAuxNum"], at["CompAuxLib"], at["PieceRef"],
        _day(at["PieceDate"]), at["EcritureLib"], _cents(at["Debit"]), _cents(at["Credit"]),
        at["EcritureLet"], _day(at["DateLet"]) if at["DateLet"] else None, _day(at["ValidDate"]),
    )  # fmt: skip


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{8}", text):
        raise ValueError(text)
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _cents(text: str) -> int:
    if not re.fullmatch(r"[0-9]+,[0-9]{2}", text):
        raise ValueError(text)
    return int(text.replace(",", ""))


# -- checking ----------------------------------------------------------------------------------

_MAKER: Final = "Corrigez le fichier, ou l'écriture d'où vient la ligne."


def _code(number: int, sentence: str) -> Code:
    return Code(f"FMT-{number}", sentence, _MAKER)


NAME = _code(702, "Le nom d'un FEC s'écrit SIREN + FEC + date de clôture AAAAMMJJ + .txt.")
HEADER = _code(703, "La première ligne ne nomme pas les 18 colonnes dans l'ordre.")
SEPARATOR = _code(704, "Le séparateur n'est pas la tabulation.")
ENDING = _code(705, "La ligne ne finit pas par CR LF.")
WIDTH = _code(706, "La ligne a {found} colonne(s) au lieu de 18.")
EMPTY_LINE = _code(707, "La ligne est vide.")
BYTES = _code(708, "La ligne n'est pas du texte ISO 8859-15.")
CONTROL = _code(709, "La zone {column} contient un caractère de commande.")
MISSING = _code(710, "La zone {column} est vide.")
PADDED = _code(711, "La zone {column} commence ou finit par une espace.")
BAD_DATE = _code(712, "La zone {column} n'est pas une date AAAAMMJJ.")
BAD_AMOUNT = _code(713, "La zone {column} n'est pas un montant à deux décimales et virgule.")
BOTH_SIDES = _code(714, "Débit et crédit sont tous deux remplis, ou tous deux nuls.")
BAD_NUMBER = _code(715, "EcritureNum n'est pas un nombre entier.")
GAP = _code(716, "EcritureNum {found} suit {previous} : la séquence a un trou ou recule.")
UNBALANCED = _code(717, "L'écriture {number} n'est pas équilibrée.")
TORN = _code(718, "L'écriture {number} change de {column} en cours de route.")
OUTSIDE = _code(719, "EcritureDate est hors de l'exercice.")
DISORDER = _code(720, "ValidDate recule : les écritures se suivent dans l'ordre de validation.")
TOO_EARLY = _code(721, "ValidDate précède EcritureDate.")
BAD_ACCOUNT = _code(722, "CompteNum ne commence pas par trois chiffres du plan comptable.")
HALF_AUXILIARY = _code(723, "CompAuxNum et CompAuxLib vont ensemble.")
HALF_LETTERING = _code(724, "EcritureLet et DateLet vont ensemble.")
EARLY_LETTERING = _code(725, "DateLet précède EcritureDate.")
CURRENCY = _code(726, "Montantdevise et Idevise vont ensemble : montant et code ISO 4217.")
LATE_OPENING = _code(727, "Les à-nouveaux viennent en premier, au premier jour de l'exercice.")
TWO_LABELS = _code(728, "Le {column} {value} a deux libellés.")
LATE_PIECE = _code(729, "PieceDate suit EcritureDate.")
NOTHING = _code(730, "Le fichier n'a aucune écriture.")
CLOSED_AFTER = _code(731, "ValidDate ou DateLet suit la date de clôture du nom.")

_NAME: Final = re.compile(r"(?P<siren>[0-9]{9})FEC(?P<day>[0-9]{8})(_[0-9]+)?\.txt")
_ACCOUNT: Final = re.compile(r"[1-8][0-9]{2}[0-9A-Za-z]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f|]")
_DATES: Final = ("EcritureDate", "PieceDate", "ValidDate", "DateLet")

T = TypeVar("T")
Finding = tuple[Code, str, dict[str, Any]]  # code, column or nothing, values


def check(stream: BinaryIO, file: str, limit: int = LIMIT) -> Report:
    """Every broken rule of a stream, in memory that grows with its accounts only."""
    judge = _Judge(file)
    found: list[Anomaly] = []
    records = -1
    for records, raw in enumerate(stream):
        found += judge.header(raw) if records == 0 else judge.line(records + 1, raw)
        if len(found) > limit:
            return Report(records=records, anomalies=bounded(found, limit))
    found += judge.end(records + 1)
    return Report(records=max(records, 0), anomalies=bounded(found, limit))


class _Judge:
    """What must be remembered from one line to the next."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.opens, self.closes = date.min, date.max
        self.number, self.sum = 0, 0
        self.entry: tuple[str, ...] = ()
        self.valid = date.min
        self.past_opening = False
        self.labels: dict[tuple[str, str], str] = {}
        self.named = self._name()

    def _at(
        self, line: int, code: Code, column: str = "", values: dict[str, Any] | None = None
    ) -> Anomaly:
        start = _AT[column] + 1 if column in _AT else 0
        place = Place(self.file, line, start, start)
        return Anomaly(code, place, values or ({"column": column} if column else {}))

    def _name(self) -> list[Anomaly]:
        """The year that the name closes."""
        named = _NAME.fullmatch(self.file)
        day = _parsed(_day, named["day"]) if named else None
        if named is None or day is None or not siren.is_valid(named["siren"]):
            return [self._at(0, NAME)]
        self.opens, self.closes = date(day.year, 1, 1), day
        return []

    def header(self, raw: bytes) -> list[Anomaly]:
        """The names of the columns."""
        text = raw.rstrip(b"\r\n").decode(ENCODING)
        if text == "\t".join(COLUMNS):
            return self.named + ([] if raw.endswith(b"\r\n") else [self._at(1, ENDING)])
        return [*self.named, self._at(1, SEPARATOR if "\t" not in text else HEADER)]

    def line(self, number: int, raw: bytes) -> Iterator[Anomaly]:
        """One entry."""
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode(ENCODING)
        cells = text.split("\t")
        if not raw.endswith(b"\r\n"):
            yield self._at(number, ENDING)
        if not text.strip():
            yield self._at(number, EMPTY_LINE)
        elif len(cells) != len(COLUMNS):
            yield self._at(number, WIDTH, values={"found": len(cells)})
        elif _looks_utf8(raw):
            yield self._at(number, BYTES)
        else:
            row = dict(zip(COLUMNS, cells, strict=True))
            wrong = [*_cells_alone(row)]
            for code, column, values in wrong or self._among_others(row):
                yield self._at(number, code, column, values)

    def _among_others(self, row: dict[str, str]) -> Iterator[Finding]:
        """What a line whose cells are right breaks beside the others."""
        days = {name: _day(row[name]) for name in _DATES if row[name]}
        yield from self._sequence(row)
        yield from self._calendar(days)
        yield from self._opening(row, days["EcritureDate"])
        for name, label in (("JournalCode", "JournalLib"), ("CompteNum", "CompteLib")):
            known = self.labels.setdefault((name, row[name]), row[label])
            if known != row[label]:
                yield TWO_LABELS, label, {"column": name, "value": row[name]}

    def _sequence(self, row: dict[str, str]) -> Iterator[Finding]:
        number = int(row["EcritureNum"])
        entry = tuple(row[name] for name in ("JournalCode", "EcritureDate", "ValidDate"))
        if number != self.number:
            yield from self._balance()
            if number != self.number + 1:
                values = {"found": number, "previous": self.number}
                yield GAP, "EcritureNum", values
            self.number, self.entry = number, entry
        elif entry != self.entry:
            torn = [now != before for now, before in zip(entry, self.entry, strict=True)]
            column = ("JournalCode", "EcritureDate", "ValidDate")[torn.index(True)]
            yield TORN, column, {"number": number, "column": column}
        self.sum += _cents(row["Debit"]) - _cents(row["Credit"])

    def _balance(self) -> Iterator[Finding]:
        if self.sum:
            yield UNBALANCED, "", {"number": self.number}
        self.sum = 0

    def _calendar(self, days: dict[str, date]) -> Iterator[Finding]:
        dated, valid = days["EcritureDate"], days["ValidDate"]
        lettered = days.get("DateLet", valid)
        rules: tuple[tuple[bool, Code, str], ...] = (
            (not self.opens <= dated <= self.closes, OUTSIDE, "EcritureDate"),
            (valid < self.valid, DISORDER, "ValidDate"),
            (valid < dated, TOO_EARLY, "ValidDate"),
            (days["PieceDate"] > dated, LATE_PIECE, "PieceDate"),
            ("DateLet" in days and lettered < dated, EARLY_LETTERING, "DateLet"),
            (max(valid, lettered) > self.closes >= dated, CLOSED_AFTER, "ValidDate"),
        )
        self.valid = max(valid, self.valid)
        yield from ((code, column, {}) for broken, code, column in rules if broken)

    def _opening(self, row: dict[str, str], dated: date) -> Iterator[Finding]:
        opening = row["JournalCode"] == OPENING
        if opening and (self.past_opening or dated != self.opens > date.min):
            yield LATE_OPENING, "JournalCode", {}
        self.past_opening = self.past_opening or not opening

    def end(self, lines: int) -> Iterator[Anomaly]:
        """What only the whole file shows."""
        for code, column, values in self._balance():
            yield self._at(lines, code, column, values)
        if lines < 2:
            yield self._at(lines, NOTHING)


def _looks_utf8(raw: bytes) -> bool:
    """Accents written as UTF-8 would be read as two letters each; C1 controls as cp1252."""
    if raw.isascii():
        return False
    if any(0x80 <= byte <= 0x9F for byte in raw):
        return True
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cells_alone(row: dict[str, str]) -> Iterator[Finding]:
    """What is wrong with each cell by itself, then with pairs of them."""
    for name, cell in row.items():
        if not cell and name not in _OPTIONAL:
            yield MISSING, name, {}
        elif cell != cell.strip():
            yield PADDED, name, {}
        elif _CONTROL.search(cell):
            yield CONTROL, name, {}
        elif cell and name in _DATES and _parsed(_day, cell) is None:
            yield BAD_DATE, name, {}
        elif name in ("Debit", "Credit") and _parsed(_cents, cell) is None:
            yield BAD_AMOUNT, name, {}
    if row["EcritureNum"] and not re.fullmatch(r"[1-9][0-9]*", row["EcritureNum"]):
        yield BAD_NUMBER, "EcritureNum", {}
    if row["CompteNum"] and not _ACCOUNT.fullmatch(row["CompteNum"]):
        yield BAD_ACCOUNT, "CompteNum", {}
    yield from _pairs(row)


def _pairs(row: dict[str, str]) -> Iterator[Finding]:
    if bool(row["CompAuxNum"]) != bool(row["CompAuxLib"]):
        yield HALF_AUXILIARY, "CompAuxNum", {}
    if bool(row["EcritureLet"]) != bool(row["DateLet"]):
        yield HALF_LETTERING, "EcritureLet", {}
    money, currency = row["Montantdevise"], row["Idevise"]
    right = re.fullmatch(r"-?[0-9]+,[0-9]{2}", money) and re.fullmatch(r"[A-Z]{3}", currency)
    if (money or currency) and not right:
        yield CURRENCY, "Montantdevise", {}
    debit, credit = _parsed(_cents, row["Debit"]), _parsed(_cents, row["Credit"])
    if debit is not None and credit is not None and (debit == 0) == (credit == 0):
        yield BOTH_SIDES, "Debit", {}


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    """The value, or None for what a judge must report rather than raise."""
    try:
        return parse(text)
    except ValueError:
        return None

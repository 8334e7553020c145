"""The official pair of tables: `lpp_fiche_tot` (codes) and `lpp_histo_tot` (tariffs).

Column names CODE_TIPS, NOM_COURT, AGE_MAX, TYPE_PREST, DATE_FIN, DEBUTVALID, FINHISTO, NAT_PREST
and TARIF are stated by homecare facts §1.2. ENTENTE (prior agreement) and PLV (price limit) are
guesses: they are parameters, and a table without one of them is reported, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import BinaryIO, Final, TypeVar

from formats.common.anomaly import NOWHERE, Anomaly, Code, Place
from formats.common.identifiers import lpp
from formats.lpp.dbase import Column, Row, dump, rows
from formats.lpp.model import LppCode, LppTariff, Nomenclature

T = TypeVar("T")

MISSING = Code(
    "FMT-811",
    "La colonne {column} manque dans la table.",
    "Vérifiez le fichier, ou indiquez le nom que la nouvelle version donne à cette colonne.",
)
UNREADABLE = Code(
    "FMT-812",
    "Colonne {column} : « {value} » n'est pas {expected}.",
    "L'enregistrement n'est pas importé : comparez avec la base officielle.",
)
TWICE = Code(
    "FMT-813",
    "Le code LPP {code} a déjà été lu dans la table.",
    "Le premier est gardé : comparez avec la base officielle.",
)


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """Names of the two guessed columns of `lpp_histo_tot`."""

    prior_agreement: str = "ENTENTE"
    price_limit: str = "PLV"


GUESSED: Final = HistoryColumns()
_OPEN_ENDED: Final = ("", "00000000", "99991231")
_TYPES: Final = frozenset("AELPRSV")


def read(
    fiche: BinaryIO,
    histo: BinaryIO,
    *,
    fiche_name: str = "lpp_fiche_tot.dbf",
    histo_name: str = "lpp_histo_tot.dbf",
    columns: HistoryColumns = GUESSED,
) -> Nomenclature:
    """Codes and tariffs, sorted; bad rows are left out and reported with file and record number.

    Raises AnomaliesFound when a file isn't dBase at all.
    """
    found: list[Anomaly] = []
    codes: dict[str, LppCode] = {}
    for place, row in _rows(fiche, found, fiche_name, _FICHE):
        read_code = _attempt(_code, row, found, place)
        if read_code and codes.setdefault(read_code.code, read_code) is not read_code:
            found.append(Anomaly(TWICE, place, {"code": read_code.code}))
    tariff_of = partial(_tariff, columns=columns)
    names = (*_HISTO, columns.prior_agreement, columns.price_limit)
    tariffs = [
        tariff
        for place, row in _rows(histo, found, histo_name, names)
        if (tariff := _attempt(tariff_of, row, found, place))
    ]
    return Nomenclature(
        codes=tuple(codes[code] for code in sorted(codes)),
        tariffs=tuple(sorted(tariffs, key=lambda tariff: (tariff.code, tariff.since))),
        anomalies=tuple(found),
    )


def write(nomenclature: Nomenclature, changed_on: date) -> tuple[bytes, bytes]:
    """The two tables, `lpp_fiche_tot` then `lpp_histo_tot`: for tests and the demo."""
    codes = (
        [c.code, c.label, c.type, str(c.age_max or 0), _day_text(c.end_date)]
        for c in nomenclature.codes
    )
    tariffs = (
        [
            t.code,
            _day_text(t.since),
            _day_text(t.until - timedelta(days=1) if t.until else None),
            t.nature,
            _euros_text(t.tariff_cents),
            "O" if t.prior_agreement else "N",
            "" if t.price_limit_cents is None else _euros_text(t.price_limit_cents),
        ]
        for t in nomenclature.tariffs
    )
    return dump(_FICHE_TABLE, codes, changed_on), dump(_HISTO_TABLE, tariffs, changed_on)


_FICHE: Final = ("CODE_TIPS", "NOM_COURT", "TYPE_PREST", "AGE_MAX", "DATE_FIN")
_HISTO: Final = ("CODE_TIPS", "DEBUTVALID", "FINHISTO", "NAT_PREST", "TARIF")
_FICHE_TABLE: Final = (
    Column("CODE_TIPS", "C", 7),
    Column("NOM_COURT", "C", 80),
    Column("TYPE_PREST", "C", 1),
    Column("AGE_MAX", "N", 3),
    Column("DATE_FIN", "D", 8),
)
_HISTO_TABLE: Final = (
    Column("CODE_TIPS", "C", 7),
    Column("DEBUTVALID", "D", 8),
    Column("FINHISTO", "D", 8),
    Column("NAT_PREST", "C", 3),
    Column("TARIF", "N", 10, 2),
    Column(GUESSED.prior_agreement, "C", 1),
    Column(GUESSED.price_limit, "N", 10, 2),
)


class _Refused(Exception):  # noqa: N818 - carries what is wrong with one cell
    def __init__(self, column: str, value: str, expected: str) -> None:
        values = {"column": column, "value": value, "expected": expected}
        self.anomaly = Anomaly(UNREADABLE, NOWHERE, values)


def _rows(
    stream: BinaryIO, found: list[Anomaly], file: str, columns: tuple[str, ...]
) -> Iterator[tuple[Place, Row]]:
    """Rows with every wanted column; one the table lacks is reported once and reads blank."""
    missing: Row = {}
    for number, row in rows(stream, found, file):
        place = Place(file, number)
        for column in columns:
            if column not in row and column not in missing:
                missing[column] = ""
                found.append(Anomaly(MISSING, Place(file), {"column": column}))
        yield place, missing | row


def _attempt(make: Callable[[Row], T], row: Row, found: list[Anomaly], place: Place) -> T | None:
    try:
        return make(row)
    except _Refused as refused:
        found.append(refused.anomaly.at(place))
        return None


def _code(row: Row) -> LppCode:
    age = _number(row, "AGE_MAX") if row["AGE_MAX"] else Decimal(0)
    if age != age.to_integral_value() or age < 0:
        raise _Refused("AGE_MAX", row["AGE_MAX"], "un âge en années")
    if row["TYPE_PREST"] not in _TYPES:
        raise _Refused("TYPE_PREST", row["TYPE_PREST"], "un type de prestation connu")
    return LppCode(
        code=_lpp_code(row),
        label=row["NOM_COURT"],
        type=row["TYPE_PREST"],
        age_max=int(age) or None,
        end_date=_day(row, "DATE_FIN"),
    )


def _tariff(row: Row, columns: HistoryColumns) -> LppTariff:
    since, last = _day(row, "DEBUTVALID"), _day(row, "FINHISTO")
    if since is None:
        raise _Refused("DEBUTVALID", row["DEBUTVALID"], "une date")
    if last is not None and last < since:
        raise _Refused("FINHISTO", row["FINHISTO"], "après le début")
    limit = _cents(row, columns.price_limit) if row[columns.price_limit] else 0
    return LppTariff(
        code=_lpp_code(row),
        since=since,
        until=last + timedelta(days=1) if last else None,
        tariff_cents=_cents(row, "TARIF"),
        price_limit_cents=limit or None,  # 0.00 means none, homecare facts §1.2
        nature=row["NAT_PREST"],
        prior_agreement=_yes(row, columns.prior_agreement),
    )


def _yes(row: Row, column: str) -> bool:
    answer = {"O": True, "N": False, "": False}.get(row[column])
    if answer is None:
        raise _Refused(column, row[column], "O ou N")
    return answer


def _lpp_code(row: Row) -> str:
    code = row["CODE_TIPS"]
    if not lpp.is_valid(code):
        raise _Refused("CODE_TIPS", code, "un code LPP dont la clé est juste")
    return code


def _day(row: Row, column: str) -> date | None:
    """AAAAMMJJ, as a D column holds it; blank, zeros and 31/12/9999 mean none."""
    text = row[column]
    if text in _OPEN_ENDED:
        return None
    try:
        if len(text) != 8 or not (text.isascii() and text.isdigit()):
            raise ValueError
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise _Refused(column, text, "une date AAAAMMJJ") from None


def _number(row: Row, column: str) -> Decimal:
    try:
        value = Decimal(row[column])
    except InvalidOperation:
        raise _Refused(column, row[column], "un nombre") from None
    if not value.is_finite():
        raise _Refused(column, row[column], "un nombre")
    return value


def _cents(row: Row, column: str) -> int:
    """Euros with at most two decimals that count."""
    value = _number(row, column).scaleb(2)
    if value != value.to_integral_value() or value < 0:
        raise _Refused(column, row[column], "un montant en euros et centimes")
    return int(value)


def _day_text(value: date | None) -> str:
    return f"{value:%Y%m%d}" if value else ""


def _euros_text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

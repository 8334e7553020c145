"""The LPP nomenclature: the official dBase pair, each table in a file, or our CSV layout.

`lpp_fiche_tot*.dbf` first, `lpp_histo_tot*.dbf` then: a tariff needs its code. The official history
of a code replaces the one we had; a CSV only adds to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field
from sqlalchemy import Connection, Table, select

from billing.care.nomenclature import engine_for
from billing.money import scaled
from config.nomenclatures import LPP_FILE, lpp_attributes, lpp_csv
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place
from formats.common.identifiers import lpp
from formats.lpp import LppCode, LppTariff, Nomenclature, read, write
from integration.database.bulk import execute_many
from integration.database.tables import care_item, lpp_code, lpp_tariff, prescription
from integration.translate.fields import REFUSED, Day, Number, Row, Text, Whole, YesNo, wrong
from integration.translate.flow import Applied, Flow, Intake, Record, Records
from integration.translate.tabular import csv_schema, read_rows, recognises

CODES_FIRST: Final = Code(
    "IMP-401",
    "{count} tarif(s) porte(nt) un code LPP inconnu, le premier étant {code}.",
    "Importez d'abord lpp_fiche_tot de la même version.",
)
UNDATED: Final = Code(
    "IMP-402",
    "Le tarif du code {code} n'a pas de date d'effet : il n'est pas retenu.",
    "Indiquez la date d'effet et le texte qui la fixe.",
)
TOUCHED: Final = Code(
    "IMP-403",
    "Le code {code} {change} ; ordonnances en cours qui l'utilisent : {prescriptions}.",
    "Revoyez ces ordonnances avant la prochaine facturation.",
)

_ONE_DAY: Final = timedelta(days=1)
_NOTHING: Final = Nomenclature(codes=(), tariffs=(), anomalies=())
_NO_FICHE, _NO_HISTO = write(_NOTHING, date(2000, 1, 1))
_DEFAULT_UNITS: Final = {"A": "UNITE", "R": "UNITE", "V": "FORFAIT"}  # L and S: nothing says


def _lpp(value: object) -> str:
    text = str(value).strip()
    if found := lpp.check(text):
        raise wrong(REFUSED, text, reason=found.sentence)
    return text


LppNumber = Annotated[str, BeforeValidator(_lpp, json_schema_input_type=str)]
Euros = Annotated[Number, Field(ge=0, decimal_places=2, max_digits=11)]


class LppRow(Row):
    """A code and at most one of its tariffs; ends are included. Layout: nomenclatures/NOTICE.md."""

    code: LppNumber
    label: Text = Field(alias="libelle")
    type: Text = Field(pattern="^[AELPRSV]$")
    nature: Text = Field(min_length=2, max_length=5)
    family: Text = Field("", alias="famille")
    unit: Text = Field("", alias="unite")
    perfadom: Text = ""
    group: Text = Field("", alias="groupe_degressif")
    age_max: Whole | None = None
    ends_on: Day | None = Field(None, alias="date_fin")
    since: Day | None = Field(None, alias="tarif_debut")
    until: Day | None = Field(None, alias="tarif_fin")
    tariff: Euros | None = Field(None, alias="tarif_ttc")
    limit: Euros | None = Field(None, alias="plv")
    agreement: YesNo = Field(False, alias="accord_prealable")
    source: Text = ""


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A row of lpp_code. `ends_on`: last day on which the code may be billed."""

    code: str
    label: str
    type: str
    nature: str
    unit: str
    engine: str
    max_age: int | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A row of lpp_tariff, half-open, in cents incl. VAT."""

    code: str
    since: date
    until: date | None
    tariff_cents: int
    limit_cents: int | None
    nature: str
    agreement: int
    source: str


@dataclass(frozen=True, slots=True)
class Version:
    """What a file brings. `all_codes`: codes it lacks are gone; `all_tariffs`: it holds the whole
    history of its codes."""

    codes: Mapping[str, CodeRow]
    tariffs: Mapping[tuple[str, date], TariffRow]
    all_codes: bool = False
    all_tariffs: bool = False


# --- read -------------------------------------------------------------------------------------


def _detect(data: bytes, file: str) -> bool:
    return _is_fiche(data) or _is_histo(data) or recognises(LppRow)(data, file)


def _is_fiche(data: bytes) -> bool:
    return _is_dbase(data) and b"NOM_COURT" in data[:4096]


def _is_histo(data: bytes) -> bool:
    return _is_dbase(data) and b"DEBUTVALID" in data[:4096]


def _is_dbase(data: bytes) -> bool:
    return data[:1] == b"\x03" and b"CODE_TIPS" in data[:4096]


def _read(data: bytes, file: str) -> Records[Any]:
    if _is_fiche(data):
        found = read(BytesIO(data), BytesIO(_NO_HISTO), fiche_name=file)
        return _records(found.codes, found.anomalies, file)
    if _is_histo(data):
        found = read(BytesIO(_NO_FICHE), BytesIO(data), histo_name=file)
        return _records(found.tariffs, found.anomalies, file)
    return read_rows(data, file, LppRow)


def _records(
    values: Iterable[LppCode | LppTariff], notices: tuple[Anomaly, ...], file: str
) -> Records[LppCode | LppTariff]:
    def locate(_path: tuple[str | int, ...]) -> Place:
        return Place(file)

    return Records([Record(value, locate) for value in values], notices)


# --- what a file brings -----------------------------------------------------------------------


def version_of(
    records: Records[Any], known: Mapping[str, CodeRow]
) -> tuple[Version, list[Anomaly]]:
    """The rows a file asks for, and what of it is left out."""
    first = records.items[0].value if records.items else None
    if isinstance(first, LppCode):
        official = [_official_code(record.value, known) for record in records]
        return Version({code.code: code for code in official}, {}, all_codes=True), []
    if isinstance(first, LppTariff):
        return _official_tariffs([record.value for record in records], known)
    undated = [
        Anomaly(UNDATED, record.at("tarif_ttc"), {"code": record.value.code})
        for record in records
        if record.value.tariff is not None and record.value.since is None
    ]
    rows = [record.value for record in records]
    codes = {row.code: _csv_code(row) for row in rows}
    tariffs = [_csv_tariff(row) for row in rows if row.tariff is not None and row.since]
    return Version(codes, {(x.code, x.since): x for x in tariffs}), undated


def _official_code(read_code: LppCode, known: Mapping[str, CodeRow]) -> CodeRow:
    """What the official table doesn't say (nature, unit, family) comes from ours, if we have it."""
    ours = lpp_attributes().get(read_code.code, {})
    before = known.get(read_code.code)
    unit = ours.get("unite", _DEFAULT_UNITS.get(read_code.type, ""))
    return CodeRow(
        read_code.code,
        read_code.label,
        read_code.type,
        before.nature if before else ours.get("nature", ""),
        unit,
        _engine(read_code.type, unit, ours.get("famille", ""), ours.get("groupe_degressif", "")),
        read_code.age_max,
        read_code.end_date,
    )


def _official_tariffs(
    tariffs: list[LppTariff], known: Mapping[str, CodeRow]
) -> tuple[Version, list[Anomaly]]:
    unknown = [tariff.code for tariff in tariffs if tariff.code not in known]
    values = {"count": len(unknown), "code": unknown[0] if unknown else ""}
    left_out = [Anomaly(CODES_FIRST, values=values)] if unknown else []
    if len(unknown) == len(tariffs):
        raise AnomaliesFound(*left_out)
    rows = [_official_tariff(tariff) for tariff in tariffs if tariff.code in known]
    natures = {row.code: row.nature for row in rows}  # the latest one: they come in date order
    codes = {code: replace(known[code], nature=nature) for code, nature in natures.items()}
    return Version(codes, {(x.code, x.since): x for x in rows}, all_tariffs=True), left_out


def _official_tariff(tariff: LppTariff) -> TariffRow:
    return TariffRow(
        tariff.code,
        tariff.since,
        tariff.until,
        tariff.tariff_cents,
        tariff.price_limit_cents,
        tariff.nature,
        int(tariff.prior_agreement),
        "base LPP officielle",
    )


def _csv_code(row: LppRow) -> CodeRow:
    engine = _engine(row.type, row.unit, row.family, row.group)
    return CodeRow(
        row.code, row.label, row.type, row.nature, row.unit, engine, row.age_max, row.ends_on
    )


def _csv_tariff(row: LppRow) -> TariffRow:
    assert row.since is not None and row.tariff is not None
    return TariffRow(
        row.code,
        row.since,
        row.until + _ONE_DAY if row.until else None,
        _cents(row.tariff),
        _cents(row.limit) if row.limit else None,
        row.nature,
        int(row.agreement),
        row.source,
    )


def _cents(amount: Decimal) -> int:
    return scaled(amount, 2)


def _engine(type_letter: str, unit: str, family: str, group: str) -> str:
    """Empty when nothing says how the code is billed: it is then reported, never guessed."""
    return engine_for(type_letter, unit, family, group) or ""


# --- write ------------------------------------------------------------------------------------


def load_embedded(connection: Connection) -> Mapping[str, int]:
    """Load the home-care subset shipped with the program; safe to repeat."""
    return store(connection, read_rows(lpp_csv(), LPP_FILE, LppRow)).counts


def store(connection: Connection, records: Records[Any], today: date = date.min) -> Applied:
    """Write what differs from what we had, count it, and name the running files it touches.

    Raises AnomaliesFound (IMP-401) when no tariff of a history has its code.
    """
    codes, tariffs = _known(connection)
    version, left_out = version_of(records, codes)
    gone = _gone(version, tariffs)
    counts = Counter(
        {
            **_difference("codes", version.codes, codes),
            **_difference("tarifs", version.tariffs, tariffs),
            "tarifs retirés": len(gone),
        }
    )
    changes = _changes(version, codes, tariffs)
    _upsert(connection, lpp_code, 1, _new(version.codes, codes))
    _upsert(connection, lpp_tariff, 2, _new(version.tariffs, tariffs))
    delete = "DELETE FROM lpp_tariff WHERE code = ? AND since = ?"
    execute_many(connection, delete, [(code, since.isoformat()) for code, since in gone])
    touched = _touched(connection, changes, today)
    return Applied(counts, (*records.notices, *left_out, *touched))


def _known(
    connection: Connection,
) -> tuple[dict[str, CodeRow], dict[tuple[str, date], TariffRow]]:
    codes = [CodeRow(*row) for row in connection.execute(select(lpp_code))]
    tariffs = [TariffRow(*row) for row in connection.execute(select(lpp_tariff))]
    return {x.code: x for x in codes}, {(x.code, x.since): x for x in tariffs}


def _gone(
    version: Version, tariffs: Mapping[tuple[str, date], TariffRow]
) -> list[tuple[str, date]]:
    if not version.all_tariffs:
        return []
    return [key for key in tariffs if key[0] in version.codes and key not in version.tariffs]


def _difference(what: str, wanted: Mapping[Any, Any], known: Mapping[Any, Any]) -> dict[str, int]:
    created = sum(key not in known for key in wanted)
    same = sum(known.get(key) == value for key, value in wanted.items())
    return {
        f"{what} créés": created,
        f"{what} modifiés": len(wanted) - created - same,
        f"{what} inchangés": same,
    }


def _new(wanted: Mapping[Any, Any], known: Mapping[Any, Any]) -> list[tuple[Any, ...]]:
    rows = [value for key, value in wanted.items() if known.get(key) != value]
    return [tuple(map(_plain, (getattr(row, name) for name in row.__slots__))) for row in rows]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _upsert(connection: Connection, table: Table, keys: int, rows: list[tuple[Any, ...]]) -> None:
    """`keys`: how many leading columns are the primary key."""
    names = [column.name for column in table.columns]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[keys:])
    execute_many(
        connection,
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
        f"ON CONFLICT ({', '.join(names[:keys])}) DO UPDATE SET {updates}",
        rows,
    )


# --- running files ----------------------------------------------------------------------------


def _changes(
    version: Version,
    codes: Mapping[str, CodeRow],
    tariffs: Mapping[tuple[str, date], TariffRow],
) -> dict[str, str]:
    """Codes a running file should know of: ended, gone from the whole table, or lowered."""
    found: dict[str, str] = {}
    for code, before in codes.items():
        after = version.codes.get(code)
        if after is None and version.all_codes:
            found[code] = "n'est plus dans la nomenclature"
        elif after and after.ends_on and after.ends_on != before.ends_on:
            found[code] = f"n'est plus facturable après le {after.ends_on:%d/%m/%Y}"
    before_last, after_last = _latest(tariffs), _latest(version.tariffs)
    for code, after_tariff in after_last.items():
        before_tariff = before_last.get(code)
        if before_tariff and after_tariff.tariff_cents < before_tariff.tariff_cents:
            found.setdefault(code, f"voit son tarif baisser au {after_tariff.since:%d/%m/%Y}")
    return found


def _latest(tariffs: Mapping[tuple[str, date], TariffRow]) -> dict[str, TariffRow]:
    return {code: tariffs[code, since] for code, since in sorted(tariffs)}


def _touched(connection: Connection, changes: Mapping[str, str], today: date) -> list[Anomaly]:
    if not changes:
        return []
    used = (
        select(care_item.c.lpp, prescription.c.code)
        .join(prescription, prescription.c.id == care_item.c.prescription_id)
        .where((care_item.c.until.is_(None)) | (care_item.c.until > today))
        .order_by(care_item.c.lpp, prescription.c.code)
        .distinct()
    )
    files: dict[str, list[str]] = {}
    for code, name in connection.execute(used):
        files.setdefault(code, []).append(name)
    return [
        Anomaly(
            TOUCHED,
            values={"code": code, "change": change, "prescriptions": ", ".join(files[code])},
        )
        for code, change in sorted(changes.items())
        if code in files
    ]


def _apply(intake: Intake, records: Records[Any]) -> Applied:
    return store(intake.connection, records, intake.today)


def _schema() -> str:
    bed = "1241763;LIT MEDICAL STANDARD, LOCATION HEBDOMADAIRE;L;MAD;LIT;SEMAINE;;;;;2019-07-01;;"
    return csv_schema(LppRow, f"{bed}12,60;12,60;N;arrêté".split(";"))


FLOW: Final = Flow("lpp", "nomenclature LPP", _detect, _read, _apply, _schema)

"""Verbs about norms: describe every column of every record, check any file against its norm."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from formats.catalogue import (
    HEAD_BYTES,
    UNDETECTED,
    Dialect,
    Field,
    Record,
    Version,
    detected,
    dialect,
    dialects,
    unconfirmed,
)
from formats.common.anomaly import Anomaly, Code, Place
from formats.common.french import counted
from formats.report import LIMIT, STOPPED, Report
from integration.cli import BAD_INPUT, DONE, IO_ERROR, USAGE
from integration.verbs.outcome import complain, say, say_json

NO_DIALECT = Code(
    "RUN-103",
    "La norme « {name} » est inconnue ; normes connues : {known}.",
    "Choisissez une de ces normes.",
)
NO_VERSION = Code(
    "RUN-104",
    "La norme {dialect} n'a pas de version « {name} » ; versions connues : {known}.",
    "Choisissez une de ces versions.",
)
NO_RECORD = Code(
    "RUN-105",
    "La norme {dialect} n'a pas d'enregistrement « {name} » ; enregistrements : {known}.",
    "Choisissez un de ces enregistrements.",
)
ANOTHER_KIND = Code(
    "RUN-106",
    "Ce n'est pas un fichier d'une norme connue, mais sans doute {kind}.",
    "Donnez le fichier qu'il contient, ou importez-le par « echeance import ».",
)
UNREAD = Code(
    "RUN-107",
    "Le fichier ne se lit pas : {reason}.",
    "Vérifiez le chemin et les droits du fichier.",
)

_MARKS: Final = {
    "S": "S : vu dans un document",
    "M": "M : de mémoire, à confirmer",
    "G": "G : deviné, à confirmer",
}
_KINDS: Final = {
    b"\x03": "une table dBase (base LPP)",
    b"%PDF-": "un PDF",
    b"\x1f\x8b": "un fichier compressé par gzip",
    b"PK\x03\x04": "un classeur Excel ou une archive ZIP",
    b"<?xml": "un document XML",
    b"{": "un document JSON",
    b"\x30\x82": "un message signé ou chiffré (CMS)",
    b"\x30\x80": "un message signé ou chiffré (CMS)",
    b"MIME-Version:": "un message électronique",
    b"From:": "un message électronique",
    b"Return-Path:": "un message électronique",
}
"""What some files that aren't ours begin with."""
_REASONS: Final[dict[type[OSError], str]] = {
    FileNotFoundError: "il n'existe pas",
    IsADirectoryError: "c'est un dossier",
    PermissionError: "l'accès est refusé",
}


class _Unknown(Exception):  # noqa: N818 - an answer to a question, not a failure
    """A name given on the command line that no table has."""


# -- show, list --------------------------------------------------------------------------------


def show(arguments: argparse.Namespace) -> int:
    """Print every column of a record: position, kind, meaning, certainty, source."""
    try:
        family = _dialect(arguments.dialect)
        version = _version(family, arguments.norm_version)
        record = _record(family, version, arguments.record)
    except _Unknown as unknown:
        complain(str(unknown))
        return USAGE
    if arguments.json:
        about = {"dialect": family.name, "version": version.name}
        say_json("format", about | _plain(record))
    else:
        _print_record(family, version, record)
    return DONE


def _dialect(name: str) -> Dialect:
    known = [one.name for one in dialects()]
    if name not in known:
        raise _unknown(NO_DIALECT, name, known)
    return dialect(name)


def _version(family: Dialect, name: str | None) -> Version:
    known = [one.name for one in family.versions]
    if name and name not in known:
        raise _unknown(NO_VERSION, name, known, family)
    return family.version(name or "")


def _record(family: Dialect, version: Version, name: str) -> Record:
    known = [one.name for one in version.records]
    if name.upper() not in known:
        raise _unknown(NO_RECORD, name, known, family)
    return family.record(name, version.name)


def _unknown(
    code: Code, name: str, known: Iterable[str], family: Dialect | None = None
) -> _Unknown:
    values = {"name": name, "known": ", ".join(known), "dialect": family.name if family else ""}
    return _Unknown(str(Anomaly(code, values=values)))


def _plain(record: Record) -> dict[str, Any]:
    fields = [asdict(field) | {"end": field.end} for field in record.fields]
    about = {"record": record.name, "french": record.french, "length": record.length}
    return about | {"fields": fields}


_COLUMNS: Final = ("Pos.", "Long.", "Genre", "Prés.", "Perso.", "Sûr", "Zone", "Champ", "Source")


def _print_record(family: Dialect, version: Version, record: Record) -> None:
    say(f"{family.name} {record.name} — {record.french} ({family.french}, {version.french})")
    say()
    sources = list(dict.fromkeys(field.source for field in record.fields))
    rows = [_row(field, sources.index(field.source) + 1) for field in record.fields]
    _print_table([_COLUMNS, *rows])
    say()
    say(f"{sum(f.length for f in record.fields)} positions, {len(record.fields)} zones.")
    say("O : exigé ; F : facultatif, ou admis absent ; *** : personnel, jamais affiché.")
    say(
        " ; ".join(text for mark, text in _MARKS.items() if mark in {f.mark for f in record.fields})
    )
    for number, source in enumerate(sources, 1):
        say(f"[{number}] {source}")


def _row(field: Field, source: int) -> tuple[str, ...]:
    meaning = f"{field.meaning} = {field.expected}" if field.expected.strip() else field.meaning
    personal = "***" if field.personal else ""
    name = "" if field.name.startswith("_") else field.name
    return (
        _span(field.start, field.end),
        str(field.length),
        field.kind,
        field.presence,
        personal,
        field.mark,
        meaning,
        name,
        f"[{source}]",
    )


def _span(start: int, end: int) -> str:
    return str(start) if start == end else f"{start}-{end}"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def list_records(arguments: argparse.Namespace) -> int:
    """Print every record of every norm, or every column a user must confirm."""
    found = list(_guessed() if arguments.guessed else _all_records())
    if arguments.json:
        say_json("formats", {"guessed" if arguments.guessed else "records": found})
    elif arguments.guessed:
        _print_guessed(found)
    else:
        _print_records(found)
    return DONE


def _all_records() -> Iterator[dict[str, Any]]:
    for family in dialects():
        for version in family.versions:
            for record in version.records:
                yield {
                    "dialect": family.name,
                    "about": f"{family.french}, {version.french}",
                    "version": version.name,
                    "record": record.name,
                    "french": record.french,
                    "length": record.length,
                    "fields": len(record.fields),
                    "unconfirmed": sum(not field.sure for field in record.fields),
                    "readme": version.readme,
                }


def _print_records(found: list[dict[str, Any]]) -> None:
    heading = ""
    for one in found:
        if heading != (heading := f"{one['dialect']} {one['version']} — {one['about']}"):
            say(f"{heading} ({one['readme']})")
        doubt = f", {one['unconfirmed']} à confirmer" if one["unconfirmed"] else ""
        size = f"{one['length']:>4} octets, {one['fields']:>2} zones{doubt}"
        say(f"  {one['record']:4} {one['french']:55} {size}")


def _guessed() -> Iterator[dict[str, Any]]:
    """Doubtful columns, once each; the versions that share one are named together."""
    versions: dict[tuple[str, str, Field], list[str]] = {}
    for family, version, record, field in unconfirmed():
        versions.setdefault((family.name, record.name, field), []).append(version.name)
    for (family_name, record_name, field), names in versions.items():
        about = {"dialect": family_name, "versions": names, "record": record_name}
        yield about | asdict(field) | {"end": field.end}


def _print_guessed(found: list[dict[str, Any]]) -> None:
    head = ("Norme", "Version", "Enreg.", "Pos.", "Sûr", "Zone", "Source")
    rows = [
        (
            one["dialect"],
            ", ".join(one["versions"]),
            one["record"],
            _span(one["start"], one["end"]),
            one["mark"],
            one["meaning"],
            one["source"],
        )
        for one in found
    ]
    _print_table([head, *rows])
    say()
    say(f"{len(found)} zones à confirmer. " + " ; ".join(_MARKS[mark] for mark in "MG") + ".")


# -- check -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file is and what is wrong with it; `dialect` is empty when it isn't known."""

    name: str
    dialect: str
    report: Report
    code: int  # exit code it deserves


def check(arguments: argparse.Namespace) -> int:
    """Check files against their norm, found in their content; each broken rule has its place."""
    if arguments.dialect and arguments.dialect not in [one.name for one in dialects()]:
        complain(str(_unknown(NO_DIALECT, arguments.dialect, [one.name for one in dialects()])))
        return USAGE
    done = [_checked(Path(path), arguments.dialect) for path in arguments.paths]
    if arguments.json:
        say_json("format-check", {"files": [_as_json(one, arguments.limit) for one in done]})
    else:
        for one in done:
            _tell(one, arguments.limit)
    return max(one.code for one in done)


def _checked(path: Path, named: str | None) -> Checked:
    """Anything that goes wrong with the file itself is an anomaly too."""
    try:
        with path.open("rb") as stream:
            head = stream.peek(HEAD_BYTES)[:HEAD_BYTES]
            family = dialect(named) if named else detected(head)
            report = family.check(stream, path.name, LIMIT) if family else _not_ours(head, path)
    except OSError as error:
        reason = _REASONS.get(type(error)) or error.strerror or type(error).__name__
        return Checked(path.name, "", _alone(path, UNREAD, reason=reason), IO_ERROR)
    code = DONE if report.sound else BAD_INPUT
    return Checked(path.name, family.name if family else "", report, code)


def _not_ours(head: bytes, path: Path) -> Report:
    kind = next((kind for begin, kind in _KINDS.items() if head.startswith(begin)), "")
    return _alone(path, ANOTHER_KIND, kind=kind) if kind else _alone(path, UNDETECTED)


def _alone(path: Path, code: Code, **values: object) -> Report:
    return Report(records=0, anomalies=(Anomaly(code, Place(path.name), values),))


def _found(report: Report) -> tuple[tuple[Anomaly, ...], bool]:
    """The anomalies kept, and whether the checker stopped keeping them."""
    stopped = bool(report.anomalies) and report.anomalies[-1].code is STOPPED
    return report.anomalies[:-1] if stopped else report.anomalies, stopped


def _tell(one: Checked, limit: int) -> None:
    found, stopped = _found(one.report)
    more = "plus de " if stopped else ""
    kind = dialect(one.dialect).french if one.dialect else "format inconnu"
    verdict = more + counted(len(found), "anomalie(s)") if found else "rien à signaler"
    records = counted(one.report.records, "enregistrement(s)")
    say(f"{one.name} : {kind}, {records}, {verdict}")
    for anomaly in found[:limit]:
        say(f"  {anomaly}")
    if hidden := len(found[limit:]):
        say(f"  … et {more}{counted(hidden, 'autre(s)')} (--limit en montre davantage).")


def _as_json(one: Checked, limit: int) -> dict[str, Any]:
    found, stopped = _found(one.report)
    return {
        "name": one.name,
        "dialect": one.dialect or None,
        "records": one.report.records,
        "sound": one.report.sound,
        "count": len(found),
        "complete": not stopped and len(found) <= limit,
        "anomalies": [_anomaly(anomaly) for anomaly in found[:limit]],
    }


def _anomaly(anomaly: Anomaly) -> dict[str, Any]:
    """Its place as numbers: record from 1, columns from 1, offset of the record from 0."""
    place, values = anomaly.place, anomaly.values
    offset = place.pointer.removeprefix("octet ")
    return {
        "code": anomaly.code.id,
        "sentence": anomaly.sentence,
        "remedy": anomaly.code.remedy,
        "number": place.line or None,
        "offset": int(offset) if offset.isdigit() else None,
        "columns": [place.start, place.end] if place.start else None,
        "record": values.get("record"),
        "field": values.get("zone"),
        "value": values.get("value"),
    }

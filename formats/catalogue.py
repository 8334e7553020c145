"""Every dialect we read and write, down to the column: what `format` commands print and use.

    for dialect in dialects():                       # b2, noemie, b2-retour, arl, sesam
        for version in dialect.versions:
            for record in version.records: ...       # name, class, length, fields
    dialect("b2").record("4F").fields                # positions, meanings, marks
    detected(head)                                   # the dialect of a file, by its content
    dialect("b2").check(stream, "TP0042.b2", 1000)   # a Report: anomalies with their places

Nothing is declared here: everything is read from the tables of the dialects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, Final

from formats import arl, b2, b2_retour, noemie, sesam
from formats.common.anomaly import Code
from formats.fixedwidth import Kind, Layout, Norm, Zone
from formats.report import LIMIT, Report

HEAD_BYTES: Final = 1024
"""How much of a file `detect` wants to see; less is fine for a shorter file."""

UNDETECTED = Code(
    "FMT-011",
    "Le format du fichier n'est pas reconnu.",
    "Vérifiez le fichier, ou nommez son format : b2, noemie, b2-retour, arl ou sesam.",
)

SOURCES: Final = {
    "F": "SFG FIDES ACE V06.09 (GIE SESAM-Vitale), d'après B2-2005 addendum E, norme CP",
    "C": "Calebasse (logiciel de CMPP en production), formats/b2",
    "N": "Calebasse, lecture des retours NOEMIE PS",
    "R": "import « B2-retour » d'un concentrateur (format privé)",
    "A": "base ATIH RSF/RAFAEL P",
    "D": "documentation du SNDS (donnée certaine, place devinée)",
    "V": "manuel SSV 4.03, ssv.h v5",
    "E": "Échéance : format propre, aucune description publique",
}
"""Documents by the initial that tables cite."""

_TYPE: Final = "Type d'enregistrement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Columns of a record; `start` and `end` are 1-based and inclusive, as norms print them."""

    name: str  # as in the code; `_<start>` for constants and reserved columns
    start: int
    length: int
    kind: str  # texte, chiffres, nombre, centimes, date AAMMJJ, constante, blanc
    presence: str  # O obligatoire, F facultatif
    meaning: str  # French
    personal: bool  # its value is always printed `***`
    mark: str  # S seen in a source, M from memory, G guessed
    source: str  # document that says so
    expected: str = ""  # what a constant always holds

    @property
    def end(self) -> int:
        """Last column, included."""
        return self.start + self.length - 1

    @property
    def sure(self) -> bool:
        """False when a user must confirm it against the official text."""
        return self.mark == "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One kind of record, as one version of its norm lays it out."""

    name: str  # as the norm prints it: `4F`, `102`
    french: str
    cls: type  # the named tuple it is read into
    length: int  # bytes
    fields: tuple[Field, ...]  # from column 1 to the last, nothing left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a norm."""

    name: str  # as files print it: `062007`
    french: str
    readme: str  # where the norm and our choices are told, relative to the repository
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A family of files. `versions` begins with the one used unless told otherwise."""

    name: str
    french: str
    versions: tuple[Version, ...]
    detect: Callable[[bytes], bool]
    """Does a file that begins so look like this dialect? Exclusive between dialects."""
    checker: Callable[[BinaryIO, str, int], Report]

    @property
    def records(self) -> tuple[Record, ...]:
        """Records of the usual version."""
        return self.versions[0].records

    def version(self, name: str = "") -> Version:
        """A version by its name, the usual one by default; KeyError when unknown."""
        known = {version.name: version for version in self.versions}
        return known[name] if name else self.versions[0]

    def record(self, name: str, version: str = "") -> Record:
        """A record by the norm's name, whatever its case; KeyError when unknown."""
        known = {record.name: record for record in self.version(version).records}
        return known[name.upper()]

    def check(self, stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
        """Every broken rule of a stream, in flat memory; never raises on its content."""
        return self.checker(stream, file, limit)


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every dialect, its usual version first."""
    return (
        _dialect("b2", "factures B2", b2.VERSIONS, b2.detect, b2.check),
        _dialect("noemie", "retours NOEMIE", noemie.VERSIONS, noemie.detect, noemie.check),
        _dialect(
            "b2-retour",
            "avis de règlement d'un concentrateur",
            b2_retour.VERSIONS,
            b2_retour.detect,
            b2_retour.check,
        ),
        _dialect("arl", "accusés de réception logiques", arl.VERSIONS, arl.detect, arl.check),
        _dialect(
            "sesam", "lots SESAM-Vitale de FSE et de DRE", sesam.VERSIONS, sesam.detect, sesam.check
        ),
    )


def dialect(name: str) -> Dialect:
    """A dialect by its name; KeyError when unknown."""
    return {dialect.name: dialect for dialect in dialects()}[name]


def detected(head: bytes) -> Dialect | None:
    """The dialect of a file from its first `HEAD_BYTES`; None when no dialect looks like it."""
    return next((dialect for dialect in dialects() if dialect.detect(head)), None)


def unconfirmed() -> Iterator[tuple[Dialect, Version, Record, Field]]:
    """Every field that a user must confirm against the official text: marked M or G."""
    return (
        (dialect, version, record, field)
        for dialect in dialects()
        for version in dialect.versions
        for record in version.records
        for field in record.fields
        if not field.sure
    )


def _dialect(
    name: str,
    french: str,
    norms: Mapping[str, Norm],
    detect: Callable[[bytes], bool],
    check: Callable[[BinaryIO, str, int], Report],
) -> Dialect:
    readme = f"formats/{name.replace('-', '_')}/README.md"
    versions = tuple(_version(norm, readme) for norm in norms.values())
    return Dialect(name=name, french=french, versions=versions, detect=detect, checker=check)


def _version(norm: Norm, readme: str) -> Version:
    records = tuple(map(_record, norm.tables))
    return Version(name=norm.name, french=norm.french, readme=readme, records=records)


def _record(table: Layout[Any]) -> Record:
    fields = tuple(map(_field, table.zones))
    return Record(
        name=table.name, french=table.french, cls=table.cls, length=table.length, fields=fields
    )


def _field(zone: Zone) -> Field:
    return Field(
        name=zone.name,
        start=zone.start,
        length=zone.length,
        kind=zone.kind.value,
        presence="O" if zone.mandatory and zone.kind is not Kind.BLANK else "F",
        meaning=zone.label or _TYPE,
        personal=zone.personal,
        mark=zone.mark.value,
        source=SOURCES[zone.source],
        expected=zone.expected,
    )

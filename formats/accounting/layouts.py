"""Layouts in which accounting software imports journals: tables of columns, one writer.

Sources (reference/einvoicing.md §4): facts read in open-source exporters; columns whose mark is G
aren't published: have the customer's own software confirm them.

| layout | software | source |
|---|---|---|
| quadra | Quadratus, Cegid Quadra ASCII, record M | open-source exporters |
| sage50 | Ciel, Sage 50 XIMPORT | open-source exporters (Dolibarr) |
| ebp | EBP CSV | open-source exporters; varies by version |
| coala | Sage Coala CSV | open-source exporters |
| isacompta | Agiris Isacompta CSV | open-source exporters |
| cegid | Cegid TRA, S5 | a third party's test of offsets; 48-172 partly G |
| sage100 | Sage 100 PNM | G throughout |
| csv | anybody | ours |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

from formats.accounting.text import amount, encoded, spelled
from formats.common.anomaly import AnomaliesFound, Anomaly, Code

TOO_LONG: Final = Code(
    "FMT-751",
    "{column} « {value} » ne tient pas dans les {width} caractères du format {layout}.",
    "Raccourcissez le compte ou le code, ou choisissez un autre format.",
)
NO_LAYOUT: Final = Code(
    "FMT-752", "Le format « {name} » n'existe pas ; connus : {known}.", "Corrigez le nom du format."
)


class Line(NamedTuple):
    """One entry to export; amounts in cents, one side filled. rank: of the document, from 1."""

    rank: int
    journal: str
    dated: date
    piece: str
    account: str
    account_label: str
    auxiliary: str
    label: str
    debit_cents: int
    credit_cents: int
    due_on: date | None = None

    @property
    def cents(self) -> int:
        """The amount of its only side."""
        return self.debit_cents or self.credit_cents

    @property
    def sense(self) -> str:
        """D or C."""
        return "D" if self.debit_cents else "C"


Value = Callable[[Line], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A field: its value, and in fixed layouts its place (1-based), width, side and padding.

    cut: a label may lose its end; anything else that doesn't fit is an anomaly.
    """

    name: str
    value: Value
    start: int = 0
    width: int = 0
    right: bool = False
    pad: str = " "
    cut: bool = False
    mark: str = "S"


@dataclass(frozen=True, slots=True)
class Layout:
    """A file: columns, and separator or record length; `head` is its first line."""

    name: str
    french: str
    columns: tuple[Column, ...]
    separator: str = ""
    length: int = 0
    head: str = ""
    encoding: str = "cp1252"
    suffix: str = ".txt"


def written(layout: Layout, lines: Iterable[Line]) -> Iterator[bytes]:
    """The file, line by line. Raises AnomaliesFound (FMT-701, FMT-751)."""
    if layout.head:
        yield encoded(f"{layout.head}\r\n", layout.encoding)
    join = _separated if layout.separator else _fixed
    for line in lines:
        yield encoded(f"{join(layout, line)}\r\n", layout.encoding)


def _separated(layout: Layout, line: Line) -> str:
    cells = (spelled(column.value(line)) for column in layout.columns)
    return layout.separator.join(_harmless(cell, layout.separator) for cell in cells)


def _harmless(cell: str, separator: str) -> str:
    """No separator inside, and no text that a spreadsheet takes for a formula."""
    text = cell.replace(separator, " ")
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _fixed(layout: Layout, line: Line) -> str:
    record, at = "", 0
    for column in layout.columns:
        record += " " * (column.start - 1 - at) + _cell(layout, column, line)
        at = column.start - 1 + column.width
    return record.ljust(layout.length)


def _cell(layout: Layout, column: Column, line: Line) -> str:
    text = spelled(column.value(line))
    if column.cut:
        text = text[: column.width]
    if len(text) > column.width:
        values = {"column": column.name, "value": text, "width": column.width}
        raise AnomaliesFound(Anomaly(TOO_LONG, values={**values, "layout": layout.name}))
    pad = text.rjust if column.right else text.ljust
    return pad(column.width, column.pad)


def layout(name: str) -> Layout:
    """A layout by its name; `sage` is Sage 100. Raises AnomaliesFound (FMT-752)."""
    if name not in LAYOUTS:
        raise AnomaliesFound(Anomaly(NO_LAYOUT, values={"name": name, "known": ", ".join(LAYOUTS)}))
    return LAYOUTS[name]


# -- values ------------------------------------------------------------------------------------


def _const(text: str) -> Value:
    return lambda _: text


def _day(pattern: str) -> Value:
    return lambda line: line.dated.strftime(pattern)


def _due(pattern: str) -> Value:
    return lambda line: line.due_on.strftime(pattern) if line.due_on else ""


def _own(line: Line) -> str:
    return line.auxiliary or line.account


def _serial(line: Line) -> str:
    """The number inside the piece: `VT2026-000042` is 42."""
    return str(int(line.piece.rpartition("-")[2]))


_rank: Value = lambda line: str(line.rank)  # noqa: E731
_journal: Value = lambda line: line.journal  # noqa: E731
_piece: Value = lambda line: line.piece  # noqa: E731
_account: Value = lambda line: line.account  # noqa: E731
_account_label: Value = lambda line: line.account_label  # noqa: E731
_auxiliary: Value = lambda line: line.auxiliary  # noqa: E731
_label: Value = lambda line: line.label  # noqa: E731
_sense: Value = lambda line: line.sense  # noqa: E731
_cents: Value = lambda line: f"+{line.cents:012d}"  # noqa: E731
_comma: Value = lambda line: amount(line.cents)  # noqa: E731
_point: Value = lambda line: amount(line.cents, point=".")  # noqa: E731
_debit: Value = lambda line: amount(line.debit_cents)  # noqa: E731
_credit: Value = lambda line: amount(line.credit_cents)  # noqa: E731

C = Column
_QUADRA: Final = Layout(
    "quadra",
    "Quadratus, Cegid Quadra (ASCII)",
    (
        C("type", _const("M"), 1, 1),
        C("compte", _own, 2, 8),
        C("journal", _journal, 10, 2),
        C("folio", _const("000"), 12, 3),
        C("date", _day("%d%m%y"), 15, 6),
        C("code libellé", _const(""), 21, 1),
        C("libellé", _label, 22, 20, cut=True),
        C("sens", _sense, 42, 1),
        C("montant", _cents, 43, 13),
        C("contrepartie", _const(""), 56, 8),
        C("échéance", _due("%d%m%y"), 64, 6),
        C("pièce", _serial, 75, 5, right=True, pad="0"),
        C("devise", _const("EUR"), 108, 3),
        C("journal", _journal, 111, 3),
        C("libellé long", _label, 117, 30, cut=True),
        C("pièce alphanumérique", _serial, 149, 10),
    ),
    length=193,
)
_SAGE50: Final = Layout(
    "sage50",
    "Ciel, Sage 50 (XIMPORT)",
    (
        C("mouvement", _rank, 1, 5, right=True),
        C("journal", _journal, 6, 2),
        C("date", _day("%Y%m%d"), 8, 8),
        C("échéance", _due("%Y%m%d"), 16, 8),
        C("pièce", _serial, 24, 12),
        C("compte", _own, 36, 11),
        C("libellé", _label, 47, 25, cut=True),
        C("montant", _comma, 72, 13, right=True),
        C("sens", _sense, 85, 1),
        C("pointage", _const(""), 86, 18),
        C("libellé du compte", _account_label, 104, 34, cut=True),
        C("version", _const("O2003"), 138, 5),
    ),
    length=142,
)
_EBP: Final = Layout(
    "ebp",
    "EBP (CSV)",
    (
        C("ligne", _rank),
        C("date", _day("%d%m%y")),
        C("journal", _journal),
        C("compte", _own),
        C("libellé automatique", _const("")),
        C("libellé", lambda line: f'"{line.label.replace(chr(34), " ")}"'),
        C("pièce", lambda line: f'"{line.piece}"'),
        C("montant", _point),
        C("sens", _sense),
        C("échéance", _due("%d%m%y")),
        C("devise", _const("EUR")),
    ),
    separator=",",
)
_COALA: Final = Layout(
    "coala",
    "Sage Coala (CSV)",
    (
        C("date", _day("%d/%m/%Y")),
        C("journal", _journal),
        C("compte", _own),
        C("pièce", _piece),
        C("libellé", _label),
        C("débit", _debit),
        C("crédit", _credit),
        C("monnaie", _const("E")),
    ),
    separator=";",
    suffix=".csv",
)
_ISACOMPTA: Final = Layout(
    "isacompta",
    "Agiris Isacompta (CSV)",
    (
        C("pièce", _piece),
        C("libellé de pièce", _label),
        C("date", _day("%d%m%Y")),
        C("libellé", _label),
        C("compte", _own),
        C("libellé du compte", _account_label),
        C("référence", _piece),
        C("débit", _debit),
        C("crédit", _credit),
        C("montant", _comma),
        C("sens", _sense),
        C("lettrage", _const("")),
        C("journal", _journal),
    ),
    separator=";",
    suffix=".csv",
)
_NATURES: Final = {"VT": "FC", "BQ": "RC"}
_CEGID: Final = Layout(
    "cegid",
    "Cegid TRA (S5)",
    (
        C("journal", _journal, 1, 3),
        C("date", _day("%d%m%Y"), 4, 8),
        C("nature", lambda line: _NATURES.get(line.journal, "OD"), 12, 2),
        C("compte général", _account, 14, 17),
        C("type", lambda line: "X" if line.auxiliary else "", 31, 1),
        C("auxiliaire", _auxiliary, 32, 17),
        C("référence", _piece, 49, 35),
        C("libellé", _label, 84, 35, cut=True),
        C("mode de paiement", _const(""), 119, 3, mark="G"),
        C("échéance", _due("%d%m%Y"), 122, 8, mark="G"),
        C("sens", _sense, 130, 1, mark="G"),
        C("montant", _comma, 131, 20, right=True, mark="G"),
        C("type d'écriture", _const("N"), 151, 1, mark="G"),
        C("numéro de pièce", _serial, 152, 8, right=True, mark="G"),
        C("devise", _const("EUR"), 160, 3, mark="G"),
        C("taux", _const("1,00000000"), 163, 10, mark="G"),
        C("euro", _const("E--"), 173, 3, mark="G"),
    ),
    length=222,
    head="***S5CLIJRLETE" + "0101190001011900".rjust(25),
    suffix=".tra",
)
_SAGE100: Final = Layout(
    "sage100",
    "Sage 100 (PNM)",
    (
        C("journal", _journal, 1, 3, mark="G"),
        C("date", _day("%d%m%y"), 4, 6, mark="G"),
        C("type de pièce", _const("OD"), 10, 2, mark="G"),
        C("compte général", _account, 12, 13, mark="G"),
        C("type de compte", lambda line: "X" if line.auxiliary else "", 25, 1, mark="G"),
        C("compte auxiliaire", _auxiliary, 26, 13, mark="G"),
        C("référence", _piece, 39, 13, mark="G"),
        C("libellé", _label, 52, 25, cut=True, mark="G"),
        C("mode de règlement", _const(""), 77, 1, mark="G"),
        C("échéance", _due("%d%m%y"), 78, 6, mark="G"),
        C("sens", _sense, 84, 1, mark="G"),
        C("montant", _comma, 85, 20, right=True, mark="G"),
        C("type d'écriture", _const("N"), 105, 1, mark="G"),
        C("numéro de pièce", _serial, 106, 7, mark="G"),
    ),
    length=112,
    head="ECHEANCE",
    suffix=".pnm",
)
_CSV: Final = Layout(
    "csv",
    "CSV simple",
    (
        C("journal", _journal),
        C("date", _day("%Y-%m-%d")),
        C("piece", _piece),
        C("compte", _account),
        C("auxiliaire", _auxiliary),
        C("libelle", _label),
        C("debit", _debit),
        C("credit", _credit),
        C("echeance", _due("%Y-%m-%d")),
    ),
    separator=";",
    head="journal;date;piece;compte;auxiliaire;libelle;debit;credit;echeance",
    encoding="utf-8",
    suffix=".csv",
)

LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType(
    {
        "sage": _SAGE100,
        **{
            one.name: one
            for one in (_SAGE100, _SAGE50, _CEGID, _QUADRA, _EBP, _COALA, _ISACOMPTA, _CSV)
        },
    }
)
"""Layouts by the name the command line takes."""

"""FEC: a clean file passes, 41 files with one fault each don't (LPF art. A47 A-1)."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import pytest

from formats.accounting import fec
from formats.common.anomaly import AnomaliesFound

NAME = "732829320FEC20261231.txt"
D, E = date(2026, 1, 1), date(2026, 3, 31)
L = fec.Line
CLEAN = (
    L("AN", "À nouveaux", 1, D, "411000", "Clients", "C1", "Martin", "AN2026", D, "Ouverture",
      5000, 0),
    L("AN", "À nouveaux", 1, D, "110000", "Report à nouveau", "", "", "AN2026", D, "Ouverture",
      0, 5000),
    L("VT", "Ventes", 2, E, "411000", "Clients", "C1", "Martin", "VT2026-000001", E,
      "Facture d’été", 12000, 0, "AAA", date(2026, 4, 20)),
    L("VT", "Ventes", 2, E, "706000", "Prestations", "", "", "VT2026-000001", E, "Facture", 0,
      10000),
    L("VT", "Ventes", 2, E, "445710", "TVA", "", "", "VT2026-000001", E, "Facture", 0, 2000),
    L("BQ", "Banque", 3, date(2026, 4, 20), "512000", "Banque", "", "", "BQ2026-000001",
      date(2026, 4, 20), "Règlement", 12000, 0),
    L("BQ", "Banque", 3, date(2026, 4, 20), "411000", "Clients", "C1", "Martin",
      "BQ2026-000001", date(2026, 4, 20), "Règlement", 0, 12000, "AAA", date(2026, 4, 20)),
)  # fmt: skip

Change = Callable[[bytes], bytes]


def clean() -> bytes:
    """The sound file."""
    return b"".join(fec.written(CLEAN))


def codes(content: bytes, name: str = NAME) -> set[str]:
    """Codes of what is wrong."""
    return {one.code.id for one in fec.check(io.BytesIO(content), name).anomalies}


def cell(line: int, column: str, text: str | bytes) -> Change:
    """One cell replaced; lines from 1, the header being the first."""
    raw = text if isinstance(text, bytes) else text.encode("iso8859-15")

    def change(content: bytes) -> bytes:
        lines = content.split(b"\r\n")
        cells = lines[line - 1].split(b"\t")
        cells[fec.COLUMNS.index(column)] = raw
        lines[line - 1] = b"\t".join(cells)
        return b"\r\n".join(lines)

    return change


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """Lines moved, added or removed."""
    return lambda content: b"\r\n".join(change(content.split(b"\r\n")))


def whole(old: bytes, new: bytes) -> Change:
    """Every occurrence replaced."""
    return lambda content: content.replace(old, new)


FAULTS: dict[str, tuple[Change, str]] = {
    "semicolons": (whole(b"\t", b";"), "FMT-704"),
    "header lower case": (whole(b"JournalCode", b"journalcode"), "FMT-703"),
    "columns swapped": (whole(b"Debit\tCredit", b"Credit\tDebit"), "FMT-703"),
    "column missing in the header": (whole(b"\tIdevise", b""), "FMT-703"),
    "byte order mark": (lambda content: b"\xef\xbb\xbf" + content, "FMT-703"),
    "line feeds alone": (whole(b"\r\n", b"\n"), "FMT-705"),
    "last line without end": (lambda content: content[:-2], "FMT-705"),
    "short line": (lines(lambda all_: [*all_[:3], all_[3][: all_[3].rindex(b"\t")], *all_[4:]]),
                   "FMT-706"),
    "long line": (lines(lambda all_: [*all_[:3], all_[3] + b"\t", *all_[4:]]), "FMT-706"),
    "empty line": (lines(lambda all_: [*all_[:3], b"", *all_[3:]]), "FMT-707"),
    "UTF-8": (cell(4, "EcritureLib", "été".encode()), "FMT-708"),
    "cp1252 quote": (cell(4, "EcritureLib", b"l\x92an"), "FMT-708"),
    "control character": (cell(4, "EcritureLib", "a\x07b"), "FMT-709"),
    "pipe in a label": (cell(4, "EcritureLib", "a|b"), "FMT-709"),
    "empty label": (cell(4, "EcritureLib", ""), "FMT-710"),
    "empty piece": (cell(4, "PieceRef", ""), "FMT-710"),
    "empty validation": (cell(4, "ValidDate", ""), "FMT-710"),
    "empty journal": (cell(4, "JournalCode", ""), "FMT-710"),
    "empty account label": (cell(4, "CompteLib", ""), "FMT-710"),
    "padded account": (cell(4, "CompteNum", "411000 "), "FMT-711"),
    "French date": (cell(4, "EcritureDate", "31/03/2026"), "FMT-712"),
    "ISO date": (cell(4, "PieceDate", "2026-03-31"), "FMT-712"),
    "impossible date": (cell(4, "ValidDate", "20260231"), "FMT-712"),
    "decimal point": (cell(4, "Debit", "120.00"), "FMT-713"),
    "thousands": (cell(4, "Debit", "1 120,00"), "FMT-713"),
    "three decimals": (cell(4, "Debit", "120,000"), "FMT-713"),
    "negative amount": (cell(4, "Debit", "-120,00"), "FMT-713"),
    "debit and credit": (cell(4, "Credit", "1,00"), "FMT-714"),
    "neither debit nor credit": (cell(4, "Debit", "0,00"), "FMT-714"),
    "number not a number": (cell(4, "EcritureNum", "2A"), "FMT-715"),
    "gap in numbers": (whole(b"\t3\t20260420", b"\t4\t20260420"), "FMT-716"),
    "numbers going back": (lines(lambda all_: [*all_[:3], *all_[6:8], *all_[3:6], all_[8]]),
                           "FMT-716"),
    "unbalanced entry": (cell(4, "Debit", "120,01"), "FMT-717"),
    "entry of two dates": (cell(5, "EcritureDate", "20260330"), "FMT-718"),
    "outside the year": (whole(b"20260101", b"20251231"), "FMT-719"),
    "validation going back": (whole(b"20260420\t\t\r\n", b"20260320\t\t\r\n"), "FMT-720"),
    "account of no class": (whole(b"\t706000\t", b"\t906000\t"), "FMT-722"),
    "auxiliary without label": (cell(4, "CompAuxLib", ""), "FMT-723"),
    "lettering without date": (cell(4, "DateLet", ""), "FMT-724"),
    "currency without amount": (cell(4, "Idevise", "USD"), "FMT-726"),
    "opening balances last": (
        lambda content: whole(b"\tAN2026\t", b"\tX\t")(content).replace(
            b"BQ\tBanque\t3", "AN\tÀ nouveaux\t3".encode("iso8859-15")
        ),
        "FMT-727",
    ),
}  # fmt: skip


@pytest.mark.feature("X-FEC-01")
def test_41_one_fault_variants_are_refused_and_the_clean_file_is_accepted() -> None:
    assert codes(clean()) == set()
    assert len(FAULTS) == 41
    missed = {
        name: (code, found)
        for name, (change, code) in FAULTS.items()
        if code not in (found := codes(change(clean())))
    }
    assert missed == {}
    assert all(change(clean()) != clean() for change, _ in FAULTS.values())


MORE: dict[str, tuple[Change, str]] = {
    "validated before its date": (whole(b"20260331\t\t\r\n", b"20260330\t\t\r\n"), "FMT-721"),
    "lettered before its date": (cell(4, "DateLet", "20260101"), "FMT-725"),
    "an account of two labels": (cell(8, "CompteLib", "Crédit"), "FMT-728"),
    "a piece of the future": (cell(4, "PieceDate", "20260401"), "FMT-729"),
    "no entry": (lambda content: content[: content.index(b"\r\n") + 2], "FMT-730"),
    "lettered after the closing": (whole(b"AAA\t20260420", b"AAA\t20270420"), "FMT-731"),
}


@pytest.mark.parametrize("name", MORE)
def test_other_faults_are_named_too(name: str) -> None:
    change, code = MORE[name]
    assert code in codes(change(clean()))


@pytest.mark.parametrize(
    "name", ["FEC.txt", "732829321FEC20261231.txt", "732829320FEC20261331.txt", "732829320FEC.TXT"]
)
def test_the_name_says_siren_and_closing_date(name: str) -> None:
    assert codes(clean(), name) == {"FMT-702"}


def test_an_anomaly_says_line_and_column() -> None:
    (found,) = fec.check(io.BytesIO(cell(4, "Debit", "120.00")(clean())), NAME).anomalies[:1]
    assert str(found.place) == f"{NAME}, ligne 4, colonne 12"


def test_what_is_written_reads_back_and_has_18_columns() -> None:
    content = clean()
    assert {line.count(b"\t") for line in content.splitlines()} == {17}
    back = list(fec.read(io.BytesIO(content)))
    assert [line.debit_cents - line.credit_cents for line in back] == [
        5000, -5000, 12000, -10000, -2000, 12000, -12000,
    ]  # fmt: skip
    assert (back[2].label, back[2].lettered_on) == ("Facture d'été", date(2026, 4, 20))
    assert fec.detect(content)
    assert fec.file_name("732829320", date(2026, 12, 31)) == NAME


def test_a_character_without_byte_is_refused() -> None:
    with pytest.raises(AnomaliesFound, match="FMT-701"):
        list(fec.written([CLEAN[0]._replace(label="Ł")]))

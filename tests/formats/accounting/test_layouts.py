"""Layouts of accounting software: one golden record each."""

from __future__ import annotations

from datetime import date

import pytest

from formats.accounting.layouts import LAYOUTS, Line, layout, written
from formats.common.anomaly import AnomaliesFound

LINE = Line(
    1, "VT", date(2026, 3, 31), "VT2026-000042", "411000", "Clients", "C1",
    "Facture VT2026-000042 d’été", 123456, 0, date(2026, 4, 30),
)  # fmt: skip
GOLDEN = {
    "quadra": "MC1      VT000310326 Facture VT2026-00004D+000000123456        300426     00042"
    "                            EURVT    Facture VT2026-000042 d'été     42"
    + " " * 43,
    "sage50": "    1VT20260331202604304242"[:25] + " " * 10 + "C1         "
    "Facture VT2026-000042 d'é      1234,56D                  Clients" + " " * 27 + "O2003",
    "ebp": "1,310326,VT,C1,,\"Facture VT2026-000042 d’été\",\"VT2026-000042\",1234.56,D,300426,EUR",
    "coala": "31/03/2026;VT;C1;VT2026-000042;Facture VT2026-000042 d'été;1234,56;0,00;E",
    "isacompta": "VT2026-000042;Facture VT2026-000042 d'été;31032026;Facture VT2026-000042 d'été;"
    "C1;Clients;VT2026-000042;1234,56;0,00;1234,56;D;;VT",
    "cegid": "VT 31032026FC411000           XC1               VT2026-000042" + " " * 22
    + "Facture VT2026-000042 d'été           30042026D             1234,56N      42EUR1,00000000E--"
    + " " * 47,
    "sage100": "VT 310326OD411000       XC1           VT2026-000042Facture VT2026-000042 d'é"
    " 300426D             1234,56N42     ",
    "csv": "VT;2026-03-31;VT2026-000042;411000;C1;Facture VT2026-000042 d'été;1234,56;0,00;"
    "2026-04-30",
}  # fmt: skip


@pytest.mark.feature("X-ACC-01")
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_record(name: str) -> None:
    *head, record = (
        b"".join(written(layout(name), [LINE])).decode(layout(name).encoding).split("\r\n")[:-1]
    )
    assert record == GOLDEN[name].replace("’", "'")
    assert head == ([layout(name).head] if layout(name).head else [])


def test_every_layout_has_its_golden_record_and_columns_that_follow_each_other() -> None:
    assert set(GOLDEN) == set(LAYOUTS) - {"sage"}
    for one in LAYOUTS.values():
        at = 0
        for column in one.columns:
            assert one.separator or column.start > at, f"{one.name} {column.name}"
            at = column.start + column.width - 1
        assert at <= one.length


def test_what_does_not_fit_is_refused_and_never_cut() -> None:
    with pytest.raises(AnomaliesFound, match="FMT-751"):
        list(written(layout("quadra"), [LINE._replace(auxiliary="CLIENT-0001")]))
    with pytest.raises(AnomaliesFound, match="FMT-752"):
        layout("ciel")


def test_f39_a_text_never_becomes_a_formula() -> None:
    (_, record) = written(layout("csv"), [LINE._replace(auxiliary="=1+1;2")])
    assert b";'=1+1 2;" in record

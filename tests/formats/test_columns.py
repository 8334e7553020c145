"""Whole columns: what is looked up is what was read back, and only what fits comes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from formats import columns, fixedwidth
from formats.common.anomaly import AnomaliesFound, Place
from formats.fixedwidth import (
    PLAIN,
    Layout,
    Norm,
    S,
    blank,
    cents,
    changed,
    constant,
    day,
    decode,
    digits,
    encode,
    encode_all,
    layout,
    number,
    record,
    text,
    write_all,
)
from formats.judge import Judge
from formats.runon import write_checked


@record("colonnes", 40, PLAIN)
class Sample:
    """Zones that are looked up, and zones that are checked together."""

    _1 = constant(1, 2, "E1")
    name: str = text(3, 10, S, "Nom", personal=True)
    code: str = digits(13, 8, S, "Code")
    units: int = number(21, 3, S, "Unités")
    price_cents: int = cents(24, 5, S, "Prix 3+2")
    done_on: date | None = day(29, S, "Fait le", default=None)
    note: str = text(35, 4, S, "Note", default="")
    _39 = blank(39, 2)


@record("vide", 2, PLAIN)
class Empty:
    """No value at all."""

    _1 = constant(1, 2, "V1")


@record("seul", 3, PLAIN)
class Single:
    """One value."""

    _1 = constant(1, 2, "S1")
    letter: str = text(3, 1, S, "Lettre")


SAMPLE = Sample(name="DUPONT", code="00000042", units=1, price_cents=1, done_on=date(2026, 1, 15))
LINE = b"E1DUPONT    0000004200100001260115      "


@pytest.mark.parametrize("value", [True, 1.0])
def test_what_equals_a_known_number_is_no_number(value: Any) -> None:
    assert encode(SAMPLE) == LINE
    with pytest.raises(AnomaliesFound) as caught:
        encode(changed(SAMPLE, units=value))
    assert [a.values["reason"] for a in caught.value.anomalies] == ["un entier est attendu"]
    with pytest.raises(AnomaliesFound) as caught:
        encode_all([SAMPLE, changed(SAMPLE, units=value), SAMPLE])
    assert [a.place.line for a in caught.value.anomalies] == [2]


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("name", "Élie", "ELIE"),
        ("name", "DUPONT ", "DUPONT"),
        ("code", "42", "00000042"),
        ("note", "à b", "A B"),
    ],
)
def test_a_value_is_given_back_as_it_will_be_read(field: str, value: str, read: str) -> None:
    written = write_all([SAMPLE, changed(SAMPLE, **{field: value})], Place(), {Sample: _TABLE})
    assert written.items == [SAMPLE, changed(SAMPLE, **{field: read})]
    assert [decode(Sample, row.encode("ascii")) for row in written.rows] == written.items


@pytest.mark.parametrize("name", ["A\0B", "\0", "", " ", "DUPONT-DUPOND", "é\0"])
def test_a_text_cannot_pass_for_two(name: str) -> None:
    """Long texts are checked as one string, between bytes that no charset allows."""
    with pytest.raises(AnomaliesFound) as caught:
        encode_all([SAMPLE, changed(SAMPLE, name=name), SAMPLE])
    assert [a.place.line for a in caught.value.anomalies] == [2]


@pytest.mark.parametrize("other", [SAMPLE, changed(SAMPLE, name="MARTIN", units=2)])
def test_bytes_that_stand_elsewhere_are_never_given(
    other: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in a column that all records share, nor in one where they differ."""
    shifted = fixedwidth._joined
    monkeypatch.setattr(
        fixedwidth, "_joined", lambda *asked: [row[::-1] for row in shifted(*asked)]
    )
    with pytest.raises(AssertionError, match="doesn't read back"):
        encode_all([SAMPLE, other, SAMPLE])


@pytest.mark.parametrize(
    "given",
    [lambda rows: rows[::-1], lambda rows: [rows[0] + rows[1][0], rows[1][1:]]],
    ids=["in another order", "cut elsewhere"],
)
def test_records_taken_for_their_neighbours_are_never_given(
    given: Callable[[list[str]], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = fixedwidth._joined
    monkeypatch.setattr(fixedwidth, "_joined", lambda *asked: given(joined(*asked)))
    with pytest.raises(AssertionError, match="doesn't read back"):
        encode_all([SAMPLE, changed(SAMPLE, units=2)])


@pytest.mark.parametrize("mistaken", [None, layout(Empty)])
def test_a_record_taken_for_another_is_never_given(mistaken: Layout | None) -> None:
    norm = Norm("essai", "essai", (_TABLE,))
    with pytest.raises(AssertionError, match="isn't read as it was written"):
        write_checked([SAMPLE], norm, lambda _: mistaken, Judge())


def test_a_short_and_a_long_code_do_not_make_up_for_each_other() -> None:
    codes = ["0" * 8, "0" * 7, "0" * 9, "0" * 8]
    with pytest.raises(AnomaliesFound) as caught:
        encode_all([changed(SAMPLE, code=code) for code in codes])
    assert [a.place.line for a in caught.value.anomalies] == [3]


def test_a_cell_that_reads_otherwise_is_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    units = columns._Number(_TABLE.zones[3], PLAIN)
    monkeypatch.setattr(units, "_rendered", lambda value: "999")
    assert units.write([999]) == "999"
    with pytest.raises(AssertionError, match="doesn't read back"):
        units.write([998])


def test_memory_stays_flat_and_keeps_no_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "KEPT", 10)
    prices = columns._Number(_TABLE.zones[4], PLAIN)
    assert list(prices.write(range(100))) == [f"{value:05d}" for value in range(100)]
    assert len(prices._cells) <= 10
    names = columns.column(_TABLE.zones[1], PLAIN)
    assert names.write(["MARTIN"]) == "MARTIN    "
    assert not {"MARTIN", "DUPONT"} & {*names._cells, *names._values}


def test_a_column_alike_at_both_ends_is_not_taken_for_alike() -> None:
    items = [SAMPLE, changed(SAMPLE, name="MARTIN", code="7" * 8, units=2, note="AB"), SAMPLE]
    assert encode_all(items) == b"".join(map(encode, items))


def test_one_wrong_record_spoils_no_other() -> None:
    raws = [LINE] * 20
    raws[13] = LINE.replace(b"260115", b"260231")
    assert _TABLE.read_each(raws) == [SAMPLE] * 13 + [None] + [SAMPLE] * 6
    assert _TABLE.read_each([]) == []


def test_a_record_may_hold_one_value_or_none() -> None:
    assert layout(Empty).read_each([b"V1", b"V1"]) == [Empty(), Empty()]
    assert encode_all([Empty(), Single(letter="A"), Empty()]) == b"V1S1AV1"
    assert layout(Single).read_each([b"S1A", b"S1B"]) == [Single(letter="A"), Single(letter="B")]


_TABLE = layout(Sample)

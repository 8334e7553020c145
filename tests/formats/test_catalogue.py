"""Every record of every dialect: columns, marks, round trips, and dialects told apart."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import arl, b2, b2_retour, noemie, sesam
from formats.arl.acknowledgements import _table_of as arl_table_of
from formats.b2.grammar import Tables
from formats.b2_retour.reader import _table_of as retour_table_of
from formats.catalogue import (
    HEAD_BYTES,
    Dialect,
    Record,
    detected,
    dialect,
    dialects,
    unconfirmed,
)
from formats.common.anomaly import Place
from formats.fixedwidth import Layout, amended, decode, encode, encode_all, layout
from formats.runon import TableOf
from formats.sesam.check import table_of as sesam_table_of
from tests.formats.samples import SAMPLES
from tests.formats.strategies import records

RECORDS = [
    pytest.param(norm.by_name[record.name], record, id=f"{one.name}-{version.name}-{record.name}")
    for one in dialects()
    for version in one.versions
    for record in version.records
    for norm in [
        _norms[version.name]
        for _norms in [
            {"b2": b2, "noemie": noemie, "b2-retour": b2_retour, "arl": arl, "sesam": sesam}[
                one.name
            ].VERSIONS
        ]
    ]
]
every_record = pytest.mark.parametrize(("table", "record"), RECORDS)


@every_record
def test_columns_run_from_the_first_to_the_last(table: Layout, record: Record) -> None:
    following = 1
    for field in record.fields:
        assert field.start == following
        following = field.end + 1
        assert field.meaning
        assert field.source
        assert field.mark in "SMG"
    assert following == record.length + 1
    assert record.french
    assert (table.name, table.length, table.cls) == (record.name, record.length, record.cls)


@every_record
@settings(max_examples=10)
@given(data=st.data())
def test_every_record_survives_the_round_trip(
    table: Layout, record: Record, data: st.DataObject
) -> None:
    drawn = data.draw(st.lists(records(record.cls), min_size=1, max_size=4))
    items = data.draw(st.lists(st.sampled_from(drawn), min_size=1, max_size=6))
    raws = [encode(item) for item in items]
    assert [decode(record.cls, raw) for raw in raws] == items
    assert encode_all(items, tables={record.cls: table}) == b"".join(raws)
    assert table.read_many(raws) in (items, None)


RUN_ON = [
    pytest.param(table_of, table, id=f"{name}-{norm.name}-{table.name}")
    for name, norms, table_of in [
        ("b2", b2.VERSIONS, Tables()),
        ("b2-retour", b2_retour.VERSIONS, retour_table_of),
        ("arl", arl.VERSIONS, arl_table_of),
        ("sesam", sesam.VERSIONS, sesam_table_of),
    ]
    for norm in norms.values()
    for table in norm.tables
]


@pytest.mark.parametrize(("table_of", "table"), RUN_ON)
@settings(max_examples=20)
@given(data=st.data())
def test_whatever_a_record_holds_its_kind_is_found(
    table_of: TableOf, table: Layout, data: st.DataObject
) -> None:
    """So the writer looks for one record of each kind only."""
    found = table_of(encode(data.draw(records(table.cls))))
    assert found is not None
    assert found.cls is table.cls


@every_record
@settings(max_examples=20)
@given(data=st.data())
def test_any_bytes_are_read_or_explained(
    table: Layout, record: Record, data: st.DataObject
) -> None:
    """`read` gives a record exactly when `explain` has nothing to say, together as alone."""
    sound = encode(data.draw(records(record.cls)))
    raw = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    item = table.read(bytes(raw))
    assert (item is None) == bool(table.explain(bytes(raw), Place()))
    together = table.read_many([sound, bytes(raw)])
    assert (
        together is None if item is None else together in ([decode(record.cls, sound), item], None)
    )


@pytest.mark.parametrize("one", dialects(), ids=lambda one: one.name)
def test_a_dialect_is_detected_by_its_content(one: Dialect) -> None:
    for content in SAMPLES[one.name]:
        assert [other.name for other in dialects() if other.detect(content[:HEAD_BYTES])] == [
            one.name
        ]
        found = detected(content[:HEAD_BYTES])
        assert found is not None
        assert found.check(BytesIO(content), "essai").sound


def test_garbage_is_no_dialect() -> None:
    assert detected(b"") is None
    assert detected(b"%PDF-1.7") is None


@pytest.mark.parametrize("one", dialects(), ids=lambda one: one.name)
@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_file_ends_in_a_report(one: Dialect, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SAMPLES[one.name])))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    report = one.check(BytesIO(bytes(content)), "essai", 50)
    assert len(report.anomalies) <= 51
    assert "1800175056001" not in " ".join(map(str, report.anomalies))


def test_a_4f_is_shown_with_its_positions_meanings_and_marks() -> None:
    record = dialect("b2").record("4f")
    assert sum(field.length for field in record.fields) == 128
    shown = {(f.start, f.end, f.name, f.mark) for f in record.fields}
    assert (43, 55, "code", "M") in shown
    assert (107, 107, "kind", "G") in shown


def test_what_a_user_must_confirm_can_be_listed() -> None:
    names = {(d.name, v.name, r.name, f.name) for d, v, r, f in unconfirmed()}
    assert ("b2", "062007", "4F", "last_day") in names
    assert ("b2", "062007", "000", "norm") in names
    assert ("b2", "062007", "4", "amo_cents") not in names
    assert ("arl", "ECH1", "ARL", "verdict") in names


def test_what_was_only_seen_in_2007_is_from_memory_in_2005() -> None:
    marks = {
        version: {f.mark for f in dialect("b2").record("6", version).fields if f.name == "sender"}
        for version in ("062007", "062005")
    }
    assert marks == {"062007": {"S"}, "062005": {"M"}}


def test_a_correction_of_a_norm_is_data() -> None:
    moved = amended(
        b2.VERSIONS["062007"].by_name["4F"].cls,
        {
            "last_day": {"start": 115},
            "_120": {"start": 121, "length": 8, "expected": " " * 8},
            "first_day": {"start": 109},
            "kind": {"start": 107, "length": 2},
        },
    )
    assert moved.names == layout(moved.cls).names
    with pytest.raises(TypeError, match="starts at 108, expected 107"):
        amended(moved.cls, {"kind": {"start": 108}})
    with pytest.raises(TypeError, match="has no colour"):
        amended(moved.cls, {"colour": {"start": 108}})

"""B2 beyond suppliers: stays, other codings, versions, and any tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.b2 import (
    PROFESSIONS,
    VERSIONS,
    Analysis,
    Detail,
    Drug,
    Invoice,
    Line,
    Stay,
    StayMaterial,
    check,
    packed,
    read,
    records,
    records_of,
    write,
)
from formats.b2.v062007 import RECORDS, InvoiceEnd
from formats.common.anomaly import AnomaliesFound
from formats.fixedwidth import changed, encode_all
from tests.formats.invoices import BED, b2_file, invoice, line
from tests.formats.samples import CODED, STAY, hospital


def test_a_clinic_s_file_reads_back_as_the_same_tree() -> None:
    asked = hospital()
    content = write(asked)
    assert read(BytesIO(content)).batches[0].invoices == asked.batches[0].invoices
    report = check(BytesIO(content))
    assert (report.lines, report.total_cents, report.amo_cents) == (2, 121_820, 97_820)


def test_totals_of_a_type_5_follow_the_formulas() -> None:
    end = next(item for item in records(hospital()) if isinstance(item, InvoiceEnd))
    assert end.lines == 13  # 3, 3S, 3E, 3F, 3F, 3H; 4, 4S, 4E, 4B, 4B, 4H, 4M
    assert (end.stay_base_cents, end.stay_amo_cents) == (120_000, 96_000)
    assert (end.stay_total_cents, end.stay_amc_cents) == (120_000, 24_000)
    assert (end.total_cents, end.amo_cents, end.insured_cents) == (1820, 1820, 24_000)


def test_seven_analyses_take_two_records() -> None:
    analyses = [item for item in records(hospital()) if type(item) is RECORDS["4B"]]
    assert [item.sequence for item in analyses] == ["01", "02"]  # type: ignore[attr-defined]
    assert encode_all(analyses)[128 + 48 : 256] == (b"26011501000000052601150100000006" + b"0" * 48)


FAULTS = [
    ("3", "total_cents", 120_001, "FMT-111", (115, 122)),
    ("3", "amo_cents", 95_000, "FMT-111", (94, 101)),
    ("3", "first_day", date(2026, 1, 4), "FMT-113", (44, 49)),
    ("3", "last_day", date(2026, 1, 16), "FMT-113", (50, 55)),
    ("3S", "prescribed_on", date(2026, 1, 16), "FMT-113", (54, 59)),
    ("3S", "invoice", "000000041", "FMT-111", (30, 38)),
    ("3E", "prescriber_rpps", "10001234567", "FMT-022", (42, 52)),
    ("3F", "code", "1241764", "FMT-022", (43, 55)),
    ("3F", "sequence", "02", "FMT-111", (37, 38)),
    ("3H", "sequence", "02", "FMT-111", (37, 38)),
    ("4B", "done_on_2", date(2026, 1, 16), "FMT-113", (65, 70)),
    ("4H", "total_cents", 1819, "FMT-111", (0, 0)),
    ("4M", "done_on", date(2026, 1, 16), "FMT-113", (65, 70)),
    ("5", "stay_base_cents", 1, "FMT-111", (42, 49)),
    ("5", "stay_amo_cents", 1, "FMT-111", (50, 57)),
    ("5", "stay_amc_cents", 1, "FMT-111", (82, 89)),
    ("5", "stay_total_cents", 1, "FMT-111", (115, 122)),
    ("1", "version", "062009", "FMT-116", (82, 87)),
    ("1", "number", "000", "FMT-111", (20, 22)),
]


@pytest.mark.parametrize(("name", "field", "value", "code", "columns"), FAULTS)
def test_each_broken_rule_is_found(
    name: str, field: str, value: object, code: str, columns: tuple[int, int]
) -> None:
    items: list[Any] = list(records(hospital()))
    at = next(i for i, item in enumerate(items) if type(item) is RECORDS[name])
    items[at] = changed(items[at], **{field: value})
    found = check(BytesIO(encode_all(items)), "essai.b2").anomalies
    assert (code, *columns) in [(a.code.id, a.place.start, a.place.end) for a in found]


@pytest.mark.parametrize("name", ["3S", "3E", "3F", "3H", "4B", "4M"])
def test_a_complement_in_front_of_its_line_is_misplaced(name: str) -> None:
    items: list[Any] = list(records(hospital()))
    at = next(i for i, item in enumerate(items) if type(item) is RECORDS[name])
    items.insert(3, items.pop(at))
    assert "FMT-102" in [a.code.id for a in check(BytesIO(encode_all(items))).anomalies]


def test_an_unknown_version_can_not_be_written() -> None:
    with pytest.raises(KeyError, match="062009"):
        write(b2_file(version="062009"))
    assert set(VERSIONS) == {"062007", "062005"}


def test_only_the_code_of_clinics_was_seen() -> None:
    assert [code for code, (_, mark) in PROFESSIONS.items() if mark == "S"] == ["CP"]


def test_invoices_are_packed_under_1000_records() -> None:
    many = [invoice(f"{n:09d}", lines=(line(), line())) for n in range(1, 200)]
    groups = list(packed(many))
    assert list(map(len, groups)) == [89, 89, 21]  # 11 records each, 4 around them
    assert max(sum(map(records_of, group)) + 4 for group in groups) == 983
    assert list(packed([])) == []


# -- any tree ----------------------------------------------------------------------------------

AMOUNTS = st.integers(0, 12_000_000)
DAYS = st.dates(date(2025, 1, 1), date(2026, 2, 1))
WORDS = st.text("ABé'1 -€z", max_size=30)


def _details() -> st.SearchStrategy[tuple[Detail, ...]]:
    detail = st.builds(
        Detail,
        code=st.sampled_from([BED, "1234567", ""]),
        quantity=st.integers(0, 120),
        price_cents=AMOUNTS,
        total_cents=AMOUNTS,
        kind=st.sampled_from("AL"),
        first_day=DAYS,
    )
    return st.lists(detail, max_size=2).map(tuple)


def _lines() -> st.SearchStrategy[Line]:
    return st.builds(
        _line,
        quantity=st.integers(0, 300),
        total=AMOUNTS,
        rate=st.sampled_from([0, 60, 100, 1000]),
        amc=st.integers(0, 3_000_000),
        done_on=DAYS,
        act=st.sampled_from(["MAD", "mad", "", "TROPLONG"]),
        details=_details() | st.none(),
    )


def _line(total: int, rate: int, amc: int, details: Any, **own: Any) -> Line:
    """Sound unless its values don't fit: the details follow the line when None."""
    quantity = own["quantity"]
    if details is None:
        whole = replace(line().details[0], quantity=quantity, total_cents=total)
        details = (whole,)
    amo = (total * rate + 50) // 100
    return line(
        rate_pct=rate, base_cents=total, total_cents=total, amo_cents=amo, amc_cents=amc,
        details=details, **own,
    )  # fmt: skip


def _stays() -> st.SearchStrategy[Stay]:
    return st.builds(
        replace,
        st.just(STAY),
        last_day=DAYS,
        quantity=st.integers(0, 1100),
        materials=st.lists(st.sampled_from(STAY.materials), max_size=12).map(tuple),
    )


def _invoices() -> st.SearchStrategy[Invoice]:
    return st.builds(
        invoice,
        number=st.sampled_from(["000000001", "000000002", "2", "0", "12345678901"]),
        nir_key=st.sampled_from(["03", "04"]),
        lines=st.lists(_lines() | st.just(line()) | st.just(CODED), max_size=3).map(tuple),
        stays=st.lists(_stays(), max_size=1).map(tuple),
        amc=WORDS,
    )


@settings(max_examples=150)
@given(
    invoices=st.lists(_invoices(), min_size=1, max_size=3),
    message=WORDS,
    version=st.sampled_from(sorted(VERSIONS)),
)
def test_what_the_writer_writes_its_reader_accepts(
    invoices: list[Invoice], message: str, version: str
) -> None:
    """Either the tree is refused with every place, or its bytes are sound and read back."""
    asked = b2_file(*invoices, message=message, version=version)
    try:
        content = write(asked)
    except AnomaliesFound as refused:
        assert refused.anomalies
        return
    assert check(BytesIO(content)).sound
    back = read(BytesIO(content))
    assert write(back) == content
    assert [i.stays for b in back.batches for i in b.invoices] == [i.stays for i in invoices]


@given(units=st.integers(1, 40))
def test_analyses_and_drugs_come_back(units: int) -> None:
    many = replace(
        CODED,
        analyses=tuple(Analysis(code=f"{n:08d}", done_on=date(2026, 1, 2)) for n in range(units)),
        drugs=(Drug(code="9123456", quantity=units, price_cents=1, total_cents=1820),),
    )
    asked = b2_file(invoice(lines=(many,)))
    (back,) = read(BytesIO(write(asked))).batches[0].invoices
    assert back.lines == (many,)


def test_eleven_materials_under_one_stay_are_refused() -> None:
    materials = (StayMaterial(code=BED, quantity=1, price_cents=1, total_cents=1),) * 11
    with pytest.raises(AnomaliesFound) as caught:
        write(b2_file(invoice(lines=(), stays=(replace(STAY, materials=materials),))))
    assert [a.code.id for a in caught.value.anomalies] == ["FMT-111"]

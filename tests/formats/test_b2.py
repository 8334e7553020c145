"""B2: the constructed sample and its three faults, totals, splits, one fault a file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.b2 import check, read, records, records_of, split_line, write
from formats.b2.v062007 import RECORDS, InvoiceEnd
from formats.common.anomaly import AnomaliesFound, Anomaly
from formats.fixedwidth import changed, encode_all, zones
from tests.formats.invoices import b2_file, invoice, line
from tests.plugins.golden import Golden

SAMPLE = Path(__file__).parents[1] / "data" / "b2" / "062007" / "constructed_three_faults.b2"


def _found(content: bytes) -> tuple[Anomaly, ...]:
    return check(BytesIO(content), "essai.b2").anomalies


def test_the_constructed_sample_has_three_faults() -> None:
    report = check(BytesIO(SAMPLE.read_bytes()), "essai.b2")
    assert [str(a).partition(" :")[0] for a in report.anomalies] == [
        "FMT-022 essai.b2, ligne 7, colonnes 39-49, octet 768",  # RPPS 10001234567
        "FMT-022 essai.b2, ligne 8, colonnes 43-55, octet 896",  # LPP 1234567
        "FMT-113 essai.b2, ligne 8, colonnes 114-119, octet 896",  # 28/01 after 15/01/2026
    ]
    assert (report.records, report.batches, report.invoices, report.lines) == (11, 1, 1, 1)
    assert (report.total_cents, report.amo_cents, report.amc_cents) == (1820, 1820, 0)


def test_the_constructed_sample_is_written_back_byte_for_byte() -> None:
    content = SAMPLE.read_bytes()
    assert encode_all(records(read(BytesIO(content)))) == content


def test_a_file_is_what_it_was_yesterday(golden: Golden) -> None:
    golden("b2/062007/one_rental.b2", write(b2_file()))


def test_what_is_written_reads_back_as_the_same_tree() -> None:
    asked = b2_file(invoice(), invoice("000000043", lines=(line(), line(supplement=None))))
    names = [replace(batch, sender_name="DOMICILE SANTE SARL") for batch in asked.batches]
    assert read(BytesIO(write(asked))) == replace(asked, batches=tuple(names))


def test_totals_and_counters() -> None:
    shared = line(rate_pct=60, amo_cents=1092, amc_cents=728)
    asked = b2_file(invoice(), invoice("000000043", lines=(line(), shared)))
    *_, end, batch_end, file_end = records(asked)
    assert isinstance(end, InvoiceEnd)
    assert (end.lines, end.total_cents, end.amo_cents) == (8, 3640, 2912)
    assert (end.insured_cents, end.amc_cents) == (728, 728)
    assert encode_all([batch_end])[10:54] == b"001000300020010000054600000047320000007280" + b"07"
    assert encode_all([file_end])[55:63] == b"00000022"
    assert records_of(asked.batches[0].invoices[1]) == 11


def test_each_batch_has_its_own_totals() -> None:
    (batch,) = b2_file(invoice(), invoice("000000043")).batches
    report = check(BytesIO(write(b2_file(batches=(batch, replace(batch, number=8))))))
    assert (report.batches, report.invoices, report.lines, report.total_cents) == (2, 4, 4, 7280)
    assert report.sound


def test_a_share_above_9_999_99_euros_splits_the_line() -> None:
    dear = line(
        quantity=3,
        unit_price_cents=1_000_000,
        base_cents=3_000_000,
        rate_pct=60,
        amo_cents=1_800_000,
        total_cents=3_000_000,
        amc_cents=1_200_000,
        details=(),
    )
    parts = split_line(dear)
    assert [(p.quantity, p.amc_cents) for p in parts] == [(1, 400_000), (2, 800_000)]
    assert sum(p.amo_cents for p in parts) == 1_800_000
    assert check(BytesIO(write(b2_file(invoice(lines=(dear,)))))).lines == 2


def test_more_than_99_units_split_the_line_and_its_detail() -> None:
    (detail,) = line().details
    many = line(
        quantity=250,
        unit_price_cents=333,
        base_cents=83_250,
        amo_cents=83_250,
        total_cents=83_250,
        details=(replace(detail, quantity=250, price_cents=333, total_cents=83_250),),
    )
    parts = split_line(many)
    assert [p.quantity for p in parts] == [83, 83, 84]
    assert [p.total_cents for p in parts] == [83 * 333, 83 * 333, 84 * 333]
    assert [p.details[0].total_cents for p in parts] == [p.total_cents for p in parts]
    assert check(BytesIO(write(b2_file(invoice(lines=(many,)))))).sound


@given(
    quantity=st.integers(1, 999),
    base=st.integers(0, 9_999_999),
    amc=st.integers(0, 3_000_000),
)
def test_splitting_loses_no_cent(quantity: int, base: int, amc: int) -> None:
    whole = line(quantity=quantity, base_cents=base, total_cents=base, amc_cents=amc, details=())
    parts = split_line(whole)
    assert all(p.quantity <= 99 and p.amc_cents <= 999_999 for p in parts)
    assert sum(p.base_cents for p in parts) == base
    assert sum(p.amc_cents for p in parts) == amc


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(AnomaliesFound) as caught:
        write(b2_file(invoice(lines=(line(act="TROPLONG"), line(total_cents=10_000_000)))))
    assert [str(a).partition(" (")[0] for a in caught.value.anomalies] == [
        "FMT-003 ligne 5, colonnes 76-80 : Enregistrement 4, zone « Code acte » : "
        "dépasse 5 caractères",
        "FMT-003 ligne 9, colonnes 115-121 : Enregistrement 4, zone « Montant de la dépense "
        "5+2 » : dépasse 7 chiffres",
    ]


def test_a_person_is_never_quoted() -> None:
    with pytest.raises(AnomaliesFound) as caught:
        write(b2_file(invoice(nir_key="04", birth_date="80O112")))
    assert "***" in str(caught.value.anomalies[0])
    assert "80O112" not in " ".join(map(str, caught.value.anomalies))


FAULTS = [
    # record, field, value, expected code and columns
    ("000", "sender", "00000752600023", "FMT-111", (2, 10)),
    ("999", "file_id", "AB12C4", "FMT-111", (50, 55)),
    ("999", "records", 12, "FMT-111", (56, 63)),
    ("999", "batches", 2, "FMT-111", (83, 85)),
    ("6", "number", "008", "FMT-111", (52, 54)),
    ("6", "total_cents", 1821, "FMT-111", (25, 33)),
    ("6", "amo_cents", 1821, "FMT-111", (34, 42)),
    ("6", "amc_cents", 1, "FMT-111", (43, 51)),
    ("6", "invoices", 2, "FMT-111", (18, 21)),
    ("5", "lines", 3, "FMT-111", (39, 41)),
    ("5", "total_cents", 1821, "FMT-111", (58, 65)),
    ("5", "amo_cents", 1819, "FMT-111", (66, 73)),
    ("5", "insured_cents", 1, "FMT-111", (74, 81)),
    ("5", "nir", "1800175056002", "FMT-111", (12, 24)),
    ("4", "biller", "752600023", "FMT-111", (2, 10)),
    ("4S", "invoice", "000000041", "FMT-111", (27, 35)),
    ("4", "amo_cents", 1800, "FMT-111", (108, 114)),
    ("4", "base_cents", 1840, "FMT-111", (108, 114)),
    ("4", "done_on", date(2026, 1, 16), "FMT-113", (70, 75)),
    ("4F", "last_day", date(2026, 1, 16), "FMT-113", (114, 119)),
    ("4F", "last_day", date(2025, 12, 31), "FMT-113", (108, 113)),
    ("4F", "code", "1241764", "FMT-022", (43, 55)),
    ("4F", "siret", "73282932000075", "FMT-022", (56, 69)),
    ("4F", "total_cents", 1821, "FMT-111", (0, 0)),
    ("4F", "sequence", "02", "FMT-111", (37, 38)),
    ("4E", "executant_rpps", "10001234567", "FMT-022", (64, 74)),
    ("2", "nir_key", "04", "FMT-022", (12, 24)),
    ("2", "invoice", "000000000", "FMT-114", (30, 38)),
    ("2S", "own_nir_key", "04", "FMT-022", (50, 62)),
    ("1", "sender", "752600016", "FMT-022", (2, 10)),
]


@pytest.mark.parametrize(("name", "field", "value", "code", "columns"), FAULTS)
def test_each_broken_rule_is_found(
    name: str, field: str, value: object, code: str, columns: tuple[int, int]
) -> None:
    items = list(records(b2_file()))
    at = next(i for i, item in enumerate(items) if type(item) is RECORDS[name])
    items[at] = changed(items[at], **{field: value})
    found = _found(encode_all(items))
    assert (code, *columns) in [(a.code.id, a.place.start, a.place.end) for a in found]


def test_a_sound_file_has_no_anomaly() -> None:
    assert check(BytesIO(write(b2_file())), "essai.b2").sound


@pytest.mark.parametrize("missing", range(11))
def test_a_missing_record_is_found(missing: int) -> None:
    items = list(records(b2_file()))
    del items[missing]
    assert _found(encode_all(items))


def test_the_same_invoice_number_twice() -> None:
    found = _found(encode_all(records(b2_file(invoice(), invoice()))))
    assert "FMT-114" in [a.code.id for a in found]


def test_line_ends_are_found() -> None:
    content = write(b2_file())
    broken = b"\r\n".join(content[at : at + 128] for at in range(0, len(content), 128))
    found = _found(broken)
    assert found[0].code.id == "FMT-101"
    assert all("1800175056001" not in str(anomaly) for anomaly in found)


def test_garbage_does_not_fill_the_memory() -> None:
    report = check(BytesIO(b"9" * 128 * 200), limit=50)
    assert len(report.anomalies) == 51
    assert report.anomalies[-1].code.id == "FMT-115"


@settings(max_examples=150)
@given(data=st.data())
def test_a_mutated_file_ends_in_a_report(data: st.DataObject) -> None:
    content = bytearray(SAMPLE.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "drop"])):
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del content[max(at, 1) :]
            case "insert":
                content[at:at] = data.draw(st.binary(max_size=200))
            case "drop":
                del content[at : at + data.draw(st.integers(1, 130))]
        content = content or bytearray(b"0")
    told = " ".join(map(str, _found(bytes(content))))
    assert "800175056" not in told
    try:
        read(BytesIO(bytes(content)))
    except AnomaliesFound as refused:
        assert refused.anomalies


def test_records_are_read_across_chunks_of_the_stream() -> None:
    class Drip(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 100))

    content = write(b2_file())
    assert read(Drip(content)) == read(BytesIO(content))


def test_positions_of_a_4f_are_listed_with_their_certainty() -> None:
    columns = zones(RECORDS["4F"])
    assert sum(zone.length for zone in columns) == 128
    assert {zone.mark.value for zone in columns} == {"M", "G"}

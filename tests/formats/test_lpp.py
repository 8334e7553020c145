"""The official pair of dBase tables: codes and tariffs, and every way a row may be wrong."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.common.anomaly import AnomaliesFound
from formats.lpp import HistoryColumns, LppCode, LppTariff, Nomenclature, read, write
from formats.lpp.dbase import Column, dump, rows
from tests.plugins.golden import Golden

TODAY = date(2026, 1, 1)
BED = LppCode(code="1241763", label="LIT MÉDICAL", type="L", age_max=None, end_date=None)
OLD = LppCode(code="1136581", label="PERFUSION", type="S", age_max=16, end_date=date(2025, 12, 31))
TARIFFS = (
    LppTariff(
        code="1136581",
        since=date(2020, 1, 1),
        until=date(2026, 1, 1),
        tariff_cents=12_345,
        price_limit_cents=None,
        nature="MAD",
        prior_agreement=True,
    ),
    LppTariff(
        code="1241763",
        since=date(2019, 7, 1),
        until=None,
        tariff_cents=1_260,
        price_limit_cents=1_260,
        nature="MAD",
        prior_agreement=False,
    ),
)
NOMENCLATURE = Nomenclature(codes=(OLD, BED), tariffs=TARIFFS, anomalies=())

FICHE = (
    Column("CODE_TIPS", "C", 7),
    Column("NOM_COURT", "C", 20),
    Column("TYPE_PREST", "C", 1),
    Column("AGE_MAX", "N", 3),
    Column("DATE_FIN", "D", 8),
)
HISTO = (
    Column("CODE_TIPS", "C", 7),
    Column("DEBUTVALID", "D", 8),
    Column("FINHISTO", "D", 8),
    Column("NAT_PREST", "C", 3),
    Column("TARIF", "N", 10, 2),
    Column("ENTENTE", "C", 1),
    Column("PLV", "N", 10, 2),
)
GOOD_CODE = ("1241763", "LIT", "L", "0", "")
GOOD_TARIFF = ("1241763", "20190701", "20241231", "MAD", "12.60", "N", "0.00")


def _read(codes: list[tuple[str, ...]], tariffs: list[tuple[str, ...]]) -> Nomenclature:
    fiche, histo = dump(FICHE, codes, TODAY), dump(HISTO, tariffs, TODAY)
    return read(BytesIO(fiche), BytesIO(histo), fiche_name="fiche.dbf", histo_name="histo.dbf")


def test_what_is_written_reads_back() -> None:
    fiche, histo = write(NOMENCLATURE, TODAY)
    assert read(BytesIO(fiche), BytesIO(histo)) == NOMENCLATURE


def test_the_tables_are_what_they_were_yesterday(golden: Golden) -> None:
    fiche, histo = write(NOMENCLATURE, TODAY)
    golden("lpp/fiche.dbf", fiche)
    golden("lpp/histo.dbf", histo)


def test_ends_of_history_become_half_open() -> None:
    (tariff,) = _read([GOOD_CODE], [GOOD_TARIFF]).tariffs
    assert (tariff.since, tariff.until) == (date(2019, 7, 1), date(2025, 1, 1))
    assert (tariff.tariff_cents, tariff.price_limit_cents) == (1260, None)


def test_labels_are_in_cp850() -> None:
    fiche, _ = write(NOMENCLATURE, TODAY)
    assert b"LIT M\x90DICAL" in fiche


@pytest.mark.parametrize("end", ["", "00000000", "99991231"])
def test_an_open_end(end: str) -> None:
    (tariff,) = _read([GOOD_CODE], [(*GOOD_TARIFF[:2], end, *GOOD_TARIFF[3:])]).tariffs
    assert tariff.until is None


@pytest.mark.parametrize(
    ("column", "value"),
    [(0, "1241764"), (0, ""), (2, "Z"), (3, "abc"), (3, "-1"), (3, "NaN"), (4, "20251332")],
)
def test_a_bad_code_is_left_out_with_its_place(column: int, value: str) -> None:
    bad = (*GOOD_CODE[:column], value, *GOOD_CODE[column + 1 :])
    result = _read([("1136581", "P", "S", "", ""), bad], [])
    assert [code.code for code in result.codes] == ["1136581"]
    (anomaly,) = result.anomalies
    assert str(anomaly).startswith(f"FMT-812 fiche.dbf, ligne 2 : Colonne {FICHE[column].name}")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (0, "1241764"),
        (1, ""),
        (1, "2019071"),
        (2, "20190630"),
        (4, ""),
        (4, "12.605"),
        (4, "-1"),
        (4, "Infinity"),
        (5, "?"),
        (6, "12,60"),
    ],
)
def test_a_bad_tariff_is_left_out_with_its_place(column: int, value: str) -> None:
    bad = (*GOOD_TARIFF[:column], value, *GOOD_TARIFF[column + 1 :])
    result = _read([GOOD_CODE], [GOOD_TARIFF, bad])
    assert len(result.tariffs) == 1
    (anomaly,) = result.anomalies
    assert str(anomaly).startswith(f"FMT-812 histo.dbf, ligne 2 : Colonne {HISTO[column].name}")


def test_the_same_code_twice() -> None:
    result = _read([GOOD_CODE, ("1241763", "AUTRE", "L", "0", "")], [])
    assert [code.label for code in result.codes] == ["LIT"]
    assert [a.code.id for a in result.anomalies] == ["FMT-813"]


def test_a_missing_guessed_column_is_reported_once_and_can_be_renamed() -> None:
    renamed = (*HISTO[:6], Column("PUV", "N", 10, 2))
    lines = [(*GOOD_TARIFF[:6], "13.00")] * 3
    fiche, histo = dump(FICHE, [GOOD_CODE], TODAY), dump(renamed, lines, TODAY)
    result = read(BytesIO(fiche), BytesIO(histo))
    assert [str(a).partition(".")[0] for a in result.anomalies] == ["FMT-811 lpp_histo_tot"]
    assert {tariff.price_limit_cents for tariff in result.tariffs} == {None}
    columns = HistoryColumns(price_limit="PUV")
    result = read(BytesIO(fiche), BytesIO(histo), columns=columns)
    assert result.anomalies == ()
    assert {tariff.price_limit_cents for tariff in result.tariffs} == {1300}


def test_deleted_records_are_skipped_and_keep_their_number() -> None:
    content = bytearray(dump(FICHE, [GOOD_CODE, GOOD_CODE], TODAY))
    first = 32 + 32 * len(FICHE) + 1
    assert content[first : first + 1] == b" "
    content[first] = ord("*")
    assert [number for number, _ in rows(BytesIO(bytes(content)), [])] == [2]


def test_a_cut_table_is_reported() -> None:
    fiche, histo = write(NOMENCLATURE, TODAY)
    result = read(BytesIO(fiche[:-30]), BytesIO(histo))
    assert [a.code.id for a in result.anomalies] == ["FMT-802"]
    assert len(result.codes) == 1


def test_not_a_dbase_file() -> None:
    for content in (b"", b"CODE;LIBELLE\n", b"\x03" + b"\0" * 31, b"\x03" * 200):
        with pytest.raises(AnomaliesFound, match="FMT-801"):
            list(rows(BytesIO(content), []))


@settings(max_examples=100)
@given(data=st.data())
def test_a_mutated_table_ends_in_anomalies(data: st.DataObject) -> None:
    fiche, histo = write(NOMENCLATURE, TODAY)
    content = bytearray(histo)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        result = read(BytesIO(fiche), BytesIO(bytes(content)))
    except AnomaliesFound as refused:
        assert refused.anomalies
    else:
        assert result.codes == (OLD, BED)

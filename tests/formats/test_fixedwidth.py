"""The engine: tables that add up, nothing cut, the fast and the slow path of one mind."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.b2.v062007 import RECORDS
from formats.common.anomaly import AnomaliesFound, Anomaly, Place
from formats.fixedwidth import (
    LATIN,
    PLAIN,
    Kind,
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
    plain,
    record,
    text,
    zones,
)


@record("essai", 40, PLAIN)
class Sample:
    """A field of each kind."""

    _1 = constant(1, 2, "E1")
    name: str = text(3, 10, S, "Nom", personal=True)
    code: str = digits(13, 4, S, "Code", default="0000")
    units: int = number(17, 3, S, "Unités")
    price_cents: int = cents(20, 7, S, "Prix 5+2")
    done_on: date = day(27, S, "Fait le")
    paid_on: date | None = day(33, S, "Payé le", default=None)
    _39 = blank(39, 2)


SAMPLE = Sample(name="DUPONT", units=7, price_cents=1820, done_on=date(2026, 1, 15))
LINE = b"E1DUPONT    0000007000182026011500000" + b"0  "


def _refused(item: Sample) -> Anomaly:
    with pytest.raises(AnomaliesFound) as caught:
        encode(item, Place("essai.b2", 7))
    (anomaly,) = caught.value.anomalies
    return anomaly


def test_writes_and_reads_the_same_record() -> None:
    assert encode(SAMPLE) == LINE
    assert decode(Sample, LINE) == SAMPLE


@given(raw=st.binary(min_size=40, max_size=40))
def test_garbage_never_crashes(raw: bytes) -> None:
    table = layout(Sample)
    assert (table.read(raw) is None) == bool(table.explain(raw, Place()))


@pytest.mark.parametrize(
    ("field", "value", "columns", "reason"),
    [
        ("units", 1000, (17, 19), "dépasse 3 chiffres"),
        ("units", -1, (17, 19), "le nombre est négatif"),
        ("units", 1.0, (17, 19), "un entier est attendu"),
        ("price_cents", Decimal("12.5"), (20, 26), "un entier est attendu"),
        ("code", "12345", (13, 16), "dépasse 4 caractères"),
        ("code", "12A", (13, 16), "des chiffres sont attendus"),
        ("code", "١٢", (13, 16), "des chiffres sont attendus"),
        ("done_on", None, (27, 32), "une date est attendue"),
        ("done_on", date(1999, 12, 31), (27, 32), "la date sort de 2000-2099"),
        ("paid_on", "260115", (33, 38), "une date est attendue"),
        ("name", "DUPONT DE NEMOURS", (3, 12), "dépasse 10 caractères"),
        ("name", "  ", (3, 12), "la zone est obligatoire"),
        ("name", "DUPONT€", (3, 12), "un caractère n'est pas permis"),
        ("name", None, (3, 12), "un texte est attendu"),
    ],
)
def test_what_does_not_fit_is_refused_never_cut(
    field: str, value: Any, columns: tuple[int, int], reason: str
) -> None:
    anomaly = _refused(changed(SAMPLE, **{field: value}))
    assert (anomaly.code.id, anomaly.values["reason"]) == ("FMT-003", reason)
    assert (anomaly.place.line, anomaly.place.start, anomaly.place.end) == (7, *columns)


def test_two_faults_whose_lengths_make_up_for_each_other_are_both_seen() -> None:
    with pytest.raises(AnomaliesFound) as caught:
        encode(changed(SAMPLE, units=1000, code="123456"))
    assert [a.values["zone"] for a in caught.value.anomalies] == ["Code", "Unités"]


def test_a_personal_value_is_masked() -> None:
    anomaly = _refused(changed(SAMPLE, name="LE NOM DE QUELQU UN"))
    assert anomaly.values["value"] == "***"
    assert "QUELQU" not in str(anomaly)


def test_a_shifted_record_quotes_nothing() -> None:
    """A byte too many puts a name under the neighbour's heading."""
    found = layout(Sample).explain(b"X" + LINE[:-1], Place())
    assert {anomaly.values["value"] for anomaly in found} == {"***"}


def test_texts_become_upper_case_ascii() -> None:
    assert plain("Élodie d'Arc-Œuvre, n° 3") == "ELODIE D ARC OEUVRE  NO 3"
    assert encode(changed(SAMPLE, name="Hélène-K"))[2:12] == b"HELENE K  "
    assert encode(changed(SAMPLE, code="42"))[12:16] == b"0042"


def test_latin_1_blanks_are_neither_digits_nor_blanks() -> None:
    """0x85 and 0xA0 fool splitlines and rstrip, 0xB2 fools isdigit."""
    for fooling in (0x85, 0xA0, 0xB2):
        for column in (11, 17):
            raw = LINE[:column] + bytes([fooling]) + LINE[column + 1 :]
            assert layout(Sample).read(raw) is None
    assert not {0x85, 0xA0} & LATIN.allowed


def test_bulk_writing_reports_every_record() -> None:
    bad = changed(SAMPLE, units=-1)
    with pytest.raises(AnomaliesFound) as caught:
        encode_all([SAMPLE, bad, SAMPLE, bad])
    assert [a.place.line for a in caught.value.anomalies] == [2, 4]
    assert encode_all([SAMPLE, SAMPLE]) == LINE * 2


def test_an_unknown_or_missing_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="units"):
        Sample(name="X", price_cents=1, done_on=date(2026, 1, 1))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="colour"):
        Sample(name="X", units=1, price_cents=1, done_on=date(2026, 1, 1), colour="red")  # type: ignore[call-arg]


def test_a_table_that_does_not_add_up_is_refused_at_import() -> None:
    with pytest.raises(TypeError, match="starts at 4, expected 3"):

        @record("troué", 4, PLAIN)
        class Gap:
            a: str = text(1, 2, S, "a")
            b: str = text(4, 1, S, "b")

    with pytest.raises(TypeError, match="starts at 2, expected 3"):

        @record("recouvert", 4, PLAIN)
        class Overlap:
            a: str = text(1, 2, S, "a")
            b: str = text(2, 3, S, "b")

    with pytest.raises(TypeError, match="ends at 3, expected 4"):

        @record("court", 4, PLAIN)
        class Short:
            a: str = text(1, 3, S, "a")

    with pytest.raises(TypeError, match="annotated"):

        @record("mal typé", 3, PLAIN)
        class Mistyped:
            a: str = number(1, 3, S, "a")


def test_days_have_an_explicit_window() -> None:
    @record("jours", 12, PLAIN)
    class Days:
        old: date = day(1, S, "ancien", century=1970)
        new: date = day(7, S, "récent")

    assert decode(Days, b"700101690101") == Days(old=date(1970, 1, 1), new=date(2069, 1, 1))
    assert decode(Days, b"690101700101") == Days(old=date(2069, 1, 1), new=date(2070, 1, 1))


def test_guesses_can_be_listed() -> None:
    guessed = {zone.name for zone in zones(RECORDS["4F"]) if zone.mark.value == "G"}
    assert {"kind", "first_day", "last_day"} <= guessed
    kinds = {zone.kind for zone in zones(Sample)}
    assert kinds == set(Kind)

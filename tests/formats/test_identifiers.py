"""Keys, against published examples and the whole LPP list."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from formats.common.anomaly import Place
from formats.common.identifiers import (
    ALL,
    Identifier,
    finess,
    finess_b2,
    iban,
    lpp,
    nir,
    rpps,
    siren,
    siret,
)

CODES = Path(__file__).parents[1] / "data" / "lpp" / "codes.txt.gz"

GOOD = [
    (nir, "1370476243484 15"),  # homecare facts §3
    (nir, "1891275125012 82"),
    (nir, "190102A004123 85"),  # Corsica
    (nir, "285052B033001 61"),
    (nir, "1 80 01 75 056 001 03"),
    (finess, "752600015"),
    (finess, "2A0002689"),
    (finess, "200102689"),  # the same, as B2 writes it
    (rpps, "10001234565"),
    (siren, "732 829 320"),
    (siret, "732 829 320 00074"),
    (siret, "35600000049837"),  # La Poste: sum of digits multiple of 5
    (lpp, "1136581"),
    (iban, "FR76 3000 6000 0112 3456 7890 189"),
]


@pytest.mark.parametrize(("identifier", "text"), GOOD)
def test_published_examples_are_valid(identifier: Identifier, text: str) -> None:
    assert identifier.check(text) is None
    assert identifier.is_valid(text)


@pytest.mark.parametrize(("identifier", "text"), GOOD)
def test_a_changed_key_is_refused(identifier: Identifier, text: str) -> None:
    number = identifier.compact(text)
    at = 3 if identifier is iban else len(number) - 1
    changed = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
    anomaly = identifier.check(changed, Place("essai", 3))
    assert anomaly is not None
    assert (anomaly.code.id, anomaly.place) == ("FMT-022", Place("essai", 3))


@pytest.mark.parametrize(("identifier", "text"), GOOD)
def test_keys_are_computed(identifier: Identifier, text: str) -> None:
    body, key = identifier.split(identifier.compact(text))
    if "35600000049837" not in text:
        assert identifier.key(body) == key


@pytest.mark.parametrize("identifier", ALL, ids=lambda i: i.name)
@pytest.mark.parametrize("text", ["", " ", "A", "١٢٣٤٥٦٧", "1" * 40, "12345678\n", "²" * 9])
def test_other_shapes_are_refused(identifier: Identifier, text: str) -> None:
    anomaly = identifier.check(text)
    assert anomaly is not None
    assert anomaly.code.id == "FMT-021"


def test_persons_are_never_quoted() -> None:
    for identifier, text in ((nir, "180017505600104"), (iban, "FR7730006000011234567890189")):
        assert text not in str(identifier.check(text))
        assert "***" in str(identifier.check(text))
    assert "1234567" in str(lpp.check("1234567"))


def test_every_published_lpp_code_is_valid() -> None:
    codes = gzip.decompress(CODES.read_bytes()).split()
    assert len(codes) == 19_717
    assert all(lpp.is_valid(code.decode()) for code in codes)


def test_the_seventh_digit_of_1136581() -> None:
    """2·1 + 3·1 + 4·3 + 5·6 + 6·5 + 7·8 = 133; 133 mod 11 = 1."""
    assert lpp.key("113658") == "1"


def test_corsican_finess_in_b2() -> None:
    assert finess_b2("2A0002689") == "200102689"
    assert finess_b2("2B0000020") == "200200020"
    assert finess_b2("752600015") == "752600015"

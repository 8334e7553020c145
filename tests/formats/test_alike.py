"""Anomalies that say the same are told once."""

from __future__ import annotations

from formats.common.alike import by_code, identical
from formats.common.anomaly import Anomaly, Place
from formats.common.identifiers import KEY


def wrong(line: int, value: str = "123") -> Anomaly:
    """A SIREN whose key is wrong, on a line."""
    return Anomaly(KEY, Place("c.csv", line), {"identifier": "SIREN", "value": value})


def test_one_alone_is_told_as_ever() -> None:
    assert [str(group) for group in identical([wrong(2)])] == [str(wrong(2))]


def test_the_same_sentence_is_told_once_with_its_first_places() -> None:
    (group,) = identical(wrong(line) for line in range(2, 12))
    assert str(group) == (
        "FMT-022 (× 10) c.csv, ligne 2 ; c.csv, ligne 3 ; c.csv, ligne 4 … et 7 autres :"
        " La clé du SIREN « 123 » est fausse."
        " Relisez le numéro sur un document d'origine : un chiffre est sans doute faux."
    )


def test_by_code_keeps_the_first_sentences() -> None:
    assert len(identical([wrong(2), wrong(3, "456")])) == 2
    (group,) = by_code([wrong(2), wrong(3, "456")])
    assert group.as_json()["examples"] == [
        "c.csv, ligne 2 : La clé du SIREN « 123 » est fausse.",
        "c.csv, ligne 3 : La clé du SIREN « 456 » est fausse.",
    ]
    assert group.count == 2

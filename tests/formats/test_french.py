"""Sentences agree with their numbers."""

from __future__ import annotations

from datetime import date

import pytest

from formats.common.french import agreed, counted, plural


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "lot refusé attend"), (1, "lot refusé attend"), (2, "lots refusés attendent")],
)
def test_zero_and_one_are_singular(count: int, words: str) -> None:
    assert plural("lot(s) refusé(s) attend(ent)", count) == words
    assert counted(count, "lot(s) refusé(s) attend(ent)") == f"{count} {words}"


def test_each_mark_follows_the_number_before_it() -> None:
    told = agreed(
        "Le {day:%d/%m} : {made} lot(s) fait(s), {refused} refusé(s)",
        day=date(2026, 3, 31),
        made=1,
        refused=2,
    )
    assert told == "Le 31/03 : 1 lot fait, 2 refusés"


def test_a_value_stays_as_it_is() -> None:
    assert agreed("{count} ligne(s) dans « {file} »", count=1, file="a(s).csv") == (
        "1 ligne dans « a(s).csv »"
    )


def test_a_slot_without_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        agreed("{count} lot(s)")

"""A tariff has one value a day, or none, and periods are cut where it changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from billing.tariff import Dated, DatedValues, always
from formats.common.anomaly import AnomaliesFound

JULY = date(2019, 7, 1)
OLD = Dated(date(2018, 1, 1), Decimal("13.20"), "pharmaciens13", until=JULY)
NEW = Dated(JULY, Decimal("12.60"), "pharmaciens13")
BED = DatedValues((OLD, NEW))


@pytest.mark.parametrize(
    ("day", "dated"),
    [
        (date(2017, 12, 31), None),
        (date(2018, 1, 1), OLD),
        (date(2019, 6, 30), OLD),
        (date(2019, 7, 1), NEW),
        (date(2050, 1, 1), NEW),
    ],
)
def test_value_on_a_day(day: date, dated: object) -> None:
    assert BED.on(day) == dated


def test_no_value_after_the_end_of_the_last() -> None:
    assert DatedValues((OLD,)).on(JULY) is None


def test_a_period_is_cut_where_the_tariff_changes() -> None:
    pieces = BED.split(date(2019, 6, 24), date(2019, 7, 8))
    assert [(p.since, p.until, p.dated.value) for p in pieces] == [
        (date(2019, 6, 24), JULY, Decimal("13.20")),
        (JULY, date(2019, 7, 8), Decimal("12.60")),
    ]


def test_an_empty_period_has_no_piece() -> None:
    assert BED.split(date(2000, 1, 1), date(2000, 1, 1)) == ()


@pytest.mark.parametrize("since", [date(2017, 12, 31), date(2000, 1, 1)])
def test_a_period_without_value_is_refused(since: date) -> None:
    with pytest.raises(AnomaliesFound, match="CAR-003"):
        BED.split(since, date(2018, 1, 1))


def _steps(*bounds: tuple[int, int | None]) -> tuple[Dated[int], ...]:
    return tuple(
        Dated(date(2025, 1, since), since, "essai", until and date(2025, 1, until))
        for since, until in bounds
    )


@pytest.mark.parametrize(
    ("bounds", "codes"),
    [
        (((1, 5), (6, None)), ["CAR-001"]),
        (((1, 5), (4, None)), ["CAR-002"]),
        (((1, None), (4, None)), ["CAR-002"]),
        (((4, None), (1, None)), ["CAR-002"]),
        (((5, 5),), ["CAR-004"]),
        (((1, 3), (4, 6), (5, None)), ["CAR-001", "CAR-002"]),
    ],
)
def test_gaps_and_overlaps_are_refused_all_at_once(
    bounds: tuple[tuple[int, int | None], ...], codes: list[str]
) -> None:
    with pytest.raises(AnomaliesFound) as caught:
        DatedValues(_steps(*bounds))
    assert [anomaly.code.id for anomaly in caught.value.anomalies] == codes
    assert all(anomaly.sentence for anomaly in caught.value.anomalies)


def test_one_value_for_ever() -> None:
    rate = always(Decimal(60), date(2011, 5, 2), "essai").on(date(2026, 1, 1))
    assert rate is not None
    assert rate.value == 60

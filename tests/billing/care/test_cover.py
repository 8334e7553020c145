"""Exactly one AMO cover and at most one paying AMC contract on a day."""

from __future__ import annotations

from datetime import date

import pytest

from billing.care import engines
from billing.care.cover import CoverAMC, CoverAMO, FormulaCode, InsuranceNature, amc_on, amo_on
from formats.common.anomaly import Anomaly
from tests.billing.care.samples import D, amc, amo, facts, item

NEW_YEAR = date(2025, 1, 1)


def _code(found: CoverAMO | CoverAMC | Anomaly | None) -> str:
    assert isinstance(found, Anomaly)
    assert found.sentence
    return found.code.id


@pytest.mark.parametrize("day", [date(2014, 12, 31), NEW_YEAR])
def test_no_cover_outside_its_half_open_period(day: date) -> None:
    covers = [amo(until=NEW_YEAR)]
    assert _code(amo_on(covers, day, InsuranceNature.SICKNESS)) == "CAR-010"


def test_the_cover_in_force_is_chosen() -> None:
    old, new = amo(until=NEW_YEAR), amo(since=NEW_YEAR, fund="131")
    assert amo_on([new, old], date(2024, 12, 31), InsuranceNature.SICKNESS) is old
    assert amo_on([new, old], NEW_YEAR, InsuranceNature.SICKNESS) is new


def test_a_work_accident_runs_beside_the_ordinary_cover() -> None:
    accident = amo(nature=InsuranceNature.WORK_ACCIDENT)
    covers = [amo(), accident]
    assert amo_on(covers, NEW_YEAR, InsuranceNature.WORK_ACCIDENT) is accident


def test_overlapping_covers_are_reported() -> None:
    found = amo_on([amo(), amo(fund="131")], NEW_YEAR, InsuranceNature.SICKNESS)
    assert _code(found) == "CAR-011"
    assert _code(amc_on([amc(), amc(number="75000001")], NEW_YEAR)) == "CAR-012"


def test_an_amc_without_third_party_pays_us_nothing() -> None:
    assert amc_on([amc(third_party=False)], NEW_YEAR) is None
    assert amc_on([amc(third_party=False), amc(number="75000001")], NEW_YEAR) is not None
    assert amc_on([], NEW_YEAR) is None


@pytest.mark.feature("Q-DOS-07")
def test_an_amc_contract_by_period_with_its_formula() -> None:
    full = amc(until=date(2025, 3, 17))
    half = amc(FormulaCode.PERCENT_TM, percent="50", since=date(2025, 3, 17))
    first, second = engines.rate(item(), facts(amc=(half, full))).lines
    assert (first.quantity, first.part_amc, first.part_patient) == (2, D("10.08"), 0)
    assert (second.quantity, second.part_amc, second.part_patient) == (2, D("5.04"), D("5.04"))
    assert (first.amc, second.amc) == (full, half)


def test_the_member_number_is_never_shown() -> None:
    assert "0001" not in repr(amc())

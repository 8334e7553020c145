"""Formulas F0–F7 and the table of rates, row by row."""

from __future__ import annotations

from datetime import date

import pytest

from billing.care.cover import Formula, FormulaCode, InsuranceNature, Situation
from billing.care.split import (
    COMPLEMENTS,
    RATES,
    ShareTerms,
    SplitRounding,
    complement_on,
    grounds,
    rate_on,
    split,
)
from formats.common.anomaly import Anomaly
from tests.billing.care.samples import D, amo

DAY = date(2025, 3, 3)


@pytest.mark.parametrize(
    ("formula", "part_amc"),
    [
        (Formula(FormulaCode.NONE), "0.00"),
        (Formula(FormulaCode.FULL_TM), "40.00"),
        (Formula(FormulaCode.PERCENT_TM, percent=D(50)), "20.00"),
        (Formula(FormulaCode.PERCENT_BASE_AMO_INCLUDED, percent=D(100)), "40.00"),
        (Formula(FormulaCode.PERCENT_BASE_AMO_INCLUDED, percent=D(50)), "0.00"),
        (Formula(FormulaCode.PERCENT_BASE_ON_TOP, percent=D(50)), "50.00"),
        (Formula(FormulaCode.PERCENT_BASE_ON_TOP, percent=D(100)), "90.00"),
        (Formula(FormulaCode.FIXED, fixed=D("12.34")), "12.34"),
        (Formula(FormulaCode.FIXED, fixed=D("500.00")), "90.00"),
        (Formula(FormulaCode.TM_AND_FIXED, fixed=D("30.00")), "70.00"),
        (Formula(FormulaCode.TM_AND_FIXED, fixed=D("60.00")), "90.00"),
        (Formula(FormulaCode.REAL_COST), "90.00"),
    ],
)
def test_formula_on_150_at_a_tariff_of_100(formula: Formula, part_amc: str) -> None:
    shares = split(D("150.00"), D(1), D("100.00"), ShareTerms(D(60), formula))
    assert (shares.base, shares.part_amo) == (D("100.00"), D("60.00"))
    assert (shares.part_amc, shares.part_patient) == (D(part_amc), D("90.00") - D(part_amc))


def test_a_price_below_the_tariff_is_its_own_base() -> None:
    shares = split(D("80.00"), D(1), D("100.00"), ShareTerms(D(60), Formula(FormulaCode.NONE)))
    assert (shares.base, shares.part_amo, shares.part_patient) == (80, 48, 32)


def test_truncation_leaves_exact_shares_alone() -> None:
    truncated = ShareTerms(D(60), Formula(FormulaCode.FULL_TM), rounding=SplitRounding.TRUNCATE)
    shares = split(D("50.40"), D(1), D("50.40"), truncated)
    assert (shares.part_amo, shares.part_amc, shares.part_patient) == (D("30.24"), D("20.16"), 0)


@pytest.mark.parametrize(
    ("cover", "nature", "exempted", "rate"),
    [
        ({}, "MAD", False, 60),
        ({}, "VEH", False, 100),
        ({}, "ORP", False, 100),
        ({"nature": InsuranceNature.MATERNITY}, "MAD", False, 100),
        ({"nature": InsuranceNature.WORK_ACCIDENT}, "MAD", False, 100),
        ({"nature": InsuranceNature.PREVENTION}, "MAD", False, 60),
        ({"exemption": "MAT"}, "MAD", False, 100),
        ({"exemption": "A115"}, "MAD", False, 100),
        ({"exemption": "13"}, "MAD", False, 100),
        ({"exemption": "LIS"}, "MAD", False, 60),
        ({"exemption": "LIS"}, "MAD", True, 100),
        ({"exemption": "EXC"}, "MAD", True, 100),
        ({"exemption": "EXP"}, "MAD", True, 100),
        ({"exemption": "L324"}, "MAD", True, 60),
        ({"situations": frozenset({Situation.ALD})}, "MAD", True, 100),
        ({"situations": frozenset({Situation.ALD})}, "MAD", False, 60),
        ({"situations": frozenset({Situation.C2S})}, "MAD", False, 60),
        ({"situations": frozenset({Situation.AME})}, "MAD", False, 100),
        ({"situations": frozenset({Situation.LOCAL_SCHEME})}, "MAD", False, 90),
        ({"situations": frozenset({Situation.LOCAL_SCHEME})}, "VEH", False, 100),
    ],
)
def test_the_highest_rate_that_holds(
    cover: dict[str, object], nature: str, exempted: bool, rate: int
) -> None:
    fund = amo(**cover)
    assert rate_on(RATES, grounds(fund, nature, exempted), fund, DAY) == rate


def test_no_rate_before_the_table_begins() -> None:
    found = rate_on(RATES, grounds(amo(), "MAD", False), amo(), date(2011, 5, 1))
    assert isinstance(found, Anomaly)
    assert found.code.id == "CAR-031"
    assert "01/05/2011" in found.sentence


@pytest.mark.parametrize(("nature", "percent"), [("41", 50), ("10", 0)])
def test_only_work_accidents_have_a_complement(nature: str, percent: int) -> None:
    fund = amo(nature=InsuranceNature(nature))
    assert complement_on(COMPLEMENTS, grounds(fund, "MAD", False), DAY) == percent


def test_every_rate_names_its_source_and_mark() -> None:
    for table in (RATES, COMPLEMENTS):
        sources = [step.source for values in table.values() for step in values.steps]
        assert all("§2.1" in source and "[" in source for source in sources)


@pytest.mark.parametrize(
    ("base", "rate", "rounding", "amo", "tm"),
    [
        ("10.01", 65, SplitRounding.HALF_UP, "6.51", "3.50"),
        ("10.01", 65, SplitRounding.TRUNCATE, "6.50", "3.50"),
        ("10.05", 65, SplitRounding.TRUNCATE, "6.53", "3.51"),
        ("431.86", 60, SplitRounding.TRUNCATE, "259.11", "172.74"),
        ("431.86", 60, SplitRounding.HALF_UP, "259.12", "172.74"),
        ("0.01", 60, SplitRounding.TRUNCATE, "0.00", "0.00"),
        ("100.00", 100, SplitRounding.TRUNCATE, "100.00", "0.00"),
    ],
)
def test_amo_and_co_payment_to_the_cent(
    base: str, rate: int, rounding: SplitRounding, amo: str, tm: str
) -> None:
    terms = ShareTerms(D(rate), Formula(FormulaCode.FULL_TM), rounding=rounding)
    shares = split(D(base), D(1), D(base), terms)
    assert (shares.part_amo, shares.part_amc) == (D(amo), D(tm))
    assert shares.part_patient == D(base) - D(amo) - D(tm)


def test_each_rate_begins_on_2_may_2011_and_names_its_source() -> None:
    starts, sources = date(2011, 5, 2), set()
    for table in (RATES, COMPLEMENTS):
        for values in table.values():
            (step,) = values.steps
            assert (step.since, step.until) == (starts, None)
            assert step.source.startswith("homecare_facts.md §2.1 ")
            assert step.source.endswith(", début [M]")
            sources.add(step.source)
    assert "homecare_facts.md §2.1 taux général LPP [S], début [M]" in sources
    assert len(sources) >= len(RATES) - 1  # two grounds share "grand appareillage"


def test_without_rate_on_a_day_or_for_an_exemption_it_says_so() -> None:
    early = date(2011, 5, 1)
    none = rate_on(RATES, grounds(amo(), "MAD", False), amo(), early)
    assert isinstance(none, Anomaly)
    assert (none.code.id, none.sentence) == (
        "CAR-031", "Aucun taux de prise en charge n'est connu le 01/05/2011.",
    )  # fmt: skip
    assert rate_on(RATES, grounds(amo(), "MAD", False), amo(), date(2011, 5, 2)) == 60
    odd = amo(exemption="ZZZ")
    unknown = rate_on(RATES, grounds(odd, "MAD", True), odd, DAY)
    assert isinstance(unknown, Anomaly)
    assert (unknown.code.id, unknown.sentence) == (
        "CAR-030", "L'exonération ZZZ n'a pas de taux le 03/03/2025.",
    )  # fmt: skip
    related = amo(exemption="LIS")
    assert rate_on(RATES, grounds(related, "MAD", False), related, DAY) == 60
    assert rate_on(RATES, grounds(related, "MAD", True), related, DAY) == 100

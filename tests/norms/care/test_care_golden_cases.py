"""Golden cases of the facts page (§2.4), figures as printed there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.care import engines
from billing.care.cover import (
    FULL_TM,
    NO_FORMULA,
    Formula,
    FormulaCode,
    InsuranceNature,
    Situation,
)
from billing.care.invoice import shape
from billing.care.nomenclature import engine_for
from billing.care.pricing import CareRules, ExcessRule
from billing.care.split import ShareTerms, SplitRounding, split
from tests.billing.care.samples import (
    D,
    amo,
    bed_and_delivery,
    codes,
    entry,
    facts,
    item,
    prescription,
)

NORMAL = ShareTerms(D(60), FULL_TM)


def _shares(**changes: object) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    rated = bed_and_delivery(**changes)
    assert rated.anomalies == ()
    (invoice,) = shape(rated.lines)
    return (
        invoice.total,
        invoice.part_amo.amount,
        invoice.part_amc.amount,
        invoice.part_patient.amount,
    )


def test_case_1_bed_four_weeks_and_delivery() -> None:
    bed, delivery = bed_and_delivery().lines
    assert (bed.quantity, bed.unit_price, bed.total) == (4, D("12.60"), D("50.40"))
    assert (bed.part_amo, bed.part_amc) == (D("30.24"), D("20.16"))
    assert (delivery.part_amo, delivery.part_amc) == (D("138.00"), D("92.00"))
    assert _shares() == (D("280.40"), D("168.24"), D("112.16"), 0)


def test_case_2_ald() -> None:
    shares = _shares(amo=(amo(exemption="LIS"),), exempted=True)
    assert shares == (D("280.40"), D("280.40"), 0, 0)


def test_case_2_care_without_relation_to_the_ald_keeps_the_normal_rate() -> None:
    assert _shares(amo=(amo(exemption="LIS"),)) == (D("280.40"), D("168.24"), D("112.16"), 0)


def test_case_3_alsace_moselle() -> None:
    local = amo(situations=frozenset({Situation.LOCAL_SCHEME}))
    bed, delivery = bed_and_delivery(amo=(local,)).lines
    assert (bed.part_amo, delivery.part_amo) == (D("45.36"), D("207.00"))
    assert (bed.part_amc, delivery.part_amc) == (D("5.04"), D("23.00"))
    assert _shares(amo=(local,)) == (D("280.40"), D("252.36"), D("28.04"), 0)


def test_case_4_no_amc() -> None:
    assert _shares(amc=()) == (D("280.40"), D("168.24"), 0, D("112.16"))


@pytest.mark.parametrize(
    ("formula", "part_amc", "part_patient"),
    [
        (FULL_TM, "7.51", "16.23"),
        (Formula(FormulaCode.PERCENT_BASE_AMO_INCLUDED, percent=D(150)), "16.90", "6.84"),
        (Formula(FormulaCode.PERCENT_BASE_AMO_INCLUDED, percent=D(200)), "23.74", "0.00"),
    ],
)
def test_case_5_price_above_the_tariff(formula: Formula, part_amc: str, part_patient: str) -> None:
    shares = split(D("35.00"), D(1), D("18.77"), ShareTerms(D(60), formula))
    assert shares.part_amo == D("11.26")
    assert (shares.part_amc, shares.part_patient) == (D(part_amc), D(part_patient))


def test_case_6_c2s_forbids_the_excess() -> None:
    cushion = entry("18.77")
    c2s = (amo(situations=frozenset({Situation.C2S})),)
    dear = item(cushion, price_ttc=D("35.00"))
    refused = engines.rate(dear, facts(cushion, amo=c2s, amc=()))
    assert (refused.lines, codes(refused)) == ((), ["CAR-042"])
    capping = CareRules(excess=ExcessRule.CAPPED)
    (line,) = engines.rate(dear, facts(cushion, amo=c2s, amc=(), rules=capping)).lines
    assert (line.total, line.part_amo, line.part_amc) == (D("18.77"), D("11.26"), D("7.51"))
    assert line.part_patient == 0


def test_case_7_work_accident_complement() -> None:
    cushion = entry("18.77")
    accident = InsuranceNature.WORK_ACCIDENT
    rated = engines.rate(
        item(cushion, price_ttc=D("35.00")),
        facts(
            cushion,
            amo=(amo(nature=accident),),
            amc=(),
            prescriptions=(prescription(nature=accident),),
        ),
    )
    line, complement = rated.lines
    assert (line.nature, line.part_amo, line.part_patient) == ("MAD", D("18.77"), D("6.84"))
    assert (complement.nature, complement.part_amo) == ("ATL", D("9.39"))
    assert line.total + complement.total == D("35.00")


def test_case_10_old_ppc_package() -> None:
    shares = split(D("21.00"), D(4), D("21.00"), NORMAL)
    assert (shares.total, shares.part_amo, shares.part_amc) == (
        D("84.00"),
        D("50.40"),
        D("33.60"),
    )


def test_case_11_ours() -> None:
    shares = split(D("431.87"), D(1), D("431.87"), NORMAL)
    assert (shares.part_amo, shares.part_amc) == (D("259.12"), D("172.75"))
    assert shares.part_patient == 0


def test_case_11_as_the_seed_prints_it() -> None:
    truncated = ShareTerms(D(60), FULL_TM, rounding=SplitRounding.TRUNCATE)
    shares = split(D("431.87"), D(1), D("431.87"), truncated)
    assert (shares.part_amo, shares.part_amc) == (D("259.12"), D("172.74"))
    assert shares.part_patient == D("0.01")


def test_three_lines_are_not_one_line_of_three() -> None:
    alone = split(D("1.22"), D(1), D("1.22"), ShareTerms(D(60), NO_FORMULA))
    together = split(D("1.22"), D(3), D("1.22"), ShareTerms(D(60), NO_FORMULA))
    assert 3 * alone.part_amo == D("2.19")
    assert together.part_amo == D("2.20")


@pytest.mark.parametrize(
    ("case", "code", "attributes", "engine"),
    [
        (8, "1176882", ("S", "FORFAIT", "PERFADOM"), "perfadom"),
        (9, "1298680", ("L", "SEMAINE", "VHP", "VHP_1ACC"), "degressive"),
        (10, "1113930", ("S", "SEMAINE", "PPC"), "ppc"),
        (12, "1143279", ("S", "SEMAINE", "PERFADOM"), "perfadom"),
    ],
)
def test_cases_of_other_engines_are_reported_not_billed(
    case: int, code: str, attributes: tuple[str, ...], engine: str
) -> None:
    other = entry("100.00", engine=engine_for(*attributes), code=code, type_letter=attributes[0])
    rated = engines.rate(item(other), facts(other))
    assert (rated.lines, codes(rated)) == ((), ["CAR-060"]), case
    assert rated.anomalies[0].sentence == (
        f"Moteur absent : le code {code} demande le moteur « {engine} »."
    )

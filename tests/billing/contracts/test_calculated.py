"""Calculated meters: when they have a value, and why they haven't (contracts.md §3; 004)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from billing.contracts.calculated import Gap, faults, history_of
from billing.contracts.contract import Rule
from billing.contracts.formula import parse
from billing.contracts.noncumulative import Calculation
from billing.contracts.reading import Calculated, Meter, Origin, Regime
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.money import Rounding
from tests.billing.contracts.build import (
    JANUARY,
    Readings,
    amounts,
    asset,
    codes,
    copies,
    only,
    readings,
    replace,
    run,
)

MARCH, WORK = date(2026, 3, 25), date(2026, 4, 1)
INSTALLATION, CUSTOMER, PROVIDER = Origin.INSTALLATION, Origin.CUSTOMER, Origin.PROVIDER
NB, CO = Meter(1, 1, "NB", "Noir et blanc"), Meter(2, 1, "CO", "Couleur")


def calculated(formula: str | None, rounding: Rounding = Rounding.STANDARD, **flags: Any) -> Meter:
    """Meter 9 of asset 1 over NB and CO, as far as its formula names them."""
    found = parse(formula) if formula else None
    operands = tuple(one for one in (NB, CO) if formula and one.code in formula)
    return Meter(
        9, 1, "CALC", "Calculé", calculation=Calculated(found, rounding, operands), **flags
    )


def rule(meter: Meter, **changes: Any) -> Rule:
    return copies("10.00", meters=(meter,), assets=(asset(1),), **changes)


def known(nb: int | None, co: int | None = None, origin: Origin = PROVIDER) -> Readings:
    """Both installed at 0, read on 25 March."""
    return {
        one.id: readings(
            (JANUARY, 0, INSTALLATION),
            *([] if value is None else [(MARCH, value, origin)]),
            meter=one.id,
        )
        for one, value in ((NB, nb), (CO, co))
    }


@pytest.mark.parametrize(
    ("rounding", "units"), [(Rounding.STANDARD, 18), (Rounding.UP, 18), (Rounding.DOWN, 17)]
)
def test_billed_by_the_thousand(rounding: Rounding, units: int) -> None:
    """Technical / 1000: 17 500 copies at a thousand times the price of one."""
    rating = run(rule(calculated("NB / 1000", rounding)), WORK, known(17_500))
    (line,) = only(rating).lines
    assert (line.quantity, amounts(rating)) == (units, [f"{units * 10}.00"])
    assert line.details == (f"Calculé : relevé prestataire du 25/03/2026, {units}",)


def test_two_meters_of_one_day_are_added() -> None:
    rating = run(rule(calculated("NB + 2 * CO")), WORK, known(100, 20, CUSTOMER))
    assert only(rating).lines[0].quantity == 140
    assert "relevé client" in only(rating).lines[0].details[0]


def test_a_calculated_meter_may_rest_on_another() -> None:
    inner = calculated("NB / 10")
    outer = Meter(
        8, 1, "X", "X", calculation=Calculated(parse("CALC * 3"), Rounding.STANDARD, (inner,))
    )
    assert [r.value for r in history_of(outer, known(126)).readings] == [0, 39]  # 13 × 3


@pytest.mark.feature("A-NCU-13")
def test_a_calculated_meter_without_formula_is_an_anomaly_naming_meter_and_asset() -> None:
    rating = run(rule(calculated(None)), WORK, known(17_500))
    (anomaly,) = rating.anomalies
    assert anomaly.code.id == "RAT-143"
    assert anomaly.sentence == (
        "La grandeur calculée « Calculé » du bien « B1 » n'a pas de formule."
    )


def test_an_operand_left_unread_is_an_anomaly_not_an_estimate() -> None:
    for regime in Regime:
        rating = run(rule(calculated("NB + CO"), regime=regime), WORK, known(100, None, CUSTOMER))
        (anomaly,) = rating.anomalies
        assert anomaly.code.id == "RAT-144"
        assert anomaly.sentence == (
            "La grandeur calculée « Calculé » du bien « B1 » n'a pas de valeur : pas de relevé de"
            " « Couleur » le 25/03/2026."
        )


def test_a_division_by_zero_and_a_negative_counter_are_anomalies() -> None:
    zero = run(rule(calculated("CO / NB")), WORK, known(0, 5))
    assert zero.anomalies[0].sentence == (
        "La formule de la grandeur « Calculé » du bien « B1 » ne donne pas de compteur : division"
        " par zéro le 25/03/2026."
    )
    negative = run(rule(calculated("NB - CO")), WORK, known(5, 7))
    assert (codes(negative), negative.anomalies[0].values["cause"]) == (
        ["RAT-145"], "-2 le 25/03/2026",
    )  # fmt: skip


def test_without_any_reading_it_is_estimated_from_its_own_history() -> None:
    given = known(None)
    given[1] += readings((date(2026, 1, 11), 10_000, PROVIDER))  # type: ignore[operator]
    rated = only(run(rule(calculated("NB / 1000")), WORK, given))
    assert [(one.meter_id, one.value) for one in rated.estimates] == [(9, 90)]  # 10 in 10 days


def test_a_replaced_operand_gives_a_takeover_and_an_installation() -> None:
    day = date(2026, 2, 10)
    given = known(300, 30)
    given[1][1:1] = readings((day, 1000, Origin.TAKEOVER), (day, 0, INSTALLATION))  # type: ignore[index]
    given[2][1:1] = readings((day, 10, CUSTOMER))  # type: ignore[index]
    told = [(r.origin.value, r.value) for r in history_of(calculated("NB + CO"), given).readings]
    assert told == [
        ("installation", 0), ("takeover", 1010), ("installation", 10), ("provider", 330),
    ]  # fmt: skip
    (line,) = only(run(rule(calculated("NB + CO")), WORK, given)).lines
    assert line.quantity == 1010 + (330 - 10)


def test_a_gap_on_the_day_of_a_change_is_told() -> None:
    given = {1: readings((JANUARY, 0, INSTALLATION)), 2: []}
    history = history_of(calculated("NB + CO"), given)
    (gap,) = history.gaps
    assert isinstance(gap, Gap)
    assert (gap.on, gap.cause) == (JANUARY, "pas de relevé de « Couleur » le 01/01/2026")


def test_a_function_of_a_period_takes_calculated_readings() -> None:
    units = ConsumedUnits(calculation=Calculation.SUM)
    meter = calculated("NB / 10", cumulative=False)
    unread = run(rule(meter, units=units), date(2026, 2, 1), known(None))
    assert codes(unread) == ["RAT-101"]  # where it begins is no reading of its period
    january = {1: readings((date(2026, 1, 5), 104, PROVIDER), (date(2026, 1, 20), 206, PROVIDER))}
    rating = run(rule(meter, units=units), date(2026, 2, 1), january)
    assert only(rating).lines[0].quantity == 10 + 21
    both = replace(meter, calculation=calculated("NB + CO").calculation)
    assert codes(run(rule(both, units=units), date(2026, 2, 1), january)) == ["RAT-144"]


def test_an_ordinary_meter_has_its_stored_readings_and_no_gap() -> None:
    given = known(5)
    assert history_of(NB, given) == (given[1], ())


def test_unknown_operands_and_cycles() -> None:
    sound = {"NB": None, "A": parse("NB / 2"), "B": parse("A + A + NB")}
    assert list(faults(sound)) == []
    unknown = {"A": parse("NB + X")}
    assert [(code, one.id, cause) for code, one, cause in faults(unknown)] == [
        ("A", "RAT-141", "NB"),
        ("A", "RAT-141", "X"),
    ]
    cycle = {"A": parse("B + 1"), "B": parse("C"), "C": parse("A * 2"), "D": parse("A")}
    assert [(code, one.id, cause) for code, one, cause in faults(cycle)] == [
        ("A", "RAT-142", "A → B → C → A"),
        ("B", "RAT-142", "B → C → A → B"),
        ("C", "RAT-142", "C → A → B → C"),
    ]
    assert [cause for _, _, cause in faults({"A": parse("A")})] == ["A → A"]

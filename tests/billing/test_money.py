"""Exact money: rounding, scales and VAT, with the halves that betray half-even."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import (
    BIGINT_MAX,
    Rounding,
    net_of,
    round_price,
    scaled,
    to_cents,
    to_units,
    unscaled,
    vat_of,
)

amounts = st.decimals(-(10**9), 10**9, places=6)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("0.005", "0.01"), ("0.025", "0.03"), ("-0.005", "-0.01"), ("1.0049", "1.00")],
)
def test_halves_of_a_cent_go_away_from_zero(amount: str, cents: str) -> None:
    assert str(to_cents(Decimal(amount))) == cents


@pytest.mark.parametrize(("quantity", "units"), [("821.92", "822"), ("0.5", "1"), ("2.5", "3")])
def test_quantities_round_to_whole_units(quantity: str, units: str) -> None:
    assert str(to_units(Decimal(quantity))) == units


@pytest.mark.parametrize(
    ("rounding", "price"),
    [(Rounding.STANDARD, "1.2592"), (Rounding.UP, "1.2592"), (Rounding.DOWN, "1.2591")],
)
def test_a_price_rounds_as_its_rule_says(rounding: Rounding, price: str) -> None:
    assert str(round_price(Decimal("1.2345") * Decimal("1.02"), 4, rounding)) == price


def test_a_price_rounds_half_up_unless_told() -> None:
    assert round_price(Decimal("0.125"), 2) == Decimal("0.13")


def test_vat_and_net_round_to_the_cent() -> None:
    assert vat_of(Decimal("10.13"), Decimal("0.055")) == Decimal("0.56")
    assert net_of(Decimal("47.40"), Decimal("0.055")) == Decimal("44.93")
    assert net_of(Decimal("120.00"), Decimal("0.20")) == Decimal("100.00")


@pytest.mark.parametrize(("value", "scale"), [("0.001", 2), ("92233720368547758.08", 2)])
def test_nothing_is_cut_on_the_way_to_the_database(value: str, scale: int) -> None:
    with pytest.raises(ValueError, match=rf"^{value} does not fit {scale} decimals$"):
        scaled(Decimal(value), scale)


def test_the_whole_range_of_the_database_fits() -> None:
    assert scaled(Decimal("92233720368547758.07"), 2) == BIGINT_MAX
    assert scaled(Decimal("-92233720368547758.07"), 2) == -BIGINT_MAX


@given(amounts)
def test_scaling_there_and_back_loses_nothing(amount: Decimal) -> None:
    assert unscaled(scaled(amount, 6), 6) == amount


@given(amounts)
def test_rounding_moves_by_half_a_cent_at_most_and_only_once(amount: Decimal) -> None:
    rounded = to_cents(amount)
    assert abs(rounded - amount) <= Decimal("0.005")
    assert to_cents(rounded) == rounded


@given(amounts, st.sampled_from([Decimal("0.055"), Decimal("0.10"), Decimal("0.20")]))
def test_net_and_vat_give_the_gross_back_within_a_cent(gross: Decimal, rate: Decimal) -> None:
    net = net_of(to_cents(gross), rate)
    assert abs(net + vat_of(net, rate) - to_cents(gross)) <= Decimal("0.01")

"""Which units are due, at which tariff, and which code has an engine at all."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.care import engines
from billing.care.nomenclature import engine_for
from billing.care.prescription import ItemKind
from billing.care.pricing import CareRules, Due
from billing.tariff import Dated, DatedValues, always
from tests.billing.care.samples import (
    BED,
    BED_DELIVERY,
    INSTALLED,
    D,
    amo,
    codes,
    entry,
    facts,
    item,
    prescription,
)


def _units(as_of: date, **changes: object) -> tuple[int, ...]:
    rules = changes.pop("rules", CareRules())
    rated = engines.rate(item(**changes), facts(as_of=as_of, rules=rules))
    return tuple(unit for line in rated.lines for unit in line.units)


@pytest.mark.parametrize(
    ("days", "units"), [(-1, ()), (0, ()), (6, ()), (7, (1,)), (13, (1,)), (14, (1, 2))]
)
def test_a_week_is_over_the_day_after_its_last_day(days: int, units: tuple[int, ...]) -> None:
    assert _units(INSTALLED + timedelta(days=days)) == units


@pytest.mark.parametrize(("days", "units"), [(-1, ()), (0, (1,)), (6, (1,)), (7, (1, 2))])
def test_a_week_may_be_billed_when_it_starts(days: int, units: tuple[int, ...]) -> None:
    rules = CareRules(due=Due.STARTED)
    assert _units(INSTALLED + timedelta(days=days), rules=rules) == units


@pytest.mark.parametrize(
    ("until", "units"),
    [
        (date(2025, 3, 3), ()),
        (date(2025, 3, 4), (1,)),
        (date(2025, 3, 10), (1,)),
        (date(2025, 3, 11), (1, 2)),
    ],
)
def test_a_started_week_stays_due(until: date, units: tuple[int, ...]) -> None:
    assert _units(date(2025, 12, 31), until=until) == units


def test_billed_weeks_are_never_billed_again_and_cut_the_line() -> None:
    rated = engines.rate(item(), facts(weeks=6, billed=frozenset({1, 4})))
    assert [line.units for line in rated.lines] == [(2, 3), (5, 6)]
    assert (rated.lines[0].since, rated.lines[0].until) == (date(2025, 3, 10), date(2025, 3, 24))


def test_each_week_takes_the_tariff_of_its_first_day() -> None:
    since = date(2019, 6, 18)
    bed = item(since=since)
    seen = facts(as_of=date(2019, 7, 16), prescriptions=(prescription(since),))
    old, new = engines.rate(bed, seen).lines
    assert (old.units, old.unit_price, old.total) == ((1, 2), D("13.20"), D("26.40"))
    assert (new.units, new.unit_price, new.total) == ((3, 4), D("12.60"), D("25.20"))
    assert new.since == date(2019, 7, 2)


def test_several_pieces_multiply_the_weeks() -> None:
    (line,) = engines.rate(item(quantity=D(2)), facts()).lines
    assert (line.quantity, line.total) == (8, D("100.80"))


def test_a_cover_that_changes_cuts_the_line() -> None:
    march = date(2025, 3, 17)
    covers = (amo(until=march), amo(since=march, fund="131"))
    rated = engines.rate(item(), facts(amo=covers))
    assert [(x.amo.fund, x.quantity) for x in rated.lines] == [("422", 2), ("131", 2)]


def test_every_obstacle_is_reported_at_once() -> None:
    early = item(since=date(2009, 1, 1))
    seen = facts(as_of=date(2009, 2, 1), prescriptions=(prescription(date(2009, 1, 1)),))
    rated = engines.rate(early, seen)
    assert (rated.lines, codes(rated)) == ((), ["CAR-040", "CAR-043", "CAR-010"])


def test_vat_of_a_tax_included_line_is_the_difference() -> None:
    (bed,) = engines.rate(item(), facts(weeks=1)).lines
    assert (bed.total_ht, bed.vat) == (D("10.50"), D("2.10"))
    (delivery,) = engines.rate(item(BED_DELIVERY), facts(BED_DELIVERY)).lines
    assert (delivery.total_ht, delivery.vat) == (D("191.67"), D("38.33"))


@pytest.mark.feature("Q-FAC-03")
@pytest.mark.parametrize(
    ("sold_on", "rate", "vat"),
    [(date(2020, 3, 23), D("20") / 100, "1.67"), (date(2020, 3, 24), D("5.5") / 100, "0.52")],
)
def test_a_mask_takes_the_vat_of_the_day_it_is_sold(sold_on: date, rate: Decimal, vat: str) -> None:
    covid = date(2020, 3, 24)
    rates = DatedValues(
        (
            Dated(date(2014, 1, 1), D("0.20"), "CGI 278", until=covid),
            Dated(covid, D("0.055"), "CGI 278-0 bis K bis"),
        )
    )
    mask = entry("10.00", code="", nature="DVO")
    sold = item(mask, since=sold_on)
    seen = facts(mask, vat=rates, prescriptions=(prescription(sold_on),))
    (line,) = engines.rate(sold, seen).lines
    assert (line.vat_rate, line.vat) == (rate, D(vat))


def test_a_purchase_is_billed_once_for_its_whole_quantity() -> None:
    dressing = entry("3.99", code="1306155", nature="PAN")
    (line,) = engines.rate(item(dressing, quantity=D(3)), facts(dressing, weeks=0)).lines
    assert (line.quantity, line.total, line.part) == (3, D("11.97"), "purchase")
    assert (line.since, line.until) == (INSTALLED, INSTALLED + timedelta(days=1))
    billed = facts(dressing, billed=frozenset({1}))
    assert engines.rate(item(dressing), billed).lines == ()


def test_nothing_is_billed_before_it_is_handed_over() -> None:
    dressing = entry("3.99")
    rated = engines.rate(item(dressing), facts(dressing, weeks=-1))
    assert rated.lines == ()


def test_one_delivery_package_a_placement_whatever_the_pieces() -> None:
    (line,) = engines.rate(item(BED_DELIVERY, quantity=D(2)), facts(BED_DELIVERY)).lines
    assert (line.quantity, line.total) == (1, D("230.00"))


def test_an_item_without_code_is_billed_by_its_nature() -> None:
    aerosol = entry("25.00", code="", nature="ARO")
    (line,) = engines.rate(item(aerosol), facts(aerosol)).lines
    assert (line.lpp_code, line.nature, line.part_amo) == ("", "ARO", D("15.00"))


def test_a_price_above_the_limit_is_reported() -> None:
    limited = entry("18.77", price_limits=always(D("20.00"), date(2015, 1, 1), "essai"))
    assert codes(engines.rate(item(limited, price_ttc=D("20.01")), facts(limited))) == ["CAR-041"]
    (line,) = engines.rate(item(limited, price_ttc=D("20.00")), facts(limited)).lines
    assert (line.total, line.base) == (D("20.00"), D("18.77"))


def test_an_unknown_exemption_is_reported() -> None:
    rated = engines.rate(item(), facts(amo=(amo(exemption="ZZZ"),)))
    assert (rated.lines, codes(rated)) == ((), ["CAR-030"])


@pytest.mark.parametrize(
    ("attributes", "engine"),
    [
        (("L", "SEMAINE", "LIT"), "rental"),
        (("S", "SEMAINE", "NUTRITION_ENTERALE"), "rental"),
        (("A", "UNITE", "PANSEMENT"), "purchase"),
        (("R", "UNITE", "LIT"), "purchase"),
        (("V", "FORFAIT", "LIT"), "delivery"),
        (("L", "SEMAINE", "POTENCE", "POTENCE"), "degressive"),
        (("S", "SEMAINE", "OXYGENE"), "oxygen"),
        (("S", "SEMAINE", "VENTILATION"), "oxygen"),
        (("S", "JOUR", "INSULINE_POMPE"), "insulin"),
        (("L", "MOIS", "TENS"), "tens"),
        (("L", "JOUR", "ESCARRE"), None),
        (("R", "AN", "VHP"), None),
        (("S", "FORFAIT", "NUTRITION_ENTERALE"), None),
    ],
)
def test_the_attributes_of_a_code_name_its_engine(
    attributes: tuple[str, ...], engine: str | None
) -> None:
    assert engine_for(*attributes) == engine


def test_a_code_nobody_knows_how_to_bill_is_reported() -> None:
    mattress = entry("5.00", engine=engine_for("L", "JOUR", "ESCARRE"))
    rated = engines.rate(item(mattress), facts(mattress))
    assert codes(rated) == ["CAR-060"]
    assert "« inconnu »" in rated.anomalies[0].sentence


@pytest.mark.parametrize("wrong", [{"kind": ItemKind.PURCHASE}, {"lpp_code": "1243302"}])
def test_an_item_that_is_not_what_the_code_is_for(wrong: dict[str, object]) -> None:
    rated = engines.rate(item(BED, **wrong), facts(BED))
    assert (rated.lines, codes(rated)) == ((), ["CAR-061"])
    assert rated.anomalies[0].sentence.endswith("Location à la semaine.")


def test_the_bed_is_a_rental() -> None:
    assert (BED.engine, BED_DELIVERY.engine) == ("rental", "delivery")

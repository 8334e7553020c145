"""Which reading a rule bills, and the estimate that fills a gap (contracts.md §3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Rule, RunOptions
from billing.contracts.estimate import Estimate, VolumeSource, estimate, history, volume_of
from billing.contracts.grouping import Payer, shape, shown
from billing.contracts.reading import Meter, Origin, Reading, ReadingPolicy, Regime
from tests.billing.contracts.build import (
    JANUARY,
    NB,
    Readings,
    asset,
    codes,
    contract,
    copies,
    fee,
    only,
    readings,
    replace,
    run,
)

WORK = date(2026, 4, 1)
CUSTOMER, PROVIDER, INSTALLATION = Origin.CUSTOMER, Origin.PROVIDER, Origin.INSTALLATION


def ago(days: int, value: int = 900, origin: Origin = CUSTOMER) -> tuple[date, int, Origin]:
    return WORK - timedelta(days=days), value, origin


def known(*later: tuple[date, int, Origin]) -> Readings:
    return {1: readings((JANUARY, 0, INSTALLATION), *later)}


def origin_billed(rule: Rule, given: Readings, **options: Any) -> str:
    """The origin of the reading billed, or the anomaly's id."""
    rating = run(rule, WORK, given, **options)
    if rating.anomalies:
        return codes(rating)[0]
    rated = only(rating)
    used = [r.origin for r in given[1] if r.id in rated.used]
    return (used or [rated.estimates[0].origin])[0]


ESTIMATED, REAL, PRIVATE = (
    copies(regime=regime) for regime in (Regime.ESTIMATE, Regime.ACTUAL, Regime.CUSTOMER)
)


@pytest.mark.feature("A-REL-01")
def test_19_days_old_is_used_21_gives_an_estimate() -> None:
    assert origin_billed(ESTIMATED, known(ago(19))) == "customer"
    assert origin_billed(ESTIMATED, known(ago(20))) == "customer"
    assert origin_billed(ESTIMATED, known(ago(21))) == "estimate"


@pytest.mark.feature("A-REL-02")
def test_actual_without_reading_in_20_days_is_an_anomaly() -> None:
    limit = 20
    rating = run(REAL, WORK, known(ago(limit + 1)))
    assert codes(rating) == ["RAT-101"]
    assert only(rating).lines == ()
    assert origin_billed(REAL, known(ago(limit, origin=PROVIDER))) == "provider"


@pytest.mark.feature("A-REL-03")
def test_customer_only_ignores_the_providers_reading_of_yesterday() -> None:
    assert origin_billed(PRIVATE, known(ago(1, origin=PROVIDER))) == "RAT-102"
    assert origin_billed(PRIVATE, known(ago(1))) == "customer"


@pytest.mark.feature("A-REL-04")
def test_30_days_take_a_reading_of_25() -> None:
    assert origin_billed(REAL, known(ago(25)), reading_days=30) == "customer"
    assert origin_billed(REAL, known(ago(25))) == "RAT-101"


@pytest.mark.feature("A-REL-06")
def test_hiding_a_missing_reading_differs_only_by_the_anomaly() -> None:
    for rule in (REAL, PRIVATE):
        visible, hidden = (run(rule, WORK, known(), show_missing=shows) for shows in (True, False))
        assert visible.rules == hidden.rules
        assert len(shown([visible], RunOptions(WORK, show_missing=True))) == 1
        assert shown([hidden], RunOptions(WORK, show_missing=False)) == []


def with_policy(*tiers: Origin, **changes: Any) -> Rule:
    policy = ReadingPolicy(tuple(frozenset({origin}) for origin in tiers), **changes)
    return replace(REAL, reading_policy=policy)


@pytest.mark.feature("A-REL-08")
def test_provider_only_ignores_a_newer_customer_reading() -> None:
    given = known(ago(5, origin=PROVIDER), ago(1))
    assert origin_billed(with_policy(PROVIDER), given) == "provider"


@pytest.mark.feature("A-REL-09")
def test_preferred_provider_10_days_old_beats_customer_2_days_old() -> None:
    given = known(ago(10, origin=PROVIDER), ago(2))
    assert origin_billed(with_policy(PROVIDER, CUSTOMER), given) == "provider"
    assert origin_billed(with_policy(CUSTOMER, PROVIDER), given) == "customer"
    assert origin_billed(with_policy(PROVIDER, CUSTOMER), known(ago(2))) == "customer"


@pytest.mark.feature("A-REL-10")
def test_since_the_last_invoice_takes_a_reading_of_50_days() -> None:
    rule = with_policy(CUSTOMER, within_days=False)
    billed_before = replace(rule.state, last_actual=WORK - timedelta(days=60), counters={1: 0})
    rule = replace(rule, state=billed_before)
    assert origin_billed(rule, known(ago(50))) == "customer"
    assert origin_billed(rule, known(ago(60))) == "RAT-101"


@pytest.mark.feature("A-REL-11")
def test_forced_estimate_of_a_policy() -> None:
    given = known(ago(40))
    assert origin_billed(with_policy(CUSTOMER, estimate=True), given) == "estimate"
    assert origin_billed(with_policy(CUSTOMER), given) == "RAT-101"


@pytest.mark.feature("A-REL-12")
def test_without_estimate_bills_readings_only() -> None:
    on_the_20 = date(2026, 4, 20)
    read = {1: readings((JANUARY, 0, INSTALLATION), (date(2026, 4, 10), 900, CUSTOMER))}
    unread = known(ago(60))
    assert codes(run(ESTIMATED, on_the_20, read, no_estimate=True)) == []
    assert codes(run(ESTIMATED, on_the_20, unread, no_estimate=True)) == ["RAT-103"]
    month_end = only(run(ESTIMATED, date(2026, 4, 30), unread))
    assert [one.origin for one in month_end.estimates] == [Origin.ESTIMATE]


@pytest.mark.feature("A-REL-13")
def test_one_run_may_look_40_days_back_or_force_estimates() -> None:
    assert origin_billed(ESTIMATED, known(ago(35))) == "estimate"
    assert origin_billed(ESTIMATED, known(ago(35)), reading_days=40) == "customer"
    assert origin_billed(REAL, known(ago(35)), force_estimate=True) == "estimate"
    assert origin_billed(REAL, known(ago(5)), force_estimate=True) == "customer"


@pytest.mark.feature("A-REL-18")
def test_no_installation_reading_names_meter_and_asset() -> None:
    rule = replace(ESTIMATED, assets=(asset(1),))
    rating = run(rule, WORK, {1: readings(ago(60, 500))})
    assert rating.anomalies[0].sentence == (
        "Erreur lors de l'estimation d'une valorisation pour la grandeur « Noir et blanc » du bien"
        " « B1 » : aucun relevé d'installation."
    )
    fallen = known(ago(60, 500), ago(30, 400))
    fallen[1][0] = replace(fallen[1][0], value=450)  # type: ignore[index]
    assert "historique incohérent" in run(ESTIMATED, WORK, fallen).anomalies[0].sentence


@pytest.mark.feature("A-REL-19")
def test_a_contract_with_one_anomaly_is_not_billed() -> None:
    signed = contract(fee(), REAL)
    rating = run(signed, WORK, known())
    payers = {1: Payer(1, "CLI")}
    off = shape([rating], payers, RunOptions(WORK))
    assert (off.invoices, off.moved, off.blocked) == ((), (), (1,))
    on = shape([rating], payers, RunOptions(WORK, bill_anomalies=True))
    assert [len(invoice.lines) for invoice in on.invoices] == [4]
    assert [rule_id for rule_id, _ in on.moved] == [1]


@pytest.mark.feature("A-REL-21")
def test_a_meters_flag_wins_with_its_own_anomaly() -> None:
    def flagged(**flags: bool | date) -> Rule:
        return replace(ESTIMATED, meters=(replace(NB, **flags),))  # type: ignore[arg-type]

    assert origin_billed(flagged(billable_on_estimate=False), known(ago(60))) == "RAT-106"
    assert origin_billed(flagged(billable_on_estimate=False), known(ago(5))) == "customer"
    assert origin_billed(flagged(billable_on_customer=False), known(ago(5))) == "RAT-107"
    both = known(ago(9, origin=PROVIDER), ago(5))
    assert origin_billed(flagged(billable_on_customer=False), both) == "provider"
    assert origin_billed(flagged(billable=False), known(ago(5))) == "RAT-105"
    assert origin_billed(flagged(since=WORK + timedelta(days=1)), known(ago(5))) == "RAT-146"
    assert origin_billed(flagged(since=WORK), known(ago(5))) == "customer"
    assert origin_billed(flagged(until=WORK), known(ago(5))) == "RAT-146"
    assert origin_billed(flagged(until=WORK + timedelta(days=1)), known(ago(5))) == "customer"
    assert origin_billed(flagged(cumulative=False), known(ago(5))) == "RAT-109"


@pytest.mark.feature("A-ANO-09")
def test_two_codes_for_a_missing_reading() -> None:
    (actual,) = run(REAL, WORK, known()).anomalies
    (private,) = run(PRIVATE, WORK, known()).anomalies
    assert actual.sentence == (
        "Pas de relevé réel à facturer pour la grandeur « Noir et blanc » du bien « 1 »."
    )
    assert private.sentence == (
        "Pas de relevé particulier ou réel à facturer pour la grandeur « Noir et blanc »."
    )
    assert actual.code != private.code


def test_a_stored_estimate_never_counts_as_recent() -> None:
    given = known(ago(60, 600), ago(1, 5000, Origin.ESTIMATE))
    rated = only(run(ESTIMATED, WORK, given))
    assert rated.estimates == (Reading(1, WORK, 1800, Origin.ESTIMATE),)  # 600 + 600/30 × 60


def test_a_reading_after_the_work_date_is_not_used() -> None:
    assert origin_billed(REAL, known(ago(-1))) == "RAT-101"


def volume(meter: Meter, *values: tuple[date, int, Origin]) -> tuple[VolumeSource, Decimal] | None:
    found = volume_of(meter, history(readings(*values), WORK))
    return None if found is None else (found.source, round(found.monthly, 2))


START = (JANUARY, 0, INSTALLATION)


def test_volume_sources_in_order() -> None:
    promised = replace(NB, contractual_volume=Decimal(500), model_volume=Decimal(9))
    two = volume(promised, START, ago(60, 600), ago(30, 900))
    assert two == (VolumeSource.LAST_TWO, Decimal("304.38"))  # 300 in 30 days
    old = (date(2024, 1, 1), 0, INSTALLATION)
    same_day = volume(promised, old, ago(60, 600), ago(30, 900), ago(30, 900))
    assert same_day == (VolumeSource.LAST_YEAR, Decimal("304.38"))
    fall = volume(promised, old, ago(400, 100), ago(60, 950), ago(30, 900))
    assert fall is not None
    assert fall[0] is VolumeSource.INSTALLATION
    assert volume(promised, START) == (VolumeSource.CONTRACT, Decimal(500))
    assert volume(replace(promised, contractual_volume=None), START) == (
        VolumeSource.MODEL,
        Decimal(9),
    )
    assert volume(NB, START) is None
    assert [source.code for source in VolumeSource] == ["VMM", "VMM", "VMM", "VMC", "VMS", "VMT"]


def estimated(meter: Meter, given: Sequence[Reading], on: date) -> Reading:
    """The reading of an estimate that can be made."""
    made = estimate(meter, given, on)
    assert isinstance(made, Estimate)
    return made.reading


def test_an_estimate_is_rounded_half_up_once() -> None:
    meter = replace(NB, contractual_volume=Decimal("30.4375"))  # one unit a day
    given = readings((JANUARY, 100, INSTALLATION))
    assert estimated(meter, given, WORK) == Reading(1, WORK, 190, Origin.ESTIMATE)
    half = readings((JANUARY, 0, INSTALLATION), (date(2026, 1, 3), 1, CUSTOMER))
    assert estimated(NB, half, date(2026, 1, 4)) == Reading(
        1, date(2026, 1, 4), 2, Origin.ESTIMATE
    )  # 1 + 1/2


def test_a_replaced_meter_counts_both_counters() -> None:
    given = known(
        (date(2026, 2, 10), 12_000, Origin.TAKEOVER),
        (date(2026, 2, 10), 50, INSTALLATION),
        ago(1, 350),
    )
    rule = copies()
    rule = replace(
        rule,
        state=replace(
            rule.state,
            counters={1: 11_000},
            billed_on={1: date(2026, 2, 1)},
            last_actual=date(2026, 2, 1),
        ),
    )
    (line,) = only(run(rule, WORK, given)).lines
    assert line.quantity == (12_000 - 11_000) + (350 - 50)


def test_the_installation_at_a_former_customer_is_not_the_start() -> None:
    given = {
        1: readings(
            (date(2020, 1, 1), 0, INSTALLATION),
            (date(2025, 12, 1), 80_000, Origin.TAKEOVER),
            (date(2026, 1, 5), 80_010, INSTALLATION),
            ago(1, 80_110),
        )
    }
    assert only(run(ESTIMATED, WORK, given)).lines[0].quantity == 100


def test_without_any_starting_counter_nothing_is_guessed() -> None:
    assert origin_billed(ESTIMATED, {1: readings(ago(1))}) == "RAT-108"

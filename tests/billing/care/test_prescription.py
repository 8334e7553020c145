"""Duration, tacit agreement to the day, and what may not be billed."""

from __future__ import annotations

from datetime import date

import pytest

from billing.care import engines
from billing.care.prescription import (
    TWO_MONTHS,
    Agreement,
    AgreementState,
    Duration,
    prescribed_on,
)
from billing.care.pricing import CareRules, RefusalRule
from billing.period import Unit
from formats.common.anomaly import AnomaliesFound, Anomaly
from tests.billing.care.samples import INSTALLED, D, codes, entry, facts, item, prescription

CHAIR = entry("100.00", prior_agreement=True)


@pytest.mark.parametrize(
    ("duration", "renewals", "until"),
    [
        (Duration(14, Unit.DAY), 0, date(2025, 2, 14)),
        (Duration(2, Unit.WEEK), 1, date(2025, 2, 28)),
        (Duration(1, Unit.MONTH), 0, date(2025, 2, 28)),
        (Duration(3, Unit.MONTH), 3, date(2026, 1, 31)),
        (Duration(1, Unit.YEAR), 0, date(2026, 1, 31)),
    ],
)
def test_end_of_a_prescription_of_31_january(
    duration: Duration, renewals: int, until: date
) -> None:
    assert prescription(date(2025, 1, 31), duration=duration, renewals=renewals).until == until


@pytest.mark.parametrize(
    ("duration", "renewals"),
    [(Duration(13, Unit.MONTH), 0), (Duration(1, Unit.MONTH), 12), (Duration(366, Unit.DAY), 0)],
)
def test_more_than_twelve_months_is_refused(duration: Duration, renewals: int) -> None:
    with pytest.raises(AnomaliesFound, match="CAR-020"):
        prescription(duration=duration, renewals=renewals)


def test_delivery_before_the_prescription_is_not_billable() -> None:
    late = (prescription(date(2025, 3, 4)),)
    rated = engines.rate(item(), facts(weeks=8, prescriptions=late))
    assert (rated.lines, codes(rated)) == ((), ["CAR-021"])


def test_the_renewal_takes_over_without_a_break() -> None:
    first = prescription(duration=Duration(2, Unit.WEEK))
    second = prescription(date(2025, 3, 15), id=2, duration=Duration(2, Unit.WEEK))
    rated = engines.rate(item(), facts(prescriptions=(second, first)))
    assert [(x.prescription_id, x.units) for x in rated.lines] == [(1, (1, 2)), (2, (3, 4))]
    assert prescribed_on(item(), (first, second), date(2025, 3, 15)) is second


def test_weeks_after_the_prescription_are_reported_once() -> None:
    short = (prescription(duration=Duration(10, Unit.DAY)),)
    rated = engines.rate(item(), facts(weeks=6, prescriptions=short))
    assert [line.units for line in rated.lines] == [(1, 2)]
    assert codes(rated) == ["CAR-022"]
    assert "17/03/2025" in rated.anomalies[0].sentence


@pytest.mark.parametrize(
    ("day", "state"),
    [(date(2025, 3, 15), AgreementState.ASKED), (date(2025, 3, 16), AgreementState.TACIT)],
)
def test_fifteen_days_of_silence_day_15_included(day: date, state: AgreementState) -> None:
    asked = Agreement(AgreementState.ASKED, asked_on=date(2025, 3, 1))
    seen = asked.seen_on(day, CHAIR.silence)
    assert seen.state is state
    assert seen.answered_on == (day if state is AgreementState.TACIT else None)


def test_wheelchairs_take_two_months_of_silence() -> None:
    asked = Agreement(AgreementState.ASKED, asked_on=date(2025, 12, 31))
    assert asked.seen_on(date(2026, 2, 27), TWO_MONTHS) is asked
    assert asked.seen_on(date(2026, 2, 28), TWO_MONTHS).state is AgreementState.TACIT


@pytest.mark.parametrize(
    ("state", "asked_on", "code"),
    [
        (AgreementState.NONE, None, "CAR-050"),
        (AgreementState.ASKED, date(2025, 3, 20), "CAR-051"),
        (AgreementState.REFUSED, INSTALLED, "CAR-052"),
        (AgreementState.ACCEPTED, date(2025, 3, 4), "CAR-053"),
    ],
)
def test_without_agreement_nothing_is_billed(
    state: AgreementState, asked_on: date | None, code: str
) -> None:
    asking = prescription(agreement=Agreement(state, asked_on))
    rated = engines.rate(item(CHAIR), facts(CHAIR, prescriptions=(asking,)))
    assert (rated.lines, codes(rated)) == ((), [code])
    assert str(rated.anomalies[0]).startswith(code)


def test_an_accepted_agreement_is_on_the_line() -> None:
    answered = Agreement(AgreementState.ACCEPTED, INSTALLED, date(2025, 3, 10))
    asking = (prescription(agreement=answered),)
    (line,) = engines.rate(item(CHAIR), facts(CHAIR, prescriptions=asking)).lines
    assert (line.agreement, line.agreement_on) == (AgreementState.ACCEPTED, date(2025, 3, 10))


def test_a_code_without_agreement_ignores_it() -> None:
    refused = (prescription(agreement=Agreement(AgreementState.REFUSED, INSTALLED)),)
    (line,) = engines.rate(item(), facts(prescriptions=refused)).lines
    assert line.agreement is AgreementState.NONE


def test_after_a_refusal_the_patient_may_pay_all() -> None:
    refused = (prescription(agreement=Agreement(AgreementState.REFUSED, INSTALLED)),)
    rules = CareRules(refusal=RefusalRule.PATIENT)
    rated = engines.rate(item(CHAIR), facts(CHAIR, prescriptions=refused, rules=rules))
    (line,) = rated.lines
    assert (line.part_amo, line.part_amc, line.part_patient) == (0, 0, D("100.00"))


def test_a_request_needs_its_date() -> None:
    with pytest.raises(AnomaliesFound, match="CAR-024"):
        Agreement(AgreementState.ASKED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": D(0)},
        {"price_ttc": D("-0.01")},
        {"until": date(2025, 3, 2)},
        {"carry_over_weeks": -1},
    ],
)
def test_impossible_items_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(AnomaliesFound, match="CAR-023"):
        item(**wrong)


def test_no_prescription_at_all() -> None:
    found = prescribed_on(item(), (), INSTALLED)
    assert isinstance(found, Anomaly)
    assert found.code.id == "CAR-021"

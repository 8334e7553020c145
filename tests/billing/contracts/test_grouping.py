"""From ratings to invoice drafts: keys, blocking, threshold, VAT (contracts.md §6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Contract, CostLine, Rule, RuleState, RunOptions
from billing.contracts.engine import rate_contract
from billing.contracts.grouping import Payer, Shaped, VatShare, shape
from billing.contracts.reading import Origin, Reading
from tests.billing.contracts.build import (
    JANUARY,
    Readings,
    asset,
    contract,
    copies,
    cost,
    fee,
    installed,
    replace,
)

FEBRUARY = date(2026, 2, 1)


def shaped(
    *contracts: Contract, grouped: bool = False, known: Readings | None = None, **options: Any
) -> Shaped:
    chosen = RunOptions(options.pop("work_date", JANUARY), **options)
    payers = {n: Payer(n, f"CLI{n}", grouped) for n in (1, 2)}
    return shape([rate_contract(one, known or {}, chosen) for one in contracts], payers, chosen)


def priced(number: int, *costs: CostLine, **changes: Any) -> Rule:
    return fee(id=number, code=f"R{number}", cost_lines=costs, **changes)


def test_site_payment_mode_and_payer_separate_invoices() -> None:
    signed = contract(
        priced(1, cost("1.00")),
        priced(2, cost("2.00", site_id=7)),
        priced(3, cost("4.00", payment_mode="prélèvement")),
        priced(4, cost("8.00", payer_id=2)),
        priced(5, cost("16.00")),
    )
    found = shaped(signed, grouped=True).invoices
    keys = [(i.payer_id, i.site_id, i.payment_mode, str(i.net)) for i in found]
    assert keys == [
        (1, None, "prélèvement", "4.00"),
        (1, None, "virement", "17.00"),
        (1, 7, "virement", "2.00"),
        (2, None, "virement", "8.00"),
    ]


@pytest.mark.feature("A-GRP-01")
def test_two_payment_modes_make_two_invoices() -> None:
    modes = (priced(1, cost("1.00")), priced(2, cost("1.00", payment_mode="prélèvement")))
    assert len(shaped(contract(*modes), grouped=True).invoices) == 2


@pytest.mark.feature("A-CRE-11")
def test_the_payer_lives_on_the_cost_line() -> None:
    lessor, customer = 2, 1
    signed = contract(
        priced(1, cost("100.00", payer_id=lessor)), priced(2, cost("5.00", payer_id=customer))
    )
    found = shaped(signed).invoices
    assert [(i.payer_id, str(i.net)) for i in found] == [(1, "5.00"), (2, "100.00")]


def test_lines_go_by_contract_position_code_and_date() -> None:
    first = contract(priced(1, cost("1"), position=2), priced(2, cost("1"), position=1), code="A")
    second = contract(priced(3, cost("1")), id=2, code="B")
    (invoice,) = shaped(second, first, grouped=True, work_date=FEBRUARY).invoices
    assert [(line.rule_id, line.since.month) for line in invoice.lines] == [
        (2, 1),
        (2, 2),
        (1, 1),
        (1, 2),
        (3, 1),
        (3, 2),
    ]
    assert invoice.contract_ids == (1, 2)


def test_vat_once_per_rate_and_document() -> None:
    reduced = Decimal("0.055")
    rules = [priced(n, cost("0.12")) for n in (1, 2, 3)]
    rules.append(priced(4, cost("10.00", vat_rate=reduced, payment_days=45)))
    (invoice,) = shaped(contract(*rules)).invoices
    assert invoice.vat == (
        VatShare(reduced, Decimal("10.00"), Decimal("0.55")),
        VatShare(Decimal("0.20"), Decimal("0.36"), Decimal("0.07")),  # not 3 × 0.02
    )
    totals = (invoice.net, invoice.vat_total, invoice.gross)
    assert totals == (Decimal("10.36"), Decimal("0.62"), Decimal("10.98"))
    assert invoice.payment_days == 45


def test_an_anomaly_blocks_its_contract_and_a_grouped_customers_all() -> None:
    wrong = contract(fee("0"), fee(id=2, code="R2"), id=1)
    right = contract(fee(id=3), id=2, code="C2")
    alone = shaped(wrong, right)
    assert alone.blocked == (1,)
    assert [i.contract_ids for i in alone.invoices] == [(2,)]
    together = shaped(wrong, right, grouped=True)
    assert (together.blocked, together.invoices, together.moved) == ((1, 2), (), ())
    assert [anomaly.values["contract"] for anomaly in together.anomalies] == ["C1"]
    anyway = shaped(wrong, right, grouped=True, bill_anomalies=True)
    assert [rule_id for rule_id, _ in anyway.moved] == [2, 3]
    assert len(anyway.anomalies) == 1


def test_a_rule_split_over_two_payers_waits_whole_and_takes_others_with_it() -> None:
    """Rule 1: 3 € for payer 1, 9 € for payer 2; rule 2 brings 2 € more to payer 2."""
    split = priced(1, cost("3.00"), cost("9.00", id=2, payer_id=2))
    small = priced(2, cost("2.00", payer_id=2))
    waiting = shaped(contract(split, small), threshold=Decimal(10))
    assert (waiting.invoices, waiting.moved) == ((), ())
    assert [str(d.amount) for d in waiting.deferred] == ["14.00"]
    posted = shaped(contract(split, small), threshold=Decimal(3))
    assert [rule_id for rule_id, _ in posted.moved] == [1, 2]


def test_an_aperiodic_fee_waits_with_the_rule_it_goes_with() -> None:
    shipping = fee("50.00", id=9, periodicity=None, assets=(asset(1),), state=RuleState(None))
    shipping = replace(shipping, cost_lines=(cost("50.00", payer_id=2),))
    waiting = shaped(contract(fee("5.00"), shipping), threshold=Decimal(10))
    assert (waiting.invoices, waiting.moved) == ((), ())


def test_a_credit_is_always_made() -> None:
    options = {"allowed_prices": "POSITIF_OU_ZERO_OU_NEGATIF", "threshold": Decimal(10)}
    (credit,) = shaped(contract(fee("-1.00")), **options).invoices
    assert (credit.net, credit.vat_total) == (Decimal("-1.00"), Decimal("-0.20"))


def test_estimates_are_stored_once_with_the_first_rule_that_made_them() -> None:
    both = contract(copies(), copies(id=3, code="UC2"))
    known = installed(0, (date(2026, 1, 5), 40))
    made = shaped(both, known=known, work_date=FEBRUARY, reading_days=5)
    assert [line.rule_id for line in made.invoices[0].lines] == [2, 3]
    assert made.estimates == ((2, Reading(1, FEBRUARY, 310, Origin.ESTIMATE)),)  # 40 + 10 × 27
    read = shaped(both, known=known, work_date=FEBRUARY, reading_days=30)
    assert read.estimates == ()


def test_a_rule_with_nothing_to_bill_moves_without_invoice() -> None:
    still = shaped(contract(copies()), known=installed(0, (FEBRUARY, 0)), work_date=FEBRUARY)
    assert still.invoices == ()
    ((_, state),) = still.moved
    assert state.next_theoretical == date(2026, 3, 1)
    assert state.never_billed

"""What each kind reads and refuses, and what its lines print: sentences and labels exactly."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.contracts.contract import Asset, Family, Rule
from billing.contracts.noncumulative import Calculation
from billing.contracts.reading import Origin
from billing.contracts.rules import KINDS
from billing.contracts.rules.block import Block
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.contracts.rules.flat_fee import FlatFee
from billing.contracts.rules.run import MeteredRun
from billing.contracts.terms import Rhythm
from billing.contracts.true_up import Bundle, Grouping
from billing.period import Periodicity, Unit
from tests.billing.contracts.build import (
    JANUARY,
    MONTHLY,
    NB,
    asset,
    billed,
    block,
    bundle,
    codes,
    contract,
    copies,
    cost,
    fee,
    installed,
    only,
    replace,
    run,
    run_after_run,
)

QUARTER = {"count": 3, "unit": "month"}
MULTIPLE = "la période de régularisation n'est pas un multiple de celle du forfait"
SUM_ONLY = "seule la somme convient à une régularisation plus longue que le forfait"
UNKNOWN = "paramètres inconnus : aa, zz"
OFFERED = "« offered » est un nombre entier positif"
CUMULATIVE = "les unités offertes demandent des grandeurs cumulatives"
SIX = "la quantité d'un forfait a 6 décimales au plus"


@pytest.mark.parametrize(
    ("kind", "raw", "read"),
    [
        ("flat_fee", {}, FlatFee(Decimal(1))),
        ("flat_fee", {"quantity": "1.000001"}, FlatFee(Decimal("1.000001"))),
        ("consumed_units", {}, ConsumedUnits(False, 0, None, None)),
        ("consumed_units", {"grouped": True, "offered": 10}, ConsumedUnits(True, 10)),
        (
            "consumed_units",
            {"offered_until": "2026-12-31"},
            ConsumedUnits(offered_until=date(2026, 12, 31)),
        ),
        ("consumed_units", {"calculation": "max"}, ConsumedUnits(calculation=Calculation.MAXIMUM)),
        ("block", {"units": 1}, Block(Decimal(1), None)),
        (
            "block",
            {"units": 5, "renewal": QUARTER, "overrun": "priced", "renew_from": "counter"},
            Block(Decimal(5), Rhythm(3, Unit.MONTH), True, True),
        ),
        (
            "block",
            {"units": 5, "overrun": "blocks", "renew_from": "bound", "calculation": "sum"},
            Block(Decimal(5), None, False, False, Calculation.SUM),
        ),
        (
            "bundle",
            {"units": 0, "true_up": QUARTER},
            Bundle(Decimal(0), Rhythm(3, Unit.MONTH), False, True, Grouping.NONE, False, 0, True),
        ),
        (
            "bundle",
            {"units": 9, "true_up": QUARTER, "refund": True, "floating": True, "offered": 7,
             "same_invoice": False, "check": False},
            Bundle(Decimal(9), Rhythm(3, Unit.MONTH), True, False, Grouping.NONE, True, 7, False),
        ),
        ("meter_fee", {}, None),
        ("cost_share", {}, None),
        ("run", {}, MeteredRun(3, 7)),
        ("run", {"free_days": 0, "silence_days": 1}, MeteredRun(0, 1)),
    ],
)  # fmt: skip
def test_terms_are_read_with_their_defaults(kind: str, raw: dict[str, Any], read: object) -> None:
    assert KINDS[kind].terms(raw) == read


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        *((kind, {"zz": 1, "aa": 1}, UNKNOWN) for kind in ("flat_fee", "consumed_units", "block",
                                                           "bundle", "meter_fee", "cost_share",
                                                           "run")),
        ("flat_fee", {"quantity": "dix"}, "la quantité d'un forfait est un nombre"),
        ("flat_fee", {"quantity": "1.0000001"}, SIX),
        ("flat_fee", {"quantity": "Infinity"}, SIX),
        ("consumed_units", {"grouped": 1}, "« grouped » vaut vrai ou faux"),
        ("consumed_units", {"offered": -1}, OFFERED),
        ("consumed_units", {"offered": True}, OFFERED),
        ("consumed_units", {"offered": 1.5}, OFFERED),
        ("consumed_units", {"offered_until": "31/12/2026"},
         "« offered_until » est une date AAAA-MM-JJ"),
        ("consumed_units", {"calculation": "median"},
         "le mode de calcul vaut min, max, sum ou mean"),
        ("consumed_units", {"calculation": "min", "offered": 1}, CUMULATIVE),
        ("consumed_units", {"calculation": "min", "offered_until": "2026-12-31"}, CUMULATIVE),
        ("block", {}, "« units » est obligatoire"),
        ("block", {"units": 0}, "une tranche compte au moins une unité"),
        ("block", {"units": "x"}, "« units » est un nombre"),
        ("block", {"units": 1, "renewal": 12}, "« renewal » est une périodicité"),
        ("block", {"units": 1, "renewal": {"count": 0}},
         "une périodicité compte au moins une unité"),
        ("block", {"units": 1, "overrun": "x"}, "« overrun » vaut blocks, priced"),
        ("block", {"units": 1, "renew_from": "x"}, "« renew_from » vaut bound, counter"),
        ("bundle", {"units": 1},
         "« true_up », la périodicité de la régularisation, est obligatoire"),
        *(("bundle", {"units": 1, "true_up": QUARTER, name: "oui"}, f"« {name} » vaut vrai ou faux")
          for name in ("refund", "check", "floating", "same_invoice")),
        ("bundle", {"units": 1, "true_up": QUARTER, "offered": -1},
         "« offered » est un nombre entier positif"),
        ("bundle", {"units": 1, "true_up": QUARTER, "offered": 1, "calculation": "sum"},
         CUMULATIVE),
        ("bundle", {"units": 1, "true_up": QUARTER, "grouping": "price"},
         "une régularisation groupée demande contrôle et remboursement à « oui »"),
        ("bundle",
         {"units": 1, "true_up": QUARTER, "grouping": "price", "refund": True, "offered": 1},
         "une régularisation groupée n'a ni unités offertes ni prix dégressif"),
        ("run", {"free_days": -1}, "« free_days » est un nombre entier positif"),
        ("run", {"silence_days": "7"}, "« silence_days » est un nombre entier positif"),
        ("run", {"silence_days": 0}, "le silence d'un analyseur compte au moins un jour"),
    ],
)  # fmt: skip
def test_what_is_refused_is_told_exactly(kind: str, raw: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as found:
        KINDS[kind].terms(raw)
    assert str(found.value) == reason


@pytest.mark.parametrize(
    ("every", "calculation", "p", "reason"),
    [
        ({"count": 60, "unit": "day"}, None, MONTHLY, MULTIPLE),
        ({"count": 1, "unit": "month"}, None, replace(MONTHLY, count=2), MULTIPLE),
        ({"count": 3, "unit": "month"}, "max", MONTHLY, SUM_ONLY),
        ({"count": 1, "unit": "month"}, "max", replace(MONTHLY, unit=Unit.DAY), SUM_ONLY),
        ({"count": 1, "unit": "month"}, "max", MONTHLY, ""),
        ({"count": 1, "unit": "month"}, "sum", replace(MONTHLY, unit=Unit.DAY), ""),
    ],
)
def test_a_true_up_fits_its_bundle(
    every: dict[str, Any], calculation: str | None, p: Periodicity, reason: str
) -> None:
    kind, raw = KINDS["bundle"], {"units": 1, "true_up": every}
    terms = kind.terms(raw | ({"calculation": calculation} if calculation else {}))
    if not reason:
        kind.fits(terms, p)
        return
    with pytest.raises(ValueError) as found:
        kind.fits(terms, p)
    assert str(found.value) == reason


def test_one_copy_beyond_the_bundles_is_billed_and_financed_ones_are_not() -> None:
    april, known = date(2026, 4, 1), installed(0, (date(2026, 3, 31), 3001))
    raw = {"units": 1000, "true_up": QUARTER}
    for more, units in (({}, [1]), ({"financed": 1}, []), ({"offered": 1}, [])):
        terms = KINDS["bundle"].terms({**raw, **more})
        lines = only(run(replace(bundle(), terms=terms), april, known)).lines
        extra = [line.quantity for line in lines if line.cost_line.family is Family.OVERRUN]
        assert extra == units


def test_a_bundle_tells_both_its_remarks_and_the_day_of_a_civil_month_is_its_first() -> None:
    own = {"count": 1, "unit": "month", "anchor": "2026-01-02"}
    raw = {"units": 1, "true_up": own, "offered": 5, "offered_until": "2026-03-31"}
    kind, civil = KINDS["bundle"], replace(MONTHLY, anchor=date(2026, 1, 15), civil=True)
    assert kind.remark(kind.terms(raw), civil) == (
        "le jour de régularisation (2) suit le jour du forfait (1) : la régularisation passera avec"
        " un forfait de trop ; la date de fin des unités offertes est sans effet sur un forfait"
    )
    on_the_15th = replace(civil, civil=False)
    assert kind.remark(kind.terms({"units": 1, "true_up": own}), on_the_15th) == ""


def test_an_aperiodic_fee_multiplies_by_assets_and_goes_with_another_rule() -> None:
    along = fee("7.50", "2", id=9, code="AP", periodicity=None)
    signed = contract(fee(), along, assets=(asset(1), asset(2), asset(3)))
    _, second = run(signed, JANUARY).rules
    (line,) = second.rated.lines
    assert (line.since, line.until) == (JANUARY, date(2026, 1, 2))
    assert (line.quantity, line.unit_price, str(line.amount)) == (6, Decimal("7.50"), "45.00")
    assert line.explain == {"how": "fee", "assets": 3, "quantity": "2"}
    assert (line.part, line.label, line.details) == ("standard/1", "Prestation", ())
    assert second.rated.state == replace(along.state, last_actual=JANUARY, occurrences=1)
    on_rule = replace(along, assets=(asset(1),))
    alone = run(contract(fee(), on_rule, assets=(asset(1), asset(2))), JANUARY)
    assert alone.rules[1].rated.lines[0].quantity == 2
    assert len(run(contract(fee(), along), JANUARY).rules) == 1  # without asset, nothing
    assert run(contract(along, assets=(asset(1),)), JANUARY).rules == ()  # nothing to go with


def test_rules_that_go_with_others_number_their_bills() -> None:
    """Two bills of one contract on one day: each line has a once-key of its own."""
    along = fee("7.50", id=9, code="AP", periodicity=None, assets=(asset(1),))
    for rule in (along, cost_share("5")):
        parts = []
        for _ in range(3):
            rated = run(contract(fee(), rule), JANUARY).rules[1].rated
            parts += [line.part for line in rated.lines]
            rule = billed(rule, rated)
        assert parts == ["standard/1", "standard/1#1", "standard/1#2"]
        assert rule.state.occurrences == 3


def test_a_bridging_rent_prints_its_own_name() -> None:
    rents = (cost("25.00", article_class="Loyer"), cost("1.00", id=2, label="Assurance"))
    rule = fee(assets=(asset(1, financed_in_advance=True),), cost_lines=rents)
    lines = only(run(rule, JANUARY, bridging_rent_article="INTERCAL")).lines
    assert [(line.label, line.cost_line.article, line.cost_line.label) for line in lines] == [
        ("Loyer intercalaire", "INTERCAL", "Loyer intercalaire"),
        ("Assurance", "ART", "Assurance"),
    ]


def test_a_zero_fee_needs_leave() -> None:
    rating = run(fee(quantity="0"), JANUARY)
    assert codes(rating) == ["RAT-204"]
    assert rating.anomalies[0].sentence.startswith("La règle de facturation « MF » n'est pas")
    assert only(rating).anomalies[0].values == {"rule": "MF"}
    assert run(fee(quantity="0"), JANUARY, zero_bundle_allowed=True).anomalies == ()


def test_consumed_units_tell_counters_offer_and_scale() -> None:
    february = date(2026, 2, 1)
    known = installed(1000, (date(2026, 1, 31), 1250))
    rule = copies(units=ConsumedUnits(offered=50), meters=(replace(NB, scale=10),))
    (line,) = only(run(rule, february, known)).lines
    assert (line.since, line.until) == (JANUARY, february)
    assert (line.quantity, line.unit_price, str(line.amount)) == (20, Decimal("0.10"), "2.00")
    assert line.details == (
        "Noir et blanc : relevé client du 31/01/2026, 125,0",
        "Unités offertes déduites : 5,0",
    )
    told = dict(line.explain)
    assert (told["how"], told["offered"], told["scale"]) == ("consumed", 50, 10)
    (meter,) = told["meters"]  # type: ignore[misc]
    assert meter["meter"] == "NB"
    assert (meter["from"], meter["to"], meter["units"]) == (1000, 1250, "250")
    assert meter["origin"] == "customer"
    plain = only(run(copies(), february, known)).lines[0].explain
    assert {"offered", "scale"} & plain.keys() == set()


def test_an_offer_used_whole_bills_nothing_and_remembers() -> None:
    rule = copies(units=ConsumedUnits(offered=250))
    rated = only(run(rule, date(2026, 2, 1), installed(0, (date(2026, 1, 31), 250))))
    assert rated.lines == ()
    assert rated.state is not None
    assert (rated.state.offered_used, rated.state.counters) == (250, {1: 250})
    assert rated.state.last_actual is None
    one_more = only(run(rule, date(2026, 2, 1), installed(0, (date(2026, 1, 31), 251))))
    assert [line.quantity for line in one_more.lines] == [1]


def test_financed_units_last_over_bills_of_nothing_and_end_with_the_first_bill() -> None:
    """500 financed, 200 a month: nothing twice, then 200 - 100 = 100; never on a billed rule."""
    rule = copies(units=ConsumedUnits(financed=500))
    days = [date(2026, month, 1) for month in (2, 3, 4, 5)]
    known = installed(0, *((day, 200 * n) for n, day in enumerate(days, 1)))
    billed_units = [
        [int(line.quantity) for line in lines] for _, lines in run_after_run(rule, days, known)
    ]
    assert billed_units == [[], [], [100], [200]]
    again = replace(rule, state=replace(rule.state, last_invoice="F1", counters={1: 0}))
    assert [line.quantity for line in only(run(again, days[0], known)).lines] == [200]


def test_an_asset_is_over_billed_by_all_its_meters_together() -> None:
    """Over-billed by 100 on colour: made up for by 300 on black, balanced by 100, or left out."""
    meters = (NB, replace(NB, id=2, code="CO"), replace(NB, id=3, asset_id=2))
    rule, february = copies(meters=meters), date(2026, 2, 1)
    state = replace(rule.state, last_actual=JANUARY, counters={1: 1000, 2: 1000, 3: 1000})
    for black, total, kept in ((300, 250, 900), (100, 50, 900), (99, 50, 1000)):
        counters = {1: 1000 + black, 2: 900, 3: 1050}
        known = {
            meter: installed(0, (february, value), meter=meter)[meter]
            for meter, value in counters.items()
        }
        rated = only(run(replace(rule, state=state), february, known))
        assert [line.quantity for line in rated.lines] == [total]
        assert rated.state is not None
        assert (rated.state.counters[2], rated.state.counters[3]) == (kept, 1050)


def test_copies_without_price_are_an_anomaly() -> None:
    assert codes(run(copies("0"), date(2026, 2, 1), installed(0))) == ["RAT-202"]


def meter_fee(**changes: Any) -> Rule:
    meters = (NB, replace(NB, id=2, code="CO", label="Couleur"))
    return fee("4.00", kind="meter_fee", terms=None, meters=meters, **changes)


def test_a_meter_fee_names_its_meters() -> None:
    (line,) = only(run(meter_fee(), JANUARY)).lines
    assert (line.quantity, str(line.amount)) == (2, "8.00")
    assert line.details == ("Noir et blanc", "Couleur")
    assert line.explain["meters"] == ["NB", "CO"]
    state = only(run(meter_fee(), JANUARY)).state
    assert state is not None
    assert (state.next_theoretical, state.last_actual) == (date(2026, 2, 1), JANUARY)
    costs = (cost("4.00"), cost("1.00", id=2))
    months = only(run(meter_fee(cost_lines=costs), date(2026, 2, 1))).lines
    assert [(line.since.month, str(line.amount)) for line in months] == [
        *((1, "8.00"), (1, "2.00"), (2, "8.00"), (2, "2.00")),
    ]
    odd = meter_fee(assets=(Asset(1, "B1", "Machine"),))
    odd = replace(odd, meters=(replace(NB, cumulative=False),), cost_lines=(cost("0"),))
    rating = run(odd, JANUARY)
    assert len(rating.anomalies) == 2  # the price and the meter, at once
    assert rating.anomalies[1].sentence == (
        "La grandeur non cumulative « Noir et blanc » du bien « B1 » ne se rattache pas à un"
        " montant forfaitaire pour x grandeurs."
    )


def cost_share(price: str) -> Rule:
    return fee(price, id=8, code="PF", kind="cost_share", terms=None, periodicity=None,
               term=copies().term)  # fmt: skip


@pytest.mark.parametrize(
    ("percentage", "base", "amount", "detail"),
    [
        ("5.00", "200.00", "10.00", "5 % de 200,00 €"),
        ("2.50", "33.33", "0.83", "2,5 % de 33,33 €"),
        ("100", "0.01", "0.01", "100 % de 0,01 €"),
    ],
)
def test_a_cost_share_prints_its_percentage_and_base(
    percentage: str, base: str, amount: str, detail: str
) -> None:
    rating = run(contract(fee(base), cost_share(percentage)), JANUARY)
    rated = rating.rules[1].rated
    (line,) = rated.lines
    assert (str(line.amount), line.details, rated.tied) == (amount, (detail,), True)
    assert (line.since, line.until) == (JANUARY, date(2026, 1, 2))
    assert line.quantity == Decimal(base) / 100
    assert line.explain == {"how": "percentage", "lines": [base]}
    assert rated.state is not None
    assert rated.state.last_actual == JANUARY


def test_a_cost_share_of_nothing_is_nothing_and_a_bad_price_is_told() -> None:
    credit = replace(fee("-25.00"), id=2, code="AV")
    both = contract(fee(), credit, cost_share("5"))
    shared = [
        one.rule.code
        for one in run(both, JANUARY, allowed_prices="POSITIF_OU_ZERO_OU_NEGATIF").rules
    ]
    assert "PF" not in shared
    assert len(run(contract(fee(), cost_share("0")), JANUARY).anomalies) == 1


def test_a_block_tells_its_bounds() -> None:
    known = installed(100, (JANUARY, 100))
    (line,) = only(run(block("5000"), JANUARY, known)).lines
    assert line.details[-1] == "Borne à atteindre : 100, nouvelle borne : 5\N{NO-BREAK SPACE}100"
    assert (line.quantity, str(line.amount), line.part) == (5000, "50.00", "standard/5")
    assert (line.since, line.until) == (JANUARY, date(2027, 1, 1))


def test_a_true_up_tells_what_it_is_reckoned_from() -> None:
    known = installed(0, (date(2026, 3, 31), 3500))
    lines = only(run(bundle(), date(2026, 4, 1), known)).lines
    extra = next(line for line in lines if line.cost_line.family.value == "overrun")
    assert (extra.quantity, str(extra.amount)) == (500, "10.00")
    assert extra.details == (
        "Noir et blanc : relevé client du 31/03/2026, 3\N{NO-BREAK SPACE}500",
        "Forfaits facturés depuis la dernière régularisation : 3\N{NO-BREAK SPACE}000",
        "Borne à atteindre : 3\N{NO-BREAK SPACE}000",
    )
    assert Origin.CUSTOMER.french in extra.details[0]

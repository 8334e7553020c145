"""What `echeance explain` says of the lines of each kind, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import pytest

from billing.contracts.contract import Family, Line, RuleState, RunOptions
from billing.contracts.engine import rate_contract
from billing.contracts.extra import ExtraLine, with_extra_lines
from billing.contracts.fees import Fee, FeeKind, fee_lines
from billing.contracts.formula import parse
from billing.contracts.increase import Change, Increase, IncreaseKind, Mode, OneOff
from billing.contracts.phrases import beside
from billing.contracts.reading import Calculated, Meter, Origin
from billing.contracts.rules import KINDS
from billing.contracts.rules.consumed_units import ConsumedUnits
from billing.contracts.syntec import Indices
from billing.contracts.true_up import Grouping
from billing.money import Rounding
from billing.period import Term
from billing.told import told, whose
from tests.billing.contracts.build import (
    JANUARY,
    NB,
    asset,
    block,
    bundle,
    contract,
    copies,
    fee,
    installed,
    only,
    readings,
    replace,
    run,
    run_after_run,
    story_of,
)

FEBRUARY, APRIL = date(2026, 2, 1), date(2026, 4, 1)
MONTHS = [date(2026, month, 1) for month in (1, 2, 3, 4)]
LATE = replace(NB, contractual_volume=Decimal(300))


def said(line: Line) -> str:
    """The sentences of a line, one a row, with plain spaces."""
    return "\n".join(told(story_of(line).figures)).replace("\N{NO-BREAK SPACE}", " ")


def of_family(lines: Iterable[Line], family: Family) -> Line:
    """The line of a cost family."""
    (found,) = (line for line in lines if line.cost_line.family is family)
    return found


def test_a_fee_of_the_invoice_and_a_line_by_hand_say_why_they_are_there() -> None:
    late = date(2026, 3, 1)
    rating = run(copies(meters=(LATE,)), late, installed(0))
    (line,) = only(rating).lines
    kinds = (FeeKind.ESTIMATE, FeeKind.INVOICE)
    fees = [Fee(kind, "F", "Frais", Decimal(5), Decimal("0.20"), "708") for kind in kinds]
    assert [said(one) for one in fee_lines([line], fees)] == [
        "Frais ajouté une fois à la facture, parce qu'elle repose sur une estimation.",
        "Frais ajouté une fois à la facture.",
    ]
    extra = ExtraLine(
        1, "G1", "COP", "Geste", Decimal(-1), Decimal(9), Decimal("0.20"), "706", "Signature"
    )
    written = with_extra_lines(rating, [extra]).rules[0].rated.lines[-1]
    assert said(written) == "Ligne écrite à la main, motif : Signature."
    assert [beside(dict(one.explain)) for one in (line, written)] == [False, True]


def test_an_aperiodic_fee_counts_its_assets() -> None:
    along = fee("5.00", "2", id=9, periodicity=None, assets=(asset(1), asset(2)))
    (line,) = run(contract(fee(), along), JANUARY).rules[1].rated.lines
    assert said(line) == (
        "Quantité de la règle : 2.\nNombre de biens : 2 ; la quantité compte pour chacun."
    )


def test_a_share_adds_up_the_other_lines() -> None:
    share = fee("5", id=9, kind="cost_share", term=Term.ARREARS, periodicity=None)
    (line,) = run(contract(fee("120.00"), fee("80.50", id=2), share), JANUARY).rules[2].rated.lines
    assert said(line) == (
        "Autres lignes du contrat dans ce passage : 120,00 + 80,50 = 200,50 €.\n"
        "Le prix de la règle est un pourcentage : la quantité est le centième de ce total."
    )


def test_a_fee_for_meters_names_them() -> None:
    rule = fee(kind="meter_fee", terms=None, meters=(NB, replace(NB, id=2, code="CO")))
    assert said(only(run(rule, JANUARY)).lines[0]) == (
        "Date théorique de facturation : 01/01/2026.\n"
        "Grandeurs rattachées à la règle : NB, CO, soit 2."
    )


def test_consumed_units_tell_each_slice_and_gift() -> None:
    slices = [{"above": 1000, "price": "0.008"}, {"above": 2000, "price": "0.006"}]
    raw = {"offered": 100, "financed": 50, "degressive": slices, "harmonise": True}
    rule = copies("0.01", KINDS["consumed_units"].terms(raw))  # type: ignore[arg-type]
    lines = only(run(rule, FEBRUARY, installed(0, (date(2026, 1, 30), 3150)))).lines
    rows = [said(line).splitlines() for line in lines]
    assert {tuple(row[:3]) for row in rows} == {
        (
            "Grandeur NB du bien 1 : 0 (installation, 01/01/2026), puis 3 150 (relevé client,"
            " 30/01/2026) : 3 150 unités.",
            "Unités offertes, déduites : 100.",
            "Unités financées par ailleurs, déduites : 50.",
        )
    }
    assert [row[3] for row in rows] == [
        "Prix dégressif : 1 000 premières unités.",
        "Prix dégressif : unités au-delà de 1 000, jusqu'à 2 000.",
        "Prix dégressif : unités au-delà de 2 000.",
    ]


def test_a_calculated_meter_gives_its_formula_and_a_scale_is_told() -> None:
    formula = Calculated(parse("NB/1000"), Rounding.STANDARD, (NB,))
    thousands = Meter(2, 1, "MILLE", "Mille", calculation=formula, scale=10)
    rule = copies("10.00", meters=(thousands,))
    (line,) = only(run(rule, FEBRUARY, installed(0, (date(2026, 1, 30), 3499)))).lines
    assert said(line).splitlines()[0] == "Grandeur MILLE du bien 1, calculée : NB / 1000."
    assert "Imprimé avec la quantité divisée par 10 et le prix multiplié d'autant." in said(line)


def test_a_replaced_meter_tells_where_it_ended_and_began() -> None:
    known = {
        1: readings(
            (JANUARY, 0, Origin.INSTALLATION),
            (date(2026, 1, 10), 700, Origin.TAKEOVER),
            (date(2026, 1, 10), 20, Origin.INSTALLATION),
            (date(2026, 1, 30), 320, Origin.PROVIDER),
        )
    }
    (line,) = only(run(copies(units=ConsumedUnits()), FEBRUARY, known)).lines
    assert said(line).splitlines() == [
        "Grandeur NB du bien 1 : 0 (installation, 01/01/2026), puis 320 (relevé prestataire,"
        " 30/01/2026) : 1 000 unités.",
        "Grandeur NB du bien 1 remplacée : 700 (reprise, 10/01/2026).",
        "Grandeur NB du bien 1 remplacée : 20 (installation, 10/01/2026).",
    ]


def test_a_block_tells_bound_and_number_and_only_what_happened() -> None:
    found = run_after_run(block("1000"), [JANUARY, FEBRUARY], installed(0, (FEBRUARY, 2700)))
    (first,), (second,) = (lines for _, lines in found)
    assert said(first).splitlines()[1:] == [
        "Total des compteurs avant ce passage : 0.",
        "Total des compteurs : 0.",
        "Borne à atteindre : 0.",
        "Première tranche de la règle.",
        "Une tranche compte 1 000 unités.",
        "Tranches facturées : 1.",
        "Nouvelle borne : 1 000.",
    ]
    assert said(second).splitlines()[1:] == [
        "Total des compteurs avant ce passage : 0.",
        "Total des compteurs : 2 700.",
        "Borne à atteindre : 1 000.",
        "Une tranche compte 1 000 unités.",
        "Tranches facturées : 2.",
        "Nouvelle borne : 3 000.",
    ]


def test_an_overrun_at_its_price_and_an_old_block_are_told() -> None:
    rule = block("1000", priced=True)
    days, known = [JANUARY, date(2027, 1, 1)], installed(0, (date(2027, 1, 1), 1120))
    overrun, whole = run_after_run(rule, days, known)[1][1]
    assert overrun.quantity == 120
    for line in (overrun, whole):
        assert (
            "Tranches arrivées à échéance : 1.\n"
            "Un dépassement se facture d'abord à son propre prix ; la tranche suivante commence au"
            " compteur.\n"
            "Une tranche compte 1 000 unités."
        ) in said(line)
    assert "Tranches facturées" not in said(overrun)
    assert "Tranches facturées : 1." in said(whole)


def test_a_true_up_says_what_is_beyond_and_what_is_refunded() -> None:
    for counter, sentence in (
        (3400, "Unités au-delà des forfaits, à régulariser : 400."),
        (2600, "Unités en deçà des forfaits, à rembourser : 400."),
    ):
        known = installed(0, (APRIL, counter))
        *_, (_, lines) = run_after_run(bundle(refund=True), MONTHS, known)
        assert said(of_family(lines, Family.OVERRUN)).splitlines()[1:] == [
            "Compteur à la dernière régularisation : 0.",
            f"Compteur à cette régularisation : {counter:,}.".replace(",", " "),
            "Forfaits facturés depuis la dernière régularisation : 3 000 unités.",
            "Borne à atteindre : 3 000.",
            sentence,
        ]
        assert "Un forfait compte 1 000 unités." in said(of_family(lines, Family.STANDARD))


def test_a_group_by_price_tells_both_rules_and_the_gap() -> None:
    """By price, bundles count at their own: 1000 at 0.01 against a true-up at 0.02."""
    rules = [
        bundle(
            "1000", id=n, code=f"R{n}", grouping=Grouping.PRICE, refund=True, check=False,
            term=Term.ARREARS, state=RuleState(APRIL), meters=(replace(NB, id=n),),
        )
        for n in (1, 2)
    ]  # fmt: skip
    known = {n: installed(0, (APRIL, 1500 * n), meter=n)[n] for n in (1, 2)}
    first, _ = run(contract(*rules), APRIL, known).rules
    extra, gap = (line for line in first.rated.lines if line.cost_line.family is Family.OVERRUN)
    assert said(extra).splitlines()[-2:] == [
        "Régularisation groupée, règle R1 : 1 500 unités comptées à 0,02 €, 1 000 au forfait à"
        " 0,01 €.",
        "Régularisation groupée, règle R2 : 3 000 unités comptées à 0,02 €, 1 000 au forfait à"
        " 0,01 €.",
    ]
    assert said(gap).splitlines()[-1] == (
        "Cette ligne porte l'écart entre le prix de régularisation et celui du forfait, sur les"
        " unités au forfait."
    )


def increased(increase: Increase, day: date, indices: Indices | None = None) -> list[str]:
    """What the last line of a fee of 100.00 says of its increase."""
    rule = fee("100.00", increase=increase, state=RuleState(day))
    options = RunOptions(day, increases=True, company_factor=Decimal("1.097"))
    rating = rate_contract(contract(rule), {}, options, indices=indices or {})
    assert rating.anomalies == ()
    return said(only(rating).lines[-1]).splitlines()[-2:]


def test_each_increase_tells_its_arithmetic() -> None:
    for kind, mode, value, after, how in (
        (IncreaseKind.CUSTOM, Mode.PERCENTAGE, "5.5", "105,50", "prix + 5,5 % = 105,5 €"),
        (IncreaseKind.CUSTOM, Mode.COEFFICIENT, "1.05", "105,00", "prix × 1,05 = 105 €"),
        (IncreaseKind.CUSTOM, Mode.ADDED, "10", "110,00", "prix + 10 € = 110 €"),
        (IncreaseKind.CUSTOM, Mode.REPLACED, "9", "9,00", "prix remplacé par 9 € = 9 €"),
        (IncreaseKind.COMPANY, Mode.COEFFICIENT, "0", "109,70", "prix × 1,097 = 109,7 €"),
    ):
        name = "société" if kind is IncreaseKind.COMPANY else "personnalisée"
        agreed = Increase(one_offs=(OneOff(FEBRUARY, Change(kind, mode, Decimal(value))),))
        assert increased(agreed, FEBRUARY) == [
            f"Prix en vigueur depuis le 01/02/2026 : 100,00 € augmenté à {after} €"
            f" (majoration {name}).",
            f"Augmentation : {how}, arrondi au plus proche à 2 décimales.",
        ]


def test_syntec_tells_both_indices() -> None:
    indices = {(2013, 1): Decimal("159.588"), (2026, 2): Decimal("161.018")}
    syntec = OneOff(FEBRUARY, Change(IncreaseKind.SYNTEC))
    agreed = Increase(one_offs=(syntec,), origin=date(2013, 1, 1))
    assert increased(agreed, FEBRUARY, indices) == [
        "Prix en vigueur depuis le 01/02/2026 : 100,00 € augmenté à 100,76 € (Syntec).",
        "P1 = P0 × (0,15 + 0,85 × 161,018 (02/2026) ÷ 159,588 (01/2013)) = 100,7616487455 €,"
        " arrondi au plus proche à 2 décimales.",
    ]


def test_a_true_up_cut_by_a_price_says_which_days_it_bears() -> None:
    agreed = Increase(
        one_offs=(OneOff(FEBRUARY, Change(IncreaseKind.CUSTOM, Mode.ADDED, Decimal(1))),)
    )
    rule, known = bundle(increase=agreed), installed(0, (APRIL, 3400))
    *_, (_, lines) = run_after_run(rule, MONTHS, known, true_up_prorated=True)
    parts = [said(line) for line in lines if line.cost_line.family is Family.OVERRUN]
    begin = "Le prix a changé dans la période : cette ligne porte la part des jours"
    assert f"{begin} 1 à 31, sur 90." in parts[0]
    assert f"{begin} 32 à 90, sur 90." in parts[1]


@pytest.mark.parametrize(("label", "name"), [("Copies", "R1 « Copies »"), ("", "R1")])
def test_a_rule_without_label_is_told_by_its_code(label: str, name: str) -> None:
    rule = {"rule": "R1", "label": label, "kind": "flat_fee", "term": "advance"}
    said, _ = whose({**rule, "contract": "K1", "module": "M1"}, {})
    assert said == f"Règle {name} : montant forfaitaire, terme à échoir."

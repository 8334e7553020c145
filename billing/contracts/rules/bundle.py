"""Bundle and true-up (*forfait et régularisation*, contracts.md §4.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from billing.contracts.contract import Family, Line, Module, Rule
from billing.contracts.counting import shown, small_print
from billing.contracts.grouped_true_up import apart, group_bills, price_on, weighed
from billing.contracts.noncumulative import Calculation
from billing.contracts.offer import Gift, gift
from billing.contracts.pricing import (
    DEGRESSIVE,
    ZERO_QUANTITY,
    at_scale,
    cost_anomaly,
    costs_of,
    degressive,
    priced,
    scale_of,
    sliced,
)
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.reading import Origin
from billing.contracts.schedule import Period, advanced, overdue
from billing.contracts.terms import calculation, day, only, quantity, rhythm, whole, word, yes_no
from billing.contracts.true_up import (
    Bundle,
    Days,
    Grouping,
    Memory,
    Reckoned,
    Window,
    bundle_of,
    covered,
    due,
    kept,
    memory_of,
    reckon,
    rhythms,
    units_of,
    within,
)
from billing.period import Periodicity, Unit
from formats.common.anomaly import Anomaly, Code

BUNDLE_COUNT = Code(
    "RAT-211",
    "Le nombre de forfaits facturés depuis la dernière régularisation est incorrect pour la règle"
    " « {rule} » : théoriques {expected}, réels {billed} ({cause}).",
    "Corrigez le cumul des forfaits, ou facturez le contrat seul avec l'option « pas de contrôle"
    " des cumuls des forfaits », qui le recale.",
)
LATE_START = Code(
    "RAT-212",
    "La date de début de la périodicité de facturation ({start:%d/%m/%Y}) doit être antérieure ou"
    " égale à la date de dernière régularisation ({last:%d/%m/%Y}) : facturation impossible.",
    "Ramenez le début de la périodicité à la date de dernière régularisation.",
)
_KNOWN: Final = (
    *("units", "true_up", "refund", "check", "grouping", "floating", "offered", "same_invoice"),
    *("calculation", "financed", "offered_until", *DEGRESSIVE),
)


def terms(raw: Mapping[str, object]) -> Bundle:
    """Reads `{"units": 1000, "true_up": {"count": 3, "unit": "month"}}` and the options of Bundle.

    Raises ValueError with a French reason.
    """
    only(raw, _KNOWN)
    every = rhythm(raw, "true_up")
    if every is None:
        raise ValueError("« true_up », la périodicité de la régularisation, est obligatoire")
    bundle = Bundle(
        quantity(raw, "units"),
        every,
        yes_no(raw, "refund", False),
        yes_no(raw, "check", True),
        Grouping(word(raw, "grouping", tuple(Grouping), Grouping.NONE)),
        yes_no(raw, "floating", False),
        whole(raw, "offered"),
        yes_no(raw, "same_invoice", True),
        calculation(raw),
        degressive(raw),
        whole(raw, "financed"),
        day(raw, "offered_until"),
    )
    if bundle.grouping is not Grouping.NONE and not (bundle.refund and bundle.check):
        raise ValueError("une régularisation groupée demande contrôle et remboursement à « oui »")
    _alone(bundle)
    return bundle


def _alone(bundle: Bundle) -> None:
    """What doesn't go with a grouped true-up, nor offered units with calculated ones."""
    given = bundle.offered or bundle.financed
    if given and bundle.calculation:
        raise ValueError("les unités offertes demandent des grandeurs cumulatives")
    if bundle.grouping is not Grouping.NONE and (given or bundle.degressive.billed):
        raise ValueError("une régularisation groupée n'a ni unités offertes ni prix dégressif")


def fits(bundle: object, p: Periodicity) -> None:
    """The true-up's period is the bundle's or a multiple of it (A-FR-03, A-NCU-08)."""
    assert isinstance(bundle, Bundle)
    true_up = bundle.true_up.beside(p)
    same = true_up.monthly == p.monthly or (p.unit is Unit.DAY and p.step == 1)
    longer = true_up.monthly != p.monthly or true_up.step > p.step
    if not same or (true_up.monthly == p.monthly and true_up.step % p.step):
        raise ValueError("la période de régularisation n'est pas un multiple de celle du forfait")
    if longer and bundle.calculation not in (None, Calculation.SUM):
        raise ValueError("seule la somme convient à une régularisation plus longue que le forfait")


def remark(bundle: object, p: Periodicity) -> str:
    """A true-up day behind the bundle's day lets a true-up come a period late (A-FR-07); the end
    date of an offer does nothing here (A-OFF-05)."""
    assert isinstance(bundle, Bundle)
    true_up, told = bundle.true_up.beside(p), []
    if p.monthly and true_up.monthly and _day_of(true_up) > _day_of(p):
        told.append(
            f"le jour de régularisation ({_day_of(true_up)}) suit le jour du forfait"
            f" ({_day_of(p)}) : la régularisation passera avec un forfait de trop"
        )
    if bundle.offered_until:
        told.append("la date de fin des unités offertes est sans effet sur un forfait")
    return " ; ".join(told)


def needs(bundle: object) -> frozenset[Family]:
    """Bundles have their price, the true-up has its own."""
    return frozenset({Family.STANDARD, Family.OVERRUN})


def _day_of(p: Periodicity) -> int:
    return 1 if p.civil else p.anchor.day


def rate(rule: Rule, facts: Facts) -> Rated:
    """The overdue bundles, a line each, and one true-up in their midst when one is due."""
    bundle, memory = bundle_of(rule), memory_of(rule.state.own)
    wrong = _wrong(rule, bundle, memory, facts)
    if wrong:
        return Rated(anomalies=tuple(wrong))
    first = memory.first or _first(facts.periods)
    memory = memory._replace(first=first)
    window = due(rule, facts.module, facts.options.work_date, first)
    if window is None:
        added = memory.cumulated + units_of(bundle, facts.periods)
        return _moved(rule, facts, _bundles(rule, facts.periods), memory._replace(cumulated=added))
    result = reckon(rule, facts, window)
    if isinstance(result, list):
        return Rated(anomalies=tuple(result))
    if result is None:
        added = memory.cumulated + units_of(bundle, facts.periods)
        memory = memory._replace(cumulated=added, next=window.following)
        return _moved(rule, facts, _bundles(rule, facts.periods), memory)
    return _trued_up(rule, facts, memory, result)


def _trued_up(rule: Rule, facts: Facts, memory: Memory, found: Reckoned) -> Rated:
    bundle, window = bundle_of(rule), found.window
    anomalies = [*_miscounted(rule, facts, memory, found), *apart(rule, facts, window)]
    if anomalies:
        return Rated(anomalies=tuple(anomalies))
    before = covered(rule.term, facts.periods, window.until)
    after = facts.periods[len(before) :]
    given = _given(bundle, rule, found)
    lines = [
        *_bundles(rule, before),
        *_true_up_lines(rule, facts, found, given),
        *_bundles(rule, after),
    ]
    memory = Memory(
        memory.first,
        window.until,
        window.following,
        units_of(bundle, after),
        found.base + found.units,
        found.extra,
    )
    return _moved(rule, facts, lines, memory, found, given.units)


def _moved(
    rule: Rule,
    facts: Facts,
    lines: Sequence[Line],
    memory: Memory,
    found: Reckoned | None = None,
    offered: int = 0,
) -> Rated:
    """The lines and the state after them; counters move at a true-up only, billed or not."""
    counted = found.counted if found else ()
    counters = {one.meter.id: one.reading for one in counted}
    state, today = rule.state, facts.options.work_date
    if facts.periods:
        state = advanced(state, facts.periods, today, counters)
    else:
        state = state._replace(
            last_actual=today if lines else state.last_actual,
            counters={**state.counters, **{id_: r.value for id_, r in counters.items()}},
            billed_on={**state.billed_on, **{id_: r.read_on for id_, r in counters.items()}},
        )
    state = state._replace(own=kept(memory), offered_used=state.offered_used + offered)
    return Rated(
        at_scale(rule, lines),
        state,
        tuple(one.reading for one in counted if one.reading.origin is Origin.ESTIMATE),
        used=tuple(one.reading.id for one in counted if one.reading.id),
        tied=found is not None and bundle_of(rule).grouping is not Grouping.NONE,
    )


def _bundles(rule: Rule, periods: Sequence[Period]) -> list[Line]:
    """A line a period and cost line; a global price adds the rental part (A-FR-14)."""
    bundle, lines = bundle_of(rule), []
    costs = [*costs_of(rule), *costs_of(rule, Family.RENTAL)]
    for period in periods:
        units = units_of(bundle, (period,))
        explain = {"how": "bundle", "theoretical": period.theoretical, "size": str(bundle.units)}
        if period.share is not None:
            explain["units_share"] = str(period.share)
        dates = (period.since, period.until)
        lines += [priced(rule, cost, dates, units, (), explain) for cost in costs if units]
    return lines


def _true_up_lines(rule: Rule, facts: Facts, found: Reckoned, given: Gift) -> list[Line]:
    bundle, costs = bundle_of(rule), costs_of(rule, Family.OVERRUN)
    extra = found.extra - given.units
    if bundle.grouping is Grouping.NONE:
        wanted = extra > 0 or (extra < 0 and bundle.refund)
    else:
        wanted = group_bills(rule, facts)
    dates, told = (found.window.since, found.window.until), _figures(found, given)
    if bundle.grouping is not Grouping.NONE:
        told["group"] = weighed(rule, facts)
    scale, lines = scale_of(rule), list[Line]()
    details = (*_details(found, scale), *given.details(scale))
    slices = bundle.degressive.billed
    for part, days in _by_price(rule, facts, found.window):
        some = {**told, "days": days} if days else told
        units = within(extra, days) if days else extra
        lines += sliced(rule, costs, part, units, slices, details, some) if units else []
        details = ()
    if bundle.grouping is Grouping.PRICE:
        lines += _price_gap(rule, found, dates, told)
    return [line._replace(separate=not bundle.same_invoice) for line in lines if wanted]


def _by_price(
    rule: Rule, facts: Facts, window: Window
) -> list[tuple[tuple[date, date], Days | None]]:
    """A true-up whole, at the price of its start; or cut where its price changes, with the days.

    AUGMENTATION_REGUL=prorata (A-AUG-11). A true-up with slices or weighed with others stays
    whole: its bounds and its comparison are those of one price.
    """
    bundle, since, until = bundle_of(rule), window.since, window.until
    moves = {step.since for cost in costs_of(rule, Family.OVERRUN) for step in cost.steps}
    alone = bundle.grouping is Grouping.NONE and not bundle.degressive.billed
    cuts = sorted(day for day in moves if since < day < until)
    if not (facts.options.true_up_prorated and alone and cuts):
        return [((since, until), None)]
    length = (until - since).days
    return [
        ((low, high), ((low - since).days, (high - since).days, length))
        for low, high in pairwise((since, *cuts, until))
    ]


def _price_gap(
    rule: Rule, found: Reckoned, dates: tuple[date, date], told: Mapping[str, object]
) -> list[Line]:
    """Grouped by price, the bundles count at their own price: the difference on their units."""
    since = found.window.since
    gap = price_on(rule, Family.OVERRUN, since) - price_on(rule, Family.STANDARD, since)
    if not gap or not found.cumulated:
        return []
    cost = costs_of(rule, Family.OVERRUN)[0]._replace(price=gap, steps=())
    line = priced(rule, cost, dates, found.cumulated, explain={**told, "how": "gap"})
    return [line._replace(part=f"{line.part}/bundle")]


# --- what stops a bundle ----------------------------------------------------------------------


def _wrong(rule: Rule, bundle: Bundle, memory: Memory, facts: Facts) -> list[Anomaly]:
    found = []
    for family in (Family.STANDARD, Family.OVERRUN, Family.RENTAL):
        costs = costs_of(rule, family)
        if costs or family is not Family.RENTAL:
            found.append(cost_anomaly(rule, costs, facts.options))
    if not bundle.units and not facts.options.zero_bundle_allowed:
        found.append(Anomaly(ZERO_QUANTITY, values={"rule": rule.code}))
    p = rhythms(rule)[0]
    if memory.last is not None and p.anchor > memory.last:
        found.append(Anomaly(LATE_START, values={"start": p.anchor, "last": memory.last}))
    return list({one.code: one for one in found if one is not None}.values())


def _miscounted(rule: Rule, facts: Facts, memory: Memory, found: Reckoned) -> list[Anomaly]:
    """The bundles billed since the last true-up aren't those of the calendar (A-FR-05)."""
    bundle, p = bundle_of(rule), rhythms(rule)[0]
    unchecked = not bundle.check or not facts.options.bundle_check or p.occurrences
    if unchecked or not bundle.units or found.cumulated == found.expected:
        return []
    values = {
        "rule": rule.code,
        "expected": shown(found.expected / bundle.units),
        "billed": shown(found.cumulated / bundle.units),
        "cause": _cause(bundle, memory, found),
    }
    return [Anomaly(BUNDLE_COUNT, values=values)]


def _cause(bundle: Bundle, memory: Memory, found: Reckoned) -> str:
    """The likely cause, those of the seed (004, "Le nombre de forfaits… est incorrect")."""
    last, until = memory.last, found.window.until
    if last is not None and last.day != until.day:
        return f"jour de régularisation {until.day}, jour de la dernière régularisation {last.day}"
    if found.cumulated % bundle.units:
        return "la quantité du forfait a changé depuis, ou le cumul est faux"
    if found.cumulated > found.expected:
        return "dernière régularisation passée trop tôt, ou périodicité du forfait changée"
    return "dernière régularisation passée en retard, ou périodicité du forfait changée"


# --- what is told -----------------------------------------------------------------------------


def _given(bundle: Bundle, rule: Rule, found: Reckoned) -> Gift:
    """Offered and financed units deducted now; those left wait for the next true-up."""
    used = rule.state.offered_used  # of both: the financed ones begin when the offer is used up
    offered = max(0, bundle.offered - used)
    financed = bundle.offered + bundle.financed - used - offered
    return gift(int(found.extra), offered, financed)


def _details(found: Reckoned, scale: int) -> tuple[str, ...]:
    bundles, bound = shown(found.cumulated, scale), shown(found.bound, scale)
    return (
        *small_print(found.counted),
        f"Forfaits facturés depuis la dernière régularisation : {bundles}",
        f"Borne à atteindre : {bound}",
    )


def _figures(found: Reckoned, given: Gift) -> dict[str, object]:
    return {
        "how": "true_up",
        "last": str(found.base),
        "counter": str(found.base + found.units),
        "cumulated": str(found.cumulated),
        "bound": str(found.bound),
        "extra": str(found.extra - given.units),
        "meters": [one.figures for one in found.counted],
        **given.figures,
    }


def _first(periods: Sequence[Period]) -> date | None:
    return periods[0].since if periods else None


def reckons(rule: Rule, module: Module, work_date: date) -> bool:
    """Whether a true-up's date has come, of a rule that was billed before or not."""
    return due(rule, module, work_date, _first(overdue(rule, module, work_date))) is not None


def left_over(rule: Rule, module: Module, work_date: date) -> bool:
    """The last true-up comes behind the last bundle in advance."""
    return due(rule, module, work_date, None) is not None


BUNDLE: Final = Kind(
    "bundle",
    "forfait et régularisation",
    terms,
    rate,
    metered=True,
    calculated=True,
    fits=fits,
    remark=remark,
    left_over=left_over,
    families=frozenset({Family.STANDARD, Family.OVERRUN, Family.RENTAL}),
    needs=needs,
    keeps=frozenset({"last", "next", "cumulated", "counter"}),
    reckons=reckons,
)

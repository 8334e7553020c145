"""Metered run (*facturation au résultat*, contracts.md §4.12 and §10, seed 000): pay per run.

Each patient's sample is a line of its own, the quality control of an analyser a monthly fee
(family `subscription`). Runs that come late go with the next bill, with their own date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from billing.contracts.claims import Claimable
from billing.contracts.contract import Asset, CostLine, Event, Family, Line, Module, Rule
from billing.contracts.pricing import cost_anomaly, costs_of, priced, prorated
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.runs import RUN, Run, only_for
from billing.contracts.schedule import advanced, end_of, passed_over, start_of
from billing.contracts.terms import only, whole
from billing.money import UNIT
from billing.period import Term
from formats.common.anomaly import Anomaly, Code

NOT_INSTALLED = Code(
    "RAT-231",
    "L'analyseur « {asset} » de la règle « {rule} » n'a pas de date de pose.",
    "Renseignez « pose_le » par le flux « assets » : les jours offerts partent de là.",
)
NOT_HEARD = Code(
    "RAT-232",
    "Aucune analyse reçue de l'analyseur « {asset} » de la règle « {rule} » depuis le"
    " {since:%d/%m/%Y} : la période n'est pas facturée à vide.",
    "Rétablissez sa connexion et importez ses analyses : la règle attend, la prochaine facture"
    " reprend les périodes en retard.",
)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MeteredRun:
    """Terms of pay per run, in days.

    free_days: given from the installation, that day included; a move gives no new ones.
    silence_days: without any run before the analyser counts as silent.
    """

    free_days: int = 3
    silence_days: int = 7


def terms(raw: Mapping[str, object]) -> MeteredRun:
    """Reads `{"free_days": 3, "silence_days": 7}`. Raises ValueError with a French reason."""
    only(raw, ("free_days", "silence_days"))
    silence = whole(raw, "silence_days", 7)
    if not silence:
        raise ValueError("le silence d'un analyseur compte au moins un jour")
    return MeteredRun(whole(raw, "free_days", 3), silence)


def claims(rule: Rule, module: Module, run: Claimable) -> bool:
    """Whether a run is the rule's: on its analyser, in the rule's validity, behind the free days.

    Installed on 10/05 with three free days: 10, 11 and 12 are given, 13/05 is billed.
    """
    if not isinstance(run, Run):
        return False
    end, free = end_of(rule, module), timedelta(days=terms_of(rule).free_days)
    return (
        start_of(rule) <= run.ran_on
        and (end is None or run.ran_on < end)
        and any(
            asset.id == run.asset_id
            and (asset.installed_on is None or asset.installed_on + free <= run.ran_on)
            for asset in analysers(rule, module)
        )
    )


def rate(rule: Rule, facts: Facts) -> Rated:
    """One line a run and cost line, then the quality control of each analyser, period by period.

    All that isn't billed yet and ran before the end of the last period due. No invoice is made
    for an analyser that wasn't heard of: that is an anomaly (I-RUN-13).
    """
    costs, fees = costs_of(rule), costs_of(rule, Family.SUBSCRIPTION)
    wrong = [cost_anomaly(rule, costs, facts.options)]
    wrong += [cost_anomaly(rule, fees, facts.options)] if fees else []
    found = [one for one in wrong if one is not None] or list(_troubles(rule, facts))
    if found:
        return Rated(anomalies=tuple(found))
    until = _bound(facts.periods[-1].until)
    lines = [
        line
        for one in facts.claimed
        if isinstance(one, Run) and one.ran_on < until
        for line in _lines(rule, costs, one)
    ]
    lines += _fees(rule, fees, facts)
    if not lines:
        return Rated(state=passed_over(rule.state, facts.periods))
    return Rated(tuple(lines), advanced(rule.state, facts.periods, facts.options.work_date))


def analysers(rule: Rule, module: Module) -> tuple[Asset, ...]:
    """The rule's own assets; a rule without any stands for all those of its module."""
    return rule.assets or module.assets


def terms_of(rule: Rule) -> MeteredRun:
    """The rule's own parameters."""
    own = rule.terms
    assert isinstance(own, MeteredRun)
    return own


def silent_since(asset: Asset, days: int, today: date) -> date | None:
    """The last day an analyser was heard of, or its installation, when that is `days` ago."""
    last = max(filter(None, (asset.heard_on, asset.installed_on)), default=None)
    return last if last is not None and last + timedelta(days=days) <= today else None


def _lines(rule: Rule, costs: Sequence[CostLine], one: Run) -> list[Line]:
    """A run is billed but once, whatever the rule: its id is the lines' event."""
    told = {"how": "run", "run": one.id, "ran_at": f"{one.ran_at:%d/%m/%Y à %H:%M}"}
    dates = (one.ran_on, one.ran_on + _DAY)
    return [
        priced(rule, cost, dates, UNIT, (one.shown,), told)._replace(
            part=f"{RUN}/{one.id}/{rank}", event=Event(RUN, one.id, str(rank))
        )
        for rank, cost in enumerate(costs, 1)
    ]


def _fees(rule: Rule, fees: Sequence[CostLine], facts: Facts) -> list[Line]:
    """Due for the analysers that stand here at the period's end: so from the month of their
    installation, and once for the month of a move."""
    lines: list[Line] = []
    for period in facts.periods if fees else ():
        count = len(list(_here(rule, facts, _bound(period.until) - _DAY)))
        told = {"how": "fee", "assets": count, "quantity": "1"}
        for fee in fees if count else ():
            lines += prorated(rule, fee, period, Decimal(count), explain=told)
    return lines


def _here(rule: Rule, facts: Facts, day: date) -> Iterator[Asset]:
    """The analysers installed at the contract's customer on a day."""
    for asset in analysers(rule, facts.module):
        there = only_for(asset.places, day) if asset.places else None
        if (asset.installed_on or day) <= day and there in (None, facts.customer_id):
            yield asset


def _troubles(rule: Rule, facts: Facts) -> Iterator[Anomaly]:
    first, last = _bound(facts.periods[0].since), _bound(facts.periods[-1].until) - _DAY
    for asset in _here(rule, facts, last):
        if asset.installed_on is None:
            yield Anomaly(NOT_INSTALLED, values={"rule": rule.code, "asset": asset.code})
        elif asset.heard_on is None or asset.heard_on < first:
            since = silent_since(asset, terms_of(rule).silence_days, last)
            values = {"rule": rule.code, "asset": asset.code, "since": since}
            if since is not None:
                yield Anomaly(NOT_HEARD, values=values)


def _bound(day: date) -> date:
    """A bound of a period, as runs are billed: a rule due on the last day of a month bills that
    day, so its periods begin and end on the first of one."""
    after = day + _DAY
    return after if after.day == 1 else day


METERED_RUN: Final = Kind(
    "run",
    "facturation au résultat",
    terms,
    rate,
    forced_term=Term.ARREARS,
    families=frozenset({Family.STANDARD, Family.SUBSCRIPTION}),
    events=RUN,
    claims=claims,
)

"""What a clerk checks before billing: each meter's readings, mixed regimes, readings to ask for.

Nothing here moves a rule; `echeance simulate` and `echeance requests propose` show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from billing.contracts.calculated import history_of
from billing.contracts.contract import Contract, Module, Rule, RunOptions
from billing.contracts.counting import asset_code, last_billed, origin_of, search_of
from billing.contracts.estimate import Volume, estimate, history, volume_of
from billing.contracts.reading import ACTUAL, Meter, Origin, Reading, Regime, found, recent
from billing.contracts.rules import KINDS
from formats.common.anomaly import Anomaly, Code

MIXED_REGIMES = Code(
    "RAT-301",
    "Bien « {asset} » : la règle « {rule} » est en régime {regime}, la règle « {other} » en régime"
    " {other_regime}.",
    "Vérifiez ce choix : un même bien se facture d'ordinaire dans un seul régime.",
)
_REGIMES = {
    Regime.ESTIMATE: "estimation autorisée",
    Regime.ACTUAL: "réel",
    Regime.CUSTOMER: "particulier",
}


Readings = Mapping[int, Sequence[Reading]]


class Seen(NamedTuple):
    """A meter of a rule at the work date; None where there is nothing.

    used: the reading billing would take, or the estimate it would make. actual: the last real one.
    billed: the counter billing starts from, and its origin when its reading is still held.
    """

    installed: Reading | None
    volume: Volume | None
    used: Reading | None
    actual: Reading | None
    billed: Reading | None
    billed_origin: Origin | None


class Proposal(NamedTuple):
    """A reading to ask for: the last actual one, None when there never was any, and its age.

    kind: code of the kind of its rule.
    """

    contract: str
    rule: str
    asset: str
    meter: Meter
    last: Reading | None
    days: int | None
    kind: str = ""


class Asking(NamedTuple):
    """Whom a clerk asks.

    days: NB_JOURS_MAX_SANS_RELEVE_COMPTEUR_REEL. reckoned_only: on the dates of true-ups and
    renewals alone (IGNORE_FACTURE_THEORIQUE_POUR_COLLECTE_COMPTEUR). unread_since: *sans relevé
    depuis le*, an asset read after that day is left out.
    """

    work_date: date
    days: int
    reckoned_only: bool = False
    unread_since: date | None = None


def seen(rule: Rule, meter: Meter, readings: Readings, options: RunOptions) -> Seen:
    """What billing sees of a meter; `readings` by meter id, in date order."""
    held = history_of(meter, readings).readings
    known = [one for one in held if one.read_on <= options.work_date]
    actual = history(known, options.work_date)
    billed = last_billed(rule, meter, known)
    return Seen(
        actual[0] if actual else None,
        volume_of(meter, actual),
        _used(rule, meter, known, options),
        recent(known, date.min, options.work_date, ACTUAL),
        billed,
        origin_of(known, billed) if billed else None,
    )


def _used(
    rule: Rule, meter: Meter, readings: Sequence[Reading], options: RunOptions
) -> Reading | None:
    search = search_of(rule, options)
    reading = found(meter, search, readings)
    if isinstance(reading, Code):
        return None
    if reading is not None:
        return reading
    made = estimate(meter, readings, search.until)
    return None if isinstance(made, str) else made.reading


def mixed_regimes(contract: Contract) -> Iterator[Anomaly]:
    """A warning for each asset billed by rules of two regimes (A-REL-22)."""
    first: dict[int, Rule] = {}
    told: set[int] = set()
    for module in contract.modules:
        for rule in module.rules:
            for meter in rule.meters:
                other = first.setdefault(meter.asset_id, rule)
                if other.regime is not rule.regime and meter.asset_id not in told:
                    told.add(meter.asset_id)
                    yield _mixed(contract, asset_code(meter, rule, module), other, rule)


def _mixed(contract: Contract, asset: str, rule: Rule, other: Rule) -> Anomaly:
    values = {
        "contract": contract.code,
        "asset": asset,
        "rule": rule.code,
        "regime": _REGIMES[rule.regime],
        "other": other.code,
        "other_regime": _REGIMES[other.regime],
    }
    return Anomaly(MIXED_REGIMES, values=values)


def regime_of(rule: Rule) -> str:
    """A rule's regime in French."""
    return _REGIMES[rule.regime]


def to_ask(contract: Contract, readings: Readings, asking: Asking) -> Iterator[Proposal]:
    """Meters of the rules due whose last actual reading is more than so many days old (A-REL-05).

    At 20 days nothing is asked with a limit of 20, at 21 days a reading is; each meter once. Of a
    calculated meter those of its formula are read.
    """
    asked: set[int] = set()
    old: list[Proposal] = []
    for module, rule in due(contract, asking.work_date):
        if asking.reckoned_only and not _reckons(rule, module, asking.work_date):
            continue
        for meter in _read(rule, asking.work_date):
            if meter.id not in asked:
                asked.add(meter.id)
                old.append(_proposal(contract, module, rule, meter, readings, asking.work_date))
    fresh = {one.meter.asset_id for one in old if _since(one, asking.unread_since)}
    for one in old:
        if one.meter.asset_id not in fresh and (one.days is None or one.days > asking.days):
            yield one


def _reckons(rule: Rule, module: Module, work_date: date) -> bool:
    reckons = KINDS[rule.kind].reckons
    return reckons is not None and reckons(rule, module, work_date)


def _read(rule: Rule, work_date: date) -> Iterator[Meter]:
    """The meters somebody reads: in service, and not calculated."""
    for meter in rule.meters:
        for one in meter.calculation.operands if meter.calculation else (meter,):
            if one.until is None or work_date < one.until:
                yield one


def _since(one: Proposal, day: date | None) -> bool:
    return day is not None and one.last is not None and one.last.read_on > day


def _proposal(
    contract: Contract, module: Module, rule: Rule, meter: Meter, readings: Readings, on: date
) -> Proposal:
    last = recent(readings.get(meter.id, ()), date.min, on, ACTUAL)
    age = (on - last.read_on).days if last else None
    asset = asset_code(meter, rule, module)
    return Proposal(contract.code, rule.code, asset, meter, last, age, rule.kind)


def due(contract: Contract, work_date: date) -> Iterator[tuple[Module, Rule]]:
    """The rules whose next theoretical date has come, in their order."""
    for module in contract.modules:
        for rule in module.rules:
            theoretical = rule.state.next_theoretical
            if theoretical is not None and theoretical <= work_date:
                yield module, rule

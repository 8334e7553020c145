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
    """A reading to ask for: the last actual one, None when there never was any, and its age."""

    contract: str
    rule: str
    asset: str
    meter: Meter
    last: Reading | None
    days: int | None


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


def to_ask(
    contract: Contract, readings: Readings, work_date: date, days: int
) -> Iterator[Proposal]:
    """Meters of the rules due whose last actual reading is more than `days` old (A-REL-05).

    At 20 days nothing is asked with a limit of 20, at 21 days a reading is; each meter once.
    """
    asked: set[int] = set()
    for module, rule in due(contract, work_date):
        for meter in rule.meters:
            last = recent(readings.get(meter.id, ()), date.min, work_date, ACTUAL)
            age = (work_date - last.read_on).days if last else None
            if meter.id not in asked and (age is None or age > days):
                asked.add(meter.id)
                asset = asset_code(meter, rule, module)
                yield Proposal(contract.code, rule.code, asset, meter, last, age)


def due(contract: Contract, work_date: date) -> Iterator[tuple[Module, Rule]]:
    """The rules whose next theoretical date has come, in their order."""
    for module in contract.modules:
        for rule in module.rules:
            theoretical = rule.state.next_theoretical
            if theoretical is not None and theoretical <= work_date:
                yield module, rule

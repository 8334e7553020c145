"""What the meters of a rule counted since their last billing (contracts.md §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from billing.contracts.calculated import History, gap_in, history_of
from billing.contracts.contract import NOTHING_TOLD, Module, Rule, RunOptions
from billing.contracts.estimate import CANNOT_ESTIMATE, estimate
from billing.contracts.formula import text_of
from billing.contracts.noncumulative import Calculation, units_of
from billing.contracts.rating import Facts
from billing.contracts.reading import (
    NO_ACTUAL_READING,
    NO_CUSTOMER_READING,
    NO_READING_WITHOUT_ESTIMATE,
    NOT_ON_CUSTOMER,
    REGIMES,
    Meter,
    Origin,
    Reading,
    Regime,
    Search,
    allowed,
    barred,
    found,
)
from billing.french import number
from formats.common.anomaly import Anomaly, Code

NO_START = Code(
    "RAT-108",
    "Aucun relevé d'installation pour la grandeur « {meter} » du bien « {asset} » :"
    " la consommation n'a pas de point de départ.",
    "Saisissez le compteur d'installation du bien.",
)
MIXED_METERS = Code(
    "RAT-110",
    "La règle mêle les grandeurs cumulative « {meter} » et non cumulative « {other} ».",
    "Répartissez ces grandeurs sur deux règles.",
)
NOT_CUMULATIVE = Code(
    "RAT-109",
    "La grandeur non cumulative « {meter} » du bien « {asset} » n'a pas de mode de calcul dans la"
    " règle.",
    "Rattachez la grandeur à une règle de grandeurs non cumulatives.",
)

_TAKEOVER: Final = Origin.TAKEOVER  # naming a member costs a call until Python 3.12
_INSTALLATION: Final = Origin.INSTALLATION
_CHANGES: Final = frozenset({_TAKEOVER, _INSTALLATION})


class Counted(NamedTuple):
    """A meter's counter to bill, and the units counted since its last billed value.

    last is None on a non-cumulative meter, whose periods don't follow from each other.
    asset: code of the machine; several: the rule has others, so that the small print names it.
    work: what the units were reckoned from besides (`billing.contracts.story`).
    """

    meter: Meter
    last: Reading | None
    reading: Reading
    units: Decimal
    asset: str = ""
    several: bool = False
    work: Mapping[str, object] = NOTHING_TOLD

    @property
    def detail(self) -> str:
        """The small print: label, origin, date and value of the counter billed."""
        reading = self.reading
        value = printed(reading.value, self.meter.scale)
        name = f"{self.asset}, {self.meter.label}" if self.several else self.meter.label
        return f"{name} : {reading.origin.french} du {_french(reading.read_on)}, {value}"

    @property
    def figures(self) -> dict[str, object]:
        """What `explain` shows of the meter, as JSON values."""
        last, reading = self.last, self.reading
        return {
            "meter": self.meter.code,
            "asset": self.asset,
            "from": None if last is None else last.value,
            "from_on": None if last is None else last.read_on,
            "to": reading.value,
            "on": reading.read_on,
            "origin": reading.origin.value,
            "units": str(self.units),
            **self.work,
        }


@lru_cache(maxsize=1024)
def _french(day: date) -> str:
    return f"{day:%d/%m/%Y}"  # slow, and thousands of meters are read on the same days


def small_print(counted: Sequence[Counted]) -> tuple[str, ...]:
    """The counters told under a line: those of printable meters."""
    return tuple([one.detail for one in counted if one.meter.printable])


def printed(value: int, scale: int = 1) -> str:
    """A counter as printed in French: 17 777, or 177,77 with a scale of 100 (A-CRE-17)."""
    whole, rest = divmod(abs(value), scale)
    sign = "-" if value < 0 else ""
    decimals = f",{rest:0{len(str(scale)) - 1}d}" if scale > 1 else ""
    return f"{sign}{whole:,}".replace(",", "\N{NO-BREAK SPACE}") + decimals


def shown(value: Decimal, scale: int = 1) -> str:
    """A quantity in a French sentence, two decimals at most: 3333.333 → 3 333,33."""
    return number(round(value / scale, 2))


def search_of(rule: Rule, options: RunOptions) -> Search:
    """Where the run looks for the readings of a rule; `reading_days` counts its last day."""
    policy = rule.reading_policy or REGIMES[rule.regime]
    since, last = options.work_date - timedelta(days=options.reading_days), rule.state.last_actual
    if not policy.within_days:
        since = rule.since if last is None else last + timedelta(days=1)
    allowed = (policy.estimate or options.force_estimate) and not options.no_estimate
    return Search(policy.tiers, since, options.work_date, allowed, _missing(rule, policy.estimate))


def count(
    rule: Rule, facts: Facts, calculation: Calculation | None = None
) -> tuple[list[Counted], list[Anomaly]]:
    """Every meter of the rule counted at the work date, or what forbids it, all at once.

    Non-cumulative meters need the rule's calculation, and can't be mixed with cumulative ones.
    """
    search = search_of(rule, facts.options)
    counted: list[Counted] = []
    anomalies = _mixed(rule.meters)
    several = len({meter.asset_id for meter in rule.meters}) > 1
    for meter in rule.meters:
        history = history_of(meter, facts.readings)
        named = asset_code(meter, rule, facts.module), several
        result: Counted | tuple[Code, str] | None = barred(meter, search.until)
        if result is None and meter.cumulative:
            result = _count_one(rule, meter, history, search, named)
        elif result is None:
            result = _calculate(meter, history, facts, search, calculation, named)
        if isinstance(result, Counted):
            counted.append(result)
        else:
            anomalies.append(_anomaly(meter, named[0], result))
    return counted, anomalies


def last_billed(rule: Rule, meter: Meter, readings: Sequence[Reading]) -> Reading | None:
    """The counter billing starts from: the last billed one, else the installation's value.

    An installation that a take-over closed before the rule began belongs to another customer.
    """
    state = rule.state
    value = state.counters.get(meter.id)
    if value is not None:
        billed_on = state.billed_on.get(meter.id) or state.last_actual or rule.since
        return Reading(meter.id, billed_on, value, Origin.ESTIMATE)
    start = None
    for reading in readings:
        if reading.origin is _TAKEOVER and reading.read_on <= rule.since:
            start = None
        elif reading.origin is _INSTALLATION and start is None:
            start = reading
    return start


def consumed(readings: Sequence[Reading], last: Reading, target: Reading) -> int:
    """Units between two counters of a meter, over its replacements (take-over, installation)."""
    return _over(_changes(_behind(readings, last)[0], target), last, target)


def _over(changes: Sequence[Reading], last: Reading, target: Reading) -> int:
    units, low, replaced = 0, last.value, False
    for reading in changes:
        if reading.origin is _TAKEOVER:
            units, low, replaced = units + reading.value - low, reading.value, True
        elif replaced:
            low = reading.value
    return units + target.value - low


def _count_one(
    rule: Rule, meter: Meter, history: History, search: Search, named: tuple[str, bool]
) -> Counted | tuple[Code, str]:
    """named: code of the machine, and whether the rule has others."""
    readings, gaps = history
    reading = found(meter, search, readings)
    if not isinstance(reading, Reading) and (gap := gap_in(gaps, search.since, search.until)):
        return gap  # read, but not whole: no estimate hides it
    if isinstance(reading, Code):
        return reading, ""
    last = last_billed(rule, meter, readings)
    work = _formula_of(meter)
    if reading is None:
        estimated = estimate(meter, readings, search.until)
        if isinstance(estimated, str):
            return CANNOT_ESTIMATE, estimated
        reading, work["estimate"] = estimated.reading, estimated.figures
    if last is None:
        return NO_START, ""
    behind, origin = _behind(readings, last)
    if origin:
        work["from_origin"] = origin.value
    if changes := _changes(behind, reading):
        work["changes"] = [_row(change) for change in changes]
    units = Decimal(_over(changes, last, reading))
    return Counted(meter, last, reading, units, *named, work)


def _formula_of(meter: Meter) -> dict[str, object]:
    formula = meter.calculation and meter.calculation.formula
    return {"formula": text_of(formula)} if formula else {}


def origin_of(readings: Sequence[Reading], last: Reading) -> Origin | None:
    """Where a counter that was billed came from; None when its reading isn't among these."""
    return _behind(readings, last)[1]


def _behind(readings: Sequence[Reading], last: Reading) -> tuple[list[Reading], Origin | None]:
    """The readings after a counter that was billed, the latest first; and its own origin."""
    behind: list[Reading] = []
    for reading in reversed(readings):
        if reading.read_on < last.read_on:
            break
        if reading.read_on == last.read_on and reading.value == last.value:
            return behind, reading.origin
        behind.append(reading)
    return behind, None


def _row(reading: Reading) -> tuple[date, int, str]:
    return reading.read_on, reading.value, reading.origin.value


def _calculate(
    meter: Meter,
    history: History,
    facts: Facts,
    search: Search,
    calculation: Calculation | None,
    named: tuple[str, bool],
) -> Counted | tuple[Code, str]:
    if calculation is None:
        return NOT_CUMULATIVE, ""
    result = units_of(calculation, facts.periods, history.readings, allowed(meter, search))
    if result is None:
        return _uncounted(calculation, history, facts, search)
    units, read = result
    rows = [[_row(reading) for reading in period] for period in read]
    work = {"calculation": calculation.value, "read": rows}
    return Counted(meter, None, read[-1][-1], units, *named, work)


def _uncounted(
    calculation: Calculation, history: History, facts: Facts, search: Search
) -> tuple[Code, str]:
    """Why a period of a non-cumulative meter has no reading to bill."""
    if units_of(calculation, facts.periods, history.readings, search) is not None:
        return NOT_ON_CUSTOMER, ""
    since, until = facts.periods[0].since, facts.periods[-1].until - timedelta(days=1)
    return gap_in(history.gaps, since, until) or (NO_ACTUAL_READING, "")


def _mixed(meters: Sequence[Meter]) -> list[Anomaly]:
    cumulative = {meter.cumulative: meter.label for meter in meters}
    if len(cumulative) < 2:
        return []
    values = {"meter": cumulative[True], "other": cumulative[False]}
    return [Anomaly(MIXED_METERS, values=values)]


def _changes(behind: Sequence[Reading], target: Reading) -> list[Reading]:
    """Take-overs and installations after the last billed counter, up to the target."""
    changes: list[Reading] = []
    for reading in behind:
        if reading is target:
            changes.clear()
        if reading.origin in _CHANGES and reading.read_on <= target.read_on:
            changes.append(reading)
    return changes[::-1]


def _missing(rule: Rule, estimated: bool) -> Code:
    if estimated:
        return NO_READING_WITHOUT_ESTIMATE
    return NO_CUSTOMER_READING if rule.regime is Regime.CUSTOMER else NO_ACTUAL_READING


def _anomaly(meter: Meter, asset: str, reason: tuple[Code, str]) -> Anomaly:
    code, cause = reason
    return Anomaly(code, values={"meter": meter.label, "asset": asset, "cause": cause})


def asset_code(meter: Meter, rule: Rule, module: Module) -> str:
    """The code of a meter's asset: its own, else the rule's or module's, else its number."""
    if meter.asset_code:
        return meter.asset_code
    for asset in (*rule.assets, *module.assets):
        if asset.id == meter.asset_id:
            return asset.code
    return str(meter.asset_id)

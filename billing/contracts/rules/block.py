"""Unit block (*tranche d'unités*, contracts.md §4.4): prepaid units, renewed when used or old.

The rule's periodicity is how often the bound is checked; the renewal is how long a block lasts,
from the last actual invoice. In advance a block is billed when it begins, in arrears when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from billing.contracts.block_variants import deposited, stepped
from billing.contracts.calculated import history_of
from billing.contracts.contract import Family, Line, Module, Rule, RuleState
from billing.contracts.counting import (
    NO_START,
    Counted,
    asset_code,
    count,
    last_billed,
    shown,
    small_print,
)
from billing.contracts.noncumulative import Calculation
from billing.contracts.offer import CUMULATIVE_ONLY, NO_OFFER, NOTHING_GIVEN, Gift, Offer, offer
from billing.contracts.pricing import at_scale, cost_anomaly, costs_of, priced, scale_of
from billing.contracts.rating import Facts, Kind, Rated
from billing.contracts.reading import MISSING, Origin
from billing.contracts.schedule import advanced, end_of, passed_over, start_of
from billing.contracts.terms import Rhythm, calculation, only, quantity, rhythm, word
from billing.money import UNIT, ZERO
from billing.period import Periodicity, Term, Unit, next_bound
from formats.common.anomaly import Anomaly

BLOCKS: Final = "blocks"
PRICED: Final = "priced"
_BOUND: Final = "bound"
_COUNTER: Final = "counter"
_VOLUME: Final = "yearly_volume"
_DEPOSIT: Final = "deposit"
_GIVEN: Final = "given"
_KNOWN: Final = (
    *("units", "renewal", "overrun", "renew_from", "calculation", _VOLUME, _DEPOSIT),
    *("offered", "offered_until", "financed"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Terms of a block.

    units:       of one block. renewal: how long it lasts; None (*apériodique*) = without limit.
    priced:      an overrun is billed at its own price before the next block, which then begins
                 at the counter; else as many blocks as it needs, the last already begun.
    from_counter: a renewal by date begins at the counter, not at the old bound.
    calculation: *mode de calcul* of non-cumulative meters.
    volume:      GTB: the block is a step of this yearly volume; 0 = plain.
    deposit:     SF1: units billed first and deducted from the next blocks; 0 = none.
    offer:       the first block begins behind these units, unless the rule was billed before.
    """

    units: Decimal
    renewal: Rhythm | None = None
    priced: bool = False
    from_counter: bool = False
    calculation: Calculation | None = None
    volume: Decimal = ZERO
    deposit: Decimal = ZERO
    offer: Offer = NO_OFFER


class Level(NamedTuple):
    """Where the meters stand: all of them together, and the bound they may reach.

    given: units the first block began behind.
    """

    total: Decimal
    bound: Decimal
    given: Gift = NOTHING_GIVEN


class Due(NamedTuple):
    """What a check bills, and the bound it leads to: whole blocks, and units beyond at a price.

    Of the blocks, `opened` begins the rule; `old` are over by date.
    """

    blocks: int
    overrun: Decimal
    bound: Decimal
    opened: int
    old: int


def terms(raw: Mapping[str, object]) -> Block:
    """Reads `{"units": 5000, "renewal": {"count": 12, "unit": "month"}, "overrun": "priced"}`.

    overrun: `blocks` (default) or `priced`; renew_from: `bound` (default) or `counter`. Raises
    ValueError with a French reason. yearly_volume and deposit: `billing.contracts.block_variants`;
    offered, offered_until and financed: `billing.contracts.offer`.
    """
    only(raw, _KNOWN)
    units = quantity(raw, "units")
    if not units:
        raise ValueError("une tranche compte au moins une unité")
    volume, deposit = (quantity({name: 0, **raw}, name) for name in (_VOLUME, _DEPOSIT))
    if volume and (raw.get("renewal") or volume < units):
        raise ValueError("un seuil de volume annuel (GTB) atteint la cadence, sans renouvellement")
    how, given = calculation(raw), offer(raw)
    if how is not None and given != NO_OFFER:
        raise ValueError(CUMULATIVE_ONLY)
    return Block(
        units,
        rhythm(raw, "renewal"),
        word(raw, "overrun", (BLOCKS, PRICED), BLOCKS) == PRICED,
        word(raw, "renew_from", (_BOUND, _COUNTER), _BOUND) == _COUNTER,
        how,
        volume,
        deposit,
        given,
    )


def needs(block: object) -> frozenset[Family]:
    """An overrun or a deposit is billed at a price of its own."""
    assert isinstance(block, Block)
    used = {Family.STANDARD: True, Family.OVERRUN: block.priced, Family.DEPOSIT: block.deposit > 0}
    return frozenset(family for family, wanted in used.items() if wanted)


def rate(rule: Rule, facts: Facts) -> Rated:
    """The bound checked at the work date: blocks used up, or old, and the overrun."""
    block = _block(rule)
    wanted = needs(block)
    for family in (one for one in Family if one in wanted):
        wrong = cost_anomaly(rule, costs_of(rule, family), facts.options)
        if wrong is not None:
            return Rated(anomalies=(wrong,))
    counted, anomalies = count(rule, facts, block.calculation)
    opens = not _begun(rule) and rule.term is Term.ADVANCE
    if opens and all(one.code in MISSING for one in anomalies):
        counted, anomalies = _at_installation(rule, facts) if anomalies else (counted, [])
    if anomalies:
        return Rated(anomalies=tuple(anomalies))
    given, waits = _given(rule, block, counted, facts.options.work_date)
    if waits:
        return Rated(state=_waiting(rule, facts, given))
    level = _level(rule, block, counted, given)
    return _billed(rule, facts, counted, level, _due(rule, block, level, facts))


def _given(rule: Rule, block: Block, counted: Sequence[Counted], today: date) -> tuple[Gift, bool]:
    """Units the first block begins behind, and whether it still waits for them to be used up."""
    if block.offer == NO_OFFER or _begun(rule) or not rule.state.never_billed:
        return NOTHING_GIVEN, False
    consumed = max(0, int(sum((one.units for one in counted), ZERO)))
    kept, yesterday = int(rule.state.own.get(_GIVEN, 0)), today - timedelta(days=1)
    return block.offer.given(consumed, kept, yesterday)


def _waiting(rule: Rule, facts: Facts, given: Gift) -> RuleState:
    """Nothing is billed yet: the rule remembers what was offered, and counts from the start."""
    state = passed_over(rule.state, facts.periods) if facts.periods else rule.state
    today = facts.options.work_date.isoformat()
    return state._replace(own={_GIVEN: str(given.offered), "checked": today})


def _due(rule: Rule, block: Block, level: Level, facts: Facts) -> Due:
    """The block that opens the rule; the overrun; the blocks whose time is over."""
    opens = not _begun(rule) and rule.term is Term.ADVANCE
    old = 0 if opens or not facts.periods else _ended(rule, block, facts.options.work_date)
    blocks = 1 if opens else 0
    bound = level.bound + blocks * block.units
    over = max(ZERO, level.total - bound)
    if over and block.priced:
        added = max(1, old)
        return Due(blocks + added, over, level.total + added * block.units, blocks, old)
    needed = int((over / block.units).quantize(UNIT, ROUND_CEILING))
    if block.from_counter and old > needed:
        return Due(blocks + old, ZERO, level.total + old * block.units, blocks, old)
    added = max(needed, old)
    return Due(blocks + added, ZERO, bound + added * block.units, blocks, old)


def _ended(rule: Rule, block: Block, work_date: date) -> int:
    """Blocks whose validity is over: it runs from the last actual invoice (A-TR-06)."""
    if block.renewal is None:
        return 0
    ended, since = 0, _since(rule)
    while (until := _end_of_validity(block, since)) <= work_date:
        ended, since = ended + 1, until
    return ended


def _end_of_validity(block: Block, since: date) -> date:
    assert block.renewal is not None
    return _later(block.renewal.count, block.renewal.unit, since)


@lru_cache(maxsize=1024)  # thousands of blocks are renewed on the same days
def _later(count: int, unit: Unit, since: date) -> date:
    return next_bound(Periodicity(count, unit, since), since)


def _level(rule: Rule, block: Block, counted: Sequence[Counted], given: Gift) -> Level:
    """The running total, the same over replaced meters, and the bound beside it.

    What a meter attached since was installed with counts on both sides (41 → 1041, 71 → 1071).
    """
    own, known = rule.state.own, rule.state.counters
    units = sum((one.units for one in counted), ZERO)
    if "total" in own:
        new = _installed(one for one in counted if one.meter.id not in known)
        return Level(Decimal(own["total"]) + new + units, Decimal(own[_BOUND]) + new)
    start = _installed(counted)
    if _BOUND in own:
        return Level(start + units, Decimal(own[_BOUND]))
    prepaid = ZERO if rule.term is Term.ADVANCE else block.units
    return Level(start + units, start + given.units + prepaid, given)


def _installed(counted: Iterable[Counted]) -> Decimal:
    return Decimal(sum(one.last.value for one in counted if one.last is not None))


def _billed(rule: Rule, facts: Facts, counted: Sequence[Counted], level: Level, due: Due) -> Rated:
    counters = {one.meter.id: one.reading for one in counted}
    block, today, state = _block(rule), facts.options.work_date, rule.state
    lines = _lines(rule, facts, counted, level, due) if due.blocks or due.overrun else []
    units = due.blocks * block.units
    more, deposit = deposited(rule, block.deposit, _dates(rule, facts), units, today)
    lines += more
    if not facts.periods:
        state = state._replace(last_actual=today if lines else state.last_actual)
    elif lines:
        state = advanced(state, facts.periods, today, counters)
    else:
        state = passed_over(state, facts.periods, counters)
    own = {"total": str(level.total), _BOUND: str(due.bound), "checked": today.isoformat()}
    steps = stepped(state.own, due.blocks, block.units, block.volume)
    state = state._replace(own={**own, **steps, **deposit})
    if not lines:
        return Rated((), state)
    estimates = (one.reading for one in counted if one.reading.origin is Origin.ESTIMATE)
    used = tuple(one.reading.id for one in counted if one.reading.id)
    return Rated(at_scale(rule, lines), state, tuple(estimates), used=used)


def _lines(
    rule: Rule, facts: Facts, counted: Sequence[Counted], level: Level, due: Due
) -> list[Line]:
    block, dates, today = _block(rule), _dates(rule, facts), facts.options.work_date
    scale = scale_of(rule)
    details = (
        *small_print(counted),
        *level.given.details(scale),
        f"Borne à atteindre : {shown(level.bound, scale)},"
        f" nouvelle borne : {shown(due.bound, scale)}",
    )
    told = _figures(block, counted, level, due)
    lines: list[Line] = []
    blocks = due.blocks * block.units
    for how, family, units in (
        ("overrun", Family.OVERRUN, due.overrun),
        ("blocks", Family.STANDARD, blocks),
    ):
        costs = costs_of(rule, family) if units else []
        lines += [
            priced(rule, c, dates, units, details, {"how": how, **told}, today) for c in costs
        ]
        details = () if lines else details
    return lines


def _figures(block: Block, counted: Sequence[Counted], level: Level, due: Due) -> dict[str, object]:
    units = sum((one.units for one in counted), ZERO)
    return {
        "base": str(level.total - units),
        "total": str(level.total),
        "bound": str(level.bound),
        "new_bound": str(due.bound),
        "size": str(block.units),
        "opened": due.opened,
        "old": due.old,
        "priced": block.priced,
        "meters": [one.figures for one in counted],
        **level.given.figures,
    }


def _dates(rule: Rule, facts: Facts) -> tuple[date, date]:
    """In advance the validity that begins, in arrears the one that ends."""
    today, block = facts.options.work_date, _block(rule)
    if rule.term is Term.ARREARS:
        return _since(rule), today
    if block.renewal is None:
        return today, today + timedelta(days=1)
    return today, _end_of_validity(block, today)


def _at_installation(rule: Rule, facts: Facts) -> tuple[list[Counted], list[Anomaly]]:
    """The first block in advance needs no other reading than the installation's."""
    counted: list[Counted] = []
    anomalies: list[Anomaly] = []
    several = len({meter.asset_id for meter in rule.meters}) > 1
    for meter in rule.meters:
        if not meter.cumulative:
            continue
        start = last_billed(rule, meter, history_of(meter, facts.readings).readings)
        asset = asset_code(meter, rule, facts.module)
        if start is None:
            anomalies.append(Anomaly(NO_START, values={"meter": meter.label, "asset": asset}))
        else:
            counted.append(Counted(meter, start, start, ZERO, asset, several))
    return counted, anomalies


def _block(rule: Rule) -> Block:
    block = rule.terms
    assert isinstance(block, Block)
    return block


def _begun(rule: Rule) -> bool:
    """Whether a bound stands already, checked or taken over."""
    return _BOUND in rule.state.own


def _since(rule: Rule) -> date:
    return rule.state.last_actual or start_of(rule)


def left_over(rule: Rule, module: Module, work_date: date) -> bool:
    """In advance, what was used after the last check is looked at once more behind the end."""
    end, checked = end_of(rule, module), rule.state.own.get("checked")
    if not end or not checked or _block(rule).calculation is not None:
        return False
    return date.fromisoformat(checked) < end <= work_date


def reckons(rule: Rule, module: Module, work_date: date) -> bool:
    """Whether a renewal's date has come; only a reading tells when an undated block is used up."""
    block = _block(rule)
    return block.renewal is None or _ended(rule, block, work_date) > 0


BLOCK: Final = Kind(
    "block",
    "tranche d'unités",
    terms,
    rate,
    metered=True,
    calculated=True,
    left_over=left_over,
    families=frozenset({Family.STANDARD, Family.OVERRUN, Family.DEPOSIT}),
    needs=needs,
    keeps=frozenset({_BOUND}),
    reckons=reckons,
)

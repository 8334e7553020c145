"""The one signature of every rule kind.

A kind is one file in `rules/` that declares a `Kind`; only the table of `rules/` knows its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from billing.contracts.claims import Claimable
from billing.contracts.contract import Family, Line, Module, Rule, RuleState, RunOptions
from billing.contracts.reading import Reading
from billing.contracts.schedule import Period
from billing.period import Periodicity, Term
from formats.common.anomaly import Anomaly


class Facts(NamedTuple):
    """What a kind may look at besides its rule.

    periods:    the rule's overdue periods, oldest first; empty for an aperiodic rule, and for a
                kind that has something left behind its last period.
    readings:   by meter id, in date order (date, then id).
    companions: lines that other rules of the contract bill in this run (aperiodic rules).
    claimed:    events the rule claims that no posting has billed, in their order.
    customer_id: of the contract.
    """

    options: RunOptions
    module: Module
    readings: Mapping[int, Sequence[Reading]]
    periods: Sequence[Period] = ()
    companions: Sequence[Line] = ()
    claimed: Sequence[Claimable] = ()
    customer_id: int = 0


class Rated(NamedTuple):
    """Lines with the state they lead to, or anomalies, or nothing at all.

    state is None when nothing moves. estimates are readings to store with the posting;
    used are the ids of the readings billed. tied: the lines rest on other rules of the contract,
    which is posted whole or waits whole.
    """

    lines: tuple[Line, ...] = ()
    state: RuleState | None = None
    estimates: tuple[Reading, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    used: tuple[int, ...] = ()
    tied: bool = False


NOTHING = Rated()


def fits_always(terms: object, periodicity: Periodicity) -> None:
    """Any periodicity goes with these terms."""


def no_remark(terms: object, periodicity: Periodicity) -> str:
    """Nothing to tell about these terms."""
    return ""


def nothing_left(rule: Rule, module: Module, work_date: date) -> bool:
    """Nothing is due once a rule has no more period to bill."""
    return False


def standard_cost(terms: object) -> frozenset[Family]:
    """A standard cost is all these terms bill."""
    return frozenset({Family.STANDARD})


def no_claim(rule: Rule, module: Module, event: Claimable) -> bool:
    """The kind bills no event."""
    return False


@dataclass(frozen=True, slots=True)
class Kind:
    """A rule kind: its code in files, how its terms are read and how it rates.

    terms:         reads the kind's own parameters; raises ValueError with a French reason.
    forced_term:   the only term the kind accepts, or None for both.
    metered:       the rule needs meters.
    calculated:    it bears non-cumulative meters, by a function over the period (A-NCU-03).
    on_others:     the rule has no periodicity: it rests on the lines of all the other rules.
    aperiodic:     the rule may have no periodicity: it is billed along with its contract's others.
    fits:          raises ValueError, in French, when a rule's periodicity can't go with its terms.
    remark:        what a clerk should look at twice when importing such a rule, in French, or "".
    left_over:     whether something is due behind the last period of a rule.
    families:      cost families the kind bills; a cost line of another would never be billed.
    needs:         those without which a rule of these terms can't be billed.
    keeps:         names in `RuleState.own` that a take-over may bring.
    events:        what it bills one by one, if it does: the kind of `Event` of its lines.
    claims:        which of these events are a rule's.
    reckons:       for a kind with true-ups or renewals: whether the date of one has come.
    """

    code: str
    french: str
    terms: Callable[[Mapping[str, object]], object]
    rate: Callable[[Rule, Facts], Rated]
    forced_term: Term | None = None
    metered: bool = False
    calculated: bool = False
    on_others: bool = False
    aperiodic: bool = False
    fits: Callable[[object, Periodicity], None] = fits_always
    remark: Callable[[object, Periodicity], str] = no_remark
    left_over: Callable[[Rule, Module, date], bool] = nothing_left
    families: frozenset[Family] = frozenset({Family.STANDARD})
    needs: Callable[[object], frozenset[Family]] = standard_cost
    keeps: frozenset[str] = frozenset()
    events: str = ""
    claims: Callable[[Rule, Module, Claimable], bool] = no_claim
    reckons: Callable[[Rule, Module, date], bool] | None = None

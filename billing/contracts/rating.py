"""The one signature of every rule kind.

A kind is one file in `rules/` that declares a `Kind`; only the table of `rules/` knows its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from billing.contracts.contract import Line, Module, Rule, RuleState, RunOptions
from billing.contracts.reading import Reading
from billing.contracts.schedule import Period
from billing.period import Term
from formats.common.anomaly import Anomaly


class Facts(NamedTuple):
    """What a kind may look at besides its rule.

    periods:           the rule's overdue periods, oldest first; never empty for a periodic rule.
    readings:          by meter id, in date order (date, then id).
    companions_billed: another rule of the contract bills in this run (aperiodic fees).
    """

    options: RunOptions
    module: Module
    readings: Mapping[int, Sequence[Reading]]
    periods: Sequence[Period] = ()
    companions_billed: bool = False


class Rated(NamedTuple):
    """Lines with the state they lead to, or anomalies, or nothing at all.

    state is None when nothing moves. estimates are readings to store with the posting;
    used are the ids of the readings billed.
    """

    lines: tuple[Line, ...] = ()
    state: RuleState | None = None
    estimates: tuple[Reading, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    used: tuple[int, ...] = ()


NOTHING = Rated()


@dataclass(frozen=True, slots=True)
class Kind:
    """A rule kind: its code in files, how its terms are read and how it rates.

    terms: reads the kind's own parameters; raises ValueError with a French reason.
    forced_term: the only term the kind accepts, or None for both.
    metered: the rule needs meters and readings.
    """

    code: str
    french: str
    terms: Callable[[Mapping[str, object]], object]
    rate: Callable[[Rule, Facts], Rated]
    forced_term: Term | None = None
    metered: bool = False

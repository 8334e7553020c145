"""The signed contract as the rating engine sees it: contract → modules → rules → cost lines.

Plain immutable values, tuples where a run makes thousands of them; every name is the one of
contracts.md §1. Dates are half-open (`since` included, `until` excluded) unless a docstring says
otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from billing.contracts.increase import Increase, Step
from billing.contracts.reading import Meter, ReadingPolicy, Regime
from billing.contracts.runs import Place
from billing.period import Periodicity, Proration, Term
from formats.common.anomaly import Anomaly

RENT: Final = "loyer"
NOTHING_COUNTED: Final[Mapping[int, int]] = {}
NOTHING_BILLED: Final[Mapping[int, date]] = {}
NOTHING_TOLD: Final[Mapping[str, object]] = {}
NOTHING_KEPT: Final[Mapping[str, str]] = {}
NEVER_INCREASED: Final[Mapping[str, Mapping[str, Any]]] = {}
WHOLE_PERIODS: Final = Proration()


class Family(StrEnum):
    """Cost families of a rule (contracts.md, "The payer lives on the cost line")."""

    STANDARD = "standard"
    OVERRUN = "overrun"
    RENTAL = "rental"
    DEPOSIT = "deposit"
    SUBSCRIPTION = "subscription"


class CostLine(NamedTuple):
    """What is sold, at which price, and who pays. `price` is € excl. VAT per unit.

    article_class: the article's class; `RENT` may be billed as bridging rent (A-MF-05).
    cutoff_price:  PCA/PAR price; None takes the billed one. profit_price: profitability, likewise.
    cost_price:    what a unit costs us; None when nobody said.
    steps: its increases; `price` is then the last one in force, `price_at` finds the others.
    """

    id: int
    family: Family
    article: str
    label: str
    price: Decimal
    vat_rate: Decimal
    payer_id: int
    site_id: int | None = None
    payment_mode: str = "virement"
    payment_days: int = 30
    account: str = "706"
    article_class: str = ""
    cutoff_price: Decimal | None = None
    profit_price: Decimal | None = None
    cost_price: Decimal | None = None
    steps: tuple[Step, ...] = ()


class Asset(NamedTuple):
    """A machine at a customer's site; `financed_in_advance` is its *pré-échéance* file.

    places, heard_on: where an analyser stood, and the day of the last run known of it; read only
    for rules that bill runs.
    """

    id: int
    code: str
    label: str
    serial: str = ""
    financed_in_advance: bool = False
    installed_on: date | None = None
    places: tuple[Place, ...] = ()
    heard_on: date | None = None


class RuleState(NamedTuple):
    """What billing moves. A new rule has billed nothing: the three `last_*` are empty.

    `last_invoice` is the posting's to fill; rating leaves it as it is.
    occurrences: periods billed; bills of an aperiodic rule.
    counters: last billed value by meter id; a meter that is missing was never billed.
    billed_on: date of that value by meter id.
    offered_used: offered units already given.
    own: what the rule's kind keeps besides, by names of its own (last true-up, bound to reach…).
    increases: the history of its prices (billing/contracts/revision.py).
    """

    next_theoretical: date | None
    last_theoretical: date | None = None
    last_actual: date | None = None
    last_invoice: str = ""
    occurrences: int = 0
    counters: Mapping[int, int] = NOTHING_COUNTED
    offered_used: int = 0
    billed_on: Mapping[int, date] = NOTHING_BILLED
    own: Mapping[str, str] = NOTHING_KEPT
    increases: Mapping[str, Mapping[str, Any]] = NEVER_INCREASED

    @property
    def never_billed(self) -> bool:
        """True until the first actual billing (contracts.md §2, catch-up)."""
        return self.last_actual is None and self.last_theoretical is None and not self.last_invoice


class Rule(NamedTuple):
    """One billing rule (RFC). `terms` is the kind's own parameters, parsed by the kind.

    since/until: validity of the rule; `until` is its deactivation date, excluded.
    reading_policy: row of TD_FACTURATION_RELEVES_REEL that replaces the regime's own choice.
    increase: what was agreed about its prices. unpriced: what keeps an increase from being made.
    """

    id: int
    code: str
    label: str
    kind: str
    term: Term
    periodicity: Periodicity | None
    since: date
    terms: object
    cost_lines: tuple[CostLine, ...]
    state: RuleState
    until: date | None = None
    proration: Proration = WHOLE_PERIODS
    regime: Regime = Regime.ESTIMATE
    decimals: int = 2
    position: int = 0
    market: str = ""
    assets: tuple[Asset, ...] = ()
    meters: tuple[Meter, ...] = ()
    reading_policy: ReadingPolicy | None = None
    increase: Increase | None = None
    unpriced: Anomaly | None = None


class Module(NamedTuple):
    """Dated part of a contract (MSC); renewal lives here. `until` is excluded."""

    id: int
    code: str
    since: date
    until: date | None
    rules: tuple[Rule, ...]
    assets: tuple[Asset, ...] = ()
    renewal_months: int = 0


class Contract(NamedTuple):
    """The signed contract (SSC)."""

    id: int
    code: str
    label: str
    customer_id: int
    modules: tuple[Module, ...]
    group_id: int = 0
    suspended: bool = False
    activity: str = ""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Choices of one run, after parameters and command line; recorded with the run.

    work_date:        the day the run bills for; a rule is due when its next date is not later.
    reading_days:     NB_JOURS_RELEVE_PRFACTU, the last day included.
    no_estimate:      a rule that would need an estimate is an anomaly (A-REL-12).
    force_estimate:   fills a gap where the regime allows none, never replaces a good reading.
    show_missing:     EXCEPTION_RELEVE_FACTURATION.
    bill_anomalies:   FACTURATION_SI_ANOMALIE: an anomaly doesn't block its contract.
    threshold:        SEUIL_FACTURATION, € excl. VAT per invoice; strictly below bills nothing.
    allowed_prices:   COUT_FACTU_AUTORISE.
    bundle_check:     off: *pas de contrôle des cumuls des forfaits*, the run realigns (A-FR-06).
    grouped_negative: REGUL_GROUPEE_NEGATIVE: a grouped true-up may be a credit (A-FR-17).
    increases:        REGLEFACT_AUGMENTATION: recurring increases are active.
    company_factor:   of the company increase; None when neither parameter is filled in.
    syntec_base:      SYNTEC_BASE: `origin` or `n-1`.
    true_up_prorated: AUGMENTATION_REGUL=prorata: a true-up's units follow the days of each price.
    """

    work_date: date
    reading_days: int = 20
    no_estimate: bool = False
    force_estimate: bool = False
    show_missing: bool = True
    bill_anomalies: bool = False
    threshold: Decimal = Decimal(0)
    allowed_prices: str = "POSITIF"
    zero_bundle_allowed: bool = False
    bridging_rent_article: str = ""
    bundle_check: bool = True
    grouped_negative: bool = False
    increases: bool = False
    company_factor: Decimal | None = None
    syntec_base: str = "origin"
    true_up_prorated: bool = False


class Event(NamedTuple):
    """What a line bills once for all, whatever its rule: a delivery line, a line by hand…"""

    kind: str
    id: int
    part: str


class Line(NamedTuple):
    """One rated line, before it finds its invoice.

    quantity × unit_price rounds half-up to `amount` (€ excl. VAT). `part` and `since` are the
    line's once-key with the rule: a line is never posted twice for the same part and period.
    details: French small print, one text a row (readings with origin and date…).
    explain: the figures the amount comes from, for `explain` years later.
    separate: the line goes on an invoice apart from those that aren't (A-FR-13).
    event: a second once-key, beside the rule's.
    fee: the kind of a fee that goes with its rule's line, "" for a line of the rule itself.
    """

    rule_id: int
    part: str
    cost_line: CostLine
    since: date
    until: date
    label: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    details: tuple[str, ...] = ()
    explain: Mapping[str, object] = NOTHING_TOLD
    separate: bool = False
    event: Event | None = None
    fee: str = ""

"""Shape: from the ratings of one group to invoice drafts (contracts.md §6). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Final, NamedTuple

from billing.contracts.contract import Contract, Line, Rule, RuleState, RunOptions
from billing.contracts.engine import ContractRating, RuleRating
from billing.contracts.fees import Fee, fee_lines
from billing.contracts.reading import HIDEABLE, Reading
from billing.money import ZERO, vat_of
from formats.common.anomaly import Anomaly


class Payer(NamedTuple):
    """Who pays. grouped: *factures regroupées*, one invoice over the payer's contracts.

    fees: those that its invoices may bear, in the order they are printed.
    """

    id: int
    code: str
    grouped: bool = False
    fees: tuple[Fee, ...] = ()


class VatShare(NamedTuple):
    """VAT of one rate of a document: base and amount in €."""

    rate: Decimal
    base: Decimal
    amount: Decimal


class InvoiceDraft(NamedTuple):
    """An invoice before its number; net < 0 is a credit. All amounts in € at the cent.

    lines: by contract code, rule position, rule code and date; then fees, which no threshold
    counts. payment_days: the longest of its cost lines.
    """

    payer_id: int
    site_id: int | None
    market: str
    payment_mode: str
    payment_days: int
    contract_ids: tuple[int, ...]
    lines: tuple[Line, ...]
    vat: tuple[VatShare, ...]
    net: Decimal
    vat_total: Decimal
    gross: Decimal


@dataclass(frozen=True, slots=True)
class Deferred:
    """A contract below the threshold, with the amount that waits (€ excl. VAT)."""

    contract_id: int
    contract: str
    amount: Decimal


class Shaped(NamedTuple):
    """All a posting needs of one group, or of a part of a large one.

    moved:     new state by rule id, in the order of the lines they come from; rules deferred or
               blocked aren't there.
    estimates: readings to store, one a meter and date, with the rule that made it.
    blocked:   contracts an anomaly stops. anomalies: those to show.
    """

    invoices: tuple[InvoiceDraft, ...] = ()
    moved: tuple[tuple[int, RuleState], ...] = ()
    estimates: tuple[tuple[int, Reading], ...] = ()
    blocked: tuple[int, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()


# payer id, site id, market, payment mode, contract id (0 when the payer's invoices are grouped),
# lines apart
Key = tuple[int, int | None, str, str, int, bool]


class Stake(NamedTuple):
    """What deciding needs to know of a rated rule: where its amounts go, and who it goes with."""

    rule_id: int
    periodic: bool
    tied: bool
    amounts: tuple[tuple[Key, Decimal], ...]


class Outline(NamedTuple):
    """What deciding needs to know of a rated contract: small, whatever its lines say."""

    contract_id: int
    code: str
    customer_id: int
    anomalies: tuple[Anomaly, ...]
    stakes: Sequence[Stake]


class Decision(NamedTuple):
    """What a group bills: nothing of `blocked` contracts and `deferred` rules (ids).

    bills: contracts by invoice to make, in posting order.
    silent: contracts with a rule that may move without a line.
    waiting: contracts below the threshold. anomalies: those to show.
    """

    blocked: dict[int, None]
    deferred: set[int]
    bills: dict[Key, list[int]]
    silent: list[int]
    waiting: tuple[Deferred, ...]
    anomalies: tuple[Anomaly, ...]


_CODE: Final = attrgetter("contract.code")
_PLACE: Final = attrgetter("rule.position", "rule.code")
UNTROUBLED: Final = Decision({}, set(), {}, [], (), ())
"""Nothing is held back, and nothing is to be said: mostly so."""


def shape(
    ratings: Sequence[ContractRating], payers: Mapping[int, Payer], options: RunOptions
) -> Shaped:
    """Blocks, groups by cost line, applies the threshold; needs the ratings of a whole group.

    Raises KeyError for a payer that isn't given.
    """
    decision = UNTROUBLED
    if options.threshold or any([rating.anomalies for rating in ratings]):
        decision = decide([outline(rating, payers) for rating in ratings], payers, options)
    posted = _posted(ratings, decision)
    lines = _lines(posted, payers)
    invoices = tuple([_draft(key, lines[key], payers) for key in sorted(lines, key=_order(payers))])
    silent = [one for _, one in posted if not one.rated.lines]
    return shaped(invoices, _billed(posted, invoices) + silent, decision)


def outline(rating: ContractRating, payers: Mapping[int, Payer]) -> Outline:
    """The outline of a rated contract."""
    contract, stakes = rating.contract, []
    keys: dict[Key, Key] = {}
    for one in rating.rules:
        amounts: dict[Key, Decimal] = {}
        for line in one.rated.lines:
            key = _key(contract, one.rule, line, payers)
            key = keys.setdefault(key, key)  # kept once, for the memory of a large group
            amounts[key] = amounts.get(key, ZERO) + line.amount
        periodic = one.rule.periodicity is not None
        stakes.append(Stake(one.rule.id, periodic, one.rated.tied, tuple(amounts.items())))
    return Outline(contract.id, contract.code, contract.customer_id, rating.anomalies, stakes)


def decide(
    outlines: Sequence[Outline], payers: Mapping[int, Payer], options: RunOptions
) -> Decision:
    """What a whole group bills and what waits, from its outlines alone."""
    blocked = {} if options.bill_anomalies else _blocked(outlines, payers)
    kept = sorted(
        (one for one in outlines if one.contract_id not in blocked), key=lambda one: one.code
    )
    deferred = _deferred(kept, options.threshold) if options.threshold else set()
    bills = _bills(kept, deferred)
    return Decision(
        blocked,
        deferred,
        {key: bills[key] for key in sorted(bills, key=_order(payers))},
        [one.contract_id for one in kept if any(not stake.amounts for stake in one.stakes)],
        tuple(_listed(kept, deferred)) if deferred else (),
        tuple(shown(outlines, options)),
    )


def settle(
    ratings: Iterable[ContractRating],
    keys: Iterable[Key],
    decision: Decision,
    payers: Mapping[int, Payer],
) -> tuple[tuple[InvoiceDraft, ...], list[RuleRating]]:
    """Some of the invoices that were decided, in that order, and the rules of their lines.

    ratings: of all the contracts of these invoices, and no more is needed.
    """
    posted = _posted(ratings, decision)
    lines = _lines(posted, payers)
    invoices = tuple([_draft(key, lines[key], payers) for key in keys])
    return invoices, _billed(posted, invoices)


def silent_rules(ratings: Iterable[ContractRating], decision: Decision) -> list[RuleRating]:
    """Rules that move without a line."""
    return [one for _, one in _posted(ratings, decision) if not one.rated.lines]


def shaped(
    invoices: tuple[InvoiceDraft, ...], rules: Sequence[RuleRating], decision: Decision
) -> Shaped:
    """Invoices, what these rules move and estimate, and what a decision has to say."""
    return Shaped(
        invoices,
        tuple([(one.rule.id, state) for one in rules if (state := one.rated.state) is not None]),
        _estimates(rules),
        tuple(decision.blocked),
        decision.waiting,
        decision.anomalies,
    )


def shown(rated: Iterable[ContractRating | Outline], options: RunOptions) -> list[Anomaly]:
    """Anomalies to show: EXCEPTION_RELEVE_FACTURATION off hides missing readings (A-REL-06)."""
    return [
        anomaly
        for one in rated
        for anomaly in one.anomalies
        if options.show_missing or anomaly.code not in HIDEABLE
    ]


def vat_shares(lines: Iterable[Line]) -> tuple[VatShare, ...]:
    """VAT once per rate and document, on the summed net, lowest rate first."""
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        rate = line.cost_line.vat_rate
        bases[rate] = bases.get(rate, ZERO) + line.amount
    return tuple([VatShare(rate, bases[rate], vat_of(bases[rate], rate)) for rate in sorted(bases)])


def _blocked(outlines: Sequence[Outline], payers: Mapping[int, Payer]) -> dict[int, None]:
    """Contracts with an anomaly, and all those of a grouped customer that has one."""
    wrong = [one for one in outlines if one.anomalies]
    if not wrong:
        return {}
    ids = {one.contract_id for one in wrong}
    customers = {one.customer_id for one in wrong if _grouped(one.customer_id, payers)}
    return {
        one.contract_id: None
        for one in outlines
        if one.contract_id in ids or one.customer_id in customers
    }


def _grouped(customer_id: int, payers: Mapping[int, Payer]) -> bool:
    customer = payers.get(customer_id)
    return customer is not None and customer.grouped


def _deferred(kept: Sequence[Outline], threshold: Decimal) -> set[int]:
    """The rules that wait, so that no invoice is below the threshold.

    A rule moves as a whole: if one of its lines waits all do, which may take another invoice
    below the threshold; hence the repetition, until nothing more waits.
    """
    deferred: set[int] = set()
    while True:
        totals: dict[Key, Decimal] = defaultdict(Decimal)
        for key, amount, _ in _amounts(kept, deferred):
            totals[key] += amount
        low = {key for key, total in totals.items() if ZERO <= total < threshold}
        waiting = {rule_id for key, _, rule_id in _amounts(kept, deferred) if key in low}
        if not waiting:
            return deferred
        waiting |= _companions(kept, deferred | waiting)
        waiting |= _tied(kept, waiting)
        deferred |= waiting


def _amounts(kept: Iterable[Outline], deferred: set[int]) -> Iterator[tuple[Key, Decimal, int]]:
    for one in kept:
        for stake in one.stakes:
            if stake.rule_id not in deferred:
                for key, amount in stake.amounts:
                    yield key, amount, stake.rule_id


def _companions(kept: Iterable[Outline], deferred: set[int]) -> set[int]:
    """Aperiodic rules all of whose contract's other rules wait: they bill only with another."""
    found: set[int] = set()
    for one in kept:
        billing = [stake for stake in one.stakes if stake.amounts]
        if not any(s.periodic and s.rule_id not in deferred for s in billing):
            found.update(s.rule_id for s in billing if not s.periodic)
    return found


def _tied(kept: Iterable[Outline], waiting: set[int]) -> set[int]:
    """All the rules of a contract that is posted whole, when one of them waits."""
    found: set[int] = set()
    for one in kept:
        rules = [stake.rule_id for stake in one.stakes]
        if any(stake.tied for stake in one.stakes) and not waiting.isdisjoint(rules):
            found.update(rules)
    return found


def _bills(kept: Iterable[Outline], deferred: set[int]) -> dict[Key, list[int]]:
    bills: dict[Key, list[int]] = {}
    for one in kept:
        keys = {
            key: None
            for stake in one.stakes
            if stake.rule_id not in deferred
            for key, _ in stake.amounts
        }
        for key in keys:
            bills.setdefault(key, []).append(one.contract_id)
    return bills


def _posted(
    ratings: Iterable[ContractRating], decision: Decision
) -> list[tuple[Contract, RuleRating]]:
    """Rules that are neither blocked nor deferred, by contract code, position and rule code."""
    return [
        (rating.contract, one)
        for rating in sorted(ratings, key=_CODE)
        if rating.contract.id not in decision.blocked
        for one in sorted(rating.rules, key=_PLACE)
        if one.rule.id not in decision.deferred
    ]


def _billed(
    posted: Iterable[tuple[Contract, RuleRating]], invoices: Iterable[InvoiceDraft]
) -> list[RuleRating]:
    """The rules of these invoices, in the order of their first lines: the same whether a group is
    posted at once or in parts."""
    rules = {one.rule.id: one for _, one in posted}
    billed = dict.fromkeys([line.rule_id for draft in invoices for line in draft.lines])
    return [rules[id_] for id_ in billed]


def _lines(
    posted: Iterable[tuple[Contract, RuleRating]], payers: Mapping[int, Payer]
) -> dict[Key, list[tuple[int, Line]]]:
    """Lines by invoice, each with its contract id."""
    lines: dict[Key, list[tuple[int, Line]]] = defaultdict(list)
    for contract, one in posted:
        for line in one.rated.lines:
            lines[_key(contract, one.rule, line, payers)].append((contract.id, line))
    return lines


def _key(contract: Contract, rule: Rule, line: Line, payers: Mapping[int, Payer]) -> Key:
    cost = line.cost_line
    alone = 0 if payers[cost.payer_id].grouped else contract.id
    return cost.payer_id, cost.site_id, rule.market, cost.payment_mode, alone, line.separate


def _order(payers: Mapping[int, Payer]) -> Callable[[Key], tuple[str, int, str, str, int, bool]]:
    """Drafts by payer code, site, market, payment mode, contract: the same on every machine."""
    return lambda key: (payers[key[0]].code, key[1] or 0, *key[2:])


def _draft(
    key: Key, lines: Sequence[tuple[int, Line]], payers: Mapping[int, Payer]
) -> InvoiceDraft:
    """Lines came in order of contract and rule; a rule's own are in order of date."""
    billed = tuple([line for _, line in lines])
    if fees := payers[key[0]].fees:
        billed += tuple(fee_lines(billed, fees))
    vat = vat_shares(billed)
    net = sum([share.base for share in vat], ZERO)
    vat_total = sum([share.amount for share in vat], ZERO)
    return InvoiceDraft(
        *key[:4],
        max([line.cost_line.payment_days for line in billed]),
        tuple(dict.fromkeys([contract_id for contract_id, _ in lines])),
        billed,
        vat,
        net,
        vat_total,
        net + vat_total,
    )


def _estimates(rules: Iterable[RuleRating]) -> tuple[tuple[int, Reading], ...]:
    """Two rules on one meter make the same estimate; it is the first's."""
    made: dict[tuple[int, date], tuple[int, Reading]] = {}
    for one in rules:
        for e in one.rated.estimates:
            made.setdefault((e.meter_id, e.read_on), (one.rule.id, e))
    return tuple(made.values())


def _listed(kept: Iterable[Outline], deferred: set[int]) -> Iterator[Deferred]:
    for one in kept:
        waiting = [stake for stake in one.stakes if stake.rule_id in deferred]
        if waiting:
            amounts = (amount for stake in waiting for _, amount in stake.amounts)
            yield Deferred(one.contract_id, one.code, sum(amounts, ZERO))

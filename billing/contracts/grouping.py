"""Shape: from the ratings of one group to invoice drafts (contracts.md §6). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from billing.contracts.contract import Contract, Line, Rule, RuleState, RunOptions
from billing.contracts.engine import ContractRating, RuleRating
from billing.contracts.reading import HIDEABLE, Reading
from billing.money import ZERO, vat_of
from formats.common.anomaly import Anomaly


class Payer(NamedTuple):
    """Who pays. grouped: *factures regroupées*, one invoice over the payer's contracts."""

    id: int
    code: str
    grouped: bool = False


class VatShare(NamedTuple):
    """VAT of one rate of a document: base and amount in €."""

    rate: Decimal
    base: Decimal
    amount: Decimal


class InvoiceDraft(NamedTuple):
    """An invoice before its number; net < 0 is a credit. All amounts in € at the cent.

    lines: by contract code, rule position, rule code and date. payment_days: the longest of its
    cost lines.
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
    """All a posting needs of one group.

    moved:     new state by rule id; rules deferred or blocked aren't there.
    estimates: readings to store, one a meter and date. used: ids of the readings billed.
    blocked:   contracts an anomaly stops. anomalies: those to show.
    """

    invoices: tuple[InvoiceDraft, ...] = ()
    moved: tuple[tuple[int, RuleState], ...] = ()
    estimates: tuple[Reading, ...] = ()
    used: tuple[int, ...] = ()
    blocked: tuple[int, ...] = ()
    deferred: tuple[Deferred, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()


# payer id, site id, market, payment mode, contract id (0 when the payer's invoices are grouped),
# lines apart
Key = tuple[int, int | None, str, str, int, bool]
Bills = dict[Key, list[tuple[int, Line]]]  # each line with its contract id


def shape(
    ratings: Sequence[ContractRating], payers: Mapping[int, Payer], options: RunOptions
) -> Shaped:
    """Blocks, groups by cost line, applies the threshold; needs the ratings of a whole group.

    Raises KeyError for a payer that isn't given.
    """
    blocked = _blocked(ratings, payers, options)
    kept = [
        (rating.contract, one)
        for rating in sorted(ratings, key=lambda rating: rating.contract.code)
        if rating.contract.id not in blocked
        for one in sorted(rating.rules, key=_place)
    ]
    bills, deferred = _above(kept, payers, options.threshold)
    posted = [one for _, one in kept if one.rule.id not in deferred]
    return Shaped(
        tuple(_draft(key, bills[key]) for key in sorted(bills, key=_order(payers))),
        tuple((one.rule.id, one.rated.state) for one in posted if one.rated.state is not None),
        _estimates(posted),
        tuple(dict.fromkeys(id_ for one in posted for id_ in one.rated.used)),
        tuple(blocked),
        tuple(_listed(kept, deferred)) if deferred else (),
        tuple(shown(ratings, options)),
    )


def shown(ratings: Iterable[ContractRating], options: RunOptions) -> list[Anomaly]:
    """Anomalies to show: EXCEPTION_RELEVE_FACTURATION off hides missing readings (A-REL-06)."""
    return [
        anomaly
        for rating in ratings
        for anomaly in rating.anomalies
        if options.show_missing or anomaly.code not in HIDEABLE
    ]


def vat_shares(lines: Iterable[Line]) -> tuple[VatShare, ...]:
    """VAT once per rate and document, on the summed net, lowest rate first."""
    bases: dict[Decimal, Decimal] = {}
    for line in lines:
        rate = line.cost_line.vat_rate
        bases[rate] = bases.get(rate, ZERO) + line.amount
    return tuple(VatShare(rate, bases[rate], vat_of(bases[rate], rate)) for rate in sorted(bases))


def _blocked(
    ratings: Sequence[ContractRating], payers: Mapping[int, Payer], options: RunOptions
) -> dict[int, None]:
    """Contracts with an anomaly, and all those of a grouped customer that has one."""
    if options.bill_anomalies:
        return {}
    wrong = [rating.contract for rating in ratings if rating.anomalies]
    if not wrong:
        return {}
    ids = {contract.id for contract in wrong}
    customers = {c.customer_id for c in wrong if _grouped(c, payers)}
    return {
        rating.contract.id: None
        for rating in ratings
        if rating.contract.id in ids or rating.contract.customer_id in customers
    }


def _grouped(contract: Contract, payers: Mapping[int, Payer]) -> bool:
    customer = payers.get(contract.customer_id)
    return customer is not None and customer.grouped


def _place(one: RuleRating) -> tuple[int, str]:
    return one.rule.position, one.rule.code


def _above(
    kept: Sequence[tuple[Contract, RuleRating]], payers: Mapping[int, Payer], threshold: Decimal
) -> tuple[Bills, set[int]]:
    """The invoices at or above the threshold, and the rules that wait.

    A rule moves as a whole: if one of its lines waits all do, which may take another invoice
    below the threshold; hence the repetition, until nothing more waits.
    """
    deferred: set[int] = set()
    while True:
        bills = _gather(kept, payers, deferred)
        low = [bill for bill in bills.values() if threshold and ZERO <= _net(bill) < threshold]
        waiting = {line.rule_id for bill in low for _, line in bill}
        if not waiting:
            return bills, deferred
        waiting |= _companions(kept, deferred | waiting)
        waiting |= _tied(kept, waiting)
        deferred |= waiting


def _net(bill: Iterable[tuple[int, Line]]) -> Decimal:
    return sum((line.amount for _, line in bill), ZERO)


def _companions(kept: Sequence[tuple[Contract, RuleRating]], deferred: set[int]) -> set[int]:
    """Aperiodic rules all of whose contract's other rules wait: they bill only with another."""
    billing = {
        contract.id
        for contract, one in kept
        if one.rated.lines and one.rule.periodicity and one.rule.id not in deferred
    }
    return {
        one.rule.id
        for contract, one in kept
        if one.rated.lines and one.rule.periodicity is None and contract.id not in billing
    }


def _tied(kept: Sequence[tuple[Contract, RuleRating]], waiting: set[int]) -> set[int]:
    """All the rules of a contract that is posted whole, when one of them waits."""
    tied = {contract.id for contract, one in kept if one.rated.tied}
    held = tied & {contract.id for contract, one in kept if one.rule.id in waiting}
    return {one.rule.id for contract, one in kept if contract.id in held}


def _gather(
    kept: Iterable[tuple[Contract, RuleRating]], payers: Mapping[int, Payer], deferred: set[int]
) -> Bills:
    bills: Bills = defaultdict(list)
    for contract, one in kept:
        if one.rule.id in deferred:
            continue
        for line in one.rated.lines:
            bills[_key(contract, one.rule, line, payers)].append((contract.id, line))
    return bills


def _key(contract: Contract, rule: Rule, line: Line, payers: Mapping[int, Payer]) -> Key:
    cost = line.cost_line
    alone = 0 if payers[cost.payer_id].grouped else contract.id
    return cost.payer_id, cost.site_id, rule.market, cost.payment_mode, alone, line.separate


def _order(payers: Mapping[int, Payer]) -> Callable[[Key], tuple[str, int, str, str, int, bool]]:
    """Drafts by payer code, site, market, payment mode, contract: the same on every machine."""
    return lambda key: (payers[key[0]].code, key[1] or 0, *key[2:])


def _draft(key: Key, lines: Sequence[tuple[int, Line]]) -> InvoiceDraft:
    """Lines came in order of contract and rule; a rule's own are in order of date."""
    billed = tuple(line for _, line in lines)
    vat = vat_shares(billed)
    net = sum((share.base for share in vat), ZERO)
    vat_total = sum((share.amount for share in vat), ZERO)
    return InvoiceDraft(
        *key[:4],
        max(line.cost_line.payment_days for line in billed),
        tuple(dict.fromkeys(contract_id for contract_id, _ in lines)),
        billed,
        vat,
        net,
        vat_total,
        net + vat_total,
    )


def _estimates(posted: Iterable[RuleRating]) -> tuple[Reading, ...]:
    """Two rules on one meter make the same estimate; it is stored once."""
    made = {(e.meter_id, e.read_on): e for one in posted for e in one.rated.estimates}
    return tuple(made.values())


def _listed(kept: Iterable[tuple[Contract, RuleRating]], deferred: set[int]) -> Iterable[Deferred]:
    amounts: dict[int, tuple[str, Decimal]] = {}
    for contract, one in kept:
        if one.rule.id in deferred:
            before = amounts.get(contract.id, (contract.code, ZERO))[1]
            total = before + sum((line.amount for line in one.rated.lines), ZERO)
            amounts[contract.id] = (contract.code, total)
    return [Deferred(id_, code, amount) for id_, (code, amount) in amounts.items()]

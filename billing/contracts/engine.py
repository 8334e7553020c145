"""Rating one contract: which rules bill in a run, in which order, and what stops them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

from billing.contracts.claims import NO_CLAIMS, Claimable, Claims, by_asset
from billing.contracts.contract import Contract, Module, Rule, RunOptions
from billing.contracts.counting import asset_code
from billing.contracts.rating import NOTHING, Facts, Kind, Rated
from billing.contracts.reading import Reading
from billing.contracts.revision import revised
from billing.contracts.rules import KINDS
from billing.contracts.runs import Run, without_reruns
from billing.contracts.schedule import Period, end_of, overdue, renews
from billing.contracts.syntec import NO_INDICES, Indices
from billing.period import ended
from formats.common.anomaly import Anomaly, Code

NO_METER = Code(
    "RAT-201",
    "La règle de facturation « {rule} » n'est pas valide : aucune grandeur associée.",
    "Rattachez une grandeur du bien à la règle.",
)
OUTSIDE_MODULE = Code(
    "RAT-205",
    "Date de travail hors période de validité du module service client « {module} » : {cause}.",
    "Corrigez la date de travail, ou reconduisez le module.",
)
NAMELESS = Code(
    "RAT-209",
    "Le ou les biens {assets} possèdent des grandeurs sans nom.",
    "Nommez la grandeur, ou supprimez-la si elle tient lieu de relevé, puis saisissez ce relevé.",
)
NO_NEXT_DATE = Code(
    "RAT-206",
    "La date de prochaine facture théorique de la règle « {rule} » est vide.",
    "Renseignez la prochaine date théorique de la règle.",
)
UNKNOWN_KIND = Code(
    "RAT-207",
    "Le type « {kind} » de la règle « {rule} » n'existe pas.",
    "Corrigez le type de la règle.",
)
WRONG_TERM = Code(
    "RAT-208",
    "La règle « {rule} » de type « {kind} » ne se facture pas dans ce terme.",
    "Corrigez le terme de la règle.",
)
NOT_STARTED: Final = "le module commence le {since:%d/%m/%Y}, date à vérifier"
NOT_RENEWED: Final = "le module a pris fin, reconduction non faite"


class RuleRating(NamedTuple):
    """One rule of a contract and what its kind made of it."""

    rule: Rule
    rated: Rated


class ContractRating(NamedTuple):
    """What a run would bill on a contract, rules in the order they were rated.

    Rules with nothing to say are left out. anomalies: those of its rules, each with the codes of
    its contract and rule in its values.
    """

    contract: Contract
    rules: tuple[RuleRating, ...]
    anomalies: tuple[Anomaly, ...] = ()


# the ratings of a contract, the rank of the one to make, its kind and what it looks at
_Job = tuple[list[RuleRating], int, Kind, Facts]


def rate_contract(
    contract: Contract,
    readings: Mapping[int, Sequence[Reading]],
    options: RunOptions,
    claims: Claims = NO_CLAIMS,
    indices: Indices = NO_INDICES,
) -> ContractRating:
    """What a run would bill on one contract; see `rate_contracts`."""
    (rating,) = rate_contracts([contract], readings, options, claims, indices)
    return rating


def rate_contracts(
    contracts: Iterable[Contract],
    readings: Mapping[int, Sequence[Reading]],
    options: RunOptions,
    claims: Claims = NO_CLAIMS,
    indices: Indices = NO_INDICES,
) -> list[ContractRating]:
    """Rates every due rule: periodic ones, then the aperiodic that go with them, then those that
    rest on all the others and never on each other.

    A suspended contract bills nothing. `readings` are by meter id, in date order; `claims`
    what each rule bills one by one, by rule id; `indices` are Syntec's. Periodic rules are rated
    kind by kind: none looks at what another bills, and the processor stays in the same functions.
    """
    signed = [one if one.suspended else revised(one, options, indices) for one in contracts]
    rated: list[list[RuleRating]] = [[] for _ in signed]
    jobs: dict[str, list[_Job]] = defaultdict(list)
    for contract, mine in zip(signed, rated, strict=True):
        for module, rule in _active(contract, options.work_date):
            if rule.periodicity is None:
                continue
            due = _due(rule, module, options)
            if not isinstance(due, Rated):
                kind, periods = due
                events = claims.get(rule.id, ()) if claims else ()
                facts = Facts(options, module, readings, periods, (), events, contract.customer_id)
                jobs[rule.kind].append((mine, len(mine), kind, facts))
                due = NOTHING  # for now
            mine.append(RuleRating(rule, due))
    for some in jobs.values():
        for mine, rank, kind, facts in some:
            rule = mine[rank].rule
            mine[rank] = RuleRating(rule, _by_kind(kind, rule, facts))
    return [_whole(*one, readings, options) for one in zip(signed, rated, strict=True)]


def _whole(
    contract: Contract,
    periodic: Sequence[RuleRating],
    readings: Mapping[int, Sequence[Reading]],
    options: RunOptions,
) -> ContractRating:
    """The rating of a contract, from those of its periodic rules."""
    rated = [one for one in periodic if one.rated is not NOTHING]
    others = [one for one in _active(contract, options.work_date) if one[1].periodicity is None]
    for behind in (False, True) if others else ():
        companions = [line for one in rated for line in one.rated.lines]
        for module, rule in others if companions else ():
            if _on_others(rule) is behind:
                facts = Facts(options, module, readings, companions=companions)
                result = _rate_aperiodic(rule, facts)
                if result is not NOTHING:
                    rated.append(RuleRating(rule, result))
    wrong = [one for one in rated if one.rated.anomalies]
    anomalies = tuple(_anomalies(contract, wrong)) if wrong else ()
    return ContractRating(contract, tuple(rated), anomalies)


def claimed(
    contracts: Iterable[Contract], events: Iterable[Claimable], billed: Iterable[Run] = ()
) -> Claims:
    """Events by the id of the rule that bills them: the first that claims each.

    Of the runs of one sample within 24 h one is left, or none when one is billed already.
    """
    waiting, found = by_asset(events), dict[int, list[Claimable]]()
    taken: set[tuple[type, int]] = set()
    for contract in contracts if waiting else ():
        for module in contract.modules:
            for rule in module.rules:
                for one in _claims(contract, module, rule, waiting):
                    if (type(one), one.id) not in taken:
                        taken.add((type(one), one.id))
                        found.setdefault(rule.id, []).append(one)
    return _once(found, billed)


def _once(found: Mapping[int, list[Claimable]], billed: Iterable[Run]) -> Claims:
    """Without the re-runs, whichever rule would bill them."""
    runs = [one for some in found.values() for one in some if isinstance(one, Run)]
    if not runs:
        return found
    kept = {one.id for one in without_reruns(runs, billed)}
    return {
        rule: [one for one in some if not isinstance(one, Run) or one.id in kept]
        for rule, some in found.items()
    }


def _claims(
    contract: Contract, module: Module, rule: Rule, events: Mapping[int, Sequence[Claimable]]
) -> list[Claimable]:
    kind = KINDS.get(rule.kind)
    if kind is None or not kind.events:
        return []
    assets = {asset.id for asset in rule.assets or module.assets}
    found = [
        one
        for asset in assets
        for one in events.get(asset, ())
        if one.belongs(contract.id, contract.customer_id) and kind.claims(rule, module, one)
    ]
    return sorted(found, key=lambda one: one.order)


def _active(contract: Contract, work_date: date) -> Iterator[tuple[Module, Rule]]:
    """Rules not deactivated yet (A-RFC-20); none of a suspended contract."""
    for module in () if contract.suspended else contract.modules:
        for rule in module.rules:
            if rule.until is None or rule.until > work_date:
                yield module, rule


def _on_others(rule: Rule) -> bool:
    kind = KINDS.get(rule.kind)
    return kind is not None and kind.on_others


def _due(rule: Rule, module: Module, options: RunOptions) -> tuple[Kind, Sequence[Period]] | Rated:
    """The kind and the overdue periods of a periodic rule; or what is to be said without them."""
    theoretical, p = rule.state.next_theoretical, rule.periodicity
    if theoretical is None or p is None:
        return _refused(NO_NEXT_DATE)
    if theoretical > options.work_date:
        return NOTHING
    kind = _kind(rule)
    if not isinstance(kind, Kind):
        return kind
    over = ended(p, theoretical, rule.state.occurrences)
    if over and not kind.left_over(rule, module, options.work_date):
        return NOTHING
    if kind.metered and not rule.meters:
        return _without_meter(rule)
    if not all([meter.label for meter in rule.meters]):
        return _nameless(module, rule)
    if options.work_date < module.since:
        return _refused(OUTSIDE_MODULE, cause=NOT_STARTED.format(since=module.since))
    periods = overdue(rule, module, options.work_date)
    if not periods:
        after = NOTHING if over else _after_end(rule, module)
        if after.anomalies or not kind.left_over(rule, module, options.work_date):
            return after
    return kind, periods


def _rate_aperiodic(rule: Rule, facts: Facts) -> Rated:
    today, end = facts.options.work_date, end_of(rule, facts.module)
    if today < facts.module.since or (end is not None and end <= today):
        return NOTHING
    kind = _kind(rule)
    return _by_kind(kind, rule, facts) if isinstance(kind, Kind) else kind


def _by_kind(kind: Kind, rule: Rule, facts: Facts) -> Rated:
    """What the kind makes of the rule, unless its prices can't be told."""
    if rule.unpriced is not None:
        return Rated(anomalies=(rule.unpriced,))
    return kind.rate(rule, facts)


def _kind(rule: Rule) -> Kind | Rated:
    kind = KINDS.get(rule.kind)
    if kind is None:
        return _refused(UNKNOWN_KIND, kind=rule.kind)
    if kind.forced_term is not None and rule.term is not kind.forced_term:
        return _refused(WRONG_TERM, kind=kind.french)
    return kind


def _without_meter(rule: Rule) -> Rated:
    """A rule whose meters were all detached is inactive; one that never had any is wrong."""
    if rule.state.never_billed and not rule.state.counters:
        return _refused(NO_METER)
    return NOTHING


def _nameless(module: Module, rule: Rule) -> Rated:
    """A meter without a name was made in place of a reading (A-REL-23)."""
    wrong = (meter for meter in rule.meters if not meter.label)
    assets = dict.fromkeys(asset_code(meter, rule, module) for meter in wrong)
    return _refused(NAMELESS, assets=", ".join(assets))


def _after_end(rule: Rule, module: Module) -> Rated:
    """Past the end: a module that renews should have been renewed; the others are over."""
    if rule.until is None and renews(module):
        return _refused(OUTSIDE_MODULE, cause=NOT_RENEWED)
    return NOTHING


def _refused(code: Code, **values: object) -> Rated:
    return Rated(anomalies=(Anomaly(code, values=values),))


def _anomalies(contract: Contract, wrong: Sequence[RuleRating]) -> Iterator[Anomaly]:
    """The rules' anomalies with the codes a clerk looks for."""
    modules = {rule.id: module.code for module in contract.modules for rule in module.rules}
    for one in wrong:
        for anomaly in one.rated.anomalies:
            where = {"contract": contract.code, "rule": one.rule.code}
            module = modules[one.rule.id]
            values = {"module": module, **anomaly.values, **where}
            told = f"contrat {contract.code}, module {module}, règle {one.rule.code}"
            yield Anomaly(anomaly.code, replace(anomaly.place, subject=told), values)

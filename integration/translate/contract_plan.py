"""A contract document → the rows below it, every code resolved, nothing stored yet."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from sqlalchemy import Table

from billing.contracts.contract import RuleState
from billing.contracts.rules import KINDS
from billing.money import PRICE_SCALE, RATE_SCALE
from billing.period import ProrataBase, first_theoretical
from formats.common.anomaly import Anomaly, Code, Place
from integration.database import tables as t
from integration.translate.assets import UNKNOWN_CUSTOMER, UNKNOWN_SITE
from integration.translate.contract_document import (
    ContractDocument,
    Cost,
    MeterName,
    ModuleDocument,
    RuleDocument,
    day_after,
)
from integration.translate.contracts_rows import periodicity_text
from integration.translate.flow import Record
from integration.translate.increases_rows import increase_text
from integration.translate.readings import UNKNOWN_METER
from integration.translate.rule_states import state_fields
from integration.translate.upsert import to_scale

UNKNOWN_ASSET: Final = Code(
    "IMP-170", "Le bien « {code} » est inconnu.", "Importez d'abord le bien."
)
NO_NEXT_DATE: Final = Code(
    "IMP-172",
    "La règle « {rule} » est reprise sans prochaine date théorique.",
    "Renseignez « prochaine_theorique », ou retirez « reprise » pour une règle nouvelle.",
)

NOT_CUMULATIVE: Final = Code(
    "IMP-178",
    "Le compteur non cumulatif « {meter} » du bien « {asset} » ne se rattache pas à une règle"
    " « {type} ».",
    "Rattachez-le à une règle d'unités consommées, de tranche ou de forfait.",
)

MIXED: Final = Code(
    "IMP-176",
    "La règle « {rule} » mêle le compteur cumulatif « {meter} » du bien « {asset} » et le compteur"
    " non cumulatif « {other} » du bien « {other_asset} ».",
    "Répartissez ces compteurs sur deux règles.",
)
NO_CALCULATION: Final = Code(
    "IMP-177",
    "La règle « {rule} » ne dit pas comment compter le compteur non cumulatif « {meter} » du bien"
    " « {asset} ».",
    "Ajoutez « calculation » à ses paramètres : min, max, sum ou mean.",
)
IDLE_CALCULATION: Final = Code(
    "IMP-179",
    "La règle « {rule} » a un mode de calcul, mais le compteur « {meter} » du bien « {asset} » est"
    " cumulatif.",
    "Retirez « calculation » de ses paramètres, ou déclarez le compteur non cumulatif.",
)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One row to come: its table, the codes of module and rule above it, its own columns."""

    table: Table
    codes: tuple[str, ...]
    values: tuple[object, ...]


class Ids(NamedTuple):
    """Everything the file names, by code. calculated: the meters that aren't cumulative."""

    customers: Mapping[str, int]
    sites: Mapping[tuple[int, str], int]
    assets: Mapping[str, int]
    meters: Mapping[tuple[str, str], int]
    calculated: frozenset[tuple[str, str]] = frozenset()


def end_of(module: ModuleDocument) -> date | None:
    """The excluded end: 01/01/2006 + 60 months ends on 31/12/2010, included (A-GEN-12)."""
    if module.months is None:
        return day_after(module.until)
    months = module.since.month - 1 + module.months
    year, month = module.since.year + months // 12, months % 12 + 1
    return date(year, month, min(module.since.day, calendar.monthrange(year, month)[1]))


def first_date(rule: RuleDocument, start: date) -> date | None:
    """Next theoretical date of a new rule; None when it is aperiodic (contracts.md §2)."""
    if rule.periodicity is None:
        return None
    return first_theoretical(rule.periodicity.made(start), rule.effective_term, start)


@dataclass(frozen=True, slots=True)
class Plan:
    """One contract of a file. `found` receives what can't be resolved while `leaves` runs.

    prorata_base: of rules that say nothing of it (PRORATA_BASE).
    """

    record: Record[ContractDocument]
    ids: Ids
    prorata_base: ProrataBase
    found: list[Anomaly] = field(default_factory=list)

    def leaves(self) -> Iterator[Leaf]:
        """Every row below the contract."""
        contract = self.record.value
        if contract.customer not in self.ids.customers:
            self._miss(UNKNOWN_CUSTOMER, ("client",), code=contract.customer)
        for m, module in enumerate(contract.modules):
            values = (module.code, module.since, end_of(module), module.renewal_months)
            yield Leaf(t.module, (module.code,), values)
            for asset in self._assets(("modules", m, "biens"), module.assets):
                yield Leaf(t.module_asset, (module.code,), (asset,))
            yield from _coverages(module)
        for path, module, rule in contract.rules():
            yield from self._rule(path, module, rule)

    def _miss(self, kind: Code, path: Path, **values: object) -> None:
        self.found.append(Anomaly(kind, self.record.at(*path), values))

    def _rule(self, path: Path, module: ModuleDocument, rule: RuleDocument) -> Iterator[Leaf]:
        codes = (module.code, rule.code)
        yield Leaf(t.rule, codes, self._rule_values(path, rule, rule.since or module.since))
        for asset in self._assets((*path, "biens"), rule.assets):
            yield Leaf(t.rule_asset, codes, (asset,))
        self._counted((*path, "compteurs"), rule)
        for meter in dict.fromkeys(self._meters((*path, "compteurs"), rule.meters)):
            yield Leaf(t.rule_meter, codes, (meter,))
        for n, cost in enumerate(rule.costs):
            yield Leaf(t.cost_line, codes, (n, *self._cost((*path, "couts", n), cost)))

    def _counted(self, path: Path, rule: RuleDocument) -> None:
        """Meters that the kind, or the rule's calculation, can't count (A-NCU-02, A-NCU-03)."""
        kind, calculated = KINDS[rule.kind], self.ids.calculated
        known = [one for one in rule.meters if (one.asset, one.meter) in self.ids.meters]
        plain = [one for one in known if (one.asset, one.meter) not in calculated]
        periodic = [one for one in known if (one.asset, one.meter) in calculated]
        if not kind.calculated:
            wrong, meters = NOT_CUMULATIVE, periodic
        elif plain and periodic:
            wrong, meters = MIXED, plain[:1]
        elif "calculation" in rule.terms:
            wrong, meters = IDLE_CALCULATION, plain
        else:
            wrong, meters = NO_CALCULATION, periodic
        for n, one in enumerate(rule.meters):
            if one in meters:
                values = {"rule": rule.code, "meter": one.meter, "asset": one.asset}
                other = periodic[0] if periodic else one
                values |= {"other": other.meter, "other_asset": other.asset, "type": kind.french}
                self._miss(wrong, (*path, n), **values)

    def _assets(self, path: Path, codes: Iterable[str]) -> Iterator[int]:
        for n, code in enumerate(dict.fromkeys(codes)):
            if code in self.ids.assets:
                yield self.ids.assets[code]
            else:
                self._miss(UNKNOWN_ASSET, (*path, n), code=code)

    def _meters(self, path: Path, names: Iterable[MeterName]) -> Iterator[int]:
        for n, one in enumerate(names):
            if (one.asset, one.meter) in self.ids.meters:
                yield self.ids.meters[one.asset, one.meter]
            else:
                self._miss(UNKNOWN_METER, (*path, n), meter=one.meter, asset=one.asset)

    def _rule_values(self, path: Path, rule: RuleDocument, start: date) -> tuple[object, ...]:
        """Own columns of the rule, in the order of its shape."""
        periodicity = rule.periodicity.made(start) if rule.periodicity else None
        first, last = rule.proration.first, rule.proration.last
        base = rule.proration.base or self.prorata_base
        state = self._opening(path, rule, start)
        opening = {**state_fields(state), **_reference(state)}
        return (
            *(rule.code, rule.label, rule.kind, rule.effective_term.value),
            periodicity_text(periodicity),
            t.json_text({"first": first, "last": last, "base": base.value}),
            *(rule.regime.value, rule.decimals, rule.position, rule.market),
            *(start, day_after(rule.until)),
            rule.template,
            t.json_text(rule.stored_terms),
            t.json_text(opening),
            increase_text(rule.increase.made()),
        )

    def _opening(self, path: Path, rule: RuleDocument, start: date) -> RuleState:
        """The state taken over, or that of a new rule (contracts.md §2)."""
        taken = rule.opening
        if taken is None:
            return RuleState(first_date(rule, start))
        if taken.next_theoretical is None and rule.periodicity:
            self._miss(NO_NEXT_DATE, (*path, "reprise"), rule=rule.code)
        meters = list(self._meters((*path, "reprise", "compteurs"), taken.counters))
        known = [one for one in taken.counters if (one.asset, one.meter) in self.ids.meters]
        counters = list(zip(meters, known, strict=True))
        return RuleState(
            taken.next_theoretical,
            taken.last_theoretical,
            taken.last_actual,
            taken.last_invoice,
            taken.occurrences,
            {meter: one.value for meter, one in counters},
            taken.offered_used,
            {meter: one.billed_on for meter, one in counters if one.billed_on},
            taken.own(),
        )

    def _cost(self, path: Path, cost: Cost) -> tuple[object, ...]:
        """Own columns of a cost line after its position, in the order of its shape."""
        name = cost.payer or self.record.value.customer
        payer = self.ids.customers.get(name, 0)
        if cost.payer and not payer:
            self._miss(UNKNOWN_CUSTOMER, (*path, "payeur"), code=name)
        site = self.ids.sites.get((payer, cost.site)) if cost.site else None
        if cost.site and payer and site is None:
            self._miss(UNKNOWN_SITE, (*path, "site"), code=cost.site, customer=name)
        price = to_scale(cost.price, PRICE_SCALE, self._at(*path, "prix"), self.found)
        vat = to_scale(cost.vat_pct / 100, RATE_SCALE, self._at(*path, "tva"), self.found)
        return (
            *(cost.family.value, cost.article, cost.label, cost.article_class, price, vat),
            *(cost.account, payer, site, cost.payment_mode, cost.payment_days),
            *self._other_prices(path, cost),
        )

    def _other_prices(self, path: Path, cost: Cost) -> Iterator[int | None]:
        """The prices of cut-off, profitability and cost, None where the file says nothing."""
        others = {
            "prix_pca_par": cost.cutoff_price,
            "prix_rentabilite": cost.profit_price,
            "prix_revient": cost.cost_price,
        }
        for name, price in others.items():
            if price is None:
                yield None
            else:
                yield to_scale(price, PRICE_SCALE, self._at(*path, name), self.found)

    def _at(self, *path: str | int) -> Callable[[], tuple[str, Place]]:
        """Name and place of a field, found only when they are needed."""
        return lambda: (str(path[-1]), self.record.at(*path))


def _coverages(module: ModuleDocument) -> Iterator[Leaf]:
    for one in module.coverages:
        since, until = one.since or module.since, day_after(one.until) or end_of(module)
        texts = (one.code, one.label, one.article_class, one.kind)
        yield Leaf(t.coverage, (module.code,), (*texts, since, until, one.response_hours))


def _reference(state: RuleState) -> dict[str, str]:
    """The invoice reference taken over, even when it is only digits."""
    return {"last_invoice": state.last_invoice} if state.last_invoice else {}

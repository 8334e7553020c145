"""Rows of the contract tables ↔ the contract domain. The only place that knows both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from sys import intern
from typing import Any, Final

import orjson

from billing.contracts.contract import (
    Asset,
    Contract,
    CostLine,
    Family,
    Module,
    Rule,
)
from billing.contracts.delivery import Delivery
from billing.contracts.extra import ExtraLine
from billing.contracts.reading import Meter, Origin, Reading, ReadingPolicy, Regime
from billing.contracts.rules import KINDS
from billing.contracts.runs import Run, only_for, place_on
from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE, unscaled
from billing.period import Periodicity, ProrataBase, Proration, Term, Unit
from integration.database.tables import json_text
from integration.translate.increases_rows import parse_increase
from integration.translate.meter_rows import Row as Row
from integration.translate.meter_rows import day as day
from integration.translate.meter_rows import day_or_none as day_or_none
from integration.translate.meter_rows import meters_by_rule
from integration.translate.places import Places
from integration.translate.rule_states import state_of

States = Mapping[int, tuple[Mapping[str, Any], int]]
Policies = Mapping[int, ReadingPolicy]

# A look-up costs a tenth of calling the enumeration.
_TERMS: Final = {term.value: term for term in Term}
_REGIMES: Final = {regime.value: regime for regime in Regime}
_FAMILIES: Final = {family.value: family for family in Family}
_ORIGINS: Final = {origin.value: origin for origin in Origin}


@dataclass(slots=True)
class ContractRows:
    """Raw rows of one chunk, as the queries of `flows/billing.sql` name their columns."""

    contracts: list[Row] = field(default_factory=list)
    modules: list[Row] = field(default_factory=list)
    rules: list[Row] = field(default_factory=list)
    cost_lines: list[Row] = field(default_factory=list)
    rule_meters: list[Row] = field(default_factory=list)
    operands: list[Row] = field(default_factory=list)
    rule_assets: list[Row] = field(default_factory=list)
    module_assets: list[Row] = field(default_factory=list)
    readings: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    billed_runs: list[Row] = field(default_factory=list)
    heard: list[Row] = field(default_factory=list)
    places: Places = field(default_factory=dict)
    extra_lines: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)
    sites: list[Row] = field(default_factory=list)
    indices: list[Row] | None = None  # read only when a rule follows Syntec
    fee_prices: list[Row] = field(default_factory=list)


def contracts_of(rows: ContractRows, states: States, policies: Policies) -> list[Contract]:
    """The contracts of a chunk, in (group, id) order, with modules, rules and their states.

    policies: what a decision table says of the readings of a rule, by rule id.
    """
    rules = _rules_by_module(rows, states, policies)
    module_assets = _assets_by(rows.module_assets, rows)
    modules: dict[int, list[Module]] = defaultdict(list)
    for id_, contract_id, code, since, until, renewal_months in rows.modules:
        modules[contract_id].append(
            Module(
                id_,
                code,
                day(since),
                day_or_none(until),
                tuple(rules.get(id_, ())),
                tuple(module_assets.get(id_, ())),
                renewal_months,
            )
        )
    return [
        Contract(
            id_,
            code,
            label,
            customer_id,
            tuple(modules[id_]),
            group_id,
            status == "suspended",
            activity,
        )
        for id_, code, label, customer_id, group_id, status, activity in rows.contracts
    ]


def readings_of(rows: Iterable[Row]) -> dict[int, list[Reading]]:
    """Readings by meter, in date order."""
    found: dict[int, list[Reading]] = defaultdict(list)
    for id_, meter_id, read_on, value, origin in rows:
        found[meter_id].append(Reading(meter_id, day(read_on), value, _ORIGINS[origin], id_))
    return found


def extra_lines_of(rows: Iterable[Row]) -> dict[int, list[ExtraLine]]:
    """Lines by hand by contract, in their order."""
    found: dict[int, list[ExtraLine]] = defaultdict(list)
    for id_, contract_id, code, article, label, quantity, price, vat, account, reason in rows:
        amounts = (unscaled(quantity, QUANTITY_SCALE), _price(price), _rate(vat))
        found[contract_id].append(ExtraLine(id_, code, article, label, *amounts, account, reason))
    return found


def deliveries_of(rows: Iterable[Row]) -> list[Delivery]:
    """Delivery lines, in the order of the rows."""
    return [
        Delivery(id_, number, line, day(on), article, label, class_, units, asset_id, contract_id)
        for id_, number, line, on, article, label, class_, units, asset_id, contract_id in rows
    ]


def runs_of(rows: Iterable[Row], places: Places) -> list[Run]:
    """Runs, each at the structure where its analyser stood."""
    found = []
    for id_, asset_id, ran_at, person_id, sample_type, _ in rows:
        at, stood = datetime.fromisoformat(ran_at), places[asset_id]
        here = place_on(stood, at.date())
        only = only_for(stood, at.date())
        where = (here.customer_id, here.site_id, only)
        found.append(Run(id_, asset_id, at, person_id, sample_type, *where))
    return found


def _rules_by_module(
    rows: ContractRows, states: States, policies: Policies
) -> dict[int, list[Rule]]:
    costs = _cost_lines(rows.cost_lines)
    meters = meters_by_rule(rows.rule_meters, rows.operands)
    assets = _assets_by(rows.rule_assets, rows)
    found: dict[int, list[Rule]] = defaultdict(list)
    for row in rows.rules:
        id_, module_id = row[:2]
        found[module_id].append(
            _rule(
                row,
                states[id_][0],
                tuple(costs.get(id_, ())),
                tuple(assets.get(id_, ())),
                tuple(meters.get(id_, ())),
                policies.get(id_),
            )
        )
    return found


def _rule(
    row: Row,
    state: Mapping[str, Any],
    costs: tuple[CostLine, ...],
    assets: tuple[Asset, ...],
    meters: tuple[Meter, ...],
    policy: ReadingPolicy | None,
) -> Rule:
    (
        id_, _, code, label, kind, term, periodicity, proration, regime, decimals, position, market,
        since, until, terms, _, _, last_document_id, _, increase, _,
    ) = row  # fmt: skip
    return Rule(
        id_,
        code,
        label,
        kind,
        _TERMS[term],
        parse_periodicity(periodicity),
        day(since),
        parse_terms(kind, terms),
        costs,
        state_of(state, last_document_id),
        day_or_none(until),
        _proration(proration),
        _REGIMES[regime],
        decimals,
        position,
        market,
        assets,
        meters,
        policy,
        increase=parse_increase(increase),
    )


def _cost_lines(rows: Iterable[Row]) -> dict[int, list[CostLine]]:
    found: dict[int, list[CostLine]] = defaultdict(list)
    for (
        id_,
        rule_id,
        family,
        article,
        label,
        price,
        vat,
        account,
        payer,
        site,
        mode,
        days,
        class_,
        cutoff,
        profit,
        own_cost,
    ) in rows:
        found[rule_id].append(
            CostLine(
                id_,
                _FAMILIES[family],
                article,
                label,
                _price(price),
                _rate(vat),
                payer,
                site,
                intern(mode),
                days,
                account,
                class_,
                _price_or_none(cutoff),
                _price_or_none(profit),
                _price_or_none(own_cost),
            )
        )
    return found


@lru_cache(maxsize=4096)
def _price(e8: int) -> Decimal:
    return unscaled(e8, PRICE_SCALE)


def _price_or_none(e8: int | None) -> Decimal | None:
    return None if e8 is None else _price(e8)


@lru_cache(maxsize=64)
def _rate(ppm: int) -> Decimal:
    return unscaled(ppm, RATE_SCALE)


def _assets_by(assets: Iterable[Row], rows: ContractRows) -> dict[int, list[Asset]]:
    heard = {id_: day(on) for id_, on in rows.heard}
    found: dict[int, list[Asset]] = defaultdict(list)
    for owner_id, id_, code, label, serial, financed, installed_on in assets:
        known = (id_, code, label, serial, bool(financed), day_or_none(installed_on))
        found[owner_id].append(Asset(*known, rows.places.get(id_, ()), heard.get(id_)))
    return found


@lru_cache(maxsize=4096)
def parse_periodicity(text: str) -> Periodicity | None:
    """A periodicity from its JSON; empty text is aperiodic."""
    if not text:
        return None
    raw = orjson.loads(text)
    return Periodicity(
        count=raw["count"],
        unit=Unit(raw["unit"]),
        anchor=date.fromisoformat(raw["anchor"]),
        civil=raw.get("civil", False),
        until=day_or_none(raw.get("until")),
        occurrences=raw.get("occurrences", 0),
        excluded_months=frozenset(raw.get("excluded_months", ())),
        excluded_ranges=tuple(
            (date.fromisoformat(a), date.fromisoformat(b))
            for a, b in raw.get("excluded_ranges", ())
        ),
        nth=raw.get("nth", 0),
        weekday=raw.get("weekday"),
    )


def periodicity_text(periodicity: Periodicity | None) -> str:
    """The JSON that `parse_periodicity` reads; defaults are left out."""
    if periodicity is None:
        return ""
    raw: dict[str, object] = {
        "count": periodicity.count,
        "unit": periodicity.unit.value,
        "anchor": periodicity.anchor.isoformat(),
        "civil": periodicity.civil,
        "until": periodicity.until and periodicity.until.isoformat(),
        "occurrences": periodicity.occurrences,
        "excluded_months": sorted(periodicity.excluded_months),
        "excluded_ranges": [[a.isoformat(), b.isoformat()] for a, b in periodicity.excluded_ranges],
        "nth": periodicity.nth,
        "weekday": periodicity.weekday,
    }
    return json_text({k: v for k, v in raw.items() if v or (k == "weekday" and v is not None)})


@lru_cache(maxsize=4096)
def parse_terms(kind: str, text: str) -> object:
    """The kind's own parameters; they were checked when the contract was imported."""
    return KINDS[kind].terms(orjson.loads(text))


@lru_cache(maxsize=64)
def _proration(text: str) -> Proration:
    raw = orjson.loads(text)
    return Proration(
        raw.get("first", False),
        raw.get("last", False),
        ProrataBase(raw.get("base", ProrataBase.COMMERCIAL)),
    )

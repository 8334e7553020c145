"""What a simulation shows: one row a meter or line of each due rule, 76 columns (A to BX).

Source: seed 004, "Détail du fichier de préfacturation". Amounts stand on one row each, so that a
column's sum is right. A column without a figure in this house stays, empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Final, NamedTuple

from billing.contracts.contract import Contract, Line, Module, Rule, RunOptions
from billing.contracts.grouping import Shaped
from billing.contracts.reading import Meter, Origin, Reading, Regime
from billing.contracts.seen import Seen, due, mixed_regimes, regime_of, seen
from billing.period import Term
from formats.common.anomaly import Anomaly
from integration.database.engine import snapshot
from integration.flows.billing.gather import Scope, Slice, gather, group_chunks
from integration.flows.billing.order import Billing
from integration.sheets import Cell

WAITS: Final = "Sous le seuil de facturation : reporté."
BLOCKED: Final = "Contrat bloqué par l'anomalie d'une autre règle ou d'un autre contrat du client."
_UNBILLED: Final = range(18, 37)  # S to AK are empty beside an anomaly
_UNREAD: Final = (22, 23, 34, 35, 36)  # W, X, AI, AJ, AK of a customer-only rule not read
_ORIGINS: Final = {
    Origin.CUSTOMER: "Relevé Client",
    Origin.PROVIDER: "Relevé prestataire",
    Origin.ESTIMATE: "estimation",
}
_DAYS: Final = ("last", "next", "deposit_on")
_TERMS: Final = {Term.ADVANCE: "A échoir", Term.ARREARS: "Echu"}


class Place(NamedTuple):
    """One row before its cells: a rule, with one of its meters and one of its lines."""

    customer: Sequence[str]  # code, name, address, agency
    contract: Contract
    module: Module
    rule: Rule
    meter: Meter | None
    seen: Seen | None
    line: Line | None
    anomaly: str


@dataclass(slots=True)
class View:
    """Rows and warnings of a simulation."""

    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    warnings: list[Anomaly] = field(default_factory=list)


def view_of(run: Billing, shapes: Iterable[Shaped], *, rows: bool = True) -> View:
    """What a simulation made of each due rule; rows only when asked for."""
    view, found, options = View(), _Found(shapes), run.options
    with snapshot(run.engine) as facts:
        for groups in group_chunks(facts, run.choice, options.work_date):
            for one in gather(facts, run.choice, Scope(groups), options.work_date, run.decisions):
                for contract in one.contracts:
                    view.warnings.extend(mixed_regimes(contract))
                if rows:
                    view.rows.extend(_cells(place) for place in _places(one, found, options))
    return view


class _Found:
    """Lines by rule, anomalies by contract and rule code, contracts that wait."""

    def __init__(self, shapes: Iterable[Shaped]) -> None:
        self.lines: dict[int, list[Line]] = defaultdict(list)
        self.anomalies: dict[tuple[object, object], list[str]] = defaultdict(list)
        self.waiting: dict[int, str] = {}
        for shaped in shapes:
            for invoice in shaped.invoices:
                for line in invoice.lines:
                    self.lines[line.rule_id].append(line)
            for anomaly in shaped.anomalies:
                key = anomaly.values.get("contract"), anomaly.values.get("rule")
                self.anomalies[key].append(anomaly.sentence)
            self.waiting |= {one.contract_id: WAITS for one in shaped.deferred}
            self.waiting |= dict.fromkeys(shaped.blocked, BLOCKED)

    def anomaly(self, contract: Contract, rule: Rule) -> str:
        own = self.anomalies.get((contract.code, rule.code))
        if own:
            return " ".join(own)
        return "" if rule.id in self.lines else self.waiting.get(contract.id, "")


def _places(one: Slice, found: _Found, options: RunOptions) -> Iterator[Place]:
    customers = {row[0]: (row[1], row[2], row[3], row[6]) for row in one.rows.customers}
    for contract in one.contracts:
        customer = customers[contract.customer_id]
        for module, rule in _shown(contract, found, options.work_date):
            lines, anomaly = found.lines.get(rule.id, ()), found.anomaly(contract, rule)
            for meter, line in zip_longest(rule.meters, lines) if rule.meters or lines else _ALONE:
                look = meter and seen(rule, meter, one.readings, options)
                yield Place(customer, contract, module, rule, meter, look, line, anomaly)


_ALONE: Final = ((None, None),)


def _shown(contract: Contract, found: _Found, work_date: date) -> Iterator[tuple[Module, Rule]]:
    """The rules that are due, and those billed with them."""
    theirs = {rule.id for _, rule in due(contract, work_date)}
    for module in contract.modules:
        for rule in module.rules:
            if rule.id in theirs or rule.id in found.lines or found.anomaly(contract, rule):
                yield module, rule


def _cells(place: Place) -> tuple[Cell, ...]:
    cells = [read(place) for _, read in _COLUMNS]
    if place.anomaly:
        for column in _UNBILLED:
            cells[column] = None
    elif place.rule.regime is Regime.CUSTOMER and place.seen and not place.seen.used:
        for column in _UNREAD:
            cells[column] = None
    return tuple(cells)


def _none(place: Place) -> Cell:
    return None


def _address(rank: int) -> Callable[[Place], Cell]:
    def line(place: Place) -> Cell:
        lines = place.customer[2].splitlines()
        return lines[rank] if rank < len(lines) else None

    return line


def _seen(read: Callable[[Seen], Cell]) -> Callable[[Place], Cell]:
    return lambda place: read(place.seen) if place.seen else None


def _line(read: Callable[[Line], Cell]) -> Callable[[Place], Cell]:
    return lambda place: read(place.line) if place.line else None


def _on(reading: Reading | None) -> Cell:
    return reading.read_on if reading else None


def _value(reading: Reading | None) -> Cell:
    return reading.value if reading else None


def _origin(reading: Reading | None) -> Cell:
    return _named(reading.origin) if reading else None


def _named(origin: Origin | None) -> Cell:
    return _ORIGINS.get(origin, origin.french.capitalize()) if origin else None


def _monthly(look: Seen) -> Cell:
    return round(look.volume.monthly, 2) if look.volume else None


def _asset(place: Place, name: str) -> Cell:
    """Of the meter's machine, else of the rule's only one."""
    known = {asset.id: asset for asset in (*place.module.assets, *place.rule.assets)}
    if place.meter:
        asset = known.get(place.meter.asset_id)
        return str(getattr(asset, name)) if asset else place.meter.asset_code
    only = place.rule.assets
    return str(getattr(only[0], name)) if len(only) == 1 else None


def _own(kind: str, name: str) -> Callable[[Place], Cell]:
    def read(place: Place) -> Cell:
        value = place.rule.state.own.get(name) if place.rule.kind == kind else None
        if value is None:
            return None
        return date.fromisoformat(value) if name in _DAYS else Decimal(value)

    return read


def _variant(asked: str, read: Callable[[Place], Cell]) -> Callable[[Place], Cell]:
    """A column of blocks whose terms ask for a variant: GTB, SF1."""

    def cell(place: Place) -> Cell:
        return read(place) if getattr(place.rule.terms, asked, None) else None

    return cell


def _term(name: str) -> Callable[[Place], Cell]:
    def read(place: Place) -> Cell:
        value: Decimal = getattr(place.rule.terms, name)
        return value

    return read


def _so_far(name: str) -> Callable[[Place], Cell]:
    return lambda place: Decimal(place.rule.state.own.get(name, 0))


def _told(name: str) -> Callable[[Place], Cell]:
    def read(place: Place) -> Cell:
        value = place.line.explain.get(name) if place.line else None
        return None if value is None else Decimal(str(value))

    return read


def _is_true_up(line: Line) -> Cell:
    return "oui" if line.explain.get("how") in ("true_up", "gap") else None


_COLUMNS: Final[Sequence[tuple[str, Callable[[Place], Cell]]]] = (
    ("Code client", lambda p: p.customer[0]),
    ("Ancien code client", _none),
    ("Code SSC", lambda p: p.contract.code),
    ("Ancien code SSC", _none),
    ("Client", lambda p: p.customer[1]),
    ("Adresse1", _address(0)),
    ("Adresse2", _address(1)),
    ("Adresse3", _address(2)),
    ("Code postal", _none),
    ("Ville", _none),
    ("Téléphone", _none),
    ("Fax", _none),
    ("Agence", lambda p: p.customer[3]),
    ("Chargé d'affaires", _none),
    ("Date début SSC", lambda p: min(module.since for module in p.contract.modules)),
    ("Date création SSC", _none),
    ("Libellé SSC", lambda p: p.contract.label),
    ("Libellé MSC", lambda p: p.module.code),
    ("Libellé RFC", lambda p: p.rule.label or p.rule.code),
    ("Commentaires RFC", _none),
    ("Terme", lambda p: _TERMS[p.rule.term]),
    ("Régime de facturation", lambda p: regime_of(p.rule).capitalize()),
    ("Date installation", _seen(lambda s: _on(s.installed))),
    ("Valeur compteur installation", _seen(lambda s: _value(s.installed))),
    ("Matricule", lambda p: _asset(p, "serial")),
    ("Libellé Bien", lambda p: _asset(p, "label")),
    ("Grandeur", lambda p: p.meter.label if p.meter else None),
    ("Code Article", _line(lambda one: one.cost_line.article)),
    ("Libellé Article", _line(lambda one: one.label)),
    ("Début période facturation", _line(lambda one: one.since)),
    ("Fin période facturation", _line(lambda one: max(one.since, one.until - timedelta(1)))),
    ("Quantité", _line(lambda one: one.quantity)),
    ("Prix Unitaire", _line(lambda one: one.unit_price)),
    ("Montant HT", _line(lambda one: one.amount)),
    ("Origine vol. moy.", _seen(lambda s: s.volume.source.code if s.volume else None)),
    ("VMM", _seen(_monthly)),
    ("Date compteur servant à facturer", _seen(lambda s: _on(s.used))),
    ("Type de grandeur servant à facturer", _seen(lambda s: _origin(s.used))),
    ("Valeur du compteur servant à facturer", _seen(lambda s: _value(s.used))),
    ("Date du dernier compteur réel", _seen(lambda s: _on(s.actual))),
    ("Source du dernier compteur réel", _seen(lambda s: _origin(s.actual))),
    ("Valeur du dernier compteur réel", _seen(lambda s: _value(s.actual))),
    ("Date dernier compteur facturé", _seen(lambda s: _on(s.billed))),
    ("Type de grandeur dernier facturé", _seen(lambda s: _named(s.billed_origin))),
    ("Valeur du compteur dernier facturé", _seen(lambda s: _value(s.billed))),
    ("Date prochaine facture théorique", lambda p: p.rule.state.next_theoretical),
    ("Date dernière facture réelle", lambda p: p.rule.state.last_actual),
    ("N° Facture", _none),
    ("Tranche à atteindre", _own("block", "bound")),
    ("Nouvelle Tranche", _told("new_bound")),
    ("Renouvellement tranche", _none),
    ("Ligne de régularisation", _line(_is_true_up)),
    ("Compteur de dernière régularisation", _own("bundle", "counter")),
    ("Cumul des forfaits depuis la dernière régularisation", _own("bundle", "cumulated")),
    ("Date dernière régularisation", _own("bundle", "last")),
    ("Date prochaine régularisation", _own("bundle", "next")),
    ("Date prochaine Augmentation", _none),
    ("Type Augmentation", _none),
    ("Taux Augmentation Unitaire", _none),
    ("Taux Augmentation Forfaitaire", _none),
    ("Coeff Ou Pourcentage", _none),
    ("Seuil de facturation", _variant("volume", _term("volume"))),
    ("Seuil à atteindre", _variant("volume", _so_far("thresholds"))),
    ("Cadence Facturation", _variant("volume", _term("units"))),
    ("Cadence à atteindre", _variant("volume", _so_far("steps"))),
    ("Nbre de copie de l'acompte", _variant("deposit", _term("deposit"))),
    ("Date de facturation de l'acompte", _own("block", "deposit_on")),
    ("Anomalie", lambda p: p.anomaly or None),
    ("Commentaires SSC", _none),
    ("Site du bien", _none),
    ("Tél site du bien", _none),
    ("Localisation du bien", _none),
    ("Type demande de relevé", _none),
    ("Marché", lambda p: p.rule.market or None),
    ("Date début marché", _none),
    ("Date fin marché", _none),
)  # fmt: skip
HEADER: Final = tuple(label for label, _ in _COLUMNS)

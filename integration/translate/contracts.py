"""Flow `contracts`: contract → modules → rules → cost lines, coverages; JSON or JSON Lines."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import FromClause, Select, Table, select

from billing.contracts.contract import RuleState
from billing.contracts.revision import next_increase
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.translate.assets import site_ids
from integration.translate.codes import ids_by_code, rows_by_code, slices
from integration.translate.contract_document import ContractDocument
from integration.translate.contract_plan import Ids, Leaf, Path, Plan, first_date
from integration.translate.documents import json_schema, looks_like, read_documents
from integration.translate.families import TWICE
from integration.translate.flow import Applied, Flow, Intake, Record, Records, refuse
from integration.translate.groups import regroup
from integration.translate.upsert import plain

KNOWN_CONTRACT: Final = Code(
    "IMP-171",
    "Le contrat « {code} » existe déjà avec un autre contenu.",
    "Un contrat importé ne se réimporte pas : changez ses règles par « echeance rules », ses prix"
    " par « echeance prices ».",
)
IGNORED: Final = Code(
    "IMP-173",
    "L'option « {field} » est acceptée et ignorée : elle n'a pas d'effet sur la facturation.",
    "Rien à faire.",
)
CATCH_UP: Final = Code(
    "IMP-174",
    "La règle « {rule} » est nouvelle : elle sera facturée depuis le {day}.",
    "Si elle a déjà été facturée ailleurs, donnez son état dans « reprise ».",
)

NEXT_INCREASE: Final = Code(
    "IMP-181",
    "Règle « {rule} » : prochaine augmentation prévue le {day}.",
    "Si ce n'est pas la date convenue, donnez « prochaine » dans « augmentation ».",
)
REMARK: Final = Code(
    "IMP-175",
    "Règle « {rule} » : {remark}.",
    "Vérifiez la règle ; l'import n'en est pas empêché.",
)

_FREE: Final = ("activity", "agency")


class Shape(NamedTuple):
    """How rows of a table hang in a contract: ids of parents, own columns, own id or not."""

    parents: tuple[str, ...]
    columns: tuple[str, ...]
    has_id: bool = True


_SHAPES: Final[Mapping[Table, Shape]] = {
    t.module: Shape(("contract_id",), ("code", "since", "until", "renewal_months")),
    t.module_asset: Shape(("module_id",), ("asset_id",), has_id=False),
    t.coverage: Shape(
        ("module_id",),
        ("code", "label", "article_class", "kind", "since", "until", "response_hours"),
    ),
    t.rule: Shape(
        ("contract_id", "module_id"),
        (
            *("code", "label", "kind", "term", "periodicity", "proration", "regime", "decimals"),
            *("position", "market", "since", "until", "template", "terms", "opening", "increase"),
        ),
    ),
    t.rule_asset: Shape(("rule_id",), ("asset_id",), has_id=False),
    t.rule_meter: Shape(("rule_id",), ("meter_id",), has_id=False),
    t.cost_line: Shape(
        ("rule_id",),
        (
            *("position", "family", "article", "label", "article_class", "price_e8", "vat_ppm"),
            *("account", "payer_id", "site_id", "payment_mode", "payment_days"),
            *("cutoff_price_e8", "profit_price_e8", "cost_price_e8"),
        ),
    ),
}


def read(data: bytes, file: str) -> Records[ContractDocument]:
    """Contracts of a JSON file, with a notice for each option that has no effect or looks odd."""
    records = read_documents(data, file, ContractDocument)
    notices = (n for record in records for n in (*_ignored(record), *_odd(record)))
    return Records(records.items, tuple(notices))


def _ignored(record: Record[ContractDocument]) -> Iterator[Anomaly]:
    """Options without effect in the seed (A-RFC-21, A-RFC-22)."""
    for path, _, rule in record.value.rules():
        shift = rule.periodicity and rule.periodicity.shift
        options: list[tuple[object, Path]] = [
            (shift, ("periodicite", "decalage")),
            (rule.true_up_at_year_end, ("regularisation_fin_annee",)),
            (rule.interventions_at_renewal, ("detail_interventions",)),
            *((c.template_position, ("couts", n, "position")) for n, c in enumerate(rule.costs)),
        ]
        for given, where in options:
            if given is not None:
                yield Anomaly(IGNORED, record.at(*path, *where), {"field": where[-1]})


def _odd(record: Record[ContractDocument]) -> Iterator[Anomaly]:
    """Terms that are allowed and seldom meant (A-FR-07)."""
    for path, module, rule in record.value.rules():
        for remark in rule.remarks(rule.since or module.since):
            yield Anomaly(REMARK, record.at(*path), {"rule": rule.code, "remark": remark})


def apply(intake: Intake, records: Records[ContractDocument]) -> Applied:
    """Stores new contracts, then the groups of contracts that share a payer.

    A contract already stored is left alone when the file says the same, refused otherwise.
    """
    ids = _resolve(intake, records)
    found = list(_twice(records))
    base = intake.settings.parameters.PRORATA_BASE
    planned = [(record, list(Plan(record, ids, base, found).leaves())) for record in records]
    codes = [record.value.code for record in records]
    known = rows_by_code(intake.connection, t.contract, intake.organisation_id, codes)
    stored = _stored(intake, [row.id for row in known.values()])
    refuse([*found, *_changed(planned, known, ids, stored)])
    new = [(record.value, leaves) for record, leaves in planned if record.value.code not in known]
    if new:
        _insert(intake, new, ids.customers)
        regroup(intake.connection, intake.organisation_id)
    rules = sum(leaf.table is t.rule for _, leaves in new for leaf in leaves)
    counts = {"contrats créés": len(new), "contrats inchangés": len(known), "règles": rules}
    fresh = [record for record in records if record.value.code not in known]
    late = (notice for record in fresh for notice in _late(intake.today, record))
    increases = (notice for record in fresh for notice in _increases(record))
    return Applied(counts, (*records.notices, *late, *increases))


def _twice(records: Records[ContractDocument]) -> Iterator[Anomaly]:
    """Codes that stand twice: contracts, modules, coverages, rules."""
    seen: set[tuple[str, ...]] = set()
    for record in records:
        for kind, path, codes in _codes(record.value):
            if (kind, *codes) in seen:
                yield Anomaly(TWICE, record.at(*path, "code"), {"code": codes[-1]})
            seen.add((kind, *codes))


def _codes(contract: ContractDocument) -> Iterator[tuple[str, Path, tuple[str, ...]]]:
    yield "contract", (), (contract.code,)
    for m, module in enumerate(contract.modules):
        above, path = (contract.code, module.code), ("modules", m)
        yield "module", path, above
        for n, coverage in enumerate(module.coverages):
            yield "coverage", (*path, "couvertures", n), (*above, coverage.code)
        for n, rule in enumerate(module.rules):
            yield "rule", (*path, "regles", n), (*above, rule.code)


def _resolve(intake: Intake, records: Records[ContractDocument]) -> Ids:
    customers, assets = set[str](), set[str]()
    for record in records:
        customers.add(record.value.customer)
        for module in record.value.modules:
            assets.update(module.assets)
        for _, _, rule in record.value.rules():
            customers.update(cost.payer for cost in rule.costs if cost.payer)
            assets.update(rule.assets, (meter.asset for meter in rule.meters))
    found = ids_by_code(intake.connection, t.customer, intake.organisation_id, customers)
    known = ids_by_code(intake.connection, t.asset, intake.organisation_id, assets)
    meters = _meters(intake, known)
    return Ids(
        found,
        site_ids(intake, found.values()),
        known,
        {name: id_ for name, (id_, _) in meters.items()},
        frozenset(name for name, (_, cumulative) in meters.items() if not cumulative),
    )


def _meters(intake: Intake, assets: Mapping[str, int]) -> dict[tuple[str, str], tuple[int, bool]]:
    """Id of each meter, and whether it is cumulative, by the codes of its asset and its own."""
    codes, m = {id_: code for code, id_ in assets.items()}, t.meter.c
    query = select(m.asset_id, m.code, m.id, m.cumulative)
    return {
        (codes[asset], code): (id_, bool(cumulative))
        for some in slices(codes)
        for asset, code, id_, cumulative in intake.connection.execute(
            query.where(m.asset_id.in_(some))
        )
    }


_OPENING: Final = _SHAPES[t.rule].columns.index("opening")
_PARENTS: Final = {"contract_id": 0, "module_id": 1, "rule_id": 2}  # codes above a row


def _insert(
    intake: Intake, new: list[tuple[ContractDocument, list[Leaf]]], customers: Mapping[str, int]
) -> None:
    first = reserve_ids(intake.connection, "contract", len(new))
    columns = (*("id", "organisation_id", "code", "label", "customer_id", "status"), *_FREE)
    rows = [
        (
            *(id_, intake.organisation_id, one.code, one.label, customers[one.customer]),
            *("validated", one.activity, one.agency),
        )
        for id_, (one, _) in enumerate(new, first)
    ]
    insert_rows(intake.connection, t.contract, columns, rows)
    keys: dict[tuple[object, ...], int] = {(id_,): id_ for id_, _ in enumerate(new, first)}
    placed = [(id_, leaf) for id_, (_, leaves) in enumerate(new, first) for leaf in leaves]
    for table, shape in _SHAPES.items():
        some = [(id_, leaf) for id_, leaf in placed if leaf.table is table]
        _insert_leaves(intake, table, shape, some, keys)
    _insert_states(intake, [leaf for leaf in placed if leaf[1].table is t.rule], keys)


def _insert_leaves(
    intake: Intake,
    table: Table,
    shape: Shape,
    placed: list[tuple[int, Leaf]],
    keys: dict[tuple[object, ...], int],
) -> None:
    if not placed:
        return
    columns = (*shape.parents, *shape.columns)
    rows = [
        (
            *(keys[contract, *leaf.codes[: _PARENTS[name]]] for name in shape.parents),
            *map(plain, leaf.values),
        )
        for contract, leaf in placed
    ]
    if shape.has_id:
        first = reserve_ids(intake.connection, table.name, len(rows))
        columns, rows = ("id", *columns), [(id_, *row) for id_, row in enumerate(rows, first)]
        if table in (t.module, t.rule):
            keys |= {(c, *leaf.codes): id_ for id_, (c, leaf) in enumerate(placed, first)}
    insert_rows(intake.connection, table, columns, rows)


def _insert_states(
    intake: Intake, rules: list[tuple[int, Leaf]], keys: Mapping[tuple[object, ...], int]
) -> None:
    """The cached state of each rule begins as its opening state."""
    rows = []
    for contract, leaf in rules:
        opening = str(leaf.values[_OPENING])
        next_date = json.loads(opening).get("next_theoretical")
        rows.append((keys[contract, *leaf.codes], next_date, opening))
    columns = ("rule_id", "next_theoretical", "state")
    insert_rows(intake.connection, t.rule_state, columns, rows)


def _changed(
    planned: list[tuple[Record[ContractDocument], list[Leaf]]],
    known: Mapping[str, Any],
    ids: Ids,
    stored: Mapping[int, set[Leaf]],
) -> Iterator[Anomaly]:
    """Contracts already stored that the file tells otherwise."""
    for record, leaves in planned:
        one, row = record.value, known.get(record.value.code)
        if row is None:
            continue
        head = (one.label, ids.customers.get(one.customer), one.activity, one.agency)
        same = head == (row.label, row.customer_id, row.activity, row.agency)
        if not same or stored[row.id] != set(leaves):
            yield Anomaly(KNOWN_CONTRACT, record.at("code"), {"code": one.code})


def _stored(intake: Intake, contracts: Iterable[int]) -> dict[int, set[Leaf]]:
    """Every row below these contracts, as a file would make it."""
    found: dict[int, set[Leaf]] = defaultdict(set)
    for some in slices(contracts):
        for table, shape in _SHAPES.items():
            for contract, *values in intake.connection.execute(_below(table, shape, some)):
                depth = len(values) - len(shape.columns)
                codes = tuple(values[:depth])
                found[contract].add(Leaf(table, codes, tuple(values[depth:])))
    return found


def _below(table: Table, shape: Shape, contracts: Sequence[int]) -> Select[Any]:
    """Contract id, codes of module and rule, own columns of the rows of one table."""
    source: FromClause = t.module
    codes = [t.module.c.code]
    if "rule_id" in shape.parents or table is t.rule:
        source, codes = (
            source.join(t.rule, t.rule.c.module_id == t.module.c.id),
            [
                *codes,
                t.rule.c.code,
            ],
        )
    if table not in (t.module, t.rule):
        above = t.rule if "rule_id" in shape.parents else t.module
        source = source.join(table, table.c[shape.parents[-1]] == above.c.id)
    own = [table.c[name] for name in shape.columns]
    query = select(t.module.c.contract_id, *codes, *own).select_from(source)
    return query.where(t.module.c.contract_id.in_(contracts))


def _increases(record: Record[ContractDocument]) -> Iterator[Anomaly]:
    """When the prices of each revised rule will first increase."""
    for path, module, rule in record.value.rules():
        taken = rule.opening
        state = RuleState(None)
        if taken:
            state = RuleState(None, taken.last_theoretical, taken.last_actual)
        agreed, start = rule.increase.made(), rule.since or module.since
        day = next_increase(agreed, module.since, start, state)
        if day is not None:
            values = {"rule": rule.code, "day": f"{day:%d/%m/%Y}"}
            yield Anomaly(NEXT_INCREASE, record.at(*path), values)


def _late(today: date, record: Record[ContractDocument]) -> Iterator[Anomaly]:
    """New rules that will catch up periods already over (contracts.md, "take-over import")."""
    for path, module, rule in record.value.rules():
        start = rule.since or module.since
        first = None if rule.opening else first_date(rule, start)
        if first is not None and first < today:
            values = {"rule": rule.code, "day": f"{start:%d/%m/%Y}"}
            yield Anomaly(CATCH_UP, record.at(*path), values)


FLOW: Final = Flow(
    "contracts",
    "contrats",
    looks_like("client", "modules"),
    read,
    apply,
    lambda: json_schema(ContractDocument),
)

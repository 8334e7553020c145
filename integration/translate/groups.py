"""Groups: contracts that share a payer, directly or through others (design, "Groups")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from integration.database import tables as t
from integration.database.bulk import execute_many


def regroup(connection: Connection, organisation_id: int) -> int:
    """Set every contract's group: the smallest contract id among those it shares payers with.

    Returns how many contracts moved. The customer and the payers of all cost lines count.
    """
    stored = {
        id_: (customer, group)
        for id_, customer, group in connection.execute(
            select(t.contract.c.id, t.contract.c.customer_id, t.contract.c.group_id)
            .where(t.contract.c.organisation_id == organisation_id)
            .order_by(t.contract.c.id)
        )
    }
    payers = connection.execute(
        select(t.rule.c.contract_id, t.cost_line.c.payer_id)
        .join(t.cost_line, t.cost_line.c.rule_id == t.rule.c.id)
        .join(t.contract, t.contract.c.id == t.rule.c.contract_id)
        .where(t.contract.c.organisation_id == organisation_id)
        .distinct()
    )
    pairs = [(id_, customer) for id_, (customer, _) in stored.items()]
    groups = components([*pairs, *((contract, payer) for contract, payer in payers)])
    moved = [(group, id_) for id_, group in groups.items() if stored[id_][1] != group]
    execute_many(connection, "UPDATE contract SET group_id = ? WHERE id = ?", moved)
    return len(moved)


def components(pairs: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    """(contract, payer) pairs → the smallest contract of each contract's connected component."""
    parents: dict[int, int] = {}
    first_of: dict[int, int] = {}  # a contract already seen for each payer
    for contract, payer in pairs:
        parents.setdefault(contract, contract)
        other = first_of.setdefault(payer, contract)
        a, b = _root(parents, contract), _root(parents, other)
        parents[max(a, b)] = min(a, b)
    return {contract: _root(parents, contract) for contract in parents}


def _root(parents: dict[int, int], contract: int) -> int:
    while parents[contract] != contract:
        parents[contract] = parents[parents[contract]]
        contract = parents[contract]
    return contract

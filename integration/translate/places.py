"""Where devices stand and stood: a declared move is a dated attachment to another structure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, select

from billing.contracts.runs import Place
from integration.database import tables as t
from integration.translate.codes import slices

Places = Mapping[int, tuple[Place, ...]]


def places_of(connection: Connection, assets: Iterable[int]) -> dict[int, tuple[Place, ...]]:
    """The places of these assets by id, oldest first; never moved, an asset has its own."""
    stands: dict[int, Place] = {}
    moves: dict[int, list[Place]] = defaultdict(list)
    own, moved = t.asset.c, t.placement.c
    for some in slices(sorted(set(assets))):
        query = select(own.id, own.customer_id, own.site_id).where(own.id.in_(some))
        stands |= {id_: Place(date.min, *where) for id_, *where in connection.execute(query)}
        dated = select(moved.asset_id, moved.since, moved.customer_id, moved.site_id)
        dated = dated.where(moved.asset_id.in_(some)).order_by(moved.asset_id, moved.since)
        for id_, *where in connection.execute(dated):
            moves[id_].append(Place(*where))
    return {id_: tuple(moves.get(id_, (place,))) for id_, place in stands.items()}

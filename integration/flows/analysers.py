"""Analysers between two bills: the silence of those that send nothing, their consumables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine

from billing.contracts.contract import Asset, Contract, Rule
from billing.contracts.rules.run import analysers, silent_since, terms_of
from billing.contracts.runs import only_for
from formats.common.anomaly import Anomaly, Code
from integration.database import tables as t
from integration.database.bulk import insert_rows, reserve_ids
from integration.database.sql import Queries
from integration.failpoints import reach
from integration.flows.billing.gather import RUNNING, facts_of
from integration.posting.rows import OUTBOX
from integration.translate.meter_rows import Row, day
from integration.translate.places import places_of
from stock.levels import Movement, levels

_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
SILENT: Final = Code(
    "RUN-171",
    "L'analyseur « {asset} » n'a plus rien envoyé depuis le {since:%d/%m/%Y}.",
    "Son client est prévenu ; vérifiez avec lui la connexion de l'analyseur.",
)
UNBILLABLE: Final = Code(
    "RUN-172",
    "{count} analyse(s) de l'analyseur « {asset} » ne relève(nt) d'aucune règle de facturation au"
    " résultat.",
    "Déclarez où il se trouve (flux « moves »), ou complétez le contrat de ce client.",
)
KIND: Final = "run_silence"
_SILENCE: Final = ("id", "organisation_id", "asset_id", "customer_id", "heard_on", "noticed_on")


class Watch(NamedTuple):
    """What watching analysers found. warned: mails that will leave, one an episode of silence."""

    anomalies: tuple[Anomaly, ...]
    warned: int


class _Watched(NamedTuple):
    """An analyser that a rule bills, where it stands today."""

    contract: Contract
    rule: Rule
    asset: Asset
    here: bool


def watch(engine: Engine, organisation_id: int, today: date) -> Watch:
    """Who was silent too long, told to its customer once an episode; runs that no rule bills.

    An episode is an analyser and the last day it was heard of: unique in the database.
    """
    with engine.begin() as connection:
        watched = list(_watched(connection, organisation_id, today))
        silent = {
            one.asset.id: (one.contract.customer_id, since, one.asset.code)
            for one in watched
            if one.here
            and (since := silent_since(one.asset, terms_of(one.rule).silence_days, today))
        }
        warned = _warn(connection, organisation_id, today, silent)
        reach("night.watch.written")
        unbillable = list(_unbillable(connection, organisation_id, today, watched))
    told = [Anomaly(SILENT, values={"asset": a, "since": on}) for _, on, a in silent.values()]
    return Watch((*told, *unbillable), warned)


def _watched(connection: Connection, organisation_id: int, today: date) -> Iterator[_Watched]:
    signed = _SQL.rows(connection, "contracts", organisation=organisation_id, kinds=RUNNING)
    for facts in facts_of(connection, signed, today):
        for contract in facts.contracts:
            for module in contract.modules:
                for rule in (one for one in module.rules if one.kind in RUNNING):
                    for asset in analysers(rule, module):
                        stands = only_for(asset.places, today) if asset.places else None
                        here = stands in (None, contract.customer_id)
                        yield _Watched(contract, rule, asset, here)


def _warn(
    connection: Connection,
    organisation_id: int,
    today: date,
    silent: dict[int, tuple[int, date, str]],
) -> int:
    """Rows of new episodes, each with its outbox row; how many."""
    known = {(asset, day(on)) for asset, on in _SQL.rows(connection, "told", assets=sorted(silent))}
    new = [(id_, *told) for id_, told in silent.items() if (id_, told[1]) not in known]
    first = reserve_ids(connection, "silence", len(new))
    out = reserve_ids(connection, "outbox", len(new))
    rows: list[Row] = []
    leaving: list[Row] = []
    for rank, (asset, customer, since, _) in enumerate(new):
        id_, dates = first + rank, (since.isoformat(), today.isoformat())
        rows.append((id_, organisation_id, asset, customer, *dates))
        name = f"alerte-{id_:06d}.txt"
        leaving.append(
            (out + rank, organisation_id, f"{KIND}:{id_}", KIND, "folder", name, id_, "todo")
        )
    insert_rows(connection, t.silence, _SILENCE, rows)
    insert_rows(connection, t.outbox, OUTBOX, leaving)
    return len(new)


def _unbillable(
    connection: Connection, organisation_id: int, today: date, watched: Iterable[_Watched]
) -> Iterator[Anomaly]:
    """Runs at a customer none of whose rules bills the analyser: a move wasn't declared."""
    billable = {(one.asset.id, one.contract.customer_id) for one in watched}
    anywhere = {asset for asset, _ in billable}
    rows = _SQL.rows(connection, "unbilled", organisation=organisation_id, on=today)
    places = places_of(connection, {row[0] for row in rows})
    counts: dict[str, int] = {}
    for asset, code, on, count in rows:
        there = only_for(places[asset], day(on))
        if (asset not in anywhere) if there is None else ((asset, there) not in billable):
            counts[code] = counts.get(code, 0) + count
    for code, count in counts.items():
        yield Anomaly(UNBILLABLE, values={"count": count, "asset": code})


def silence_texts(
    connection: Connection, subjects: list[int], executor: Executor
) -> Iterable[bytes]:
    """What the outbox sends for rows of kind `run_silence`: one text a customer reads."""
    del executor  # a text is made at once
    found = {row[0]: row[1:] for row in _SQL.rows(connection, "silences", ids=subjects)}
    return [_text(*found[id_]) for id_ in subjects]


def _text(us: str, customer: str, code: str, label: str, serial: str, on: Any) -> bytes:
    named = " ".join(filter(None, (label or code, f"(n° de série {serial})" if serial else "")))
    return "\n".join(
        (
            f"{customer},",
            "",
            f"Votre analyseur {named} ne nous a rien envoyé depuis le {day(on):%d/%m/%Y}.",
            "Ses analyses sont gardées par l'appareil et nous parviendront à la reconnexion ;",
            "elles seront alors facturées à leur date.",
            "",
            "Vérifiez que le poste de l'analyseur est allumé et relié à Internet. S'il a changé",
            "de structure, prévenez-nous afin d'éviter une facturation incorrecte.",
            "",
            us,
            "",
        )
    ).encode()


def consumable_levels(
    connection: Connection, organisation_id: int, on: date
) -> dict[str, dict[str, int]]:
    """Consumables left at each device on a day, by device and article: those delivered to it less
    those it says it used, whenever either came to be known."""
    moved: dict[str, list[Movement]] = {}
    for asset, dated, article, quantity in _SQL.rows(
        connection, "movements", organisation=organisation_id
    ):
        moved.setdefault(asset, []).append(Movement(day(dated), article, quantity))
    return {asset: levels(movements, on) for asset, movements in moved.items()}

"""Simulations that are kept, so that `bill --from-simulation` bills what was checked or refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Engine, insert, select

from billing.contracts.contract import RunOptions
from integration.database.bulk import reserve_ids
from integration.database.tables import json_text, outbox, simulation
from integration.flows.billing.order import Billing, Selection, options_text
from integration.flows.billing.run import BillingReport
from integration.sheets import csv_bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What a simulation looked at."""

    options: RunOptions
    choice: Selection
    inputs_digest: str


class Checks(NamedTuple):
    """A table to send with a simulation, header first; once a day for the same facts."""

    on: date
    rows: Sequence[Sequence[str]]


def keep(run: Billing, report: BillingReport, checks: Checks | None = None) -> int:
    """Write the simulation's row; returns its number."""
    summary = {"invoices": report.invoices, "gross_cents": report.gross_cents}
    with run.engine.begin() as connection:
        number = reserve_ids(connection, "simulation", 1)
        connection.execute(
            insert(simulation).values(
                id=number,
                organisation_id=run.choice.organisation_id,
                work_date=report.work_date,
                options=options_text(run),
                inputs_digest=report.inputs_digest,
                rows_digest=report.rows_digest,
                summary=json_text({**summary, "checks": checks.rows} if checks else summary),
            )
        )
        if checks:
            same = f"{checks.on}:{report.work_date}:{report.inputs_digest[:32]}"
            _to_send(connection, run.choice.organisation_id, number, same)
    return number


def _to_send(connection: Connection, organisation_id: int, number: int, same: str) -> None:
    """The checks of a simulation, as a row of the outbox; none when the same already leave."""
    key = f"checks:{organisation_id}:{same}"
    if connection.scalar(select(outbox.c.id).where(outbox.c.key == key)):
        return
    values = {
        "id": reserve_ids(connection, "outbox", 1),
        "organisation_id": organisation_id,
        "key": key,
        "kind": "checks",
        "partner": "folder",
        "file_name": f"controles-simulation-{number}.csv",
        "subject_id": number,
        "state": "todo",
    }
    connection.execute(insert(outbox).values(values))


def kept_checks(connection: Connection, numbers: Sequence[int]) -> list[bytes]:
    """The checks of simulations, as the bytes of CSV files."""
    query = select(simulation.c.id, simulation.c.summary).where(simulation.c.id.in_(numbers))
    known = {row.id: orjson.loads(row.summary)["checks"] for row in connection.execute(query)}
    return [csv_bytes(known[number]) for number in numbers]


def kept_simulation(engine: Engine, organisation_id: int, number: int) -> Kept | None:
    """The simulation of that number, or None."""
    query = select(simulation).where(
        simulation.c.id == number, simulation.c.organisation_id == organisation_id
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    raw = orjson.loads(row.options)
    factor = raw["options"]["company_factor"]
    options = {
        **raw["options"],
        "work_date": date.fromisoformat(raw["options"]["work_date"]),
        "threshold": Decimal(raw["options"]["threshold"]),
        "company_factor": factor and Decimal(factor),
    }
    choice = Selection(organisation_id, tuple(raw["excluded"]))
    return Kept(RunOptions(**options), choice, row.inputs_digest)

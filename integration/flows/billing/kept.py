"""Simulations that are kept, so that `bill --from-simulation` bills what was checked or refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import orjson
from sqlalchemy import Engine, insert, select

from billing.contracts.contract import RunOptions
from integration.database.bulk import reserve_ids
from integration.database.tables import json_text, simulation
from integration.flows.billing.order import Billing, Selection, options_text
from integration.flows.billing.run import BillingReport


@dataclass(frozen=True, slots=True)
class Kept:
    """What a simulation looked at."""

    options: RunOptions
    choice: Selection
    inputs_digest: str


def keep(run: Billing, report: BillingReport) -> int:
    """Write the simulation's row; returns its number."""
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
                summary=json_text({"invoices": report.invoices, "gross_cents": report.gross_cents}),
            )
        )
    return number


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

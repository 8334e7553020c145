"""Readings to ask for: whom the requests will go to; sending them is another step.

Source: contracts.md §9, NB_JOURS_MAX_SANS_RELEVE_COMPTEUR_REEL (seed 004).
"""

from __future__ import annotations

from collections.abc import Iterator

from billing.contracts.seen import Proposal, to_ask
from integration.database.engine import snapshot
from integration.flows.billing.gather import Scope, gather, group_chunks
from integration.flows.billing.run import Billing


def proposed(run: Billing, days: int) -> Iterator[Proposal]:
    """Meters of the rules due on the work date, last actually read more than `days` ago."""
    on = run.options.work_date
    with snapshot(run.engine) as connection:
        for groups in group_chunks(connection, run.choice, on):
            for one in gather(connection, run.choice, Scope(groups), on, run.decisions):
                for contract in one.contracts:
                    yield from to_ask(contract, one.readings, on, days)

"""What a billing run is asked to do, and its row: a run that was killed is found again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection, Engine, insert, select

from billing.contracts.contract import RunOptions
from billing.ledger import Accounts
from integration.database.bulk import reserve_ids
from integration.database.tables import id_block, json_text
from integration.database.tables import run as table
from integration.translate.decided import NOTHING_DECIDED, Decisions


@dataclass(frozen=True, slots=True)
class Selection:
    """Which contracts a run looks at: an organisation's, without those of excluded customers."""

    organisation_id: int
    excluded: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Billing:
    """What a billing run needs, in one hand.

    decisions: the installation's decision tables. ahead: plan the next chunk in a second process.
    """

    engine: Engine
    choice: Selection
    options: RunOptions
    accounts: Accounts
    decisions: Decisions = NOTHING_DECIDED
    run_id: int | None = None
    ahead: bool = False


def opened(run: Billing) -> Billing:
    """The run with its number: a new one, or the one that was killed with the same options."""
    with run.engine.begin() as connection:
        number = _number_of(connection, run)
        if number is None:
            free = reserve_ids(connection, "run", 1)  # who opens the same run at once waits here
            number = _number_of(connection, run)
        if number is None:
            number = free
            connection.execute(
                insert(table).values(
                    id=number,
                    organisation_id=run.choice.organisation_id,
                    kind="bill",
                    work_date=run.options.work_date,
                    options=options_text(run),
                )
            )
    return replace(run, run_id=number)


def previewed(connection: Connection, run: Billing) -> int:
    """The number `opened` would give."""
    last = connection.scalar(select(id_block.c.last_id).where(id_block.c.name == "run")) or 0
    return _number_of(connection, run) or last + 1


def _number_of(connection: Connection, run: Billing) -> int | None:
    found: int | None = connection.scalar(
        select(table.c.id).where(
            table.c.organisation_id == run.choice.organisation_id,
            table.c.kind == "bill",
            table.c.work_date == run.options.work_date,
            table.c.options == options_text(run),
        )
    )
    return found


def options_text(run: Billing) -> str:
    """Options and excluded customers, as canonical JSON; decimals are text."""
    options = {
        name: str(value) if isinstance(value, Decimal) else value
        for name, value in asdict(run.options).items()
    }
    return json_text({"options": options, "excluded": run.choice.excluded})

"""Slots: ids, numbers, dates and the chain's head, taken for good or only previewed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, func, select, text

from integration.database import tables
from integration.database.bulk import reserve_ids
from integration.database.engine import is_sqlite
from integration.posting.rows import GENESIS, Plan, Rows, Slots


def take_slots(connection: Connection, organisation_id: int, plan: Plan) -> Slots:
    """Reserve ids, numbers and the chain's head; rolled back with the work."""
    sequence, link = chain_head(connection, organisation_id, lock=True)  # first: posters queue here
    dates = _dates(plan, _floors(connection, organisation_id))
    wanted, last = _wanted(plan, dates)
    first_numbers = {
        key: _take_numbers(connection, organisation_id, key, count, last[key])
        for key, count in sorted(wanted.items())
    }
    return Slots(
        organisation_id,
        first_document=reserve_ids(connection, "document", len(plan.postings)),
        first_reading=reserve_ids(connection, "reading", len(plan.estimates)),
        first_outbox=reserve_ids(connection, "outbox", _deliveries(plan)),
        first_event=reserve_ids(connection, "rule_event", len(plan.moves)),
        first_numbers=first_numbers,
        dates=dates,
        sequence=sequence,
        link=link,
    )


class Preview:
    """Slots as `post` would take them, counted in memory over one snapshot: takes nothing."""

    def __init__(self, connection: Connection, organisation_id: int) -> None:
        self._organisation_id = organisation_id
        self._floors = _floors(connection, organisation_id)
        block, series = tables.id_block, tables.series
        self._last_ids: Counter[str] = Counter(
            {row.name: row.last_id for row in connection.execute(block.select())}
        )
        rows = connection.execute(
            series.select().where(series.c.organisation_id == organisation_id)
        )
        self._numbers = Counter({(r.journal, r.fiscal_year): r.last_number for r in rows})
        self._head = chain_head(connection, organisation_id, lock=False)

    def slots(self, plan: Plan) -> Slots:
        """The slots of the next plan."""
        dates = _dates(plan, self._floors)
        wanted, _ = _wanted(plan, dates)
        sequence, link = self._head
        slots = Slots(
            self._organisation_id,
            self._last_ids["document"] + 1,
            self._last_ids["reading"] + 1,
            self._last_ids["outbox"] + 1,
            self._last_ids["rule_event"] + 1,
            {key: self._numbers[key] + 1 for key in wanted},
            dates,
            sequence,
            link,
        )
        self._numbers.update(wanted)
        taken = {"document": len(plan.postings), "reading": len(plan.estimates)}
        taken |= {"rule_event": len(plan.moves), "outbox": _deliveries(plan)}
        self._last_ids.update(taken)
        return slots

    def advance(self, rows: Rows) -> None:
        """Go on from the head that the rows lead to."""
        if rows.links:
            self._head = (rows.sequence, rows.link)


def _deliveries(plan: Plan) -> int:
    return sum(len(posting.deliveries) for posting in plan.postings)


def _wanted(
    plan: Plan, dates: list[date]
) -> tuple[Counter[tuple[str, int]], dict[tuple[str, int], date]]:
    keys = [(p.journal, day.year) for p, day in zip(plan.postings, dates, strict=True)]
    return Counter(keys), dict(zip(keys, dates, strict=True))


@dataclass(slots=True)
class _Floors:
    closed_until: date | None
    by_journal: dict[str, date]


def _floors(connection: Connection, organisation_id: int) -> _Floors:
    organisation, series = tables.organisation, tables.series
    closed = connection.scalar(
        select(organisation.c.closed_until).where(organisation.c.id == organisation_id)
    )
    found = connection.execute(
        select(series.c.journal, func.max(series.c.last_date))
        .where(series.c.organisation_id == organisation_id)
        .group_by(series.c.journal)
    )
    return _Floors(closed, {journal: last for journal, last in found if last is not None})


def _dates(plan: Plan, floors: _Floors) -> list[date]:
    """A posting is never dated before the last of its series, nor on a closed day."""
    dates: list[date] = []
    for posting in plan.postings:
        day = posting.issued_on
        if floors.closed_until is not None and day <= floors.closed_until:
            day = floors.closed_until + timedelta(1)
        day = max(day, floors.by_journal.get(posting.journal, day))
        floors.by_journal[posting.journal] = day
        dates.append(day)
    return dates


def _take_numbers(
    connection: Connection, organisation_id: int, key: tuple[str, int], count: int, last: date
) -> int:
    sql = text(
        "INSERT INTO series (organisation_id, journal, fiscal_year, last_number, last_date) "
        "VALUES (:organisation, :journal, :year, :count, :last) "
        "ON CONFLICT (organisation_id, journal, fiscal_year) DO UPDATE SET "
        "last_number = series.last_number + excluded.last_number, last_date = excluded.last_date "
        "RETURNING last_number"
    )
    journal, year = key
    values = {
        "organisation": organisation_id,
        "journal": journal,
        "year": year,
        "count": count,
        "last": last.isoformat() if is_sqlite(connection) else last,
    }
    last_number: int = connection.execute(sql, values).scalar_one()
    return last_number - count + 1


def chain_head(
    connection: Connection, organisation_id: int, *, lock: bool = True
) -> tuple[int, str]:
    """Sequence and link of the last posted document; (0, GENESIS) before the first.

    lock: whoever posts for the organisation waits until the transaction ends. Who only looks
    must not: it would stop the posters, or be refused by its own snapshot.
    """
    head = tables.chain_head
    query = head.select().where(head.c.organisation_id == organisation_id)
    if lock:
        connection.execute(
            text(
                "INSERT INTO chain_head (organisation_id, sequence, link) "
                "VALUES (:organisation, 0, :link) ON CONFLICT (organisation_id) DO NOTHING"
            ),
            {"organisation": organisation_id, "link": GENESIS},
        )
        query = query.with_for_update()
    row = connection.execute(query).first()
    return (row.sequence, row.link) if row else (0, GENESIS)

"""Small documents to post, and what the tables then say of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine, select

from integration.database import tables as t
from integration.posting import Plan, Posting, Rows, post

ORGANISATION = 1


def open_books(engine: Engine, *organisations: int) -> None:
    """The organisations that post."""
    with engine.begin() as connection:
        for id_ in organisations or (ORGANISATION,):
            connection.execute(t.organisation.insert().values(id=id_, code=f"O{id_}"))


def sale(day: date, cents: int = 1200, journal: str = "VT", **changes: Any) -> Posting:
    """A balanced sale of one line, without VAT."""
    line = (
        None,
        None,
        "ART",
        "Vente",
        "2026-01-01",
        "2026-02-01",
        10**6,
        cents * 10**6,
        cents,
        0,
        "",
    )
    entries = [("411000", "C1", cents, 0, 0, "CUSTOMER"), ("706", "", 0, cents, None, None)]
    made = Posting(
        journal, "contract", day, net_cents=cents, gross_cents=cents, lines=[line], entries=entries
    )
    return made._replace(**changes)


def posted(engine: Engine, *postings: Posting, organisation: int = ORGANISATION) -> Rows:
    """Post in one transaction."""
    with engine.begin() as connection:
        return post(connection, organisation, Plan(list(postings)))


def numbers(engine: Engine, organisation: int = ORGANISATION) -> dict[tuple[str, int], list[int]]:
    """Numbers by journal and year, in order of id."""
    found: dict[tuple[str, int], list[int]] = {}
    document = t.document
    query = select(document).where(document.c.organisation_id == organisation)
    with engine.connect() as connection:
        for row in connection.execute(query.order_by(document.c.id)):
            found.setdefault((row.journal, row.fiscal_year), []).append(row.number)
    return found


def days(engine: Engine) -> list[str]:
    """Dates of the documents, in order of id."""
    query = select(t.document.c.issued_on).order_by(t.document.c.id)
    with engine.connect() as connection:
        return [day.isoformat() for day in connection.scalars(query)]

"""Fees of the payers of a chunk: which articles their class bears, at whose price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from billing.contracts.fees import Fee, FeeKind
from billing.money import PRICE_SCALE, RATE_SCALE, unscaled
from formats.common.anomaly import Anomaly, Code
from integration.database.sql import Queries
from integration.translate.contracts_rows import ContractRows, Row
from integration.translate.decided import Decisions

UNKNOWN_ARTICLE: Final = Code(
    "CFG-008",
    "L'article « {article} » que nomme {name} n'existe pas comme article incorporel.",
    "Importez-le par le flux « articles », nature « incorporel », ou corrigez ce qui le nomme.",
)
NO_PUBLIC_PRICE: Final = Code(
    "CFG-024",
    "L'article « {article} » que nomme {name} n'a pas de prix public en vigueur le {day:%d/%m/%Y}.",
    "Importez un tarif public qui le porte, par le flux « price_lists ».",
)
_SQL = Queries(Path(__file__).with_suffix(".sql"))


def fees_of(
    connection: Connection, rows: ContractRows, on: date, decisions: Decisions
) -> dict[int, tuple[Fee, ...]]:
    """The fees that each customer's invoices may bear; those without any are left out.

    Raises LookupError for an article without price: `article_faults` finds it before a run.
    """
    if not decisions.name_fees:
        return {}
    named = {row[0]: decisions.fee_articles(row[6], _classes(row)) for row in rows.customers}
    articles = sorted({article for some in named.values() for article in some.values()})
    if not articles:
        return {}
    wanted = {"articles": articles, "customers": sorted(named)}
    rows.fee_prices = _SQL.rows(connection, "fee_prices", work_date=on, **wanted)
    best = {(row[0], row[5]): (rank, row) for rank, row in enumerate(rows.fee_prices)}
    return {
        customer: tuple(_fee(kind, best, article, customer) for kind, article in some.items())
        for customer, some in named.items()
        if some
    }


def _classes(customer: Row) -> dict[FeeKind, str]:
    return {FeeKind.ESTIMATE: customer[7], FeeKind.INVOICE: customer[8]}


def _fee(
    kind: FeeKind,
    best: Mapping[tuple[str, int | None], tuple[int, Row]],
    article: str,
    customer: int,
) -> Fee:
    """The price of the highest precedence: rows came in its order."""
    lists = (best.get((article, customer)), best.get((article, None)))
    found = max((one for one in lists if one), default=None)
    if found is None:
        raise LookupError(f"no price of {article}")
    code, label, vat, account, price, _ = found[1]
    rate = unscaled(vat, RATE_SCALE)
    return Fee(kind, code, label or code, unscaled(price, PRICE_SCALE), rate, account)


def article_faults(
    connection: Connection, organisation_id: int, named: Mapping[str, str], on: date | None = None
) -> Iterator[Anomaly]:
    """What is wrong with articles that somebody names: unknown or not intangible (A-FEE-03), and,
    with a day, without public price on it."""
    if not named:
        return
    day = on or date.min
    rows = _SQL.rows(
        connection, "named_articles", organisation=organisation_id, articles=list(named),
        work_date=day,
    )  # fmt: skip
    known = {code: (intangible, priced) for code, intangible, priced in rows}
    for article, name in named.items():
        intangible, priced = known.get(article, (0, 0))
        values = {"article": article, "name": name, "day": day}
        if not intangible:
            yield Anomaly(UNKNOWN_ARTICLE, values=values)
        elif on and not priced:
            yield Anomaly(NO_PUBLIC_PRICE, values=values)

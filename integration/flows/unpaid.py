"""The unpaid list, rebuilt from the entries at any date: one query, then pure sorting.

`unpaid` is what the command line calls: a table for the terminal, CSV or JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Engine

from billing.ledger import Accounts, Share
from billing.money import unscaled
from billing.unpaid import Balance, Filters, Listing, Totals, Unpaid, listing
from formats.common.french import counted
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.persons import PersonalFields, Vault
from integration.posting import reference
from integration.sheets import written

SCHEMA_VERSION: Final = 1
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


class App(Protocol):
    """What the list needs of the running application."""

    @property
    def engine(self) -> Engine:
        """The database."""

    @property
    def vault(self) -> Vault:
        """Opens the names of patients."""

    @property
    def organisation_id(self) -> int:
        """Whose invoices."""

    @property
    def accounts(self) -> Accounts:
        """Which accounts hold dues."""


class Output(StrEnum):
    """How the list is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def unpaid(app: App, filters: Filters, as_of: date, output: Output | str) -> str:
    """The unpaid list as text, as of a date included."""
    with snapshot(app.engine) as connection:
        balances = open_balances(connection, app.vault, app.organisation_id, as_of, app.accounts)
    return RENDERERS[Output(output)](listing(balances, as_of, filters))


def open_balances(
    connection: Connection,
    vault: Vault,
    organisation_id: int,
    as_of: date,
    accounts: Accounts,
) -> list[Balance]:
    """Invoices with something due in any share once the entries up to `as_of` are summed."""
    rejected = list(accounts.rejected.values())
    rows = _SQL.rows(
        connection,
        "balances",
        organisation=organisation_id,
        as_of=as_of,
        rejected=rejected,
        accounts=[*accounts.receivable.values(), *rejected],
    )
    people = vault.load(connection, {row[7] for row in rows if row[7] is not None})
    return [_balance(row, people) for row in rows]


def _balance(row: Sequence[Any], people: Mapping[int, PersonalFields]) -> Balance:
    id_, journal, year, number, issued_on, gross, taken, person_id, agency, *amounts, sent = row
    *dues, rejected = (unscaled(int(amount), 2) for amount in amounts)
    told = json.loads(taken)
    customer = told.get("customer", {})
    return Balance(
        invoice_id=id_,
        number=reference(journal, year, number),
        issued_on=date.fromisoformat(str(issued_on)),
        total=unscaled(gross, 2),
        dues=dict(zip(_SHARES, dues, strict=True)),
        rejected=rejected,
        sent=bool(sent),
        holder=_name(people[person_id]) if person_id is not None else customer.get("name", ""),
        fund=told.get("fund", ""),
        amc=told.get("organism", ""),
        agency=agency if person_id is not None else customer.get("agency", ""),
    )


_SHARES: Final = (Share.AMO, Share.AMC, Share.PATIENT, Share.CUSTOMER)


def _name(person: PersonalFields) -> str:
    return f"{person.family_name} {person.given_name}"


# --- what readers see -------------------------------------------------------------------------

Cell = Callable[[Unpaid], str]


def _amount(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")


COLUMNS: Final[tuple[tuple[str, Cell], ...]] = (
    ("Patient ou client", lambda row: row.holder),
    ("Caisse", lambda row: row.fund),
    ("Mutuelle", lambda row: row.amc),
    ("Facture", lambda row: row.number),
    ("Date", lambda row: f"{row.issued_on:%d/%m/%Y}"),
    ("Total", lambda row: _amount(row.total)),
    ("Dû caisse", lambda row: _amount(row.due_amo)),
    ("Dû mutuelle", lambda row: _amount(row.due_amc)),
    ("Dû patient", lambda row: _amount(row.due_patient)),
    ("Dû client", lambda row: _amount(row.due_customer)),
    ("Agence", lambda row: row.agency),
    ("État", lambda row: row.state.value),
    ("Âge (jours)", lambda row: str(row.age_days)),
)
_NUMERIC: Final = frozenset((5, 6, 7, 8, 9, 12))


def as_csv(page: Listing) -> str:
    """`;` between cells, commas in amounts, CRLF between lines; no text becomes a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(title for title, _ in COLUMNS)
    for row in page.rows:
        cells = [cell(row) for _, cell in COLUMNS]
        writer.writerow(c if n in _NUMERIC else written(c) for n, c in enumerate(cells))
    return out.getvalue()


def as_json(page: Listing) -> str:
    """The page with its totals; amounts are decimal text in €."""
    body = {
        "schema_version": SCHEMA_VERSION,
        "as_of": page.as_of.isoformat(),
        "page": page.page,
        "pages": page.pages,
        "rows": [_json_row(row) for row in page.rows],
        "totals": {
            "invoices": page.totals.invoices,
            **{name: f"{amount:.2f}" for name, amount in page.totals.amounts.items()},
            "by_age": {name: f"{amount:.2f}" for name, amount in page.totals.by_age.items()},
        },
    }
    return json_text(body) + "\n"


def _json_row(row: Unpaid) -> dict[str, object]:
    return {
        "holder": row.holder,
        "fund": row.fund,
        "amc": row.amc,
        "number": row.number,
        "issued_on": row.issued_on.isoformat(),
        "total": f"{row.total:.2f}",
        "due_amo": f"{row.due_amo:.2f}",
        "due_amc": f"{row.due_amc:.2f}",
        "due_patient": f"{row.due_patient:.2f}",
        "due_customer": f"{row.due_customer:.2f}",
        "agency": row.agency,
        "state": row.state.value,
        "age_days": row.age_days,
        "age_bucket": row.bucket,
    }


def as_table(page: Listing) -> str:
    """Aligned columns for a terminal, totals and age buckets below."""
    cells = [[cell(row) for _, cell in COLUMNS] for row in page.rows]
    titles = [title for title, _ in COLUMNS]
    lines = [titles, *cells, _total_cells(page.totals)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    ages = "   ".join(f"{name} j : {_amount(due)}" for name, due in page.totals.by_age.items())
    return (
        "\n".join(_aligned(line, widths) for line in lines)
        + f"\n{counted(page.totals.invoices, 'facture(s)')}"
        + f" au {page.as_of:%d/%m/%Y}, page {page.page}"
        + f" sur {page.pages}.   Dû par âge, {ages}\n"
    )


def _total_cells(totals: Totals) -> list[str]:
    amounts = [_amount(amount) for amount in totals.amounts.values()]
    return ["Total", "", "", "", "", *amounts, "", "", ""]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.rjust(width) if rank in _NUMERIC else cell.ljust(width)
        for rank, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()


RENDERERS: Final[Mapping[Output, Callable[[Listing], str]]] = {
    Output.TABLE: as_table,
    Output.CSV: as_csv,
    Output.JSON: as_json,
}

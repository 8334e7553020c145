"""What the sandbox did and whether three sets of books agree: invoices, ledger, fund."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from billing.unpaid import Filters
from integration.app import App
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.demo.fund import Books, books
from integration.demo.payers import typed_cents
from integration.flows.report import Situation, situation
from integration.flows.unpaid import unpaid
from integration.flows.verify import Verified, verify
from integration.verbs.outcome import euros

_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class Agreement:
    """One total as several books tell it, in cents."""

    title: str
    told: tuple[tuple[str, int], ...]

    @property
    def holds(self) -> bool:
        """Whether all say the same."""
        return len({cents for _, cents in self.told}) == 1

    def __str__(self) -> str:
        sides = " = ".join(f"{where} {euros(cents)}" for where, cents in self.told)
        return f"  {'=' if self.holds else '≠'} {self.title} : {sides}"


@dataclass(frozen=True, slots=True)
class Balance:
    """Everything the last page says. portfolio: customers, machines, contracts, patients."""

    last_day: date
    portfolio: tuple[int, ...]
    situation: Situation
    fund: Books
    agreements: tuple[Agreement, ...]
    verified: Verified

    @property
    def sound(self) -> bool:
        """Whether all totals agree and `verify` finds no fault."""
        return self.verified.fault is None and all(one.holds for one in self.agreements)


def balanced_books(app: App, last_day: date) -> Balance:
    """The books of the sandbox at the end of its last day."""
    fund = books(app.settings.folders.outbox, last_day)
    found = situation(app.engine, app.organisation_id)
    with snapshot(app.engine) as connection:
        (portfolio,) = _SQL.rows(connection, "portfolio", organisation=app.organisation_id)
    return Balance(
        last_day,
        tuple(portfolio),
        found,
        fund,
        tuple(_agreements(app, found, fund, last_day)),
        verify(app.engine, app.organisation_id),
    )


def _agreements(app: App, found: Situation, fund: Books, last_day: date) -> Iterator[Agreement]:
    ours = _ours(app)
    invoiced = sum(found.documents.get(kind, (0, 0))[1] for kind in ("contract", "care"))
    paid, refused = sum(fund.paid.values()), sum(fund.refused.values())
    typed = typed_cents(_payment_files(app))
    owed = _unpaid_cents(app, last_day)
    yield Agreement("facturé", (("factures", invoiced), ("grand livre", ours["receivable"])))
    yield Agreement(
        "demandé aux caisses", (("transmis", ours["sent"]), ("la caisse", sum(fund.asked.values())))
    )
    yield Agreement("payé par les caisses", (("retours", ours["paid"]), ("la caisse", paid)))
    yield Agreement("rejeté", (("retours", ours["refused"]), ("la caisse", refused)))
    yield Agreement(
        "banque (512)",
        (
            ("grand livre", ours["bank"]),
            ("règlements", ours["payments"]),
            ("caisse et clients", paid + typed),
        ),
    )
    rest = invoiced - paid - typed
    yield Agreement(
        "reste dû",
        (("impayés", owed), ("grand livre", found.ledger["due_cents"]), ("par différence", rest)),
    )


def _ours(app: App) -> dict[str, int]:
    """Sums of our tables, cents."""
    with snapshot(app.engine) as connection:

        def ask(name: str, **values: object) -> list[int]:
            (row,) = _SQL.rows(connection, name, organisation=app.organisation_id, **values)
            return [int(value or 0) for value in row]

        _, _, amo, amc = ask("transmitted")
        paid, refused = ask("returned")
        accounts = list(app.accounts.receivable.values())
        return {
            "receivable": ask("receivable", accounts=accounts)[0],
            "bank": ask("account", account=app.accounts.bank)[0],
            "payments": ask("payments")[0],
            "sent": amo + amc,
            "paid": paid,
            "refused": refused,
        }


def _payment_files(app: App) -> Iterator[bytes]:
    done = app.settings.folders.done / "payments"
    return (path.read_bytes() for path in done.rglob("*.csv"))


def _unpaid_cents(app: App, day: date) -> int:
    totals: dict[str, Any] = json.loads(unpaid(app, Filters(), day, "json"))["totals"]
    dues = ("due_amo", "due_amc", "due_patient", "due_customer")
    return sum(int(totals[name].replace(".", "")) for name in dues)

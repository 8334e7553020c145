"""Customers and patients who pay: each Friday a clerk types what the bank statement shows.

The clerk works from the unpaid list, as at the end of the day before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from billing.unpaid import Filters
from integration.app import App
from integration.demo.drops import Drop, table
from integration.flows.unpaid import unpaid

_TITLES: Final = "facture;part;payeur;date;montant;mode;libelle"
_FRIDAY: Final = 4
_NEVER: Final = 999  # days: reminders are none of the demo's business


def payments(app: App, day: date) -> Iterator[Drop]:
    """Friday's file, when somebody has paid."""
    if day.weekday() != _FRIDAY:
        return
    listed = json.loads(unpaid(app, Filters(), day - timedelta(1), "json"))
    rows = [row for one in listed["rows"] for row in _paid(one, day)]
    if rows:
        yield Drop(day, "payments", f"reglements-{day}.csv", table(_TITLES, rows))


def _paid(row: dict[str, Any], day: date) -> Iterator[tuple[str, ...]]:
    """The shares of one invoice that its customer or patient has paid by then."""
    if row["age_days"] < _patience(row["number"]):
        return
    for share, due, method in (
        ("client", "due_customer", "virement"),
        ("patient", "due_patient", "carte"),
    ):
        amount = row[due]
        if not amount.startswith("-") and amount != "0.00":
            label = f"REGLEMENT {row['number']}"
            yield (
                row["number"],
                share,
                "",
                f"{day:%d/%m/%Y}",
                amount.replace(".", ","),
                method,
                label,
            )


def _patience(number: str) -> int:
    """Days after which an invoice is paid; the same each time it is asked."""
    luck = int(hashlib.sha256(number.encode()).hexdigest(), 16) % 100
    return 3 + luck // 3 if luck < 80 else _NEVER


def typed_cents(contents: Iterator[bytes]) -> int:
    """The sum of payment files, in cents."""
    lines = [line for content in contents for line in content.decode("utf-8-sig").splitlines()[1:]]
    return sum(int(line.split(";")[4].replace(",", "")) for line in lines)

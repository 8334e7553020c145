"""A small home-care provider in a database: one patient, one customer, invoices posted at will.

The people are invented; Marie Dupont is the reference page's own example.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from billing.ledger import Accounts, Due, Share, invoice_entries
from billing.money import ZERO, scaled
from billing.settlement import Answer, BankTransfer, Outcome
from billing.unpaid import Filters, Unpaid, listing
from config.settings import from_mapping
from integration.database import tables
from integration.database.bulk import insert_rows
from integration.database.tables import json_text
from integration.flows.care import B2_COUNTER, take_b2_numbers
from integration.flows.returns import take_returns
from integration.flows.settlement import Payment, entry_rows, find_invoices, record_payments
from integration.flows.unpaid import open_balances
from integration.persons import PersonalFields, Vault
from integration.posting import Plan, Posting, post, reference

ORGANISATION = 1
SENDER = "752600015"
SETTINGS = from_mapping({"organisation": {"code": "DSL", "name": "DOMICILE SANTE"}}, base=Path())
ACCOUNTS = SETTINGS.accounts.plan()
VAULT = Vault(bytes(range(32)))
MARIE = PersonalFields("1800175056001", "03", "DUPONT", "MARIE", "19800112")
LOIRE: dict[str, Any] = {
    "scheme": "01", "fund": "422", "centre": "0000", "nature": "10", "exemption": "",
    "situations": [], "proof": "adri", "proof_on": "2026-01-02", "since": "2026-01-01",
}  # fmt: skip
MUTUAL: dict[str, Any] = {"number": "0123456789", "name": "MUTUELLE DU LAC", "mode": "dre"}
PRESCRIBER = {
    "name": "DR MARTIN", "rpps": "10001234565", "am_number": "421234563", "speciality": "01",
    "dated_on": "2026-01-01",
}  # fmt: skip


@dataclass(frozen=True)
class CareLine:
    """One posted service line, € by share."""

    amo: str = "0"
    amc: str = "0"
    patient: str = "0"
    base: str = "0"
    rate: int = 60
    lpp: str = "1283879"
    on: date = date(2025, 12, 1)
    weeks: int = 1
    kind: str = "L"
    exemption: str = "0"

    @property
    def total(self) -> Decimal:
        return Decimal(self.amo) + Decimal(self.amc) + Decimal(self.patient)


@dataclass
class Provider:
    """The organisation, with the database it lives in."""

    engine: Engine
    vault: Vault = VAULT
    organisation_id: int = ORGANISATION
    accounts: Accounts = ACCOUNTS

    def found(self) -> Provider:
        """Write the organisation, its customer and its patients in two agencies."""
        with self.engine.begin() as connection:
            insert_rows(
                connection,
                tables.organisation,
                ("id", "code", "name", "finess", "am_number"),
                [(ORGANISATION, "DSL", "DOMICILE SANTE", SENDER, SENDER)],
            )
            insert_rows(  # the first invoice is 000000042, as in the norm's example
                connection,
                tables.counter,
                ("organisation_id", "name", "last_value"),
                [(ORGANISATION, B2_COUNTER, 41)],
            )
            insert_rows(
                connection,
                tables.customer,
                ("id", "organisation_id", "code", "name", "agency"),
                [(1, ORGANISATION, "C1", "GARAGE DU PONT", "LYON")],
            )
            seal = [(n, 1, self.vault.seal(n, MARIE), b"index%d" % n, b"salt") for n in (1, 2)]
            insert_rows(
                connection,
                tables.person,
                ("id", "organisation_id", "sealed", "nir_index", "salt"),
                seal,
            )
            insert_rows(
                connection,
                tables.patient,
                ("id", "organisation_id", "code", "person_id", "insured_person_id", "agency"),
                [(1, 1, "P1", 1, 1, "PARIS"), (2, 1, "P2", 2, 2, "LILLE")],
            )
        return self

    def care(
        self,
        *lines: CareLine,
        on: date,
        patient_id: int = 1,
        amo: dict[str, Any] | None = LOIRE,
        amc: dict[str, Any] | None = MUTUAL,
    ) -> str:
        """Post a care invoice; its printed number."""
        sums = {
            Share.AMO: sum((Decimal(line.amo) for line in lines), Decimal(0)),
            Share.AMC: sum((Decimal(line.amc) for line in lines), Decimal(0)),
            Share.PATIENT: sum((Decimal(line.patient) for line in lines), Decimal(0)),
        }
        total = sum(sums.values())
        payers = {Share.AMO: "01422", Share.AMC: "0123456789", Share.PATIENT: "P1"}
        entries = invoice_entries(
            [Due(share, payers[share], amount) for share, amount in sums.items()],
            [(ACCOUNTS.sales_care, total)],
            Decimal(0),
            ACCOUNTS,
        )
        with self.engine.begin() as connection:
            number = take_b2_numbers(connection, self.organisation_id, 1)
            posting = Posting(
                "VT",
                "care",
                on,
                patient_id=patient_id,
                b2_number=number,
                net_cents=scaled(total, 2),
                gross_cents=scaled(total, 2),
                part_amo_cents=scaled(sums[Share.AMO], 2),
                part_amc_cents=scaled(sums[Share.AMC], 2),
                part_patient_cents=scaled(sums[Share.PATIENT], 2),
                snapshot=json_text(told(amo, amc)),
                lines=[_line(line) for line in lines],
                care_lines=[_care_line(line) for line in lines],
                entries=entry_rows(entries),
            )
            row = post(connection, self.organisation_id, Plan([posting])).documents[0]
        return reference(row[2], row[3], row[4])

    def sale(self, amount: str, *, on: date) -> str:
        """Post an invoice of the business customer; its printed number."""
        total = Decimal(amount)
        entries = invoice_entries(
            [Due(Share.CUSTOMER, "C1", total)], [("706000", total)], Decimal(0), ACCOUNTS
        )
        told = {"customer": {"code": "C1", "name": "GARAGE DU PONT", "agency": "LYON"}}
        posting = Posting(
            "VT", "contract", on, customer_id=1, gross_cents=scaled(total, 2),
            snapshot=json_text(told), entries=entry_rows(entries),
        )  # fmt: skip
        with self.engine.begin() as connection:
            row = post(connection, self.organisation_id, Plan([posting])).documents[0]
        return reference(row[2], row[3], row[4])

    def pay(self, invoice: str, share: str, amount: str, *, on: date, payer: str = "01422") -> None:
        """Record one payment."""
        payment = Payment(invoice, Share(share), payer, on, Decimal(amount))
        with self.engine.begin() as connection:
            record_payments(connection, self.organisation_id, [payment], ACCOUNTS)

    def reject(self, invoice: str, share: str, amount: str) -> None:
        """Let the organism refuse a share."""
        with self.engine.begin() as connection:
            (id_,) = find_invoices(connection, self.organisation_id, [invoice]).values()
            b2_number = connection.scalar(
                select(tables.document.c.b2_number).where(tables.document.c.id == id_)
            )
            refused = Outcome(
                "01", f"{b2_number:09d}", Share(share), 1, Answer.REJECTED, Decimal(amount), ZERO
            )
            day = date(2026, 2, 1)
            transfer = BankTransfer(f"01422|{id_}", "01422", SENDER, day, "", (refused,))
            take_returns(connection, self.organisation_id, [transfer], ACCOUNTS)

    def unpaid(self, as_of: date, **criteria: object) -> tuple[Unpaid, ...]:
        """The rows of the unpaid list."""
        with self.engine.connect() as connection:
            balances = open_balances(connection, self.vault, self.organisation_id, as_of, ACCOUNTS)
        return listing(balances, as_of, Filters(**criteria)).rows  # type: ignore[arg-type]


def told(amo: dict[str, Any] | None, amc: dict[str, Any] | None) -> dict[str, Any]:
    """The snapshot as care pricing writes it."""
    fund = f"CPAM DE LA LOIRE ({amo['scheme']} {amo['fund']})" if amo else ""
    organism = f"{amc['name']} ({amc['number']})" if amc else ""
    return {
        "patient": "P1", "agency": "PARIS", "fund": fund, "organism": organism, "amo": amo,
        "amc": amc, "prescription": "O1", "prescriber": PRESCRIBER,
    }  # fmt: skip


def _line(line: CareLine) -> tuple[object, ...]:
    days = line.on.isoformat(), (line.on + timedelta(weeks=line.weeks)).isoformat()
    cents = scaled(line.total, 2)
    price = cents * 10**6 // line.weeks
    return (None, None, line.lpp, "", *days, line.weeks * 10**6, price, cents, 0, "{}")


def _care_line(line: CareLine) -> tuple[object, ...]:
    base = scaled(Decimal(line.base), 2) or scaled(line.total, 2)
    shares = (scaled(Decimal(part), 2) for part in (line.amo, line.amc, line.patient))
    return (
        line.lpp, "MAD", line.kind, scaled(line.total, 2), base, base, line.rate, *shares,
        line.exemption, "0", None,
    )  # fmt: skip

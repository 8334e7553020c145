"""A working house on an empty database: files go in through the inbox, figures are read in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from billing.contracts.grouping import Shaped
from config.settings import from_mapping
from integration.app import App, own_organisation
from integration.database.engine import make_engine
from integration.executors import make_executor
from integration.flows.billing import run
from integration.flows.billing.run import BillingReport
from integration.flows.verify import verify
from integration.inbox import Outcome, import_paths, prepare
from integration.keys import create_key
from integration.persons import open_vault

MONTHLY = {"nombre": 1, "unite": "mois"}


@dataclass
class House:
    """The application and a clerk's verbs. Files it imports are numbered in their order."""

    app: App
    folder: Path
    files: int = field(default=0)

    @property
    def engine(self) -> Engine:
        """The database of this house."""
        return self.app.engine

    def bring(self, flow: str, content: str) -> None:
        """Import one file, which must be accepted."""
        self.files += 1
        path = self.folder / f"{self.files:03d}-{flow}.txt"
        path.write_text(content, "utf-8")
        (one,) = import_paths(self.app.office(), [path], flow)
        assert one.outcome is Outcome.IMPORTED, [str(anomaly) for anomaly in one.anomalies]

    def customers(self, *codes: str, grouped: bool = False) -> None:
        """Customers by code, each with one site S<code>."""
        kept = "oui" if grouped else "non"
        rows = [f"{code};Société {code};2 rue Basse, 59000 Lille;S{code};{kept}" for code in codes]
        self.bring(
            "customers", "\n".join(["code;nom;adresse;site;factures_regroupees", *rows]) + "\n"
        )

    def table(self, name: str, *rows: str) -> None:
        """A decision table: its header, then its rows."""
        folder = self.app.settings.folders.tables
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", "utf-8")

    def machine(self, asset: str, customer: str, *meters: str) -> None:
        """An asset with its meters."""
        rows = [f"{asset};{customer};{meter}" for meter in meters or ("NB",)]
        self.bring("assets", "\n".join(["bien;client;compteur", *rows]) + "\n")

    def readings(self, *rows: tuple[str, str, str, int, str]) -> None:
        """(asset, meter, day, value, origin in French)."""
        lines = [";".join(map(str, row)) for row in rows]
        self.bring("readings", "\n".join(["bien;compteur;date;valeur;origine", *lines]) + "\n")

    def contracts(self, *documents: dict[str, Any]) -> None:
        """Contracts as `contract` makes them."""
        self.bring("contracts", "".join(json.dumps(one) + "\n" for one in documents))

    def bill(self, day: str, **overrides: Any) -> BillingReport:
        """Bill on a work date; the books must verify afterwards."""
        report = run.bill(self.run(day, **overrides))
        assert verify(self.engine, self.app.organisation_id).fault is None
        return report

    def simulate(self, day: str, **overrides: Any) -> tuple[BillingReport, list[Shaped]]:
        """Simulate on a work date."""
        return run.simulate(self.run(day, **overrides))

    def run(self, day: str, *, include_excluded: bool = False, **overrides: Any) -> run.Billing:
        """The billing run of a work date."""
        options = self.app.options(date.fromisoformat(day), **overrides)
        return self.app.billing(options, include_excluded=include_excluded)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query gives; dates as ISO text on both databases."""
        with self.engine.connect() as connection:
            found = connection.execute(text(sql))
            return [tuple(str(v) if isinstance(v, date) else v for v in row) for row in found]

    def execute(self, sql: str) -> None:
        """Change something behind the program's back."""
        with self.engine.begin() as connection:
            connection.execute(text(sql))

    def invoices(self) -> list[tuple[Any, ...]]:
        """(number, day, customer code, net, VAT, gross in cents), in order of posting."""
        return self.rows(
            "SELECT d.number, d.issued_on, c.code, d.net_cents, d.vat_cents, d.gross_cents"
            " FROM document d JOIN customer c ON c.id = d.customer_id ORDER BY d.id"
        )

    def lines(self) -> list[tuple[Any, ...]]:
        """(rule code, since, until, quantity, net in cents), in order of posting."""
        return self.rows(
            "SELECT r.code, l.since, l.until, l.quantity_e6 / 1000000, l.net_cents"
            " FROM document_line l JOIN rule r ON r.id = l.rule_id"
            " ORDER BY l.document_id, l.position"
        )

    def state(self, rule: str) -> dict[str, Any]:
        """The cached state of the rule of that code."""
        ((state,),) = self.rows(
            "SELECT s.state FROM rule_state s JOIN rule r ON r.id = s.rule_id"
            f" WHERE r.code = '{rule}'"
        )
        found: dict[str, Any] = json.loads(state)
        return found


@contextmanager
def house_at(
    url: str,
    folder: Path,
    *,
    executor: str = "serial",
    organisation: str = "DEMO",
    **parameters: object,
) -> Iterator[House]:
    """A house on a migrated, empty database, of this organisation; parameters by name."""
    folder.mkdir(exist_ok=True)
    settings = from_mapping(
        {
            "organisation": {
                "code": organisation,
                "name": "Démo",
                "address": ["1 rue Neuve", "59000 Lille"],
                "siren": "732829320",
                "vat_number": "FR44732829320",
                "legal_line": "SARL au capital de 1 000 €",
            },
            "database": {"url": url},
            "folders": {"home": "home"},
            "parameters": parameters,
        },
        base=folder,
    )
    prepare(settings)
    settings.folders.state.mkdir(exist_ok=True)
    if not settings.person_key.exists():
        create_key(settings.person_key)
    engine = make_engine(url)
    try:
        with make_executor(executor, 2) as pool:
            vault = open_vault(settings.person_key)
            own = own_organisation(engine, settings)
            app = App(settings, engine, own, vault, pool, _later, settle_s=0)
            yield House(app, folder)
    finally:
        engine.dispose()


def _later() -> datetime:
    return datetime(2030, 1, 1, 12, tzinfo=UTC)


def contract(code: str, customer: str, *rules: dict[str, Any], **module: Any) -> dict[str, Any]:
    """A contract of one module from 1 January 2026; `module` changes its fields."""
    dated = {"code": "M1", "debut": "2026-01-01", "regles": list(rules)}
    return {"code": code, "client": customer, "modules": [dated | module]}


def fee(code: str, price: str, quantity: str = "1", **changes: Any) -> dict[str, Any]:
    """A monthly flat fee in advance at 20 % VAT; `changes` go to the rule, `cout` to its cost."""
    cost = {"article": "MAINT", "prix": price, "tva": 20, **changes.pop("cout", {})}
    rule = {
        "code": code,
        "libelle": "Maintenance",
        "type": "flat_fee",
        "terme": "a_echoir",
        "periodicite": MONTHLY,
        "parametres": {"quantity": quantity},
        "couts": [cost],
    }
    return {name: value for name, value in (rule | changes).items() if value is not None}


def copies(
    code: str, price: str, meters: Sequence[tuple[str, str]], **changes: Any
) -> dict[str, Any]:
    """Monthly consumed units of (asset, meter) pairs at 20 % VAT."""
    cost = {"article": "COPIES", "prix": price, "tva": 20, **changes.pop("cout", {})}
    rule = {
        "code": code,
        "libelle": "Copies",
        "type": "consumed_units",
        "periodicite": MONTHLY,
        "decimales": 5,
        "compteurs": [{"bien": asset, "compteur": meter} for asset, meter in meters],
        "couts": [cost],
    }
    return rule | changes

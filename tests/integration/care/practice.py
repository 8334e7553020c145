"""A home-care provider in a database, fed through the imports. The people are invented."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Engine, Table, select

from formats.common.identifiers import nir
from integration.database import tables
from integration.database.bulk import insert_rows
from integration.flows.care import CareReport, CareRun, price_care
from integration.persons import Vault
from integration.translate import patients, prescriptions
from integration.translate.flow import Applied
from integration.translate.lpp import load_embedded

ORGANISATION = 1
VAULT = Vault(bytes(range(32)))
ADELE_NIR = "2600175056001"
BED, DELIVERY = "1241763", "1274047"
INSTALLED = "2025-03-03"


def person(number: str = ADELE_NIR, **changes: Any) -> dict[str, Any]:
    """An invented person with a sound NIR."""
    given = {
        "nir": number,
        "cle": nir.key(number),
        "nom_famille": "Zéphirin-Quasar",
        "prenom": "Adélaïde",
        "naissance": "19600031",
        "adresse": ["3 rue du Chat-qui-Essaie", "75005 PARIS"],
    }
    return given | changes


def amo(**changes: Any) -> dict[str, Any]:
    """General scheme, fund of the Loire, no exemption."""
    given = {
        "regime": "01",
        "caisse": "422",
        "centre": "0000",
        "debut": "2024-01-01",
        "preuve": "carte",
        "preuve_date": "2025-03-01",
    }
    return given | changes


def amc(**changes: Any) -> dict[str, Any]:
    """A complementary contract that pays the whole TM."""
    given = {"numero": "75000000", "libelle": "MUTUELLE", "formule": "F1", "debut": "2024-01-01"}
    return given | changes


def patient(code: str = "P1", **changes: Any) -> dict[str, Any]:
    """A patient with both covers."""
    return {"code": code, "personne": person(), "amo": [amo()], "amc": [amc()]} | changes


def bed(**changes: Any) -> dict[str, Any]:
    """A standard bed rented by the week at its tariff."""
    given = {
        "code": "LIT",
        "genre": "location",
        "lpp": BED,
        "prix": 12.60,
        "debut": INSTALLED,
        "tva": 20,
    }
    return given | changes


def delivery(**changes: Any) -> dict[str, Any]:
    """The delivery package of the bed."""
    return bed(code="LIV", genre="livraison", lpp=DELIVERY, prix=230.00) | changes


def prescription(*items: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A prescription of twelve months, the first of March 2025."""
    given = {
        "code": "ORD-1",
        "patient": "P1",
        "prescripteur": {"nom_complet": "Dr Essai", "numero_am": "991000000", "specialite": "01"},
        "date": "2025-03-01",
        "duree_mois": 12,
        "lignes": list(items) or [bed(), delivery()],
    }
    return given | changes


def encoded(documents: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON Lines."""
    return b"".join(json.dumps(x, ensure_ascii=False).encode() + b"\n" for x in documents)


@dataclass(frozen=True)
class Practice:
    """The provider: what it imports, prices and holds."""

    engine: Engine

    def found(self) -> Practice:
        """The organisation and the nomenclature shipped with the program."""
        with self.engine.begin() as connection:
            insert_rows(connection, tables.organisation, ("id", "code"), [(ORGANISATION, "DSL")])
            load_embedded(connection)
        return self

    def patients(self, *documents: Mapping[str, Any]) -> Applied:
        """Import patients."""
        records = patients.FLOW.read(encoded(documents), "patients.jsonl")
        with self.engine.begin() as connection:
            return patients.store(connection, ORGANISATION, VAULT, records)

    def prescriptions(self, *documents: Mapping[str, Any]) -> Applied:
        """Import prescriptions."""
        records = prescriptions.FLOW.read(encoded(documents), "ordonnances.jsonl")
        with self.engine.begin() as connection:
            return prescriptions.store(connection, ORGANISATION, records)

    def price(self, day: str) -> CareReport:
        """Price what is due on a day."""
        return price_care(CareRun(self.engine, ORGANISATION, VAULT), date.fromisoformat(day))

    def rows(self, table: Table, *columns: str) -> list[tuple[Any, ...]]:
        """Columns of every row, in primary-key order."""
        query = select(*(table.c[name] for name in columns)).order_by(*table.primary_key.columns)
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

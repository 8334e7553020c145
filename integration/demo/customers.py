"""Invented customers and lessors, and the files partners get wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Final

from formats.common.identifiers import siren
from integration.demo.drops import FIRST_DAY, Drop, table
from integration.demo.names import AGENCIES, FAMILIES, FORMS, STREETS, TOWNS, TRADES

LESSORS: Final = {"BAIL01": "Locafleur Bail", "BAIL02": "Crédit des Halles"}
_TITLES: Final = (
    "code;nom;adresse;siren;agence;email;factures_regroupees;site;site_nom;site_adresse"
)

Customer = tuple[str, ...]


def invented_customers(random: Random, count: int) -> list[Customer]:
    """Rows of the customers' table, one customer and one site each."""
    return [_customer(random, n) for n in range(1, count + 1)]


def _customer(random: Random, n: int) -> Customer:
    family = random.choice(FAMILIES).title()
    company = f"{random.choice(TRADES)} {family} {random.choice(FORMS)}".strip()
    return (
        f"CLI{n:04d}",
        f"Mairie de {family}" if n % 25 == 0 else company,
        _address(random),
        _siren(n),
        random.choice(AGENCIES),
        f"compta@client{n:04d}.example",
        "oui" if n % 9 == 0 else "non",
        "PRINCIPAL",
        "Site principal",
        _address(random),
    )


def _address(random: Random) -> str:
    return f"{random.randint(1, 90)} {random.choice(STREETS)}\n{random.choice(TOWNS)}"


def _siren(n: int) -> str:
    """A sound number no company has: real ones don't begin with 00."""
    body = f"0000{n:04d}"
    return body + siren.key(body)


def customer_files(customers: list[Customer]) -> Iterator[Drop]:
    """The first day's files, the same list sent again, and one that is refused then mended."""
    content = table(_TITLES, customers)
    yield Drop(FIRST_DAY, "customers", "clients-2026.csv", content)
    yield Drop(FIRST_DAY, "customers", "bailleurs.json", _lessors())
    yield Drop(date(2026, 1, 6), "customers", "clients-2026-copie.csv", content)
    new = [
        ("CLI9001", "Fromagerie Chantepluie", "5 rue du Puits\n42300 Roanne", _siren(9001)),
        ("CLI9002", "Mairie de Tilleverte", "1 place de la Halle\n42000 Saint-Étienne", "12345"),
    ]
    titles = ";".join(_TITLES.split(";")[:4])
    yield Drop(date(2026, 1, 7), "customers", "clients-nouveaux.csv", table(titles, new))
    new[1] = (*new[1][:3], _siren(9002))
    yield Drop(date(2026, 1, 8), "customers", "clients-nouveaux-corrige.csv", table(titles, new))


def _lessors() -> bytes:
    people = [
        {
            "code": code,
            "nom": name,
            "adresse": "8 place du Crédit\n75008 Paris",
            "siren": _siren(9100 + n),
            "agence": "SIEGE",
            "factures_regroupees": True,
        }
        for n, (code, name) in enumerate(LESSORS.items())
    ]
    return json.dumps(people, ensure_ascii=False, indent=1).encode()

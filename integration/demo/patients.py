"""Invented patients with sound NIR, their covers, and what is prescribed to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from random import Random
from typing import Any, Final

from formats.common.identifiers import nir, rpps
from integration.demo.drops import FIRST_DAY, Drop, Scale, documents
from integration.demo.names import AGENCIES, FAMILIES, GIVEN, STREETS, TOWNS

RENEWED_ON: Final = date(2026, 1, 19)
FUNDS: Final = (
    ("01", "422"), ("01", "422"), ("01", "751"), ("01", "691"), ("01", "131"), ("01", "673"),
    ("01", "311"), ("01", "331"), ("01", "597"), ("01", "571"), ("02", "131"), ("02", "311"),
)  # fmt: skip
_LOCAL_SCHEME: Final = ("673", "571")
_AMC: Final = (
    ("99000101", "Mutuelle du Grand Pré"), ("99000202", "Prévoyance des Halles"),
    ("99000303", "Mutuelle des Vallons"), ("99000404", "Santé Solidaire du Levant"),
)  # fmt: skip
_FORMULAS: Final[tuple[dict[str, Any], ...]] = (
    *({"formule": "F1"},) * 6,
    {"formule": "F2", "pourcentage": 50},
    {"formule": "F3", "pourcentage": 100},
    {"formule": "F3", "pourcentage": 150},
    {"formule": "F4", "pourcentage": 30},
    {"formule": "F5", "fixe": "4.00"},
    {"formule": "F6", "fixe": "2.00"},
    {"formule": "F7"},
    {"formule": "F0"},
)
Item = tuple[str, str, str, str, str, int]  # code, kind, LPP code, label, price, quantity
_BED: Final[tuple[Item, ...]] = (
    ("LIT", "location", "1241763", "Lit médical standard", "12.60", 1),
    ("LIV", "livraison", "1274047", "Livraison du lit", "230.00", 1),
)
_SETS: Final[tuple[tuple[Item, ...], ...]] = (
    *(_BED,) * 4,
    (*_BED, ("SURM", "location", "1217374", "Surmatelas pneumatique", "11.00", 1)),
    (("LITXL", "location", "1249523", "Lit renforcé", "25.00", 1),
     ("LIVXL", "livraison", "1215702", "Livraison du lit renforcé", "280.00", 1)),
    (("NUTRI", "location", "1111902", "Nutrition entérale sans pompe", "61.13", 1),
     ("INST", "achat", "1193780", "Sonde", "5.30", 2)),
    (("CHAISE", "achat", "1243302", "Chaise percée", "109.90", 1),
     ("CANNE", "achat", "1296787", "Canne anglaise", "12.20", 2)),
    (*_BED, ("PANS", "achat", "1306155", "Pansements d'alginate", "3.99", 20)),
)  # fmt: skip


_CHILD: Final[tuple[Item, ...]] = (
    ("LITENF", "location", "1283879", "Lit médical pour enfant", "25.00", 1),
    ("LIV", "livraison", "1274047", "Livraison du lit", "230.00", 1),
)


def patient_files(random: Random, scale: Scale) -> Iterator[Drop]:
    """Patients and prescriptions: those followed already, then the new ones week by week.

    The first patient's rights end after a week; the new ones are known in mid-January.
    """
    numbers = sorted((_start(random, n, scale), n) for n in range(1, scale.patients + 1))
    people = [(start, _patient(random, n)) for start, n in numbers]
    start, first = people[0]
    people[0] = start, {**first, "amo": [first["amo"][0] | {"fin": str(start + timedelta(6))}]}
    yield Drop(RENEWED_ON, "patients", "patient-droits-renouveles.jsonl", documents([first]))
    for day, group in groupby(people, key=lambda one: max(one[0], FIRST_DAY)):
        some = list(group)
        orders = [_prescription(random, patient, start) for start, patient in some]
        yield Drop(day, "patients", f"patients-{day}.jsonl", documents(p for _, p in some))
        yield Drop(day, "prescriptions", f"ordonnances-{day}.jsonl", documents(orders))
    yield from _mistakes(random)


def _mistakes(random: Random) -> Iterator[Drop]:
    """A wrong NIR key, and a prescription that names an unknown patient and an unsound code."""
    wrong = _patient(random, 9001)
    wrong["personne"]["cle"] = f"{(int(wrong['personne']['cle']) + 1) % 97:02d}"
    yield Drop(date(2026, 2, 3), "patients", "patient-saisi.jsonl", documents([wrong]))
    order = _prescription(random, {"code": "PAT9002", "assure": True}, date(2026, 1, 12))
    order["lignes"][0]["lpp"] = "1241764"
    yield Drop(date(2026, 1, 13), "prescriptions", "ordonnance-saisie.jsonl", documents([order]))


def _start(random: Random, n: int, scale: Scale) -> date:
    """Three patients in five are followed when the sandbox opens; the others come on Mondays."""
    if n % 5 < 3:
        return FIRST_DAY - timedelta(random.randint(1, 20))
    mondays = [day for day in scale.days if day.weekday() == 0]
    return random.choice(mondays or [FIRST_DAY])


def _patient(random: Random, n: int) -> dict[str, Any]:
    scheme, fund = random.choice(FUNDS)
    patient: dict[str, Any] = {"code": f"PAT{n:04d}", "agence": random.choice(AGENCIES)}
    if n % 12 == 0:
        child = _person(random, n, 2015 + n % 7)
        parent = _person(random, n + 5000, 1982 + n % 10)
        patient |= {"personne": {**child, "nir": "", "cle": ""}, "assure": parent, "qualite": "6"}
    else:
        patient["personne"] = _person(random, n, 1934 + n % 40)
    situations = _situations(n, fund)
    patient["amo"] = [_amo(scheme, fund, situations)]
    patient["amc"] = [] if "c2s" in situations or n % 11 == 0 else [_amc(random, n)]
    return patient


def _person(random: Random, n: int, year: int) -> dict[str, Any]:
    """Nobody's NIR: no department has a municipality 999."""
    sex = random.choice("12")
    month, day = random.randint(1, 12), random.randint(1, 28)
    body = f"{sex}{year % 100:02d}{month:02d}{random.randint(21, 95)}999{n % 1000:03d}"
    return {
        "nir": body,
        "cle": nir.key(body),
        "nom_famille": random.choice(FAMILIES),
        "prenom": random.choice(GIVEN[sex]),
        "naissance": f"{year}{month:02d}{day:02d}",
        "adresse": [f"{random.randint(1, 90)} {random.choice(STREETS)}", random.choice(TOWNS)],
    }


def _situations(n: int, fund: str) -> list[str]:
    found = ["alsace-moselle"] if fund in _LOCAL_SCHEME else []
    if n % 3 == 0:
        found.append("ald")
    elif n % 13 == 0:
        found.append("c2s")
    return found


def _amo(scheme: str, fund: str, situations: list[str]) -> dict[str, Any]:
    return {
        "regime": scheme,
        "caisse": fund,
        "debut": "2024-01-01",
        "exoneration": "LIS" if "ald" in situations else "",
        "situations": situations,
        "preuve": "adri",
        "preuve_date": "2025-11-15",
    }


def _amc(random: Random, n: int) -> dict[str, Any]:
    number, name = random.choice(_AMC)
    contract = {"numero": number, "libelle": name, "adherent": f"ADH{n:06d}", "debut": "2025-01-01"}
    return {**contract, **random.choice(_FORMULAS)}


def _prescription(random: Random, patient: dict[str, Any], start: date) -> dict[str, Any]:
    doctor = random.randint(1, 12)
    registered = f"1000{doctor:06d}"
    c2s = any("c2s" in cover["situations"] for cover in patient.get("amo", ()))
    items = _CHILD if "assure" in patient else random.choice(_SETS[:-2] if c2s else _SETS)
    return {
        "code": f"ORD{patient['code'][3:]}",
        "patient": patient["code"],
        "prescripteur": {
            "nom_complet": f"Dr {FAMILIES[doctor].title()}",
            "rpps": registered + rpps.key(registered),
            "numero_am": f"99{doctor:07d}",
            "specialite": "01",
        },
        "date": str(start - timedelta(random.randint(0, 6))),
        "duree_mois": random.choice((3, 6, 12)),
        "lignes": [_line(random, item, start) for item in items],
    }


def _line(random: Random, item: Item, start: date) -> dict[str, Any]:
    """A line; one rental in eight ends within the two months."""
    code, kind, lpp, label, price, quantity = item
    line: dict[str, Any] = {"code": code, "genre": kind, "lpp": lpp, "libelle": label}
    line |= {
        "prix": price,
        "quantite": quantity,
        "debut": str(start),
        "tva": 20 if kind == "location" else "5.5",
    }
    if kind == "location" and random.random() < 0.12:
        line["fin"] = str(start + timedelta(random.randint(20, 40)))
    return line

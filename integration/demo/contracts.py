"""Invented contracts: copies with their fee and their rent, and services without a machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from typing import Any, Final

from integration.demo.customers import LESSORS, Customer
from integration.demo.drops import FIRST_DAY, Drop, documents
from integration.demo.machines import MID_JANUARY, MONTH_ENDS, TAKEN_OVER, Machine

_PRICES: Final = {"NB": ("Copies noir et blanc", "0,00485"), "CL": ("Copies couleur", "0,0450")}
_SERVICES: Final = (
    ("MAINT-RES", "Maintenance du réseau", 89),
    ("SAUVEGARDE", "Sauvegarde externalisée", 24),
    ("TELEPHONIE", "Téléphonie sur Internet", 46),
    ("ANTIVIRUS", "Antivirus, dix postes", 31),
)
Rule = dict[str, Any]
Contract = dict[str, Any]


def invented_contracts(
    random: Random, count: int, machines: Sequence[Machine], customers: Sequence[Customer]
) -> list[tuple[date, Contract]]:
    """Contracts with the day they start, one a machine first, then services."""
    found = []
    for n in range(1, count + 1):
        shared = n % 10 == 2  # its machine goes with the one before
        if n <= len(machines) and not shared:
            found.append(_copies(n, machines))
        else:
            found.append(_service(random, n, customers))
    return found


def contract_files(contracts: Sequence[tuple[date, Contract]]) -> Iterator[Drop]:
    """The contracts to take over and the new ones, those of mid-January, and a refused one."""
    for day, late in ((FIRST_DAY, False), (MID_JANUARY, True)):
        some = [contract for since, contract in contracts if (since >= MID_JANUARY) is late]
        if some:
            yield Drop(day, "contracts", f"contrats-{day}.jsonl", documents(some))
    wrong = {**contracts[0][1], "code": "CTR9001", "client": "CLI8888"}
    wrong["modules"] = [{**wrong["modules"][0], "biens": ["BIEN8888"], "debut": "2026-13-01"}]
    yield Drop(date(2026, 1, 20), "contracts", "contrats-a-corriger.jsonl", documents([wrong]))


def _copies(n: int, machines: Sequence[Machine]) -> tuple[date, Contract]:
    """A machine, or two whose copies are counted together; some have a rent or postage."""
    own = machines[n - 1 : n + 1] if n % 10 == 1 else machines[n - 1 : n]
    since = own[0].since
    rules = [_fee("MAINT", "Maintenance et consommables", 19 + n % 40, since)]
    rules += [_copy_rule(n, meter, own) for meter in _PRICES if any(meter in m.meters for m in own)]
    if n % 6 == 0:
        rules.append(_rent(n, since))
    if n % 15 == 0:
        rules.append({**_rule("PORT", "Port des consommables", "4,90"), "terme": "a_echoir"})
    label = "Copies et impressions"
    return since, _contract(n, own[0].customer, label, since, rules, [m.code for m in own])


def _service(random: Random, n: int, customers: Sequence[Customer]) -> tuple[date, Contract]:
    article, label, price = _SERVICES[n % len(_SERVICES)]
    since = MID_JANUARY if n % 14 == 0 else TAKEN_OVER if n % 3 else FIRST_DAY
    rule = _fee(article, label, price + n % 17, since, 3 if n % 5 == 0 else 1)
    if n % 20 == 0:
        rule["marche"] = f"MARCHE-2026-{n % 3 + 1:02d}"
    customer = random.choice(customers)[0]
    return since, _contract(n, customer, label, since, [rule], [])


def _contract(
    n: int, customer: str, label: str, since: date, rules: list[Rule], assets: list[str]
) -> Contract:
    module = {
        "code": "M1",
        "debut": str(since),
        "duree_mois": 36,
        "reconduction_mois": 12,
        "biens": assets,
        "regles": [{**rule, "position": rank} for rank, rule in enumerate(rules, 1)],
    }
    code = f"CTR{n:04d}"
    return {"code": code, "libelle": label, "client": customer, "modules": [module]}


def _rule(code: str, label: str, price: object) -> Rule:
    cost = {"article": code, "libelle": label, "prix": str(price), "tva": 20}
    return {"code": code, "libelle": label, "type": "flat_fee", "couts": [cost]}


def _fee(code: str, label: str, price: object, since: date, months: int = 1) -> Rule:
    """A fee in advance; one that starts inside a month pays its share of it."""
    periodicity = {"nombre": months, "unite": "mois", "civile": since.day > 1}
    rule = {**_rule(code, label, price), "terme": "a_echoir", "periodicite": periodicity}
    if since.day > 1:
        rule["prorata"] = {"premiere": True}
    return _taken_over(rule, since, months)


def _rent(n: int, since: date) -> Rule:
    """A rent that a lessor pays."""
    rent = _fee("LOYER", "Loyer du matériel", 120 + n % 70, since)
    rent["couts"][0] |= {"payeur": sorted(LESSORS)[n % 2], "classe_article": "loyer"}
    return rent


def _copy_rule(n: int, meter: str, machines: Sequence[Machine]) -> Rule:
    """Copies counted at the end of the month, of all machines of the contract together."""
    label, price = _PRICES[meter]
    own = [machine for machine in machines if meter in machine.meters]
    since = own[0].since
    rule = {
        **_rule(meter, label, price),
        "type": "consumed_units",
        "periodicite": {"nombre": 1, "unite": "mois", "civile": since.day > 1},
        "regime": "reel" if n % 7 == 0 else "estimation",
        "decimales": 5,
        "compteurs": [{"bien": machine.code, "compteur": meter} for machine in own],
        "parametres": {"grouped": True} if len(own) > 1 else {},
    }
    if since == FIRST_DAY and n % 4 == 0:
        rule["parametres"] = {"offered": 500}
    counters = [
        {"bien": m.code, "compteur": meter, "valeur": m.counter(meter, MONTH_ENDS[0]),
         "date": str(MONTH_ENDS[0])}
        for m in own if since == TAKEN_OVER
    ]  # fmt: skip
    return _taken_over(rule, since, 1, counters)


def _taken_over(
    rule: Rule, since: date, months: int, counters: Sequence[dict[str, Any]] = ()
) -> Rule:
    """The state a rule of 2025 brings along: billed elsewhere until December."""
    if since >= FIRST_DAY:
        return rule
    last = "2025-12-01" if months == 1 else "2025-10-01"
    opening = {
        "prochaine_theorique": "2026-01-01",
        "derniere_theorique": last,
        "derniere_reelle": last,
        "derniere_facture": "FAC-2025-12",
        "occurrences": 6 // months,
        "compteurs": list(counters),
    }
    return {**rule, "reprise": opening}

"""Invented machines, and what their counters read month after month; some readings are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from random import Random
from typing import Final

from integration.demo.customers import Customer
from integration.demo.drops import FIRST_DAY, ROOT, Drop, table

MID_JANUARY: Final = date(2026, 1, 15)
TAKEN_OVER: Final = date(2025, 7, 1)
MONTH_ENDS: Final = (date(2025, 11, 29), date(2025, 12, 30), date(2026, 1, 29), date(2026, 2, 26))
_LATE: Final = timedelta(6)
_MISSING: Final = 0.10
_MODELS: Final = ("Copieur A3 Lumen 300", "Copieur A4 Lumen 120", "Imprimante Quartz 45")
_LABELS: Final = {"NB": "Noir et blanc", "CL": "Couleur"}
_MONTHLY: Final = {"NB": 2600, "CL": 700}
_ASSETS: Final = (
    "bien;client;site;libelle;serie;pose_le;compteur;compteur_libelle;volume_contractuel"
)
_READINGS: Final = "bien;compteur;date;valeur;origine"


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter on a day; `known_on` is when it reaches us."""

    asset: str
    meter: str
    read_on: date
    value: int
    origin: str
    known_on: date


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine at a customer's; `since` is when its contract begins."""

    code: str
    customer: str
    model: str
    installed_on: date
    since: date
    meters: tuple[str, ...]
    readings: tuple[Reading, ...]

    def counter(self, meter: str, day: date) -> int:
        """The value read on a day."""
        return next(r.value for r in self.readings if (r.meter, r.read_on) == (meter, day))


def invented_machines(random: Random, customers: Sequence[Customer]) -> list[Machine]:
    """As many machines as customers; the second of each ten stands at the first one's customer."""
    found: list[Machine] = []
    for n in range(1, len(customers) + 1):
        customer = found[-1].customer if n % 10 == 2 else random.choice(customers)[0]
        found.append(_machine(random, n, customer))
    return found


def _machine(random: Random, n: int, customer: str) -> Machine:
    since, installed = _dates(random, n)
    meters = ("NB", "CL") if n % 5 < 2 else ("NB",)
    code = f"BIEN{n:04d}"
    readings = tuple(r for meter in meters for r in _story(random, code, meter, installed))
    return Machine(code, customer, random.choice(_MODELS), installed, since, meters, readings)


def _dates(random: Random, n: int) -> tuple[date, date]:
    """Start of the contract and installation: taken over, new, or new in mid-January."""
    if n % 10 < 6:
        return TAKEN_OVER, date(2025, 6, random.randint(2, 28))
    if n % 10 < 9:
        return FIRST_DAY, date(2025, 12, random.randint(15, 29))
    return MID_JANUARY, date(2026, 1, random.randint(12, 14))


def _story(random: Random, asset: str, meter: str, installed: date) -> Iterator[Reading]:
    """The installation, then the end of each month: read, read late, or not at all."""
    a_day = _MONTHLY[meter] * random.lognormvariate(0, 0.6) / 30
    value, last = random.randint(0, 40), installed
    known = MID_JANUARY if installed >= FIRST_DAY else FIRST_DAY
    yield Reading(asset, meter, installed, value, "pose", known)
    for day in MONTH_ENDS:
        if day <= installed:
            continue
        value += round(a_day * (day - last).days * random.uniform(0.7, 1.3))
        last, origin = day, "client" if random.random() < 0.25 else "prestataire"
        lost = day.month != 11 and random.random() < _MISSING  # November was billed elsewhere
        if not lost:
            yield Reading(asset, meter, day, value, origin, max(day, FIRST_DAY))
        elif random.random() < 0.5:
            last, value = day + _LATE, value + round(a_day * _LATE.days)
            yield Reading(asset, meter, last, value, "client", last + timedelta(1))


def machine_files(machines: Sequence[Machine]) -> Iterator[Drop]:
    """The table of machines, then their readings on the days they reach us."""
    for day, some in _by_start(machines):
        yield Drop(day, "assets", f"biens-{day}.csv", table(_ASSETS, _asset_rows(some)))
    readings = sorted((r for m in machines for r in m.readings), key=lambda r: r.known_on)
    for day, known in groupby(readings, key=lambda r: r.known_on):
        flow = ROOT if day in MONTH_ENDS else "readings"
        yield Drop(day, flow, f"releves-{day}.csv", table(_READINGS, _reading_rows(known)))
    wrong = [
        (machines[0].code, "NB", "28/01/2027", 900, "client"),
        ("BIEN9999", "NB", "28/01/2026", 12, ""),
    ]
    yield Drop(date(2026, 1, 30), "readings", "releves-saisis.csv", table(_READINGS, wrong))


def _by_start(machines: Sequence[Machine]) -> Iterator[tuple[date, list[Machine]]]:
    early = [m for m in machines if m.since < MID_JANUARY]
    late = [m for m in machines if m.since >= MID_JANUARY]
    yield FIRST_DAY, early
    if late:
        yield MID_JANUARY, late


def _asset_rows(machines: Iterable[Machine]) -> Iterator[tuple[object, ...]]:
    for one in machines:
        serial = f"SN-{one.code[4:]}-{one.installed_on:%y%m}"
        known = (one.code, one.customer, "PRINCIPAL", one.model, serial, one.installed_on)
        for meter in one.meters:
            yield (*known, meter, _LABELS[meter], _MONTHLY[meter])


def _reading_rows(readings: Iterable[Reading]) -> Iterator[tuple[object, ...]]:
    for r in readings:
        yield r.asset, r.meter, f"{r.read_on:%d/%m/%Y}", r.value, r.origin

"""Two months of nights: drop the day's files, play the night, let the fund answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from formats.common.french import agreed
from integration.app import App, open_app
from integration.cli import DONE, INTEGRITY
from integration.demo import sandbox
from integration.demo.account import written
from integration.demo.balance import balanced_books
from integration.demo.contracts import contract_files, invented_contracts
from integration.demo.customers import customer_files, invented_customers
from integration.demo.drops import Drop, Scale
from integration.demo.fund import answers
from integration.demo.machines import invented_machines, machine_files
from integration.demo.patients import patient_files
from integration.demo.payers import payments
from integration.flows.night import Night
from integration.flows.report import situation
from integration.nights import play_night
from integration.verbs.outcome import euros, say

NIGHT: Final = time(22, 30)
_SUNDAY: Final = 6


def play(
    folder: Path, *, fresh: bool, scale: Scale | None = None, executor: str = "processes"
) -> int:
    """Play the demo in a folder; again, it says that it is done and changes nothing.

    Killed on the way and run again it goes on. Returns DONE, or INTEGRITY when totals disagree.
    Raises AnomaliesFound (RUN-130) for a folder that isn't a sandbox of ours.
    """
    if not fresh and (told := sandbox.account(folder)):
        say(f"Déjà fait dans {folder} ; FRESH=1 (--fresh) recommence à neuf.\n")
        say(told)
        return DONE
    scale = sandbox.ready(folder, scale or Scale(), fresh=fresh)
    with open_app(folder, executor) as app:
        app = replace(app, settle_s=0)
        app.executor.submit(abs, 0).result()  # workers forked later would inherit a night's lock
        say(_opening(folder, scale))
        _play_days(app, folder, scale)
        balance = balanced_books(app, scale.days[-1])
    text = written(balance, folder)
    if not balance.sound:
        say(text)
        return INTEGRITY
    sandbox.keep_account(folder, text)
    say(text)
    return DONE


def invented(scale: Scale) -> dict[date, list[Drop]]:
    """Every file of partners but the funds' and the clerk's, by day."""
    random = Random(scale.seed)  # noqa: S311 - a sandbox, no secret
    customers = invented_customers(random, scale.customers)
    machines = invented_machines(random, customers)
    contracts = invented_contracts(random, scale.contracts, machines, customers)
    by_day: dict[date, list[Drop]] = {day: [] for day in scale.days}
    for drops in (
        customer_files(customers),
        machine_files(machines),
        contract_files(contracts),
        patient_files(random, scale),
    ):
        for drop in drops:
            by_day.get(drop.day, []).append(drop)
    return by_day


def at_night(app: App, day: date) -> App:
    """The application as if it were that night."""
    zone = ZoneInfo(app.settings.organisation.zone)
    return replace(app, clock=lambda: datetime.combine(day, NIGHT, zone))


def _play_days(app: App, home: Path, scale: Scale) -> None:
    files, dropped = invented(scale), sandbox.arrived(home)
    closed = situation(app.engine, app.organisation_id).last_night
    week: Counter[str] = Counter()
    for day in scale.days:
        if closed and day <= closed:
            continue
        for drop in _of_day(app, home, day, files[day]):
            if drop.name not in dropped:
                sandbox.put(home, drop)
        week.update(_figures(play_night(at_night(app, day), day)))
        if day.weekday() == _SUNDAY or day == scale.days[-1]:
            say(_line(day, week))
            week.clear()


def _of_day(app: App, home: Path, day: date, invented: list[Drop]) -> Iterator[Drop]:
    yield from invented
    yield from answers(app.settings.folders.outbox, day)
    yield from payments(app, day)


def _figures(night: Night) -> Mapping[str, int]:
    """What the weekly line adds up."""
    return {
        "contracts": _figure(night, "contracts", "invoices"),
        "care": _figure(night, "care", "invoices"),
        "cents": sum(_figure(night, step, "gross_cents") for step in ("contracts", "care")),
        "b2": _figure(night, "teletransmit", "files"),
        "returns": _figure(night, "returns", "files"),
        "refused": sum(_figure(night, step, "refused") for step in ("import", "returns")),
    }


def _figure(night: Night, step: str, name: str) -> int:
    """Nothing for a step that a killed run had done before."""
    return int(night.reports.get(step, {}).get(name, 0))


def _opening(folder: Path, scale: Scale) -> str:
    first, last = scale.days[0], scale.days[-1]
    return (
        f"Bac à sable : {folder}\n"
        f"{scale.nights} nuits, du {first:%d/%m/%Y} au {last:%d/%m/%Y} : {scale.customers} clients "
        f"et autant de machines, {scale.contracts} contrats, {scale.patients} patients, "
        "tous inventés."
    )


def _line(day: date, week: Counter[str]) -> str:
    return agreed(
        "  jusqu'au {day:%d/%m} : {contracts} facture(s) de contrats, {care} de soins ({euros}), "
        "{b2} fichier(s) B2, {returns} retour(s) et règlement(s)"
        + (", {refused} fichier(s) refusé(s)" if week["refused"] else ""),
        day=day,
        euros=euros(week["cents"]),
        **{name: week[name] for name in ("contracts", "care", "b2", "returns", "refused")},
    )

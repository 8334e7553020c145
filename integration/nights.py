"""The steps of the night, wired to the application: import, bill, price, teletransmit, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

from billing.contracts.seen import Asking
from config.jobs import StepName
from formats.common.alike import by_code
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.app import App
from integration.database.alone import alone
from integration.failpoints import reach
from integration.flows.analysers import watch
from integration.flows.billing.kept import Checks, keep
from integration.flows.billing.run import bill, simulate
from integration.flows.care import price_care
from integration.flows.checks import checks_of, exported
from integration.flows.mail import take_mail
from integration.flows.night import Night, Progress, Step, run_night
from integration.flows.night_report import account
from integration.flows.requests import ask, asked_machines, asking_of
from integration.flows.teletransmission import teletransmit
from integration.inbox import Imported, Outcome, import_waiting, strangers
from integration.reporting.publish import announce, publish
from integration.serving.ticks import Step as JobStep
from integration.serving.ticks import Work
from integration.translate.flow import FLOWS

RETURNS: Final = ("returns", "payments", "acknowledgements")  # what organisms and banks answer
UNPRICED: Final = Code(
    "RUN-192",
    "Les soins du patient n° {patient} n'ont pas pu être facturés ({error}).",
    "Les autres le sont ; « echeance price-care » le dira encore : signalez-le à l'éditeur.",
)

Report = Mapping[str, Any]


def play_night(app: App, day: date, progress: Progress = lambda *_: None) -> Night:
    """Play the steps of a day that aren't done yet; a closing whose anchor was cut gets it."""
    closer = app.closer()
    night = run_night(app.engine, app.organisation_id, steps(app), day, closer.close_day, progress)
    closer.anchor()
    return night


def steps(app: App) -> tuple[Step, ...]:
    """The night in order."""
    return (
        Step("import", "Importer les fichiers", lambda _: _received(app)),
        Step("contracts", "Facturer les contrats", lambda day: _contracts(app, day)),
        Step("care", "Facturer les soins", lambda day: _care(app, day)),
        Step("teletransmit", "Télétransmettre", lambda day: _teletransmitted(app, day)),
        Step("returns", "Traiter les retours", lambda _: _imported(app, RETURNS)),
        Step("watch", "Surveiller les analyseurs", lambda day: _watched(app, day)),
        Step("send", "Envoyer", lambda _: _sent(app)),
        Step("report", "Rendre compte", lambda day: _reported(app, day)),
        Step("send-report", "Envoyer le compte rendu", lambda day: _report_sent(app, day)),
    )


def job_steps(app: App) -> Mapping[StepName, JobStep]:
    """What jobs are made of: whole nights, their steps, and those of the clerk's month.

    As at night one process at a time does a step; each is safe to repeat.
    """
    night = {step.name: step.does for step in steps(app)}
    alone_at_it: dict[StepName, Callable[[date], Report]] = {
        StepName.IMPORT: night["import"],
        StepName.SIMULATE: lambda day: _simulated(app, day),
        StepName.REQUEST: lambda day: _requested(app, day),
        StepName.BILL_ON_READINGS: lambda day: _contracts(app, day, no_estimate=True),
        StepName.BILL: night["contracts"],
        StepName.CARE: night["care"],
        StepName.TELETRANSMIT: night["teletransmit"],
        StepName.RETURNS: night["returns"],
        StepName.SEND: night["send"],
    }
    return {
        StepName.NIGHT: lambda work: _night(app, work.day, steps(app)),
        StepName.NIGHT_WITHOUT_CONTRACTS: lambda work: _night(
            app, work.day, [step for step in steps(app) if step.name != "contracts"]
        ),
        **{name: _by_itself(app, does) for name, does in alone_at_it.items()},
    }


def _night(app: App, day: date, chosen: Sequence[Step]) -> Report:
    """A night as `run night` plays it: recorded step by step, reported, the day closed."""
    closer = app.closer()
    night = run_night(app.engine, app.organisation_id, chosen, day, closer.close_day)
    closer.anchor()
    attention = [one for report in night.reports.values() for one in report.get("attention", ())]
    return {"steps": list(night.reports), "attention": attention}


def _by_itself(app: App, does: Callable[[date], Report]) -> JobStep:
    def step(work: Work) -> Report:
        with alone(app.engine, f"night-{app.organisation_id}"):
            return does(work.day)

    return step


def _received(app: App) -> Report:
    """The mail of funds and customers joins what was dropped, then all of it is imported."""
    asked = partial(asked_machines, app.engine, app.organisation_id)
    mail = take_mail(app.settings, asked, app.keeper)
    report = _imported(app, tuple(flow for flow in FLOWS if flow not in RETURNS))
    told = {"mails": len(mail.files), "mails_refused": mail.refused}
    others = _told([*mail.anomalies, *strangers(app.settings)])
    return {**told, **report, "attention": others + report["attention"]}


def _imported(app: App, flows: tuple[str, ...]) -> Report:
    files = import_waiting(app.office(), flows=flows, settle_s=app.settle_s)
    refused = [one for one in files if one.outcome is Outcome.REFUSED]
    return {
        "files": len(files),
        "duplicates": sum(one.outcome is Outcome.DUPLICATE for one in files),
        "refused": len(refused),
        "attention": _told(anomaly for one in refused for anomaly in one.anomalies),
        "counts": _summed(files),
    }


def _summed(files: Iterable[Imported]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in files:
        for noun, count in one.counts.items():
            total[noun] = total.get(noun, 0) + count
    return total


def _simulated(app: App, day: date) -> Report:
    """A simulation that is kept, and its checks for the clerk in the outbox."""
    run = app.billing(app.options(day))
    done, shapes = simulate(run)
    number = keep(run, done, Checks(app.today(), checks_of(app.engine, shapes)))
    return {
        "simulation": number,
        "invoices": done.invoices,
        "gross_cents": done.gross_cents,
        "blocked": len(done.blocked),
        "attention": _told(done.anomalies),
    }


def _requested(app: App, day: date) -> Report:
    """Today's letters for the readings a later day will need, and their list in `exports/`."""
    asking, today = asking_of(app.settings, day), app.today()
    name = f"demandes-releves-{today}.csv"
    exported(app.billing(app.options(day)), asking, app.settings.folders.exports / name)
    return {**_letters(app, asking, today), "file": name}


def _contracts(app: App, day: date, **overrides: bool) -> Report:
    done = bill(app.billing(app.options(day, **overrides)))
    return {
        "invoices": done.invoices,
        "gross_cents": done.gross_cents,
        "blocked": len(done.blocked),
        "deferred": len(done.deferred),
        "attention": _told(done.anomalies),
    }


def _care(app: App, day: date) -> Report:
    done = price_care(app.care(), day)
    failed = [Anomaly(UNPRICED, values={"patient": p, "error": e}) for p, e in done.failed]
    return {
        "invoices": done.invoices,
        "gross_cents": done.gross_cents,
        "part_amo_cents": done.part_amo_cents,
        "part_amc_cents": done.part_amc_cents,
        "part_patient_cents": done.part_patient_cents,
        "attention": _told([*done.anomalies, *failed]),
    }


def _teletransmitted(app: App, day: date) -> Report:
    done = teletransmit(app.teletransmitter(), day)
    return {
        "files": done.files,
        "invoices": done.invoices,
        "part_amo_cents": done.part_amo_cents,
        "part_amc_cents": done.part_amc_cents,
        "attention": _told(done.anomalies),
    }


def requests(app: App, day: date) -> Report:
    """Ask for the readings that the calendars of that day ask for; `send` hands the letters over.

    Safe to repeat: a machine is asked about once for a date.
    """
    return _letters(app, asking_of(app.settings, day), day)


def _letters(app: App, asking: Asking, requested_on: date) -> Report:
    done = ask(app.requests(asking), requested_on)
    return {
        "letters": done.letters,
        "requested": len(done.sent),
        "unrequested": len(done.unsent),
        "attention": _told(done.anomalies),
    }


def _watched(app: App, day: date) -> Report:
    done = watch(app.engine, app.organisation_id, day)
    return {"warned": done.warned, "attention": _told(done.anomalies)}


def _sent(app: App) -> Report:
    """A partner's file that is wrong stops what leaves, never the night."""
    refused: list[Anomaly] = []
    try:
        sent = app.outbox().send(app.clock(), refused)
    except AnomaliesFound as found:
        return {"attention": _told(found.anomalies)}
    return {**sent, "attention": _told(refused)} if refused else sent


def _reported(app: App, day: date) -> Report:
    """The night in three files, made also when nothing happened."""
    found = account(app.engine, app.organisation_id, app.settings.organisation.name, day)
    publish(app.settings.folders.reports, found)
    return {**found}


def _report_sent(app: App, day: date) -> Report:
    """The account leaves as every file does: a row of the outbox, once, then a try."""
    with app.engine.begin() as connection:
        announce(connection, app.organisation_id, day)
    reach("report.announced")
    return _sent(app)


def _told(anomalies: Iterable[Anomaly]) -> list[dict[str, Any]]:
    """By code, with the first places: a thousand alike are one line."""
    return [one.as_json() for one in by_code(anomalies)]

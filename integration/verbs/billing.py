"""Verbs that bill, send and look at the books."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from billing.contracts.contract import RunOptions
from billing.contracts.grouping import Shaped
from billing.french import number
from billing.unpaid import AMOUNTS, SORTS, Bounds, Filters
from config.settings import remarks
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.french import agreed
from integration.app import App, home_of, open_app
from integration.cli import DONE, INTEGRITY, PARTIAL
from integration.flows.billing import run as billing
from integration.flows.billing.kept import keep, kept_simulation
from integration.flows.billing.run import Billing, BillingReport
from integration.flows.billing.view import HEADER, view_of
from integration.sheets import write_table
from integration.verbs.outcome import (
    BAD_CRITERION,
    DECIDED,
    NOT_AN_AMOUNT,
    complain,
    complain_all,
    day_of,
    euros,
    say,
    say_json,
)

CHANGED: Final = Code(
    "RUN-110",
    "Les données ont changé depuis la simulation {simulation}.",
    "Relancez « echeance simulate », contrôlez, puis facturez depuis la nouvelle simulation.",
)
NOT_ACTIVE: Final = Code(
    "RUN-142",
    "La simulation {simulation} essayait les augmentations récurrentes, qui ne sont pas actives.",
    "Activez REGLEFACT_AUGMENTATION, ou refaites une simulation sans « --with-increases ».",
)
UNKNOWN_SIMULATION: Final = Code(
    "RUN-111", "La simulation {simulation} n'existe pas.", "Relancez « echeance simulate »."
)


def simulate(arguments: argparse.Namespace) -> int:
    """Plan everything, write nothing but the simulation's own report."""
    with open_app(home_of(arguments.home)) as app:
        run = app.billing(_options(app, arguments), include_excluded=arguments.include_excluded)
        report, shapes = billing.simulate(run)
        view = view_of(run, shapes, rows=arguments.output is not None)
        kept = keep(run, report)
        if arguments.output is not None:
            write_table(Path(arguments.output), HEADER, view.rows)
        warnings = [str(warning) for warning in (*view.warnings, *_remarks(app, run))]
        if arguments.json:
            say_json("simulation", {"id": kept, **_report(report), "warnings": warnings})
            return DONE
        _print_lines(shapes)
        for warning in warnings:
            complain(warning)
        _print_report(report, f"Simulation n° {kept} au {report.work_date:%d/%m/%Y}")
        if run.options.increases:
            how = _TRUE_UPS[run.options.true_up_prorated]
            say(f"  augmentations actives ; régularisations : {how}")
        say(f"Pour facturer exactement cela : echeance bill --from-simulation {kept}")
        return DONE


def _remarks(app: App, run: Billing) -> list[Anomaly]:
    """What is odd about the parameters of active increases."""
    return remarks(app.settings) if run.options.increases else []


def bill(arguments: argparse.Namespace) -> int:
    """Post what is due."""
    with open_app(home_of(arguments.home)) as app:
        if arguments.from_simulation is None:
            run = app.billing(_options(app, arguments), include_excluded=arguments.include_excluded)
        else:
            _decided(arguments)
            run = _checked(app, arguments.from_simulation)
        report = billing.bill(run)
        for remark in _remarks(app, run):
            complain(str(remark))
        if arguments.json:
            say_json("billing", _report(report))
        else:
            _print_report(report, f"Facturation au {report.work_date:%d/%m/%Y}")
        return PARTIAL if report.blocked or report.failed else DONE


_TRUE_UPS: Final = {
    False: "au prix du début de leur période",
    True: "au prorata des jours de chaque prix",
}
_SIMULATED: Final = (
    *("date", "threshold", "reading_days", "no_estimate", "force_estimate", "include_excluded"),
    "no_bundle_check",
)


def _decided(arguments: argparse.Namespace) -> None:
    """Refuse options that the simulation has already fixed. Raises AnomaliesFound (RUN-113)."""
    asked = [name for name in _SIMULATED if getattr(arguments, name)]
    if asked:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise AnomaliesFound(Anomaly(DECIDED, values={"options": options}))


def _checked(app: App, number: int) -> Billing:
    """The run of a simulation whose facts are still the same. Raises AnomaliesFound."""
    kept = kept_simulation(app.engine, app.organisation_id, number)
    if kept is None:
        raise AnomaliesFound(Anomaly(UNKNOWN_SIMULATION, values={"simulation": number}))
    if kept.options.increases and not app.options(kept.options.work_date).increases:
        raise AnomaliesFound(Anomaly(NOT_ACTIVE, values={"simulation": number}))
    run = replace(app.billing(kept.options), choice=kept.choice)
    again, _ = billing.simulate(run)
    if again.inputs_digest != kept.inputs_digest:
        raise AnomaliesFound(Anomaly(CHANGED, values={"simulation": number}))
    return run


def _options(app: App, arguments: argparse.Namespace) -> RunOptions:
    return app.options(
        day_of(arguments.date, app.today()),
        no_estimate=arguments.no_estimate,
        force_estimate=arguments.force_estimate,
        reading_days=arguments.reading_days,
        threshold=_amount(arguments.threshold),
        bundle_check=not arguments.no_bundle_check,
        with_increases=getattr(arguments, "with_increases", False),
    )


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise AnomaliesFound(Anomaly(NOT_AN_AMOUNT, values={"value": text})) from None


def _print_lines(shapes: Iterable[Shaped]) -> None:
    for shaped in shapes:
        for invoice in shaped.invoices:
            for line in invoice.lines:
                say(
                    f"{line.label[:40]:40} {line.since:%d/%m/%Y} {number(line.quantity):>12}"
                    f" × {number(line.unit_price, 2):>10} € = {number(line.amount, 2):>12} €"
                )


def _print_report(report: BillingReport, title: str) -> None:
    say(title)
    say(f"  factures : {report.invoices}, lignes : {report.lines}")
    say(f"  total HT : {euros(report.net_cents)}, TTC : {euros(report.gross_cents)}")
    if report.deferred:
        say(f"  contrats sous le seuil, reportés : {len(report.deferred)}")
    if report.blocked:
        say(f"  contrats bloqués par une anomalie : {len(report.blocked)}")
    complain_all(report.anomalies)


def _report(report: BillingReport) -> Mapping[str, Any]:
    return {
        "work_date": report.work_date,
        "invoices": report.invoices,
        "lines": report.lines,
        "net_cents": report.net_cents,
        "gross_cents": report.gross_cents,
        "blocked": len(report.blocked),
        "deferred": [asdict(deferred) for deferred in report.deferred],
        "anomalies": [str(anomaly) for anomaly in report.anomalies],
        "failed": report.failed,
        "rows_digest": report.rows_digest,
    }


def price_care(arguments: argparse.Namespace) -> int:
    """Post what care owes."""
    from integration.flows.care import price_care as price

    with open_app(home_of(arguments.home)) as app:
        report = price(app.care(), day_of(arguments.date, app.today()))
        french = {
            "factures de soins": report.invoices,
            "dont AMO": euros(report.part_amo_cents),
            "dont AMC": euros(report.part_amc_cents),
            "dont patients": euros(report.part_patient_cents),
        }
        _tell("care", report, french, as_json=arguments.json)
        return PARTIAL if report.failed else DONE


def teletransmit(arguments: argparse.Namespace) -> int:
    """Number the B2 files of what funds owe."""
    from integration.flows.teletransmission import teletransmit as run

    with open_app(home_of(arguments.home)) as app:
        report = run(app.teletransmitter(), day_of(arguments.date, app.today()))
        french = {
            "fichiers": report.files,
            "factures": report.invoices,
            "AMO demandé": euros(report.part_amo_cents),
            "AMC demandé": euros(report.part_amc_cents),
        }
        _tell("teletransmission", report, french, as_json=arguments.json)
        return PARTIAL if report.anomalies else DONE


def _tell(kind: str, report: Any, french: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        content = asdict(report) | {"anomalies": [str(a) for a in report.anomalies]}
        say_json(kind, content)
        return
    for title, value in french.items():
        say(f"  {title} : {value}")
    complain_all(report.anomalies)


def recycle(arguments: argparse.Namespace) -> int:
    """Credit a refused care invoice and post it again, with what was already paid."""
    from integration.flows.recycle import recycle as again

    with open_app(home_of(arguments.home)) as app:
        on = day_of(arguments.date, app.today())
        with app.engine.begin() as connection:
            made = again(connection, app.organisation_id, arguments.invoice, on, app.accounts)
        paid = {share.value: str(amount) for share, amount in made.paid.items()}
        if arguments.json:
            say_json("recycled", {**asdict(made), "paid": paid})
        else:
            say(f"Avoir {made.credit}, nouvelle facture {made.invoice} (B2 {made.b2_number:09d}).")
            for share, amount in paid.items():
                say(f"  déjà payé, part {share} : {amount} €")
        return DONE


def unpaid(arguments: argparse.Namespace) -> int:
    """Print the unpaid list."""
    from integration.flows.unpaid import unpaid as listed

    with open_app(home_of(arguments.home)) as app:
        today = app.today()
        filters = _filters(arguments, today)
        say(listed(app, filters, day_of(arguments.as_of, today), arguments.format).rstrip("\n"))
        return DONE


def _filters(arguments: argparse.Namespace, today: date) -> Filters:
    """The criteria of the list. Raises AnomaliesFound (RUN-112) for an unknown column or page."""
    try:
        return Filters(
            number=arguments.number or "",
            holder=arguments.patient or "",
            fund=arguments.fund or "",
            amc=arguments.amc or "",
            agency=arguments.agency or "",
            issued_from=day_of(arguments.since, today) if arguments.since else None,
            issued_to=day_of(arguments.until, today) if arguments.until else None,
            amounts=_bounds(arguments),
            sort=arguments.sort,
            page=arguments.page,
            size=arguments.size,
        )
    except AnomaliesFound:
        raise  # a date or an amount says itself what is wrong with it
    except ValueError as error:
        columns = ", ".join(SORTS)
        values = {"cause": str(error), "columns": columns}
        raise AnomaliesFound(Anomaly(BAD_CRITERION, values=values)) from None


def _bounds(arguments: argparse.Namespace) -> dict[str, Bounds]:
    """`MIN:MAX` of each amount asked for; either end may be left out."""
    found: dict[str, Bounds] = {}
    for name in AMOUNTS:
        if text := getattr(arguments, name):
            low, _, high = text.partition(":")
            found[name] = Bounds(_amount(low or None), _amount(high or None))
    return found


def verify(arguments: argparse.Namespace) -> int:
    """Check the books, or an archive; name the first fault."""
    if arguments.what:
        from integration.verbs.exports import verify_archive

        return verify_archive(arguments)
    from integration.flows.verify import repair_states
    from integration.flows.verify import verify as checked

    with open_app(home_of(arguments.home)) as app:
        if arguments.repair_cache:
            repair_states(app.engine, app.organisation_id)
        found = checked(app.engine, app.organisation_id, app.trust())
        if arguments.json:
            say_json("verify", {**asdict(found), "fault": found.fault and str(found.fault)})
        elif found.fault:
            complain(str(found.fault))
        else:
            say(
                agreed(
                    "Livres sains : {documents} document(s) chaîné(s) et équilibré(s), {parts} "
                    "part(s) facturée(s) une fois, {rules} règle(s) conforme(s), {closings} "
                    "clôture(s) signée(s).",
                    **asdict(found),
                )
            )
        return INTEGRITY if found.fault else DONE

"""Care pricing: gather → rate and shape (pure) → post, a chunk of patients at a time.

Killed anywhere and run again it goes on where it stopped: a week, purchase or delivery already
billed is no longer due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, text

from billing.care.dossier import rate_all
from billing.care.invoice import CareInvoice, shape
from billing.care.pricing import CareLine, CareRules
from billing.ledger import DEFAULT_ACCOUNTS, Accounts, Due, Share, invoice_entries
from billing.money import ZERO, scaled
from config.nomenclatures import fund_label
from formats.common.anomaly import Anomaly
from integration.database.again import again
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.failpoints import reach
from integration.flows.settlement import entry_rows
from integration.persons import Vault, commitment, salts
from integration.posting import BAD_DATA, Plan, Posting, post
from integration.translate.care_rows import (
    CareChunk,
    CareRows,
    Dossier,
    care_line_row,
    dossiers_of,
    line_row,
    placed,
    revisions_of,
)
from integration.translate.contracts_rows import day

CHUNK: Final = 500  # patients a transaction
JOURNAL: Final = "VT"
PAPER: Final = ("invoice_pdf", "folder", ".pdf")
B2_COUNTER: Final = "b2"
B2_LAST: Final = 999_999_999  # type 2, 9 digits
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, slots=True)
class CareRun:
    """What a pricing run needs, in one hand."""

    engine: Engine
    organisation_id: int
    vault: Vault
    accounts: Accounts = DEFAULT_ACCOUNTS
    rules: CareRules = field(default_factory=CareRules)
    run_id: int | None = None


@dataclass(slots=True)
class CareReport:
    """What a run did; amounts in cents. `failed`: patient id and exception class."""

    work_date: date
    patients: int = 0
    invoices: int = 0
    lines: int = 0
    gross_cents: int = 0
    part_amo_cents: int = 0
    part_amc_cents: int = 0
    part_patient_cents: int = 0
    anomalies: list[Anomaly] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)


# --- gather -----------------------------------------------------------------------------------


def next_patients(
    connection: Connection, organisation_id: int, work_date: date, after: int = 0
) -> list[int]:
    """Ids of the next patients with something begun, at most CHUNK, in order."""
    values = {"organisation": organisation_id, "after": after, "work_date": work_date}
    return [row[0] for row in _SQL.rows(connection, "patients", limit=CHUNK, **values)]


def gather(
    connection: Connection,
    organisation_id: int,
    patient_ids: Sequence[int],
    work_date: date,
    vault: Vault,
    rules: CareRules,
) -> CareChunk:
    """Everything pricing needs about these patients, one query a table."""
    rows = read_rows(connection, organisation_id, patient_ids, work_date)
    return CareChunk(
        dossiers=dossiers_of(rows, work_date, rules),
        patients={row[0]: row for row in rows.patients},
        prescriptions={row[0]: row for row in rows.prescriptions},
        organisms={(row[0], row[3]): row[4] for row in rows.covers_amc},
        revisions=revisions_of(rows),
        commitments=commitments(connection, vault, rows.patients),
    )


def read_rows(
    connection: Connection, organisation_id: int, patient_ids: Sequence[int], work_date: date
) -> CareRows:
    """The raw rows of a chunk of patients."""

    def ask(name: str, **values: object) -> list[tuple[Any, ...]]:
        return _SQL.rows(connection, name, **values)

    rows = CareRows()
    rows.patients = ask("patients_by_id", organisation=organisation_id, patients=patient_ids)
    patients = [row[0] for row in rows.patients]
    rows.covers_amo = ask("covers_amo", patients=patients)
    rows.covers_amc = ask("covers_amc", patients=patients)
    rows.prescriptions = ask("prescriptions", patients=patients)
    rows.items = ask("items", patients=patients, work_date=work_date)
    rows.billed = ask("billed", items=[row[0] for row in rows.items])
    codes = sorted({row[5] for row in rows.items})
    rows.lpp = ask("lpp", codes=codes)
    rows.tariffs = ask("tariffs", codes=codes)
    return rows


def commitments(
    connection: Connection, vault: Vault, patients: Iterable[Sequence[Any]]
) -> dict[int, str]:
    """By patient, what a document's digest covers of patient and insured person."""
    pairs = {row[0]: (row[2], row[3]) for row in patients}
    ids = {person for pair in pairs.values() for person in pair}
    salted = salts(connection, ids)
    single = {
        id_: commitment(fields, salted[id_]) for id_, fields in vault.load(connection, ids).items()
    }
    return {patient: _joined(single[a], single[b]) for patient, (a, b) in pairs.items()}


def _joined(patient: str, insured: str) -> str:
    return hashlib.sha256(f"{patient}|{insured}".encode()).hexdigest()


# --- decide (pure) ----------------------------------------------------------------------------


def price(dossiers: Iterable[Dossier]) -> tuple[list[CareInvoice], list[tuple[int, Anomaly]]]:
    """Draft invoices in patient order, and every reason why something isn't billed."""
    drafts: list[CareInvoice] = []
    anomalies: list[tuple[int, Anomaly]] = []
    for dossier in dossiers:
        rated = rate_all(dossier.due)
        drafts.extend(shape(rated.lines))
        found = (*dossier.anomalies, *rated.anomalies)
        anomalies.extend((dossier.patient_id, anomaly) for anomaly in found)
    return drafts, anomalies


def posting_of(
    draft: CareInvoice, chunk: CareChunk, b2_number: int, work_date: date, accounts: Accounts
) -> Posting:
    """One invoice with its three shares, lines, entries and billed parts."""
    vat = sum((line.vat for line in draft.lines), ZERO)
    sales = ((accounts.sales_care, line.total_ht) for line in draft.lines)
    return Posting(
        JOURNAL,
        "care",
        work_date,
        patient_id=draft.patient_id,
        b2_number=b2_number,
        net_cents=scaled(draft.total - vat, 2),
        vat_cents=scaled(vat, 2),
        gross_cents=scaled(draft.total, 2),
        part_amo_cents=scaled(draft.part_amo.amount, 2),
        part_amc_cents=scaled(draft.part_amc.amount, 2),
        part_patient_cents=scaled(draft.part_patient.amount, 2),
        snapshot=json_text(_snapshot(draft, chunk)),
        person_commitment=chunk.commitments[draft.patient_id],
        lines=[line_row(line) for line in draft.lines],
        care_lines=[care_line_row(line) for line in draft.lines],
        entries=entry_rows(invoice_entries(_dues(draft, chunk), sales, vat, accounts)),
        parts=[
            part for rank, line in enumerate(draft.lines, 1) for part in _parts(line, rank, chunk)
        ],
        # Who owes nothing gets no paper: funds read the B2 file.
        deliveries=(PAPER,) if draft.part_patient.amount > 0 else (),
    )


def _dues(draft: CareInvoice, chunk: CareChunk) -> tuple[Due, ...]:
    """What each payer owes; without an organism of its own the fund pays the AMC share (C2S)."""
    fund = draft.amo.scheme + draft.amo.fund
    organism = draft.amc.number if draft.amc else fund
    patient = chunk.patients[draft.patient_id][1]
    return (
        Due(Share.AMO, fund, draft.part_amo.amount),
        Due(Share.AMC, organism, draft.part_amc.amount),
        Due(Share.PATIENT, patient, draft.part_patient.amount),
    )


def _parts(line: CareLine, rank: int, chunk: CareChunk) -> list[tuple[Any, ...]]:
    return [
        ("care", *key, chunk.revisions.get(key, 0), rank)
        for key in ((line.item_id, line.part, unit) for unit in line.units)
    ]


def _snapshot(draft: CareInvoice, chunk: CareChunk) -> Mapping[str, object]:
    """Who was to pay and on what grounds, as it was; no personal value but the member number."""
    _, code, _, _, agency = chunk.patients[draft.patient_id]
    row = chunk.prescriptions[draft.prescription_id]
    amo, amc = draft.amo, draft.amc
    name = chunk.organisms.get((draft.patient_id, amc.number), "") if amc else ""
    return {
        "patient": code,
        "agency": agency,
        "fund": f"{fund_label(amo.scheme, amo.fund)} ({amo.scheme} {amo.fund})".strip(),
        "organism": f"{name} ({amc.number})".strip() if amc else "",
        "amo": {
            "scheme": amo.scheme,
            "fund": amo.fund,
            "centre": amo.centre,
            "nature": amo.nature.value,
            "exemption": amo.exemption,
            "situations": sorted(amo.situations),
            "proof": amo.proof.kind.value,
            "proof_on": amo.proof.seen_on.isoformat(),
            "since": amo.since.isoformat(),
        },
        "amc": {"number": amc.number, "name": name, "mode": amc.mode.value} if amc else None,
        "prescription": row[1],
        "prescriber": {
            "name": row[2],
            "rpps": row[3],
            "am_number": row[4],
            "speciality": row[5],
            "dated_on": day(row[6]).isoformat(),
        },
    }


# --- act --------------------------------------------------------------------------------------


def price_care(run: CareRun, work_date: date) -> CareReport:
    """Post everything due on the work date, a chunk of patients a transaction."""
    report = CareReport(work_date)
    after = 0
    while patients := _next(run, work_date, after):
        _price_patients(run, patients, report)
        after = patients[-1]
        reach("care.chunk")
    return report


def _next(run: CareRun, work_date: date, after: int) -> list[int]:
    def read() -> list[int]:
        with run.engine.connect() as connection:
            return next_patients(connection, run.organisation_id, work_date, after)

    return again(read)


def _price_patients(run: CareRun, patients: Sequence[int], report: CareReport) -> None:
    """One chunk; when it fails for a reason of its data, its patients one by one."""
    try:
        postings, anomalies = again(lambda: _attempt(run, patients, report.work_date))
    except BAD_DATA as error:
        if len(patients) == 1:
            report.failed.append((patients[0], type(error).__name__))
            return
        for patient in patients:
            _price_patients(run, [patient], report)
        return
    report.patients += len(patients)
    report.anomalies += anomalies
    _tell(report, postings)


def _attempt(
    run: CareRun, patients: Sequence[int], work_date: date
) -> tuple[list[Posting], list[Anomaly]]:
    with run.engine.begin() as connection:
        chunk = gather(connection, run.organisation_id, patients, work_date, run.vault, run.rules)
        drafts, found = price(chunk.dossiers)
        first = take_b2_numbers(connection, run.organisation_id, len(drafts))
        postings = [
            posting_of(draft, chunk, first + rank, work_date, run.accounts)
            for rank, draft in enumerate(drafts)
        ]
        post(connection, run.organisation_id, Plan(postings, run_id=run.run_id))
    return postings, [placed(anomaly, chunk.patients[id_][1]) for id_, anomaly in found]


def take_b2_numbers(connection: Connection, organisation_id: int, count: int) -> int:
    """Reserve consecutive B2 invoice numbers of a provider; rolled back with the work.

    Raises ValueError past nine digits: a number is never cut, nor used twice.
    """
    if not count:
        return 0
    sql = text(
        "INSERT INTO counter (organisation_id, name, last_value) VALUES (:id, :name, :count) "
        "ON CONFLICT (organisation_id, name) DO UPDATE SET "
        "last_value = counter.last_value + excluded.last_value RETURNING last_value"
    )
    values = {"id": organisation_id, "name": B2_COUNTER, "count": count}
    last: int = connection.execute(sql, values).scalar_one()
    if last > B2_LAST:
        raise ValueError("the nine digits of B2 invoice numbers are used up")
    return last - count + 1


def _tell(report: CareReport, postings: Iterable[Posting]) -> None:
    for posting in postings:
        report.invoices += 1
        report.lines += len(posting.lines)
        report.gross_cents += posting.gross_cents
        report.part_amo_cents += posting.part_amo_cents
        report.part_amc_cents += posting.part_amc_cents
        report.part_patient_cents += posting.part_patient_cents

"""Posted documents → what their page says. Set-based: a batch of documents in three queries."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from billing.money import PRICE_SCALE, QUANTITY_SCALE, RATE_SCALE, unscaled, vat_of
from config.settings import Settings
from formats.pdf.content import (
    AnnexRow,
    Buyer,
    CareSummary,
    InvoicePage,
    Kind,
    Line,
    Payment,
    Reference,
    Seller,
    Shares,
    Totals,
    VatRow,
)
from integration.database.sql import Queries
from integration.persons import PersonalFields, Vault
from integration.posting import reference
from integration.translate.contracts_rows import day, day_or_none

Row = tuple[Any, ...]
_SQL = Queries(Path(__file__).with_suffix(".sql"))
_KINDS = {"contract": Kind.INVOICE, "care": Kind.CARE, "credit": Kind.CREDIT_NOTE}
NAMED = 3  # contracts named at the head; beyond, each line names its own
_NBSP = "\u00a0"
_JOINED = '"joined":'
_IN_ANNEX = '{"details":["Détail en annexe"]}'
Runs = Mapping[int, AnnexRow]


def invoice_pages(
    connection: Connection, settings: Settings, vault: Vault, ids: Sequence[int]
) -> dict[int, InvoicePage]:
    """The pages of these documents, by id."""
    lines: dict[int, list[Row]] = defaultdict(list)
    for row in _SQL.rows(connection, "lines", ids=ids):
        lines[row[0]].append(row)
    documents = _SQL.rows(connection, "documents", ids=ids)
    runs = _runs(connection, vault, ids)
    patients = _patients(connection, vault, [row[15] for row in documents if row[15]])
    seller = seller_of(settings)
    return {
        row[0]: _page(row, lines[row[0]], seller, settings, patients, runs.get(row[0], {}))
        for row in documents
    }


def seller_of(settings: Settings) -> Seller:
    """The organisation as it stands at the head of its invoices."""
    own = settings.organisation
    return Seller(
        name=own.name,
        address=tuple(own.address),
        siren=own.siren,
        vat_id=own.vat_number,
        finess=own.finess,
        legal_line=own.legal_line,
    )


def _patients(
    connection: Connection, vault: Vault, ids: Iterable[int]
) -> dict[int, PersonalFields]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    persons = dict(_SQL.rows(connection, "patients", ids=wanted))
    opened = vault.load(connection, persons.values())
    return {patient: opened[person] for patient, person in persons.items()}


def _page(
    row: Row,
    lines: Sequence[Row],
    seller: Seller,
    settings: Settings,
    patients: Mapping[int, PersonalFields],
    runs: Runs,
) -> InvoicePage:
    (
        _, journal, year, number, kind, issued_on, due_on, market, net, vat, gross,
        amo, amc, patient_part, snapshot, patient_id,
    ) = row  # fmt: skip
    story = json.loads(snapshot)
    is_care = patient_id is not None
    shares = Shares(amo, amc, patient_part)
    due = day_or_none(due_on)
    return InvoicePage(
        kind=_KINDS[kind],
        number=reference(journal, year, number),
        issued_on=day(issued_on),
        due_on=due,
        seller=seller,
        buyer=_patient(patients[patient_id]) if is_care else _customer(story),
        lines=tuple(
            _line(rank, line, is_care, several=len(_contracts(lines)) > 1)
            for rank, line in enumerate(_printed(lines, runs), 1)
        ),
        vat=_vat_rows(lines, is_care),
        totals=Totals(net, vat, gross, patient_part if is_care else gross),
        payment=_payment(settings, due, is_care),
        period=_period(lines),
        references=_references(lines, market, story),
        care=CareSummary(shares, story["fund"], story["organism"]) if is_care else None,
        mentions=tuple(settings.invoice.mentions),
        footer=settings.invoice.footer,
        annex=_annex(_joined(lines), runs) if runs else (),
    )


def _customer(story: Mapping[str, Any]) -> Buyer:
    customer = story["customer"]
    return Buyer(customer["name"], tuple(customer["address"].splitlines()), customer["siren"])


def _patient(person: PersonalFields) -> Buyer:
    return Buyer(f"{person.given_name} {person.family_name}", person.address or ("—",))


def _contracts(lines: Sequence[Row]) -> list[str]:
    return sorted({row[13] for row in lines if row[13]})


def _runs(connection: Connection, vault: Vault, ids: Sequence[int]) -> Mapping[int, Runs]:
    """Rows of the annex by document and line, their amounts to be told by the lines."""
    rows = _SQL.rows(connection, "runs", ids=ids)
    names = vault.load(connection, {row[3] for row in rows}) if rows else {}
    found: dict[int, dict[int, AnnexRow]] = defaultdict(dict)
    for document, position, ran_at, person, species, sample, code, serial in rows:
        at, patient = datetime.fromisoformat(ran_at), names[person].family_name
        detail = ", ".join(filter(None, (species, sample)))
        found[document][position] = AnnexRow(
            at.date(), f"{at:%H:%M}", patient, detail, serial or code, 0
        )
    return found


def _annex(printed: Mapping[int, Row], runs: Runs) -> tuple[AnnexRow, ...]:
    """A row an analysis, with all its cost lines."""
    return tuple(
        replace(row, amount_cents=printed[rank][6]) for rank, row in runs.items() if rank in printed
    )


def _printed(lines: Sequence[Row], runs: Runs) -> list[Row]:
    """The lines as they are printed: those of one section are one, amounts and prices summed;
    analyses of one label and price are one, quantities and amounts summed."""
    printed = _joined(lines)
    alike: dict[tuple[Any, ...], Row] = {}
    for rank, row in printed.items():
        key = (row[1], row[5], row[7], row[13]) if rank in runs else (rank,)
        first = alike.get(key)
        if first is None:
            alike[key] = (*row[:8], _IN_ANNEX, *row[9:]) if rank in runs else row
        else:
            dates = min(first[2], row[2]), max(first[3], row[3])
            summed = first[4] + row[4], first[5], first[6] + row[6]
            alike[key] = (*first[:2], *dates, *summed, *first[7:])
    return list(alike.values())


def _joined(lines: Sequence[Row]) -> dict[int, Row]:
    printed: dict[int, Row] = {}
    for rank, row in enumerate(lines, 1):
        joined = json.loads(row[8]).get("joined") if _JOINED in row[8] else None
        if joined is None:
            printed[rank] = row
        else:
            first = printed[joined]
            printed[joined] = (*first[:5], first[5] + row[5], first[6] + row[6], *first[7:])
    return printed


def _line(rank: int, row: Row, is_care: bool, *, several: bool) -> Line:
    _, label, since, until, quantity, price, net, vat, details, *care, contract = row
    gross, amo, amc, patient = care
    small = json.loads(details)["details"] if details else []
    return Line(
        position=str(rank),
        label=label,
        quantity=french(unscaled(quantity, QUANTITY_SCALE)),
        unit_price=f"{french(unscaled(price, PRICE_SCALE), 2)}{_NBSP}€",
        vat_rate=percent(vat),
        amount_cents=gross if is_care else net,
        details=(
            f"Du {_span(day(since), day(until))}{f', contrat {contract}' if several else ''}",
            *small,
        ),
        shares=Shares(amo, amc, patient) if is_care else None,
    )


def french(value: Decimal, least_decimals: int = 0) -> str:
    """A decimal as France prints it: comma, no-break thousands, no needless zeros."""
    plain = value.normalize()
    decimals = max(least_decimals, -int(plain.as_tuple().exponent))
    return f"{plain:,.{decimals}f}".replace(",", _NBSP).replace(".", ",")


def percent(ppm: int) -> str:
    """A rate in parts per million, as a percentage."""
    return f"{french(unscaled(ppm, RATE_SCALE) * 100)}{_NBSP}%"


def _span(since: date, until: date) -> str:
    """Half-open in our tables, ends included on paper."""
    last = max(until - timedelta(1), since)
    return f"{since:%d/%m/%Y} au {last:%d/%m/%Y}"


def _period(lines: Sequence[Row]) -> str:
    if not lines:
        return ""
    return _span(min(day(row[2]) for row in lines), max(day(row[3]) for row in lines))


def _vat_rows(lines: Sequence[Row], is_care: bool) -> tuple[VatRow, ...]:
    """Contracts: VAT once per rate; care: the sum of each line's own difference."""
    nets: dict[int, int] = defaultdict(int)
    vats: dict[int, int] = defaultdict(int)
    for row in lines:
        nets[row[7]] += row[6]
        vats[row[7]] += row[9] - row[6] if is_care else 0
    if not is_care:
        for rate, net in nets.items():
            vats[rate] = int(vat_of(unscaled(net, 2), unscaled(rate, RATE_SCALE)).scaleb(2))
    return tuple(VatRow(percent(rate), nets[rate], vats[rate]) for rate in sorted(nets))


def _payment(settings: Settings, due: date | None, is_care: bool) -> Payment:
    invoice = settings.invoice
    if is_care:
        return Payment("Part patient payable à réception.", iban=invoice.iban, bic=invoice.bic)
    terms = f"Payable au plus tard le {due:%d/%m/%Y}." if due else "Payable à réception."
    return Payment(
        terms,
        iban=invoice.iban,
        bic=invoice.bic,
        late_rate=invoice.late_rate,
        indemnity_cents=4000,  # Code de commerce, art. D441-5
        discount=invoice.discount,
    )


def _references(
    lines: Sequence[Row], market: str, story: Mapping[str, Any]
) -> tuple[Reference, ...]:
    contracts = _contracts(lines)
    named = ", ".join(contracts) if len(contracts) <= NAMED else f"{len(contracts)}, par ligne"
    site = (story.get("site") or {}).get("name", "")
    wanted = (
        ("Contrat" if len(contracts) == 1 else "Contrats", named),
        ("Marché", market),
        ("Site", site),
        ("Ordonnance", story.get("prescription", "")),
    )
    return tuple(Reference(label, value) for label, value in wanted if value)


def drawn(page: InvoicePage) -> bytes:
    """The page as a PDF; a function of its own so that any executor can run it."""
    from formats.pdf.content import Look
    from formats.pdf.invoice import render

    return render(page, Look())

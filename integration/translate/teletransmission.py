"""Posted care invoices → the B2 tree. Amounts stay in cents: both sides count in them.

Pure: rows, persons and choices in, records out, so that a file is made again from what was posted.
Sources of codes: reference on B2, §6; [M] and [G] marks are its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from billing.money import PRICE_SCALE, QUANTITY_SCALE, scaled, to_cents, unscaled
from config.teletransmission import B2Choices, Recipient
from formats.b2 import (
    B2File,
    Batch,
    Beneficiary,
    Detail,
    Invoice,
    Line,
    Practitioners,
    Supplement,
)
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.persons import PersonalFields

FRACTION: Final = Code(
    "TEL-101",
    "La facture {number} porte une quantité qui n'est pas entière : {quantity}.",
    "Facturez ce matériel en unités entières, comme la LPP les compte.",
)

RIGHTS_PROOFS: Final[Mapping[str, str]] = {"attestation": "1", "carte": "4", "adri": "6"}
"""Table 6.4; 4 and 6 are [M]."""
LOCAL_SCHEME: Final = "13"
"""Nature d'assurance of sickness under the local scheme (table 6.3)."""
C2S_CONTRACT: Final = "89"
"""Type de contrat AMC when the fund pays both shares (type 2, columns 117-118)."""
NO_EXEMPTION: Final = "0"
RENTAL: Final = "L"

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """Our number (9 digits, key included) and name."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What names a file: recipient, identifier, lot, day of creation."""

    recipient: Recipient
    file_id: str
    lot: int
    created_on: date


def b2_file(
    envelope: Envelope, sender: Sender, choices: B2Choices, invoices: Iterable[Invoice]
) -> B2File:
    """The file of one lot."""
    batch = Batch(
        organism=envelope.recipient.organism,
        number=envelope.lot,
        created_on=envelope.created_on,
        sender_name=sender.name,
        invoices=tuple(invoices),
    )
    return B2File(
        sender=sender.number,
        recipient=envelope.recipient.number,
        recipient_type=envelope.recipient.kind,
        file_id=envelope.file_id,
        created_on=envelope.created_on,
        batches=(batch,),
        norm=choices.norm,
        version=choices.version,
        flow=choices.flow,
        message=choices.message,
    )


def invoice_of(
    document: Row, lines: Iterable[Row], people: Mapping[int, PersonalFields]
) -> Invoice:
    """One posted invoice. `document` and `lines` as `flows/teletransmission.sql` names them.

    Raises AnomaliesFound (TEL-101) when a quantity isn't whole.
    """
    _, b2_number, text, patient_id, person_id, insured_id, birth_rank, amc_asked = document
    told = json.loads(text)
    asks_amc = bool(amc_asked and amc_asked > 0)
    amo, amc = told["amo"], told["amc"] if asks_amc else None
    insured, person = people[insured_id], people[person_id]
    number = f"{b2_number:09d}"
    exemption, made = _lines(number, list(lines), told["prescriber"])
    return Invoice(
        number=number,
        nir=insured.nir,
        nir_key=insured.nir_key,
        birth_date=person.birth_date[2:],
        birth_rank=birth_rank,
        scheme=amo["scheme"],
        fund=amo["fund"],
        centre=amo["centre"],
        file_number=f"{patient_id:09d}",
        rights_proof=RIGHTS_PROOFS[amo["proof"]],
        rights_since=date.fromisoformat(amo["since"]),
        nature=LOCAL_SCHEME if _local(amo) else amo["nature"],
        exemption=exemption,
        amc=amc["number"] if amc else "",
        amc_contract=C2S_CONTRACT if asks_amc and not amc else "00",
        beneficiary=Beneficiary(nir=person.nir, nir_key=person.nir_key) if person.nir else None,
        lines=tuple(_still_owed(made, int(amc_asked or 0))),
    )


def _local(amo: Mapping[str, Any]) -> bool:
    return amo["nature"] == "10" and "local_scheme" in amo["situations"]


def _lines(
    number: str, rows: Sequence[Row], prescriber: Mapping[str, str]
) -> tuple[str, tuple[Line, ...]]:
    """The invoice's exemption and its lines; an exemption common to all isn't repeated."""
    exemptions = {row[14] for row in rows}
    common = exemptions.pop() if len(exemptions) == 1 else NO_EXEMPTION
    return common, tuple(_line(number, row, prescriber, common) for row in rows)


def _still_owed(lines: Iterable[Line], amc_cents: int) -> Iterator[Line]:
    """The lines asking no more AMC share than is owed: a recycled invoice was partly paid."""
    left = max(amc_cents, 0)
    for line in lines:
        asked = min(line.amc_cents, left)
        left -= asked
        yield replace(line, amc_cents=asked)


def _line(number: str, row: Row, prescriber: Mapping[str, str], common: str) -> Line:
    _, since, until, quantity_e6, price_e8, lpp, act, kind, *rest = row
    gross, tariff, base, rate, amo, amc, exemption, agreement, asked_on = rest
    quantity = _whole(number, quantity_e6)
    price = scaled(to_cents(unscaled(price_e8, PRICE_SCALE)), 2)
    first = _day(since)
    detail = Detail(
        code=lpp,
        quantity=quantity,
        price_cents=tariff,
        total_cents=gross,
        kind=kind,
        first_day=first,
        last_day=_day(until) - timedelta(1) if kind == RENTAL else None,
        sale_price_cents=price,
    )
    return Line(
        done_on=first,
        act=act,
        quantity=quantity,
        unit_price_cents=price,
        base_cents=base,
        rate_pct=rate,
        amo_cents=amo,
        total_cents=gross,
        amc_cents=amc,
        prescriber=prescriber["am_number"] or "0" * 9,
        exemption="" if exemption == common else exemption,
        supplement=Supplement(
            agreement=agreement, agreement_asked_on=_day(asked_on) if asked_on else None
        ),
        practitioners=Practitioners(prescriber_rpps=prescriber["rpps"] or "0" * 11),
        details=(detail,),
    )


def _whole(number: str, quantity_e6: int) -> int:
    quantity = unscaled(quantity_e6, QUANTITY_SCALE)
    if quantity != quantity.to_integral_value():
        shown = str(quantity.normalize()).replace(".", ",")
        raise AnomaliesFound(Anomaly(FRACTION, values={"number": number, "quantity": shown}))
    return int(quantity)


def _day(value: object) -> date:
    return date.fromisoformat(str(value))

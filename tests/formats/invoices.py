"""One sound B2 file, made once; tests change what they are about. Persons are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from formats.b2 import B2File, Batch, Beneficiary, Detail, Invoice, Line, Practitioners, Supplement

BED = "1241763"  # location de lit médical


def line(**changes: Any) -> Line:
    """A week's rental at 18.20 €, wholly paid by the AMO."""
    detail = Detail(
        code=BED,
        quantity=1,
        price_cents=1820,
        total_cents=1820,
        kind="L",
        first_day=date(2026, 1, 1),
        last_day=date(2026, 1, 7),
    )
    rental = Line(
        done_on=date(2026, 1, 1),
        act="MAD",
        quantity=1,
        unit_price_cents=1820,
        base_cents=1820,
        rate_pct=100,
        amo_cents=1820,
        total_cents=1820,
        prescriber="751234563",
        origin="T",
        supplement=Supplement(agreement="4", agreement_asked_on=date(2025, 12, 10)),
        practitioners=Practitioners(prescriber_rpps="10001234565"),
        details=(detail,),
    )
    return replace(rental, **changes)


def invoice(number: str = "000000042", **changes: Any) -> Invoice:
    """One rental for one insured person."""
    sound = Invoice(
        number=number,
        nir="1800175056001",
        nir_key="03",
        birth_date="800112",
        scheme="01",
        fund="422",
        exemption="4",
        file_number="000001234",
        lines=(line(),),
        beneficiary=Beneficiary(nir="1800175056001", nir_key="03"),
    )
    return replace(sound, **changes)


def b2_file(*invoices: Invoice, **changes: Any) -> B2File:
    """One batch for CPAM 422."""
    batch = Batch(
        organism="422",
        number=7,
        created_on=date(2026, 1, 15),
        sender_name="Domicile Santé SARL",
        invoices=invoices or (invoice(),),
    )
    sound = B2File(
        sender="752600015",
        recipient="00000001016422",
        file_id="AB12C3",
        created_on=date(2026, 1, 15),
        batches=(batch,),
        message="MON LOGICIEL LPP V1.0",
    )
    return replace(sound, **changes)

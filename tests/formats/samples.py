"""Sound files of every dialect, made once. Persons are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from formats import arl, b2, b2_retour, noemie, sesam
from formats.noemie.model import (
    InvoiceReturn,
    Recovery,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
)
from tests.formats.invoices import b2_file, invoice, line

DAY = date(2026, 1, 15)
NIR, KEY = "1800175056001", "03"

STAY: Final = b2.Stay(
    first_day=date(2026, 1, 1),
    last_day=date(2026, 1, 3),
    act="GHS",
    quantity=1,
    unit_price_cents=120_000,
    base_cents=120_000,
    rate_pct=80,
    amo_cents=96_000,
    total_cents=120_000,
    amc_cents=24_000,
    prescription=b2.Prescription(prescriber="751234563", prescribed_on=date(2025, 12, 20)),
    prescriber=b2.Prescriber(prescriber_rpps="10001234565"),
    materials=(
        b2.StayMaterial(code="1241763", quantity=2, price_cents=1000, total_cents=2000),
        b2.StayMaterial(code="1241763", quantity=1, price_cents=1000, total_cents=1000),
    ),
    medicines=(b2.StayMedicine(code="9123456", quantity=3, price_cents=500, total_cents=1500),),
)
CODED: Final = line(
    details=(),
    analyses=tuple(b2.Analysis(code=f"0000{n:04d}", done_on=DAY) for n in range(7)),
    drugs=(b2.Drug(code="9123456", quantity=1, price_cents=1820, total_cents=1820),),
    procedures=(b2.Procedure(code="DEQP003", done_on=DAY, activity="1", phase="0"),),
)


def hospital() -> b2.B2File:
    """A clinic's file: a stay, a service with every coding, in the version of 2005."""
    clinic = invoice(stays=(STAY,), lines=(CODED,), entered_on=STAY.first_day, exemption="")
    return b2_file(clinic, norm="CP", version="062005")


NOTICES: Final = Return(
    sender="OCT PARIS",
    recipient="",
    file_id="",
    created_on=None,
    transfers=(
        Transfer(
            made_on=DAY,
            label="",
            payer="OCT PARIS",
            payee="",
            return_type="",
            invoices=(
                InvoiceReturn(
                    number="000000042",
                    lot="007",
                    lot_date=None,
                    invoice_date=DAY,
                    kind="",
                    nir=NIR,
                    amo=ShareReturn(requested_cents=1092, state=State.PAID, paid_cents=1092),
                    amc=ShareReturn(requested_cents=728, state=State.REJECTED, paid_cents=0),
                    rejections=(
                        RejectionReason(
                            code="051", label="CONTRAT FERMÉ", level="F", share=Share.AMC
                        ),
                    ),
                    comments=(),
                ),
            ),
            recoveries=(
                Recovery(
                    reference="000000007",
                    recorded_on=DAY,
                    nature="IND",
                    operation="RPR",
                    amount_cents=-500,
                    balance_cents=0,
                ),
            ),
        ),
    ),
    anomalies=(),
)

RECEIVED: Final = arl.Acknowledgement(
    verdict="P",
    sender="00000752600015",
    file_id="AB12C3",
    batch="007",
    batch_created_on=DAY,
    received=11,
    total_cents=1820,
    received_on=DAY,
    received_at="235959",
)
REFUSED: Final = arl.Acknowledgement(
    verdict="N",
    sender="00000752600015",
    file_id="AB12C3",
    received_on=DAY,
    received_at="000000",
    reason="DBLE",
    label="NUMERO DE LOT DEJA RECU",
)

SERVICE: Final = sesam.Service(
    done_on=date(2026, 1, 1),
    act="MAD",
    quantity=1,
    unit_price_cents=1820,
    base_cents=1820,
    rate_pct=60,
    amo_cents=1092,
    total_cents=1820,
    amc_cents=728,
    prescriber_rpps="10001234565",
    products=(
        sesam.Product(
            code="1241763",
            quantity=1,
            price_cents=1820,
            total_cents=1820,
            kind="L",
            first_day=date(2026, 1, 1),
            last_day=date(2026, 1, 7),
        ),
    ),
)
PROVIDER: Final = sesam.Provider(id_type="8", national_id="10001234565", biller="752600015")
COMPLEMENTARY: Final = sesam.Complementary(amc="0000775678", member="42", until=date(2026, 12, 31))


def sheet(number: str = "000000042", **changes: object) -> sesam.Sheet:
    """One rental, with both cards."""
    sound = sesam.Sheet(
        number=number,
        created_on=DAY,
        nir=NIR,
        nir_key=KEY,
        birth_date="800112",
        scheme="01",
        fund="422",
        provider=PROVIDER,
        services=(SERVICE,),
        rights=sesam.Rights(card_serial="0123456789", own_nir=NIR, own_nir_key=KEY),
    )
    return replace(sound, **changes)


def claim(number: str = "000000043", **changes: object) -> sesam.Claim:
    """What the complementary organism owes of it."""
    sound = sesam.Claim(
        number=number,
        created_on=DAY,
        nir=NIR,
        nir_key=KEY,
        birth_date="800112",
        scheme="01",
        fund="422",
        provider=PROVIDER,
        services=(SERVICE, SERVICE),
        complementary=COMPLEMENTARY,
        sheet="000000042",
    )
    return replace(sound, **changes)


def sesam_file(*batches: tuple[sesam.Sheet, ...] | tuple[sesam.Claim, ...]) -> sesam.SesamFile:
    """Lots for CPAM 422, numbered from 998 on."""
    lots = []
    number = 998
    for sheets in batches:
        lot = sesam.Batch(
            organism="422",
            batch=number,
            created_on=DAY,
            sender_name="DOMICILE SANTE SARL",
            signer="10001234565",
            sheets=sheets,
        )
        lots.append(lot)
        number = sesam.next_batch(number)
    return sesam.SesamFile(
        sender="752600015",
        scheme="01",
        computing_centre="016",
        organism="422",
        file_id="SV0001",
        created_on=DAY,
        batches=tuple(lots),
    )


SESAM: Final = sesam_file(
    (sheet(), sheet("000000044", complementary=COMPLEMENTARY)), (claim(),), (sheet("000000045"),)
)
RETURN: Final = Return(
    sender="00000001016422",
    recipient="00000752600015",
    file_id="R00042",
    created_on=DAY,
    transfers=(
        replace(
            NOTICES.transfers[0],
            label="VIR CPAM LOIRE 0000123",
            payer="01422",
            return_type="01",
            invoices=(
                replace(
                    NOTICES.transfers[0].invoices[0],
                    kind="B",
                    rejections=(
                        RejectionReason(
                            code="0250", label="L'ASSURE EST ABSENT", level="F", share=Share.AMC
                        ),
                    ),
                ),
            ),
        ),
    ),
    anomalies=(),
)

SAMPLES: Final[dict[str, tuple[bytes, ...]]] = {
    "b2": (b2.write(b2_file()), b2.write(hospital())),
    "noemie": (noemie.write(noemie.entities_of(RETURN)),),
    "b2-retour": (b2_retour.write(NOTICES),),
    "arl": (arl.write((RECEIVED, REFUSED)),),
    "sesam": (sesam.write(SESAM),),
}
"""One file or more a dialect."""

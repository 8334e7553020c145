"""From a result to notices, for tests and simulated funds: what they cannot say is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import BytesIO

from formats.b2_retour.layout import CONCENTRATOR, Notice
from formats.b2_retour.reader import PAYMENT, RECOVERY, SHARES, STATES, _Checker, _table_of, read
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.identifiers import nir
from formats.noemie.model import InvoiceReturn, Recovery, Return, Share, ShareReturn, Transfer
from formats.runon import write_checked

INEXPRESSIBLE = Code(
    "FMT-224",
    "Le retour dit ce qu'un avis de règlement ne peut porter (règlement {transfer}).",
    "Écrivez ce retour au format NOEMIE.",
)

_OUTCOMES = {state: digit for digit, state in STATES.items()}
_DIGITS = {shares: digit for digit, shares in SHARES.items()}


def write(result: Return) -> bytes:
    """Notices run on, which read back as the transfers of `result`.

    Raises AnomaliesFound for a value that doesn't fit or that no notice can carry: comments, lump
    sums, labels of transfers, lines of rejections.
    """
    notices = (notice for transfer in result.transfers for notice in _notices(transfer))
    content = write_checked(notices, CONCENTRATOR, _table_of, _Checker(remembered=sys.maxsize))
    back = read(BytesIO(content)).transfers
    lost = [i for i, one in enumerate(result.transfers) if back[i : i + 1] != (one,)]
    if lost:
        raise AnomaliesFound(*(Anomaly(INEXPRESSIBLE, values={"transfer": i + 1}) for i in lost))
    return content


def _notices(transfer: Transfer) -> Iterator[Notice]:
    for invoice in transfer.invoices:
        yield from _of_invoice(transfer, invoice)
    for recovery in transfer.recoveries:
        yield _of_recovery(transfer, recovery)


def _of_invoice(transfer: Transfer, invoice: InvoiceReturn) -> Iterator[Notice]:
    """One notice for both shares when they fare alike, else one each."""
    amo, amc = invoice.amo, invoice.amc
    reasons = {reason.share: (reason.code, reason.label) for reason in invoice.rejections}
    if amo and amc and amo.state is amc.state and reasons.get(Share.AMO) == reasons.get(Share.AMC):
        yield _of_shares(transfer, invoice, {Share.AMO: amo, Share.AMC: amc})
        return
    for share, outcome in ((Share.AMO, amo), (Share.AMC, amc)):
        if outcome:
            yield _of_shares(transfer, invoice, {share: outcome})


def _of_shares(
    transfer: Transfer, invoice: InvoiceReturn, shares: dict[Share, ShareReturn]
) -> Notice:
    nothing = ShareReturn(requested_cents=0, state=next(iter(shares.values())).state, paid_cents=0)
    amo, amc = shares.get(Share.AMO, nothing), shares.get(Share.AMC, nothing)
    reason = next((r for r in invoice.rejections if r.share in shares), None)
    return Notice(
        organism=transfer.payer,
        outcome=_OUTCOMES.get(nothing.state, PAYMENT),
        share=_DIGITS[tuple(shares)],
        invoice=invoice.number,
        invoice_date=invoice.invoice_date,
        insured=invoice.nir + nir.key(invoice.nir) if invoice.nir else "",
        amo_cents=amo.requested_cents,
        amc_cents=amc.requested_cents,
        paid_amo_cents=amo.paid_cents,
        paid_amc_cents=amc.paid_cents,
        code=reason.code if reason else "",
        label=reason.label if reason else "",
        lot=invoice.lot,
        accounted_on=transfer.made_on,
    )


def _of_recovery(transfer: Transfer, recovery: Recovery) -> Notice:
    return Notice(
        organism=transfer.payer,
        outcome=RECOVERY,
        share="1",
        invoice=recovery.reference,
        invoice_date=recovery.recorded_on,
        paid_amo_cents=-recovery.amount_cents,
        accounted_on=transfer.made_on,
    )

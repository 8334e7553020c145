"""A simulated fund: reads our B2 files, keeps its own books, answers in NOEMIE.

It pays late, rejects, pays in part, sends a file twice and tells a line again in another file.
What it believes it owes is worked out from what it read and said alone, never from our ledger.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from random import Random

from formats.b2 import read
from formats.noemie import (
    InvoiceReturn,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
    entities_of,
    write,
)
from tests.integration.teletransmission.provider import SENDER

REASON = RejectionReason(code="0250", label="ASSURE INCONNU", level="F", share=Share.AMO)


@dataclass
class Asked:
    """One invoice as the fund received it, in cents."""

    number: str
    lot: str
    answer_on: date
    amounts: dict[Share, int]


@dataclass
class Fund:
    """Books by invoice number and share, in cents: asked, less paid."""

    chance: Random
    owed: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    rejected: set[str] = field(default_factory=set)
    paid_to_bank: int = 0
    waiting: list[Asked] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    seen: int = 0

    def receive(self, content: bytes, day: date) -> None:
        """Take in a B2 file; each invoice will be answered within a month."""
        for batch in read(BytesIO(content)).batches:
            for invoice in batch.invoices:
                amounts = {
                    Share.AMO: sum(line.amo_cents for line in invoice.lines),
                    Share.AMC: sum(line.amc_cents for line in invoice.lines),
                }
                answer_on = day + timedelta(self.chance.randrange(1, 30))
                lot = f"{batch.number:03d}"
                self.waiting.append(Asked(invoice.number, lot, answer_on, amounts))
                for share, cents in amounts.items():
                    self.owed[invoice.number, share.value] += cents

    def forget(self, old: str, new: str) -> None:
        """A rejected invoice is billed again: only what was overpaid on it is kept in mind."""
        for share in Share:
            kept = min(self.owed.pop((old, share.value), 0), 0)
            if kept:
                self.owed[new, share.value] += kept

    def answer(self, day: date) -> list[bytes]:
        """The files of a day: at most a new one, sometimes one that was sent before."""
        due = [asked for asked in self.waiting if asked.answer_on <= day]
        self.waiting = [asked for asked in self.waiting if asked.answer_on > day]
        files = []
        if due:
            files.append(self._file([self._decide(asked) for asked in due], day))
            self.sent += files
        if self.sent and self.chance.random() < 0.2:
            files.append(self.chance.choice(self.sent))
        return files

    def _decide(self, asked: Asked) -> InvoiceReturn:
        shares = {share: self._share(asked, share) for share in Share if asked.amounts[share]}
        return InvoiceReturn(
            number=asked.number,
            lot=asked.lot,
            lot_date=None,
            invoice_date=None,
            kind="B",
            nir="1800175056001",
            amo=shares.get(Share.AMO),
            amc=shares.get(Share.AMC),
            rejections=(REASON,) if asked.number in self.rejected else (),
            comments=(),
        )

    def _share(self, asked: Asked, share: Share) -> ShareReturn:
        cents = asked.amounts[share]
        luck = self.chance.random()
        if share is Share.AMO and luck < 0.15:
            self.rejected.add(asked.number)
            return ShareReturn(requested_cents=cents, state=State.REJECTED, paid_cents=0)
        paid = cents + self.chance.choice((-100, 100)) if luck > 0.9 else cents
        self.owed[asked.number, share.value] -= paid
        self.paid_to_bank += paid
        return ShareReturn(requested_cents=cents, state=State.PAID, paid_cents=paid)

    def _file(self, invoices: list[InvoiceReturn], day: date) -> bytes:
        self.seen += 1
        transfer = Transfer(
            made_on=day,
            label=f"VIR CPAM LOIRE {self.seen:07d}",
            payer="01422",
            payee=SENDER,
            return_type="01",
            invoices=tuple(invoices),
        )
        result = Return(
            sender="00000001016422",
            recipient="00000" + SENDER,
            file_id=f"{self.seen:06d}",
            created_on=day,
            transfers=(transfer,),
            anomalies=(),
        )
        return write(entities_of(result))

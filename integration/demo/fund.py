"""A simulated fund: it reads our B2 by fixed slices of its own and answers with NOEMIE returns.

Nothing of `formats.b2` is used here: two readings of the norm that agree prove more than one. What
it answers depends on the bytes it got and on nothing else, so a night may be played again.
Columns: reference on B2, §1.3; reasons of refusal: §4.1 and §4.2.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from formats.noemie import (
    InvoiceReturn,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
    write_return,
)
from integration.demo.drops import Drop

RECORD: Final = 128
_REFUSALS: Final = (
    ("0250", "L'ASSURE EST ABSENT DE NOTRE REFERENTIEL", Share.AMO),
    ("0450", "L'EXONERATION N'EST PAS TROUVEE DANS NOTRE FICHIER A LA DATE DES SOINS", Share.AMO),
    ("0470", "PRESCRIPTION INTERDITE A CETTE DATE", Share.AMO),
    ("2900", "FACTURE DEJA PAYEE", Share.AMO),
    ("0317", "INCOMPATIBILITE NATURE D'ASSURANCE", Share.AMO),
)
_AMC_REFUSAL: Final = ("0601", "CONTRAT FERME OU ADHERENT INCONNU A LA DATE DES SOINS", Share.AMC)
DEFERRED_DAYS: Final = 7
CUT_FILE: Final = "00000A"
"""Its answer comes twice: whole, and cut by the line."""


class NotOurNormError(ValueError):
    """The fund can't take a file in: a length, a count or a total is wrong."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An invoice as the fund understood it, in cents."""

    number: str
    nir: str
    amc: str
    amo_cents: int
    amc_cents: int
    total_cents: int

    @property
    def luck(self) -> int:
        """0–99, the same each time the invoice is looked at."""
        return int(hashlib.sha256(self.number.encode()).hexdigest(), 16) % 100


@dataclass(frozen=True, slots=True)
class Received:
    """One of our files, as the fund understood it."""

    file_id: str
    sender: str
    recipient: str
    created_on: date
    lot: str
    invoices: tuple[Asked, ...]

    @property
    def answered_on(self) -> date:
        """Two to six days later, never on a Sunday."""
        day = self.created_on + timedelta(2 + int(self.file_id, 36) % 5)
        return day + timedelta(day.weekday() == 6)


# --- our files, sliced ------------------------------------------------------------------------


@cache
def read_b2(content: bytes) -> Received:
    """A file, checked against its own totals. Raises NotOurNormError."""
    if len(content) % RECORD:
        raise NotOurNormError("longueur")
    records = [content[i : i + RECORD].decode("ascii") for i in range(0, len(content), RECORD)]
    first, lot, *body, lot_end, last = records
    invoices = tuple(_invoices(body))
    _check("999 : enregistrements", int(last[55:63]), len(records))
    _check("6 : total", int(lot_end[24:33]), sum(one.total_cents for one in invoices))
    _check("6 : AMO", int(lot_end[33:42]), sum(one.amo_cents for one in invoices))
    return Received(
        file_id=first[49:55],
        sender=first[5:19],
        recipient=first[27:41],
        created_on=_day(first[55:61]),
        lot=lot[19:22],
        invoices=invoices,
    )


def _invoices(records: Iterable[str]) -> Iterator[Asked]:
    """From each type 2 to its type 5; the lines in between must add up to it."""
    head, lines = "", list[str]()
    for record in records:
        if record[0] == "2" and record[38] != "S":
            head, lines = record, []
        elif record[0] == "4":
            lines.append(record)
        elif record[0] == "5":
            yield _invoice(head, lines, record)


def _invoice(head: str, lines: Sequence[str], end: str) -> Asked:
    acts = [line for line in lines if line[35].isdigit()]  # others carry a letter there
    total, amo, amc = int(end[57:65]), int(end[65:73]), int(end[89:97])
    _check("5 : lignes", int(end[38:41]), len(lines))
    _check("5 : dépense", total, sum(int(act[114:121]) for act in acts))
    _check("5 : AMO", amo, sum(int(act[107:114]) for act in acts))
    _check("5 : AMC", amc, sum(int(act[122:128]) for act in acts))
    return Asked(head[29:38], head[11:24], head[118:128].strip(), amo, amc, total)


def _check(what: str, announced: int, found: int) -> None:
    if announced != found:
        raise NotOurNormError(f"{what} : {announced} annoncé, {found} trouvé")


def _day(text: str) -> date:
    return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))


# --- what it decides --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InvoiceDecision:
    """State and cents paid of both shares, and why not."""

    asked: Asked
    amo: tuple[State, int]
    amc: tuple[State, int]
    reasons: tuple[tuple[str, str, Share], ...]

    def returned(self, file: Received, share: Share) -> InvoiceReturn:
        """One share, as a return tells it."""
        one, (state, paid) = self.asked, self.amo if share is Share.AMO else self.amc
        asked = one.amo_cents if share is Share.AMO else one.amc_cents
        told = ShareReturn(
            requested_cents=asked,
            state=state,
            paid_cents=paid,
            amc=one.amc.rjust(10, "0") if share is Share.AMC else "",
        )
        return InvoiceReturn(
            number=one.number,
            lot=file.lot,
            lot_date=file.created_on,
            invoice_date=file.created_on,
            kind="B",
            nir=one.nir,
            amo=told if share is Share.AMO else None,
            amc=told if share is Share.AMC else None,
            rejections=tuple(_reason(*reason) for reason in self.reasons if reason[2] is share),
            comments=(),
        )


def decided(one: Asked, *, again: bool) -> InvoiceDecision:
    """What becomes of an invoice; `again`: when its deferral is over."""
    reasons: tuple[tuple[str, str, Share], ...] = ()
    amo, amc = (State.PAID, one.amo_cents), (State.PAID, one.amc_cents)
    if one.luck < 4:
        amo = amc = (State.REJECTED, 0)
        reasons = (_REFUSALS[one.luck % len(_REFUSALS)],)
    elif one.luck < 7:
        amo = (State.PAID, one.amo_cents * 9 // 10)
    elif one.luck < 9 and not again:
        amo = amc = (State.DEFERRED, 0)
    elif one.luck < 12:
        amc, reasons = (State.REJECTED, 0), (_AMC_REFUSAL,)
    return InvoiceDecision(one, amo, amc, reasons)


def _reason(code: str, label: str, share: Share) -> RejectionReason:
    return RejectionReason(code=code, label=label, level="F", share=share)


# --- what it answers --------------------------------------------------------------------------


def answers(outbox: Path, day: date) -> Iterator[Drop]:
    """The returns of a day: every file whose turn it is, and what was deferred a week before."""
    for file in map(read_b2, contents(outbox)):
        if file.answered_on == day:
            answer = _answer(file, day, file.invoices, again=False)
            yield answer
            if file.file_id == CUT_FILE:
                yield replace(answer, name="noemie-coupe.noe", content=answer.content[:-200])
        deferred = [one for one in file.invoices if 7 <= one.luck < 9]
        if deferred and file.answered_on + timedelta(DEFERRED_DAYS) == day:
            yield _answer(file, day, deferred, again=True)


def contents(outbox: Path) -> Iterator[bytes]:
    """Our files, in name order."""
    return (path.read_bytes() for path in sorted((outbox / "b2").glob("*.b2")))


def _answer(file: Received, day: date, invoices: Iterable[Asked], *, again: bool) -> Drop:
    name = f"{file.file_id}{'B' if again else 'A'}"
    decisions = [decided(one, again=again) for one in invoices]
    content = Return(
        sender=file.recipient,
        recipient=file.sender,
        file_id=file.file_id,
        created_on=day,
        transfers=tuple(_transfers(file, day, decisions, name)),
        anomalies=(),
    )
    return Drop(day, "returns", f"noemie-{name}.noe", write_return(content))


def _transfers(
    file: Received, day: date, decisions: Sequence[InvoiceDecision], name: str
) -> Iterator[Transfer]:
    """One transfer of the fund, then one of each complementary organism."""
    by_payer: dict[str, list[InvoiceReturn]] = defaultdict(list)
    fund = file.recipient[6:8] + file.recipient[11:14]
    for one in decisions:
        if one.asked.amo_cents:
            by_payer[fund].append(one.returned(file, Share.AMO))
    for one in decisions:
        if one.asked.amc_cents:
            by_payer[one.asked.amc.lstrip("0") or fund].append(one.returned(file, Share.AMC))
    for payer, invoices in by_payer.items():
        yield Transfer(
            made_on=day,
            label=f"VIR SANTE {payer} {name}",
            payer=payer,
            payee=file.sender.rjust(15, "0"),
            return_type="01",
            invoices=tuple(invoices),
        )


# --- its own books ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Books:
    """What the fund says it was asked and has paid, refused, deferred; cents by share."""

    files: int
    invoices: int
    asked: Mapping[Share, int]
    paid: Mapping[Share, int]
    refused: Mapping[Share, int]
    part_paid: int


def books(outbox: Path, last_day: date) -> Books:
    """Its books at the end of a day, rebuilt from the files it holds."""
    files = [read_b2(content) for content in contents(outbox)]
    asked = [one for file in files for one in file.invoices]
    paid, refused, part_paid = dict.fromkeys(Share, 0), dict.fromkeys(Share, 0), 0
    for one in _settled(files, last_day):
        for share, wanted, (state, cents) in (
            (Share.AMO, one.asked.amo_cents, one.amo),
            (Share.AMC, one.asked.amc_cents, one.amc),
        ):
            paid[share] += cents
            refused[share] += wanted if state is State.REJECTED else 0
            part_paid += state is State.PAID and cents < wanted
    amounts = {
        Share.AMO: sum(one.amo_cents for one in asked),
        Share.AMC: sum(one.amc_cents for one in asked),
    }
    return Books(len(files), len(asked), amounts, paid, refused, part_paid)


def _settled(files: Iterable[Received], last_day: date) -> Iterator[InvoiceDecision]:
    """The last decision of every invoice answered so far."""
    for file in files:
        if file.answered_on <= last_day:
            over = file.answered_on + timedelta(DEFERRED_DAYS) <= last_day
            yield from (decided(one, again=over) for one in file.invoices)

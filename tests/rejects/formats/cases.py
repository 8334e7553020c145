"""The smallest bad file of each code of the norms: a minimal sound file, and one thing done to it.

Minimal means one invoice of one line; a return has one transfer of one invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from formats import b2, sesam
from formats.fixedwidth import changed, encode, layout
from formats.noemie import entities as e
from tests.formats.invoices import b2_file, invoice, line
from tests.formats.robustness.samples import SAMPLES
from tests.formats.samples import sesam_file, sheet

_BARE = invoice(beneficiary=None, lines=(line(supplement=None, practitioners=None),))
B2: Final[Sequence[object]] = tuple(b2.records(b2_file(_BARE)))
"""000, 1, 2, 4, 4F, 5, 6, 999."""

_ADDRESSES: Final[dict[str, Any]] = {
    "sender_type": "CT",
    "sender": "00000001016422",
    "recipient_type": "TP",
    "recipient": "00000752600015",
    "file_id": "R00042",
}
_DAY: Final = date(2026, 1, 20)
NOEMIE: Final[Sequence[object]] = (
    e.FileStart(**_ADDRESSES, created_on=_DAY, norm="0578"),
    e.TransferStart(level="02", made_on=_DAY, label="VIR CPAM LOIRE", payer="01422"),
    e.InvoiceStart(
        level="04", number="000000042", lot="007", lot_date=_DAY, kind="B", invoice_date=_DAY
    ),
    e.AmoShare(level="06", requested_cents=1820, state="P", paid_cents=1820, sign="P"),
    e.FileEnd(**_ADDRESSES, records=5, batches=1, amount_cents=1820, sign="P"),
)


B2_RETOUR: Final[Sequence[object]] = SAMPLES["b2-retour"].records[:1]
ARL: Final[Sequence[object]] = SAMPLES["arl"].records[:1]
SESAM: Final[Sequence[object]] = tuple(sesam.records(sesam_file((sheet(),))))
SOUND: Final = {"b2": B2, "noemie": NOEMIE, "b2-retour": B2_RETOUR, "arl": ARL, "sesam": SESAM}
"""What cases are made from, by dialect."""


def written(records: Sequence[object]) -> bytes:
    """The records run on, nothing checked but what fits."""
    return b"".join(map(encode, records))


def _with(records: Sequence[object], name: str, /, **values: object) -> bytes:
    """The file with some fields of its first record of that name replaced."""
    at = _first(records, name)
    return written((*records[:at], changed(records[at], **values), *records[at + 1 :]))


def _without(records: Sequence[object], name: str) -> bytes:
    at = _first(records, name)
    return written((*records[:at], *records[at + 1 :]))


def _put(records: Sequence[object], name: str, column: int, text: bytes) -> bytes:
    """The file with other bytes from a column (1-based) of its first record of that name."""
    at = _first(records, name)
    start = len(written(records[:at])) + column - 1
    content = written(records)
    return content[:start] + text + content[start + len(text) :]


def _first(records: Sequence[object], name: str) -> int:
    return next(n for n, one in enumerate(records) if layout(type(one)).name == name)


def _swapped() -> bytes:
    """The second sheet before the first."""
    first, second = sheet(), sheet("000000043")
    return written(tuple(sesam.records(sesam_file((second, first)))))


CASES: Final[dict[str, bytes]] = {
    "FMT-001.b2": written(B2) + b" ",
    "FMT-002.b2": _put(B2, "4", 81, b"O1"),
    "FMT-011.any": b"BONJOUR",
    "FMT-021.b2": _with(B2, "4F", code="LITMED"),
    "FMT-022.b2": _with(B2, "4F", code="1241764"),
    "FMT-101.b2": _put(B2, "999", 1, b"888"),
    "FMT-102.b2": written((*B2[:3], B2[4], *B2[3:4], *B2[5:])),
    "FMT-103.b2": _without(B2, "999"),
    "FMT-111.b2": _with(B2, "999", file_id="AB12C4"),
    "FMT-112.b2": _with(B2, "4", total_cents=1819),
    "FMT-113.b2": _with(B2, "4F", last_day=date(2026, 1, 28)),
    "FMT-114.b2": written(tuple(b2.records(b2_file(_BARE, _BARE)))),
    "FMT-116.b2": _with(B2, "1", version="062009"),
    "FMT-201.noemie": written(NOEMIE[:4]) + b"77703@" + _with(NOEMIE[4:], "999", records=6),
    "FMT-202.noemie": _put(NOEMIE, "198", 24, b" @"),
    "FMT-203.noemie": written(NOEMIE[:4]) + b"99901",
    "FMT-211.noemie": _with(NOEMIE, "999", amount_cents=1819),
    "FMT-212.noemie": _with(NOEMIE[1:], "999", records=4),
    "FMT-213.noemie": _without(NOEMIE, "999"),
    "FMT-214.noemie": written((*NOEMIE[:2], NOEMIE[3], NOEMIE[2], NOEMIE[4])),
    "FMT-215.noemie": _with(NOEMIE, "198", state="X"),
    "FMT-216.noemie": _with(NOEMIE, "198", sign="X"),
    "FMT-217.noemie": _with(NOEMIE, "102", kind="Z"),
    "FMT-221.b2-retour": written(B2_RETOUR) + _with(B2_RETOUR, "2", outcome="9"),
    "FMT-222.b2-retour": _with(B2_RETOUR, "2", outcome="2"),
    "FMT-223.b2-retour": written(B2_RETOUR) * 2,
    "FMT-231.arl": _with(ARL, "ARL", verdict="X"),
    "FMT-232.arl": _with(ARL, "ARL", reason="TOTX"),
    "FMT-233.arl": _with(ARL, "ARL", received_at="240000"),
    "FMT-241.sesam": _swapped(),
    "FMT-242.sesam": _with(SESAM, "SVL", kind="D"),
    "FMT-243.sesam": _with(SESAM, "SVF", version="ECH9"),
    "RUN-106.any": b"%PDF-1.7\n",
}
"""By code and dialect, the name of the file beside this one."""

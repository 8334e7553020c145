"""NOEMIE: what the health funds answer to invoices: payments, rejections, recoveries.

result = read(stream, "retour.noe")      # -> Return; anomalies inside, never a refusal
content = write_return(result)           # bytes, for tests and the simulated fund
"""

from formats.noemie.check import check
from formats.noemie.model import (
    InvoiceReturn,
    LumpSum,
    Recovery,
    RejectionReason,
    Return,
    Share,
    ShareReturn,
    State,
    Transfer,
)
from formats.noemie.reader import Unknown, detect, entities_in, read
from formats.noemie.versions import VERSIONS
from formats.noemie.writer import entities_of, write, write_return

__all__ = [
    "VERSIONS",
    "InvoiceReturn",
    "LumpSum",
    "Recovery",
    "RejectionReason",
    "Return",
    "Share",
    "ShareReturn",
    "State",
    "Transfer",
    "Unknown",
    "check",
    "detect",
    "entities_in",
    "entities_of",
    "read",
    "write",
    "write_return",
]

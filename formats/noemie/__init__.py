"""NOEMIE: what the health funds answer to invoices: payments, rejections, recoveries.

result = read(stream, "retour.noe")   # -> Return; anomalies inside, never a refusal
content = write(entities)             # bytes
"""

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

__all__ = [
    "InvoiceReturn",
    "LumpSum",
    "Recovery",
    "RejectionReason",
    "Return",
    "Share",
    "ShareReturn",
    "State",
    "Transfer",
]

"""B2 (068): invoices of health-care suppliers to French health funds, 128-byte records.

content = write(B2File(...))          # bytes, or AnomaliesFound
report = check(stream, "TP.b2")       # every broken rule, constant memory
b2_file = read(stream)                # the tree, or AnomaliesFound
"""

from formats.b2.check import check
from formats.b2.model import (
    B2File,
    Batch,
    Beneficiary,
    Detail,
    Invoice,
    Line,
    Practitioners,
    Report,
    Supplement,
)
from formats.b2.reader import detect, read, records_in
from formats.b2.versions import PROFESSIONS, VERSIONS
from formats.b2.writer import records, records_of, split_line, write

__all__ = [
    "PROFESSIONS",
    "VERSIONS",
    "B2File",
    "Batch",
    "Beneficiary",
    "Detail",
    "Invoice",
    "Line",
    "Practitioners",
    "Report",
    "Supplement",
    "check",
    "detect",
    "read",
    "records",
    "records_in",
    "records_of",
    "split_line",
    "write",
]

"""B2 (068): invoices of health-care suppliers to French health funds, 128-byte records.

content = write(B2File(...))          # bytes, or AnomaliesFound
report = check(stream, "TP.b2")       # every broken rule, constant memory
b2_file = read(stream)                # the tree, or AnomaliesFound
"""

from formats.b2.check import check
from formats.b2.model import (
    Analysis,
    B2File,
    Batch,
    Beneficiary,
    Detail,
    Drug,
    Invoice,
    Line,
    Practitioners,
    Prescriber,
    Prescription,
    Procedure,
    Report,
    Stay,
    StayMaterial,
    StayMedicine,
    Supplement,
)
from formats.b2.reader import detect, read, records_in
from formats.b2.versions import PROFESSIONS, VERSIONS
from formats.b2.writer import packed, records, records_of, split_line, write

__all__ = [
    "PROFESSIONS",
    "VERSIONS",
    "Analysis",
    "B2File",
    "Batch",
    "Beneficiary",
    "Detail",
    "Drug",
    "Invoice",
    "Line",
    "Practitioners",
    "Prescriber",
    "Prescription",
    "Procedure",
    "Report",
    "Stay",
    "StayMaterial",
    "StayMedicine",
    "Supplement",
    "check",
    "detect",
    "packed",
    "read",
    "records",
    "records_in",
    "records_of",
    "split_line",
    "write",
]

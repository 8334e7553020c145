"""SESAM-Vitale: batches of care sheets (FSE) and of claims (DRE), in a layout of our own.

content = write(SesamFile(...))          # bytes, or AnomaliesFound
report = check(stream, "FSE.sv")         # every broken rule, constant memory
tree = read(stream)                      # the tree, or AnomaliesFound
for batch, exact in batches_in(content)  # what the card signs
"""

from formats.sesam.check import check, detect, records_in
from formats.sesam.model import (
    Batch,
    Claim,
    Complementary,
    Product,
    Provider,
    Rights,
    Service,
    SesamFile,
    Sheet,
    next_batch,
    next_number,
)
from formats.sesam.records import VERSIONS
from formats.sesam.tree import batches_in, read, records, write

__all__ = [
    "VERSIONS",
    "Batch",
    "Claim",
    "Complementary",
    "Product",
    "Provider",
    "Rights",
    "Service",
    "SesamFile",
    "Sheet",
    "batches_in",
    "check",
    "detect",
    "next_batch",
    "next_number",
    "read",
    "records",
    "records_in",
    "write",
]

"""Posting: one poster per organisation turns planned documents into rows, each written once.

`number_rows` is pure: from a plan, the ids, numbers and chain head it may use, to the rows of every
table. `post` takes those inside the caller's transaction and writes the rows in bulk. A simulation
calls the first half alone, so what it shows is what billing writes.
"""

from integration.posting.rows import (
    CARE_LINE,
    CHAIN_VERSION,
    DOCUMENT,
    ENTRY,
    GENESIS,
    LINE,
    OUTBOX,
    Hash,
    Plan,
    Posting,
    Row,
    Rows,
    chain,
    content_digest,
    number_rows,
    reference,
)
from integration.posting.slots import Preview, chain_head
from integration.posting.write import BAD_DATA, Overtaken, post

__all__ = [
    "BAD_DATA",
    "CARE_LINE",
    "CHAIN_VERSION",
    "DOCUMENT",
    "ENTRY",
    "GENESIS",
    "LINE",
    "OUTBOX",
    "Hash",
    "Overtaken",
    "Plan",
    "Posting",
    "Preview",
    "Row",
    "Rows",
    "chain",
    "chain_head",
    "content_digest",
    "number_rows",
    "post",
    "reference",
]

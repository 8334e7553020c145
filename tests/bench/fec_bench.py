"""FEC of 200 000 entries: written, judged and renamed; entries a second and growth of memory."""

from __future__ import annotations

import resource
import tempfile
import time
from datetime import date
from pathlib import Path

from config.chart import account_labels
from config.settings import Accounts
from integration.database.engine import make_engine
from integration.database.migrations import upgrade
from integration.flows.closing import refuse_entries
from integration.flows.fec import Books, export_fec
from tests.integration.posting.books import open_books, posted, sale

ENTRIES = 200_000
_CHUNK = 2_000  # documents posted at a time; each has two entries


def run() -> dict[str, object]:
    """Entries a second, and how much the export alone grew the process."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/books.db")
        upgrade(f"sqlite:///{folder}/books.db")
        open_books(engine, 1)
        for _ in range(ENTRIES // 2 // _CHUNK):
            posted(engine, *(sale(date(2026, 1, 5)) for _ in range(_CHUNK)))
        with engine.begin() as connection:
            refuse_entries(connection, 1, date(2026, 12, 31))
        books = Books(engine, 1, "732829320", account_labels(Accounts()))
        before, started = _peak(), time.perf_counter()
        made = export_fec(books, 2026, Path(folder) / "fec")
        taken, size = time.perf_counter() - started, made.path.stat().st_size
        engine.dispose()
    assert made.entries == ENTRIES
    return {
        "entries": made.entries,
        "entries_per_s": round(made.entries / taken),
        "file_mb": round(size / 1e6, 1),
        "growth_mb": round((_peak() - before) / 1024, 1),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

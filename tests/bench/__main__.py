"""`make bench`: run every `tests/bench/*_bench.py` and print one JSON document.

A bench module has `run() -> dict[str, object]`; names of modules on the command line choose some.
Figures mean nothing without the machine, the versions and how durable the databases were.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from tests.plugins import postgresql

HERE = Path(__file__).parent
LIBRARIES = ("sqlalchemy", "psycopg", "fpdf2", "lxml", "pydantic", "cryptography")
PRAGMAS = ("journal_mode", "synchronous", "cache_size", "mmap_size", "wal_autocheckpoint")


def main(chosen: list[str]) -> None:
    """Run the benches one after the other; the JSON goes to standard output."""
    benches = {name: _timed(name) for name in _names() if not chosen or name in chosen}
    found = {"machine": _machine(), "versions": _versions(), "databases": _databases()}
    json.dump(found | {"benches": benches}, sys.stdout, indent=1, default=str)
    print()


def _names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*_bench.py"))


def _timed(name: str) -> dict[str, object]:
    print(f"{name} ...", file=sys.stderr)
    started = time.perf_counter()
    result: dict[str, object] = importlib.import_module(f"tests.bench.{name}").run()
    return result | {"whole_bench_s": round(time.perf_counter() - started, 2)}


def _machine() -> dict[str, object]:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.processor(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.platform(),
    }


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def _databases() -> dict[str, object]:
    found: dict[str, object] = {"sqlite": _sqlite()}
    if postgresql.binaries():
        with postgresql.cluster(durable=True) as server:
            found["postgresql"] = server.settings()
    return found


def _sqlite() -> dict[str, object]:
    from integration.database.engine import make_engine

    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/echeance.db")
        with engine.connect() as connection:
            found = {p: connection.exec_driver_sql(f"pragma {p}").scalar() for p in PRAGMAS}
            found["version"] = connection.exec_driver_sql("select sqlite_version()").scalar()
        engine.dispose()
    return found


if __name__ == "__main__":
    main(sys.argv[1:])

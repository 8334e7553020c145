"""Contract billing by rule kind, on SQLite: each kind alone, all mixed, and the plain portfolio.

What must hold: no kind slower than a third of the flat fee, the mix at least half as fast as the
plain portfolio, and no more memory than it (150 MB for all our processes). Ratios are of processor
time, which a busy machine doesn't change.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from statistics import median
from typing import Final

from tests.bench.billing_bench import filled, in_child, sqlite_url
from tests.bench.kinds import RULES

CONTRACTS: Final = 50_000
OF_A_KIND: Final = 10_000
ROUNDS: Final = 3
SLOWEST_KIND: Final = 1 / 3
SLOWEST_MIX: Final = 1 / 2
MOST_MB: Final = 150


def run() -> dict[str, object]:
    """Invoices a second, medians of ROUNDS rounds in which everybody has a turn."""
    turns = {**dict.fromkeys(RULES, OF_A_KIND), "mixed": CONTRACTS, "plain": CONTRACTS}
    done: dict[str, list[dict[str, float]]] = {name: [] for name in turns}
    for number in range(ROUNDS):
        for name, contracts in turns.items():
            with tempfile.TemporaryDirectory() as folder:
                url = filled(sqlite_url(folder, f"{name}{number}"), contracts, name)
                done[name].append(in_child("bill", url, contracts))
    cpu_rates = _rates(done, "cpu_seconds")
    peaks = {name: max(one["peak_mb"] for one in found) for name, found in done.items()}
    return {
        "contracts": CONTRACTS,
        "contracts_of_a_kind": OF_A_KIND,
        "invoices_per_s": _rates(done, "seconds"),
        "invoices_per_cpu_s": cpu_rates,
        **_judged(cpu_rates, peaks),
    }


def _rates(done: Mapping[str, list[dict[str, float]]], seconds: str) -> dict[str, int]:
    return {
        name: round(median(one["invoices"] / one[seconds] for one in found))
        for name, found in done.items()
    }


def _judged(rates: Mapping[str, int], peaks: Mapping[str, float]) -> dict[str, object]:
    slowest = min(RULES, key=lambda kind: rates[kind])
    kind, mix = rates[slowest] / rates["flat_fee"], rates["mixed"] / rates["plain"]
    return {
        "slowest_kind": slowest,
        "slowest_to_flat_fee": round(kind, 2),
        "mixed_to_plain": round(mix, 2),
        "peak_memory_mb": peaks,
        "holds": kind >= SLOWEST_KIND and mix >= SLOWEST_MIX and max(peaks.values()) <= MOST_MB,
    }

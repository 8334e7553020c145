"""`make features`: what passing tests show of `tests/features.csv`, and what is missing."""

from __future__ import annotations

import ast
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.plugins.features import RESULTS, ROOT, rows
from tests.plugins.figures import missing_figures

OUTPUT = ROOT / "build" / "features.json"

Results = dict[str, dict[str, Any]]


def shown_by(results: Results) -> set[str]:
    """Features that at least one test claims and no claiming test fails."""
    claimed = {claim for test in results.values() for claim in test["features"]}
    failed = {c for test in results.values() if not test["passed"] for c in test["features"]}
    return claimed - failed


def by_group(table: list[dict[str, str]], shown: set[str]) -> dict[str, dict[str, list[str]]]:
    """`{"A-UC": {"shown": [ids], "missing": [ids]}, …}` in the table's order."""
    groups: dict[str, dict[str, list[str]]] = {}
    for row in table:
        group = groups.setdefault(_group(row), {"shown": [], "missing": []})
        group["shown" if row["id"] in shown else "missing"].append(row["id"])
    return groups


def claims_without_figures(table: list[dict[str, str]], results: Results) -> Iterator[str]:
    """Each claim whose test doesn't hold a figure of the row's acceptance."""
    acceptance = {row["id"]: row["acceptance"] for row in table}
    tests = {name.partition("[")[0]: test["features"] for name, test in sorted(results.items())}
    for name, claims in tests.items():
        for claim in claims:
            if missing := missing_figures(acceptance[claim], _source(name)):
                yield f"{name} claims {claim} without {', '.join(missing)}"


def _group(row: dict[str, str]) -> str:
    return row["id"].rpartition("-")[0]


def _source(node: str) -> str:
    path, *_, function = node.split("::")
    return _functions(ROOT / path)[function]


@cache
def _functions(path: Path) -> dict[str, str]:
    tree = ast.parse(path.read_text("utf-8"))
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name: ast.unparse(function) for function in functions}


def _print_table(table: list[dict[str, str]], shown: set[str]) -> None:
    owners: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in table:
        owners[row["owner"]].append(row)
    for owner, owned in owners.items():
        print(f"{owner}: {sum(row['id'] in shown for row in owned)} of {len(owned)} shown")
        for group, part in by_group(owned, shown).items():
            count = f"{len(part['shown'])}/{len(part['shown'] + part['missing'])}"
            print(f"  {group:6} {count:>6}  missing: {' '.join(part['missing']) or '-'}")


def main() -> None:
    """Print the table and the doubtful claims, write build/features.json."""
    if not (ROOT / RESULTS).exists():
        sys.exit(f"{RESULTS} is missing: run the tests first")
    table = rows()
    results: Results = json.loads((ROOT / RESULTS).read_text("utf-8"))
    shown = shown_by(results)
    _print_table(table, shown)
    doubtful = list(claims_without_figures(table, results))
    print(
        f"\nClaims whose test lacks a figure of the acceptance: {len(doubtful)}",
        *doubtful,
        sep="\n  ",
    )
    OUTPUT.write_text(json.dumps(by_group(table, shown), indent=1) + "\n", "utf-8")
    print(f"\n{len(shown)} of {len(table)} features shown; written: {OUTPUT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

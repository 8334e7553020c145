"""Claims: `@pytest.mark.feature("A-UC-01", …)` ties a test to rows of `tests/features.csv`.

An unknown id stops the run. Each run notes in `build/feature-results.json` which claiming tests
passed; `make features` reads it. A full run writes the file anew, a partial one completes it.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "features.csv"
RESULTS = Path("build") / "feature-results.json"

_CLAIM = "feature"
_WHOLE_RUNS = ("", _CLAIM)


def rows() -> list[dict[str, str]]:
    """The table of features, in its own order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def claims_of(item: pytest.Item) -> list[str]:
    """The feature ids a test claims to show."""
    return [str(claim) for mark in item.iter_markers(_CLAIM) for claim in mark.args]


@dataclass(eq=False)
class Recorder:
    """Collects the outcome of claiming tests in the process that reports."""

    config: pytest.Config
    tests: dict[str, dict[str, object]] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Passed is what passed its call and failed nowhere."""
        claims = [claim for name, claim in report.user_properties if name == _CLAIM]
        if claims and (report.when == "call" or not report.passed):
            before = self.tests.get(report.nodeid, {"passed": True})
            passed = bool(before["passed"]) and report.passed
            self.tests[report.nodeid] = {"features": claims, "passed": passed}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write or complete the results."""
        if self.config.option.collectonly:
            return
        path = self.config.rootpath / RESULTS
        known = {} if self._whole(session) or not path.exists() else json.loads(path.read_text())
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(known | self.tests, indent=1, sort_keys=True) + "\n")

    def _whole(self, session: pytest.Session) -> bool:
        option = self.config.option
        chosen = (
            option.keyword or getattr(option, "lf", False) or option.markexpr not in _WHOLE_RUNS
        )
        ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        cut_short = session.shouldfail or session.shouldstop or not ended
        everywhere = self.config.args_source is pytest.Config.ArgsSource.TESTPATHS
        return everywhere and not chosen and not cut_short


def pytest_configure(config: pytest.Config) -> None:
    """Record where reports arrive: never in a parallel worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(config), "feature-recorder")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse unknown ids and let each report carry its test's claims."""
    known = {row["id"] for row in rows()}
    unknown = []
    for item in items:
        claims = claims_of(item)
        item.user_properties += [(_CLAIM, claim) for claim in claims]
        unknown += [f"{item.nodeid} claims {claim}" for claim in claims if claim not in known]
    if unknown:
        raise pytest.UsageError("not in tests/features.csv: " + "; ".join(unknown))

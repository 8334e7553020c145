"""Thousands of damaged files per dialect; `make fuzz` takes 10 000 and draws for longer.

A file that breaks a promise is kept in `tests/data/<dialect>/crashers`, and tried ever after.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.catalogue import dialects
from formats.fixedwidth import encode
from tests.formats.robustness import oracle
from tests.formats.robustness.mutations import KINDS, Mutation, mutation
from tests.formats.robustness.oracle import BrokenPromiseError, judged
from tests.formats.robustness.samples import DATA, SAMPLES, Sample
from tests.formats.strategies import records

FUZZ = "FUZZ" in os.environ  # set by `make fuzz`
FILES = 10_000 if FUZZ else 1_000  # damaged files a dialect
DRAWN = 2_000 if FUZZ else 20  # files of records drawn by hypothesis, a dialect
TIME_LIMIT_S = 5  # a file of a few kilobytes that takes longer hangs
SHOWN = 10

every_sample = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


@contextmanager
def no_hang() -> Iterator[None]:
    """TimeoutError once the limit is over."""

    def hung(*_: object) -> None:
        raise TimeoutError(f"longer than {TIME_LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _outcome(sample: Sample, damaged: Mutation) -> str:
    """What became of it, or what went wrong."""
    try:
        with no_hang():
            return judged(sample, damaged).outcome
    except BrokenPromiseError as broken:
        return str(broken)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def test_every_dialect_has_its_sample() -> None:
    assert {dialect.name for dialect in dialects()} == {one.dialect for one in SAMPLES.values()}


@every_sample
def test_f17_a_damaged_file_ends_in_a_report_or_in_named_values(sample: Sample) -> None:
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(FILES):
        damaged = mutation(sample.content, sample.starts, sample.dialect, number)
        outcome = _outcome(sample, damaged)
        outcomes[outcome] += 1
        if outcome not in ("anomaly", "changed", "same"):
            failures.append(f"{damaged.kind}-{number}: {outcome}")
            _keep(sample, damaged, number)
    assert failures[:SHOWN] == []
    assert outcomes["anomaly"] > FILES / 2
    assert outcomes["changed"] > 0


def _keep(sample: Sample, damaged: Mutation, number: int) -> None:
    """Beside the others when somebody is looking for them: `make fuzz`."""
    if FUZZ:
        folder = DATA / sample.dialect / "crashers"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{damaged.kind}-{number}").write_bytes(damaged.content)


@every_sample
def test_kept_crashers_are_harmless(sample: Sample) -> None:
    for path in sorted((DATA / sample.dialect / "crashers").glob("*")):
        outcome = _outcome(sample, Mutation(path.name, path.read_bytes(), 0))
        assert outcome in ("anomaly", "changed", "same"), f"{path.name}: {outcome}"


@every_sample
@settings(max_examples=DRAWN, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_records_in_any_order_end_in_a_report(sample: Sample, data: st.DataObject) -> None:
    """Each record is sound, one is drawn afresh, and their order makes no sense."""
    drawn = data.draw(st.lists(st.sampled_from(sample.records), max_size=20))
    fresh = data.draw(records(type(data.draw(st.sampled_from(sample.records)))))
    drawn.insert(data.draw(st.integers(0, len(drawn))), fresh)
    outcome = _outcome(sample, Mutation("drawn", b"".join(map(encode, drawn)), 0))
    assert outcome in ("anomaly", "changed", "same"), outcome


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutation_is_drawn_again_from_its_seed(kind: str) -> None:
    sample = SAMPLES["b2"]
    number = list(KINDS).index(kind)
    first, second = (mutation(sample.content, sample.starts, "b2", number) for _ in range(2))
    assert first == second
    assert first.kind == kind
    assert first.content != sample.content
    assert first.content[: first.at] == sample.content[: first.at]


def test_the_oracle_finds_a_reader_that_loses_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that sees nothing and a reader that skips records must be caught."""

    class Blind:
        def check(self, *_: object) -> object:
            return type("Report", (), {"sound": True, "anomalies": ()})

    monkeypatch.setattr(oracle, "dialect", lambda _: Blind())
    sample = SAMPLES["b2"]
    cut = Mutation("cut", sample.content[:-5], len(sample.content) - 5)
    with pytest.raises(BrokenPromiseError, match="1 records can't be read"):
        judged(sample, cut)
    forgetful = replace(sample, reader=lambda *_: sample.records[:-1])
    with pytest.raises(BrokenPromiseError, match="bytes were lost"):
        judged(forgetful, cut)

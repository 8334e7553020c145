"""Each file with one fault: the fault is found, where it is."""

from __future__ import annotations

from io import BytesIO

import pytest

from formats.catalogue import HEAD_BYTES, detected, dialects
from tests.formats.robustness.samples import SAMPLES, Sample
from tests.rejects.formats.faults import Fault, faults

FAULTS = tuple(faults())


def _missed(fault: Fault) -> str:
    """Empty when the fault is found at its place; what was said otherwise."""
    dialect = detected(fault.content[:HEAD_BYTES])
    if dialect is None or dialect.name != fault.dialect:
        return f"{fault.name} isn't recognised"
    said = dialect.check(BytesIO(fault.content), "essai").anomalies
    places = [(a.code.id, (a.place.line, a.place.start, a.place.end)) for a in said]
    if (fault.code, fault.place) in places:
        return ""
    return f"{fault.name}: {fault.code} {fault.place} not in {places}"


@pytest.mark.feature("X-FMT-02")
def test_each_file_with_one_fault_shows_it_at_its_place() -> None:
    assert len({fault.content for fault in FAULTS}) == len(FAULTS) >= 72
    assert {fault.dialect for fault in FAULTS} == {dialect.name for dialect in dialects()}
    assert [missed for fault in FAULTS if (missed := _missed(fault))] == []


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_the_file_without_fault_shows_nothing(sample: Sample) -> None:
    dialect = detected(sample.content[:HEAD_BYTES])
    assert dialect is not None
    assert dialect.name == sample.dialect
    assert dialect.check(BytesIO(sample.content), "essai").anomalies == ()

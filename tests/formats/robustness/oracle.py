"""What may happen to a damaged file, and what must not.

- `anomaly`: something is reported, in the damaged record or after it, and nothing before it;
- `changed`: the file reads as other values, all legal, each named: what was read is written back
  to the same bytes, so nothing was guessed nor lost;
- `same`: the values are those of the sample, and the bytes differ in a way the norm allows.

Anything else is a failure, and so is a person's data in a message.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from formats.catalogue import HEAD_BYTES, UNDETECTED, detected, dialect
from formats.common.anomaly import Anomaly
from formats.fixedwidth import encode, layout
from tests.formats.robustness.mutations import Mutation
from tests.formats.robustness.samples import Sample


@dataclass(frozen=True)
class Verdict:
    """How a damaged file ended; `told` names the fields changed, or why the bytes may differ."""

    outcome: str
    told: tuple[str, ...]


class BrokenPromiseError(AssertionError):
    """A promise about damaged files isn't kept."""


def judged(sample: Sample, mutation: Mutation) -> Verdict:
    """The verdict on one damaged copy; raises BrokenPromiseError, or what the product raises."""
    known = detected(mutation.content[:HEAD_BYTES])
    report = dialect(sample.dialect).check(BytesIO(mutation.content), "essai", 1000)
    _say_nothing_personal(sample, report.anomalies)
    if report.sound and known is None:
        return Verdict("anomaly", (UNDETECTED.id,))
    if report.sound:
        return _sound(sample, mutation)
    _well_placed(sample, mutation, report.anomalies)
    return Verdict("anomaly", tuple(anomaly.code.id for anomaly in report.anomalies))


def _say_nothing_personal(sample: Sample, anomalies: tuple[Anomaly, ...]) -> None:
    said = " ".join(map(str, anomalies))
    for secret in sample.secrets:
        if secret in said:
            line = next(str(one) for one in anomalies if secret in str(one))
            raise BrokenPromiseError(f"a personal value is told: {line}")


def _well_placed(sample: Sample, mutation: Mutation, anomalies: tuple[Anomaly, ...]) -> None:
    """Records before the damage are those of the sample, where nothing is wrong.

    Something lost between two records may be missed from the first of them on.
    """
    touched = bisect_right(sample.starts, max(mutation.at - 1, 0))
    early = [one for one in anomalies if 0 < one.place.line < touched]
    if early:
        raise BrokenPromiseError(f"record {touched} is damaged, but: {early[0]}")


def _sound(sample: Sample, mutation: Mutation) -> Verdict:
    """Nothing was reported: every byte must be accounted for."""
    records = sample.read(mutation.content)
    if unread := [record for record in records if not hasattr(record, "_fields")]:
        raise BrokenPromiseError(f"{len(unread)} records can't be read, and nothing is reported")
    written = b"".join(map(encode, records))
    if sample.counted and len(records) != len(sample.records):
        raise BrokenPromiseError(f"{len(sample.records)} records → {len(records)}, not reported")
    told = tuple(_differences(sample.records, records))
    if written == mutation.content:
        return Verdict("changed" if told else "same", told or ("the same bytes",))
    reason = sample.tolerated(mutation.content, written)
    if not reason:
        raise BrokenPromiseError(f"nothing is reported, but bytes were lost; seen: {told}")
    return Verdict("changed" if told else "same", (*told, reason))


def _differences(before: tuple[object, ...], after: tuple[object, ...]) -> Iterator[str]:
    """`record 5, 4.rate_pct: 100 → 101`, one by one."""
    if len(before) != len(after):
        yield f"{len(before)} records → {len(after)}"
    for number, (old, new) in enumerate(zip(before, after, strict=False), 1):
        if type(old) is not type(new):
            yield f"record {number}: {layout(type(old)).name} → {layout(type(new)).name}"
        elif old != new:
            table = layout(type(new))
            for name in table.names:
                was, now = getattr(old, name), getattr(new, name)
                if was != now:
                    yield f"record {number}, {table.name}.{name}: {was!r} → {now!r}"

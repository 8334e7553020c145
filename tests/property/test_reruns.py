"""Pay per run: whatever arrives when, no two runs of a sample within 24 h are ever both billed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from billing.contracts.contract import RuleState, RunOptions
from billing.contracts.engine import claimed, rate_contract
from billing.contracts.runs import Run
from tests.billing.contracts.build import contract
from tests.norms.contracts.test_run_seed_figures import ANALYSER, metered

DAY = timedelta(hours=24)
MARCH_31 = date(2026, 3, 31)
DAYS = [date(2026, 3, day) for day in (2, 3, 4, 5)]
START = datetime(2026, 3, 1, tzinfo=UTC)
RUNS = st.lists(
    st.builds(
        lambda minutes, patient, kind, asset: Run(
            0, asset, START + timedelta(minutes=minutes), patient, kind, 1
        ),
        st.integers(0, 4 * 24 * 60 // 30).map(lambda n: n * 30) | st.integers(0, 5760),
        st.integers(1, 2),
        st.sampled_from(["sang", "urine"]),
        st.integers(1, 2),
    ),
    max_size=14,
).map(lambda runs: [run._replace(id=n) for n, run in enumerate(runs, 1)])


def _billed_now(known: dict[int, Run], billed: list[int], on: date) -> list[int]:
    """What a run of the month billed on that day adds."""
    analysers = tuple(
        ANALYSER._replace(id=n, code=f"B{n}", heard_on=on, installed_on=date(2025, 1, 1))
        for n in (1, 2)
    )
    rules = [
        metered(on, analyser=one)._replace(
            id=n, code=f"R{n}", state=RuleState(on), since=date(2025, 1, 1)
        )
        for n, one in enumerate(analysers, 1)
    ]
    signed = contract(*rules)
    waiting = [run for run in known.values() if run.id not in billed and run.ran_on <= on]
    claims = claimed([signed], waiting, [known[id_] for id_ in billed])
    rating = rate_contract(signed, {}, RunOptions(on), claims)
    lines = [line for one in rating.rules for line in one.rated.lines]
    return [line.event.id for line in lines if line.event]


@given(RUNS, st.data())
def test_no_two_runs_of_a_sample_within_24_hours_are_both_billed(
    runs: list[Run], data: st.DataObject
) -> None:
    """Feeds in any order, some sent again, bills on any days; the last one leaves nothing due."""
    again = data.draw(st.lists(st.sampled_from(runs))) if runs else []
    arrivals = data.draw(st.permutations([*runs, *again]))
    days = [*data.draw(st.lists(st.sampled_from(DAYS), max_size=3)), MARCH_31]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(runs)), min_size=3, max_size=3)))
    known: dict[int, Run] = {}
    billed: list[int] = []
    for on, low in zip(days, [0, *cuts], strict=False):
        known |= {run.id: run for run in (arrivals if on == MARCH_31 else arrivals[:low])}
        billed += _billed_now(known, billed, on)
    assert len(billed) == len(set(billed))
    pairs = combinations([known[id_] for id_ in billed], 2)
    assert all(a.sample != b.sample or abs(a.ran_at - b.ran_at) >= DAY for a, b in pairs)
    for run in known.values():
        near = (known[id_] for id_ in billed if known[id_].sample == run.sample)
        assert run.id in billed or any(abs(run.ran_at - one.ran_at) < DAY for one in near)

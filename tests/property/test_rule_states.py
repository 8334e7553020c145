"""Rule states: what an event sets leads from the state before it to the state after it."""

from __future__ import annotations

import itertools
import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from billing.contracts.contract import RuleState
from integration.database.tables import json_text
from integration.translate.rule_states import patch, patched, state_fields, state_of

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
METERS = st.integers(1, 4)
STATES = st.builds(
    RuleState,
    next_theoretical=st.none() | DAYS,
    last_theoretical=st.none() | DAYS,
    last_actual=st.none() | DAYS,
    last_invoice=st.sampled_from(["", "F-2019/7", "A12"]),
    occurrences=st.integers(0, 60),
    counters=st.dictionaries(METERS, st.integers(0, 10**9), max_size=4),
    offered_used=st.integers(0, 5000),
    billed_on=st.dictionaries(METERS, DAYS, max_size=4),
    own=st.dictionaries(st.sampled_from(["bound", "given"]), st.sampled_from(["1041", "7 8"])),
    increases=st.dictionaries(
        st.sampled_from(["2026-01-01", "2026-07-01+1"]),
        st.sampled_from([{"kind": "company"}, {"kind": "custom", "value": "1.05"}]),
    ),
)


@given(STATES, STATES)
def test_a_patch_leads_from_before_to_after(before: RuleState, after: RuleState) -> None:
    old, new = state_fields(before), state_fields(after)
    change = json.loads(json_text(patch(old, new)))
    assert patched(old, change) == new


@given(STATES)
def test_nothing_changed_is_an_empty_patch(state: RuleState) -> None:
    fields = state_fields(state)
    assert patch(fields, fields) == {}
    assert patched(fields, {}) == fields


@given(STATES)
def test_a_state_is_read_back_as_it_was_written(state: RuleState) -> None:
    assert state_of(json.loads(json_text(state_fields(state)))) == state


@given(st.lists(STATES, min_size=1, max_size=6))
def test_a_story_is_its_opening_and_its_events(story: list[RuleState]) -> None:
    """What `verify` rebuilds: opening state, then every event in order."""
    fields = [state_fields(state) for state in story]
    state = fields[0]
    for before, after in itertools.pairwise(fields):
        state = patched(state, patch(before, after))
    assert state == fields[-1]


@given(STATES, METERS)
def test_a_counter_at_zero_stays(state: RuleState, meter: int) -> None:
    """A meter billed at 0 isn't a meter that was never billed."""
    after = state._replace(counters={**state.counters, meter: 0})
    change = patch(state_fields(state), state_fields(after))
    found = state_of(patched(state_fields(state), change))
    assert found.counters[meter] == 0

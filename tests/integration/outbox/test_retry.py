"""What follows a try: a pure decision, whatever the story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.outbox.retry import Decision, Event, Patience, State, Story, decide, story

T0 = datetime(2026, 3, 31, 20, tzinfo=UTC)
PATIENCE = Patience(attempts=8, deadline=timedelta(hours=72))


def test_waits_grow_fourfold_to_six_hours() -> None:
    waits = []
    for attempts in range(1, 8):
        decided = decide(Event.BROKEN, Story(attempts, T0), T0, PATIENCE)
        assert decided.next_try is not None
        waits.append((decided.next_try - T0).total_seconds() / 60)
    assert waits == [1, 4, 16, 64, 256, 360, 360]
    assert decide(Event.BROKEN, Story(8, T0), T0, PATIENCE) == Decision(State.FAILED)


def test_the_deadline_counts_from_the_first_try() -> None:
    late = T0 + timedelta(hours=71, minutes=59)
    assert decide(Event.BROKEN, Story(1, T0), late, PATIENCE).state is State.TODO
    assert decide(Event.BROKEN, Story(2, T0), late, PATIENCE).state is State.FAILED


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (Event.DELIVERED, State.SENT),
        (Event.REFUSED, State.FAILED),
        (Event.UNCERTAIN, State.UNCERTAIN),
    ],
)
def test_some_ends_are_final_whatever_the_count(event: Event, state: State) -> None:
    assert decide(event, Story(1, T0), T0, PATIENCE) == Decision(state)


def test_a_doubt_that_runs_out_of_tries_is_uncertain_not_failed() -> None:
    assert decide(Event.LOST, Story(8, T0), T0, PATIENCE).state is State.UNCERTAIN
    doubted = Story(8, T0, doubt=True)
    assert decide(Event.UNBEGUN, doubted, T0, PATIENCE).state is State.UNCERTAIN


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("", Story()),
        ("begun", Story(1, T0, True)),
        ("begun broken", Story(1, T0, False)),
        ("begun lost unbegun", Story(2, T0, True)),
        ("begun held resumed", Story(1, T0, True)),
        ("begun lost begun", Story(2, T0, True)),
        ("begun uncertain resent", Story()),
        ("unbegun unbegun", Story(2, T0, False)),
    ],
)
def test_a_story_is_folded(events: str, expected: Story) -> None:
    assert story((Event(one), T0) for one in events.split()) == expected


@given(
    st.sampled_from([Event.BROKEN, Event.LOST, Event.UNBEGUN]),
    st.integers(1, 10_000),
    st.integers(0, 10**6),
)
def test_every_row_ends(event: Event, attempts: int, minutes: int) -> None:
    now = T0 + timedelta(minutes=minutes)
    decided = decide(event, Story(attempts, T0), now, PATIENCE)
    if decided.state is State.TODO:
        assert attempts < 8
        assert decided.next_try is not None
        assert now < decided.next_try <= T0 + PATIENCE.deadline
    else:
        assert decided.state in (State.FAILED, State.UNCERTAIN)

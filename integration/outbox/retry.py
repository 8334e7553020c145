"""What becomes of a row after a try: pure decisions over the row's story.

The story of a row is its events, oldest first. A try begins, and ends in one of several ways; a
try that began and never ended, or whose answer was lost, leaves a doubt. What a person does
(`resent`) starts the count anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=6)
_GROWTH: Final = 4


class State(StrEnum):
    """Of a row. Only `todo` rows leave by themselves."""

    TODO = "todo"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    HELD = "held"


class Event(StrEnum):
    """What happened to a row; the first ones to a try, the last ones by hand."""

    BEGUN = "begun"  # from here on something may arrive
    DELIVERED = "delivered"
    REFUSED = "refused"
    BROKEN = "broken"  # begun, and surely not arrived
    LOST = "lost"  # perhaps arrived; the next try looks
    UNCERTAIN = "uncertain"  # perhaps arrived; a person decides
    UNBEGUN = "unbegun"  # no connection, or it ended before anything could arrive
    RESENT = "resent"
    MARKED = "marked"
    HELD = "held"
    RESUMED = "resumed"


_TRIES: Final = {Event.BEGUN, Event.UNBEGUN}
_DOUBTFUL: Final = {Event.BEGUN, Event.LOST}
_SAYS_NOTHING: Final = {Event.UNBEGUN, Event.HELD, Event.RESUMED}


@dataclass(frozen=True, slots=True)
class Story:
    """attempts: tries since the last start; first_at: the first of them; doubt: it may be there."""

    attempts: int = 0
    first_at: datetime | None = None
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a partner is insisted on."""

    attempts: int
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class Decision:
    """The state that follows, and from when a `todo` row may leave again."""

    state: State
    next_try: datetime | None = None


def story(events: Iterable[tuple[Event, datetime]]) -> Story:
    """Fold the events of a row, oldest first."""
    told = Story()
    for event, at in events:
        if event is Event.RESENT:
            told = Story()
            continue
        tried = event in _TRIES
        told = Story(
            told.attempts + tried,
            told.first_at or (at if tried else None),
            told.doubt if event in _SAYS_NOTHING else event in _DOUBTFUL,
        )
    return told


def decide(outcome: Event, so_far: Story, now: datetime, patience: Patience) -> Decision:
    """The row after a try that ended so; `so_far` counts that try.

    Refused and uncertain are for a person. The others wait 1, 4, 16… minutes, six hours at most,
    till the tries or the days run out; then `failed`, or `uncertain` where a doubt is left.
    """
    match outcome:
        case Event.DELIVERED:
            return Decision(State.SENT)
        case Event.REFUSED:
            return Decision(State.FAILED)
        case Event.UNCERTAIN:
            return Decision(State.UNCERTAIN)
    wait = min(_FIRST_WAIT * _GROWTH ** min(so_far.attempts - 1, 9), _LONGEST_WAIT)
    ends = (so_far.first_at or now) + patience.deadline
    if so_far.attempts < patience.attempts and now + wait <= ends:
        return Decision(State.TODO, now + wait)
    doubt = so_far.doubt or outcome is Event.LOST
    return Decision(State.UNCERTAIN if doubt else State.FAILED)

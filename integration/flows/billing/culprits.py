"""When a chunk fails: which contracts are to blame, so that the others post without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from integration.flows.billing.gather import Scope, contract_ids
from integration.flows.billing.order import Billing
from integration.posting import Overtaken

TRIALS: Final = 1000  # a group: when nearly all its contracts fail, the fault isn't theirs
Trial = Callable[[Scope], Exception | None]
"""Plans and posts some contracts for nothing; returns the error they cause, if any."""


def mended(
    connection: Connection, run: Billing, scope: Scope, error: Exception, trial: Trial
) -> list[Scope]:
    """What to plan anew when a scope failed.

    Several groups: each by itself. One group: itself without the contracts that fail alone; when
    none does, or it fails even so, without any, so that each is named. Raises the error again
    when nothing is left to leave out.
    """
    if len(scope.groups) > 1:
        return [Scope([group]) for group in scope.groups]
    if isinstance(error, Overtaken):
        return [Scope(scope.groups)]  # somebody else moved a rule meanwhile: on fresh facts
    ids = contract_ids(connection, run.choice, scope)
    if len(scope.broken) >= len(ids):
        raise error
    broken = {} if scope.broken else _culprits(scope, ids, error, trial, iter(range(TRIALS)))
    return [Scope(scope.groups, broken=broken or dict.fromkeys(ids, type(error).__name__))]


def _culprits(
    scope: Scope, ids: Sequence[int], error: Exception, trial: Trial, left: Iterator[int]
) -> dict[int, str]:
    """By halves: a few trials a bad contract, however large the group. Empty when each half goes
    well without the other; all of `ids` when no trial is left."""
    if len(ids) == 1:
        return {ids[0]: type(error).__name__}
    found: dict[int, str] = {}
    middle = len(ids) // 2
    for half in (ids[:middle], ids[middle:]):
        if next(left, None) is None:
            return dict.fromkeys(ids, type(error).__name__)
        again = trial(Scope(scope.groups, only=frozenset(half)))
        if again:
            found |= _culprits(scope, half, again, trial, left)
    return found

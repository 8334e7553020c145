"""Billing with a second planner: the same bytes, also when it is killed."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from typing import Any

import pytest

from integration import failpoints
from integration.flows.billing import ahead
from integration.flows.billing.ahead import _Claims
from integration.flows.billing.gather import Selection
from integration.flows.billing.run import Billing, bill
from integration.inbox import import_waiting
from tests.faults.invariants import Books, books
from tests.faults.killing import run
from tests.faults.scenario import NIGHTS, Home, arrive, first_night
from tests.faults.stages import Stage


def billed(home: Home, *, in_two: bool) -> None:
    """Two months of contracts, without the rest of the night."""
    arrive(home, NIGHTS[0], first_night())
    with home.app(NIGHTS[0]) as app:
        import_waiting(app.office(), settle_s=0)
        for day in NIGHTS[:2]:
            options = app.options(day)
            bill(Billing(app.engine, Selection(1), options, app.accounts, ahead=in_two))


def planner_dies(at: int) -> None:
    """The planner's own process is killed at its `at`-th failpoint; the writer isn't told."""
    plan = ahead._plan

    def doomed(pipe: Pipe, other_end: Pipe, work: Billing, claims: _Claims) -> None:
        failpoints.arm(at)
        plan(pipe, other_end, work, claims)

    ahead._plan = doomed


def planner_dies_while_speaking() -> None:
    """The planner announces a thousand bytes, says four of them and is gone."""

    def cut(pipe: Pipe, *_: Any) -> None:
        os.write(pipe.fileno(), struct.pack("!i", 1000) + b"half")

    ahead._plan = cut


DEATHS: tuple[Callable[[], None], ...] = (
    *(partial(planner_dies, at) for at in range(1, 5)),
    planner_dies_while_speaking,
)


@pytest.fixture(scope="module")
def alone(sqlite_stage: Stage) -> Books:
    """What one planner writes, whatever the database."""
    with sqlite_stage.fresh() as home:
        run(lambda: billed(home, in_two=False))
        return books(home)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("death", [None, *DEATHS])
def test_f45_two_planners_write_the_bytes_of_one_even_when_the_second_is_killed(
    stage: Stage, alone: Books, death: Callable[[], None] | None
) -> None:
    with stage.fresh() as home:
        run(lambda: billed(home, in_two=True), change=death)
        assert books(home) == alone


@pytest.mark.timeout(60)
@pytest.mark.parametrize("at", [70, 80, 90])
def test_f45_the_writer_killed_and_run_again_writes_the_bytes_of_one(
    stage: Stage, alone: Books, at: int
) -> None:
    with stage.fresh() as home:
        assert run(lambda: billed(home, in_two=True), at).killed
        run(lambda: billed(home, in_two=True))
        assert books(home) == alone

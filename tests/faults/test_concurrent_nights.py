"""Two nights of the same day at once: nothing twice, whoever wins."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.faults.invariants import faults as faults_of
from tests.faults.killing import run
from tests.faults.scenario import arrive, play
from tests.faults.stages import Stage
from tests.faults.sweep import Undisturbed


def at_once(*works: Callable[[], object]) -> list[int]:
    """Exit codes of several pieces of work, each in a process, let go together."""
    reader, writer = os.pipe()
    children = []
    for work in works:
        child = os.fork()
        if not child:
            os.close(writer)
            os.read(reader, 1)  # until everybody is there
            os._exit(_code(work))
        children.append(child)
    os.close(reader)
    os.close(writer)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _code(work: Callable[[], object]) -> int:
    try:
        run(work)
    except BaseException as error:
        print(error)
        return 1
    return 0


@pytest.mark.timeout(120)
def test_f14_two_nights_at_once_do_nothing_twice(stage: Stage, reference: Undisturbed) -> None:
    with stage.fresh() as home:
        for day, arrived in reference.arrivals.items():
            arrive(home, day, arrived)
            night = {day: arrived}
            codes = at_once(*[lambda night=night: play(home, night)] * 2)
            assert codes == [0, 0]
        assert list(faults_of(home, reference.arrived)) == []

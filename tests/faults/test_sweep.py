"""Killed anywhere and run again, the nights leave the books of an undisturbed run."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.faults import twins
from tests.faults.invariants import books, differences, faults
from tests.faults.killing import run
from tests.faults.scenario import play
from tests.faults.stages import Stage
from tests.faults.sweep import SEED, Undisturbed, sweep, swept

SAMPLE = 6


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.feature("X-CRA-01")
def test_f1_killed_anywhere_and_run_again_gives_the_same_digests(
    stage: Stage, reference: Undisturbed, all_failpoints: bool
) -> None:
    points = range(1, len(reference.points) + 1)
    found = swept(stage, reference, points if all_failpoints else sample(reference.points))
    assert not found, f"{len(found)} fault(s), the first: {found[0]}"


def sample(points: tuple[str, ...]) -> list[int]:
    """One point of each of some names, the same ones on every machine."""
    chance = random.Random(SEED)
    names = chance.sample(sorted(set(points)), SAMPLE)
    return [
        chance.choice([at for at, one in enumerate(points, 1) if one == name]) for name in names
    ]


@pytest.mark.feature("X-CRA-01")
@pytest.mark.parametrize("twin", twins.TWINS, ids=lambda twin: twin.__name__)
def test_f1_a_broken_twin_is_caught(
    twin: Callable[[], None], stage: Stage, reference: Undisturbed
) -> None:
    with stage.fresh() as home:
        passed = run(lambda: play(home, reference.arrivals), change=twin).points
    shows = [at for at, name in enumerate(passed, 1) if name in twins.TWINS[twin]]
    assert next(sweep(stage, reference, shows[:3], twin), None)


def test_f1_the_undisturbed_run_is_sound_and_both_databases_come_to_it(
    stage: Stage, reference: Undisturbed
) -> None:
    with stage.fresh() as home:
        assert run(lambda: play(home, reference.arrivals)).points == reference.points
        assert list(faults(home, reference.arrived)) == []
        assert list(differences(reference.books, books(home))) == []
        played = books(home)
        assert run(lambda: play(home, reference.arrivals)).points == ()
        assert books(home) == played


def test_f1_every_step_of_a_night_has_its_failpoints(reference: Undisturbed) -> None:
    steps = (
        *("import", "contracts", "care", "teletransmit", "returns", "watch", "send", "report"),
        "send-report",
    )
    names = set(reference.points)
    assert {f"night.{step}" for step in steps} <= names
    assert {f"night.{step}.recorded" for step in steps} <= names
    rooms = {name.partition(".")[0] for name in names}
    assert rooms == {
        "night", "inbox", "kept", "bill", "post", "care", "teletransmit", "returns", "outbox",
        "folder", "report", "whole", "closing", "anchor",
    }  # fmt: skip

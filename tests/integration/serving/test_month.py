"""The clerk's month, as the sample `jobs.toml` has it."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from config.jobs import SAMPLE, Jobs, occurrences
from integration.nights import job_steps
from integration.serving.board import Board
from integration.serving.ticks import Ticker
from tests.integration.billing.house import House, contract, copies, house_at
from tests.integration.serving.clockwork import PARIS

JOBS = Jobs.model_validate(tomllib.loads(SAMPLE))
ASSETS = "bien;client;compteur;volume_contractuel\n" + "".join(
    f"B{n};C1;NB;1000\n" for n in (1, 2, 3)
)


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """Three copiers of one customer, installed on 1 January 2026."""
    with house_at(sqlite_url, tmp_path) as made:
        made.customers("C1")
        made.bring("assets", ASSETS)
        made.readings(*((f"B{n}", "NB", "2026-01-01", 100, "pose") for n in (1, 2, 3)))
        one, two, three = (copies(f"B{n}", "0.01", [(f"B{n}", "NB")]) for n in (1, 2, 3))
        made.contracts(contract("K1", "C1", one, two), contract("K2", "C1", three))
        yield made


def at(house: House, moment: str) -> None:
    """The server lives up to that moment of Paris, from the day before."""
    now = datetime.fromisoformat(moment).replace(tzinfo=PARIS)
    app = replace(house.app, clock=lambda: now)
    told: list[str] = []
    ticker = Ticker(Board(app.engine, 1, 1), job_steps(app), PARIS, lambda: now, told.append)
    ticker.load(JOBS)
    ticker.tick()
    assert not any("échec" in line for line in told), told


def asked(house: House, day: str) -> list[str]:
    """The machines whose reading the file of a day asks for."""
    path = house.app.settings.folders.exports / f"demandes-releves-{day}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["Bien"] for row in csv.DictReader(file, delimiter=";")]


@pytest.mark.feature("A-REL-14")
def test_the_sample_month_asks_on_day_20_and_only_what_is_missing_on_25_and_29(
    house: House,
) -> None:
    """Sample calendar produces these occurrences and requests fewer on 25 than on 20."""
    month = [
        datetime(2026, 3, 1, tzinfo=PARIS),
        datetime(2026, 4, 1, tzinfo=PARIS),
    ]
    found = [one for name in JOBS.jobs for one in occurrences(JOBS, name, *month, PARIS)]
    assert [(one.day.day, one.job) for one in sorted(found) if one.job != "nuit"] == [
        (20, "cycle-20"),
        (25, "cycle-25-29"),
        (29, "cycle-25-29"),
        (31, "fin-de-mois"),
    ]
    at(house, "2026-03-19T12:00")
    at(house, "2026-03-20T07:00")
    assert asked(house, "2026-03-20") == ["B1", "B2", "B3"]
    house.readings(*((f"B{n}", "NB", "2026-03-22", 3100, "prestataire") for n in (1, 2)))
    at(house, "2026-03-25T07:00")
    assert asked(house, "2026-03-25") == ["B3"]
    at(house, "2026-03-29T07:00")
    assert asked(house, "2026-03-29") == ["B3"]
    checks = sorted((house.app.settings.folders.outbox / "controles").iterdir())
    assert len(checks) == 3
    assert (
        checks[-1]
        .read_text("utf-8-sig")
        .startswith("Contrôle;Contrat;Règle;Libellé;Depuis;Quantité;Montant HT\nestimation;K2;B3;")
    )
    assert house.invoices() == []
    at(house, "2026-03-31T21:00")
    assert list(dict.fromkeys(code for code, *_ in house.lines())) == ["B1", "B2", "B3"]
    estimated = house.rows(
        "SELECT a.code FROM reading r JOIN meter m ON m.id = r.meter_id"
        " JOIN asset a ON a.id = m.asset_id WHERE r.origin = 'estimate'"
    )
    assert set(estimated) == {("B3",)}
    on_readings, on_estimates = house.invoices()
    assert (on_readings[1], on_estimates[1]) == ("2026-03-31", "2026-03-31")


def test_the_other_rhythm_of_the_sample_is_a_job_too() -> None:
    """`au fil`: each day what is due, on readings only."""
    lines = SAMPLE[SAMPLE.index("# [jobs.au-fil]") :].splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines)
    job = Jobs.model_validate(tomllib.loads(text)).jobs["au-fil"]
    assert [step.value for step in job.steps] == ["import", "bill-on-readings", "send"]
    assert job.days == ()
    assert job.work_day(date(2026, 3, 20)) == date(2026, 3, 20)

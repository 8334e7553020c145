"""What a monitor reads: figures of a house that worked, alerts that only name what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from integration.monitoring import FAMILIES, page
from integration.nights import play_night
from tests.integration.billing.house import House, contract, fee, house_at
from tests.integration.serving.clockwork import jobs_of

LINE = re.compile(r'echeance_(\w+)(\{(\w+="[^"\n]*",?)+\})? (-?[\d.e+-]+)$')
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)  # the clock of the house


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A night that billed one contract; one row of its outbox is in doubt."""
    with house_at(database_url, tmp_path) as made:
        made.customers("C1")
        made.contracts(contract("K1", "C1", fee("MF", "25.00")))
        play_night(made.app, datetime(2026, 2, 2, tzinfo=UTC).date())
        made.execute("UPDATE outbox SET state = 'uncertain' WHERE kind = 'invoice_pdf'")
        yield made


def read(text: str) -> dict[str, float]:
    """Samples by name and labels; every other line is help or a type."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("# "):
            match = LINE.fullmatch(line)
            assert match, line
            found[line.rpartition(" ")[0].removeprefix("echeance_")] = float(match[4])
    return found


def test_figures_say_what_the_tables_say(house: House) -> None:
    found = read(page(house.app, chain_ok=True))
    assert found['documents_total{kind="contract"}'] == 1
    assert found['invoice_last_number{series="VT2026"}'] == 1
    assert found["due_cents"] == 6000  # January and February
    assert found['outbox{partner="folder",state="uncertain"}'] == 1
    assert found["uncertain_total"] == 1
    assert found['outbox_oldest_seconds{partner="folder",state="uncertain"}'] == 0
    assert found['last_success_timestamp{job="night"}'] == NOW.timestamp()
    assert found["chain_ok"] == 1
    assert found["disk_free_bytes"] > 0
    assert read(page(house.app, chain_ok=False))["chain_ok"] == 0


def test_a_job_is_late_from_its_first_occurrence_nobody_did(house: House) -> None:
    from integration.serving.board import Board

    file = house.app.settings.folders.home / "jobs.toml"
    file.write_text('[jobs.soir]\nsteps = ["import"]\nat = "22:15"\n', "utf-8")
    known = jobs_of(soir={"steps": ["import"], "at": "22:15"})
    Board(house.app.engine, house.app.organisation_id, 1).register(
        known, datetime(2029, 12, 30, 12, tzinfo=UTC)
    )
    found = read(page(house.app, chain_ok=True))
    first = datetime(2029, 12, 30, 21, 15, tzinfo=UTC)  # 22:15 in Paris
    assert found['occurrence_overdue_seconds{job="soir"}'] == (NOW - first).total_seconds()
    house.execute(
        "INSERT INTO job_run (organisation_id, job, due_at, day, state, ended_at) VALUES"
        " (1, 'soir', '2029-12-31T21:15:00+00:00', '2029-12-31', 'done',"
        " '2029-12-31T21:16:00+00:00')"
    )
    found = read(page(house.app, chain_ok=True))
    assert found['occurrence_overdue_seconds{job="soir"}'] == 0
    done = datetime(2029, 12, 31, 21, 16, tzinfo=UTC)
    assert found['last_success_timestamp{job="soir"}'] == done.timestamp()


def test_every_family_has_its_help_and_every_alert_names_one(house: House) -> None:
    text = page(house.app, chain_ok=True)
    for name in FAMILIES:
        assert f"# TYPE echeance_{name} " in text
    alerts = (files("integration") / "monitoring" / "alerts.yml").read_text("utf-8")
    named = set(re.findall(r"echeance_(\w+)", alerts))
    assert named <= set(FAMILIES)
    assert len(re.findall(r"^ +expr: ", alerts, re.MULTILINE)) == alerts.count("alert: ") == 9

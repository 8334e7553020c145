"""Asked once, on both databases, wherever the power is cut."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from formats.message.reply import Reply
from integration.executors import SerialExecutor
from integration.flows.requests import Asked, ask, asked_machines, asking_of, trace
from integration.nights import requests
from integration.translate.request_letters import request_letters
from tests.faults.killing import run
from tests.integration.billing.house import House, contract, copies, house_at

DAY = date(2026, 3, 1)


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """B1 and B2 of C1, reached by mail; the summary goes to the manager."""
    with house_at(database_url, tmp_path, MAILTO="gestion@bureau.example") as made:
        made.bring("customers", "code;nom;email\nC1;Martin;c1@client.example\n")
        made.bring(
            "assets",
            "bien;client;compteur;demande_releve\nB1;C1;NB;e-mail\nB2;C1;NB;e-mail\n",
        )
        made.readings(*((one, "NB", "2026-01-01", 1000, "pose") for one in ("B1", "B2")))
        made.contracts(contract("K1", "C1", copies("UC", "0.01", [("B1", "NB"), ("B2", "NB")])))
        yield made


def asked(house: House, on: date = DAY) -> Asked:
    """One run that asks for all."""
    return ask(house.app.requests(asking_of(house.app.settings, DAY)), on)


def kept(house: House) -> list[tuple[str, str, str]]:
    """The trace: machine, address, state."""
    with house.engine.connect() as connection:
        rows = trace(connection, house.app.organisation_id, date.min)
    return [(row.asset, row.address, row.state) for row in rows]


def test_a_second_run_asks_nothing(house: House) -> None:
    report = requests(house.app, DAY)
    assert report == {"letters": 2, "requested": 2, "unrequested": 0, "attention": []}
    again = requests(house.app, DAY)
    assert (again["letters"], again["unrequested"]) == (0, 2)
    assert kept(house) == [("B1", "c1@client.example", "todo"), ("B2", "c1@client.example", "todo")]


def test_the_unique_key_decides(house: House) -> None:
    """Whatever a run believed: a machine stands once for a date."""
    asked(house)
    with pytest.raises(IntegrityError):
        house.execute(
            "INSERT INTO reading_request_asset (asset_id, requested_on, reading_request_id, level)"
            " SELECT asset_id, requested_on, reading_request_id, level FROM reading_request_asset"
        )


def test_killed_before_the_transaction_ends_nothing_is_asked_then_all_of_it(house: House) -> None:
    def dying() -> None:
        asked(house)

    house.engine.dispose()
    assert run(dying, kill_at=1) is not None
    assert kept(house) == []
    assert asked(house).letters == 2
    assert len(kept(house)) == 2


def test_a_letter_is_the_same_bytes_each_time(house: House) -> None:
    asked(house)
    with house.engine.connect() as connection:
        ids = [id_ for (id_,) in house.rows("SELECT id FROM reading_request ORDER BY id")]
        settings, executor = house.app.settings, SerialExecutor()
        first, again = (
            list(request_letters(connection, ids, executor, settings=settings)) for _ in range(2)
        )
    assert first == again
    assert [message_from_bytes(one)["To"] for one in first] == [None, None]


def test_only_the_letter_s_own_reference_opens_its_machines(house: House) -> None:
    asked(house)
    ((reference,),) = house.rows("SELECT reference FROM reading_request WHERE channel = 'email'")
    _, number, token = reference.split("-")
    app = house.app
    for given, wanted in ((token, {"B1", "B2"}), ("0" * 12, set())):
        reply = Reply(int(number), given, "", ())
        assert asked_machines(app.engine, app.organisation_id, reply) == wanted

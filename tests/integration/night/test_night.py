"""The night: every step once, killed and taken up again, then the day is closed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from formats.common.anomaly import AnomaliesFound
from integration import nights
from integration.database import tables as t
from integration.flows.closing import refuse_entries
from integration.flows.night import Night, Step, run_night
from tests.integration.billing.house import House, contract, fee, house_at
from tests.integration.posting.books import days, open_books, posted, sale

DAY = date(2026, 3, 31)
NAMES = (
    *("import", "contracts", "care", "teletransmit", "returns", "watch", "send", "report"),
    "send-report",
)


class Killed(BaseException):
    """The power goes."""


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A house on each database."""
    with house_at(database_url, tmp_path) as made:
        yield made


def _steps(played: list[str], *, killed_at: str = "") -> list[Step]:
    def step(name: str) -> Step:
        def does(day: date) -> dict[str, Any]:
            if name == killed_at:
                raise Killed
            played.append(name)
            return {"day": day.isoformat()}

        return Step(name, name, does)

    return [step(name) for name in ("one", "two", "three")]


def _night(engine: Engine, steps: Sequence[Step], day: date) -> Night:
    """A night that only refuses later entries, without a key to sign with."""
    return run_night(engine, 1, steps, day, lambda c, closed: refuse_entries(c, 1, closed))


def _closed(engine: Engine) -> date | None:
    with engine.connect() as connection:
        found: date | None = connection.scalar(select(t.organisation.c.closed_until))
        return found


def test_steps_play_once_in_order_and_close_the_day(engine: Engine) -> None:
    open_books(engine, 1)
    played: list[str] = []
    night = _night(engine, _steps(played), DAY)
    assert (played, night.already) == (["one", "two", "three"], False)
    assert night.reports["two"] == {"day": "2026-03-31"}
    assert _closed(engine) == DAY
    again = _night(engine, _steps(played), DAY)
    assert (again.already, again.reports, len(played)) == (True, {}, 3)


@pytest.mark.parametrize("killed_at", ["one", "two", "three"])
def test_a_killed_night_goes_on_where_it_stopped(engine: Engine, killed_at: str) -> None:
    open_books(engine, 1)
    played: list[str] = []
    with pytest.raises(Killed):
        _night(engine, _steps(played, killed_at=killed_at), DAY)
    assert _closed(engine) is None
    night = _night(engine, _steps(played), DAY)
    assert played == ["one", "two", "three"]
    assert next(iter(night.reports)) == killed_at
    assert _closed(engine) == DAY


def test_an_older_night_does_not_open_a_closed_day(engine: Engine) -> None:
    open_books(engine, 1)
    _night(engine, _steps([]), DAY)
    _night(engine, _steps([]), date(2026, 3, 30))
    assert _closed(engine) == DAY


def test_what_comes_after_the_night_is_dated_on_the_next_day(engine: Engine) -> None:
    open_books(engine, 1)
    _night(engine, _steps([]), DAY)
    posted(engine, sale(DAY))
    assert days(engine) == ["2026-04-01"]


def test_the_whole_night_imports_bills_sends_and_reports(house: House) -> None:
    house.customers("C1")
    document = contract("K1", "C1", fee("MF", "25.00", debut="2026-03-01"))
    inbox = house.app.settings.folders.inbox / "contracts" / "k1.json"
    inbox.write_text(json.dumps(document), "utf-8")
    night = nights.play_night(house.app, DAY)
    assert tuple(night.reports) == NAMES
    assert night.reports["import"]["counts"]["contrats créés"] == 1
    assert night.reports["contracts"] == {
        "invoices": 1,
        "gross_cents": 3000,
        "blocked": 0,
        "deferred": 0,
        "attention": [],
    }
    assert night.reports["send"] == {"invoice_pdf": 1}
    assert house.invoices() == [(1, "2026-03-31", "C1", 2500, 500, 3000)]
    report = json.loads(_report(house).read_bytes())
    assert report["made"] == {"contract": {"count": 1, "cents": 3000}}
    assert report["totals"]["agree"]
    assert nights.play_night(house.app, DAY).already


def _report(house: House) -> Path:
    folder: Path = house.app.settings.folders.reports
    return folder / "nuit-2026-03-31.json"


def test_a_night_without_anything_is_reported_too(house: House) -> None:
    night = nights.play_night(house.app, DAY)
    assert tuple(night.reports) == NAMES
    report = json.loads(_report(house).read_bytes())
    assert report["made"] == {}
    assert report["todo"] == []
    assert not any(one.get("attention") for one in night.reports.values())


@pytest.mark.parametrize("killed", range(len(NAMES)))
def test_killed_at_any_step_the_night_ends_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch, killed: int
) -> None:
    house.customers("C1")
    house.contracts(contract("K1", "C1", fee("MF", "25.00", debut="2026-03-01")))
    real = nights.steps(house.app)

    def dies(day: date) -> Any:
        real[killed].does(day)
        raise Killed

    broken = [*real]
    broken[killed] = Step(real[killed].name, real[killed].title, dies)
    with pytest.raises(Killed):
        _night(house.engine, broken, DAY)
    nights.play_night(house.app, DAY)
    assert house.invoices() == [(1, "2026-03-31", "C1", 2500, 500, 3000)]
    assert house.rows("SELECT state FROM outbox") == [("sent",), ("sent",)]
    assert sorted(house.rows("SELECT job FROM occurrence")) == sorted((name,) for name in NAMES)
    assert _closed(house.engine) == DAY


def test_an_invoice_that_cannot_be_drawn_stops_neither_the_others_nor_the_night(
    house: House,
) -> None:
    """A customer without address: its page is refused, and named; the day is closed."""
    house.customers("C1", "C2", "C3")
    house.contracts(*(contract(f"K{n}", f"C{n}", fee("MF", "25.00")) for n in (1, 2, 3)))
    house.execute("UPDATE customer SET address = '' WHERE code = 'C2'")
    night = nights.play_night(house.app, DAY)
    assert night.reports["send"]["invoice_pdf"] == 2
    (told,) = night.reports["send"]["attention"]
    assert "VT2026-000002.pdf" in told["text"]
    assert told["code"] == "FMT-305"
    assert _closed(house.engine) == DAY
    states = house.rows("SELECT file_name, state FROM outbox ORDER BY id")
    assert [state for _, state in states] == ["sent", "todo", "sent", "sent"]


def test_a_bad_page_in_another_process_stops_nothing_either(
    sqlite_url: str, tmp_path: Path
) -> None:
    with house_at(sqlite_url, tmp_path, executor="processes") as house:
        house.customers("C1", "C2")
        house.contracts(*(contract(f"K{n}", f"C{n}", fee("MF", "25.00")) for n in (1, 2)))
        house.execute("UPDATE customer SET address = '' WHERE code = 'C1'")
        house.bill("2026-01-01")
        with pytest.raises(AnomaliesFound, match="FMT-305"):
            house.app.outbox().send()
        assert house.rows("SELECT state FROM outbox ORDER BY id") == [("todo",), ("sent",)]


def test_care_that_can_not_be_priced_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = nights.price_care(house.app.care(), DAY)
    failed.failed.append((7, "KeyError"))
    monkeypatch.setattr(nights, "price_care", lambda *_: failed)
    (told,) = nights.play_night(house.app, DAY).reports["care"]["attention"]
    assert told["text"].startswith(
        "RUN-192 Les soins du patient n° 7 n'ont pas pu être facturés (KeyError)."
    )

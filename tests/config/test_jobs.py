"""When jobs fall: months, weeks, closed days, the two odd nights of the year."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config import jobs as job_file
from config.jobs import Jobs, Occurrence, coming, occurrences
from formats.common.anomaly import AnomaliesFound

PARIS = ZoneInfo("Europe/Paris")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def _jobs(calendar: dict[str, object] | None = None, **job: object) -> Jobs:
    one = {"steps": ["import"], "at": "04:15", **job}
    return Jobs.model_validate({**(calendar or {}), "jobs": {"j": one}})


def _between(jobs: Jobs, since: str, until: str) -> list[Occurrence]:
    first = datetime.fromisoformat(since).replace(tzinfo=PARIS)
    return list(
        occurrences(jobs, "j", first, datetime.fromisoformat(until).replace(tzinfo=PARIS), PARIS)
    )


def _days(jobs: Jobs, since: str, until: str) -> list[str]:
    return [str(one.day) for one in _between(jobs, since, until)]


def test_f24_half_past_two_in_spring_comes_once_an_hour_later() -> None:
    found = _between(_jobs(at="02:30"), "2026-03-28", "2026-03-30T12:00")
    assert [str(one.at.astimezone(PARIS)) for one in found] == [
        "2026-03-28 02:30:00+01:00",
        "2026-03-29 03:30:00+02:00",
        "2026-03-30 02:30:00+02:00",
    ]


def test_f24_the_doubled_hour_of_autumn_counts_once_its_first() -> None:
    found = _between(_jobs(at="02:30"), "2026-10-24T12:00", "2026-10-26T12:00")
    assert [str(one.at) for one in found] == [
        "2026-10-25 00:30:00+00:00",
        "2026-10-26 01:30:00+00:00",
    ]


def test_f24_leap_days_and_short_months_have_their_last_day() -> None:
    assert _days(_jobs(days=[29], months=[2]), "2027-01-01", "2029-01-01") == [
        "2027-02-28",
        "2028-02-29",
    ]
    assert _days(_jobs(days=[31]), "2026-01-01", "2026-05-01") == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]
    assert _days(_jobs(days=[-1, -2]), "2026-02-01", "2026-03-01") == ["2026-02-27", "2026-02-28"]


def test_f24_the_year_s_end_belongs_to_its_own_year() -> None:
    found = _between(_jobs(at="23:59", days=[-1], months=[12]), "2026-12-01", "2027-02-01")
    assert [(one.day, str(one.at)) for one in found] == [
        (date(2026, 12, 31), "2026-12-31 22:59:00+00:00")
    ]


def test_days_of_the_week_and_of_the_month_together() -> None:
    jobs = _jobs(days=["lundi", 15])
    assert _days(jobs, "2026-06-08", "2026-06-22T12:00") == [
        "2026-06-08",
        "2026-06-15",
        "2026-06-22",
    ]


@pytest.mark.parametrize(
    ("shift", "day"), [("same", "2026-05-08"), ("previous", "2026-05-07"), ("next", "2026-05-11")]
)
def test_f25_a_holiday_shifts_to_an_open_day(shift: str, day: str) -> None:
    """8 May 2026 is a Friday; the week-end is closed too."""
    (one,) = _between(_jobs(days=[8], shift=shift), "2026-05-01", "2026-05-31")
    assert (str(one.day), str(one.planned_on)) == (day, "2026-05-08")
    assert one.reason == ("" if shift == "same" else "8 mai 1945")


def test_f25_places_and_own_closed_days() -> None:
    friday = _jobs({"holidays": "alsace-moselle"}, days=[3], months=[4], shift="next")
    assert _days(friday, "2026-04-01", "2026-05-01") == ["2026-04-07"]
    own = _jobs({"closed_days": [date(2026, 4, 7)]}, days=[6], months=[4], shift="next")
    assert _days(own, "2026-04-01", "2026-05-01") == ["2026-04-08"]


def test_f25_several_days_shifted_to_one_are_one_occurrence() -> None:
    jobs = _jobs(shift="next")
    assert _days(jobs, "2026-05-07", "2026-05-12") == ["2026-05-07", "2026-05-11"]


def test_a_shift_that_leaves_the_month_is_found_from_either_side() -> None:
    """31 May 2026 is a Sunday: Friday 29 before, Monday 1 June after."""
    assert _days(_jobs(days=[31], shift="next"), "2026-06-01", "2026-06-02") == ["2026-06-01"]
    assert _days(_jobs(days=[31], shift="previous"), "2026-05-29", "2026-05-30") == ["2026-05-29"]


def test_windows_that_touch_lose_and_double_nothing() -> None:
    jobs = _jobs(at="02:30", shift="previous")
    whole = _between(jobs, "2026-01-01", "2027-01-01")
    start = datetime(2026, 1, 1, tzinfo=PARIS).astimezone(UTC)
    pieces: list[Occurrence] = []
    while start < datetime(2027, 1, 1, tzinfo=PARIS):
        end = min(start + timedelta(hours=31), datetime(2027, 1, 1, tzinfo=PARIS))
        pieces += occurrences(jobs, "j", start, end, PARIS)
        start = end
    assert [one.at for one in pieces] == [one.at for one in whole]


def test_coming_goes_over_years_and_ends() -> None:
    rare = _jobs(days=[29], months=[2], at="12:00")
    found = coming(rare, datetime(2026, 3, 1, tzinfo=UTC), 3, PARIS)
    assert [str(one.day) for one in found] == ["2027-02-28", "2028-02-29", "2029-02-28"]
    assert coming(Jobs(), LONG_AGO, 3, PARIS) == []


# --- the file ---------------------------------------------------------------------------------


def _refused(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / job_file.FILE_NAME
    path.write_text(text, "utf-8")
    with pytest.raises(AnomaliesFound) as found:
        job_file.load(path)
    return [str(one) for one in found.value.anomalies]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('at = "24:00"', "CFG-005 jobs.toml : La valeur de la clé « jobs.nuit.at »"),
        ("at = 04:15:00", "CFG-005 jobs.toml : La valeur de la clé « jobs.nuit.at »"),
        ('at = "04:15"\ndays = [0]', "CFG-005 jobs.toml : La valeur de la clé « jobs.nuit.days »"),
        ('at = "04:15"\ndays = ["monday"]', "CFG-005 jobs.toml : La valeur de la clé"),
        ('at = "04:15"\nday = [1]', "CFG-003 jobs.toml : La clé « jobs.nuit.day » est inconnue"),
        ('at = "04:15"\nshift = "after"', "« jobs.nuit.shift » n'est pas admise"),
        ('at = "04:15"\nat = "04:15"', "CFG-002 jobs.toml, ligne 4"),
    ],
)
def test_a_wrong_key_is_named_in_french(tmp_path: Path, line: str, said: str) -> None:
    found = _refused(tmp_path, f'[jobs.nuit]\nsteps = ["import"]\n{line}\n')
    assert len(found) == 1
    assert said in found[0]


def test_the_nearest_key_is_proposed(tmp_path: Path) -> None:
    (said,) = _refused(tmp_path, '[jobs.nuit]\nsteps = ["import"]\nat = "04:15"\nday = [1]\n')
    assert "la plus proche : « days »" in said


def test_names_and_work_dates_are_checked(tmp_path: Path) -> None:
    text = (
        '[jobs."Nuit noire"]\nsteps = ["import"]\nat = "04:15"\n'
        '[jobs.avance]\nsteps = ["import", "bill"]\nat = "04:15"\nwork_on = "month-end"\n'
        '[jobs.double]\nsteps = ["send", "send"]\nat = "04:15"\n'
    )
    first, second, third = _refused(tmp_path, text)
    assert first.startswith("CFG-301 jobs.toml : Le nom de la tâche « Nuit noire »")
    assert second.startswith("CFG-302 jobs.toml : La tâche « avance » facturerait d'avance")
    assert "« jobs.double.steps »" in third


def test_no_open_day_near_is_said() -> None:
    closed = [date(2026, 5, 1) + timedelta(n) for n in range(60)]
    jobs = _jobs({"closed_days": closed}, days=[8], months=[5], shift="next")
    with pytest.raises(AnomaliesFound, match="CFG-303"):
        _between(jobs, "2026-05-01", "2026-06-01")


def test_month_end_is_the_work_date() -> None:
    job = _jobs(days=[20], work_on="month-end").jobs["j"]
    assert job.work_day(date(2028, 2, 20)) == date(2028, 2, 29)


def test_without_file_there_are_no_jobs(tmp_path: Path) -> None:
    assert job_file.load(tmp_path / job_file.FILE_NAME).jobs == {}

"""Jobs: `jobs.toml` says what the server does by itself, and when; occurrences are computed here.

Pure: from a job and two instants to the instants in between. A time that doesn't exist in spring
is taken an hour later, a doubled one in autumn is its first; a day a month doesn't have is its
last. What the ticker sees late or twice is for `integration.jobs` to sort out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from config.holidays import Place as HolidayPlace
from config.holidays import holiday
from config.settings import BAD_VALUE, Section, anomaly_of, read_toml
from formats.common.anomaly import AnomaliesFound, Anomaly, Code, Place

FILE_NAME: Final = "jobs.toml"
BAD_JOB: Final = Code(
    "CFG-301",
    "Le nom de la tâche « {job} » n'admet que minuscules, chiffres et tirets (40 au plus).",
    "Renommez la tâche.",
)
NOT_AHEAD: Final = Code(
    "CFG-302",
    "La tâche « {job} » facturerait d'avance : une étape qui comptabilise travaille au jour même.",
    'Retirez work_on = "month-end", ou faites-en une tâche à part avec days = [-1].',
)
NO_DAY_LEFT: Final = Code(
    "CFG-303",
    "La tâche « {job} » ne trouve pas de jour ouvré près du {day:%d/%m/%Y}.",
    "Vérifiez closed_weekdays et closed_days.",
)

WEEKDAYS: Final = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
Weekday = Literal["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST: Final = 31
_FARTHEST: Final = timedelta(days=31)  # a shift that finds no open day in a month never will


class StepName(StrEnum):
    """What a job may do, step by step."""

    NIGHT = "night"
    NIGHT_WITHOUT_CONTRACTS = "night-without-contracts"
    IMPORT = "import"
    SIMULATE = "simulate"
    REQUEST = "request"
    BILL_ON_READINGS = "bill-on-readings"
    BILL = "bill"
    CARE = "care"
    TELETRANSMIT = "teletransmit"
    RETURNS = "returns"
    SEND = "send"


_AHEAD: Final = frozenset({StepName.IMPORT, StepName.SIMULATE, StepName.REQUEST, StepName.SEND})


class Shift(StrEnum):
    """Where an occurrence goes when its day is closed."""

    SAME = "same"
    PREVIOUS = "previous"
    NEXT = "next"


def _clock(value: object) -> object:
    """A quoted `HH:MM`: TOML's own times have seconds and fractions nobody means."""
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError(value)
    return time.fromisoformat(value)


class Job(Section):
    """One job. Business dates are those of the organisation's zone."""

    steps: tuple[StepName, ...] = Field(min_length=1, description="étapes, dans l'ordre")
    at: Annotated[time, BeforeValidator(_clock)] = Field(description='heure locale, ex. "21:15"')
    days: tuple[int | str, ...] = Field(
        (), description="jours du mois (-1 : le dernier) ou de la semaine ; vide : tous"
    )
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(
        (), description="mois, 1 à 12 ; vide : tous"
    )
    shift: Shift = Field(
        Shift.SAME, description="jour fermé : same (quand même), previous ou next (jour ouvré)"
    )
    work_on: Literal["day", "month-end"] = Field(
        "day", description="date de travail : day (le jour même) ou month-end (fin du mois)"
    )
    catch_up_days: int = Field(
        7, ge=0, le=400, description="jours pendant lesquels une échéance manquée est rattrapée"
    )

    @field_validator("days")
    @classmethod
    def _in_a_month_or_week(cls, value: tuple[int | str, ...]) -> tuple[int | str, ...]:
        for day in value:
            if day not in WEEKDAYS and not (isinstance(day, int) and 1 <= abs(day) <= _LONGEST):
                raise ValueError(day)
        return value

    def work_day(self, day: date) -> date:
        """The date the steps work on."""
        return day if self.work_on == "day" else _last_of_month(day)


class Jobs(Section):
    """The file `jobs.toml`."""

    holidays: HolidayPlace = Field(HolidayPlace.NATIONAL, description="jours fériés de ce lieu")
    closed_weekdays: tuple[Weekday, ...] = Field(
        ("samedi", "dimanche"), description="jours de la semaine fermés"
    )
    closed_days: tuple[date, ...] = Field((), description="autres jours fermés, ex. [2026-12-24]")
    jobs: dict[str, Job] = Field({}, description="une table par tâche")

    @model_validator(mode="after")
    def _some_open_weekday(self) -> Jobs:
        if set(self.closed_weekdays) >= set(WEEKDAYS):
            raise ValueError("closed_weekdays")
        return self

    def closed(self, day: date) -> str:
        """Why a day is closed, in French; "" for an open one."""
        if name := holiday(day, self.holidays):
            return name
        if day in self.closed_days:
            return "jour fermé"
        weekday = WEEKDAYS[day.weekday()]
        return weekday if weekday in self.closed_weekdays else ""


class Occurrence(NamedTuple):
    """One time a job is to run: `at` is its instant (UTC) and its key, `day` the local date.

    planned_on: the day before the shift; reason: why it was shifted.
    """

    at: datetime
    job: str
    day: date
    planned_on: date
    reason: str = ""


def load(path: Path) -> Jobs:
    """The jobs of a TOML file; no file, no jobs. Raises AnomaliesFound with every fault."""
    if not path.is_file():
        return Jobs()
    try:
        found = Jobs.model_validate(read_toml(path))
    except ValidationError as wrong:
        raise AnomaliesFound(
            *(anomaly_of(one, path.name, Jobs) for one in wrong.errors())
        ) from None
    if faults := [one for name, job in found.jobs.items() for one in _faults(path.name, name, job)]:
        raise AnomaliesFound(*faults)
    return found


def _faults(file: str, name: str, job: Job) -> Iterator[Anomaly]:
    if not _NAME.fullmatch(name):
        yield Anomaly(BAD_JOB, Place(file), {"job": name})
    if job.work_on == "month-end" and not _AHEAD.issuperset(job.steps):
        yield Anomaly(NOT_AHEAD, Place(file), {"job": name})
    if len(job.steps) != len(set(job.steps)):
        values = {"key": f"jobs.{name}.steps", "allowed": " ; chaque étape une fois", "near": ""}
        yield Anomaly(BAD_VALUE, Place(file), values)


def occurrences(
    jobs: Jobs, name: str, since: datetime, until: datetime, zone: ZoneInfo
) -> Iterator[Occurrence]:
    """The occurrences of a job with since < at <= until, in order, each instant once.

    Several days shifted to the same one make a single occurrence. Raises AnomaliesFound (CFG-303)
    when no open day is near.
    """
    job = jobs.jobs[name]
    farthest = timedelta(2) if job.shift is Shift.SAME else _FARTHEST + timedelta(2)
    day = since.astimezone(zone).date() - farthest
    last = until.astimezone(zone).date() + farthest
    found: dict[datetime, Occurrence] = {}
    while day <= last:
        if _falls(job, day):
            one = _occurrence(jobs, name, day, zone)
            if since < one.at <= until:
                found.setdefault(one.at, one)
        day += timedelta(1)
    return iter(sorted(found.values()))


def coming(
    jobs: Jobs, now: datetime, count: int, zone: ZoneInfo, job: str = ""
) -> list[Occurrence]:
    """The next occurrences of all jobs, or of one; fewer when there are none in ten years."""
    found: list[Occurrence] = []
    span, until = timedelta(days=40), now
    while len(found) < count and until < now + timedelta(days=3660):
        since, until, span = until, until + span, 2 * span
        names = [job] if job else list(jobs.jobs)
        found += sorted(
            one for name in names for one in occurrences(jobs, name, since, until, zone)
        )
    return found[:count]


def _falls(job: Job, day: date) -> bool:
    """Whether a job is planned on a day; the 31st of a shorter month is its last day."""
    if job.months and day.month not in job.months:
        return False
    last = _last_of_month(day).day
    return not job.days or any(
        WEEKDAYS[day.weekday()] == one if isinstance(one, str) else _in_month(one, last) == day.day
        for one in job.days
    )


def _in_month(day: int, last: int) -> int:
    return min(day, last) if day > 0 else max(1, last + 1 + day)


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(4)).replace(day=1) - timedelta(1)


def _occurrence(jobs: Jobs, name: str, planned: date, zone: ZoneInfo) -> Occurrence:
    job = jobs.jobs[name]
    reason = "" if job.shift is Shift.SAME else jobs.closed(planned)
    day = _open_day(jobs, name, planned) if reason else planned
    # fold=0: the first of a doubled hour; a missing one keeps winter's offset and so comes later.
    at = datetime.combine(day, job.at, zone).astimezone(UTC)
    return Occurrence(at, name, day, planned, reason)


def _open_day(jobs: Jobs, name: str, planned: date) -> date:
    step = timedelta(-1 if jobs.jobs[name].shift is Shift.PREVIOUS else 1)
    day = planned
    while jobs.closed(day):
        day += step
        if abs(day - planned) > _FARTHEST:
            raise AnomaliesFound(Anomaly(NO_DAY_LEFT, values={"job": name, "day": planned}))
    return day


SAMPLE: Final = """\
# Tâches que joue « echeance serve ». « echeance calendar next » montre les prochaines dates,
# « kill -HUP » du serveur relit ce fichier. Une tâche nouvelle, ou dont l'horaire change,
# commence maintenant : rien d'antérieur n'est rattrapé pour elle.
#
#   steps          étapes dans l'ordre : night (comme « echeance run night », qui rend compte et
#                  clôt le jour), night-without-contracts, import, simulate, request,
#                  bill-on-readings, bill, care, teletransmit, returns, send
#   at             heure locale ; hors de 02:00-03:00, que le changement d'heure double ou saute
#   days           jours du mois (-1 : le dernier) ou de la semaine ("lundi") ; sans : tous
#   months         mois, 1 à 12 ; sans : tous
#   shift          jour fermé : "same" (quand même), "previous" ou "next" (jour ouvré voisin)
#   work_on        date de travail : "day", ou "month-end" pour préparer la fin du mois
#   catch_up_days  jours pendant lesquels une échéance manquée est rattrapée (7)

holidays = "national"        # alsace-moselle, guadeloupe, guyane, martinique, mayotte, reunion…
closed_weekdays = ["samedi", "dimanche"]
closed_days = []             # autres jours fermés, par exemple [2026-12-24]

[jobs.nuit]
steps = ["night-without-contracts"]
at = "22:15"

# Le mois des contrats. Le 20 : importer, simuler, demander les relevés.
[jobs.cycle-20]
steps = ["import", "simulate", "request", "send"]
at = "06:15"
days = [20]
work_on = "month-end"

# Les 25 et 29 : simuler, ne redemander que ce qui manque, envoyer les contrôles (plus fortes
# estimations, quantités et montants).
[jobs.cycle-25-29]
steps = ["import", "simulate", "request", "send"]
at = "06:15"
days = [25, 29]
work_on = "month-end"

# Le dernier jour : facturer sur relevés, puis le reste sur estimations.
[jobs.fin-de-mois]
steps = ["import", "bill-on-readings", "bill", "send"]
at = "20:15"
days = [-1]
catch_up_days = 15

# Autre rythme, « au fil » : chaque jour ce qui est échu, sans estimation. Il remplace les trois
# tâches précédentes.
# [jobs.au-fil]
# steps = ["import", "bill-on-readings", "send"]
# at = "06:45"
"""
"""The file `echeance init` writes."""

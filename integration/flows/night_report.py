"""The night's account: what was made, sent, answered, what is late, and what a person must do.

Figures come from the tables alone, as differences with the account before: a night that is cut
and run again gives the same account. It is kept with the step that made it, so that every view
and every sending of it says the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, TypedDict, cast

from sqlalchemy import Connection, Engine

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.french import agreed, counted
from integration.database.engine import snapshot
from integration.database.sql import Queries

NO_REPORT: Final = Code(
    "RUN-190",
    "Il n'y a pas de compte rendu de la nuit du {day}.",
    "Donnez le jour d'une nuit jouée, ou jouez-la avec « echeance run night ».",
)
NIGHTS_SHOWN: Final = 14
ANSWER_DAYS: Final = 30
"""Days after which an invoice that the fund hasn't answered is late."""

_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_COUNTED: Final = ("made", "sent", "transmitted", "answers", "received")
_STEPS: Final = ("contracts", "care", "teletransmit", "watch")
"""Steps whose anomalies come again as long as their cause stands."""

Figures = dict[str, dict[str, int]]
"""`count` and `cents` by name."""


class Account(TypedDict):
    """A night in plain values; amounts in cents, days as ISO text.

    made, sent, transmitted, answers, received: since the account before (`previous`, or "").
    ever: the same since the beginning. late, waiting, totals: as things stand. anomalies:
    by code, each `since` the first night that told it without a break. todo: what, and the mend.
    """

    day: str
    organisation: str
    previous: str
    made: Figures
    sent: Figures
    transmitted: Figures
    answers: Figures
    received: Figures
    late: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    totals: dict[str, Any]
    anomalies: list[dict[str, Any]]
    todo: list[dict[str, str]]
    nights: list[dict[str, Any]]
    ever: dict[str, Figures]
    last_file: int


def account(engine: Engine, organisation_id: int, name: str, day: date) -> Account:
    """The account of a day, over one snapshot. name: of the organisation."""
    with snapshot(engine) as connection:
        before = _earlier(connection, organisation_id, day)
        previous = before[0] if before else {}
        ask = _Asking(connection, organisation_id, day)
        ever = {one: ask.figures(one) for one in _COUNTED}
        new = {one: _since(ever[one], previous.get("ever", {}).get(one, {})) for one in _COUNTED}
        refused = ask.rows("refused", after=previous.get("last_file", 0))
        waiting = [
            {"partner": partner, "state": state, "count": count, "first": first}
            for partner, state, count, first in ask.rows("waiting")
        ]
        late, totals = list(ask.late(previous.get("day", ""))), ask.totals()
        anomalies = list(_anomalies(ask, refused, previous))
        return Account(
            day=day.isoformat(),
            organisation=name,
            previous=previous.get("day", ""),
            made=new["made"],
            sent=new["sent"],
            transmitted=new["transmitted"],
            answers=new["answers"],
            received=new["received"],
            late=late,
            waiting=waiting,
            totals=totals,
            anomalies=anomalies,
            todo=list(_todo(totals, waiting, new["answers"], late, anomalies)),
            nights=[*map(_brief, reversed(before)), _brief({**new, "day": day.isoformat()})],
            ever=ever,
            last_file=max([row[0] for row in refused] + [previous.get("last_file", 0)]),
        )


def kept(connection: Connection, organisation_id: int, day: date) -> Account:
    """The account a night left. Raises AnomaliesFound (RUN-140)."""
    found = _SQL.rows(connection, "report", organisation=organisation_id, day=day)
    told = cast(Account, json.loads(found[0][0])) if found else None
    if told is None:
        raise AnomaliesFound(Anomaly(NO_REPORT, values={"day": f"{day:%d/%m/%Y}"}))
    return told


class _Asking:
    """Questions about one organisation at the end of one day."""

    def __init__(self, connection: Connection, organisation_id: int, day: date) -> None:
        self._connection, self._organisation, self.day = connection, organisation_id, day

    def rows(self, name: str, **values: object) -> list[tuple[Any, ...]]:
        values = {"organisation": self._organisation, "day": self.day, **values}
        return _SQL.rows(self._connection, name, **values)

    def figures(self, name: str) -> Figures:
        return {
            key: {"count": int(count), "cents": int(cents)} for key, count, cents in self.rows(name)
        }

    def late(self, previous: str) -> Iterator[dict[str, Any]]:
        """What should have happened and hasn't."""
        before = self.day - timedelta(days=ANSWER_DAYS)
        for what in ("unanswered", "overdue"):
            ((count, cents, oldest),) = self.rows(what, before=before)
            if count:
                yield {
                    "what": what, "count": count, "cents": int(cents), "oldest": str(oldest),
                }  # fmt: skip
        missed = (self.day - date.fromisoformat(previous)).days - 1 if previous else 0
        if missed > 0:
            yield {"what": "nights", "count": missed, "cents": 0, "oldest": previous}

    def totals(self) -> dict[str, Any]:
        """Documents = entries = outbox, each counted on its own."""
        ((documents, links),) = self.rows("documents")
        debit, credit, due = map(int, self.rows("entries")[0])
        invoiced, asked = map(int, self.rows("invoiced")[0])
        ((to_leave, outbox),) = self.rows("deliveries")
        agree = (documents, debit, invoiced, to_leave) == (links, credit, asked, outbox)
        return {
            "agree": agree, "documents": documents, "links": links, "debit_cents": debit,
            "credit_cents": credit, "due_cents": due, "invoiced_cents": invoiced,
            "asked_cents": asked, "to_leave": to_leave, "outbox": outbox,
        }  # fmt: skip


def _earlier(connection: Connection, organisation_id: int, day: date) -> list[dict[str, Any]]:
    values = {"organisation": organisation_id, "day": day, "many": NIGHTS_SHOWN - 1}
    told = (json.loads(report) for _, report in _SQL.rows(connection, "reports", **values))
    return [one for one in told if "ever" in one]


def _since(now: Figures, before: Figures) -> Figures:
    """What was added, without what didn't move."""
    nothing = {"count": 0, "cents": 0}
    moved = {
        name: {unit: value - before.get(name, nothing)[unit] for unit, value in one.items()}
        for name, one in now.items()
    }
    return {name: one for name, one in moved.items() if any(one.values())}


def _brief(told: Mapping[str, Any]) -> dict[str, Any]:
    """A night as the chart of nights shows it."""
    made = told["made"]
    return {
        "day": told["day"],
        "contract_cents": made.get("contract", {}).get("cents", 0),
        "care_cents": made.get("care", {}).get("cents", 0),
    }


def _anomalies(
    ask: _Asking, refused: Iterable[tuple[Any, ...]], previous: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Anomalies by code, once: those of the steps, and of files refused since last night."""
    known = {one["code"]: one["since"] for one in previous.get("anomalies", ())}
    found: dict[str, dict[str, Any]] = {}
    steps = dict(ask.rows("steps"))
    groups = [one for step in _STEPS for one in _said(steps.get(step)).get("attention", ())]
    for _, report in refused:
        groups += _said(report).get("groups", ())
    for one in groups:
        told = found.setdefault(one["code"], {**one, "count": 0, "examples": []})
        told["count"] += one["count"]
        told["examples"] = list(dict.fromkeys([*told["examples"], *one["examples"]]))[:3]
        told["since"] = known.get(one["code"], ask.day.isoformat())
    yield from found.values()


def _said(report: str | None) -> dict[str, Any]:
    return json.loads(report) if report else {}


_MENDS: Final = {
    "uncertain": (
        "{count} envoi(s) peut-être arrivé(s) chez « {partner} », à partir de {first}",
        "Demandez-lui s'il les a, puis « echeance mark-sent » avec sa réponse, ou"
        " « echeance resend ».",
    ),
    "failed": (
        "{count} envoi(s) abandonné(s) pour « {partner} », à partir de {first}",
        "« echeance outbox show » dit pourquoi ; corrigez, puis « echeance resend ».",
    ),
    "held": (
        "{count} envoi(s) retenu(s) pour « {partner} »",
        "« echeance resume » les laisse partir quand il est temps.",
    ),
    "unanswered": (
        "{count} facture(s) télétransmise(s) sans réponse, la plus ancienne du {oldest}",
        "Appelez la caisse : demandez-lui l'accusé du fichier ou son retour NOEMIE.",
    ),
    "overdue": (
        "{count} facture(s) échue(s) et impayée(s), la plus ancienne du {oldest}",
        "« echeance unpaid » les liste : relancez.",
    ),
    "nights": (
        "{count} nuit(s) non jouée(s), la première le {oldest}",
        "Jouez-les dans l'ordre : « echeance run night --date JOUR ».",
    ),
}


def _todo(
    totals: Mapping[str, Any],
    waiting: Iterable[Mapping[str, Any]],
    answers: Figures,
    late: Iterable[Mapping[str, Any]],
    anomalies: Iterable[Mapping[str, Any]],
) -> Iterator[dict[str, str]]:
    """What no machine can do, each with how."""
    if not totals["agree"]:
        yield _task("Les totaux ne concordent pas", "« echeance verify » nomme le défaut.")
    for one in waiting:
        if one["state"] in _MENDS:
            yield _mend(one["state"], one)
    if rejected := answers.get("R"):
        yield _task(
            counted(rejected["count"], "part(s) rejetée(s)") + " par les organismes",
            "Corrigez le dossier, puis « echeance recycle » avec le numéro de la facture.",
        )
    for one in late:
        yield _mend(one["what"], one)
    for one in anomalies:
        said = one["sentence"] or one["examples"][0]
        yield _task(f"{one['code']} (× {one['count']}) : {said.rstrip('.')}", one["mend"])


def _mend(name: str, values: Mapping[str, Any]) -> dict[str, str]:
    what, mend = _MENDS[name]
    oldest = values.get("oldest")
    shown = {"oldest": f"{date.fromisoformat(oldest):%d/%m/%Y}"} if oldest else {}
    return _task(agreed(what, **{**values, **shown}), mend)


def _task(what: str, mend: str) -> dict[str, str]:
    return {"what": what, "mend": mend}

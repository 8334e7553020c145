"""Readings to ask for: who is asked, by which means, and the letters that leave.

Source: contracts.md §9; seed 004, "Faire les demandes de relevés compteur par fax ou e-mail".
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine

from billing.contracts.requests import (
    OVERRULED,
    Channel,
    Found,
    Level,
    Line,
    Machine,
    Point,
    Why,
    dialled,
    fault,
    reach,
)
from billing.contracts.seen import Asking, Proposal, to_ask
from config.settings import Settings
from config.templates import Templates, load_templates
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.message import reply
from integration.database import tables as t
from integration.database.alone import alone
from integration.database.bulk import insert_rows, reserve_ids
from integration.database.engine import snapshot
from integration.database.sql import Queries
from integration.database.tables import json_text
from integration.failpoints import reach as failpoint
from integration.flows.billing.gather import Scope, gather, group_chunks
from integration.flows.billing.order import Billing
from integration.translate.meter_rows import day
from integration.translate.request_content import content_of, summary_of
from integration.translate.request_letters import picture_name

NOT_PROPOSED: Final = Code(
    "RUN-151",
    "Le bien « {asset} » n'est pas dans les relevés à demander : rien ne part pour lui.",
    "Vérifiez son code, et qu'une de ses règles est échue.",
)
MISNAMED: Final = Code(
    "RUN-154",
    "L'image « {found} » n'est pas prise : son nom doit être « {wanted} », minuscules comprises.",
    "Renommez-la ; en attendant, la demande part sans elle.",
)
_SQL: Final = Queries(Path(__file__).with_suffix(".sql"))
_LETTER: Final = (
    *("id", "organisation_id", "reference", "requested_on", "channel", "address"),
    *("mail_to", "recipient", "prepared_at", "content"),
)
_TRACE: Final = ("asset_id", "requested_on", "reading_request_id", "level")
_OUTBOX: Final = (
    *("id", "organisation_id", "key", "kind", "partner", "file_name", "subject_id", "state"),
)
_SUMMARY: Final = "summary"

Ticks = Mapping[str, str | None]
"""Machines ticked by code, with the address typed for each; None: the one proposed."""


@dataclass(frozen=True, slots=True)
class Requests:
    """A run of requests: whom to ask, with which settings, at which instant (UTC)."""

    run: Billing
    settings: Settings
    asking: Asking
    now: datetime


@dataclass(slots=True)
class Asked:
    """What was prepared. lines: sent and not sent, in order. letters: how many mails and faxes."""

    lines: list[Line] = field(default_factory=list)
    letters: int = 0
    anomalies: list[Anomaly] = field(default_factory=list)

    @property
    def sent(self) -> list[Line]:
        """Those a letter leaves for."""
        return [line for line in self.lines if not line.why]

    @property
    def unsent(self) -> list[Line]:
        """Those nothing leaves for."""
        return [line for line in self.lines if line.why]


def asking_of(settings: Settings, work_date: date, unread_since: date | None = None) -> Asking:
    """Whom the parameters ask on a day."""
    chosen = settings.parameters
    return Asking(
        work_date,
        chosen.NB_JOURS_MAX_SANS_RELEVE_COMPTEUR_REEL,
        chosen.IGNORE_FACTURE_THEORIQUE_POUR_COLLECTE_COMPTEUR,
        unread_since,
    )


def proposed(run: Billing, asking: Asking) -> Iterator[Proposal]:
    """Meters of the rules due on the work date, last actually read too long ago."""
    on = asking.work_date
    with snapshot(run.engine) as connection:
        for groups in group_chunks(connection, run.choice, on):
            for one in gather(connection, run.choice, Scope(groups), on, run.decisions):
                for contract in one.contracts:
                    yield from to_ask(contract, one.readings, asking)


def lines_of(requests: Requests, requested_on: date) -> list[Line]:
    """The proposal: a row a machine, in order of customer and code; nothing is written."""
    meters: dict[int, dict[int, Proposal]] = defaultdict(dict)
    for one in proposed(requests.run, requests.asking):
        meters[one.meter.asset_id].setdefault(one.meter.id, one)
    with requests.run.engine.connect() as connection:
        rows = _SQL.rows(connection, "assets", ids=list(meters))
        values = {"ids": list(meters), "requested_on": requested_on}
        before = _SQL.rows(connection, "asked", **values)
    asked = {id_: (day(last), same) for id_, last, same in before}
    lines = []
    for machine in map(_machine, rows):
        own = tuple(meters[machine.id].values())
        found = _found(requests, machine, own, asked.get(machine.id))
        lines.append(Line(machine, own, found))
    return lines


def _machine(row: Sequence[Any]) -> Machine:
    (
        id_, code, label, serial, product, mode, contact, contact_email, contact_fax,
        location, location_email, location_fax, site, site_address, site_email, site_fax,
        customer, name, address, agency, classification, email, fax,
    ) = row  # fmt: skip
    points = (
        Point(Level.CONTACT, contact_email, contact_fax),
        Point(Level.LOCATION, location_email, location_fax),
        Point(Level.SITE, site_email, site_fax),
        Point(Level.CUSTOMER, email, fax),
    )
    return Machine(
        id_, code, label, serial, product, mode, contact, location, site, site_address,
        customer, name, address, agency, classification, points,
    )  # fmt: skip


def _found(
    requests: Requests,
    machine: Machine,
    meters: Sequence[Proposal],
    asked: tuple[date, int] | None,
) -> Found:
    """Address first, then what was asked before, then the calendar."""
    found = _through_gateway(requests, reach(machine.mode, machine.points))
    if found.why:
        return found
    today = requests.asking.work_date
    if asked and asked[1]:
        return found._replace(why=Why.DONE)
    if asked and (today - asked[0]).days <= requests.asking.days and _unanswered(meters, asked[0]):
        return found._replace(why=Why.WAITING)
    decides = requests.run.decisions.asks_on
    kinds = {one.kind for one in meters}
    if not any(decides(today, machine.agency, machine.classification, kind) for kind in kinds):
        return found._replace(why=Why.CALENDAR)
    return found


def _unanswered(meters: Sequence[Proposal], asked_on: date) -> bool:
    """Whether a meter wasn't read since it was asked for."""
    return any(one.last is None or one.last.read_on < asked_on for one in meters)


def _through_gateway(requests: Requests, found: Found) -> Found:
    if found.channel is Channel.FAX and not found.why and not requests.settings.mail.fax_gateway:
        return found._replace(why=Why.NO_GATEWAY)
    return found


def ask(requests: Requests, requested_on: date, ticks: Ticks | None = None) -> Asked:
    """Prepare the letters of the machines ticked, or of all that may leave by themselves.

    Letters, their trace and their rows of the outbox are one transaction; `send` hands them over.
    A machine is asked about once for a date, whoever tries (A-DEM-14). Raises AnomaliesFound for a
    template that can't be used.
    """
    engine, organisation = requests.run.engine, requests.run.choice.organisation_id
    templates = load_templates(requests.settings.folders.templates)
    with alone(engine, f"requests-{organisation}"):
        lines = lines_of(requests, requested_on)
        asked = Asked(lines if ticks is None else _ticked(requests, lines, ticks))
        asked.anomalies += _unknown(lines, ticks or {})
        asked.anomalies += _bad_pictures(requests, asked.sent)
        if not asked.sent:
            return asked
        letters = _letters(requests, requested_on, asked, templates)
        asked.letters = len(letters)
        with engine.begin() as connection:
            _store(connection, requests, requested_on, letters, asked)
            failpoint("requests.stored")
    return asked


def _ticked(requests: Requests, lines: Iterable[Line], ticks: Ticks) -> list[Line]:
    """What a clerk chose: a tick overrules the calendar, a typed address the one found."""
    chosen = []
    for line in lines:
        found = line.found
        if line.machine.code not in ticks:
            found = found if found.why not in OVERRULED else found._replace(why=Why.UNTICKED)
        else:
            found = _typed(requests, found, ticks[line.machine.code])
            if found.why in OVERRULED:
                found = found._replace(why=Why.SENDABLE)
        chosen.append(line._replace(found=found))
    return chosen


def _typed(requests: Requests, found: Found, address: str | None) -> Found:
    if address is None or address == found.address or found.channel is None:
        return found
    why = fault(found.channel, address)
    if not why and found.why is Why.DONE:
        why = Why.DONE
    return _through_gateway(requests, Found(found.channel, Level.BY_HAND, address, why))


def _unknown(lines: Iterable[Line], ticks: Ticks) -> Iterator[Anomaly]:
    known = {line.machine.code for line in lines}
    for code in ticks:
        if code not in known:
            yield Anomaly(NOT_PROPOSED, values={"asset": code})


def _bad_pictures(requests: Requests, lines: Iterable[Line]) -> Iterator[Anomaly]:
    """Pictures that can't be drawn, or are misnamed; their machine is asked about without one."""
    from formats.pdf.request import checked

    folder = requests.settings.folders.images
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    alike = {name.casefold(): name for name in sorted(there)}
    for name in sorted({picture_name(line.machine.product) for line in lines} - {""}):
        if name not in there and name.casefold() in alike:
            yield Anomaly(MISNAMED, values={"found": alike[name.casefold()], "wanted": name})
        try:
            if name in there:
                checked(name, (folder / name).read_bytes())
        except AnomaliesFound as bad:
            yield from bad.anomalies


# --- letters ----------------------------------------------------------------------------------


class _Letter(NamedTuple):
    """A letter before it has a number."""

    channel: str
    address: str
    mail_to: str
    recipient: str
    lines: tuple[Line, ...]
    content: dict[str, Any]


def _letters(
    requests: Requests, requested_on: date, asked: Asked, templates: Templates
) -> list[_Letter]:
    """One a customer and address, and the summary when somebody is to have it."""
    grouped: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in asked.sent:
        assert line.found.channel is not None  # what has an address has a channel
        key = (line.found.channel.value, line.found.address, line.machine.customer)
        grouped[key].append(line)
    settings = requests.settings
    settings = requests.settings
    bad = {str(one.values["name"]) for one in asked.anomalies if "name" in one.values}
    letters = []
    for (channel, address, customer), lines in grouped.items():
        content = content_of(settings, requested_on, lines, templates, bad)
        mail_to = address if channel == Channel.EMAIL else _gateway(requests, address)
        letters.append(_Letter(channel, address, mail_to, customer, tuple(lines), content))
    if told := settings.parameters.requests_told_to:
        content = summary_of(settings, requested_on, asked.lines, templates)
        letters.append(_Letter(_SUMMARY, told, told, "", (), content))
    return letters


def _gateway(requests: Requests, number: str) -> str:
    return requests.settings.mail.fax_gateway.replace("{number}", dialled(number))


def _store(
    connection: Connection,
    requests: Requests,
    requested_on: date,
    letters: Sequence[_Letter],
    asked: Asked,
) -> None:
    """Letters, trace and outbox; the unique key of asset and date decides between two runs."""
    organisation = requests.run.choice.organisation_id
    first = reserve_ids(connection, "reading_request", len(letters))
    box = reserve_ids(connection, "outbox", len(letters))
    on, at = requested_on.isoformat(), requests.now.isoformat(timespec="seconds")
    rows, trace, outbox = [], [], []
    for rank, letter in enumerate(letters):
        id_ = first + rank
        quoted = reply.reference(id_, secrets.token_hex(6))
        content = json_text(letter.content).replace("{reference}", quoted)
        rows.append(
            (id_, organisation, quoted, on, letter.channel, letter.address, letter.mail_to,
             letter.recipient, at, content)
        )  # fmt: skip
        trace += [
            (line.machine.id, on, id_, line.found.level and line.found.level.name.lower())
            for line in letter.lines
        ]
        outbox.append(
            (box + rank, organisation, f"reading_request:{organisation}:{id_}", "reading_request",
             "folder", f"{quoted}.eml", id_, "todo")
        )  # fmt: skip
    insert_rows(connection, t.reading_request, _LETTER, rows)
    insert_rows(connection, t.reading_request_asset, _TRACE, trace)
    insert_rows(connection, t.outbox, _OUTBOX, outbox)


# --- the trace, and answers -------------------------------------------------------------------


class Trace(NamedTuple):
    """What was asked: of which machine, at which address, when it left (UTC), and its state."""

    number: int
    requested_on: date
    channel: str
    prepared_at: str
    sent_at: str
    state: str
    asset: str
    level: str
    address: str
    customer: str


def trace(connection: Connection, organisation_id: int, since: date) -> list[Trace]:
    """Every machine asked about for a date from `since` on."""
    rows = _SQL.rows(connection, "sent", organisation=organisation_id, since=since)
    return [Trace(row[0], day(row[1]), *row[2:]) for row in rows]


def asked_machines(engine: Engine, organisation_id: int, answer: reply.Reply) -> set[str]:
    """Codes of the machines of the letter that an answer names; none for a letter we never sent."""
    values = {
        "organisation": organisation_id,
        "number": answer.number,
        "reference": reply.reference(answer.number, answer.token),
    }
    with engine.connect() as connection:
        return {code for (code,) in _SQL.rows(connection, "letter", **values)}

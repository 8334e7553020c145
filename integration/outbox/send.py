"""Sending: bytes are made from posted rows when they leave, the same each time.

That a try begins is written down before it does, how it ended after it: killed in between, the row
is in doubt, and the next try looks before it sends, or leaves it to a person where one can't look.
Each partner is served on its own; one that doesn't answer delays nobody.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from config.partners import BUILT_IN, AnyPartner, Partner
from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from formats.common.french import counted
from integration.database.rehearsal import is_rehearsal
from integration.executors import SerialExecutor
from integration.failpoints import reach
from integration.outbox.desk import Desk, Ended, Taken
from integration.outbox.lease import sender
from integration.outbox.retry import Event, Patience, decide
from integration.persons import Vault
from integration.posting import BAD_DATA
from integration.transport.folder import Folder
from integration.transport.opened import transport_of
from integration.transport.protocol import (
    PERSONAL,
    BarredError,
    Item,
    RefusedError,
    Transport,
    TransportError,
    UncertainError,
    UnreachableError,
)

BATCH: Final = 100
PARTNERS_AT_ONCE: Final = 4
UNMADE: Final = Code(
    "RUN-120",
    "Le fichier « {name} » n'a pas pu être préparé ({error}).",
    "Les autres sont partis ; signalez-le à l'éditeur, puis relancez « echeance send ».",
)
NO_PARTNER: Final = Code(
    "OUT-120",
    "Le partenaire « {partner} » a des envois en attente et n'a plus de fichier.",
    "Remettez son fichier dans « partners », ou « echeance hold » en attendant.",
)
NOT_EVERYBODY: Final = Code(
    "OUT-105",
    "« {partner} » a pris {name}, sauf pour {refused}.",
    "Corrigez ces adresses ; le message est parti aux autres.",
)
_REHEARSED: Final = "chez"  # below a home that is a copy
_TROUBLES: Final = 3  # in a row, then the partner waits for the next sending
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")

Made = tuple[Taken, bytes]
T = TypeVar("T")


class Maker(Protocol):
    """Makes the bytes of many subjects at once, in the order asked."""

    def __call__(
        self, connection: Connection, subjects: list[int], executor: Executor, /
    ) -> Iterable[bytes]:
        """One content a subject."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where deliveries go and who makes them. partners: by name, the built-in one among them.

    vault: encrypts what our own folder keeps; None where it is kept in clear.
    """

    engine: Engine
    organisation_id: int
    home: Path
    partners: Mapping[str, AnyPartner]
    makers: Mapping[str, Maker]
    executor: Executor
    vault: Vault | None = None

    def send(
        self,
        clock: datetime | None = None,
        refused: list[Anomaly] | None = None,
        only: str = "",
    ) -> dict[str, int]:
        """Deliver what is to do, each partner's in order; how many of each kind.

        What doesn't leave is told in `refused`; without that list AnomaliesFound carries it, once
        the rest has left. only: the name of one partner.
        """
        now = clock or datetime.now(UTC)
        with sender(self.engine, self.organisation_id) as token:
            desk = Desk(self.engine, self.organisation_id, token, now)
            desk.settle_partners(self.partners)
            desk.apply_holds()
            rounds = self._rounds(desk, only)
        wrong = [anomaly for one in rounds for anomaly in one.told]
        if refused is not None:
            refused += wrong
        elif wrong:
            raise AnomaliesFound(*wrong)
        sent: dict[str, int] = {}
        for one in rounds:
            for kind, count in one.sent.items():
                sent[kind] = sent.get(kind, 0) + count
        return sent

    def way_to(self, partner: AnyPartner) -> Transport:
        """How its items leave; in a rehearsal they end in a folder that is thrown away."""
        if is_rehearsal(self.engine) and partner.name != BUILT_IN:
            return Folder(self.home / _REHEARSED / partner.name)
        return transport_of(partner, self.home, self.vault)

    def _rounds(self, desk: Desk, only: str) -> list[Round]:
        """One round a partner; several at once only when there are several."""
        names = [name for name in desk.due() if not only or name == only]
        rounds = [Round(self, desk, name) for name in names]
        try:
            if len(rounds) > 1 and not is_rehearsal(self.engine):
                with ThreadPoolExecutor(PARTNERS_AT_ONCE) as threads:
                    list(threads.map(Round.run, rounds))
            else:
                for one in rounds:
                    one.run()
        finally:
            desk.release()
        return rounds


@dataclass(slots=True)
class Round:
    """One partner's turn in a sending."""

    outbox: Outbox
    desk: Desk
    name: str
    sent: dict[str, int] = field(default_factory=dict)
    told: list[Anomaly] = field(default_factory=list)
    troubles: int = 0

    def run(self) -> None:
        """Everything to do for the partner, till it is done or the partner fails us."""
        partner = self.outbox.partners.get(self.name)
        if partner is None:
            self.told.append(Anomaly(NO_PARTNER, values={"partner": self.name}))
            return
        transport = self.outbox.way_to(partner)
        try:
            self._batches(partner, transport)
        except AnomaliesFound as found:  # a secret that is missing or that others can read
            self.told += found.anomalies
        finally:
            transport.close()

    def _batches(self, partner: AnyPartner, transport: Transport) -> None:
        last, seconds = 0, 300 + 10 * partner.timeout_s
        while self.troubles < _TROUBLES and (
            rows := self.desk.take(self.name, last, BATCH, seconds)
        ):
            last = rows[-1].id
            if not self._opened(partner, transport, rows):
                return
            way = Way(self, partner, transport, seconds)
            for kind in dict.fromkeys(row.kind for row in rows):
                way.deliver(self._made(kind, [row for row in rows if row.kind == kind]))

    def _opened(self, partner: Partner, transport: Transport, rows: Sequence[Taken]) -> bool:
        """Whether the partner is there; a try without an answer counts, distrust doesn't."""
        try:
            transport.open()
        except BarredError as error:
            self.told.append(error.anomaly(self.name, "rien"))
        except UnreachableError as error:
            self.told.append(error.anomaly(self.name, counted(len(rows), "envoi(s)")))
            ended = [_ended(partner, self.desk, row, Event.UNBEGUN, error.why) for row in rows]
            self.desk.turn(ended, (), 0)
        else:
            return True
        return False

    def _made(self, kind: str, rows: list[Taken]) -> list[Made]:
        """Rows with their bytes; when some can't be made they are tried one by one, here."""
        try:
            contents = self._contents(kind, rows, self.outbox.executor)
        except BAD_DATA:
            return [one for row in rows for one in self._made_alone(kind, row)]
        return list(zip(rows, contents, strict=True))

    def _made_alone(self, kind: str, row: Taken) -> list[Made]:
        try:
            (content,) = self._contents(kind, [row], SerialExecutor())
        except AnomaliesFound as found:
            self.told += [one.at(replace(one.place, file=row.file_name)) for one in found.anomalies]
        except BAD_DATA as error:
            values = {"name": row.file_name, "error": type(error).__name__}
            self.told.append(Anomaly(UNMADE, values=values))
        else:
            return [(row, content)]
        return []

    def _contents(self, kind: str, rows: list[Taken], executor: Executor) -> list[bytes]:
        with self.outbox.engine.connect() as connection:
            subjects = [row.subject_id for row in rows]
            return list(self.outbox.makers[kind](connection, subjects, executor))


@dataclass(slots=True)
class Way:
    """Items on their way to one partner, over a connection that is kept."""

    round: Round
    partner: AnyPartner
    transport: Transport
    seconds: int
    served: bool = False  # since the connection was opened

    def deliver(self, made: Sequence[Made]) -> None:
        """Hand over in order; stops when the partner fails.

        First what can't arrive by itself yet, then the word that tries begin, then the rest.
        """
        reach("outbox.made")
        ended: list[Ended] = []
        for group in _groups(made, self.transport.together):
            ready: list[tuple[Taken, Item]] = []
            for row, content in group:
                self._prepare(row, content, ready, ended)
            if self.round.troubles >= _TROUBLES:
                break
            ours = self.round.desk.turn(ended, [row for row, _ in ready], self.seconds)
            ended = [self._tried(row, item) for row, item in ready if row.id in ours]
            reach("outbox.delivered")
        self.round.desk.turn(ended, (), 0)

    def _prepare(
        self, row: Taken, content: bytes, ready: list[tuple[Taken, Item]], ended: list[Ended]
    ) -> None:
        """All that may be done before a try begins; once the partner fails, nothing."""
        if self.round.troubles >= _TROUBLES:
            return
        try:
            item = self._item(row, content)
            self._again(self.transport.prepare, item)
        except TransportError as error:
            ended.append(self._failed(row, error, begun=False))
        else:
            self.served = True
            ready.append((row, item))

    def _tried(self, row: Taken, item: Item) -> Ended:
        """One try, and what follows from it; none where the partner has just failed."""
        if self.round.troubles >= _TROUBLES:
            return _ended(self.partner, self.round.desk, row, Event.BROKEN, "pas essayé")
        try:
            receipt = self._again(self.transport.deliver, item)
        except TransportError as error:
            return self._failed(row, error)
        self.round.troubles, self.served = 0, True
        self.round.sent[row.kind] = self.round.sent.get(row.kind, 0) + 1
        detail = "; ".join((receipt.proof, *receipt.refused))
        if receipt.refused:
            values = {"partner": self.partner.name, "name": row.file_name}
            values["refused"] = counted(len(receipt.refused), "destinataire(s)")
            self.round.told.append(Anomaly(NOT_EVERYBODY, values=values))
        personal = item.kind in PERSONAL
        digest = None if personal else hashlib.sha256(item.content).hexdigest()
        return _ended(self.partner, self.round.desk, row, Event.DELIVERED, detail, digest)

    def _again(self, act: Callable[[Item], T], item: Item) -> T:
        """A connection that served before and is gone is opened again, once."""
        try:
            self.transport.open()
            return act(item)
        except UnreachableError as error:
            if not (error.link and self.served):
                raise
        self.served = False
        self.transport.open()
        return act(item)

    def _failed(self, row: Taken, error: TransportError, *, begun: bool = True) -> Ended:
        if isinstance(error, BarredError) or (isinstance(error, UnreachableError) and error.link):
            self.round.troubles = _TROUBLES
        elif not isinstance(error, RefusedError) and not row.story.doubt:
            self.round.troubles += 1
        self.round.told.append(error.anomaly(self.partner.name, row.file_name))
        event = _event(error, begun=begun)
        return _ended(self.partner, self.round.desk, row, event, error.why)

    def _item(self, row: Taken, content: bytes) -> Item:
        """Raises RefusedError when the name it would bear isn't one we let out."""
        stem, _, suffix = row.file_name.rpartition(".")
        slots = {
            "name": row.file_name,
            "stem": stem,
            "suffix": suffix,
            "id": str(row.id),
            "kind": row.kind,
            "recipient": row.recipient,
        }
        name = self.partner.named(**slots)
        if not _NAME.fullmatch(name):
            raise RefusedError("le nom du fichier chez lui n'est pas admis")
        now, doubt = self.round.desk.now, row.story.doubt
        return Item(row.key, name, content, row.kind, row.address, slots, now, doubt)


def _event(error: TransportError, *, begun: bool) -> Event:
    if isinstance(error, UncertainError):
        return Event.LOST if error.checkable else Event.UNCERTAIN
    if isinstance(error, RefusedError):
        return Event.REFUSED
    return Event.BROKEN if begun else Event.UNBEGUN


def _ended(
    partner: Partner, desk: Desk, row: Taken, event: Event, detail: str, digest: str | None = None
) -> Ended:
    so_far = replace(
        row.story,
        attempts=row.story.attempts + 1,
        first_at=row.story.first_at or desk.now,
        doubt=row.story.doubt and event is Event.UNBEGUN,
    )
    patience = Patience(partner.attempts, timedelta(hours=partner.deadline_h))
    return Ended(row, event, decide(event, so_far, desk.now, patience), detail, digest)


def _groups(made: Sequence[Made], size: int) -> Iterator[Sequence[Made]]:
    return (made[at : at + size] for at in range(0, len(made), size))

"""An outbox with rows of invented documents, and partners given as their files' content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, text

from config.partners import AnyPartner, FolderPartner, load_partners
from formats.common.anomaly import Anomaly
from integration.database.engine import make_engine
from integration.database.tables import organisation, outbox
from integration.executors import SerialExecutor
from integration.outbox import Outbox
from integration.outbox.by_hand import Hand

NOW: Final = datetime(2026, 3, 31, 20, tzinfo=UTC)


def content_of(subject: int, lines: int = 2000) -> bytes:
    """The bytes of a document, its own, with lines that begin with a dot: 26 kB and more."""
    return f".document {subject}\r\n".encode() * lines


@dataclass
class Post:
    """The outbox and the clock of whoever sends."""

    engine: Engine
    home: Path
    now: datetime = NOW
    lines: int = 2000  # of each document
    partners: dict[str, AnyPartner] = field(default_factory=dict)

    def partner(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a partner's file; without `takes` it takes every B2 file."""
        folder = self.home / "partners"
        folder.mkdir(exist_ok=True)
        whole = {"takes": [{"kind": "b2"}], **content}
        (folder / f"{name}.toml").write_text(
            "".join(f"{k} = {toml(v)}\n" for k, v in whole.items())
        )
        self.partners = load_partners(folder)

    def put(self, *names: str, kind: str = "b2") -> None:
        """Rows to do, numbered on from those that are there."""
        with self.engine.begin() as connection:
            last = connection.scalar(text("SELECT coalesce(max(id), 0) FROM outbox"))
            rows = [
                {
                    "id": id_,
                    "organisation_id": 1,
                    "key": f"{kind}:1:{name}",
                    "kind": kind,
                    "partner": "folder",
                    "file_name": name,
                    "subject_id": id_,
                    "state": "todo",
                }
                for id_, name in enumerate(names, last + 1)
            ]
            connection.execute(insert(outbox), rows)

    def outbox(self) -> Outbox:
        """What sends, as the application composes it."""
        own = FolderPartner(name="folder", folder=self.home / "outbox", folders={"b2": "b2"})
        makers = dict.fromkeys(("b2", "invoice_pdf", "night_report"), self.contents)
        partners = {"folder": own, **self.partners}
        return Outbox(self.engine, 1, self.home, partners, makers, SerialExecutor())

    def contents(
        self, connection: Connection, subjects: list[int], executor: Executor
    ) -> Iterable[bytes]:
        """The maker of every kind."""
        return [content_of(subject, self.lines) for subject in subjects]

    def send(self, **later: float) -> list[Anomaly]:
        """Send, after some time; what is told."""
        self.now += timedelta(**later)
        told: list[Anomaly] = []
        self.outbox().send(self.now, told)
        return told

    @contextmanager
    def hand(self) -> Iterator[Hand]:
        """A person at work."""
        with self.engine.begin() as connection:
            yield Hand(connection, 1, self.now)

    def states(self) -> dict[str, str]:
        """Each file's state."""
        return dict(self.rows("SELECT file_name, state FROM outbox ORDER BY id"))

    def events(self, name: str) -> list[str]:
        """The story of a file."""
        found = self.rows(
            "SELECT e.event FROM outbox_event e JOIN outbox o ON o.id = e.outbox_id"
            f" WHERE o.file_name = '{name}' ORDER BY e.sequence"
        )
        return [event for (event,) in found]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def execute(self, sql: str) -> None:
        """Change something behind the program's back."""
        with self.engine.begin() as connection:
            connection.execute(text(sql))


def codes(told: Iterable[Anomaly]) -> list[str]:
    """Their codes."""
    return [one.code.id for one in told]


def toml(value: object) -> str:
    """A TOML literal."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@contextmanager
def opened(url: str, home: Path) -> Iterator[Post]:
    """An outbox on a migrated, empty database."""
    home.mkdir()
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(organisation).values(id=1, code="DURAND", zone="Europe/Paris"))
    yield Post(engine, home)
    engine.dispose()

"""Deliberately broken twins of the night: each is what a hurried hand could write.

Each is applied in the child alone. A sweep that doesn't catch them proves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, update

from integration import inbox
from integration.database.tables import billed_part
from integration.database.tables import outbox as outbox_table
from integration.failpoints import reach
from integration.inbox import Imported, Office, Outcome
from integration.outbox.send import Made, Way
from integration.posting import write
from integration.posting.rows import Rows
from integration.transport import folder as folder_transport


def marks_before_delivering() -> None:
    """The outbox row says « sent » before the file is there."""
    deliver = Way.deliver

    def hurried(self: Way, made: Sequence[Made]) -> None:
        with self.round.desk.engine.begin() as connection:
            for row, content in made:
                digest = hashlib.sha256(content).hexdigest()
                connection.execute(
                    update(outbox_table)
                    .where(outbox_table.c.id == row.id)
                    .values(state="sent", sha256=digest)
                )
        reach("twin.marked")
        deliver(self, made)

    Way.deliver = hurried  # type: ignore[method-assign]


def delivers_in_place() -> None:
    """The file grows under its final name."""

    def careless(folder: Any, name: str, content: bytes) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as file:
            file.write(content[: len(content) // 2])
            reach("twin.half")
            file.write(content[len(content) // 2 :])
        return hashlib.sha256(content).hexdigest()

    folder_transport.deliver = careless  # type: ignore[assignment]


def commits_numbers_first() -> None:
    """Numbers and ids are taken in a transaction of their own: a kill leaves a gap."""
    take = write.take_slots

    def apart(connection: Connection, organisation_id: int, plan: Any) -> Any:
        slots = take(connection, organisation_id, plan)
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")
        return slots

    write.take_slots = apart  # type: ignore[assignment]


def commits_each_table() -> None:
    """Documents, lines and entries are committed one after the other."""
    insert = write.insert_rows

    def apart(connection: Connection, *arguments: Any) -> None:
        insert(connection, *arguments)
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")

    write.insert_rows = apart  # type: ignore[assignment]


def moves_before_committing() -> None:
    """A file of readings is filed away, then its content is written."""
    process = inbox._process

    def eager(office: Office, claim: Any) -> Imported:
        if claim.name != "31-releves.csv":
            return process(office, claim)
        assumed = Imported(claim.name, claim.flow, Outcome.IMPORTED)
        kept = inbox._file_away(office, claim, assumed)
        reach("twin.moved")
        return inbox._import(office, replace(claim, path=kept))

    inbox._process = eager  # type: ignore[assignment]


def forgets_parts() -> None:
    """No billed part is written: nothing says that a week was billed."""
    tables = Rows.tables

    def without(self: Rows) -> Iterator[Any]:
        return (one for one in tables(self) if one[0] is not billed_part)

    Rows.tables = without  # type: ignore[method-assign]


TWINS: Final[dict[Callable[[], None], tuple[str, ...]]] = {
    marks_before_delivering: ("twin.marked",),
    delivers_in_place: ("twin.half",),
    commits_numbers_first: ("post.numbered",),
    commits_each_table: ("post.document_line",),
    moves_before_committing: ("twin.moved",),
    forgets_parts: ("care.chunk",),
}
"""Each twin with the failpoints where it shows."""

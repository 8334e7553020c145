"""Where the account goes: three files in `reports/`, and a row of the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from datetime import date
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import Connection, select

from formats.common.anomaly import AnomaliesFound, Anomaly, Code
from integration.database.bulk import insert_rows, reserve_ids
from integration.database.tables import outbox
from integration.durable import write_whole
from integration.flows.night_report import Account, kept
from integration.reporting.book import book
from integration.reporting.mail import mail
from integration.reporting.page import page
from integration.reporting.text import text

NO_VIEW: Final = Code(
    "RUN-191",
    "« {name} » n'est pas un nom de compte rendu.",
    "Finissez-le par .html, .xlsx, .txt, .eml ou .json.",
)
KIND: Final = "night_report"
_COLUMNS: Final = (
    "id", "organisation_id", "key", "kind", "partner", "file_name", "subject_id", "state",
)  # fmt: skip

VIEWS: Final[dict[str, Callable[[Account], bytes]]] = {
    ".json": lambda account: orjson.dumps(account, option=orjson.OPT_INDENT_2),
    ".html": lambda account: page(account).encode(),
    ".xlsx": book,
    ".txt": lambda account: text(account).encode(),
    ".eml": mail,
}
"""How an account is written, by the ending of the file."""
_PUBLISHED: Final = (".json", ".html", ".xlsx")


def publish(folder: Path, account: Account) -> None:
    """The account under the day's name; written again, it replaces itself: a night that is cut
    and run again reports once."""
    folder.mkdir(parents=True, exist_ok=True)
    for ending in _PUBLISHED:
        write(folder / f"nuit-{account['day']}{ending}", account)


def write(file: Path, account: Account) -> None:
    """One view, by the file's ending, whole or not at all. Raises AnomaliesFound (RUN-141)."""
    view = VIEWS.get(file.suffix.lower())
    if view is None:
        raise AnomaliesFound(Anomaly(NO_VIEW, values={"name": file.name}))
    write_whole(file, view(account))


def announce(connection: Connection, organisation_id: int, day: date) -> None:
    """The row of the outbox that carries the account of a day, once."""
    key = f"{KIND}:{organisation_id}:{day.isoformat()}"
    if connection.scalar(select(outbox.c.id).where(outbox.c.key == key)):
        return
    id_, name = reserve_ids(connection, "outbox", 1), f"nuit-{day.isoformat()}.eml"
    row = (id_, organisation_id, key, KIND, "folder", name, day.toordinal(), "todo")
    insert_rows(connection, outbox, _COLUMNS, [row])


def mail_maker(
    organisation_id: int,
) -> Callable[[Connection, list[int], Executor], Iterable[bytes]]:
    """What the outbox calls for rows of kind `night_report`; their subject is the day's ordinal."""

    def make(connection: Connection, subjects: list[int], executor: Executor) -> Iterable[bytes]:
        del executor  # a mail is made in milliseconds
        return [
            mail(kept(connection, organisation_id, date.fromordinal(subject)))
            for subject in subjects
        ]

    return make

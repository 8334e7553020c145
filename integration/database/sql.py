"""SQL kept in files under `-- :name` headings; sets of ids bind the same on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from integration.database.engine import is_sqlite, raw_cursor

_HEADING = re.compile(r"^-- :(\w+).*$", re.MULTILINE)
_SET = re.compile(r"\{(\w+)\}")
_BIND = re.compile(r"(?<!:):(\w+)")


class Queries:
    """The queries of one .sql file."""

    def __init__(self, path: Path) -> None:
        pieces = _HEADING.split(path.read_text("utf-8"))
        self._sql = dict(zip(pieces[1::2], map(str.strip, pieces[2::2]), strict=True))

    def rows(self, connection: Connection, name: str, **values: object) -> list[tuple[Any, ...]]:
        """All rows of a query, as the driver gives them. `{ids}` slots take iterables of ints."""
        embedded = is_sqlite(connection)
        bound = {k: _bound(v, embedded) for k, v in values.items()}
        with raw_cursor(connection) as raw:
            raw.execute(_dialect(self._sql[name], embedded), bound)
            found: list[tuple[Any, ...]] = raw.fetchall()
            return found


def _bound(value: object, embedded: bool) -> object:
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        ids = list(value)
        return orjson.dumps(ids).decode() if embedded else ids
    return value.isoformat() if embedded and hasattr(value, "isoformat") else value


@cache
def _dialect(sql: str, embedded: bool) -> str:
    if embedded:
        return _SET.sub(r"IN (SELECT value FROM json_each(:\1))", sql)
    return _BIND.sub(r"%(\1)s", _SET.sub(r"= ANY(:\1)", sql))

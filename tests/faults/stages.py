"""Homes to break: made once, or played once, and copied for each run, on each database."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from integration.database.migrations import upgrade
from tests.faults.killing import run
from tests.faults.scenario import Files, Home, found, play
from tests.plugins.postgresql import Cluster

EMPTY: Final = "empty"
PLAYED: Final = "played"


@dataclass
class Stage:
    """Where fresh homes come from.

    Without a server the database is a file of the home, copied with it; else the server copies it.
    """

    folder: Path
    server: Cluster | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def build(self) -> Stage:
        """Make the home that is copied."""
        home = self._home(EMPTY)
        (home.folder / "state").mkdir(parents=True)
        self._execute(f"create database faults_{EMPTY}")
        upgrade(home.url)
        found(home)
        return self

    @contextmanager
    def fresh(self, source: str = EMPTY) -> Iterator[Home]:
        """A copy in a folder and a database of its own, gone at the end."""
        name = f"{os.getpid()}_{next(self.numbers)}"
        yield self._copy(source, name)
        shutil.rmtree(self.folder / name)
        self._execute(f"drop database faults_{name} with (force)")

    @contextmanager
    def played(self, arrivals: Mapping[date, Files]) -> Iterator[Home]:
        """As `fresh`, after these nights; they are played once, and are always the same."""
        if not (self.folder / PLAYED).exists():
            with self.fresh() as home:
                run(lambda: play(home, arrivals))
                self._copy(home.folder.name, PLAYED)
        with self.fresh(PLAYED) as home:
            yield home

    def _copy(self, source: str, name: str) -> Home:
        self._execute(f"create database faults_{name} template faults_{source} strategy file_copy")
        shutil.copytree(self.folder / source, self.folder / name)
        return self._home(name)

    def _home(self, name: str) -> Home:
        folder = self.folder / name
        embedded = f"sqlite:///{folder}/state/echeance.db"
        return Home(folder, self.server.url(f"faults_{name}") if self.server else embedded)

    def _execute(self, statement: str) -> None:
        if self.server:
            with self.server.connect() as admin:
                admin.execute(statement)

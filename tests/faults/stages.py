"""Homes to break: made once, copied for each run, on each database."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from integration.database.migrations import upgrade
from tests.faults.scenario import Home, found
from tests.plugins.postgresql import Cluster


class Stage(Protocol):
    """Where fresh homes come from."""

    def fresh(self) -> contextmanager[Home]:  # type: ignore[type-arg]
        """A new copy of the home, gone at the end."""


@dataclass
class SqliteStage:
    """The database is a file of the home: both are copied as one folder."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def build(self) -> SqliteStage:
        """Make the home that is copied."""
        home = self._home(self.folder / "template")
        (home.folder / "state").mkdir(parents=True)
        upgrade(home.url)
        found(home)
        return self

    @contextmanager
    def fresh(self) -> Iterator[Home]:
        """A copy in a folder of its own."""
        home = self._home(self.folder / f"{os.getpid()}-{next(self.numbers)}")
        shutil.copytree(self.folder / "template", home.folder)
        yield home
        shutil.rmtree(home.folder)

    def _home(self, folder: Path) -> Home:
        return Home(folder, f"sqlite:///{folder}/state/echeance.db")


@dataclass
class PostgresqlStage:
    """The database is copied by the server."""

    folder: Path
    server: Cluster
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def build(self) -> PostgresqlStage:
        """Make the home that is copied."""
        home = Home(self.folder / "template", self.server.url("template_faults"))
        (home.folder / "state").mkdir(parents=True)
        self._execute("create database template_faults")
        upgrade(home.url)
        found(home)
        return self

    @contextmanager
    def fresh(self) -> Iterator[Home]:
        """A copy in a folder and a database of its own."""
        name = f"faults_{os.getpid()}_{next(self.numbers)}"
        self._execute(f"create database {name} template template_faults")
        home = Home(self.folder / name, self.server.url(name))
        shutil.copytree(self.folder / "template", home.folder)
        yield home
        shutil.rmtree(home.folder)
        self._execute(f"drop database {name} with (force)")

    def _execute(self, statement: str) -> None:
        with self.server.connect() as admin:
            admin.execute(statement)

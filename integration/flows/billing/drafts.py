"""Drafts: what a large group would bill, rated in slices and laid aside until it is shaped."""

from __future__ import annotations

import json
import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from billing.contracts.engine import ContractRating, RuleRating
from integration.flows.billing.gather import Book

_TABLE: Final = "CREATE TABLE draft (contract_id INTEGER PRIMARY KEY, content BLOB NOT NULL)"
_FIND: Final = (
    "SELECT content FROM draft WHERE contract_id IN (SELECT value FROM json_each(?)) "
    "ORDER BY contract_id"
)


class Drafts:
    """A table of rated contracts on a disk of its own: nobody else's, gone with its process.

    Beside the database and not in it: a simulation writes nothing there, and a run that is
    killed leaves nothing behind.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, ratings: Iterable[ContractRating], book: Book) -> None:
        """Lay ratings aside, with what the book knows about their rules, payers and sites."""
        self._connection.executemany(
            "INSERT INTO draft VALUES (?, ?)",
            ((one.contract.id, pickle.dumps(_kept(one, book), -1)) for one in ratings),
        )

    def of(self, contracts: Iterable[int]) -> tuple[list[ContractRating], Book]:
        """The ratings of these contracts, in id order, and the book of their slices."""
        ratings, book = [], Book()
        for (content,) in self._connection.execute(_FIND, (json.dumps(list(contracts)),)):
            rating, states, names, snapshots = pickle.loads(content)  # noqa: S301 - our own
            ratings.append(rating)
            book.states.update(states)
            book.names.update(names)
            book.snapshots.update(snapshots)
        return ratings, book


@contextmanager
def open_drafts() -> Iterator[Drafts]:
    """An empty table; SQLite keeps it in a nameless file, and removes it at the end."""
    connection = sqlite3.connect("", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute(_TABLE)
        yield Drafts(connection)
    finally:
        connection.close()


def _kept(rating: ContractRating, book: Book) -> tuple[object, ...]:
    """A rating without what only rating needed, and its pages of the book."""
    rules = tuple(
        RuleRating(one.rule._replace(terms=None, cost_lines=(), assets=(), meters=()), one.rated)
        for one in rating.rules
    )
    costs = (line.cost_line for one in rules for line in one.rated.lines)
    addresses = {(cost.payer_id, cost.site_id) for cost in costs}
    return (
        rating._replace(contract=rating.contract._replace(modules=()), rules=rules),
        {one.rule.id: book.states[one.rule.id] for one in rules},
        {one.rule.id: book.names[one.rule.id] for one in rules},
        {address: book.snapshots[address] for address in addresses},
    )

"""Acknowledgements read, written and checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO, Final

from formats.arl.layout import OURS, Acknowledgement
from formats.common.anomaly import AnomaliesFound, Code
from formats.fixedwidth import Layout, layout
from formats.judge import Judge
from formats.report import LIMIT, Report
from formats.runon import records_in, write_checked

VERDICT = Code(
    "FMT-231",
    "L'accusé porte le sens « {value} », qui n'est ni P ni N.",
    "Demandez l'accusé d'origine au frontal.",
)
REASON = Code(
    "FMT-232",
    "Le motif « {value} » ne va pas avec le sens de l'accusé : un refus en porte un, sinon aucun.",
    "Demandez l'accusé d'origine au frontal.",
)
HOUR = Code(
    "FMT-233",
    "L'heure de réception « {value} » n'existe pas.",
    "Demandez l'accusé d'origine au frontal.",
)

_TABLE: Final[Layout[Any]] = layout(Acknowledgement)


def detect(head: bytes) -> bool:
    """Does a file that begins so look like acknowledgements?"""
    return head[:3] == b"ARL"


def read(stream: BinaryIO, file: str = "") -> tuple[Acknowledgement, ...]:
    """Every acknowledgement; raises AnomaliesFound when something is wrong with one of them."""
    checker = _Checker(file)
    items = tuple(records_in(stream, _table_of, checker.found, file))
    checker.take_all(items)
    report = checker.report()
    if not report.sound:
        raise AnomaliesFound(*report.anomalies)
    return items


def write(acknowledgements: Iterable[Acknowledgement]) -> bytes:
    """Records run on, read back and checked; raises AnomaliesFound with what would be refused."""
    return write_checked(acknowledgements, OURS, _table_of, _Checker())


def check(stream: BinaryIO, file: str = "", limit: int = LIMIT) -> Report:
    """Every broken rule of a stream, in flat memory; never raises on its content."""
    checker = _Checker(file, limit)
    checker.take_all(records_in(stream, _table_of, checker.found, file))
    return checker.report()


def _table_of(raw: bytes) -> Layout[Any] | None:
    return _TABLE if raw[:1] == b"A" else None


class _Checker(Judge):
    followers = {None: {Acknowledgement}, Acknowledgement: {Acknowledgement}}  # noqa: RUF012
    end = None

    def _acknowledgement(self, item: Acknowledgement) -> None:
        if item.verdict not in ("P", "N"):
            self._says(VERDICT, "verdict")
        elif item.positive == bool(item.reason):
            self._says(REASON, "reason")
        hour, minute, second = (int(item.received_at[at : at + 2]) for at in (0, 2, 4))
        if hour > 23 or minute > 59 or second > 59:
            self._says(HOUR, "received_at")
        self._not_after("batch_created_on", item.received_on, "date de réception")

    handlers = {Acknowledgement: _acknowledgement}  # noqa: RUF012
